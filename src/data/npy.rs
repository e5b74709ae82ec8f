//! NumPy's `.npy` files: one array of numbers, as inputs of any number of channels come.
//!
//! Source: NumPy's format specification, versions 1 to 3.

use std::path::Path;

use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// An array of numbers in row order.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Sizes, outermost first.
    pub shape: Vec<usize>,
    /// The numbers.
    pub values: Vec<f32>,
}

impl Array {
    /// Reads a `.npy` file.
    ///
    /// # Errors
    /// When it cannot be read, is damaged, lies column by column, or holds something else than numbers.
    pub fn read(path: &Path) -> Result<Array> {
        let bytes = input::read(path, Form::Image)?;
        parse(&bytes).map_err(|what| {
            Error::new(Kind::Data, format!("{} is not an array of numbers", path.display()))
                .with_cause(what)
                .with_help("write it with numpy.save(name, numpy.ascontiguousarray(array, dtype='float32'))")
        })
    }
}

fn parse(bytes: &[u8]) -> Result<Array, String> {
    let (shape, values) = parse_where(bytes, |_| true)?;
    Ok(Array { shape, values: values.unwrap_or_default() })
}

/// The sizes of the array in the bytes of a file, and its numbers where they are `wanted`; else what is wrong with them.
pub(super) fn parse_where(
    bytes: &[u8],
    wanted: impl Fn(&[usize]) -> bool,
) -> Result<(Vec<usize>, Option<Vec<f32>>), String> {
    let short = || "the file is cut off".to_string();
    let rest = bytes.strip_prefix(b"\x93NUMPY").ok_or("it does not begin as a .npy file does")?;
    let (&[major, _], rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let (length, rest) = match major {
        1 => rest.split_first_chunk::<2>().map(|(n, rest)| (usize::from(u16::from_le_bytes(*n)), rest)),
        2 | 3 => rest.split_first_chunk::<4>().map(|(n, rest)| (u32::from_le_bytes(*n) as usize, rest)),
        _ => return Err(format!("it has version {major} of the format")),
    }
    .ok_or_else(short)?;
    let (header, data) = rest.split_at_checked(length).ok_or_else(short)?;
    let header = String::from_utf8_lossy(header);
    let field = |name: &str| header.split_once(&format!("'{name}':")).map(|(_, rest)| rest.trim_start());
    if field("fortran_order").is_none_or(|order| !order.starts_with("False")) {
        return Err("its numbers lie column by column".into());
    }
    let descr = field("descr").and_then(|text| text.strip_prefix('\'')?.split('\'').next()).unwrap_or_default();
    let shape = field("shape").and_then(|text| text.strip_prefix('(')?.split_once(')')).map(|(shape, _)| shape);
    let shape: Vec<usize> = shape
        .ok_or("it has no shape")?
        .split(',')
        .map(str::trim)
        .filter(|size| !size.is_empty())
        .map(|size| size.parse().map_err(|_| format!("its shape holds '{size}'")))
        .collect::<Result<_, String>>()?;
    let count =
        shape.iter().try_fold(1usize, |count, size| count.checked_mul(*size)).ok_or("its shape is too large")?;
    let values = wanted(&shape).then(|| numbers(descr, data, count)).transpose()?;
    Ok((shape, values))
}

fn numbers(descr: &str, data: &[u8], count: usize) -> Result<Vec<f32>, String> {
    let (order, kind) = descr.split_at_checked(1).ok_or("it names no type")?;
    let is_big = order == ">";
    macro_rules! read {
        ($type:ty) => {{
            const SIZE: usize = size_of::<$type>();
            let all = data.chunks_exact(SIZE).take(count).map(|bytes| {
                let bytes: [u8; SIZE] = bytes.try_into().expect("a chunk has its size");
                (if is_big { <$type>::from_be_bytes(bytes) } else { <$type>::from_le_bytes(bytes) }) as f32
            });
            all.collect::<Vec<f32>>()
        }};
    }
    let values = match kind {
        "u1" | "b1" => read!(u8),
        "i1" => read!(i8),
        "u2" => read!(u16),
        "i2" => read!(i16),
        "u4" => read!(u32),
        "i4" => read!(i32),
        "u8" => read!(u64),
        "i8" => read!(i64),
        "f4" => read!(f32),
        "f8" => read!(f64),
        _ => return Err(format!("its numbers are of type '{descr}'")),
    };
    if values.len() < count { Err("the file is cut off".into()) } else { Ok(values) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(descr: &str, order: &str, shape: &str, data: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({shape}), }}\n");
        let length = (header.len() as u16).to_le_bytes();
        [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
    }

    #[test]
    fn numbers_of_every_type_are_read_and_others_refused() {
        let array = parse(&file("<f4", "False", "2, 1, 1", &[0, 0, 128, 63, 0, 0, 0, 64])).unwrap();
        assert_eq!(array, Array { shape: vec![2, 1, 1], values: vec![1.0, 2.0] });
        assert_eq!(parse(&file("|u1", "False", "3,", &[1, 2, 255])).unwrap().values, [1.0, 2.0, 255.0]);
        assert_eq!(parse(&file(">i2", "False", "1,", &[1, 0])).unwrap().values, [256.0]);
        for bad in [
            file("<f4", "True", "1,", &[0; 4]),
            file("<c8", "False", "1,", &[0; 8]),
            file("<f4", "False", "2,", &[0; 4]),
            file("<f4", "False", "9999999999999, 9999999999999", &[0; 4]),
            file("<f4", "False", "x", &[0; 4]),
            b"\x93NUMPY\x01".to_vec(),
            b"PNG".to_vec(),
        ] {
            assert!(parse(&bad).is_err());
        }
    }
}
