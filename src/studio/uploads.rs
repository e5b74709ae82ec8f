//! `Uploads`: files that clients sent, kept until the server ends.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::{
    body::{Body, HttpBody as _},
    http::StatusCode,
};
use futures_util::StreamExt as _;
use tokio::io::AsyncWriteExt as _;

use super::{
    given_names::GivenNames,
    refusal::{Answer, Refusal},
    scratch::Scratch,
};
use crate::error::{Error, Kind};

/// How much clients may send, bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    /// Of one file.
    pub(crate) largest: u64,
    /// Of all files together.
    pub(crate) all: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits { largest: 512 << 20, all: 1 << 30 }
    }
}

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
    folder: Scratch,
    files: Mutex<BTreeMap<String, Sent>>,
    names: Arc<GivenNames>,
    limits: Limits,
    /// Bytes kept, and those on their way.
    all: AtomicU64,
    next: AtomicU64,
}

/// Room that an upload holds while it is on its way; given back unless it is kept.
struct Held<'a> {
    all: &'a AtomicU64,
    bytes: u64,
}

impl Held<'_> {
    /// Room for `more` bytes, when there is.
    fn take(&mut self, more: u64, limits: Limits) -> bool {
        self.bytes += more;
        self.all.fetch_add(more, Ordering::Relaxed) + more <= limits.all && self.bytes <= limits.largest
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.all.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Uploads {
    /// A folder of their own below that of temporary files, removed with the server.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn new(limits: Limits) -> Result<Uploads, Error> {
        let folder = Scratch::new(&std::env::temp_dir())?;
        let (all, next) = (AtomicU64::new(0), AtomicU64::new(1));
        let names = Arc::new(GivenNames::new(folder.path()));
        Ok(Uploads { folder, files: Mutex::default(), names, limits, all, next })
    }

    /// The folder, for what else lives as long as the server.
    #[must_use]
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// How the files are called that clients sent, or the server made of those.
    #[must_use]
    pub(crate) fn names(&self) -> Arc<GivenNames> {
        Arc::clone(&self.names)
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
            let is_full = matches!(source.raw_os_error(), Some(libc::ENOSPC | libc::EDQUOT));
            let status = if is_full { StatusCode::INSUFFICIENT_STORAGE } else { StatusCode::INTERNAL_SERVER_ERROR };
            Refusal::new(status, &Error::io("write", &path, &source))
        };
        // What says how long it is need not be read to be refused.
        let announced = body.size_hint().lower();
        let too_large = |seen: u64, others: u64| {
            let more = if announced > 0 { "" } else { "more than " };
            let page = Error::new(Kind::Usage, "the upload is too large")
                .with_fact("it has", format!("{more}{}", size_text(announced.max(seen))))
                .with_fact("a file at most", size_text(self.limits.largest))
                .with_fact("all files at most", size_text(self.limits.all))
                .with_fact("the others have", size_text(others))
                .with_help("put the file below the server's folder and name its path");
            Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, &page)
        };
        let mut held = Held { all: &self.all, bytes: 0 };
        let others = self.all.load(Ordering::Relaxed);
        if announced > self.limits.largest || others.saturating_add(announced) > self.limits.all {
            return Err(too_large(0, others));
        }
        let mut file = tokio::fs::File::create(&path).await.map_err(unwritable)?;
        let mut parts = body.into_data_stream();
        let kept = loop {
            let Some(part) = parts.next().await else { break Ok(()) };
            let Ok(part) = part else { break Err(Refusal::usage("the upload broke off")) };
            if !held.take(part.len() as u64, self.limits) {
                break Err(too_large(held.bytes, self.all.load(Ordering::Relaxed).saturating_sub(held.bytes)));
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
        self.names.call(&path, if name.is_empty() { "the upload" } else { &name });
        let sent = Sent { path, name, bytes: held.bytes };
        std::mem::forget(held); // its room is taken for good
        self.files.lock().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), sent.clone());
        Ok((id, sent))
    }
}

/// `3 bytes`, `12.5 MiB`.
fn size_text(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{bytes} bytes") } else { format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn sent(uploads: &Uploads, name: &str, parts: Vec<usize>) -> Result<Sent, StatusCode> {
        let parts = parts.into_iter().map(|length| Ok::<_, std::io::Error>(vec![7u8; length]));
        let body = Body::from_stream(futures_util::stream::iter(parts));
        uploads.keep(name, body).await.map(|(_, sent)| sent).map_err(|refusal| refusal.status)
    }

    #[tokio::test]
    async fn what_is_too_large_leaves_nothing_and_takes_no_room() {
        let uploads = Uploads::new(Limits { largest: 1000, all: 1500 }).unwrap();
        let files = || std::fs::read_dir(uploads.folder()).unwrap().count() - 1; // and the lock
        assert_eq!(sent(&uploads, "a.png", vec![600, 600]).await.unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(files(), 0);
        assert_eq!(sent(&uploads, "a.png", vec![600, 400]).await.unwrap().bytes, 1000);
        assert_eq!(sent(&uploads, "b.png", vec![501]).await.unwrap_err(), StatusCode::PAYLOAD_TOO_LARGE);
        assert_eq!(sent(&uploads, "b.png", vec![500]).await.unwrap().bytes, 500);
        let announced = uploads.keep("c.png", Body::from(vec![0u8; 2000])).await.unwrap_err();
        assert_eq!((announced.status, files()), (StatusCode::PAYLOAD_TOO_LARGE, 2));
        let facts: Vec<&str> = announced.page.facts.iter().map(|(_, value)| value.as_str()).collect();
        assert_eq!(facts, ["2000 bytes", "1000 bytes", "1500 bytes", "1500 bytes"]);
    }

    #[tokio::test]
    async fn a_name_leads_nowhere() {
        let uploads = Uploads::new(Limits::default()).unwrap();
        for (name, shown) in
            [("../../etc/passwd", "passwd"), ("..\\x.png", "x.png"), ("ü\n\u{0}ß.PNG", "üß.PNG"), ("", "")]
        {
            let sent = sent(&uploads, name, vec![1]).await.unwrap();
            assert_eq!((sent.path.parent(), sent.name.as_str()), (Some(uploads.folder()), shown), "{name}");
        }
    }
}
