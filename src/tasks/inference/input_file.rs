//! What is tested out of a file: an image, or an array of numbers of any number of channels.

use std::path::Path;

use crate::{
    data::{Array, Image, Planes, Random, Resize, Values, shape_text},
    error::{Error, Kind, Result},
    torch::t7::Document,
};

/// The file as a record `[c, h, w]`: images are fitted as the dataset's were, or, without `resize`, keep their size; arrays
/// have that shape, or `[h, w]` of one channel, or `[h, w, c]`.
///
/// # Errors
/// When it cannot be read, or has another number of channels or, as an array, another size.
pub(in crate::tasks) fn planes(path: &Path, shape: [i64; 3], resize: Option<Resize>) -> Result<Planes> {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    match ending.as_str() {
        "npy" => {
            let Array { shape: found, values } = Array::read(path)?;
            let found: Vec<i64> = found.into_iter().map(|size| i64::try_from(size).unwrap_or(i64::MAX)).collect();
            array(path, &found, values, shape)
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
        "npz" => Err(Error::new(Kind::Data, format!("{} holds several arrays", path.display()))
            .with_help("give one of them: numpy.save('one.npy', numpy.load('all.npz')['name'])")),
        _ => image(path, shape, resize),
    }
}

fn image(path: &Path, [channels, height, width]: [i64; 3], resize: Option<Resize>) -> Result<Planes> {
    let image = match channels {
        1 | 3 => Image::open(path)?.with_channels(channels as usize),
        _ => Image::open_with_alpha(path)?,
    };
    if image.channels as i64 != channels {
        return Err(Error::new(Kind::Data, format!("{} has not the channels of the job's images", path.display()))
            .with_fact("it has", image.channels.to_string())
            .with_fact("the job's have", channels.to_string())
            .with_help(format!(
                "give an array of [{channels}, height, width] in a .npy or .t7 file, or a record: --db DATASET --record N"
            )));
    }
    let Some(resize) = resize else { return Ok(image.to_planes()) };
    // The noise of `fill` is the same for every test of one image.
    let mut noise = Random::new(&[0]);
    Ok(image.resized(width as usize, height as usize, resize, &mut noise)?.to_planes())
}

fn array(path: &Path, found: &[i64], values: Vec<f32>, shape: [i64; 3]) -> Result<Planes> {
    let [channels, height, width] = shape;
    let values = match found {
        _ if *found == shape => values,
        [1, rest @ ..] if *rest == shape => values,
        [h, w] if [1, *h, *w] == shape => values,
        [h, w, c] if [*c, *h, *w] == shape => {
            let plane = (height * width) as usize;
            let channels = channels as usize;
            (0..channels)
                .flat_map(|channel| (0..plane).map(move |pixel| pixel * channels + channel))
                .map(|at| values[at])
                .collect()
        }
        _ => {
            return Err(Error::new(Kind::Data, format!("{} has another size than the job's records", path.display()))
                .with_fact("it is", format!("{found:?}"))
                .with_fact("the job's are", format!("{} (channels x height x width)", shape_text(shape)))
                .with_help("arrays are not fitted: give one of the records' size"));
        }
    };
    Ok(Planes { shape, values: Values::Floats(values) })
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let planes = planes(&path, [4, 1, 2], Some(Resize::Squash)).unwrap();
        assert_eq!(planes.values, Values::Bytes(vec![1, 5, 2, 6, 3, 7, 4, 8]));
        let page = super::planes(&path, [5, 1, 2], Some(Resize::Squash)).unwrap_err().to_string();
        assert!(page.contains("--record N"), "{page}");
    }
}
