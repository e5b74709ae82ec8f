//! What a network file wants to be seen while it trains (`tf.summary.image`, `tf.summary.histogram`), drawn into the job's
//! folder `summaries/`: the newest picture of each.
//!
//! The file gives values and a name; the pictures, their places and their number are ours.

use std::collections::HashSet;

use crate::{
    error::{Error, Result},
    inspect::{histogram, picture::Picture, statistics::Statistics, values::values},
    job::{JobDir, file},
    nn::{Seen, View},
};

/// A view as it can be written.
pub(super) struct Drawn {
    /// The name that the file gives.
    pub(super) name: String,
    /// What there is to see.
    pub(super) what: What,
}

/// What there is to see.
pub(super) enum What {
    /// Images of a batch.
    Images {
        /// One each.
        pictures: Vec<Picture>,
        /// So many at most.
        most: i64,
    },
    /// Values whose spread is of interest.
    Spread(Vec<f32>),
}

/// Images that are drawn, at most: a file may ask for more.
const MOST: i64 = 64;
/// Pictures of a job, at most.
const FILES: usize = 200;

/// Draws a view.
///
/// # Errors
/// When memory is short.
pub(super) fn drawn(view: &View) -> Result<Drawn> {
    let what = match view.seen {
        Seen::Spread => What::Spread(values(&view.values)?),
        Seen::Images(most) => {
            let count = view.values.size().first().copied().unwrap_or(0).min(most).min(MOST);
            let pictures = (0..count).map(|index| image(&view.values.f_select(0, index)?));
            What::Images { pictures: pictures.collect::<Result<Vec<_>>>()?.into_iter().flatten().collect(), most }
        }
    };
    Ok(Drawn { name: view.name.clone(), what })
}

/// An image `[h, w, c]` in TensorFlow's colours: bytes as they are; of other numbers 0 is black and the largest white, or,
/// where some are negative, 0 is grey. What is not finite is red. `None` of an empty one.
fn image(pixels: &tch::Tensor) -> Result<Option<Picture>> {
    const RED: [u8; 3] = [255, 0, 0];
    let is_bytes = pixels.kind() == tch::Kind::Uint8;
    let &[height, width, channels] = pixels.size().as_slice() else { return Ok(None) };
    // The fourth channel is how opaque a pixel is.
    let channels = if channels == 4 { 3 } else { channels };
    let planes = values(&pixels.f_narrow(2, 0, channels)?.f_permute([2, 0, 1])?.f_contiguous()?)?;
    let finite = || planes.iter().copied().filter(|value| value.is_finite());
    let (lowest, highest) = finite().fold((0.0f32, 0.0f32), |(low, high), value| (low.min(value), high.max(value)));
    let reach = highest.max(-lowest);
    let (black, white) = match (is_bytes, lowest < 0.0) {
        (true, _) => (0.0, 255.0),
        (false, true) => (-128.0 * reach / 127.0, reach),
        (false, false) => (0.0, reach),
    };
    let mut picture = Picture::image(&[channels, height, width], &planes, black, white);
    if let Some(picture) = &mut picture {
        let plane = (height * width) as usize;
        let is_broken = |at: &usize| (0..channels as usize).any(|channel| !planes[channel * plane + at].is_finite());
        for at in (0..plane).filter(is_broken) {
            picture.rgb[3 * at..3 * at + 3].copy_from_slice(&RED);
        }
    }
    Ok(picture)
}

/// Writes the pictures: `summaries/NAME.png`, the images of a batch side by side, and `summaries/NAME.svg` of a histogram.
///
/// # Errors
/// When the disk refuses.
pub(super) fn write(job: &JobDir, drawn: &[Drawn]) -> Result<()> {
    let folder = job.path().join(file::SUMMARIES);
    std::fs::create_dir_all(&folder).map_err(|source| Error::io("make the folder", &folder, &source))?;
    let mut taken = HashSet::new();
    for Drawn { name, what } in drawn.iter().take(FILES) {
        let stem = stem(name, &mut taken);
        match what {
            What::Images { pictures, .. } => {
                // An empty batch has nothing to show.
                let Some(first) = pictures.first() else { continue };
                let factor = 112usize.div_ceil(first.width.max(first.height).max(1)).min(8);
                let large: Vec<Picture> = pictures.iter().map(|picture| picture.enlarged(factor)).collect();
                let row = Picture::beside(&large, 4);
                job.replace(&format!("{}/{stem}.png", file::SUMMARIES), &row.png()?)?;
            }
            What::Spread(values) => {
                let statistics = Statistics::of(&[values.len() as i64], values);
                // Read on a light page as on a dark one, where no text around it gives it a colour.
                let svg = histogram::svg(&statistics, name).replace("currentColor", "#6b8bb5");
                job.replace(&format!("{}/{stem}.svg", file::SUMMARIES), svg.as_bytes())?;
            }
        }
    }
    Ok(())
}

/// A file's name without ending for a summary of any name; no two are the same.
fn stem(name: &str, taken: &mut HashSet<String>) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_".contains(c);
    let plain: String = name.chars().take(80).map(|c| if is_plain(c) { c } else { '_' }).collect();
    let plain = if plain.is_empty() { "_".to_string() } else { plain };
    // Some disks do not tell large letters from small ones.
    let mut free = plain.clone();
    let mut more = 2;
    while !taken.insert(free.to_lowercase()) {
        free = format!("{plain}-{more}");
        more += 1;
    }
    free
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view(values: tch::Tensor, seen: Seen) -> Drawn {
        drawn(&View { name: "v".into(), values, seen }).unwrap()
    }

    fn pictures(values: &[f32], [n, h, w, c]: [i64; 4], most: i64) -> Vec<Picture> {
        let values = tch::Tensor::from_slice(values).view([n, h, w, c]);
        match view(values, Seen::Images(most)).what {
            What::Images { pictures, .. } => pictures,
            What::Spread(_) => unreachable!("images were asked for"),
        }
    }

    #[test]
    fn pictures_have_tensorflow_s_colours() {
        let seen = pictures(&[0.0, 1.0, 2.0, 4.0, -1.0, 0.0, 0.5, f32::NAN], [2, 1, 4, 1], 3);
        let row = |picture: &Picture| (0..4).map(|x| picture.pixel(x, 0)).collect::<Vec<_>>();
        assert_eq!(row(&seen[0]), [[0; 3], [64; 3], [128; 3], [255; 3]]);
        assert_eq!(row(&seen[1]), [[1; 3], [128; 3], [192; 3], [255, 0, 0]]);
        assert_eq!(pictures(&[1.0, 0.0, 0.5, 9.0], [1, 1, 1, 4], 1)[0].pixel(0, 0), [255, 0, 128]);
        assert_eq!(pictures(&[0.0; 6], [6, 1, 1, 1], 2).len(), 2);
        let bytes = tch::Tensor::from_slice(&[7u8]).view([1, 1, 1, 1]);
        let What::Images { pictures, .. } = view(bytes, Seen::Images(1)).what else { unreachable!() };
        assert_eq!(pictures[0].pixel(0, 0), [7; 3]);
    }

    #[test]
    fn no_name_leads_out_of_the_folder_and_no_two_are_one() {
        let mut taken = HashSet::new();
        let names = ["G", "g", "../../etc/passwd", "", "a/b", "a b"].map(|name| stem(name, &mut taken));
        assert_eq!(names, ["G", "g-2", "______etc_passwd", "_", "a_b", "a_b-2"]);
    }
}
