//! For tests: a job of a network that is never run.

use std::path::Path;

use super::{DatasetRef, JobDir, JobRecord, NetworkRef};

/// A new job in the folder `path`; its network file is the text `net`.
pub(crate) fn job(path: &Path) -> JobDir {
    let network = NetworkRef { name: "n.lua".into(), blake3: blake3::hash(b"net").to_string(), folder: None };
    let dataset = DatasetRef { path: "d".into(), fingerprint: "f".into() };
    let record = JobRecord::new(network, dataset, 7, serde_json::json!({}), "2.11".into());
    JobDir::create(path, "network.lua", "net", record).unwrap()
}
