//! The same images through several snapshots of a job: how its answer grew.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::label_view;
use crate::{
    data::Records,
    error::{Error, Kind, Result},
    inspect::{
        output_kind::OutputKind,
        picture::Picture,
        reconstruction,
        values::{of_output, values},
    },
    nn::{Activity, Context, Mode},
    tasks::{snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
};

/// Where a strip's folder says how many records the database has: whoever asks for pictures knows then which there are.
pub const STRIP_OF: &str = "records.txt";

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The epoch of the snapshot.
    pub epoch: f64,
    /// The database.
    pub database: PathBuf,
    /// How many of its records: [`strip_records`] says which.
    pub rows: usize,
    /// The folder for `IN-INDEX.png` and `EPOCH-INDEX.png`; it is there.
    pub out: PathBuf,
}

/// The records of a strip with so many rows, of a database with `all` records: a few apart where there are enough.
#[must_use]
pub fn strip_records(rows: usize, all: u64) -> Vec<u64> {
    let apart = |row: u64| row * 7 + 3;
    let rows = (rows as u64).min(all);
    let fits = rows > 0 && apart(rows - 1) < all;
    (0..rows).map(|row| if fits { apart(row) } else { row }).collect()
}

/// Draws one column: what the network of one snapshot makes of the records.
///
/// # Errors
/// When job, snapshot or records cannot be read, or the output is no image.
pub fn strip(request: &StripRequest) -> Result<()> {
    let job = Trained::open(&request.job, SnapshotChoice::Epoch(request.epoch), DeviceChoice::Cpu)?;
    draw(&job, request)
}

fn draw(job: &Trained, request: &StripRequest) -> Result<()> {
    let network = job.network();
    let kind = job.output_kind()?;
    let write = |name: String, picture: Option<Picture>| {
        let picture = picture.ok_or_else(|| Error::new(Kind::Shape, "the network's output is no image"))?;
        crate::job::replace(&request.out.join(name), &picture.png()?)
    };
    let all = Records::open(&request.database, None)?.len();
    for index in strip_records(request.rows, all) {
        let (original, input, _) = job.sample(&request.database, index)?;
        let size = original.size();
        let batch: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.f_unsqueeze(0)?.into();
        let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate)))?;
        let (raw, given, (shape, made)) = (values(&original)?, values(&input)?, of_output(&output)?);
        let drawn = match kind {
            OutputKind::LabelImage => label_view::drawn(&shape, &made, job.labels(), None).map(|drawn| drawn.labels),
            OutputKind::Reconstruction => reconstruction::restored(&size, &raw, &given, &made),
            OutputKind::Image => Picture::stretched(&shape, &made),
            _ => None,
        };
        write(format!("{}-{index}.png", request.epoch), drawn)?;
        write(format!("in-{index}.png"), Picture::image(&size, &raw, 0.0, 255.0))?;
    }
    crate::job::replace(&request.out.join(STRIP_OF), all.to_string().as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Image,
        tasks::{
            inference::database::tests::images,
            trained::tests::{AUTOENCODER, CLASSIFIER, trained},
        },
    };

    #[test]
    fn only_records_that_are_there_are_taken() {
        assert_eq!(strip_records(3, 100), [3, 10, 17]);
        assert_eq!(strip_records(3, 18), [3, 10, 17]);
        assert_eq!(strip_records(3, 10), [0, 1, 2]);
        assert_eq!(strip_records(12, 2), [0, 1]);
    }

    #[test]
    fn label_images_are_drawn_in_their_colours_and_what_is_no_image_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let (database, out) = (images(dir.path()), dir.path().join("strip"));
        std::fs::create_dir(&out).unwrap();
        let request = StripRequest { job: dir.path().into(), epoch: 1.0, database, rows: 3, out: out.clone() };
        let labels = "local scores = nn.SpatialConvolution(1, 2, 1, 1)\n\
            scores.weight:copy(torch.Tensor{-1, 1}:viewAs(scores.weight))\n\
            scores.bias:copy(torch.Tensor{100, -100})\n\
            return { model = nn.Sequential():add(scores):add(nn.LogSoftMax()), loss = nn.SpatialClassNLLCriterion() }\n";
        draw(&trained(labels, &["dark", "bright"]), &request).unwrap();
        let drawn = |name: &str| Image::open(&out.join(name)).unwrap().pixels[..3].to_vec();
        assert_eq!(drawn("1-0.png"), crate::inspect::label_image::color(0));
        assert_eq!(drawn("1-1.png"), crate::inspect::label_image::color(1));
        assert_eq!(std::fs::read_to_string(out.join(STRIP_OF)).unwrap(), "4");
        draw(&trained(AUTOENCODER, &[]), &request).unwrap();
        let page = draw(&trained(CLASSIFIER, &["dark", "bright"]), &request).unwrap_err();
        assert_eq!(page.kind(), Kind::Shape);
    }
}
