//! A job as one file: `pack` and `unpack` a `.tar.gz` of its folder.

use std::{
    fs::File,
    io::{self, Read, Seek, Write},
    path::{Component, Path, PathBuf},
};

use flate2::{Compression, read::GzDecoder, write::GzEncoder};

use super::{
    file,
    record::Best,
    replace::{Replacement, TEMPORARY},
    view::JobView,
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// Bytes of all files of an archive at most, unpacked.
const MOST: u64 = 16 << 30;
/// Files of an archive at most.
const FILES: usize = 100_000;
/// Folders below `beside/` at most.
const DEPTH: usize = 8;

/// Which snapshots go into an archive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum PackedSnapshots {
    /// All of them.
    All,
    /// The best and the last: enough to test, to export and to go on.
    BestAndLast,
    /// That of this epoch.
    Epoch(f64),
}

/// Writes the job in `folder` as an archive of one folder called `name`: its plain files, those of `beside/` and the chosen
/// snapshots; without what `leave_out` names. Answers the number of files.
///
/// # Errors
/// When there is no job, a file cannot be read, or `out` cannot be written; nothing is left of it then.
pub fn pack(folder: &Path, name: &str, snapshots: PackedSnapshots, leave_out: &[&str], out: &Path) -> Result<usize> {
    let view = JobView::open(folder)?;
    let files = files(&view, snapshots, leave_out)?;
    let failed = |source: &io::Error| Error::io("write", out, source);
    let partial = Replacement::begin(out).map_err(|source| failed(&source))?;
    let mut tar = tar::Builder::new(GzEncoder::new(partial, Compression::fast()));
    for below in &files {
        let path = folder.join(below);
        let inside = Path::new(name).join(below);
        let mut file = input::open(&path, Form::Stream)?;
        let length = file.metadata().map_err(|source| Error::io("read", &path, &source))?.len();
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        // A log may grow meanwhile: no more of it than the header says.
        header.set_size(length);
        tar.append_data(&mut header, inside, (&mut file).take(length)).map_err(|source| failed(&source))?;
    }
    let partial = tar.into_inner().and_then(GzEncoder::finish).map_err(|source| failed(&source))?;
    partial.finish().map_err(|source| failed(&source))?;
    Ok(files.len())
}

/// Places below the job's folder.
fn files(view: &JobView, snapshots: PackedSnapshots, leave_out: &[&str]) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    plain(view.path(), Path::new(""), 0, &mut found)?;
    found.retain(|path| {
        let name = path.to_string_lossy();
        name != file::LOCK && !leave_out.contains(&&*name) && !name.ends_with(TEMPORARY)
    });
    plain(view.path(), Path::new(file::BESIDE), DEPTH, &mut found)?;
    let all = view.snapshots()?;
    let best: Option<Best> = view.best()?;
    let last = all.last().map(|last| last.epoch);
    let wanted = |epoch: f64| match snapshots {
        PackedSnapshots::All => true,
        PackedSnapshots::Epoch(wanted) => epoch == wanted,
        PackedSnapshots::BestAndLast => Some(epoch) == last || best.as_ref().is_some_and(|best| best.epoch == epoch),
    };
    let chosen = all.iter().filter(|snapshot| wanted(snapshot.epoch)).filter_map(|snapshot| snapshot.path.file_name());
    found.extend(chosen.map(|name| Path::new(file::SNAPSHOTS).join(name)));
    Ok(found)
}

/// The plain files of `folder/below`, by name, and of folders in it as deep as `depth` says.
fn plain(folder: &Path, below: &Path, depth: usize, found: &mut Vec<PathBuf>) -> Result<()> {
    let place = folder.join(below);
    if !place.is_dir() {
        return Ok(());
    }
    let failed = |source: io::Error| Error::io("read", &place, &source);
    let mut entries: Vec<_> = std::fs::read_dir(&place).map_err(failed)?.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        let kind = entry.file_type().map_err(failed)?;
        let at = below.join(entry.file_name());
        if kind.is_file() {
            found.push(at);
        } else if kind.is_dir() && depth > 0 {
            plain(folder, &at, depth - 1, found)?;
        }
    }
    Ok(())
}

