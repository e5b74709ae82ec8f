//! What the `image` package does in Rust: decoding and encoding, the weights of a scaling, sampling at coordinates.
//!
//! Everything else of it is tensor arithmetic in `prelude/packages/image*.lua`. torch/image: `generic/image.c`, `png.c`,
//! `jpeg.c`, `ppm.c`.

use std::{fs, io::Cursor};

use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageFormat, ImageReader, codecs};
use mlua::{AnyUserData, Lua, Table, Value};

use super::files;
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::error::{OrPage, raise},
        objects::value::value_from_lua,
        tensor,
    },
    torch::{Element, Tensor, TensorType, memory},
};

const BYTE: TensorType = TensorType { element: Element::Byte, cuda: false };
const INT: TensorType = TensorType { element: Element::Int, cuda: false };

/// The functions for the prelude.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let image = lua.create_table()?;
    image.raw_set(
        "read",
        lua.create_function(|lua, name: String| {
            let bytes = files::read(lua, &name)?;
            known(&bytes, &name)
                .and_then(|()| decode(&bytes))
                .and_then(|found| handed(lua, found))
                .map_err(|e| raise(e.with_fact("in the file", name)))
        })?,
    )?;
    image.raw_set(
        "decode",
        lua.create_function(|lua, bytes: Value| {
            let bytes = bytes_of(&bytes).map_err(raise)?;
            decode(&bytes).and_then(|found| handed(lua, found)).map_err(raise)
        })?,
    )?;
    image.raw_set(
        "encode",
        lua.create_function(|lua, (pixels, format, quality): (Value, String, u8)| {
            let encoded =
                || Tensor::from_tch(BYTE, &tch::Tensor::f_from_slice(&encode(&wanted(&pixels)?, &format, quality)?)?);
            tensor::to_lua(lua, encoded().map_err(raise)?)
        })?,
    )?;
    image.raw_set(
        "write",
        lua.create_function(|lua, (name, bytes): (String, Value)| {
            files::allow(lua, "writing an image")?;
            let bytes = bytes_of(&bytes).map_err(raise)?;
            fs::write(&name, bytes).map_err(|source| raise(Error::io("write", name.as_ref(), &source)))
        })?,
    )?;
    image.raw_set(
        "weights",
        lua.create_function(|lua, (from, to, mode): (usize, usize, String)| {
            let weights = weights(from, to, &mode).map_err(raise)?;
            tensor::to_lua(lua, Tensor::from_tch(TensorType::DOUBLE, &weights).map_err(raise)?)
        })?,
    )?;
    image.raw_set(
        "sample",
        lua.create_function(|lua, (from, y, x, mode, outside): (Value, Value, Value, String, Option<f64>)| {
            let all = wanted(&from).and_then(|from| Ok((from, wanted(&y)?, wanted(&x)?)));
            let (from, y, x) = all.map_err(raise)?;
            let found = sample(&from.view(), &y.view(), &x.view(), &mode, outside).map_err(raise)?;
            tensor::to_lua(lua, Tensor::from_tch(from.tensor_type(), &found).map_err(raise)?)
        })?,
    )?;
    Ok(image)
}

fn wanted(value: &Value) -> Result<Tensor> {
    tensor::from_lua(value).ok_or_else(|| {
        Error::new(Kind::Argument, value_from_lua(value).misfit("the image", "a tensor"))
            .with_help("image.load(file) gives one: planes by rows by columns")
    })
}

fn bytes_of(value: &Value) -> Result<Vec<u8>> {
    match value {
        Value::String(text) => Ok(text.as_bytes().to_vec()),
        other => {
            let tensor = wanted(other)?;
            memory::check(tensor.numel(), 1, "a file's bytes")?;
            Ok(Vec::<u8>::try_from(tensor.view().f_to_kind(tch::Kind::Uint8)?.f_reshape([-1])?)?)
        }
    }
}

/// A decoded image: planes by rows by columns, and its largest possible value.
struct Decoded {
    pixels: Tensor,
    white: f64,
}

fn handed(lua: &Lua, decoded: Decoded) -> Result<(AnyUserData, f64)> {
    Ok((tensor::to_lua(lua, decoded.pixels).or_page(lua)?, decoded.white))
}

/// A file is told by its name or, as in Torch7, by the first bytes of a PNG, JPEG or PNM.
fn known(bytes: &[u8], name: &str) -> Result<()> {
    let is_named = std::path::Path::new(name).extension().is_some();
    let is_torch_s = matches!(image::guess_format(bytes), Ok(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::Pnm));
    if is_named || is_torch_s {
        return Ok(());
    }
    Err(Error::new(Kind::Data, format!("unable to determine image type for file: {name}"))
        .with_help("give the file its extension: png, jpg, ppm, pgm"))
}

