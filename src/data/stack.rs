//! The pages of one file, an animated GIF or a TIFF of several images: as many channels of one record.

use std::io::Cursor;

use image::{AnimationDecoder, ImageDecoder, Limits, codecs::gif::GifDecoder};
use tiff::{
    ColorType,
    decoder::{Decoder, DecodingResult},
};

use super::{decoded::Decoded, deep::DeepImage, image::Image};
use crate::error::{Error, Kind, Result};

/// The first pages of a file, `most` at most; none of a file of another format, or of one page.
///
/// # Errors
/// When a page cannot be decoded.
pub fn pages(bytes: &[u8], most: usize) -> Result<Option<Vec<Decoded>>> {
    let undecodable = |cause: String| {
        Error::new(Kind::Data, "a page of the file cannot be decoded")
            .with_cause(cause)
            .with_help("save its pages as PNG files of 8 bits, or of 16 in grey")
    };
    let found = if bytes.starts_with(b"GIF8") {
        of_gif(bytes, most).map_err(undecodable)?
    } else if (bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*")) && has_pages(bytes) {
        of_tiff(bytes, most).map_err(undecodable)?
    } else {
        return Ok(None);
    };
    Ok((found.len() > 1).then_some(found))
}

/// Frames as they are shown, without their transparency: grey ones where red, green and blue agree.
fn of_gif(bytes: &[u8], most: usize) -> Result<Vec<Decoded>, String> {
    let mut decoder = GifDecoder::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    decoder.set_limits(Limits::default()).map_err(|e| e.to_string())?;
    let frames = decoder.into_frames().take(most);
    frames
        .map(|frame| {
            let image = frame.map_err(|e| e.to_string())?.into_buffer();
            let (width, height) = (image.width() as usize, image.height() as usize);
            let pixels: Vec<u8> = image.pixels().flat_map(|pixel| [pixel[0], pixel[1], pixel[2]]).collect();
            Ok(Decoded::Bytes(plain(Image { width, height, channels: 3, pixels })))
        })
        .collect()
}

/// A grey image where every colour is a grey.
fn plain(image: Image) -> Image {
    let is_grey = image.pixels.chunks_exact(3).all(|pixel| pixel[0] == pixel[1] && pixel[1] == pixel[2]);
    if is_grey { image.with_channels(1) } else { image }
}

fn has_pages(bytes: &[u8]) -> bool {
    Decoder::new(Cursor::new(bytes)).is_ok_and(|decoder| decoder.more_images())
}

fn of_tiff(bytes: &[u8], most: usize) -> Result<Vec<Decoded>, String> {
    let mut decoder = Decoder::new(Cursor::new(bytes)).map_err(|e| e.to_string())?;
    let mut found = Vec::new();
    loop {
        found.push(of_page(&mut decoder)?);
        if found.len() >= most || !decoder.more_images() {
            return Ok(found);
        }
        decoder.next_image().map_err(|e| e.to_string())?;
    }
}

fn of_page(decoder: &mut Decoder<Cursor<&[u8]>>) -> Result<Decoded, String> {
    let (width, height) = decoder.dimensions().map_err(|e| e.to_string())?;
    let (width, height) = (width as usize, height as usize);
    let color = decoder.colortype().map_err(|e| e.to_string())?;
    let image = |channels: usize, pixels: Vec<u8>| Decoded::Bytes(Image { width, height, channels, pixels });
    let page = match (color, decoder.read_image().map_err(|e| e.to_string())?) {
        (ColorType::Gray(8), DecodingResult::U8(pixels)) => image(1, pixels),
        (ColorType::RGB(8), DecodingResult::U8(pixels)) => image(3, pixels),
        (ColorType::Gray(16), DecodingResult::U16(pixels)) => Decoded::Deep(DeepImage { width, height, pixels }),
        (other, _) => return Err(format!("its pixels are of the type {other:?}")),
    };
    let has_all = match &page {
        Decoded::Bytes(image) => image.pixels.len() == width * height * image.channels,
        Decoded::Deep(deep) => deep.pixels.len() == width * height,
    };
    if has_all { Ok(page) } else { Err("it has fewer pixels than it says".into()) }
}

#[cfg(test)]
mod tests {
    use image::{Delay, Frame, RgbaImage, codecs::gif::GifEncoder};
    use tiff::encoder::{TiffEncoder, colortype};

    use super::*;

    pub(crate) fn tiff(pages: &[[u8; 4]]) -> Vec<u8> {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        for page in pages {
            encoder.write_image::<colortype::Gray8>(2, 2, page).unwrap();
        }
        file.into_inner()
    }

    #[test]
    fn a_tiff_and_a_gif_give_their_pages() {
        let found = pages(&tiff(&[[1, 2, 3, 4], [5, 6, 7, 8]]), 9).unwrap().unwrap();
        let image = |pixels: [u8; 4]| Decoded::Bytes(Image { width: 2, height: 2, channels: 1, pixels: pixels.into() });
        assert_eq!(found, [image([1, 2, 3, 4]), image([5, 6, 7, 8])]);
        assert_eq!(pages(&tiff(&[[0; 4]]), 9).unwrap(), None);
        assert_eq!(pages(&tiff(&[[0; 4]; 5]), 3).unwrap().map(|pages| pages.len()), Some(3));
        let mut file = Vec::new();
        let mut encoder = GifEncoder::new(&mut file);
        for level in [[9, 9, 9, 255], [200, 10, 10, 255]] {
            let frame = RgbaImage::from_pixel(2, 1, image::Rgba(level));
            encoder.encode_frame(Frame::from_parts(frame, 0, 0, Delay::from_numer_denom_ms(9, 1))).unwrap();
        }
        drop(encoder);
        let found = pages(&file, 9).unwrap().unwrap();
        assert_eq!(found.iter().map(Decoded::channels).collect::<Vec<_>>(), [1, 3]);
        assert!(pages(&file[..file.len() / 2], 9).is_err());
        assert_eq!(pages(b"\x89PNG", 9).unwrap(), None);
    }

    #[test]
    fn sixteen_bits_of_a_page_are_kept() {
        let mut file = Cursor::new(Vec::new());
        let mut encoder = TiffEncoder::new(&mut file).unwrap();
        for sample in [1u16, 60_000] {
            encoder.write_image::<colortype::Gray16>(1, 1, &[sample]).unwrap();
        }
        let found = pages(&file.into_inner(), 2).unwrap().unwrap();
        assert_eq!(found[1], Decoded::Deep(DeepImage { width: 1, height: 1, pixels: vec![60_000] }));
    }
}