/// Unpacks an archive into the folder `into`: plain files of its one folder, of `beside/` and of `snapshots/` there; nothing
/// else, and no more than is sane. Answers how many entries were left out. What it made stays when it fails: the caller
/// removes it.
///
/// # Errors
/// When the archive cannot be read, holds no job or names paths outside, or a file cannot be written.
pub fn unpack(archive: &Path, into: &Path) -> Result<usize> {
    let page = |message: String| {
        Error::new(Kind::Data, message)
            .with_fact("archive", archive.display().to_string())
            .with_help("give a .tar.gz of a job's folder, as `digits-rs pack` and the studio's download write it")
    };
    let mut open = input::open(archive, Form::Stream)?;
    let mut magic = [0; 2];
    let is_gzip = open.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
    open.rewind().map_err(|source| Error::io("read", archive, &source))?;
    let damaged = |cause: io::Error| {
        let is_cut = is_gzip && cause.kind() == io::ErrorKind::UnexpectedEof;
        let what = if is_cut { "is cut off" } else { "cannot be read" };
        page(format!("the archive {what}")).with_cause(cause.to_string())
    };
    // Entries that are passed over are unpacked too: what is inflated has the same bound as what is kept.
    let mut tar = tar::Archive::new(Read::take(GzDecoder::new(open), MOST));
    let (mut bytes, mut files, mut left_out) = (0u64, 0usize, 0usize);
    for entry in tar.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let kind = entry.header().entry_type();
        if !kind.is_file() {
            left_out += usize::from(!kind.is_dir());
            continue;
        }
        let path = entry.path().map_err(damaged)?.into_owned();
        let parts = path.components().map(|part| match part {
            Component::Normal(name) => name.to_str(),
            _ => None,
        });
        let Some(parts) = parts.collect::<Option<Vec<&str>>>() else {
            return Err(page(format!("the archive names {}", path.display())));
        };
        let name: PathBuf = match parts.as_slice() {
            [_, name] if *name != file::LOCK => name.into(),
            [_, folder, _] if *folder == file::SNAPSHOTS => parts[1..].iter().collect(),
            [_, folder, rest @ ..] if *folder == file::BESIDE && (1..=DEPTH + 1).contains(&rest.len()) => {
                parts[1..].iter().collect()
            }
            [_, name] if *name == file::LOCK => continue,
            _ => {
                left_out += 1;
                continue;
            }
        };
        files += 1;
        bytes = bytes.saturating_add(entry.size());
        if bytes > MOST || files > FILES {
            return Err(page("the archive is larger than a job can be".into()));
        }
        let to = into.join(name);
        let above = to.parent().unwrap_or(into);
        std::fs::create_dir_all(above).map_err(|source| Error::io("make the folder", above, &source))?;
        let mut out = File::create(&to).map_err(|source| Error::io("write", &to, &source))?;
        copy(&mut entry, &mut out).map_err(|failed| match failed {
            Failed::Reading(cause) => damaged(cause),
            Failed::Writing(source) => Error::io("write", &to, &source),
        })?;
    }
    if files == 0 { Err(page("the archive holds no job".into())) } else { Ok(left_out) }
}

/// Which end of a copy failed.
enum Failed {
    Reading(io::Error),
    Writing(io::Error),
}

