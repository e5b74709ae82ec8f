//! The image files of a folder, or its text files: what counts as one, and what is left out with which reason. Looking at a folder and
//! making a dataset of it both ask here, so that they count alike.

use std::{
    collections::HashMap,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rayon::prelude::*;
use walkdir::{DirEntry, WalkDir};

use super::decoded::Decoded;
use crate::error::{Error, Kind, Result};

/// The file name endings that count as images, in any case.
pub const EXTENSIONS: &[&str] =
    &["png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "ppm", "pgm", "pbm", "pnm", "jfif", "jpe"];

/// Why a file of another name is in no list.
pub(super) const NOT_UTF8: &str = "its name is not UTF-8, which lists of images cannot hold: rename it";

/// Why a file cannot be an image: it cannot be read, or does not begin as one. What is wrong further in, only decoding
/// finds.
pub(super) fn why_no_image(path: &Path) -> Option<String> {
    Decoded::look(path).err().map(|error| error.reason())
}

/// Takes out what is no image, with the reason, so that only images are counted; when all would go, they stay: making a
/// dataset says what is wrong with them.
pub(super) fn keep_images<T: Sync>(
    items: &mut Vec<T>,
    paths: impl Fn(&T) -> Vec<PathBuf> + Sync,
    left_out: &mut Vec<(String, String)>,
) {
    let wrong = |item: &T| paths(item).into_iter().find_map(|path| why_no_image(&path).map(|why| (path, why)));
    let found: Vec<Option<(PathBuf, String)>> = items.par_iter().map(wrong).collect();
    if found.iter().all(Option::is_some) {
        return;
    }
    let mut is_image = found.iter().map(Option::is_none);
    items.retain(|_| is_image.next().unwrap_or(true));
    left_out.extend(found.into_iter().flatten().map(|(path, why)| (path.display().to_string(), one_line(&why))));
}

/// What is looked for in the folder of a class.
pub(super) struct Sought<'a> {
    /// In a word.
    pub(super) noun: &'a str,
    /// Whether a file is called like one.
    pub(super) is_named: &'a dyn Fn(&Path) -> bool,
    /// Why a file that is called like one is none; asked once for each that is kept.
    pub(super) why_none: &'a mut dyn FnMut(&Path) -> Option<String>,
}

/// The files that were met and kept, by device and inode: links may lead to one file from many places, and one that is
/// trained on and validated with would make the network look better than it is.
#[derive(Default)]
pub(super) struct Seen {
    classes: Vec<PathBuf>,
    /// The number of the class and of the file in it.
    files: HashMap<(u64, u64), (u32, u32)>,
}

impl Seen {
    /// Up to `most` image files below a class folder, in the order of their names; each file once.
    ///
    /// # Errors
    /// When a file is in another class as well.
    pub(super) fn images(
        &mut self,
        class: &Path,
        most: usize,
        left_out: &mut Vec<(String, String)>,
    ) -> Result<Vec<PathBuf>> {
        let sought = Sought { noun: "image", is_named: &is_image, why_none: &mut why_no_image };
        self.files(class, most, sought, left_out)
    }

    /// [`Seen::images`] of other files.
    ///
    /// # Errors
    /// When a file is in another class as well.
    pub(super) fn files(
        &mut self,
        class: &Path,
        most: usize,
        sought: Sought<'_>,
        left_out: &mut Vec<(String, String)>,
    ) -> Result<Vec<PathBuf>> {
        let Sought { noun, is_named, why_none } = sought;
        let article = if noun.starts_with('i') { "an" } else { "a" };
        let number = self.classes.len() as u32;
        self.classes.push(class.to_path_buf());
        let mut found: Vec<PathBuf> = Vec::new();
        for entry in entries(class) {
            if found.len() == most {
                break;
            }
            let name = |path: &Path| path.to_string_lossy().into_owned();
            let (path, file) = match entry {
                Ok(entry) if entry.file_type().is_dir() || is_hidden(&entry) => continue,
                Ok(entry) if !is_named(entry.path()) => {
                    let reason = format!("its name does not end as {article} {noun}'s");
                    left_out.push((one_line(&name(entry.path())), reason));
                    continue;
                }
                Ok(entry) if name(entry.path()).contains(['\n', '\r']) => {
                    let reason = format!("its name holds a line break, which lists of {noun}s cannot hold: rename it");
                    left_out.push((one_line(&name(entry.path())), reason));
                    continue;
                }
                Ok(entry) if entry.path().to_str().is_none() => {
                    left_out.push((one_line(&name(entry.path())), NOT_UTF8.into()));
                    continue;
                }
                Ok(entry) => match entry.metadata() {
                    Ok(metadata) => (entry.into_path(), (metadata.dev(), metadata.ino())),
                    Err(_) => continue, // it went away
                },
                Err(error) => {
                    // A broken or circular link.
                    let path = error.path().map(name).unwrap_or_default();
                    left_out.push((path, one_line(&error.to_string())));
                    continue;
                }
            };
            match self.files.get(&file) {
                None => match why_none(&path) {
                    Some(why) => left_out.push((name(&path), one_line(&why))),
                    None => {
                        self.files.insert(file, (number, found.len() as u32));
                        found.push(path);
                    }
                },
                Some((class, first)) if *class == number => {
                    left_out.push((name(&path), format!("the same file as {}", name(&found[*first as usize]))));
                }
                Some((other, _)) => return Err(in_two_classes(noun, &path, &self.classes[*other as usize], file)),
            }
        }
        Ok(found)
    }
}

/// Everything below a class folder in the order of names; links are followed, but not to a folder that holds the class.
pub(super) fn entries(class: &Path) -> impl Iterator<Item = walkdir::Result<DirEntry>> {
    let real = class.canonicalize().unwrap_or_else(|_| class.to_path_buf());
    let leads_out = move |entry: &DirEntry| {
        let target = || entry.path().canonicalize();
        entry.depth() > 0
            && entry.path_is_symlink()
            && entry.file_type().is_dir()
            && target().is_ok_and(|target| real.starts_with(target))
    };
    WalkDir::new(class).follow_links(true).sort_by_file_name().into_iter().filter_entry(move |entry| !leads_out(entry))
}

/// Whether a file is called like an image.
pub(crate) fn is_image(path: &Path) -> bool {
    let extension = path.extension().map(|e| e.to_string_lossy().to_lowercase());
    extension.is_some_and(|e| EXTENSIONS.contains(&e.as_str()))
}

/// What systems and viewers leave beside images.
fn is_hidden(entry: &DirEntry) -> bool {
    entry.file_name().to_string_lossy().starts_with('.') || entry.file_name() == "Thumbs.db"
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn in_two_classes(noun: &str, path: &Path, other: &Path, file: (u64, u64)) -> Error {
    let is_it = |entry: &DirEntry| entry.metadata().is_ok_and(|metadata| (metadata.dev(), metadata.ino()) == file);
    let first = entries(other).flatten().find(is_it).map(DirEntry::into_path);
    Error::new(Kind::Data, format!("one {noun} file is in two classes"))
        .with_fact("it is", path.display().to_string())
        .with_fact("and", first.as_deref().unwrap_or(other).display().to_string())
        .with_help(format!("remove the link from the class to which the {noun} does not belong"))
}
