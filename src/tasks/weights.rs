//! The weights that a run starts from (`--weights`), found and put into its network.

use std::path::Path;

use super::{prepare::Prepared, t7_weights};
use crate::{
    error::{Error, Kind, Result},
    frontend::Purpose,
    job::JobView,
    train::{Snapshot, Transfer},
};

/// Reads the weights in `path`, puts them into the network of the file, then runs its `fineTuneHook`, as DIGITS does:
/// the hook sees the loaded weights and may take the network apart.
pub(super) fn load(prepared: &mut Prepared, path: &Path) -> Result<Transfer> {
    let mut weights = read(path)?;
    let network = prepared.loaded.lower(Purpose::Training, prepared.settings.kind(), prepared.device.device())?.network;
    if let [(name, flat)] = weights.as_slice()
        && name.is_empty()
    {
        weights = t7_weights::split(flat, &network)?;
    }
    let transfer =
        Transfer::into(&network, &weights).map_err(|e| e.with_fact("weights", path.display().to_string()))?;
    prepared.loaded.begin_with(&network)?;
    drop(network);
    prepared.loaded.fine_tune()?;
    Ok(transfer)
}

/// The weights by name.
fn read(path: &Path) -> Result<Vec<(String, tch::Tensor)>> {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_ascii_lowercase();
    if path.is_dir() {
        let snapshot = JobView::open(path)?.default_snapshot()?;
        return Snapshot::read_weights(&snapshot);
    }
    match ending.as_str() {
        "caffemodel" | "pth" | "pt" | "ckpt" | "h5" => {
            Err(Error::new(Kind::Usage, format!("{} is of a kind that is not read", path.display()))
                .with_help("give a .safetensors or a .t7 file, or a job folder"))
        }
        "t7" => t7_weights::read(path),
        _ => Snapshot::read_weights(path),
    }
}
