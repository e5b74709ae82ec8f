//! PNG of 8 bits, grey or RGB: the one form that datasets hold, without the general decoder's detours.
//!
//! `decode` takes a file only when everything about it is plain and every checksum is right; what it leaves, the
//! general decoder takes or refuses with its own words. `encode` writes what Pillow's defaults write: the filter of
//! each row by the least sum of differences, deflate level 6.

use std::cell::RefCell;

use libdeflater::{CompressionLvl, Compressor, Crc, Decompressor};

use super::image::Image;

const SIGNATURE: &[u8; 8] = b"\x89PNG\r\n\x1a\n";
/// Larger images are left to the general decoder, which has limits of its own.
const MOST_BYTES: usize = 64 << 20;
/// Deflate level of zlib and of Pillow.
const LEVEL: i32 = 6;
/// Chunks that say nothing about an 8-bit pixel's value.
const PASSED_OVER: [&[u8; 4]; 9] = [b"tEXt", b"zTXt", b"iTXt", b"tIME", b"pHYs", b"gAMA", b"cHRM", b"sRGB", b"bKGD"];

thread_local! {
    static INFLATE: RefCell<Decompressor> = RefCell::new(Decompressor::new());
    static DEFLATE: RefCell<Compressor> =
        RefCell::new(Compressor::new(CompressionLvl::new(LEVEL).unwrap_or_default()));
}

/// The image of a plain PNG file; none for anything else.
pub(super) fn decode(bytes: &[u8]) -> Option<Image> {
    let mut rest = bytes.strip_prefix(SIGNATURE)?;
    let (kind, header) = chunk(&mut rest)?;
    let &[w0, w1, w2, w3, h0, h1, h2, h3, 8, colour @ (0 | 2), 0, 0, 0] = header else { return None };
    let (width, height) = (u32::from_be_bytes([w0, w1, w2, w3]), u32::from_be_bytes([h0, h1, h2, h3]));
    let (width, height, channels) = (width as usize, height as usize, if colour == 0 { 1 } else { 3 });
    let row = width.checked_mul(channels)?;
    let filtered = row.checked_add(1)?.checked_mul(height)?;
    if kind != b"IHDR" || row == 0 || height == 0 || filtered > MOST_BYTES {
        return None;
    }
    let mut data: Option<&[u8]> = None;
    loop {
        match chunk(&mut rest)? {
            (b"IDAT", part) if data.is_none() => data = Some(part),
            (b"IEND", _) => break,
            (kind, _) if PASSED_OVER.contains(&kind) => {}
            _ => return None,
        }
    }
    let mut rows = vec![0; filtered];
    let length = INFLATE.with_borrow_mut(|inflate| inflate.zlib_decompress(data?, &mut rows).ok())?;
    (length == filtered).then_some(())?;
    Some(Image { width, height, channels, pixels: unfiltered(&rows, row, channels)? })
}

/// The kind and the contents of the next chunk, its checksum being right.
fn chunk<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8; 4], &'a [u8])> {
    let (length, after) = rest.split_first_chunk::<4>()?;
    let length = u32::from_be_bytes(*length) as usize;
    let (body, after) = after.split_at_checked(length.checked_add(4)?)?;
    let (checksum, after) = after.split_first_chunk::<4>()?;
    *rest = after;
    let (kind, contents) = body.split_first_chunk::<4>()?;
    (crc(body) == u32::from_be_bytes(*checksum)).then_some((kind, contents))
}

fn crc(bytes: &[u8]) -> u32 {
    let mut crc = Crc::new();
    crc.update(bytes);
    crc.sum()
}

/// The pixels of filtered rows of `row` bytes.
fn unfiltered(rows: &[u8], row: usize, channels: usize) -> Option<Vec<u8>> {
    let mut pixels = vec![0; rows.len() / (row + 1) * row];
    for (number, line) in rows.chunks_exact(row + 1).enumerate() {
        let (before, now) = pixels.split_at_mut(number * row);
        let (above, now) = (&before[number.saturating_sub(1) * row..], &mut now[..row]);
        let up = |i: usize| if number == 0 { 0 } else { above[i] };
        let up_left = |i: usize| if i < channels { 0 } else { up(i - channels) };
        now.copy_from_slice(&line[1..]);
        match line[0] {
            0 => {}
            2 if number == 0 => {}
            2 => now.iter_mut().zip(above).for_each(|(now, &up)| *now = now.wrapping_add(up)),
            filter @ (1 | 3 | 4) => {
                for i in 0..row {
                    let left = if i < channels { 0 } else { now[i - channels] };
                    now[i] = now[i].wrapping_add(predicted(filter, left, up(i), up_left(i)));
                }
            }
            _ => return None,
        }
    }
    Some(pixels)
}

