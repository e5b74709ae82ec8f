//! `Writer`: an HDF5 file of groups and whole datasets, complete after each of them.
//!
//! Superblock 2, object headers 2, links within the header, contiguous data in little endian, as "HDF5 File Format
//! Specification Version 3.0" has them; every HDF5 since 1.8 reads that. The headers lie behind the data: a further dataset
//! takes their place, and they are written anew behind it.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use crate::{
    error::{Error, Kind, Result},
    torch::{Element, Tensor},
};

/// Size of superblock 2; data begin behind it.
const SUPERBLOCK: u64 = 48;
/// An address of nothing.
const NOWHERE: u64 = u64::MAX;
/// Groups inside one another, at most.
const DEEPEST: usize = 64;
/// Bytes of messages that a header holds at most: those of its links.
const LARGEST_HEADER: usize = 1 << 24;

/// What a group holds, by name.
#[derive(Debug)]
enum Member {
    Group(BTreeMap<String, Member>),
    Dataset { element: Element, size: Vec<i64>, address: u64, bytes: u64 },
}

/// A file that is written.
#[derive(Debug)]
pub(super) struct Writer {
    file: File,
    path: PathBuf,
    root: BTreeMap<String, Member>,
    /// Where the data end.
    end: u64,
}

impl Writer {
    /// Makes the file, or empties it.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(super) fn create(path: &Path) -> Result<Writer> {
        let file = File::create(path).map_err(|source| Error::io("write", path, &source))?;
        let mut writer = Writer { file, path: path.to_path_buf(), root: BTreeMap::new(), end: SUPERBLOCK };
        writer.finish()?;
        Ok(writer)
    }

    /// Puts a tensor at a path, `/a/b/name`; groups are made on the way.
    ///
    /// # Errors
    /// When the path is taken, or the file cannot be written.
    pub(super) fn write(&mut self, path: &str, tensor: &Tensor) -> Result<()> {
        let taken = |what: &str| {
            Error::new(Kind::Argument, format!("{path} is there already in the HDF5 file"))
                .with_fact("there is", what.to_string())
                .with_help("a dataset is written once: choose another name or another file")
        };
        let mut names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        let Some(last) = names.pop() else {
            return Err(Error::new(Kind::Argument, "a dataset has a path: /name"));
        };
        if names.len() > DEEPEST || path.len() > usize::from(u16::MAX) / 2 {
            return Err(Error::new(Kind::Argument, "the path of an HDF5 dataset is too long")
                .with_help(format!("at most {DEEPEST} groups lie inside one another")));
        }
        let mut group = &mut self.root;
        for name in names {
            match group.entry(name.to_string()).or_insert_with(|| Member::Group(BTreeMap::new())) {
                Member::Group(inner) => group = inner,
                Member::Dataset { .. } => return Err(taken("a dataset")),
            }
        }
        match group.get(last) {
            None => {}
            Some(Member::Group(_)) => return Err(taken("a group")),
            Some(Member::Dataset { .. }) => return Err(taken("a dataset")),
        }
        let element =
            if tensor.tensor_type().element == Element::Half { Element::Float } else { tensor.tensor_type().element };
        let data = bytes(tensor, element)?;
        let dataset = Member::Dataset { element, size: tensor.size(), address: self.end, bytes: data.len() as u64 };
        group.insert(last.to_string(), dataset);
        let put = |file: &mut File, end: u64| {
            file.seek(SeekFrom::Start(end))?;
            file.write_all(&data)
        };
        put(&mut self.file, self.end).map_err(|source| Error::io("write", &self.path, &source))?;
        self.end += data.len() as u64;
        self.finish()
    }

    /// Writes all headers behind the data, and the superblock.
    fn finish(&mut self) -> Result<()> {
        let mut headers = Vec::new();
        let root = group_header(&self.root, self.end, &mut headers)?;
        let end = self.end + headers.len() as u64;
        let mut superblock = b"\x89HDF\r\n\x1a\n\x02\x08\x08\x00".to_vec();
        for address in [0, NOWHERE, end, root] {
            superblock.extend(address.to_le_bytes());
        }
        superblock.extend(lookup3(&superblock).to_le_bytes());
        let put = |file: &mut File, at: u64| {
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&headers)?;
            file.set_len(end)?;
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&superblock)?;
            file.flush()
        };
        put(&mut self.file, self.end).map_err(|source| Error::io("write", &self.path, &source))
    }
}

/// The elements in order, little endian.
fn bytes(tensor: &Tensor, element: Element) -> Result<Vec<u8>> {
    let values = tensor.view().f_to_device(tch::Device::Cpu)?.f_contiguous()?.f_to_kind(element.kind())?.f_view(-1)?;
    let mut bytes = vec![0u8; values.numel() * element.bytes()];
    // The machines that this program runs on are little endian.
    values.f_copy_data_u8(&mut bytes, values.numel())?;
    Ok(bytes)
}

