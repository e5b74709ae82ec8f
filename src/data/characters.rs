//! A text as numbers of characters, one byte each, as DIGITS' networks for texts read it.
//!
//! Source: `examples/text-classification/create_dataset.py`; Zhang, Zhao, LeCun (2015), whose alphabet it is.

use super::{image::Image, planes::Planes};

/// The characters that have numbers of their own, from 2 on. Capitals count as small letters.
const ALPHABET: &str = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+ =<>()[]{}";

/// Any other character, and what follows the end of the text.
pub const OTHER: u8 = 1;

/// Characters of a record at most: the side of a database's images has its bound.
pub const LONGEST: usize = 65_535;

/// The number of a character, 1 to 70.
#[must_use]
pub fn number(character: char) -> u8 {
    let at = ALPHABET.bytes().position(|known| character.is_ascii() && known == character as u8);
    at.map_or(OTHER, |at| at as u8 + 2)
}

/// `[1, h, w]` of records of `length` characters: a square where there is one, else a single row.
#[must_use]
pub fn shape(length: usize) -> [i64; 3] {
    let side = length.isqrt();
    if side * side == length { [1, side as i64, side as i64] } else { [1, 1, length as i64] }
}

/// The first characters of a text as an image of bytes: as many as `shape` (`[1, h, w]`) has places, filled up with
/// [`OTHER`].
#[must_use]
pub fn image(text: &str, [_, height, width]: [i64; 3]) -> Image {
    let (height, width) = (height as usize, width as usize);
    let mut pixels: Vec<u8> = text.chars().flat_map(char::to_lowercase).map(number).take(height * width).collect();
    pixels.resize(height * width, OTHER);
    Image { width, height, channels: 1, pixels }
}

/// [`image()`] as a record.
#[must_use]
pub fn planes(text: &str, shape: [i64; 3]) -> Planes {
    image(text, shape).to_planes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_count_from_two_and_others_are_one() {
        assert_eq!(ALPHABET.chars().count(), 69);
        assert_eq!(
            "aZ09- }é\n".chars().flat_map(char::to_lowercase).map(number).collect::<Vec<_>>(),
            [2, 27, 28, 37, 38, 61, 70, 1, 1]
        );
    }

    #[test]
    fn a_text_is_cut_or_filled_up_to_its_shape() {
        assert_eq!((shape(1024), shape(130)), ([1, 32, 32], [1, 1, 130]));
        assert_eq!(image("abcde", [1, 2, 2]).pixels, [2, 3, 4, 5]);
        assert_eq!(image("B", [1, 1, 3]).pixels, [3, 1, 1]);
    }
}
