//! NumPy's `.npz` files: arrays of numbers, each a `.npy` file in a ZIP archive.
//!
//! Source: NumPy's `savez` and `savez_compressed`.

use std::{
    io::{Cursor, Read},
    path::Path,
};

use zip::ZipArchive;

use super::npy::{self, Array};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// Arrays that are named in a page.
const NAMED: usize = 8;

/// Reads the one array of a `.npz` file whose shape `fits`.
///
/// # Errors
/// When the file cannot be read, is damaged, or none or several of its arrays fit; `wanted` says in words what fits.
pub fn read(path: &Path, fits: impl Fn(&[usize]) -> bool, wanted: &str) -> Result<Array> {
    let bytes = input::read(path, Form::Image)?;
    let page = |cause: String| {
        Error::new(Kind::Data, format!("{} is not a file of arrays", path.display()))
            .with_cause(cause)
            .with_help("write it with numpy.savez(name, array)")
    };
    let (mut fitting, others) = parse(&bytes, fits).map_err(page)?;
    let named = |arrays: &[Named]| {
        let shown = arrays.iter().take(NAMED).map(|(name, shape)| format!("{name} {shape:?}"));
        shown.collect::<Vec<_>>().join(", ")
    };
    match (fitting.pop(), fitting.is_empty()) {
        (Some((_, array)), true) => Ok(array),
        (Some(last), false) => {
            fitting.push(last);
            let fitting: Vec<Named> = fitting.into_iter().map(|(name, array)| (name, array.shape)).collect();
            Err(Error::new(Kind::Data, format!("{} holds several arrays that fit", path.display()))
                .with_fact("these fit", named(&fitting))
                .with_help("give one of them: numpy.save('one.npy', numpy.load('all.npz')['name'])"))
        }
        (None, _) => Err(Error::new(Kind::Data, format!("{} holds no array that fits", path.display()))
            .with_fact("it holds", if others.is_empty() { "none".into() } else { named(&others) })
            .with_fact("it wants", wanted)),
    }
}

/// The name and the sizes of an array.
type Named = (String, Vec<usize>);
/// Arrays that fit, by name, and the others.
type Found = (Vec<(String, Array)>, Vec<Named>);

/// The arrays that fit, and the others. An archive may hold far more than its own size: what is read of it has the limit
/// of a file, and of what does not fit no number is kept.
fn parse(bytes: &[u8], fits: impl Fn(&[usize]) -> bool) -> Result<Found, String> {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let mut left = Form::Image.limit();
    let (mut fitting, mut others) = (Vec::new(), Vec::new());
    for at in 0..archive.len() {
        let entry = archive.by_index(at).map_err(|e| e.to_string())?;
        let Some(name) = entry.name().strip_suffix(".npy").map(str::to_string) else { continue };
        let mut content = Vec::new();
        entry.take(left + 1).read_to_end(&mut content).map_err(|e| format!("{name}: {e}"))?;
        left = left.checked_sub(content.len() as u64).ok_or("its arrays are too large")?;
        match npy::parse_where(&content, &fits) {
            Ok((shape, Some(values))) => fitting.push((name, Array { shape, values })),
            Ok((shape, None)) => others.push((name, shape)),
            Err(_) => {} // what holds no numbers, such as names, fits nothing
        }
    }
    Ok((fitting, others))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::{CompressionMethod, ZipWriter, write::FileOptions};

    use super::*;

    fn archive(entries: &[(&str, &str, &[u8])], method: CompressionMethod) -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, shape, data) in entries {
            zip.start_file(*name, FileOptions::default().compression_method(method)).unwrap();
            let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': ({shape}), }}\n");
            let length = (header.len() as u16).to_le_bytes();
            zip.write_all(&[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    #[test]
    fn the_array_that_fits_is_taken_and_others_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npz");
        let entries = [("label.npy", "1,", &[7u8][..]), ("image.npy", "2, 2", &[1, 2, 3, 4]), ("notes.txt", "9,", &[])];
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            std::fs::write(&path, archive(&entries, method)).unwrap();
            let array = read(&path, |shape| shape == [2, 2], "[2, 2]").unwrap();
            assert_eq!(array, Array { shape: vec![2, 2], values: vec![1.0, 2.0, 3.0, 4.0] });
        }
        let page = read(&path, |shape| shape.len() == 3, "three sizes").unwrap_err().to_string();
        assert!(page.contains("label [1], image [2, 2]") && page.contains("three sizes"), "{page}");
        let page = read(&path, |_| true, "any").unwrap_err().to_string();
        assert!(page.contains("several arrays that fit"), "{page}");
    }

    #[test]
    fn what_is_no_archive_and_what_is_cut_off_is_a_page() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.npz");
        let whole = archive(&[("a.npy", "4,", &[1, 2, 3, 4])], CompressionMethod::Stored);
        for bytes in [&b"no archive"[..], b"", &whole[..whole.len() - 9]] {
            std::fs::write(&path, bytes).unwrap();
            assert!(read(&path, |_| true, "any").unwrap_err().message().contains("is not a file of arrays"));
        }
    }
}
