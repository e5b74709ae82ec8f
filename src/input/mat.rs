//! MAT files of MATLAB's versions 5 to 7: their variables as sizes and bytes.
//!
//! Source: MathWorks, "MAT-File Format", level 5. A file is a header of 128 bytes and elements, each a type, a length and data; a
//! variable is an element of elements, often packed by zlib.

use std::{cell::Cell, io::Read};

use flate2::read::ZlibDecoder;

use crate::error::{Error, Kind, Result};

const HEADER: usize = 128;
/// Cells and structures in one another, at most.
const DEEPEST: usize = 64;
/// Bytes of memory that an array takes beside its elements, and a field beside its entries: more than the eight in the file.
const EACH: u64 = 256;
/// What HDF5 begins with: MAT files of version 7.3 are such, behind a header of 512 bytes.
const HDF5: &[u8] = b"\x89HDF\r\n\x1a\n";

/// The type of an array's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Letters, of 16 bits in MATLAB; kept as their codes.
    Char,
    /// `logical`, a byte each.
    Logical,
    /// `double`
    Double,
    /// `single`
    Single,
    /// Whole numbers of so many bytes.
    Signed(usize),
    /// The same without a sign.
    Unsigned(usize),
}

impl Class {
    /// Bytes of an element as [`Content::Numbers`] has it.
    #[must_use]
    pub const fn width(self) -> usize {
        match self {
            Class::Logical => 1,
            Class::Char => 2,
            Class::Single => 4,
            Class::Double => 8,
            Class::Signed(width) | Class::Unsigned(width) => width,
        }
    }
}

/// What an array holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// Elements, the first dimension running fastest, in the machine's own order of bytes. Of complex numbers the real parts.
    Numbers(Class, Vec<u8>),
    /// A cell array's entries, in the same order.
    Cells(Vec<Array>),
    /// A structure's fields: for each name one entry for each element.
    Fields(Vec<(String, Vec<Array>)>),
    /// An array of a kind that is not read here: its name.
    Other(&'static str),
}

/// An array with its name, empty in cells and fields.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// The variable's name.
    pub name: String,
    /// The sizes, at least two.
    pub size: Vec<usize>,
    /// What it holds.
    pub content: Content,
}

/// The variables of a file, or those that `wanted` names. They may be far larger than the file, packed or not: `room` is how many
/// bytes of memory they may take.
///
/// # Errors
/// [`Kind::Data`] when it is no MAT file of these versions, or a damaged one; [`Kind::Limit`] when there is no room.
pub fn variables(file: &[u8], room: u64, wanted: &dyn Fn(&str) -> bool) -> Result<Vec<Array>> {
    if file.starts_with(HDF5) || file.get(512..).is_some_and(|rest| rest.starts_with(HDF5)) {
        return Err(Error::new(Kind::Data, "this MAT file is of version 7.3, which is HDF5")
            .with_help("read it with require 'hdf5', or save it in MATLAB with -v7"));
    }
    let is_big = match file.get(126..HEADER) {
        Some(b"IM") => false,
        Some(b"MI") => true,
        _ => {
            return Err(Error::new(Kind::Data, "this is no MAT file of version 5, 6 or 7")
                .with_help("save it in MATLAB with -v7, or in Python with scipy.io.savemat"));
        }
    };
    let room = &Cell::new(room);
    let mut reader = Reader { rest: &file[HEADER..], is_big, room };
    let mut found = Vec::new();
    while !reader.rest.is_empty() {
        let (kind, data) = reader.element()?;
        let before = room.get();
        let mut unpacked = Vec::new();
        let data = if kind == COMPRESSED {
            let mut decoder = ZlibDecoder::new(data).take(before.saturating_add(1));
            decoder.read_to_end(&mut unpacked).map_err(|e| damaged().with_cause(e.to_string()))?;
            take_room(room, unpacked.len() as u64)?;
            let mut inner = Reader { rest: &unpacked, is_big, room };
            match inner.element()? {
                (MATRIX, data) => data,
                _ => {
                    room.set(before);
                    continue;
                }
            }
        } else if kind == MATRIX {
            data
        } else {
            continue;
        };
        match (Reader { rest: data, is_big, room }).array(wanted, 0)? {
            Some(array) => {
                found.push(array);
                room.set(room.get() + unpacked.len() as u64); // which go now
            }
            None => room.set(before),
        }
    }
    Ok(found)
}

