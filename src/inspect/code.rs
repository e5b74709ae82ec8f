//! The compressed code of an autoencoder: the narrowest 1-D activation between input and output.

use serde::Serialize;

/// The values at the network's narrowest place.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Code {
    /// Path of the module that made it, as in Lua: `6`.
    pub path: String,
    /// The module as it prints.
    pub name: String,
    /// The values.
    pub values: Vec<f32>,
}

/// Finds the narrowest 1-D activation that is narrower than both the input and the output. Of equally narrow ones
/// the last is taken: what the decoder receives (behind the activation function). Names, paths and values are
/// those of every activation in order; `None` when nothing narrows (a classifier's last layer is no code).
#[must_use]
pub fn narrowest<'a>(
    activations: impl IntoIterator<Item = (&'a str, &'a str, &'a [i64], &'a [f32])>,
    input: usize,
    output: usize,
) -> Option<Code> {
    let mut best: Option<Code> = None;
    for (path, name, shape, values) in activations {
        let narrow = shape.len() == 1 && values.len() < input.min(output);
        if narrow && best.as_ref().is_none_or(|code| values.len() <= code.values.len()) {
            best = Some(Code { path: path.into(), name: name.into(), values: values.to_vec() });
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_of_the_narrowest_is_the_code() {
        let data = [0.0f32; 16];
        let list = [
            ("1", "view", &[16i64][..], &data[..16]),
            ("2", "six", &[6], &data[..6]),
            ("3", "three", &[3], &data[..3]),
            ("4", "relu", &[3], &data[..3]),
            ("5", "matrix", &[1, 2], &data[..2]),
            ("6", "wide", &[16], &data[..16]),
        ];
        assert_eq!(narrowest(list, 16, 16).unwrap().name, "relu");
        assert!(narrowest(list, 16, 3).is_none(), "a classifier ends at its narrowest place");
    }
}
