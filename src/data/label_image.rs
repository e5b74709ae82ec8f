//! `LabelImages`: what the pixels of label images mean: values to repeat, or a class at each pixel.

use std::{collections::HashMap, io::Cursor, path::Path};

use super::{dataset::read_labels, decoded::Decoded, fit::Resize, image::Image, random::Random};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// The number of pixels that belong to no class, by the custom of such images.
pub const NO_CLASS: u8 = 255;
/// Larger label images are no palette images here.
const MOST_BYTES: usize = 1 << 30;
/// Values of label images below this one are all but black.
const DARK: usize = 32;

/// Whether grey levels are all but black, pixels of no class aside: seen as an image, nothing could be told apart.
#[must_use]
pub fn is_dark(levels: &[u8]) -> bool {
    levels.iter().all(|level| usize::from(*level) < DARK || *level == NO_CLASS)
}

/// What label images mean.
#[derive(Debug, Clone, Default)]
pub struct LabelImages {
    /// Names of the classes; none where labels are images.
    names: Vec<String>,
    are_classes: bool,
    /// The class of each colour; without, the number in the file is the class: a grey level's, or that in a palette.
    colors: Option<HashMap<[u8; 3], u8>>,
}

impl LabelImages {
    /// Images whose values are to be repeated.
    #[must_use]
    pub fn images() -> LabelImages {
        LabelImages::default()
    }

    /// A class at each pixel: `names` has a name a line, `colors` red, green and blue a line.
    ///
    /// # Errors
    /// When a file cannot be read, or a line of `colors` is none.
    pub fn classes(names: Option<&Path>, colors: Option<&Path>) -> Result<LabelImages> {
        let names = names.map(read_labels).transpose()?.unwrap_or_default();
        let colors = colors.map(read_colors).transpose()?;
        Ok(LabelImages { names, are_classes: true, colors })
    }

    /// The names of the classes.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether pixels are class numbers.
    #[must_use]
    pub fn are_classes(&self) -> bool {
        self.are_classes
    }

    /// What a user should know of label images whose pixels have these values.
    #[must_use]
    pub fn notes(&self, values: &[bool; 256]) -> Vec<String> {
        let greatest = values.iter().rposition(|seen| *seen).unwrap_or(0);
        let mut found = Vec::new();
        if self.are_classes && self.names.is_empty() {
            found.push(format!(
                "the classes have no names, so that their numbers reach the loss as they are, from 0 to {greatest}: losses of \
                 classes, such as nn.SpatialClassNLLCriterion, want them from 1, as they count with --class-names FILE"
            ));
        }
        if self.are_classes && !self.names.is_empty() && values[usize::from(NO_CLASS)] {
            found.push(format!(
                "pixels of {NO_CLASS} belong to no class: the loss leaves them out when it has their number, as \
                 nn.SpatialClassNLLCriterion(nil, true, {})",
                u16::from(NO_CLASS) + 1
            ));
        }
        if !self.are_classes && greatest < DARK {
            found.push(format!(
                "the label images are nearly black: their greatest value is {greatest} of 255; if their values are classes, \
                 give --classes --class-names FILE, and for a mask of grey levels, as networks/binary-segmentation.lua repeats \
                 it, make it 0 and 255"
            ));
        }
        found
    }

    /// Refuses an image with a pixel of a class that has no name.
    fn check(&self, image: Image) -> Result<Image> {
        let is_known = |value: u8| usize::from(value) < self.names.len() || value == NO_CLASS;
        match image.pixels.iter().find(|value| !is_known(**value)) {
            Some(value) if !self.names.is_empty() => Err(Error::new(
                Kind::Data,
                format!("a pixel is of class {value}, and the names are for 0 to {}", self.names.len() - 1),
            )
            .with_help("give the file of names a line for each class, or pixels of no class the number 255")),
            _ => Ok(image),
        }
    }

