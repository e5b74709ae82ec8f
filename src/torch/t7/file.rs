//! Whole `.t7` files: read into a `Document` in whichever encoding they are, written from one.

use std::{fs, path::Path};

use super::{
    channel::{Channel, Encoding},
    document::Document,
    medium::Memory,
    read::Reader,
    write::Writer,
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// How a file may be written, likeliest first: there is no header that tells.
const ENCODINGS: [Encoding; 4] = [
    Encoding::BINARY,
    Encoding { long_size: 4, ..Encoding::BINARY },
    Encoding { is_big_endian: true, ..Encoding::BINARY },
    Encoding { is_big_endian: true, long_size: 4, ..Encoding::BINARY },
];

impl Document {
    /// Reads the first object of a file, binary or ASCII, with Longs of 8 or 4 bytes, in either byte order.
    ///
    /// # Errors
    /// `Kind::Io` when it cannot be read, `Kind::Data` when it is no `.t7` file or a damaged one.
    pub fn open(path: &Path) -> Result<Document> {
        let bytes = input::read(path, Form::Weights)?;
        Document::parse(bytes, &path.display().to_string())
    }

    /// Reads the first object in these bytes; `name` says in errors where they came from.
    ///
    /// # Errors
    /// `Kind::Data` when they are no `.t7` stream or a damaged one.
    pub fn parse(bytes: Vec<u8>, name: &str) -> Result<Document> {
        if looks_like_text(&bytes) {
            return Document::parse_as(bytes, name, Encoding::ASCII);
        }
        let mut first = None;
        // The byte order shows in the first tag; the size of Longs only in whether the rest makes sense.
        for encoding in ENCODINGS.into_iter().filter(|encoding| first_tag_fits(&bytes, encoding.is_big_endian)) {
            match Document::parse_as(bytes.clone(), name, encoding) {
                Ok(document) => return Ok(document),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| {
            Error::new(Kind::Data, format!("{name} is not a .t7 file"))
                .with_fact("it has", format!("{} bytes", bytes.len()))
                .with_help("torch.save writes such files; a file with the same ending may hold something else")
        }))
    }

    /// Reads the first object in these bytes, which are written so.
    ///
    /// # Errors
    /// As [`Document::parse`].
    pub fn parse_as(bytes: Vec<u8>, name: &str, encoding: Encoding) -> Result<Document> {
        Reader::new(Channel::new(Memory::new(bytes), encoding), name).read()
    }

    /// The bytes that `torch.save` would write for the root.
    ///
    /// # Errors
    /// When a tensor's elements cannot be had.
    pub fn to_bytes(&self, encoding: Encoding) -> Result<Vec<u8>> {
        Writer::new(self, Channel::new(Memory::default(), encoding)).write()
    }

    /// Writes the root as `torch.save` would: whole or not at all.
    ///
    /// # Errors
    /// `Kind::Io` when the operating system refuses.
    pub fn save(&self, path: &Path, encoding: Encoding) -> Result<()> {
        let bytes = self.to_bytes(encoding)?;
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".unfinished");
        fs::write(&unfinished, bytes)
            .and_then(|()| fs::rename(&unfinished, path))
            .map_err(|source| Error::io("write", path, &source))
    }
}

/// ASCII streams begin with a tag, which is one digit on a line of its own.
fn looks_like_text(bytes: &[u8]) -> bool {
    matches!(bytes, [b'0'..=b'8', b'\n' | b'\r', ..])
}

fn first_tag_fits(bytes: &[u8], is_big_endian: bool) -> bool {
    match (bytes, is_big_endian) {
        ([tag, 0, 0, 0, ..], false) | ([0, 0, 0, tag, ..], true) => *tag <= 8,
        _ => false,
    }
}
