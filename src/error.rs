//! `Error`: what went wrong, told so that a network's author can mend it; rendered as a page by `Display`.
//!
//! A page holds what a reader needs in this order: the message, the place (file, line, the line itself), the
//! module's path in the network, what came and what was wanted, the causes, what to do. Every layer of the
//! program adds what it knows (`with_fact`, `at`, `in_module`, `with_help`) and nothing twice.

mod escaped;
mod shell_word;

use std::{
    fmt::{self, Write as _},
    io,
    path::Path,
    sync::Arc,
};

pub use escaped::{escaped, escaped_json};
use serde::{Deserialize, Serialize};
pub use shell_word::{shell_path, shell_word};

/// The result of everything in this crate that a user's input can make fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What the reader can do about an error; also its exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The command line asks for something that does not exist or does not fit together.
    Usage,
    /// A network file does not load, or answers with something that is not a network.
    Network,
    /// A function or constructor was called with arguments it does not take.
    Argument,
    /// A tensor has another shape than the module or criterion needs.
    Shape,
    /// The user's Lua code raised an error while it ran.
    Lua,
    /// The user's Python code is not Python, or raised an exception while it ran.
    Python,
    /// The network file used up its time, its memory or its stack, or reached outside the sandbox.
    Limit,
    /// A database, an image or a mean file is missing, damaged or of the wrong kind.
    Data,
    /// A job directory is in use, damaged, or of another run.
    Job,
    /// Training left the numbers that a computer can hold.
    Numeric,
    /// A device or library that was asked for is not here.
    Device,
    /// The operating system refused a read or a write.
    Io,
    /// libtorch refused an operation; its own words are in the message.
    Torch,
    /// Another process of a run of several ended, stopped answering, or never came.
    Lost,
    /// The user stopped the program.
    Interrupted,
    /// A mistake of this program: a panic, in words.
    Bug,
}

impl Kind {
    /// The word in front of the message.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Kind::Usage => "usage error",
            Kind::Network => "network error",
            Kind::Argument => "bad argument",
            Kind::Shape => "size mismatch",
            Kind::Lua => "Lua error",
            Kind::Python => "Python error",
            Kind::Limit => "limit reached",
            Kind::Data => "data error",
            Kind::Job => "job error",
            Kind::Numeric => "numeric error",
            Kind::Device => "device error",
            Kind::Io => "input/output error",
            Kind::Torch => "libtorch error",
            Kind::Lost => "process lost",
            Kind::Interrupted => "stopped",
            Kind::Bug => "internal error",
        }
    }

    /// The process exit status: 2 for a command line that cannot be carried out, 130 for Ctrl-C, 101 for a
    /// panic as Rust has it, 75 (of sysexits.h: try again) where another process was lost, else 1.
    #[must_use]
    pub const fn exit_status(self) -> u8 {
        match self {
            Kind::Usage => 2,
            Kind::Lost => 75,
            Kind::Interrupted => 130,
            Kind::Bug => 101,
            _ => 1,
        }
    }
}

/// A line of a network file: the place an author looks first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// The file as the user named it (`networks/lenet.lua`), or `<stdin>`.
    pub file: Arc<str>,
    /// 1-based line number.
    pub line: u32,
    /// The line itself, without its newline; empty when the source is not at hand.
    pub text: Arc<str>,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// An error page. Cheap to pass around (one pointer), `Send + Sync`, foreign errors kept as words. As JSON it reaches other
/// processes.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub struct Error(Box<Page>);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Page {
    kind: Kind,
    message: String,
    origin: Option<Origin>,
    module: Vec<String>,
    facts: Vec<(String, String)>,
    causes: Vec<String>,
    help: Option<String>,
}