fn decode(bytes: &[u8]) -> Result<Decoded> {
    if bytes.starts_with(b"P1") || bytes.starts_with(b"P4") {
        return Err(Error::new(Kind::Data, "unsupported magic number: a bitmap of one bit a pixel is not read")
            .with_help("convert it to PGM or PNG"));
    }
    let failed = |cause: String| {
        // Torch7's words for a PNG, which scripts look for.
        let words = if bytes.starts_with(b"\x89PNG") { ": Error during init_io" } else { "" };
        Error::new(Kind::Data, format!("the image cannot be decoded{words}")).with_cause(cause)
    };
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| failed(e.to_string()))?;
    let decoded = reader.decode().map_err(|e| failed(e.to_string()))?;
    let channels = i64::from(decoded.color().channel_count());
    let (height, width) = (i64::from(decoded.height()), i64::from(decoded.width()));
    let planes = |flat: tch::Tensor, tensor_type: TensorType, white: f64| -> Result<Decoded> {
        let pixels = flat.f_view([height, width, channels])?.f_permute([2, 0, 1])?;
        Ok(Decoded { pixels: Tensor::from_tch(tensor_type, &pixels.f_contiguous()?)?, white })
    };
    let deep = |numbers: &[u16]| tch::Tensor::f_from_slice(&numbers.iter().map(|&n| i32::from(n)).collect::<Vec<_>>());
    match &decoded {
        DynamicImage::ImageLuma16(image) => planes(deep(image)?, INT, 65535.0),
        DynamicImage::ImageLumaA16(image) => planes(deep(image)?, INT, 65535.0),
        DynamicImage::ImageRgb16(image) => planes(deep(image)?, INT, 65535.0),
        DynamicImage::ImageRgba16(image) => planes(deep(image)?, INT, 65535.0),
        DynamicImage::ImageLuma8(_)
        | DynamicImage::ImageLumaA8(_)
        | DynamicImage::ImageRgb8(_)
        | DynamicImage::ImageRgba8(_) => planes(tch::Tensor::f_from_slice(decoded.as_bytes())?, BYTE, 255.0),
        other => Err(failed(format!("pixels of type {:?}", other.color()))),
    }
}

/// `pixels` are bytes, planes by rows by columns.
fn encode(pixels: &Tensor, format: &str, quality: u8) -> Result<Vec<u8>> {
    let view = pixels.view().f_to_kind(tch::Kind::Uint8)?;
    let view = if view.dim() == 2 { view.f_unsqueeze(0)? } else { view };
    let (channels, height, width) = view.size3()?;
    let failed =
        |cause: image::ImageError| Error::new(Kind::Data, "the image cannot be encoded").with_cause(cause.to_string());
    let colour = match channels {
        1 => ExtendedColorType::L8,
        2 => ExtendedColorType::La8,
        3 => ExtendedColorType::Rgb8,
        4 => ExtendedColorType::Rgba8,
        other => return Err(Error::new(Kind::Argument, format!("an image has 1 to 4 planes, not {other}"))),
    };
    let rows = Vec::<u8>::try_from(view.f_permute([1, 2, 0])?.f_contiguous()?.f_reshape([-1])?)?;
    let (mut bytes, width, height) = (Vec::new(), width as u32, height as u32);
    match format {
        "png" => codecs::png::PngEncoder::new(&mut bytes).write_image(&rows, width, height, colour).map_err(failed)?,
        "jpg" => codecs::jpeg::JpegEncoder::new_with_quality(&mut bytes, quality.clamp(1, 100))
            .write_image(&rows, width, height, colour)
            .map_err(failed)?,
        "ppm" if channels == 1 || channels == 3 => {
            bytes = format!("P{}\n{width} {height}\n255\n", if channels == 1 { 5 } else { 6 }).into_bytes();
            bytes.extend_from_slice(&rows);
        }
        other => return Err(Error::new(Kind::Argument, format!("{channels} planes cannot be saved as {other}"))),
    }
    Ok(bytes)
}

