//! `SampleShape`: the sizes of one sample, written `1x28x28`.

use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Sizes of one sample, such as `[c, h, w]`: all above 0, at most 2²⁸ numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>", into = "Vec<i64>")]
pub struct SampleShape(Vec<i64>);

impl SampleShape {
    /// The sizes, outermost first.
    #[must_use]
    pub fn sizes(&self) -> &[i64] {
        &self.0
    }
}

const FORM: &str = "write channels, height and width: 1x28x28";

impl TryFrom<Vec<i64>> for SampleShape {
    type Error = String;

    fn try_from(sizes: Vec<i64>) -> Result<SampleShape, String> {
        // Larger products are typing errors; they would only exhaust the memory.
        let product = sizes.iter().try_fold(1i64, |n, s| n.checked_mul(*s));
        let fits = !sizes.is_empty() && sizes.iter().all(|size| *size > 0) && product.is_some_and(|n| n <= 1 << 28);
        if fits { Ok(SampleShape(sizes)) } else { Err(FORM.into()) }
    }
}

impl From<SampleShape> for Vec<i64> {
    fn from(shape: SampleShape) -> Vec<i64> {
        shape.0
    }
}

impl FromStr for SampleShape {
    type Err = String;

    fn from_str(text: &str) -> Result<SampleShape, String> {
        let sizes: Option<Vec<i64>> = text.split(['x', 'X', '×', ',']).map(|part| part.trim().parse().ok()).collect();
        sizes.ok_or_else(|| FORM.to_string())?.try_into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_are_read_and_nonsense_is_refused() {
        assert_eq!("1x28x28".parse(), Ok(SampleShape(vec![1, 28, 28])));
        for bad in ["", "1x0x3", "1x-2x3", "a", "1xx3", "9999999x9999999x9999999", "-1x-1x4"] {
            assert!(bad.parse::<SampleShape>().is_err(), "{bad}");
        }
        assert_eq!(serde_json::from_str::<SampleShape>("[3, 8]").unwrap().sizes(), [3, 8]);
        assert!(serde_json::from_str::<SampleShape>("[]").is_err());
    }
}