const UINT8: u32 = 2;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;

fn damaged() -> Error {
    Error::new(Kind::Data, "the MAT file is damaged").with_help("if it was copied, copy it again")
}

fn no_room() -> Error {
    Error::new(Kind::Limit, "the MAT file unpacks to more than there is memory for")
        .with_help("name the variables that are wanted, or save fewer in one file")
}

fn take_room(room: &Cell<u64>, bytes: u64) -> Result<()> {
    room.set(room.get().checked_sub(bytes).ok_or_else(no_room)?);
    Ok(())
}

struct Reader<'b> {
    rest: &'b [u8],
    is_big: bool,
    room: &'b Cell<u64>,
}

impl<'b> Reader<'b> {
    fn take(&mut self, count: usize) -> Result<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(damaged)?;
        self.rest = rest;
        Ok(taken)
    }

    fn word(&self, bytes: &[u8]) -> u32 {
        let bytes = [bytes[0], bytes[1], bytes[2], bytes[3]];
        if self.is_big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// The type and the data of the next element. Up to four bytes lie in the tag itself.
    fn element(&mut self) -> Result<(u32, &'b [u8])> {
        let tag = self.take(8)?;
        let first = self.word(tag);
        if first >> 16 != 0 {
            return Ok((first & 0xffff, tag[4..].get(..(first >> 16) as usize).ok_or_else(damaged)?));
        }
        let length = self.word(&tag[4..]) as usize;
        let data = self.take(length)?;
        if first != COMPRESSED {
            // The last one of a file may lack what it is filled up with.
            let fill = length.next_multiple_of(8) - length;
            self.rest = self.rest.get(fill..).unwrap_or_default();
        }
        Ok((first, data))
    }

    fn whole(&mut self) -> Result<Vec<u32>> {
        let (_, data) = self.element()?;
        Ok(data.chunks_exact(4).map(|bytes| self.word(bytes)).collect())
    }

    fn text(&mut self) -> Result<String> {
        let (_, data) = self.element()?;
        take_room(self.room, 3 * data.len() as u64)?; // of a byte that is no UTF-8
        Ok(String::from_utf8_lossy(data).into_owned())
    }

    /// The array whose elements these are; `None` when it is not wanted.
    fn array(&mut self, wanted: &dyn Fn(&str) -> bool, depth: usize) -> Result<Option<Array>> {
        // An empty cell may be an element without anything.
        if self.rest.is_empty() {
            let nothing = Content::Numbers(Class::Double, Vec::new());
            return Ok(Some(Array { name: String::new(), size: vec![0, 0], content: nothing }));
        }
        if depth > DEEPEST {
            return Err(damaged().with_fact("cells and structures in one another", format!("more than {DEEPEST}")));
        }
        let flags = self.whole()?.first().copied().ok_or_else(damaged)?;
        if matches!(flags & 0xff, 16 | 17) {
            return Ok(None);
        }
        let size: Vec<usize> = self.whole()?.into_iter().map(|length| length as usize).collect();
        take_room(self.room, size_of_val(&size[..]) as u64)?;
        let count = size.iter().try_fold(1_usize, |all, length| all.checked_mul(*length)).ok_or_else(damaged)?;
        let name = self.text()?;
        if !wanted(&name) {
            return Ok(None);
        }
        let is_logical = flags & 0x200 != 0;
        let content = match flags & 0xff {
            1 => Content::Cells(self.arrays(count, depth)?),
            2 => self.fields(count, depth)?,
            3 => Content::Other("an object"),
            4 => self.numbers(Class::Char, count)?,
            5 => Content::Other("a sparse matrix"),
            6 => self.numbers(Class::Double, count)?,
            7 => self.numbers(Class::Single, count)?,
            9 if is_logical => self.numbers(Class::Logical, count)?,
            class @ 8..=15 => {
                let width = 1 << ((class - 8) / 2);
                self.numbers(if class % 2 == 0 { Class::Signed(width) } else { Class::Unsigned(width) }, count)?
            }
            _ => return Err(damaged()),
        };
        Ok(Some(Array { name, size, content }))
    }

    fn arrays(&mut self, count: usize, depth: usize) -> Result<Vec<Array>> {
        // Each takes a tag at least.
        if count > self.rest.len() / 8 {
            return Err(damaged());
        }
        take_room(self.room, EACH * count as u64)?;
        let mut arrays = Vec::with_capacity(count);
        for _ in 0..count {
            let (_, data) = self.element()?;
            let array = Reader { rest: data, ..*self }.array(&|_| true, depth + 1)?;
            arrays.extend(array);
        }
        Ok(arrays)
    }

    fn fields(&mut self, count: usize, depth: usize) -> Result<Content> {
        let length = self.whole()?.first().copied().ok_or_else(damaged)? as usize;
        let (_, names) = self.element()?;
        if length == 0 {
            return Err(damaged());
        }
        take_room(self.room, EACH * (names.len() / length) as u64 + 3 * names.len() as u64)?;
        let names = names.chunks_exact(length).map(|name| {
            let end = name.iter().position(|byte| *byte == 0).unwrap_or(name.len());
            String::from_utf8_lossy(&name[..end]).into_owned()
        });
        let mut fields: Vec<(String, Vec<Array>)> = names.map(|name| (name, Vec::new())).collect();
        let all = count.checked_mul(fields.len()).ok_or_else(damaged)?;
        let mut arrays = self.arrays(all, depth)?.into_iter();
        for _ in 0..if fields.is_empty() { 0 } else { count } {
            for (_, entries) in &mut fields {
                entries.extend(arrays.next());
            }
        }
        Ok(Content::Fields(fields))
    }

    /// Elements of a class, which may be stored as a smaller type.
    fn numbers(&mut self, class: Class, count: usize) -> Result<Content> {
        take_room(self.room, (count as u64).saturating_mul(class.width() as u64))?;
        let (kind, data) = self.element()?;
        let width = match kind {
            1 | UINT8 | 16 => 1,
            3 | UINT16 | 17 => 2,
            INT32 | 6 | 7 => 4,
            9 | 12 | 13 => 8,
            _ => return Err(damaged()),
        };
        if data.len() / width != count {
            // Letters in UTF-8 may be fewer than bytes.
            let is_text = class == Class::Char && kind == 16;
            let letters: Vec<u16> =
                if is_text { String::from_utf8_lossy(data).encode_utf16().collect() } else { Vec::new() };
            if !is_text || letters.len() != count {
                return Err(
                    damaged().with_fact("elements", format!("{} where the sizes say {count}", data.len() / width))
                );
            }
            return Ok(Content::Numbers(class, letters.into_iter().flat_map(u16::to_ne_bytes).collect()));
        }
        let mut bytes = Vec::new();
        count.checked_mul(class.width()).and_then(|all| bytes.try_reserve_exact(all).ok()).ok_or_else(no_room)?;
        for element in data.chunks_exact(width) {
            let mut eight = [0; 8];
            for (at, byte) in element.iter().enumerate() {
                eight[if self.is_big { width - 1 - at } else { at }] = *byte;
            }
            let raw = u64::from_le_bytes(eight);
            let shift = 64 - 8 * width as u32;
            let signed = (raw << shift) as i64 >> shift;
            match (kind, class) {
                (9, _) => put(class, f64::from_bits(raw), &mut bytes),
                (7, _) => put(class, f64::from(f32::from_bits(raw as u32)), &mut bytes),
                (_, Class::Double | Class::Single) => {
                    put(class, if is_signed(kind) { signed as f64 } else { raw as f64 }, &mut bytes);
                }
                _ => {
                    let whole = if is_signed(kind) { signed as u64 } else { raw };
                    let eight = whole.to_ne_bytes();
                    let part =
                        if cfg!(target_endian = "big") { &eight[8 - class.width()..] } else { &eight[..class.width()] };
                    bytes.extend_from_slice(part);
                }
            }
        }
        Ok(Content::Numbers(class, bytes))
    }
}

