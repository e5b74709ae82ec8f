//! One image through a job's network: DIGITS' "Test One".

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    classification, defaults,
    folder::{self, Written},
};
use crate::{
    error::Result,
    inspect::{files, report::TestOne, test_one},
    tasks::{panic, snapshot_choice::SnapshotChoice, trained::Trained},
};

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ImageRequest {
    /// The job directory.
    pub job: PathBuf,
    /// The image: PNG, JPEG, BMP, GIF, TIFF, WebP or PNM.
    pub image: PathBuf,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// How many of the likeliest classes are listed.
    #[serde(default = "defaults::top")]
    pub top: u64,
    /// Folder for the page and the pictures; by default `test-NAME` inside the job.
    #[serde(default)]
    pub out: Option<PathBuf>,
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
    panic::guarded(|| look_into(&Trained::open(&request.job, request.snapshot)?, request))
}

fn look_into(job: &Trained, request: &ImageRequest) -> Result<ImageReport> {
    let (original, input) = job.image(&request.image)?;
    let mut facts = job.facts();
    facts.push(("image".into(), request.image.display().to_string()));
    let result = test_one::run(&test_one::Subject {
        network: job.network(),
        original: &original,
        input: &input,
        labels: job.labels(),
        top: classification::top(request.top)?,
        title: folder::title(&request.image),
        facts,
    })?;
    let place = folder::place(request.out.as_deref(), &request.job, &request.image);
    let written = folder::write(&place, files::of_image(&result)?)?;
    folder::note_subject(&place, &request.image)?;
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
