//! Caffe's `Datum`: one record of a database, read into channel planes and written from an image.
//!
//! Source: `caffe.proto`; DIGITS `digits/tools/create_db.py` and `digits/tools/torch/data.lua`. Raw records hold three
//! channels as blue, green, red; encoded ones hold a PNG or JPEG file in RGB. Planes are always red, green, blue.

use prost::Message;

use super::{
    codec::Encoding,
    decoded::Decoded,
    image::Image,
    planes::{Planes, Values, shape_text},
};
use crate::error::{Error, Kind, Result};

/// The messages of `proto/caffe.proto`.
#[expect(missing_docs, reason = "generated; the fields are described in proto/caffe.proto")]
pub mod proto {
    include!(concat!(env!("OUT_DIR"), "/caffe.rs"));
}

/// Reads a serialised `Datum`: its array and its integer label.
///
/// # Errors
/// When the bytes are no `Datum`, its size does not fit its data, or its image cannot be decoded.
pub fn decode(bytes: &[u8]) -> Result<(Planes, i32)> {
    let datum = parse(bytes)?;
    let label = datum.label.unwrap_or(0);
    let declared = [datum.channels, datum.height, datum.width].map(|dimension| i64::from(dimension.unwrap_or(0)));
    let data = datum.data.unwrap_or_default();
    if !datum.float_data.is_empty() {
        // DIGITS' Torch reader drops the shape here (quirk 16); a record without one is a plain vector.
        let count = datum.float_data.len() as i64;
        let shape = if declared == [0, 0, 0] { [1, 1, count] } else { declared };
        check_count(shape, datum.float_data.len(), "numbers")?;
        return Ok((Planes { shape, values: Values::Floats(datum.float_data) }, label));
    }
    if data.is_empty() {
        return Err(Error::new(Kind::Data, "the record holds neither data nor float_data")
            .with_fact("its length", format!("{} bytes", bytes.len()))
            .with_help("use a database of Datum records; this one may hold something else"));
    }
    if datum.encoded.unwrap_or(false) {
        // As DIGITS decodes: to the channels that the record names.
        let image = match declared[0] {
            4 => Decoded::decode_with_alpha(&data)?.with_channels(4),
            channels @ (1 | 3) => Decoded::decode(&data)?.with_channels(channels as usize),
            _ => Decoded::decode(&data)?,
        };
        return Ok((image.to_planes(), label));
    }
    check_count(declared, data.len(), "bytes")?;
    let mut values = data;
    if declared[0] == 3 {
        swap_red_and_blue(&mut values);
    }
    Ok((Planes { shape: declared, values: Values::Bytes(values) }, label))
}

/// The integer label alone, without touching the pixels' meaning.
///
/// # Errors
/// When the bytes are no `Datum`.
pub fn label(bytes: &[u8]) -> Result<i32> {
    Ok(parse(bytes)?.label.unwrap_or(0))
}

fn parse(bytes: &[u8]) -> Result<proto::Datum> {
    proto::Datum::decode(bytes).map_err(|e| {
        Error::new(Kind::Data, "the record is not a Caffe Datum")
            .with_fact("its first bytes", first_bytes(bytes))
            .with_cause(e.to_string())
            .with_help("use a database made by digits-rs, DIGITS or Caffe's convert_imageset")
    })
}

/// A serialised `Datum` of an image of either depth; JPEG, which holds no 16 bits, is for images of 8.
///
/// # Errors
/// When the image cannot be encoded.
pub fn encode_decoded(image: &Decoded, label: i32, encoding: Encoding) -> Result<Vec<u8>> {
    let deep = match image {
        Decoded::Bytes(image) => return encode(image, label, encoding),
        Decoded::Deep(deep) if encoding == Encoding::Jpg => return encode(&deep.reduced(), label, encoding),
        Decoded::Deep(deep) => deep,
    };
    let (data, float_data) = match (encoding, deep.to_planes().values) {
        (Encoding::None, Values::Floats(values)) => (None, values),
        _ => (Some(deep.png()?), Vec::new()),
    };
    let datum = proto::Datum {
        channels: Some(1),
        height: Some(deep.height as i32),
        width: Some(deep.width as i32),
        encoded: data.is_some().then_some(true),
        data,
        label: Some(label),
        float_data,
    };
    Ok(datum.encode_to_vec())
}

/// A serialised `Datum` of an image of bytes.
///
/// # Errors
/// When the image cannot be encoded.
pub fn encode(image: &Image, label: i32, encoding: Encoding) -> Result<Vec<u8>> {
    let data = match encoding {
        Encoding::None => match image.to_planes().values {
            Values::Bytes(mut values) => {
                if image.channels == 3 {
                    swap_red_and_blue(&mut values);
                }
                values
            }
            Values::Floats(_) => unreachable!("the planes of an image are bytes"),
        },
        Encoding::Png | Encoding::Jpg => image.encode(encoding)?,
    };
    let datum = proto::Datum {
        channels: Some(image.channels as i32),
        height: Some(image.height as i32),
        width: Some(image.width as i32),
        data: Some(data),
        label: Some(label),
        float_data: Vec::new(),
        encoded: (encoding != Encoding::None).then_some(true),
    };
    Ok(datum.encode_to_vec())
}

