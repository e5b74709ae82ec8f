//! What is tested out of a file: an image, or an array of numbers of any number of channels.

use std::path::Path;

use crate::{
    data::{Array, Decoded, Planes, Random, Resize, Values, characters, npz, shape_text, stack},
    error::{Error, Kind, Result},
    input::{self, Form},
    torch::t7::Document,
};

/// The file as a record `[c, h, w]`: images are fitted as the dataset's were, or, without `resize`, keep their size; arrays
/// have that shape, or `[h, w]` of one channel, or `[h, w, c]`; where records are texts, a text file is one.
///
/// # Errors
/// When it cannot be read, or has another number of channels or, as an array, another size.
pub(in crate::tasks) fn planes(path: &Path, shape: [i64; 3], resize: Option<Resize>, texts: bool) -> Result<Planes> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "npy" => {
            let Array { shape: found, values } = Array::read(path)?;
            array(path, &sizes(&found), values, shape)
        }
        "npz" => {
            let wanted = format!("one array of {} (channels x height x width)", shape_text(shape));
            let Array { shape: found, values } = npz::read(path, |found| fits(&sizes(found), shape), &wanted)?;
            array(path, &sizes(&found), values, shape)
        }
        "t7" => {
            let file = Document::open(path)?;
            let Some(tensor) = file.tensor(file.root()) else {
                return Err(Error::new(Kind::Data, format!("{} holds no tensor", path.display()))
                    .with_help("write it with torch.save(name, tensor)"));
            };
            let tensor = tensor.view();
            let values = Vec::<f32>::try_from(tensor.f_to_kind(tch::Kind::Float)?.f_contiguous()?.f_view([-1])?)?;
            array(path, &tensor.size(), values, shape)
        }
        "txt" if texts => Ok(characters::planes(&input::read_text(path, Form::Labels)?, shape)),
        _ => image(path, shape, resize),
    }
}

fn sizes(found: &[usize]) -> Vec<i64> {
    found.iter().map(|size| i64::try_from(*size).unwrap_or(i64::MAX)).collect()
}

fn image(path: &Path, shape: [i64; 3], resize: Option<Resize>) -> Result<Planes> {
    let [channels, height, width] = shape;
    let bytes = input::read(path, Form::Image)?;
    let in_file = |page: Error| page.with_fact("in the file", path.display().to_string());
    if let Some(pages) = stack::pages(&bytes, channels as usize + 1).map_err(in_file)? {
        return stacked(path, pages, shape, resize);
    }
    let image = match channels {
        1 | 3 => Decoded::decode_file(&bytes).map_err(in_file)?.with_channels(channels as usize),
        // As datasets of four channels are made: an image without alpha is opaque.
        4 => Decoded::decode_file_with_alpha(&bytes).map_err(in_file)?.with_channels(4),
        _ => Decoded::decode_file_with_alpha(&bytes).map_err(in_file)?,
    };
    if image.channels() as i64 != channels {
        return Err(Error::new(Kind::Data, format!("{} has not the channels of the job's images", path.display()))
            .with_fact("it has", image.channels().to_string())
            .with_fact("the job's have", channels.to_string())
            .with_help(format!(
                "give an array of [{channels}, height, width] in a .npy, .npz or .t7 file, a GIF or TIFF file of {channels} grey pages, or a record: --db DATASET --record N"
            )));
    }
    let Some(resize) = resize else { return Ok(image.to_planes()) };
    // The noise of `fill` is the same for every test of one image.
    let mut noise = Random::new(&[0]);
    Ok(image.resized(width as usize, height as usize, resize, &mut noise)?.to_planes())
}

/// The pages of one file as the channels of one record.
fn stacked(path: &Path, pages: Vec<Decoded>, shape: [i64; 3], resize: Option<Resize>) -> Result<Planes> {
    let [channels, height, width] = shape;
    let page = |message: String| {
        Error::new(Kind::Data, message)
            .with_fact("the job's images have", format!("{channels} channels"))
            .with_fact("it wants", "one page, or as many grey pages as channels")
            .with_help("save one of its pages as an image of its own and give that")
    };
    if pages.len() as i64 != channels {
        let count = if pages.len() as i64 > channels { "more".into() } else { pages.len().to_string() };
        return Err(page(format!("{} has several pages", path.display())).with_fact("it has", format!("{count} pages")));
    }
    if let Some(colour) = pages.iter().position(|image| image.channels() != 1) {
        let which = format!("page {} is in colour", colour + 1);
        return Err(page(format!("{} has several pages in colour", path.display())).with_fact("of them", which));
    }
    let mut planes = Vec::new();
    for image in pages {
        let fitted = match resize {
            Some(resize) => image.resized(width as usize, height as usize, resize, &mut Random::new(&[0]))?,
            None => image,
        };
        planes.push(fitted.to_planes());
    }
    let own = |planes: &Planes| [planes.shape[1], planes.shape[2]];
    let size = planes.first().map_or([height, width], own);
    if planes.iter().any(|planes| own(planes) != size) {
        return Err(page(format!("{} has pages of several sizes", path.display())));
    }
    let shape = [channels, size[0], size[1]];
    let values: Vec<Values> = planes.into_iter().map(|planes| planes.values).collect();
    let bytes: Option<Vec<u8>> = values.iter().try_fold(Vec::new(), |mut all, values| match values {
        Values::Bytes(values) => {
            all.extend_from_slice(values);
            Some(all)
        }
        Values::Floats(_) => None,
    });
    let floats = || values.iter().flat_map(Values::to_floats).collect();
    Ok(Planes { shape, values: bytes.map_or_else(|| Values::Floats(floats()), Values::Bytes) })
}