    /// A label image of `[c, h, w]`: of classes one channel, whose values are never mixed. Besides: whether it has 16 bits
    /// a pixel in its file, of which 8 are left, and its own width and height.
    ///
    /// # Errors
    /// When it cannot be read, or a pixel is of no class.
    pub fn open(&self, path: &Path, [c, h, w]: [usize; 3], resize: Resize) -> Result<(Image, bool, [usize; 2])> {
        let bytes = input::read(path, Form::Image)?;
        let image =
            Decoded::decode_file(&bytes).map_err(|page| page.with_fact("in the file", path.display().to_string()))?;
        let own = image.size();
        let is_deep = image.is_deep();
        if !self.are_classes {
            let fitted = image.reduced().with_channels(c).resized(w, h, resize, &mut Random::new(&[0]))?;
            return Ok((fitted, is_deep, own));
        }
        if is_deep {
            return Err(Error::new(Kind::Data, "a label image of classes has 16 bits a pixel")
                .with_help("save it with 8: classes are numbers from 0 to 255"));
        }
        let image = image.reduced();
        let numbers = self.check(self.numbers(image, &bytes)?)?;
        if (numbers.width, numbers.height) != (w, h) && resize != Resize::Squash {
            return Err(Error::new(Kind::Usage, "labels of classes are fitted by squash alone")
                .with_help("cut inputs and labels to one size before"));
        }
        Ok((nearest(&numbers, w, h), false, own))
    }

    /// The class of each pixel: by the colours that are given; else the number in the file, of a palette's colour or a grey
    /// level.
    fn numbers(&self, image: Image, bytes: &[u8]) -> Result<Image> {
        let Some(known) = &self.colors else {
            if let Some(indices) = palette_indices(bytes) {
                return Ok(indices);
            }
            let is_grey = |pixel: &[u8]| pixel[0] == pixel[1] && pixel[1] == pixel[2];
            return match image.channels {
                1 => Ok(image),
                // Grey levels that a program has written as colours.
                3 if image.pixels.chunks_exact(3).all(is_grey) => Ok(image.with_channels(1)),
                _ => Err(Error::new(Kind::Data, "a label image in colour has no numbers for its colours")
                    .with_help("give --colors FILE, the classes' colours: red green blue on each line")),
            };
        };
        let image = image.with_channels(3);
        let number = |pixel: &[u8]| {
            known.get(pixel).copied().ok_or_else(|| {
                Error::new(Kind::Data, format!("the colour {} {} {} is of no class", pixel[0], pixel[1], pixel[2]))
                    .with_help(
                        "--colors FILE names every colour of the label images; a JPEG file has others than were drawn: keep them as PNG",
                    )
            })
        };
        let pixels = image.pixels.chunks_exact(3).map(number).collect::<Result<Vec<u8>>>()?;
        Ok(Image { channels: 1, pixels, ..image })
    }
}

/// The numbers of a PNG file's pixels in its palette, as they stand there: two of them may have one colour.
fn palette_indices(bytes: &[u8]) -> Option<Image> {
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    decoder.set_transformations(png::Transformations::IDENTITY);
    let mut reader = decoder.read_info().ok()?;
    let info = reader.info();
    if info.color_type != png::ColorType::Indexed {
        return None;
    }
    let (width, height, depth) = (info.width as usize, info.height as usize, info.bit_depth as usize);
    let mut packed = vec![0; reader.output_buffer_size().filter(|size| *size <= MOST_BYTES)?];
    let frame = reader.next_frame(&mut packed).ok()?;
    let mask = u8::MAX >> (8 - depth);
    let pixel = |row: &[u8], x: usize| {
        let bit = x * depth;
        (row[bit / 8] >> (8 - depth - bit % 8)) & mask
    };
    let rows = packed.chunks_exact(frame.line_size).take(height);
    let pixels = rows.flat_map(|row| (0..width).map(move |x| pixel(row, x))).collect();
    Some(Image { width, height, channels: 1, pixels })
}

/// The nearest pixel of each.
fn nearest(image: &Image, width: usize, height: usize) -> Image {
    let at = |to: usize, length: usize, target: usize| ((2 * to + 1) * length / (2 * target)).min(length - 1);
    let row = |y: usize| (0..width).map(move |x| (x, y));
    let pixel =
        |(x, y): (usize, usize)| image.pixels[at(y, image.height, height) * image.width + at(x, image.width, width)];
    let pixels = (0..height).flat_map(row).map(pixel).collect();
    Image { width, height, channels: 1, pixels }
}

