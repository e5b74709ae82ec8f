//! Front ends: network files in, `nn::Network` out. `lua` runs DIGITS' Torch7 form; `tensorflow_file` its TensorFlow form, by
//! `python`, the language, and `tensorflow`, the symbolic graph.
//!
//! **In:** a network file and what the dataset says about shapes and classes. **Out:** [`Loaded`]: settings, hooks,
//! the printed network, and its lowering. **Never:** datasets, jobs, the training loop.

pub mod lua;
mod network_file;
pub mod python;
pub mod tensorflow;
pub mod tensorflow_file;

use std::{
    fs,
    io::Read,
    path::{Path, PathBuf},
};

pub use lua::{LabelHook, Loaded, Settings, load};
pub use network_file::{NetworkFile, Ready};

use crate::error::{Error, Kind, Result};

/// What a network function is called with: DIGITS' `params` table.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkParams {
    /// Number of classes; `None` when the task is not classification.
    pub nclasses: Option<i64>,
    /// Number of CUDA devices in use, 0 on the processor.
    pub ngpus: i64,
    /// Channels, height and width of an input after cropping; `None` when it is not known.
    pub input_shape: Option<[i64; 3]>,
}

/// The text of a network file and where it came from.
#[derive(Debug, Clone)]
pub struct Source {
    /// As the user named it (`networks/lenet.lua`), or `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The file's folder, where `require` finds its neighbours; `None` for pasted text.
    pub folder: Option<PathBuf>,
}

impl Source {
    /// Reads a file; `-` reads standard input.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Network` when it is not text.
    pub fn read(path: &Path) -> Result<Source> {
        if path == Path::new("-") {
            let mut bytes = Vec::new();
            std::io::stdin()
                .read_to_end(&mut bytes)
                .map_err(|error| Error::io("read", Path::new("<stdin>"), &error))?;
            return Source::from_bytes("<stdin>".into(), bytes, None);
        }
        if path.is_dir() {
            return Err(Error::new(Kind::Network, format!("{} is a folder, not a network file", path.display()))
                .with_help("name the .lua file inside it"));
        }
        let bytes = fs::read(path).map_err(|error| Error::io("read", path, &error))?;
        Source::from_bytes(path.display().to_string(), bytes, path.parent().map(Path::to_path_buf))
    }

    /// A pasted text.
    #[must_use]
    pub fn pasted(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into(), folder: None }
    }

    fn from_bytes(name: String, bytes: Vec<u8>, folder: Option<PathBuf>) -> Result<Source> {
        if bytes.starts_with(b"\x1bLua") {
            return Err(Error::new(Kind::Network, format!("{name} is compiled Lua, which is not run"))
                .with_help("give the source text of the network"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { name, text, folder }),
            Err(_) => Err(Error::new(Kind::Network, format!("{name} is not a text file"))
                .with_help("a network file is Lua source, such as networks/autoencoder.lua")),
        }
    }
}