/// The matrix `[to, from]` that scales a line of pixels: torch/image's rules, which keep both ends in place when a line
/// grows and average over the covered stretch when it shrinks (`bilinear`), or put a cubic through four pixels.
fn weights(from: usize, to: usize, mode: &str) -> Result<tch::Tensor> {
    if from == 0 || to == 0 || from.max(to) > 1 << 16 {
        return Err(Error::new(Kind::Argument, format!("a line of {from} pixels cannot be scaled to {to}")));
    }
    let mut weights = vec![0.0_f64; from * to];
    let mut add = |row: usize, at: usize, weight: f64| weights[row * from + at.min(from - 1)] += weight;
    // Single precision, as there: the position decides which pixels count.
    let grown = if to > 1 { (from - 1) as f32 / (to - 1) as f32 } else { (from - 1) as f32 };
    for row in 0..to {
        let position = row as f32 * grown;
        let (at, part) = (position as usize, f64::from(position - position.floor()));
        match mode {
            _ if from == to => add(row, row, 1.0),
            "simple" => add(row, (row as f32 * (from as f32 / to as f32)) as usize, 1.0),
            "bilinear" if to < from => {
                let scale = from as f32 / to as f32;
                let (start, end) = (row as f32 * scale, (row + 1) as f32 * scale);
                let (first, last) = (start as usize, end as usize);
                let mut parts = vec![(first, 1.0 - f64::from(start - start.floor()))];
                parts.extend((first + 1..last).map(|at| (at, 1.0)));
                if last < from {
                    parts.push((last, f64::from(end - end.floor())));
                }
                let whole: f64 = parts.iter().map(|(_, part)| part).sum();
                parts.into_iter().for_each(|(at, part)| add(row, at, part / whole));
            }
            _ if row == to - 1 && to > 1 => add(row, from - 1, 1.0),
            "bilinear" => {
                add(row, at, 1.0 - part);
                add(row, at + 1, part);
            }
            "bicubic" if from > 1 => {
                let cubic = cubic(part);
                // Outside, the line goes on straight.
                let before = if at > 0 { vec![(at - 1, 1.0)] } else { vec![(at, 2.0), (at + 1, -1.0)] };
                let after = if at + 2 < from { vec![(at + 2, 1.0)] } else { vec![(at + 1, 2.0), (at, -1.0)] };
                before.into_iter().for_each(|(at, share)| add(row, at, share * cubic[0]));
                add(row, at, cubic[1]);
                add(row, at + 1, cubic[2]);
                after.into_iter().for_each(|(at, share)| add(row, at, share * cubic[3]));
            }
            "bicubic" => add(row, 0, 1.0),
            other => {
                return Err(Error::new(
                    Kind::Argument,
                    format!("mode must be one of: simple | bicubic | bilinear, not {other}"),
                ));
            }
        }
    }
    Ok(tch::Tensor::f_from_slice(&weights)?.f_view([to as i64, from as i64])?)
}

/// Weights of four neighbours at `t` between the second and the third (Catmull-Rom).
fn cubic(t: f64) -> [f64; 4] {
    let (t2, t3) = (t * t, t * t * t);
    [0.5 * (-t + 2.0 * t2 - t3), 0.5 * (2.0 - 5.0 * t2 + 3.0 * t3), 0.5 * (t + 4.0 * t2 - 3.0 * t3), 0.5 * (t3 - t2)]
}

/// The pixels of `from` (`[c, h, w]`) at 0-based coordinates `y`, `x` (`[oh, ow]`): `simple` rounds, `bilinear` and
/// `bicubic` interpolate. Beyond the border the nearest pixel counts, or `outside` when it is given.
fn sample(
    from: &tch::Tensor,
    y: &tch::Tensor,
    x: &tch::Tensor,
    mode: &str,
    outside: Option<f64>,
) -> Result<tch::Tensor> {
    let (channels, height, width) = from.size3()?;
    let shape = y.size();
    let numbers = from.f_to_kind(tch::Kind::Double)?.f_reshape([channels, height * width])?;
    let (y, x) = (y.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?, x.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?);
    let pick = |row: &tch::Tensor, column: &tch::Tensor| -> Result<tch::Tensor> {
        let row = row.f_clamp(0, height - 1)?;
        let at = (row.f_mul_scalar(width)?.f_add(&column.f_clamp(0, width - 1)?)?).f_to_kind(tch::Kind::Int64)?;
        Ok(numbers.f_index_select(1, &at)?)
    };
    let (top, left) = (y.f_floor()?, x.f_floor()?);
    let (down, right) = (y.f_sub(&top)?, x.f_sub(&left)?);
    let mut found = match mode {
        // Halves up.
        "simple" => pick(&y.f_add_scalar(0.5)?.f_floor()?, &x.f_add_scalar(0.5)?.f_floor()?)?,
        "bilinear" => {
            let mut sum = pick(&top, &left)?.f_mul(&(down.f_neg()? + 1.0).f_mul(&(right.f_neg()? + 1.0))?)?;
            sum = sum.f_add(&pick(&top, &(&left + 1.0))?.f_mul(&(down.f_neg()? + 1.0).f_mul(&right)?)?)?;
            sum = sum.f_add(&pick(&(&top + 1.0), &left)?.f_mul(&down.f_mul(&(right.f_neg()? + 1.0))?)?)?;
            sum.f_add(&pick(&(&top + 1.0), &(&left + 1.0))?.f_mul(&down.f_mul(&right)?)?)?
        }
        "bicubic" => {
            let (rows, columns) = (cubics(&down)?, cubics(&right)?);
            let mut sum = numbers.f_new_zeros([channels, y.numel() as i64], (tch::Kind::Double, from.device()))?;
            for (i, row) in rows.iter().enumerate() {
                for (j, column) in columns.iter().enumerate() {
                    let pixels = pick(&(&top + (i as f64 - 1.0)), &(&left + (j as f64 - 1.0)))?;
                    sum = sum.f_add(&pixels.f_mul(&row.f_mul(column)?)?)?;
                }
            }
            sum
        }
        other => {
            return Err(Error::new(
                Kind::Argument,
                format!("mode must be one of: simple | bilinear | bicubic, not {other}"),
            ));
        }
    };
    if let Some(outside) = outside {
        let inside = y
            .f_ge(0.0)?
            .f_logical_and(&y.f_le((height - 1) as f64)?)?
            .f_logical_and(&x.f_ge(0.0)?)?
            .f_logical_and(&x.f_le((width - 1) as f64)?)?;
        found = found.f_masked_fill(&inside.f_logical_not()?, outside)?;
    }
    let whole = !from.is_floating_point();
    let found = if whole { found.f_add_scalar(0.5)?.f_floor()?.f_clamp(0, 255)? } else { found };
    let mut size = vec![channels];
    size.extend(shape);
    Ok(found.f_to_kind(from.kind())?.f_reshape(size)?)
}

