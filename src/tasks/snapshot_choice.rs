//! `SnapshotChoice`: which of a job's snapshots a task takes.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Which snapshot is taken; written `best`, `last`, or as an epoch: `30`, `0.5`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum SnapshotChoice {
    /// The one with the lowest validation loss.
    #[default]
    Best,
    /// The latest.
    Last,
    /// That of this epoch.
    Epoch(f64),
}

impl fmt::Display for SnapshotChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SnapshotChoice::Best => f.write_str("best"),
            SnapshotChoice::Last => f.write_str("last"),
            SnapshotChoice::Epoch(epoch) => write!(f, "{epoch}"),
        }
    }
}

impl FromStr for SnapshotChoice {
    type Err = String;

    fn from_str(text: &str) -> Result<SnapshotChoice, String> {
        match text {
            "best" => Ok(SnapshotChoice::Best),
            "last" => Ok(SnapshotChoice::Last),
            _ => text
                .parse()
                .ok()
                .filter(|epoch: &f64| epoch.is_finite() && *epoch >= 0.0)
                .map(SnapshotChoice::Epoch)
                .ok_or_else(|| "write an epoch such as 30 or 0.5, or best, or last".into()),
        }
    }
}

impl TryFrom<String> for SnapshotChoice {
    type Error = String;

    fn try_from(text: String) -> Result<SnapshotChoice, String> {
        text.parse()
    }
}

impl From<SnapshotChoice> for String {
    fn from(choice: SnapshotChoice) -> String {
        choice.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_are_chosen_by_word_or_epoch() {
        assert_eq!("0.5".parse(), Ok(SnapshotChoice::Epoch(0.5)));
        assert_eq!("last".parse(), Ok(SnapshotChoice::Last));
        for bad in ["-1", "nan", "newest"] {
            assert!(bad.parse::<SnapshotChoice>().is_err(), "{bad}");
        }
        let json = serde_json::to_string(&SnapshotChoice::Epoch(0.5)).unwrap();
        assert_eq!(json, "\"0.5\"");
        assert_eq!(serde_json::from_str::<SnapshotChoice>("\"best\"").unwrap(), SnapshotChoice::Best);
    }
}
