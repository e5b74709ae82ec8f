//! One image through a job's network: DIGITS' "Test One".

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    classification, defaults,
    folder::{self, Written},
};
use crate::{
    data::Target,
    error::Result,
    inspect::{
        files,
        output_kind::OutputKind,
        output_view::{Order, Pixels},
        report::TestOne,
        test_one,
    },
    tasks::{panic, snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
};

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRequest {
    /// The job directory.
    pub job: PathBuf,
    /// The image (PNG, JPEG, BMP, GIF, TIFF, WebP or PNM), an array (`.npy`, `.npz`, `.t7`), or, with `record`, a database.
    pub image: PathBuf,
    /// Which record of the database, from 0.
    #[serde(default)]
    pub record: Option<u64>,
    /// What the output is shown as; what it is when not given.
    #[serde(default)]
    pub view: Option<OutputKind>,
    /// How an output image becomes grey levels.
    #[serde(default)]
    pub pixels: Pixels,
    /// How the numbers of an output image lie.
    #[serde(default)]
    pub order: Order,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// How many of the likeliest classes are listed.
    #[serde(default = "defaults::top")]
    pub top: u64,
    /// Where it is computed; the processor when not given.
    #[serde(default = "defaults::device")]
    pub device: DeviceChoice,
    /// Folder for the page and the pictures; by default `test-NAME` inside the job.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

impl ImageRequest {
    /// This image of this job, everything else as it is when nobody asks.
    #[must_use]
    pub fn new(job: PathBuf, image: PathBuf) -> ImageRequest {
        ImageRequest {
            job,
            image,
            record: None,
            view: None,
            pixels: Pixels::default(),
            order: Order::default(),
            snapshot: SnapshotChoice::default(),
            top: defaults::top(),
            device: defaults::device(),
            out: None,
        }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ImageReport {
    /// The image.
    pub image: PathBuf,
    /// Every layer, the comparison, the likeliest classes.
    pub result: TestOne,
    /// Sentences about how the job was opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// The page, `report.json` and the pictures.
    pub written: Written,
}

/// Sends the image through the network and writes the page and the pictures.
///
/// # Errors
/// When job, snapshot or image cannot be read, the image does not fit the network, or the folder cannot be written.
pub fn image(request: &ImageRequest) -> Result<ImageReport> {
    panic::guarded(|| look_into(&Trained::open(&request.job, request.snapshot, request.device)?, request))
}

fn look_into(job: &Trained, request: &ImageRequest) -> Result<ImageReport> {
    let mut facts = job.facts();
    facts.push(("image".into(), request.image.display().to_string()));
    let (original, input, truth) = match request.record {
        None => {
            let (original, input) = job.image(&request.image)?;
            (original, input, None)
        }
        Some(index) => {
            facts.push(("record".into(), index.to_string()));
            let (original, input, target) = job.sample(&request.image, index)?;
            let truth = job.pixel_classes(&input, &target)?;
            if let Target::Label(class) = target
                && let Some(label) = usize::try_from(class).ok().and_then(|class| job.labels().get(class))
            {
                facts.push(("it is".into(), label.clone()));
            }
            (original, input, truth)
        }
    };
    // Records of one database have folders of their own, as images of one name have.
    let subject = match request.record {
        Some(index) => request.image.join(format!("record-{index}")),
        None => request.image.clone(),
    };
    let result = test_one::run(&test_one::Subject {
        network: job.network(),
        original: &original,
        input: &input,
        target_is_input: job.target_is_input(),
        view: request.view,
        pixels: request.pixels,
        order: request.order,
        truth,
        labels: job.labels(),
        top: classification::top(request.top)?,
        title: folder::title(&subject),
        facts,
    })?;
    let place = folder::place(request.out.as_deref(), &request.job, &subject);
    let written = folder::write(&place, files::of_image(&result)?)?;
    folder::note_subject(&place, &subject)?;
    Ok(ImageReport { image: request.image.clone(), result, notes: job.notes(), written })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Image,
        tasks::trained::tests::{AUTOENCODER, trained},
    };

    #[test]
    fn an_image_gives_a_page_in_the_job_unless_a_folder_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seven.png");
        Image { width: 4, height: 4, channels: 1, pixels: (0..16).collect() }.save_png(&path).unwrap();
        let request = serde_json::json!({"job": dir.path().join("job"), "image": path});
        let mut request: ImageRequest = serde_json::from_value(request).unwrap();
        assert_eq!((request.top, request.snapshot), (5, SnapshotChoice::Best));
        let job = trained(AUTOENCODER, &[]);
        let report = look_into(&job, &request).unwrap();
        assert!(report.result.reconstruction.is_some());
        assert_eq!(report.written.files[..2], ["index.html", "report.json"]);
        assert!(report.written.page().ends_with("job/test-seven/index.html"), "{:?}", report.written.page());
        assert!(std::fs::read_to_string(report.written.page()).unwrap().contains("<h1>seven.png</h1>"));
        for name in &report.written.files {
            assert!(dir.path().join("job/test-seven").join(name).is_file(), "{name}");
        }
        request.out = Some(dir.path().join("out"));
        assert!(look_into(&job, &request).unwrap().written.page().ends_with("out/index.html"));
    }
}