fn cubics(t: &tch::Tensor) -> Result<[tch::Tensor; 4]> {
    let (t2, t3) = (t.f_mul(t)?, t.f_mul(t)?.f_mul(t)?);
    Ok([
        (t2.f_mul_scalar(2.0)?.f_sub(t)?.f_sub(&t3)?).f_mul_scalar(0.5)?,
        (t3.f_mul_scalar(3.0)?.f_sub(&t2.f_mul_scalar(5.0)?)?.f_add_scalar(2.0)?).f_mul_scalar(0.5)?,
        (t.f_add(&t2.f_mul_scalar(4.0)?)?.f_sub(&t3.f_mul_scalar(3.0)?)?).f_mul_scalar(0.5)?,
        t3.f_sub(&t2)?.f_mul_scalar(0.5)?,
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matrix(from: usize, to: usize, mode: &str) -> Vec<f64> {
        Vec::try_from(weights(from, to, mode).unwrap().reshape([-1])).unwrap()
    }

    #[test]
    fn lines_grow_between_their_ends_and_shrink_by_averages() {
        assert_eq!(matrix(2, 3, "bilinear"), [1.0, 0.0, 0.5, 0.5, 0.0, 1.0]);
        assert_eq!(matrix(4, 2, "bilinear"), [0.5, 0.5, 0.0, 0.0, 0.0, 0.0, 0.5, 0.5]);
        assert_eq!(matrix(4, 2, "simple"), [1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0]);
        // A cubic through a straight line is the line.
        let line = tch::Tensor::from_slice(&[0.0, 1.0, 2.0]).view([3, 1]);
        let scaled = weights(3, 5, "bicubic").unwrap().matmul(&line);
        assert!(
            (scaled.view([-1]) - tch::Tensor::from_slice(&[0.0, 0.5, 1.0, 1.5, 2.0])).abs().max().double_value(&[])
                < 1e-9
        );
        assert!(weights(3, 5, "splines").is_err() && weights(0, 5, "bilinear").is_err());
    }

    #[test]
    fn png_keeps_every_pixel_and_its_transparency() {
        let pixels = tch::Tensor::arange(4 * 3 * 2, (tch::Kind::Uint8, tch::Device::Cpu)).view([4, 3, 2]);
        let bytes = encode(&Tensor::from_tch(BYTE, &pixels).unwrap(), "png", 0).unwrap();
        let back = decode(&bytes).unwrap();
        assert_eq!((back.white, back.pixels.size()), (255.0, vec![4, 3, 2]));
        assert!(back.pixels.view().equal(&pixels));
        assert!(decode(b"no image").is_err());
    }

    #[test]
    fn sampling_halfway_gives_the_mean() {
        let from = tch::Tensor::from_slice(&[0.0, 1.0, 2.0, 3.0]).view([1, 2, 2]);
        let at = |v: f64| tch::Tensor::from_slice(&[v]).view([1, 1]);
        for mode in ["bilinear", "bicubic"] {
            let found = sample(&from, &at(0.5), &at(0.5), mode, None).unwrap();
            assert!((found.double_value(&[0, 0, 0]) - 1.5).abs() < 1e-9, "{mode}");
        }
        assert_eq!(sample(&from, &at(5.0), &at(0.0), "simple", None).unwrap().double_value(&[0, 0, 0]), 2.0);
        assert_eq!(sample(&from, &at(5.0), &at(0.0), "simple", Some(9.0)).unwrap().double_value(&[0, 0, 0]), 9.0);
    }
}
