//! A classifier's result over many images, written: page, matrix, worst images.

use std::path::Path;

use super::{
    defaults::MOST_WORST,
    folder::{self, Written},
};
use crate::{
    error::{Error, Kind, Result},
    inspect::{
        classify::{Answer, Classification},
        files,
        picture::Picture,
        values::values,
    },
};

/// Checks the number of images to draw.
///
/// # Errors
/// `Kind::Usage` when there are none, or too many for one sheet.
pub(super) fn worst(count: u64) -> Result<usize> {
    at_least_one("worst", count)?;
    let fitting = usize::try_from(count).ok().filter(|_| count <= MOST_WORST);
    fitting.ok_or_else(|| {
        Error::new(Kind::Usage, format!("{count} of the worst images are too many for one sheet"))
            .with_help(format!("ask for {MOST_WORST} at most"))
    })
}

/// Checks the number of classes to list.
///
/// # Errors
/// `Kind::Usage` when it is none.
pub(super) fn top(count: u64) -> Result<usize> {
    at_least_one("top", count)?;
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

fn at_least_one(name: &str, count: u64) -> Result<()> {
    if count == 0 {
        return Err(
            Error::new(Kind::Usage, format!("{name} is 0")).with_fact("it must be", "a whole number of at least 1")
        );
    }
    Ok(())
}

/// Writes the result about `subject` into `place`; `pixels` gives an image `[c, h, w]`, 0..255.
///
/// # Errors
/// When an image cannot be read again, or the folder cannot be written.
pub(super) fn write(
    place: &Path,
    subject: &Path,
    facts: &[(String, String)],
    result: &Classification,
    pixels: impl Fn(&Answer) -> Result<tch::Tensor>,
) -> Result<Written> {
    let pictures = result.worst.iter().map(|answer| picture(&pixels(answer)?)).collect::<Result<_>>()?;
    folder::write(place, files::of_classification(&folder::title(subject), facts, result, pictures)?)
}

fn picture(image: &tch::Tensor) -> Result<Picture> {
    let picture = Picture::image(&image.size(), &values(image)?, 0.0, 255.0);
    Ok(picture.unwrap_or_else(|| Picture::filled(1, 1, [255; 3])))
}
