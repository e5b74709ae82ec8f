//! `LabelImages`: what the pixels of label images mean: values to repeat, or a class at each pixel.

use std::{collections::HashMap, path::Path};

use super::{dataset::read_labels, decoded::Decoded, fit::Resize, image::Image, random::Random};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// The number of pixels that belong to no class, by the custom of such images.
const NO_CLASS: u8 = 255;
/// Values of label images below this one are all but black.
const DARK: usize = 32;

/// What label images mean.
#[derive(Debug, Clone, Default)]
pub struct LabelImages {
    /// Names of the classes; none where labels are images.
    names: Vec<String>,
    are_classes: bool,
    /// The class of each colour; of grey images the value itself is the class, of others their palette tells.
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
    /// a pixel in its file, of which 8 are left.
    ///
    /// # Errors
    /// When it cannot be read, or a pixel is of no class.
    pub fn open(&self, path: &Path, [c, h, w]: [usize; 3], resize: Resize) -> Result<(Image, bool)> {
        let image = Decoded::open(path)?;
        let is_deep = image.is_deep();
        if !self.are_classes {
            let fitted = image.reduced().with_channels(c).resized(w, h, resize, &mut Random::new(&[0]))?;
            return Ok((fitted, is_deep));
        }
        if is_deep {
            return Err(Error::new(Kind::Data, "a label image of classes has 16 bits a pixel")
                .with_help("save it with 8: classes are numbers from 0 to 255"));
        }
        let image = image.reduced();
        let numbers = self.check(self.numbers(image, path)?)?;
        if (numbers.width, numbers.height) != (w, h) && resize != Resize::Squash {
            return Err(Error::new(Kind::Usage, "labels of classes are fitted by squash alone")
                .with_help("cut inputs and labels to one size before"));
        }
        Ok((nearest(&numbers, w, h), false))
    }

    fn numbers(&self, image: Image, path: &Path) -> Result<Image> {
        if image.channels == 1 && self.colors.is_none() {
            return Ok(image);
        }
        let palette = match &self.colors {
            Some(_) => HashMap::new(),
            None => palette(&input::read(path, Form::Image)?).ok_or_else(|| {
                Error::new(Kind::Data, "a label image in colour has no palette")
                    .with_help("name a file of the classes' colours, red green blue a line")
            })?,
        };
        let known = self.colors.as_ref().unwrap_or(&palette);
        let image = image.with_channels(3);
        let number = |pixel: &[u8]| {
            known.get(pixel).copied().ok_or_else(|| {
                Error::new(Kind::Data, format!("the colour {} {} {} is of no class", pixel[0], pixel[1], pixel[2]))
            })
        };
        let pixels = image.pixels.chunks_exact(3).map(number).collect::<Result<Vec<u8>>>()?;
        Ok(Image { channels: 1, pixels, ..image })
    }
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

/// The colours of a PNG's palette, each with its number.
fn palette(png: &[u8]) -> Option<HashMap<[u8; 3], u8>> {
    let mut rest = png.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    loop {
        let (head, body) = rest.split_at_checked(8)?;
        let length = u32::from_be_bytes(head[..4].try_into().ok()?) as usize;
        let data = body.get(..length)?;
        if &head[4..] == b"PLTE" {
            // Of two equal colours the first one counts.
            let colors = data.chunks_exact(3).zip(0u8..=255).rev();
            return Some(colors.map(|(color, number)| ([color[0], color[1], color[2]], number)).collect());
        }
        rest = body.get(length + 4..)?;
    }
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
        assert_eq!(page.unwrap_err().message(), "a label image in colour has no palette");
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
    fn a_palette_numbers_its_colours() {
        let chunk = |kind: &[u8], data: &[u8]| [&(data.len() as u32).to_be_bytes()[..], kind, data, &[0; 4]].concat();
        let png = [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &[0; 13]), &chunk(b"PLTE", &[0, 0, 0, 9, 8, 7, 0, 0, 0])]
            .concat();
        assert_eq!(palette(&png), Some(HashMap::from([([0, 0, 0], 0), ([9, 8, 7], 1)])));
        assert_eq!(palette(&png[..20]), None);
    }
}
