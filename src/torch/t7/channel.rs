//! `Channel`: numbers of one type after the other on a medium, in binary or ASCII, as `torch.File` reads and writes them.
//!
//! Source of the behaviour: torch7 `THDiskFile.c`, `THMemoryFile.c`.

use std::io;

use super::{medium::Medium, numerals};
use crate::torch::types::Element;

/// How numbers become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Encoding {
    /// Text with a line for each call instead of bytes.
    pub is_ascii: bool,
    /// The most significant byte first.
    pub is_big_endian: bool,
    /// Bytes of a Long in binary: 8, or 4 in files from 32-bit machines and Windows.
    pub long_size: usize,
    /// ASCII: a blank between numbers and a line's end after each call.
    pub auto_spacing: bool,
}

impl Encoding {
    /// Little endian, Longs of 8 bytes.
    pub const BINARY: Encoding = Encoding { is_ascii: false, is_big_endian: false, long_size: 8, auto_spacing: true };
    /// Text.
    pub const ASCII: Encoding = Encoding { is_ascii: true, ..Encoding::BINARY };
}

/// Bytes taken at a time: a count from a damaged file must not reserve memory.
const PORTION: usize = 1 << 20;

/// A medium and how numbers lie on it.
pub struct Channel {
    medium: Box<dyn Medium>,
    /// How numbers become bytes; may change in the middle.
    pub encoding: Encoding,
}

impl Channel {
    /// A channel on this medium.
    #[must_use]
    pub fn new(medium: impl Medium + 'static, encoding: Encoding) -> Channel {
        Channel { medium: Box::new(medium), encoding }
    }

    /// The medium itself.
    pub fn medium(&mut self) -> &mut dyn Medium {
        self.medium.as_mut()
    }

    /// All bytes, of a channel in memory.
    #[must_use]
    pub fn contents(&self) -> Option<&[u8]> {
        self.medium.contents()
    }

    /// Reads up to `count` elements: their bytes, little endian, Longs with 8. Fewer where the stream ends or the text is
    /// not a number.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn read(&mut self, element: Element, count: usize) -> io::Result<Vec<u8>> {
        if self.encoding.is_ascii && element.bytes() > 1 {
            return self.read_text(element, count);
        }
        let width = self.width(element);
        let mut bytes = Vec::new();
        let mut left = count.saturating_mul(width);
        while left > 0 {
            let (start, portion) = (bytes.len(), left.min(PORTION));
            bytes.resize(start + portion, 0);
            let got = self.medium.read(&mut bytes[start..])?;
            bytes.truncate(start + got);
            left -= portion;
            if got < portion {
                break;
            }
        }
        bytes.truncate(bytes.len() / width * width);
        if self.encoding.is_ascii {
            self.end_line(count)?;
        } else if self.encoding.is_big_endian {
            bytes.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        }
        if width == element.bytes() {
            return Ok(bytes);
        }
        // Longs of four bytes.
        let wide = |four: &[u8]| i64::from(i32::from_le_bytes([four[0], four[1], four[2], four[3]])).to_le_bytes();
        Ok(bytes.chunks_exact(width).flat_map(wide).collect())
    }

    fn read_text(&mut self, element: Element, count: usize) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for _ in 0..count {
            if element.is_floating() {
                let Some(value) = numerals::number(self.medium())? else { break };
                match element {
                    Element::Double => bytes.extend(value.to_le_bytes()),
                    Element::Float => bytes.extend((value as f32).to_le_bytes()),
                    _ => bytes.extend(half(value)),
                }
            } else {
                let Some(value) = numerals::whole(self.medium())? else { break };
                bytes.extend(&value.to_le_bytes()[..element.bytes()]);
            }
        }
        self.end_line(count)?;
        Ok(bytes)
    }

    /// In spaced text a line's end belongs to the numbers before it.
    fn end_line(&mut self, count: usize) -> io::Result<()> {
        if self.encoding.auto_spacing && count > 0 && self.medium.peek()? == Some(b'\n') {
            self.medium.read(&mut [0])?;
        }
        Ok(())
    }

    /// Writes elements given as their bytes, little endian, Longs with 8.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn write(&mut self, element: Element, bytes: &[u8]) -> io::Result<()> {
        if self.encoding.is_ascii {
            return self.write_text(element, bytes);
        }
        let width = self.width(element);
        if width == element.bytes() && !self.encoding.is_big_endian {
            return self.medium.write(bytes);
        }
        let mut out = Vec::with_capacity(bytes.len());
        for one in bytes.chunks_exact(element.bytes()) {
            let start = out.len();
            out.extend_from_slice(&one[..width]);
            if self.encoding.is_big_endian {
                out[start..].reverse();
            }
        }
        self.medium.write(&out)
    }

    fn write_text(&mut self, element: Element, bytes: &[u8]) -> io::Result<()> {
        if element.bytes() == 1 {
            self.medium.write(bytes)?;
        } else {
            let blank = if self.encoding.auto_spacing { " " } else { "" };
            let words: Vec<String> = bytes.chunks_exact(element.bytes()).map(|one| text_of(element, one)).collect();
            self.medium.write(words.join(blank).as_bytes())?;
        }
        if self.encoding.auto_spacing && !bytes.is_empty() { self.medium.write(b"\n") } else { Ok(()) }
    }

    fn width(&self, element: Element) -> usize {
        if element == Element::Long && !self.encoding.is_ascii { self.encoding.long_size } else { element.bytes() }
    }

    /// Everything up to the end, or up to the end of the line, which is taken but not answered. `None` at the end.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub fn read_string(&mut self, only_a_line: bool) -> io::Result<Option<Vec<u8>>> {
        if self.medium.peek()?.is_none() {
            return Ok(None);
        }
        let (mut text, mut byte) = (Vec::new(), [0]);
        if only_a_line {
            while self.medium.read(&mut byte)? == 1 && byte[0] != b'\n' {
                text.push(byte[0]);
            }
            return Ok(Some(text));
        }
        loop {
            let start = text.len();
            text.resize(start + PORTION, 0);
            let got = self.medium.read(&mut text[start..])?;
            text.truncate(start + got);
            if got < PORTION {
                return Ok(Some(text));
            }
        }
    }
}

fn text_of(element: Element, bytes: &[u8]) -> String {
    let mut eight = [0; 8];
    eight[..bytes.len()].copy_from_slice(bytes);
    let whole = i64::from_le_bytes(eight);
    match element {
        Element::Double => numerals::general(f64::from_le_bytes(eight), 17),
        Element::Float => numerals::general(f32::from_bits(whole as u32).into(), 9),
        Element::Half => numerals::general(from_half([bytes[0], bytes[1]]), 9),
        Element::Short => (whole as i16).to_string(),
        Element::Int => (whole as i32).to_string(),
        _ => whole.to_string(),
    }
}

/// The nearest half float.
fn half(value: f64) -> [u8; 2] {
    let one = tch::Tensor::from(value).to_kind(tch::Kind::Half);
    let mut bytes = [0; 2];
    one.copy_data_u8(&mut bytes, 1);
    bytes
}

fn from_half(bytes: [u8; 2]) -> f64 {
    tch::Tensor::from_data_size(&bytes, &[1], tch::Kind::Half).double_value(&[0])
}