/// Appends the headers of a group and of what it holds, which come first; gives its own address.
fn group_header(members: &BTreeMap<String, Member>, base: u64, headers: &mut Vec<u8>) -> Result<u64> {
    let mut messages = Vec::new();
    // Links lie in the header: no heap, no index.
    let info = [&[0u8, 0][..], &NOWHERE.to_le_bytes(), &NOWHERE.to_le_bytes()].concat();
    message(&mut messages, 0x02, &info);
    message(&mut messages, 0x0a, &[0, 0]);
    for (name, member) in members {
        let address = match member {
            Member::Group(inner) => group_header(inner, base, headers)?,
            Member::Dataset { element, size, address, bytes } => {
                let header = dataset_messages(*element, size, *address, *bytes);
                append(headers, base, &header)?
            }
        };
        let length = u16::try_from(name.len()).unwrap_or(u16::MAX);
        // Version 1, a name of two bytes' length, a hard link.
        let link = [&[1, 1][..], &length.to_le_bytes(), name.as_bytes(), &address.to_le_bytes()].concat();
        message(&mut messages, 0x06, &link);
    }
    append(headers, base, &messages)
}

fn dataset_messages(element: Element, size: &[i64], address: u64, bytes: u64) -> Vec<u8> {
    let mut messages = Vec::new();
    let rank = u8::try_from(size.len()).unwrap_or(u8::MAX);
    // Version 2; a simple space, or an empty one.
    let mut space = vec![2, rank, 0, if size.is_empty() { 2 } else { 1 }];
    size.iter().for_each(|length| space.extend(length.to_le_bytes()));
    message(&mut messages, 0x01, &space);
    message(&mut messages, 0x03, &datatype(element));
    // Space is allocated late, no fill value.
    message(&mut messages, 0x05, &[3, 0x0a]);
    let place = if bytes == 0 { NOWHERE } else { address };
    message(&mut messages, 0x08, &[&[3, 1][..], &place.to_le_bytes(), &bytes.to_le_bytes()].concat());
    messages
}

fn datatype(element: Element) -> Vec<u8> {
    let size = element.bytes() as u8;
    let bits = [8 * size, 0];
    let mut message = match element {
        Element::Float | Element::Double | Element::Half => vec![0x11, 0x20, bits[0] - 1, 0],
        Element::Byte => vec![0x10, 0, 0, 0],
        _ => vec![0x10, 0x08, 0, 0],
    };
    message.extend(u32::from(size).to_le_bytes());
    message.extend([0, 0, bits[0], 0]);
    match element {
        Element::Double => {
            message.extend([52, 11, 0, 52]);
            message.extend(1023u32.to_le_bytes());
        }
        Element::Float | Element::Half => {
            message.extend([23, 8, 0, 23]);
            message.extend(127u32.to_le_bytes());
        }
        _ => {}
    }
    message
}

fn message(messages: &mut Vec<u8>, kind: u8, body: &[u8]) {
    messages.push(kind);
    messages.extend(u16::try_from(body.len()).unwrap_or(u16::MAX).to_le_bytes());
    messages.push(0);
    messages.extend(body);
}

/// An object header of these messages at the end of `headers`; its address.
fn append(headers: &mut Vec<u8>, base: u64, messages: &[u8]) -> Result<u64> {
    let too_many =
        || Error::new(Kind::Limit, "an HDF5 group holds too many datasets").with_help("put them into several groups");
    let length =
        u32::try_from(messages.len()).ok().filter(|_| messages.len() <= LARGEST_HEADER).ok_or_else(too_many)?;
    let at = headers.len();
    // Version 2, the size of the messages in four bytes.
    headers.extend(b"OHDR\x02\x02");
    headers.extend(length.to_le_bytes());
    headers.extend(messages);
    let sum = lookup3(&headers[at..]);
    headers.extend(sum.to_le_bytes());
    Ok(base + at as u64)
}

/// Bob Jenkins' lookup3, `hashlittle` with 0 to start from, which HDF5 takes for its sums.
fn lookup3(bytes: &[u8]) -> u32 {
    let start = 0xdead_beef_u32.wrapping_add(bytes.len() as u32);
    let (mut a, mut b, mut c) = (start, start, start);
    let word = |part: &[u8], at: usize| {
        (0..4).fold(0u32, |word, i| word | u32::from(part.get(at + i).copied().unwrap_or(0)) << (8 * i))
    };
    let mut rest = bytes;
    while rest.len() > 12 {
        a = a.wrapping_add(word(rest, 0));
        b = b.wrapping_add(word(rest, 4));
        c = c.wrapping_add(word(rest, 8));
        for (turn, rotation) in [4, 6, 8, 16, 19, 4].into_iter().enumerate() {
            let (x, y, z) = match turn % 3 {
                0 => (&mut a, &mut c, &mut b),
                1 => (&mut b, &mut a, &mut c),
                _ => (&mut c, &mut b, &mut a),
            };
            *x = x.wrapping_sub(*y) ^ y.rotate_left(rotation);
            *y = y.wrapping_add(*z);
        }
        rest = &rest[12..];
    }
    if rest.is_empty() {
        return c;
    }
    a = a.wrapping_add(word(rest, 0));
    b = b.wrapping_add(word(rest, 4));
    c = c.wrapping_add(word(rest, 8));
    for (turn, rotation) in [14, 11, 25, 16, 4, 14, 24].into_iter().enumerate() {
        let (x, y) = match turn % 3 {
            0 => (&mut c, b),
            1 => (&mut a, c),
            _ => (&mut b, a),
        };
        *x = (*x ^ y).wrapping_sub(y.rotate_left(rotation));
    }
    c
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_are_those_of_lookup3_s_author() {
        // From the comments of lookup3.c.
        assert_eq!(lookup3(b""), 0xdead_beef);
        assert_eq!(lookup3(b"Four score and seven years ago"), 0x1777_0551);
    }
}
