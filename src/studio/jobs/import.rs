//! A job out of an archive that `download` made, here or on another machine.

use std::{
    io::Read as _,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{detail::blocking, summary::JobSummary};
use crate::{
    error::{Error, Kind, Result},
    job::{JobDir, JobView, file},
    studio::{
        app::App,
        refusal::{Answer, Refusal, RefusalBody},
    },
};

/// Bytes of all files of an archive at most, unpacked.
const MOST: u64 = 16 << 30;
/// Files of an archive at most.
const FILES: usize = 100_000;

/// What is taken in.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ImportJob {
    /// The id of the upload.
    upload: String,
}

/// Takes a job in.
#[utoipa::path(post, path = "/api/jobs/import", tag = "jobs", request_body = ImportJob,
    responses((status = 201, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Json(request): Json<ImportJob>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    let sent = app.uploads.file(&request.upload)?;
    blocking(move || {
        std::fs::create_dir_all(app.jobs.place())
            .map_err(|source| Error::io("make the folder", app.jobs.place(), &source))?;
        let folder = JobDir::fresh_path(app.jobs.place());
        let mut partial = folder.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let taken = unpack(&sent.path, &partial).and_then(|()| {
            JobView::open(&partial)?.record()?;
            std::fs::rename(&partial, &folder).map_err(|source| Error::io("name", &folder, &source))
        });
        if let Err(page) = taken {
            let _ = std::fs::remove_dir_all(&partial);
            return Err(page.into());
        }
        app.refresh();
        let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        app.jobs.summary(&id).ok_or_else(|| Refusal::not_found("job", &id))
    })
    .await
    .map(|job| (StatusCode::CREATED, Json(job)))
}

/// Unpacks an archive: plain files of its one folder, and those of `snapshots` there; nothing else, and no more than is sane.
fn unpack(archive: &Path, into: &Path) -> Result<()> {
    let page = |message: String| {
        Error::new(Kind::Data, message).with_help("send a .tar.gz of a job's folder, as the page downloads it")
    };
    let damaged = |cause: std::io::Error| page("the archive cannot be read".into()).with_cause(cause.to_string());
    let open = std::fs::File::open(archive).map_err(|source| Error::io("read", archive, &source))?;
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(open));
    let (mut bytes, mut files) = (0u64, 0usize);
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let path = entry.path().map_err(damaged)?.into_owned();
        let parts: Option<Vec<&str>> = path
            .components()
            .map(|part| match part {
                Component::Normal(name) => name.to_str(),
                _ => None,
            })
            .collect();
        let name: PathBuf = match parts.as_deref() {
            Some([_, name]) if *name != file::LOCK => name.into(),
            Some([_, folder, name]) if *folder == file::SNAPSHOTS => Path::new(file::SNAPSHOTS).join(name),
            Some(_) => continue,
            None => return Err(page(format!("the archive names {}", path.display()))),
        };
        files += 1;
        bytes += entry.size();
        if bytes > MOST || files > FILES {
            return Err(page("the archive is larger than a job can be".into()));
        }
        let to = into.join(name);
        let above = to.parent().unwrap_or(into);
        std::fs::create_dir_all(above).map_err(|source| Error::io("make the folder", above, &source))?;
        let mut out = std::fs::File::create(&to).map_err(|source| Error::io("write", &to, &source))?;
        let size = entry.size();
        std::io::copy(&mut (&mut entry).take(size), &mut out).map_err(|source| Error::io("write", &to, &source))?;
    }
    if files == 0 { Err(page("the archive holds no job".into())) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str]) -> tempfile::NamedTempFile {
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut tar =
            tar::Builder::new(flate2::write::GzEncoder::new(out.reopen().unwrap(), flate2::Compression::fast()));
        for name in names {
            let mut header = tar::Header::new_gnu();
            // As an attacker would: the builder itself refuses such names.
            header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(1);
            header.set_cksum();
            tar.append(&header, &b"x"[..]).unwrap();
        }
        tar.into_inner().unwrap().finish().unwrap();
        out
    }

    #[test]
    fn only_what_a_job_has_is_unpacked_and_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let into = dir.path().join("job");
        let good = archive(&["j/job.json", "j/snapshots/snapshot_1.safetensors", "j/lock", "j/a/b/c"]);
        unpack(good.path(), &into).unwrap();
        assert!(into.join("job.json").is_file() && into.join("snapshots/snapshot_1.safetensors").is_file());
        assert!(!into.join("lock").exists() && !into.join("a").exists());
        for name in ["../evil", "/etc/evil", "j/../../evil"] {
            assert!(unpack(archive(&[name]).path(), &into).is_err(), "{name}");
        }
        assert!(!dir.path().join("evil").exists());
        assert!(unpack(archive(&[]).path(), &into).is_err());
    }
}
