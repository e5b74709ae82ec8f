//! The one door through which files that a user names come in: regular files only, no larger than their kind may be.
//!
//! A pipe would block for ever, a device may never end, and a folder is none: each gets a page instead. Only standard
//! input may be a pipe, because the user says so.

pub mod hdf5;
pub mod mat;

use std::{
    fs::{self, File, Metadata},
    io::{self, Read},
    os::unix::fs::{FileTypeExt, OpenOptionsExt},
    path::Path,
};

use crate::error::{Error, Kind, Result};

/// What a file is for. It decides how large the file may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// A network file.
    Network,
    /// A network file in Python, whose tree of syntax takes many times its text.
    Python,
    /// A script for `th`.
    Script,
    /// `labels.txt`
    Labels,
    /// A list of images or files.
    List,
    /// `mean.binaryproto`
    Mean,
    /// A picture.
    Image,
    /// MNIST's IDX files, packed or not.
    Idx,
    /// `.t7` or safetensors: weights, snapshots.
    Weights,
    /// JSON that the program wrote, such as `job.json` or `dataset.json`.
    Record,
    /// What is read a little at a time: a database, HDF5, metrics.
    Stream,
}

const MIB: u64 = 1 << 20;

impl Form {
    /// Bytes that such a file may have.
    #[must_use]
    pub const fn limit(self) -> u64 {
        match self {
            Form::Python => MIB,
            Form::Network | Form::Labels => 16 * MIB,
            Form::Script | Form::Image | Form::Record => 256 * MIB,
            Form::Mean => 1024 * MIB,
            Form::List | Form::Idx => 4096 * MIB,
            Form::Weights => 65_536 * MIB,
            Form::Stream => u64::MAX,
        }
    }

    /// As it is called in a message, with its article.
    const fn name(self) -> &'static str {
        match self {
            Form::Network => "a network file",
            Form::Python => "a network file in Python",
            Form::Script => "a script",
            Form::Labels => "a file of labels",
            Form::List => "a list",
            Form::Mean => "a mean image",
            Form::Image => "a picture",
            Form::Idx => "an IDX file",
            Form::Weights => "a file of weights",
            Form::Record => "a record",
            Form::Stream => "a data file",
        }
    }

    /// What the program does when opening one fails: "cannot … PATH".
    const fn doing(self) -> &'static str {
        match self {
            Form::Labels => "read the labels",
            Form::List => "read the list",
            Form::Mean => "read the mean image",
            _ => "read",
        }
    }

    /// The kind of its errors.
    const fn kind(self) -> Kind {
        match self {
            Form::Network | Form::Python | Form::Script => Kind::Network,
            Form::Record => Kind::Job,
            _ => Kind::Data,
        }
    }
}

/// Opens a regular file that is not larger than its form may be.
///
/// # Errors
/// When it is missing, may not be read, is no regular file (a folder, a pipe, a device, a socket), or is too large.
pub fn open(path: &Path, form: Form) -> Result<File> {
    let failed = |e: io::Error| Error::io(form.doing(), path, &e);
    // Looked at before it is opened: opening a device may do something.
    check(path, &fs::metadata(path).map_err(failed)?, form)?;
    // Should a pipe take the file's place meanwhile, opening it must not wait for a writer.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let file = File::options().read(true).custom_flags(flags).open(path).map_err(failed)?;
    check(path, &file.metadata().map_err(failed)?, form)?;
    Ok(file)
}

/// The bytes of a whole file.
///
/// # Errors
/// Those of [`open`]; when reading fails, or the memory for it is not there.
pub fn read(path: &Path, form: Form) -> Result<Vec<u8>> {
    let file = open(path, form)?;
    let length = file.metadata().map_or(0, |metadata| metadata.len());
    read_all(file, path, form, length)
}

/// The text of a whole file.
///
/// # Errors
/// Those of [`read`]; when it is not text in UTF-8.
pub fn read_text(path: &Path, form: Form) -> Result<String> {
    String::from_utf8(read(path, form)?).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n').count();
        Error::new(form.kind(), format!("{} is not text in UTF-8", path.display()))
            .with_fact("it should be", form.name())
            .with_fact("the first other byte", format!("{:#04x}, byte {at}, line {line}", e.as_bytes()[at]))
            .with_help("save it as UTF-8")
    })
}

/// All of standard input, which may be a pipe.
///
/// # Errors
/// When reading fails or more comes than the form allows.
pub fn read_stdin(form: Form) -> Result<Vec<u8>> {
    read_all(io::stdin().lock(), Path::new("<stdin>"), form, 0)
}