fn read_colors(path: &Path) -> Result<HashMap<[u8; 3], u8>> {
    let text = input::read_text(path, Form::Labels)?;
    let wrong = |line: &str| {
        Error::new(Kind::Data, format!("'{line}' is no colour"))
            .with_fact("in", path.display().to_string())
            .with_help("write red, green and blue from 0 to 255 on each line, for the classes from 0 on")
    };
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .zip(0u8..=255)
        .map(|(line, number)| {
            let parts: Vec<u8> = line
                .split([' ', ',', '\t'])
                .filter(|part| !part.is_empty())
                .map_while(|part| part.parse().ok())
                .collect();
            let color = parts.get(..3).and_then(|parts| parts.try_into().ok()).ok_or_else(|| wrong(line))?;
            Ok((color, number))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_classes_by_file_and_unknown_ones_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("colors.txt"), "0 0 0\n255 0 0\n").unwrap();
        let image = Image { width: 2, height: 1, channels: 3, pixels: vec![255, 0, 0, 0, 0, 0] };
        image.save_png(&at("a.png")).unwrap();
        let labels = LabelImages::classes(None, Some(&at("colors.txt"))).unwrap();
        let opened = labels.open(&at("a.png"), [3, 2, 4], Resize::Squash).unwrap();
        assert_eq!(opened.0.pixels, [1, 1, 0, 0, 1, 1, 0, 0]);
        let green = Image { width: 1, height: 1, channels: 3, pixels: vec![0, 255, 0] };
        green.save_png(&at("b.png")).unwrap();
        let page = labels.open(&at("b.png"), [3, 1, 1], Resize::Squash).unwrap_err();
        assert_eq!(page.message(), "the colour 0 255 0 is of no class");
        let page = LabelImages::classes(None, None).unwrap().open(&at("b.png"), [3, 1, 1], Resize::Squash);
        assert_eq!(page.unwrap_err().message(), "a label image in colour has no numbers for its colours");
        std::fs::write(at("wrong.txt"), "0 0\n").unwrap();
        assert!(LabelImages::classes(None, Some(&at("wrong.txt"))).is_err());
    }

    #[test]
    fn what_the_values_mean_is_noted_and_a_class_without_a_name_refused() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::write(at("names.txt"), "sky\ntree\n").unwrap();
        let named = LabelImages::classes(Some(&at("names.txt")), None).unwrap();
        let seen = |values: &[usize]| {
            let mut seen = [false; 256];
            values.iter().for_each(|value| seen[*value] = true);
            seen
        };
        let notes = |labels: &LabelImages, values: &[usize]| labels.notes(&seen(values)).join("\n");
        assert_eq!(notes(&named, &[0, 1]), "");
        assert!(notes(&named, &[1, 255]).contains("(nil, true, 256)"));
        assert!(notes(&LabelImages::classes(None, None).unwrap(), &[0, 1]).contains("from 0 to 1"));
        assert!(notes(&LabelImages::images(), &[0, 1]).contains("greatest value is 1 of 255"));
        assert_eq!(notes(&LabelImages::images(), &[0, 255]), "");
        for (value, is_known) in [(1, true), (2, false), (255, true)] {
            let image = Image { width: 1, height: 1, channels: 1, pixels: vec![value] };
            image.save_png(&at("a.png")).unwrap();
            let opened = named.open(&at("a.png"), [1, 1, 1], Resize::Squash);
            assert_eq!(opened.is_ok(), is_known, "{value}");
        }
    }

    #[test]
    fn a_palette_s_numbers_count_and_not_its_colours() {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 5, 2);
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Two);
        // Classes 1 and 2 have one colour.
        encoder.set_palette(vec![0, 0, 0, 9, 8, 7, 9, 8, 7]);
        let mut writer = encoder.write_header().unwrap();
        writer.write_image_data(&[0b0001_1000, 0b0100_0000, 0b1010_0101, 0b0000_0000]).unwrap();
        writer.finish().unwrap();
        let image = palette_indices(&bytes).unwrap();
        assert_eq!((image.width, image.height, image.channels), (5, 2, 1));
        assert_eq!(image.pixels, [0, 1, 2, 0, 1, 2, 2, 1, 1, 0]);
        assert_eq!(palette_indices(&bytes[..40]), None);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("grey.png");
        let grey = Image { width: 2, height: 1, channels: 3, pixels: vec![2, 2, 2, 0, 0, 0] };
        grey.save_png(&path).unwrap();
        let labels = LabelImages::classes(None, None).unwrap();
        assert_eq!(labels.open(&path, [1, 1, 2], Resize::Squash).unwrap().0.pixels, [2, 0]);
    }
}
