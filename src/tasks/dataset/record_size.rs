//! `RecordSize`: width and height of a dataset's records, written `28x28`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Width and height in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RecordSize {
    /// Pixels in a row.
    pub width: i64,
    /// Rows.
    pub height: i64,
}

impl fmt::Display for RecordSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

impl FromStr for RecordSize {
    type Err = String;

    fn from_str(text: &str) -> Result<RecordSize, String> {
        let sides = text.split_once(['x', 'X']).and_then(|(w, h)| Some((w.parse().ok()?, h.parse().ok()?)));
        let (width, height) = sides.ok_or_else(|| "a size is written as WIDTHxHEIGHT, such as 28x28".to_string())?;
        Ok(RecordSize { width, height })
    }
}

impl TryFrom<String> for RecordSize {
    type Error = String;

    fn try_from(text: String) -> Result<RecordSize, String> {
        text.parse()
    }
}

impl From<RecordSize> for String {
    fn from(size: RecordSize) -> String {
        size.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_checked() {
        let size = RecordSize { width: 28, height: 32 };
        assert_eq!("28x32".parse(), Ok(size));
        assert_eq!(size.to_string(), "28x32");
        assert!("28".parse::<RecordSize>().is_err());
    }
}
