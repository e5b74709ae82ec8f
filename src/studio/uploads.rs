//! `Uploads`: files that clients sent, kept until the server ends.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{body::Body, http::StatusCode};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::refusal::{Answer, Refusal};
use crate::error::{Error, Kind};

/// Largest file, bytes.
pub(crate) const LARGEST: u64 = 512 << 20;
/// All files together, bytes.
const ALL: u64 = 1 << 30;

/// A file that a client sent.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    /// Where it lies.
    pub(crate) path: PathBuf,
    /// As the client called it.
    pub(crate) name: String,
    /// Its size.
    pub(crate) bytes: u64,
}

/// What clients sent.
pub(crate) struct Uploads {
    folder: tempfile::TempDir,
    files: Mutex<BTreeMap<String, Sent>>,
    all: AtomicU64,
    next: AtomicU64,
}

impl Uploads {
    /// A folder of their own, removed with the server.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new() -> Result<Uploads, Error> {
        let folder = tempfile::Builder::new().prefix("digits-rs-").tempdir();
        let folder = folder.map_err(|source| Error::io("make a folder in", &std::env::temp_dir(), &source))?;
        let (all, next) = (AtomicU64::new(0), AtomicU64::new(1));
        Ok(Uploads { folder, files: Mutex::default(), all, next })
    }

    /// The folder, for what else lives as long as the server.
    #[must_use]
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// The file of an id.
    ///
    /// # Errors
    /// 404 when there is none.
    pub(crate) fn file(&self, id: &str) -> Answer<Sent> {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.get(id).cloned().ok_or_else(|| Refusal::not_found("upload", id))
    }

    /// Keeps a body as it comes; what is too large is thrown away at the limit.
    ///
    /// # Errors
    /// 413 when it is too large, 400 when it breaks off.
    pub(crate) async fn keep(&self, name: &str, body: Body) -> Answer<(String, Sent)> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        let name: String =
            name.rsplit(['/', '\\']).next().unwrap_or_default().chars().filter(|c| !c.is_control()).take(200).collect();
        let ending: String = name
            .rsplit_once('.')
            .map_or("", |(_, ending)| ending)
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .take(12)
            .collect();
        let id = format!("u{number}");
        let path = self.folder.path().join(format!("{id}.{ending}"));
        let unwritable = |source: std::io::Error| {
            Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, &Error::io("write", &path, &source))
        };
        let mut file = tokio::fs::File::create(&path).await.map_err(unwritable)?;
        let (mut bytes, mut parts) = (0u64, body.into_data_stream());
        let kept = loop {
            let Some(part) = parts.next().await else { break Ok(()) };
            let Ok(part) = part else { break Err(Refusal::usage("the upload broke off")) };
            bytes += part.len() as u64;
            if bytes > LARGEST || self.all.load(Ordering::Relaxed) + bytes > ALL {
                let page = Error::new(Kind::Usage, "the upload is too large")
                    .with_fact("at most", format!("{} MiB, {} MiB together", LARGEST >> 20, ALL >> 20))
                    .with_help("put the file below the server's folder and name its path");
                break Err(Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &page));
            }
            if let Err(source) = file.write_all(&part).await {
                break Err(unwritable(source));
            }
        };
        let flushed = file.flush().await;
        if let Err(refusal) = kept.and(flushed.map_err(unwritable)) {
            let _ = tokio::fs::remove_file(&path).await;
            return Err(refusal);
        }
        self.all.fetch_add(bytes, Ordering::Relaxed);
        let sent = Sent { path, name, bytes };
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sent.clone());
        Ok((id, sent))
    }
}