/// Whether an array of these sizes is a record of this shape.
fn fits(found: &[i64], shape: [i64; 3]) -> bool {
    let [channels, height, width] = shape;
    match found {
        [1, rest @ ..] if *rest == shape => true,
        [h, w] => [1, *h, *w] == shape,
        [c, h, w] => [*c, *h, *w] == shape || [*c, *h, *w] == [height, width, channels],
        _ => false,
    }
}

fn array(path: &Path, found: &[i64], values: Vec<f32>, shape: [i64; 3]) -> Result<Planes> {
    let [channels, height, width] = shape;
    let values = match found {
        _ if !fits(found, shape) => {
            return Err(Error::new(Kind::Data, format!("{} has another size than the job's records", path.display()))
                .with_fact("it is", format!("{found:?}"))
                .with_fact("the job's are", format!("{} (channels x height x width)", shape_text(shape)))
                .with_help("arrays are not fitted: give one of the records' size"));
        }
        [_, _, _] if *found != shape => {
            let plane = (height * width) as usize;
            let channels = channels as usize;
            (0..channels)
                .flat_map(|channel| (0..plane).map(move |pixel| pixel * channels + channel))
                .map(|at| values[at])
                .collect()
        }
        _ => values,
    };
    Ok(Planes { shape, values: Values::Floats(values) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{DeepImage, Image};

    #[test]
    fn arrays_of_a_record_s_size_are_taken_and_others_refused() {
        let path = Path::new("a.npy");
        let floats = |planes: Planes| planes.values.to_floats();
        let values = vec![1.0, 2.0, 3.0, 4.0];
        assert_eq!(floats(array(path, &[2, 1, 2], values.clone(), [2, 1, 2]).unwrap()), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(floats(array(path, &[1, 2, 2], values.clone(), [2, 1, 2]).unwrap()), [1.0, 3.0, 2.0, 4.0]);
        assert_eq!(floats(array(path, &[2, 2], values.clone(), [1, 2, 2]).unwrap()), [1.0, 2.0, 3.0, 4.0]);
        let page = array(path, &[4], values, [1, 2, 2]).unwrap_err().to_string();
        assert!(page.contains("1x2x2"), "{page}");
    }

    #[test]
    fn an_image_with_alpha_fits_four_channels_and_none_fits_five() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        Image { width: 2, height: 1, channels: 4, pixels: vec![1, 2, 3, 4, 5, 6, 7, 8] }.save_png(&path).unwrap();
        let planes = planes(&path, [4, 1, 2], Some(Resize::Squash), false).unwrap();
        assert_eq!(planes.values, Values::Bytes(vec![1, 5, 2, 6, 3, 7, 4, 8]));
        let page = super::planes(&path, [5, 1, 2], Some(Resize::Squash), false).unwrap_err().to_string();
        assert!(page.contains("--record N"), "{page}");
    }

    #[test]
    fn pages_are_channels_where_there_are_as_many() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tif");
        let mut file = std::fs::File::create(&path).unwrap();
        let mut encoder = tiff::encoder::TiffEncoder::new(&mut file).unwrap();
        for level in 1..=5u8 {
            encoder.write_image::<tiff::encoder::colortype::Gray8>(2, 1, &[level, 10 * level]).unwrap();
        }
        let all = planes(&path, [5, 1, 2], Some(Resize::Squash), false).unwrap();
        assert_eq!(all.values, Values::Bytes(vec![1, 10, 2, 20, 3, 30, 4, 40, 5, 50]));
        for (channels, words) in [(6, "5 pages"), (3, "more pages"), (1, "more pages")] {
            let page = planes(&path, [channels, 1, 2], Some(Resize::Squash), false).unwrap_err().to_string();
            assert!(page.contains("has several pages") && page.contains(words), "{page}");
        }
    }

    #[test]
    fn sixteen_bits_and_texts_come_in_as_records_have_them() {
        let folder = tempfile::tempdir().unwrap();
        let (deep, text) = (folder.path().join("a.png"), folder.path().join("a.txt"));
        let image = DeepImage { width: 2, height: 1, pixels: vec![300, 65_535] };
        std::fs::write(&deep, image.png().unwrap()).unwrap();
        std::fs::write(&text, "ab").unwrap();
        assert_eq!(planes(&deep, [1, 1, 2], Some(Resize::Squash), false).unwrap(), image.to_planes());
        let planes = |texts| planes(&text, [1, 1, 3], Some(Resize::Squash), texts);
        assert_eq!(planes(true).unwrap().values, Values::Bytes(vec![2, 3, 1]));
        assert!(planes(false).is_err());
    }
}
