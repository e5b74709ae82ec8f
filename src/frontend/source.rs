//! `Source`: the text of a network file; `NetworkParams`: what its function or class is called with.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::language::Language;
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// What the dataset's labels are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelShape {
    /// A number for each image.
    #[default]
    Scalar,
    /// A label database of images or lists: channels, height, width; `None` where it is not known.
    Image(Option<[i64; 3]>),
    /// Nothing is known: numbers, or images where the file cannot do with numbers.
    Unknown,
}

/// What a network file is called with: DIGITS' `params` table, or the arguments of its `UserModel`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NetworkParams {
    /// Number of classes; `None` when the task is not classification.
    pub nclasses: Option<i64>,
    /// Number of CUDA devices in use, 0 on the processor.
    pub ngpus: i64,
    /// Channels, height and width of an input after cropping; `None` when it is not known.
    pub input_shape: Option<[i64; 3]>,
    /// The labels; a Lua file is not given them.
    pub labels: LabelShape,
}

/// The text of a network file and where it came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// As the user named it (`networks/lenet.lua`), or `<stdin>`.
    pub name: String,
    /// The text.
    pub text: String,
    /// The file's folder, where `require` finds its neighbours; `None` for pasted text.
    #[serde(default)]
    pub folder: Option<PathBuf>,
}

impl Source {
    /// Reads a file; `-` reads standard input.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Network` when it is not text.
    pub fn read(path: &Path) -> Result<Source> {
        if path == Path::new("-") {
            let bytes = input::read_stdin(Form::Network)?;
            return Source::from_bytes("<stdin>".into(), bytes, None);
        }
        if path.is_dir() {
            return Err(Error::new(Kind::Network, format!("{} is a folder, not a network file", path.display()))
                .with_help("name the .lua or .py file inside it"));
        }
        let bytes = input::read(path, Language::of_name(path).unwrap_or_default().form())?;
        Source::from_bytes(path.display().to_string(), bytes, path.parent().map(Path::to_path_buf))
    }

    /// What it is written in.
    #[must_use]
    pub fn language(&self) -> Language {
        Language::of(&self.name, &self.text)
    }

    /// A pasted text.
    #[must_use]
    pub fn pasted(name: &str, text: &str) -> Source {
        Source { name: name.into(), text: text.into(), folder: None }
    }

    /// The text that a job keeps, with the name that its file had and the folder of [`Source::absolute_folder`]:
    /// `require` still finds the neighbours of that file where they are, from any working directory.
    #[must_use]
    pub fn of_job(name: &str, text: String, folder: Option<&Path>) -> Source {
        let folder = folder.filter(|folder| folder.is_dir()).map(|folder| {
            // Where the name leads there too, error pages about a neighbour name it as they did in the first run.
            let typed = Path::new(name).parent().unwrap_or(Path::new(""));
            if absolute(typed).as_deref() == Some(folder) { typed.to_path_buf() } else { folder.to_path_buf() }
        });
        Source { name: name.into(), text, folder }
    }

    /// The file's folder independent of the working directory, for a job to keep; `None` for pasted text, and for a path
    /// that is not UTF-8, which no job can keep.
    #[must_use]
    pub fn absolute_folder(&self) -> Option<PathBuf> {
        absolute(self.folder.as_deref()?).filter(|folder| folder.to_str().is_some())
    }

    fn from_bytes(name: String, bytes: Vec<u8>, folder: Option<PathBuf>) -> Result<Source> {
        if bytes.starts_with(b"\x1bLua") {
            return Err(Error::new(Kind::Network, format!("{name} is compiled Lua, which is not run"))
                .with_help("give the source text of the network"));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Source { name, text, folder }),
            Err(_) => Err(Error::new(Kind::Network, format!("{name} is not a text file"))
                .with_help("a network file is Lua or Python source, such as networks/autoencoder.lua")),
        }
    }
}

/// An empty path is the working directory: the parent of a name alone.
fn absolute(folder: &Path) -> Option<PathBuf> {
    if folder == Path::new("") { std::env::current_dir().ok() } else { std::path::absolute(folder).ok() }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_job_s_file_has_the_folder_that_it_was_read_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.lua");
        fs::write(&path, "return 1").unwrap();
        let read = Source::read(&path).unwrap();
        let kept = read.absolute_folder();
        assert_eq!(kept.as_deref(), Some(folder.path()));
        assert_eq!(Source::of_job(&read.name, read.text.clone(), kept.as_deref()), read);
        // Tests run in the crate's folder.
        let read = Source::read(Path::new("networks/autoencoder.lua")).unwrap();
        let kept = read.absolute_folder().unwrap();
        assert_eq!(kept, Path::new(env!("CARGO_MANIFEST_DIR")).join("networks"));
        assert_eq!(Source::of_job(&read.name, read.text.clone(), Some(&kept)), read, "the folder as it was typed");
        let elsewhere = Source::of_job("other/net.lua", String::new(), Some(&kept));
        assert_eq!(elsewhere.folder, Some(kept), "the name is of another working directory");
        assert_eq!(Source::of_job("net.lua", String::new(), Some(&folder.path().join("gone"))).folder, None);
    }

    #[test]
    fn a_pasted_text_gains_no_folder() {
        for name in ["<stdin>", "Cargo.toml", "networks/autoencoder.lua"] {
            assert_eq!(Source::pasted(name, "").absolute_folder(), None);
            assert_eq!(Source::of_job(name, String::new(), None).folder, None);
        }
    }
}