fn copy(from: &mut impl Read, to: &mut impl Write) -> Result<(), Failed> {
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Failed::Reading(error)),
        };
        to.write_all(&buffer[..count]).map_err(Failed::Writing)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn archive(names: &[&str]) -> tempfile::NamedTempFile {
        let out = tempfile::NamedTempFile::new().unwrap();
        let mut tar = tar::Builder::new(GzEncoder::new(out.reopen().unwrap(), Compression::fast()));
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
        let good =
            ["j/job.json", "j/snapshots/snapshot_1.safetensors", "j/lock", "j/a/b/c", "j/beside/models/part.lua"];
        assert_eq!(unpack(archive(&good).path(), &into).unwrap(), 1, "j/a/b/c");
        for name in ["job.json", "snapshots/snapshot_1.safetensors", "beside/models/part.lua"] {
            assert!(into.join(name).is_file(), "{name}");
        }
        assert!(!into.join("lock").exists() && !into.join("a").exists());
        for name in ["../evil", "/etc/evil", "j/../../evil", "j/beside/../../evil"] {
            assert!(unpack(archive(&[name]).path(), &into).is_err(), "{name}");
        }
        assert!(!dir.path().join("evil").exists());
        assert!(unpack(archive(&[]).path(), &into).is_err());
    }

    #[test]
    fn a_cut_archive_is_the_archive_s_fault() {
        let dir = tempfile::tempdir().unwrap();
        let (job, out, into) = (dir.path().join("j"), dir.path().join("j.tar.gz"), dir.path().join("again"));
        std::fs::create_dir(&job).unwrap();
        std::fs::write(job.join("job.json"), "{}").unwrap();
        // Random bytes, which gzip does not make smaller.
        let bytes: Vec<u8> = (0..4000u32).flat_map(|i| *blake3::hash(&i.to_le_bytes()).as_bytes()).collect();
        std::fs::write(job.join("mean.binaryproto"), bytes).unwrap();
        pack(&job, "j", PackedSnapshots::All, &[], &out).unwrap();
        let whole = std::fs::read(&out).unwrap();
        for length in [whole.len() / 2, whole.len() - 60_000, 20] {
            std::fs::write(&out, &whole[..length]).unwrap();
            let page = unpack(&out, &into).unwrap_err().to_string();
            assert!(page.contains("the archive is cut off") && page.contains("j.tar.gz"), "{length}: {page}");
        }
    }

    #[test]
    fn a_packed_job_has_its_files_and_the_best_and_the_last_snapshot() {
        let dir = tempfile::tempdir().unwrap();
        let job = dir.path().join("j");
        for (name, text) in [
            ("job.json", "{}"),
            ("network.lua", "return 1"),
            ("lock", "7"),
            ("half.partial", ""),
            ("best.json", r#"{"epoch": 2.0, "iteration": 1, "loss": 1.0, "file": "snapshots/snapshot_2.safetensors"}"#),
            ("beside/part.lua", "return 2"),
            ("test-a/index.html", ""),
            ("snapshots/snapshot_1.safetensors", "1"),
            ("snapshots/snapshot_2.safetensors", "2"),
            ("snapshots/snapshot_3.safetensors", "3"),
        ] {
            std::fs::create_dir_all(job.join(name).parent().unwrap()).unwrap();
            std::fs::write(job.join(name), text).unwrap();
        }
        let out = dir.path().join("j.tar.gz");
        assert_eq!(pack(&job, "j", PackedSnapshots::BestAndLast, &[], &out).unwrap(), 6);
        let into = dir.path().join("again");
        unpack(&out, &into).unwrap();
        assert_eq!(std::fs::read_to_string(into.join("snapshots/snapshot_2.safetensors")).unwrap(), "2");
        assert_eq!(std::fs::read_to_string(into.join("beside/part.lua")).unwrap(), "return 2");
        assert!(into.join("snapshots/snapshot_3.safetensors").exists());
        assert!(!into.join("snapshots/snapshot_1.safetensors").exists() && !into.join("lock").exists());
        assert_eq!(pack(&job, "j", PackedSnapshots::Epoch(1.0), &["network.lua"], &out).unwrap(), 4);
        let left: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 3, "no temporary file: {left:?}");
    }
}