/// A serialised `Datum` of numbers `[c, h, w]`, as label databases hold them.
#[must_use]
pub fn encode_floats(shape: [i64; 3], values: &[f32]) -> Vec<u8> {
    proto::Datum {
        channels: Some(shape[0] as i32),
        height: Some(shape[1] as i32),
        width: Some(shape[2] as i32),
        data: None,
        label: Some(0),
        float_data: values.to_vec(),
        encoded: None,
    }
    .encode_to_vec()
}

fn check_count(shape: [i64; 3], count: usize, what: &str) -> Result<()> {
    let product = shape.iter().try_fold(1i64, |product, &d| if d > 0 { product.checked_mul(d) } else { None });
    if product == Some(count as i64) {
        return Ok(());
    }
    Err(Error::new(Kind::Data, "the record's size does not fit its data")
        .with_fact("its size", format!("{} (channels x height x width)", shape_text(shape)))
        .with_fact("it holds", format!("{count} {what}"))
        .with_help("write channels, height and width into every Datum whose data is not a PNG or JPEG file"))
}

/// Swaps the first and third of three equal planes: RGB to BGR and back.
fn swap_red_and_blue(values: &mut [u8]) {
    let plane = values.len() / 3;
    let (red, rest) = values.split_at_mut(plane);
    red.swap_with_slice(&mut rest[plane..2 * plane]);
}

fn first_bytes(bytes: &[u8]) -> String {
    let hex: Vec<String> = bytes.iter().take(8).map(|b| format!("{b:02x}")).collect();
    if hex.is_empty() { "none: the record is empty".to_string() } else { hex.join(" ") }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::data::deep::DeepImage;

    fn image(channels: usize, width: usize, height: usize, pixels: &[u8]) -> Image {
        let count = channels * width * height;
        Image { width, height, channels, pixels: pixels.iter().copied().cycle().take(count).collect() }
    }

    #[test]
    fn raw_colour_is_stored_blue_green_red() {
        let red = Image { width: 2, height: 1, channels: 3, pixels: vec![9, 5, 1, 8, 4, 0] };
        let bytes = encode(&red, 4, Encoding::None).unwrap();
        let stored = proto::Datum::decode(bytes.as_slice()).unwrap();
        assert_eq!(stored.data.as_deref(), Some(&[1, 0, 5, 4, 9, 8][..]));
        assert_eq!(stored.encoded, None);
        let (planes, label) = decode(&bytes).unwrap();
        assert_eq!(planes, Planes { shape: [3, 1, 2], values: Values::Bytes(vec![9, 8, 5, 4, 1, 0]) });
        assert_eq!(label, 4);
    }

    #[test]
    fn floats_keep_their_shape_and_are_written_unpacked() {
        let bytes = encode_floats([1, 1, 2], &[0.5, -0.25]);
        // Field 6, wire type 5 (a fixed 32-bit number), once for each value.
        assert_eq!(bytes.iter().filter(|&&b| b == 6 << 3 | 5).count(), 2);
        let (planes, _) = decode(&bytes).unwrap();
        assert_eq!(planes, Planes { shape: [1, 1, 2], values: Values::Floats(vec![0.5, -0.25]) });
    }

    #[test]
    fn errors_say_what_was_there() {
        let page = decode(b"\xff\xff\xff").unwrap_err().to_string();
        assert!(page.contains("not a Caffe Datum") && page.contains("ff ff ff"), "{page}");
        let short = proto::Datum {
            channels: Some(1),
            height: Some(4),
            width: Some(4),
            data: Some(vec![0; 15]),
            ..Default::default()
        };
        let page = decode(&short.encode_to_vec()).unwrap_err().to_string();
        assert!(page.contains("1x4x4") && page.contains("15 bytes"), "{page}");
        let broken = proto::Datum { data: Some(b"no image".to_vec()), encoded: Some(true), ..Default::default() };
        assert!(decode(&broken.encode_to_vec()).unwrap_err().to_string().contains("image"));
    }

    #[test]
    fn sixteen_bits_come_back_from_png_and_from_floats() {
        let deep = DeepImage { width: 2, height: 1, pixels: vec![1, 65_534] };
        for encoding in [Encoding::Png, Encoding::None] {
            let (planes, label) = decode(&encode_decoded(&Decoded::Deep(deep.clone()), 3, encoding).unwrap()).unwrap();
            assert_eq!((planes, label), (deep.to_planes(), 3));
        }
        let (planes, _) = decode(&encode_decoded(&Decoded::Deep(deep), 3, Encoding::Jpg).unwrap()).unwrap();
        assert!(matches!(planes.values, Values::Bytes(_)));
    }

    proptest! {
        #[test]
        fn raw_and_png_round_trip(
            colour: bool, width in 1usize..9, height in 1usize..9, label: i32,
            pixels in prop::collection::vec(any::<u8>(), 1..64),
        ) {
            let image = image(if colour { 3 } else { 1 }, width, height, &pixels);
            for encoding in [Encoding::None, Encoding::Png] {
                let (planes, read) = decode(&encode(&image, label, encoding).unwrap()).unwrap();
                prop_assert_eq!(&Image::from_planes(&planes).unwrap(), &image);
                prop_assert_eq!(read, label);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            let _ = label(&bytes);
        }

        #[test]
        fn no_damaged_record_makes_it_panic(at in 0usize..100, value: u8) {
            let mut bytes = encode(&image(3, 6, 5, &[7, 200, 31]), 3, Encoding::Png).unwrap();
            let at = at % bytes.len();
            bytes[at] = value;
            let _ = decode(&bytes);
        }
    }
}
