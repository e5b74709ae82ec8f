//! `Planes`: an array `[c, h, w]` of pixels or numbers, as records hold images and labels.

/// Element values in channel, row, column order.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Pixels, 0..=255.
    Bytes(Vec<u8>),
    /// Any numbers (`float_data`).
    Floats(Vec<f32>),
}

impl Values {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Values::Bytes(v) => v.len(),
            Values::Floats(v) => v.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// All values as numbers.
    #[must_use]
    pub fn to_floats(&self) -> Vec<f32> {
        match self {
            Values::Bytes(v) => v.iter().map(|&x| f32::from(x)).collect(),
            Values::Floats(v) => v.clone(),
        }
    }
}

/// An array `[c, h, w]`; three channels are red, green, blue.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// `[c, h, w]`; the product is the number of values.
    pub shape: [i64; 3],
    /// The values, channel by channel.
    pub values: Values,
}

/// An image's values where they lie, channel by channel.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Pixels<'a> {
    /// Pixels, 0..=255.
    Bytes(&'a [u8]),
    /// Any numbers.
    Floats(&'a [f32]),
}

impl Pixels<'_> {
    /// How many values.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Pixels::Bytes(values) => values.len(),
            Pixels::Floats(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Planes {
    /// The values.
    #[must_use]
    pub fn pixels(&self) -> Pixels<'_> {
        match &self.values {
            Values::Bytes(values) => Pixels::Bytes(values),
            Values::Floats(values) => Pixels::Floats(values),
        }
    }
}

/// `1x28x28`, the way shapes are written in messages.
#[must_use]
pub fn shape_text(shape: [i64; 3]) -> String {
    format!("{}x{}x{}", shape[0], shape[1], shape[2])
}