/// What a filter expects of its three neighbours.
fn predicted(filter: u8, left: u8, up: u8, up_left: u8) -> u8 {
    match filter {
        1 => left,
        2 => up,
        3 => u8::midpoint(left, up),
        4 => {
            let (a, b, c) = (i16::from(left), i16::from(up), i16::from(up_left));
            let (to_left, to_up, to_corner) = ((b - c).abs(), (a - c).abs(), (a + b - 2 * c).abs());
            if to_left <= to_up && to_left <= to_corner {
                left
            } else if to_up <= to_corner {
                up
            } else {
                up_left
            }
        }
        _ => 0,
    }
}

/// The file of an image of 1 or 3 channels and at least one pixel.
pub(super) fn encode(image: &Image) -> Vec<u8> {
    let row = image.width * image.channels;
    let filtered = filtered(&image.pixels, row, image.channels);
    let mut file = Vec::with_capacity(100 + filtered.len() / 2);
    file.extend_from_slice(SIGNATURE);
    let size = [image.width as u32, image.height as u32].map(u32::to_be_bytes).concat();
    put(&mut file, b"IHDR", &[&size[..], &[8, if image.channels == 1 { 0 } else { 2 }, 0, 0, 0]].concat());
    let data = DEFLATE.with_borrow_mut(|deflate| {
        let mut data = vec![0; deflate.zlib_compress_bound(filtered.len())];
        let length = deflate.zlib_compress(&filtered, &mut data).expect("the bound is large enough for any data");
        data.truncate(length);
        data
    });
    put(&mut file, b"IDAT", &data);
    put(&mut file, b"IEND", &[]);
    file
}

fn put(file: &mut Vec<u8>, kind: &[u8; 4], contents: &[u8]) {
    file.extend_from_slice(&(contents.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend_from_slice(kind);
    file.extend_from_slice(contents);
    let checksum = crc(&file[start..]);
    file.extend_from_slice(&checksum.to_be_bytes());
}

/// Rows behind the number of their filter.
fn filtered(pixels: &[u8], row: usize, channels: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(pixels.len() + pixels.len() / row);
    let zeros = vec![0; row + channels];
    // Both with `channels` zeros in front, so that every byte has three neighbours.
    let (mut above, mut now) = (zeros.clone(), zeros);
    let mut trials = vec![vec![0; row]; 5];
    for line in pixels.chunks_exact(row) {
        now[channels..].copy_from_slice(line);
        let mut best = (u64::MAX, 0);
        for (filter, trial) in trials.iter_mut().enumerate() {
            let neighbours = now.iter().zip(&above[channels..]).zip(&above);
            let mut sum = 0;
            for ((out, &byte), ((&left, &up), &up_left)) in trial.iter_mut().zip(line).zip(neighbours) {
                *out = byte.wrapping_sub(predicted(filter as u8, left, up, up_left));
                sum += u64::from((*out as i8).unsigned_abs());
            }
            best = best.min((sum, filter));
        }
        out.push(best.1 as u8);
        out.extend_from_slice(&trials[best.1]);
        std::mem::swap(&mut above, &mut now);
    }
    out
}

#[cfg(test)]
mod tests {
    use image::{ExtendedColorType, ImageEncoder as _, ImageFormat, codecs::png};
    use proptest::prelude::*;

    use super::*;

    fn image(channels: usize, width: usize, height: usize, pixels: &[u8]) -> Image {
        let count = channels * width * height;
        Image { width, height, channels, pixels: pixels.iter().copied().cycle().take(count).collect() }
    }

    proptest! {
        #[test]
        fn the_general_decoder_reads_what_is_written_and_the_other_way_round(
            colour: bool, width in 1usize..40, height in 1usize..40,
            pixels in prop::collection::vec(any::<u8>(), 1..300),
        ) {
            let image = image(if colour { 3 } else { 1 }, width, height, &pixels);
            let encoded = encode(&image);
            let read = image::load_from_memory_with_format(&encoded, ImageFormat::Png).unwrap();
            prop_assert_eq!(read.as_bytes(), image.pixels.as_slice());
            prop_assert_eq!(read.color().channel_count(), image.channels as u8);
            prop_assert_eq!(decode(&encoded), Some(image.clone()));
            use png::FilterType::{Adaptive, Avg, NoFilter, Paeth, Sub, Up};
            for filter in [NoFilter, Sub, Up, Avg, Paeth, Adaptive] {
                let mut theirs = Vec::new();
                let kind = if colour { ExtendedColorType::Rgb8 } else { ExtendedColorType::L8 };
                png::PngEncoder::new_with_quality(&mut theirs, png::CompressionType::Default, filter)
                    .write_image(&image.pixels, width as u32, height as u32, kind)
                    .unwrap();
                prop_assert_eq!(decode(&theirs), Some(image.clone()));
            }
        }

        #[test]
        fn nothing_damaged_is_taken(at in 0usize..1000, change in 1u8..) {
            let mut file = encode(&image(3, 6, 5, &[7, 200, 31]));
            let at = at % file.len();
            file[at] ^= change;
            prop_assert_eq!(decode(&file), None);
            file.truncate(at);
            prop_assert_eq!(decode(&file), None);
        }
    }
}