fn is_signed(kind: u32) -> bool {
    matches!(kind, 1 | 3 | INT32 | 12)
}

fn put(class: Class, number: f64, bytes: &mut Vec<u8>) {
    match class {
        Class::Double => bytes.extend_from_slice(&number.to_ne_bytes()),
        Class::Single => bytes.extend_from_slice(&(number as f32).to_ne_bytes()),
        _ => bytes.extend((number as i64).to_ne_bytes().iter().take(class.width())),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::ZlibEncoder};

    use super::*;

    #[test]
    fn a_small_file_that_unpacks_to_much_is_refused() {
        let mut packed = ZlibEncoder::new(Vec::new(), Compression::best());
        packed.write_all(&vec![0; 4 << 20]).unwrap();
        let packed = packed.finish().unwrap();
        let mut file = vec![b' '; HEADER];
        file[126..].copy_from_slice(b"IM");
        file.extend(COMPRESSED.to_le_bytes());
        file.extend((packed.len() as u32).to_le_bytes());
        file.extend(&packed);
        assert!(file.len() < 1 << 16);
        assert_eq!(variables(&file, 1 << 20, &|_| true).unwrap_err().kind(), Kind::Limit);
        // With room for it, it is an element of no type that is read here.
        assert_eq!(variables(&file, 8 << 20, &|_| true).unwrap(), []);
    }

    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let fill = data.len().next_multiple_of(8) - data.len();
        [&kind.to_le_bytes()[..], &(data.len() as u32).to_le_bytes(), data, &vec![0; fill]].concat()
    }

    fn file_of(class: u32, sizes: [u32; 2], rest: &[u8]) -> Vec<u8> {
        let words = |words: [u32; 2]| words.map(u32::to_le_bytes).concat();
        let parts = [element(6, &words([class, 0])), element(INT32, &words(sizes)), element(1, b"a"), rest.to_vec()];
        let mut file = vec![b' '; HEADER];
        file[126..].copy_from_slice(b"IM");
        file.extend(element(MATRIX, &parts.concat()));
        file
    }

    #[test]
    fn what_takes_more_memory_than_its_bytes_is_counted() {
        let cells = file_of(1, [1, 1000], &element(MATRIX, b"").repeat(1000));
        let names = [element(INT32, &1u32.to_le_bytes()), element(1, &[b'x'; 1000])].concat();
        let fields = file_of(2, [1, 0], &names);
        let numbers = file_of(6, [1, 40_000], &element(UINT8, &[7; 40_000]));
        for file in [cells, fields, numbers] {
            assert!(file.len() < 50_000);
            assert_eq!(variables(&file, 200_000, &|_| true).unwrap_err().kind(), Kind::Limit);
            assert_eq!(variables(&file, 400_000, &|_| true).unwrap().len(), 1);
            // What nobody wants takes none.
            assert_eq!(variables(&file, 1000, &|_| false).unwrap(), []);
        }
    }

    #[test]
    fn variables_one_after_the_other_share_the_room() {
        let one = file_of(6, [1, 1000], &element(UINT8, &[7; 1000]));
        let two = [&one[..], &one[HEADER..]].concat();
        assert_eq!(variables(&two, 17_000, &|_| true).unwrap().len(), 2);
        assert_eq!(variables(&two, 15_000, &|_| true).unwrap_err().kind(), Kind::Limit);
    }
}