fn read_all(source: impl Read, path: &Path, form: Form, length: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    // A small one always fits.
    let fits =
        |bytes: &mut Vec<u8>| length <= 64 * MIB || length < available() && bytes.try_reserve(length as usize).is_ok();
    if !fits(&mut bytes) {
        return Err(Error::new(Kind::Limit, format!("{} does not fit into memory", path.display()))
            .with_fact("it has", size(length))
            .with_fact("available", size(available()))
            .with_help("give a smaller file, or run where there is more memory"));
    }
    bytes.reserve_exact(length as usize + 1); // the last byte shows the end without another growth
    // Files below /proc say that they are empty, and a file may grow.
    let limit = form.limit();
    source.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(|e| Error::io(form.doing(), path, &e))?;
    if bytes.len() as u64 > limit { Err(too_large(path, form, "more")) } else { Ok(bytes) }
}

/// Bytes of memory that the system could give this process.
fn available() -> u64 {
    let info = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = info.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.map_or(u64::MAX, |kib| kib * 1024)
}

fn check(path: &Path, metadata: &Metadata, form: Form) -> Result<()> {
    let kind = metadata.file_type();
    if kind.is_file() {
        return check_length(path, metadata.len(), form);
    }
    let (is, help) = if kind.is_dir() {
        ("a folder", "name the file inside it")
    } else if kind.is_fifo() && matches!(form, Form::Network | Form::Python | Form::Script) {
        ("a pipe", "give - and pipe into standard input, or write what comes through it into a file first")
    } else if kind.is_fifo() {
        ("a pipe", "write what comes through it into a file first")
    } else if kind.is_socket() {
        ("a socket", "write what comes through it into a file first")
    } else {
        ("a device", "give a file")
    };
    Err(Error::new(form.kind(), format!("{} is not a regular file", path.display()))
        .with_fact("it is", is)
        .with_fact("it should be", form.name())
        .with_help(help))
}

/// Refuses more bytes than a file may have, wherever they came from.
///
/// # Errors
/// When they are too many.
pub fn check_length(path: &Path, length: u64, form: Form) -> Result<()> {
    if length > form.limit() { Err(too_large(path, form, &size(length))) } else { Ok(()) }
}

fn too_large(path: &Path, form: Form, has: &str) -> Error {
    Error::new(form.kind(), format!("{} is too large for {}", path.display(), form.name()))
        .with_fact("it has", has)
        .with_fact("it may have", size(form.limit()))
        .with_help("check that it is the file you meant")
}

/// `16 MiB`, `16.1 MiB` from there to the next tenth; bytes below one.
fn size(bytes: u64) -> String {
    let tenths = bytes.saturating_mul(10).div_ceil(MIB);
    match (bytes < MIB, bytes % MIB) {
        (true, _) => format!("{bytes} bytes"),
        (false, 0) => format!("{} MiB", bytes / MIB),
        (false, _) => format!("{}.{} MiB", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use std::{ffi::CString, os::unix::ffi::OsStrExt, sync::mpsc, time::Duration};

    use super::*;

    fn page(path: &Path, form: Form) -> String {
        read(path, form).unwrap_err().to_string()
    }

    #[test]
    fn a_regular_file_comes_in_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("labels.txt");
        fs::write(&path, "cat\ndog\n").unwrap();
        assert_eq!(read_text(&path, Form::Labels).unwrap(), "cat\ndog\n");
        assert!(!read(Path::new("/proc/self/status"), Form::Record).unwrap().is_empty(), "its length is said to be 0");
        fs::write(&path, b"cat\nh\xff\n").unwrap();
        let page = read_text(&path, Form::Labels).unwrap_err().to_string();
        assert!(page.contains("0xff, byte 5, line 2"), "{page}");
    }

    #[test]
    fn pipes_devices_folders_and_sockets_get_a_page_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let name = CString::new(pipe.as_os_str().as_bytes()).unwrap();
        #[expect(unsafe_code, reason = "a plain system call")]
        // SAFETY: the name ends in a zero byte.
        let made = unsafe { libc::mkfifo(name.as_ptr(), 0o600) };
        assert_eq!(made, 0);
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        let paths = [
            (pipe, "a pipe"),
            (socket, "a socket"),
            ("/dev/zero".into(), "a device"),
            (folder.path().into(), "a folder"),
        ];
        let (send, receive) = mpsc::channel();
        std::thread::spawn(move || {
            for (path, is) in paths {
                let _ = send.send((page(&path, Form::Network), is));
            }
        });
        for _ in 0..4 {
            let (page, is) = receive.recv_timeout(Duration::from_secs(20)).expect("nothing blocks");
            assert!(page.contains("not a regular file") && page.contains(is), "{page}");
        }
        assert!(page(Path::new("/none"), Form::Mean).contains("cannot read the mean image /none"));
    }

    #[test]
    fn a_file_that_is_too_large_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.lua");
        File::create(&path).unwrap().set_len(Form::Network.limit() + 1).unwrap();
        let page = page(&path, Form::Network);
        assert!(page.contains("too large for a network file") && page.contains("16.1 MiB"), "{page}");
        assert!(read_all(io::repeat(7), &path, Form::Network, 0).is_err(), "an endless source ends");
    }
}