impl Error {
    /// An error with a message of one line: lower case, no full stop, the offending value in it.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Error(Box::new(Page {
            kind,
            message: message.into(),
            origin: None,
            module: Vec::new(),
            facts: Vec::new(),
            causes: Vec::new(),
            help: None,
        }))
    }

    /// An operating-system error on a path, with the usual remedy for the common codes.
    pub fn io(doing: &str, path: &Path, source: &io::Error) -> Self {
        let error = Error::new(Kind::Io, format!("cannot {doing} {}", path.display())).with_cause(source.to_string());
        match (source.kind(), source.raw_os_error()) {
            (io::ErrorKind::NotFound, _) if path.to_string_lossy().contains("://") => {
                error.with_help("addresses are not fetched: download it, and give the file")
            }
            (io::ErrorKind::NotFound, _) => error.with_help("check the path: nothing is there"),
            (io::ErrorKind::PermissionDenied, _) | (_, Some(libc::EROFS)) => {
                error.with_help("choose a folder that you may write to, or change its permissions")
            }
            (io::ErrorKind::AlreadyExists, _) => {
                error.with_help("something else of this name is there: choose another name, or move it away")
            }
            (io::ErrorKind::NotADirectory, _) => error
                .with_help("a part of this path is a file and no folder: choose another path, or move the file away"),
            (io::ErrorKind::IsADirectory, _) => error.with_help("this is a folder: name a file"),
            (_, Some(libc::EFBIG)) => {
                error.with_help("files may not be so large here: see ulimit -f; what was written before is intact")
            }
            (_, Some(libc::ENOSPC | libc::EDQUOT)) => {
                error.with_help("free some space; what was written before is intact")
            }
            _ => error,
        }
    }

    /// What the reader can do about it.
    #[must_use]
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// The one-line message, without place or causes.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Whether memory was refused: a smaller batch may go well.
    #[must_use]
    pub fn is_out_of_memory(&self) -> bool {
        [NO_TENSOR_MEMORY, NO_MACHINE_MEMORY, NO_DEVICE_MEMORY].contains(&self.message())
    }

    /// Message and first cause in one line, for lists of what went wrong.
    #[must_use]
    pub fn reason(&self) -> String {
        match self.causes().first() {
            Some(cause) => format!("{}: {}", self.message(), cause.split_whitespace().collect::<Vec<_>>().join(" ")),
            None => self.message().to_string(),
        }
    }

    /// The place in a network file, when one is known.
    #[must_use]
    pub fn origin(&self) -> Option<&Origin> {
        self.0.origin.as_ref()
    }

    /// The path in the network, outermost module first.
    #[must_use]
    pub fn module(&self) -> &[String] {
        &self.0.module
    }

    /// The labelled facts in order.
    #[must_use]
    pub fn facts(&self) -> &[(String, String)] {
        &self.0.facts
    }

    /// The underlying causes.
    #[must_use]
    pub fn causes(&self) -> &[String] {
        &self.0.causes
    }

    /// What to do.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// Adds the place, unless a deeper layer already gave one.
    #[must_use]
    pub fn at(mut self, origin: Option<&Origin>) -> Self {
        if self.0.origin.is_none() {
            self.0.origin = origin.cloned();
        }
        self
    }

    /// Adds one step of the module's path, outermost last: a container calls this for the child that failed.
    #[must_use]
    pub fn in_module(mut self, step: impl Into<String>) -> Self {
        self.0.module.insert(0, step.into());
        self
    }

    /// Adds a labelled fact, such as `("it was given", "[64, 784]")`.
    #[must_use]
    pub fn with_fact(mut self, label: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.facts.push((label.into(), value.into()));
        self
    }

    /// Adds an underlying cause, in somebody else's words.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<String>) -> Self {
        self.0.causes.push(cause.into());
        self
    }

    /// Says what to do, unless a deeper layer already did.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        if self.0.help.is_none() {
            self.0.help = Some(help.into());
        }
        self
    }

    /// Says what to do in place of what a deeper layer said, which knew less.
    #[must_use]
    pub fn with_better_help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }
}

impl fmt::Display for Error {
    /// The whole page, several lines, no trailing newline. What comes from a user's file cannot command the terminal.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let page = &self.0;
        let mut f = String::new();
        // "bad argument #2 (outputSize) to nn.Linear: …" reads on without a colon, as Torch7 wrote it.
        let colon = if page.message.starts_with('#') { "" } else { ":" };
        write!(f, "{}{colon} {}", page.kind.title(), page.message)?;
        if let Some(origin) = &page.origin {
            write!(f, "\n\n  {origin}")?;
            if !origin.text.trim().is_empty() {
                write!(f, "\n  {:>5} | {}", origin.line, origin.text.trim_end())?;
            }
        }
        if !page.module.is_empty() || !page.facts.is_empty() {
            writeln!(f)?;
        }
        let width = page.facts.iter().map(|(label, _)| label.len()).max().unwrap_or(0).max("in the network".len());
        if !page.module.is_empty() {
            write!(f, "\n  {:<width$}  {}", "in the network", page.module.join(" > "))?;
        }
        for (label, value) in &page.facts {
            let mut lines = value.lines();
            write!(f, "\n  {label:<width$}  {}", lines.next().unwrap_or(""))?;
            for line in lines {
                write!(f, "\n  {:<width$}  {line}", "")?;
            }
        }
        if !page.causes.is_empty() {
            writeln!(f)?;
            for cause in &page.causes {
                write!(f, "\n  because: {}", cause.replace('\n', "\n           "))?;
            }
        }
        if let Some(help) = &page.help {
            write!(f, "\n\n  help: {}", help.replace('\n', "\n        "))?;
        }
        out.write_str(&escaped(&f))
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}

