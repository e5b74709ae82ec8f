//! The same images through several snapshots of a job: how its answer grew.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    inspect::{picture::Picture, values::values},
    nn::{Activity, Context, Mode},
    tasks::{snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
};

/// What is drawn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StripRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The epoch of the snapshot.
    pub epoch: f64,
    /// The database, and which of its records.
    pub database: PathBuf,
    /// From 0.
    pub records: Vec<u64>,
    /// The folder for `IN-INDEX.png` and `EPOCH-INDEX.png`; it is there.
    pub out: PathBuf,
}

/// Draws one column: what the network of one snapshot makes of the records.
///
/// # Errors
/// When job, snapshot or records cannot be read, or the output is no image.
pub fn strip(request: &StripRequest) -> Result<()> {
    let job = Trained::open(&request.job, SnapshotChoice::Epoch(request.epoch), DeviceChoice::Cpu)?;
    let network = job.network();
    let write = |name: String, picture: Option<Picture>| {
        let picture = picture.ok_or_else(|| Error::new(Kind::Shape, "the network's output is no image"))?;
        crate::job::replace(&request.out.join(name), &picture.png()?)
    };
    for &index in &request.records {
        let (original, input, _) = job.sample(&request.database, index)?;
        let size = original.size();
        let batch: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.f_unsqueeze(0)?.into();
        let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate)))?;
        let (raw, given, made) = (values(&original)?, values(&input)?, values(output.tensor()?)?);
        if made.len() != raw.len() {
            return Err(Error::new(Kind::Shape, "the network's output has another size than its input"));
        }
        let restored: Vec<f32> =
            made.iter().zip(raw.iter().zip(&given)).map(|(made, (raw, given))| made + raw - given).collect();
        write(format!("in-{index}.png"), Picture::image(&size, &raw, 0.0, 255.0))?;
        write(format!("{}-{index}.png", request.epoch), Picture::image(&size, &restored, 0.0, 255.0))?;
    }
    Ok(())
}
