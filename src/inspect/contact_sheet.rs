//! A contact sheet: many small pictures in rows on one page, each with a line or two below it.

use super::{
    frame::{INK, SOFT_INK},
    picture::Picture,
    raster,
    svg::Svg,
};
use crate::error::{Error, Kind, Result};

/// Room around the sheet and between its pictures.
const GAP: usize = 14;
/// Height of the title with its subtitle.
const HEAD: usize = 72;
/// Height of one caption line.
const LINE: usize = 17;
/// A picture's longer side lies between these.
const SIDES: (usize, usize) = (96, 192);

/// A picture and the lines below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// The picture, in its own size.
    pub picture: Picture,
    /// Lines below it; the first one is darker.
    pub caption: Vec<String>,
}

/// What the sheet shows.
#[derive(Debug, Clone, PartialEq)]
pub struct ContactSheet {
    /// What it is about.
    pub title: String,
    /// One line of facts.
    pub subtitle: String,
    /// The pictures, row after row.
    pub cells: Vec<Cell>,
    /// Pictures in a row.
    pub columns: usize,
}

impl ContactSheet {
    /// The sheet as the bytes of a PNG file.
    ///
    /// # Errors
    /// When there is no picture, or the sheet would not fit into memory.
    pub fn png(&self) -> Result<Vec<u8>> {
        self.picture()?.png()
    }

    /// The sheet as a picture.
    ///
    /// # Errors
    /// As [`ContactSheet::png`].
    pub fn picture(&self) -> Result<Picture> {
        let pictures: Vec<Picture> = self.cells.iter().map(|cell| fitted(&cell.picture)).collect();
        let columns = self.columns.clamp(1, pictures.len().max(1));
        let side = |of: fn(&Picture) -> usize| pictures.iter().map(of).max().unwrap_or(0);
        let (wide, tall) = (side(|p| p.width).max(SIDES.0), side(|p| p.height));
        let lines = self.cells.iter().map(|cell| cell.caption.len()).max().unwrap_or(0);
        let row = tall + lines * LINE + GAP + 4;
        // A sheet of few pictures is still wide enough for its title.
        let width = (2 * GAP + columns * (wide + GAP) - GAP).max(640);
        let height = HEAD + pictures.len().div_ceil(columns) * row + GAP;
        let corner = |i: usize| (GAP + (i % columns) * (wide + GAP), HEAD + (i / columns) * row);

        let mut svg = Svg::new(width as f64, height as f64, &self.title);
        svg.rect(0.0, 0.0, width as f64, height as f64, "fill=\"#ffffff\"");
        svg.text((GAP as f64, 34.0), 19.0, &format!("fill=\"{INK}\""), &self.title);
        svg.text((GAP as f64, 55.0), 12.0, &format!("fill=\"{SOFT_INK}\""), &self.subtitle);
        for (i, cell) in self.cells.iter().enumerate() {
            let (left, top) = corner(i);
            // A thin frame: white pictures would have no edge.
            let (w, h) = (pictures[i].width as f64 + 2.0, pictures[i].height as f64 + 2.0);
            svg.rect(left as f64 - 1.0, top as f64 - 1.0, w, h, "fill=\"#d5dae0\"");
            for (n, line) in cell.caption.iter().enumerate() {
                let style = format!("fill=\"{}\"", if n == 0 { INK } else { SOFT_INK });
                svg.text((left as f64, (top + tall + (n + 1) * LINE) as f64), 11.0, &style, &shortened(line, wide));
            }
        }
        let mut sheet = decoded(&raster::png(&svg.finish(), 1.0)?)?;
        for (i, picture) in pictures.iter().enumerate() {
            let (left, top) = corner(i);
            sheet.paste(picture, left, top);
        }
        Ok(sheet)
    }
}

/// Enlarged by a whole factor when it is small, reduced when it is large.
fn fitted(picture: &Picture) -> Picture {
    let longer = picture.width.max(picture.height).max(1);
    if longer <= SIDES.1 {
        return picture.enlarged(SIDES.0.div_ceil(longer).min(SIDES.1 / longer).max(1));
    }
    let scaled = |side: usize| (side * SIDES.1 / longer).max(1) as u32;
    let Some(image) = image::RgbImage::from_raw(picture.width as u32, picture.height as u32, picture.rgb.clone())
    else {
        return picture.clone();
    };
    let small = image::imageops::thumbnail(&image, scaled(picture.width), scaled(picture.height));
    Picture { width: small.width() as usize, height: small.height() as usize, rgb: small.into_raw() }
}

/// At most what fits below a picture.
fn shortened(line: &str, width: usize) -> String {
    let room = (width as f64 / 6.6) as usize;
    if line.chars().count() <= room {
        return line.to_string();
    }
    line.chars().take(room.saturating_sub(1)).chain(['…']).collect()
}

fn decoded(png: &[u8]) -> Result<Picture> {
    let failed = |e: image::ImageError| Error::new(Kind::Data, "cannot draw the sheet").with_cause(e.to_string());
    let image = image::load_from_memory(png).map_err(failed)?.into_rgb8();
    Ok(Picture { width: image.width() as usize, height: image.height() as usize, rgb: image.into_raw() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_stand_in_rows_above_their_captions() {
        let cell = |grey: u8| Cell { picture: Picture::filled(28, 28, [grey; 3]), caption: vec![format!("is {grey}")] };
        let sheet = ContactSheet {
            title: "Seven".into(),
            subtitle: "in rows of three".into(),
            cells: (1..=7).map(|i| cell(i * 30)).collect(),
            columns: 3,
        };
        let picture = sheet.picture().unwrap();
        // 28 pixels become 112; the second row's middle picture is number 5.
        let (x, y) = (GAP + (112 + GAP) + 56, HEAD + (112 + LINE + GAP + 4) + 56);
        assert_eq!(picture.pixel(x, y), [150; 3]);
        assert_eq!(picture.height, HEAD + 3 * (112 + LINE + GAP + 4) + GAP);
        let below = (0..112).filter(|dx| (0..LINE).any(|dy| picture.pixel(GAP + dx, HEAD + 112 + 3 + dy) != [255; 3]));
        assert!(below.count() > 10, "no caption");
    }

    #[test]
    fn large_and_odd_pictures_fit() {
        let large = fitted(&Picture::filled(1000, 500, [9; 3]));
        assert_eq!((large.width, large.height), (192, 96));
        assert_eq!(fitted(&Picture::filled(3, 1, [9; 3])).width, 96);
        assert_eq!(fitted(&Picture::filled(100, 100, [9; 3])).width, 100);
        assert_eq!(shortened("a very long caption that no picture has room for", 66), "a very lo…");
    }
}
