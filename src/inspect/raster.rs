//! SVG to PNG, with the one font that this program carries (DejaVu Sans, a subset; licence in `font/`).

use std::sync::{Arc, OnceLock};

use resvg::{
    tiny_skia::{Pixmap, Transform},
    usvg::{Options, Tree, fontdb},
};

use crate::error::{Error, Kind, Result};

/// Latin-1, arrows and the signs that charts use; no hinting.
static FONT: &[u8] = include_bytes!("font/DejaVuSans-subset.ttf");

/// The picture of an SVG document at `scale` pixels for each unit, as the bytes of a PNG file. Text is always set
/// in the embedded font, so the picture is the same on every machine.
///
/// # Errors
/// When `svg` is not an SVG document, or the picture would not fit into memory.
pub fn png(svg: &str, scale: f32) -> Result<Vec<u8>> {
    let failed = |what: String| Error::new(Kind::Data, format!("cannot draw the picture: {what}"));
    let options =
        Options { fontdb: fonts(), font_family: "DejaVu Sans".into(), resources_dir: None, ..Options::default() };
    let tree = Tree::from_str(svg, &options).map_err(|source| failed(source.to_string()))?;
    let size = tree
        .size()
        .to_int_size()
        .scale_by(scale)
        .ok_or_else(|| failed(format!("scale {scale} gives a picture without pixels")))?;
    let mut pixmap = Pixmap::new(size.width(), size.height())
        .ok_or_else(|| failed(format!("{}×{} pixels are too many", size.width(), size.height())))?;
    resvg::render(&tree, Transform::from_scale(scale, scale), &mut pixmap.as_mut());
    pixmap.encode_png().map_err(|source| failed(source.to_string()))
}

fn fonts() -> Arc<fontdb::Database> {
    static FONTS: OnceLock<Arc<fontdb::Database>> = OnceLock::new();
    FONTS
        .get_or_init(|| {
            let mut fonts = fontdb::Database::new();
            fonts.load_font_data(FONT.to_vec());
            for set in [
                fontdb::Database::set_sans_serif_family,
                fontdb::Database::set_serif_family,
                fontdb::Database::set_monospace_family,
            ] {
                set(&mut fonts, "DejaVu Sans");
            }
            Arc::new(fonts)
        })
        .clone()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::svg::Svg;

    fn pixels(png: &[u8]) -> image::RgbaImage {
        image::load_from_memory(png).unwrap().into_rgba8()
    }

    #[test]
    fn shapes_land_on_their_pixels() {
        let mut svg = Svg::new(4.0, 2.0, "");
        svg.rect(0.0, 0.0, 4.0, 2.0, "fill=\"#ffffff\"");
        svg.rect(1.0, 0.0, 2.0, 1.0, "fill=\"#ff0000\"");
        let image = pixels(&png(&svg.finish(), 2.0).unwrap());
        assert_eq!(image.dimensions(), (8, 4));
        assert_eq!(image.get_pixel(3, 1).0, [255, 0, 0, 255]);
        assert_eq!(image.get_pixel(1, 1).0, [255, 255, 255, 255]);
        assert_eq!(image.get_pixel(3, 2).0, [255, 255, 255, 255]);
    }

    #[test]
    fn every_sign_that_charts_use_has_a_glyph() {
        // A missing glyph is drawn as nothing here, so every sign must leave ink.
        for sign in "Aé×±→…µ−·²≈≤≥σ".chars() {
            let mut svg = Svg::new(30.0, 30.0, "");
            svg.text((5.0, 22.0), 20.0, "fill=\"#000\"", &sign.to_string());
            let image = pixels(&png(&svg.finish(), 1.0).unwrap());
            assert!(image.pixels().any(|p| p.0[3] > 100), "no glyph for {sign}");
        }
    }

    #[test]
    fn what_is_not_svg_is_an_error() {
        assert!(png("<html>", 1.0).is_err());
        assert!(png("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"9\" height=\"9\"/>", 1e9).is_err());
    }
}