/// What `torch/guard.cpp` says inside libtorch's words.
pub(crate) const NO_ROOM: &str = "it does not fit into the tensor memory";

// What libtorch's refusals of memory become.
const NO_TENSOR_MEMORY: &str = "the result does not fit into the tensor memory";
const NO_MACHINE_MEMORY: &str = "the result does not fit into the machine's memory";
const NO_DEVICE_MEMORY: &str = "the device's memory is full";

impl From<tch::TchError> for Error {
    /// Keeps the first line of libtorch's text: the rest is a C++ stack that helps nobody here.
    fn from(source: tch::TchError) -> Self {
        let text = source.to_string();
        let first = text.lines().next().unwrap_or("unknown error").trim_start_matches("Internal torch error: ");
        // What libtorch's allocator was refused (`torch::guard`), or what the system refused it.
        if let Some((_, rest)) = first.split_once(NO_ROOM) {
            let bytes = rest.trim_start_matches([':', ' ']).split_ascii_whitespace().next().unwrap_or_default();
            return Error::new(Kind::Limit, NO_TENSOR_MEMORY)
                .with_fact("it needs", format!("{bytes} bytes"))
                .with_help("look for a size that is far too large");
        }
        if first.contains("can't allocate memory") || first.contains("not enough memory") {
            return Error::new(Kind::Limit, NO_MACHINE_MEMORY).with_cause(first);
        }
        if let Some((_, rest)) = first.split_once("CUDA out of memory.") {
            return Error::new(Kind::Limit, NO_DEVICE_MEMORY)
                .with_cause(rest.trim())
                .with_help("a smaller batch needs less: --batch-size N, or trainBatchSize in the network file");
        }
        Error::new(Kind::Torch, first.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_device_is_a_limit_with_a_way_on() {
        let text = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 79.10 GiB\nException raised from";
        let page = Error::from(tch::TchError::Torch(text.into()));
        assert_eq!((page.kind(), page.message()), (Kind::Limit, "the device's memory is full"));
        assert!(page.is_out_of_memory() && !Error::new(Kind::Limit, "too many steps").is_out_of_memory());
        let page = page.to_string();
        assert!(page.contains("Tried to allocate 2.00 GiB") && page.contains("--batch-size"), "{page}");
    }

    #[test]
    fn a_page_shows_place_path_facts_and_help_in_order() {
        let origin = Origin { file: "net.lua".into(), line: 4, text: "net:add(nn.Linear(783,300))".into() };
        let page = Error::new(Kind::Shape, "nn.Linear(783 -> 300) cannot take this input")
            .with_fact("it was given", "[64, 784]")
            .with_fact("it wants", "[783] or [n, 783]")
            .in_module("(3) nn.Linear(783 -> 300)")
            .in_module("model")
            .at(Some(&origin))
            .with_help("write nn.Linear(784, 300)");
        assert_eq!(
            page.to_string(),
            "size mismatch: nn.Linear(783 -> 300) cannot take this input\n\n  net.lua:4\n      4 | \
             net:add(nn.Linear(783,300))\n\n  in the network  model > (3) nn.Linear(783 -> 300)\n  it was given    \
             [64, 784]\n  it wants        [783] or [n, 783]\n\n  help: write nn.Linear(784, 300)"
        );
    }

    #[test]
    fn a_name_that_is_taken_has_a_way_on() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        std::fs::write(&file, "").unwrap();
        for (outcome, words) in [
            (std::fs::create_dir_all(&file), "something else of this name is there"),
            (std::fs::create_dir_all(file.join("below")), "is a file and no folder"),
            (std::fs::write(folder.path(), ""), "this is a folder"),
        ] {
            let page = Error::io("make", &file, &outcome.unwrap_err());
            assert!(page.help().is_some_and(|help| help.contains(words)), "{page}");
        }
    }

    #[test]
    fn another_process_has_the_same_page() {
        let origin = Origin { file: "net.lua".into(), line: 4, text: "error('no')".into() };
        let page = Error::new(Kind::Lua, "no").at(Some(&origin)).in_module("model").with_fact("a", "1").with_cause("c");
        let sent = serde_json::to_vec(&page).unwrap();
        assert_eq!(serde_json::from_slice::<Error>(&sent).unwrap(), page);
    }

    #[test]
    fn the_deepest_place_and_help_win() {
        let near = Origin { file: "a.lua".into(), line: 1, text: "".into() };
        let far = Origin { file: "a.lua".into(), line: 9, text: "".into() };
        let error = Error::new(Kind::Lua, "x").at(Some(&near)).at(Some(&far)).with_help("one").with_help("two");
        assert_eq!(error.origin(), Some(&near));
        assert!(error.to_string().ends_with("help: one"));
    }
}
