//! When something is due: log lines by images, validations and snapshots by epochs or minutes.
//!
//! Source: DIGITS `tools/torch/main.lua` (spec section 2.6). One difference: DIGITS compares the *rounded* epoch, so
//! its validation at the end of an epoch may run one batch early; here an epoch is over after its last batch.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind, Result};

/// Images between two train lines: an eighth of the records, at most 5000.
pub(super) fn images_per_line(records: u64) -> u64 {
    records.div_ceil(8).min(5000)
}

/// Digits after the point in an epoch value: the fewest that tell two batches apart.
pub(super) fn epoch_digits(records: u64, batch_size: u64) -> i32 {
    let mut digits = 0;
    let mut reach = batch_size.max(1);
    while reach <= records {
        reach = reach.saturating_mul(10);
        digits += 1;
    }
    digits
}

/// Lua's rounding: half up, to `digits` decimals.
pub(super) fn round_to(value: f64, digits: i32) -> f64 {
    let scale = 10f64.powi(digits);
    (value * scale + 0.5).floor() / scale
}

/// The first multiple of `interval` after `epoch`, counted from the nearest multiple as DIGITS does; never for 0.
pub(super) fn next_due(epoch: f64, interval: f64) -> f64 {
    if interval > 0.0 { ((epoch / interval + 0.5).floor() + 1.0) * interval } else { f64::MAX }
}

/// Whether `due` is one that [`next_due`] of this interval gives for `epoch` or one before it.
pub(super) fn is_due_point(due: f64, interval: f64, epoch: f64) -> bool {
    let multiple = due / interval;
    interval > 0.0 && (multiple - multiple.round()).abs() < 1e-6 && due <= epoch + 1.5 * interval * (1.0 + 1e-9)
}

/// Time between snapshots: epochs (`1`, `0.5`; `0` is never) or minutes (`10m`).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Interval {
    /// Epochs, may be a fraction; 0 is never.
    Epochs(f64),
    /// Minutes of the clock.
    Minutes(f64),
}

impl Interval {
    /// In epochs, 0 (never) when it is a time.
    #[must_use]
    pub fn epochs(self) -> f64 {
        match self {
            Interval::Epochs(epochs) => epochs,
            Interval::Minutes(_) => 0.0,
        }
    }

    /// The epoch at which what was last done at `epoch` is due again; nothing when only the clock or the end says.
    #[must_use]
    pub fn next_after(self, epoch: f64) -> Option<f64> {
        Some(next_due(epoch, self.epochs())).filter(|due| *due < f64::MAX)
    }

    /// As a time, when it is one.
    #[must_use]
    pub fn time(self) -> Option<Duration> {
        match self {
            Interval::Minutes(minutes) if minutes > 0.0 => Duration::try_from_secs_f64(minutes * 60.0).ok(),
            _ => None,
        }
    }
}

impl FromStr for Interval {
    type Err = Error;

    fn from_str(text: &str) -> Result<Interval> {
        let (number, minutes) = match text.trim().strip_suffix('m') {
            Some(number) => (number, true),
            None => (text.trim(), false),
        };
        match number.parse::<f64>() {
            Ok(value) if value.is_finite() && value >= 0.0 => {
                Ok(if minutes { Interval::Minutes(value) } else { Interval::Epochs(value) })
            }
            _ => Err(Error::new(Kind::Usage, format!("'{text}' is not an interval"))
                .with_help("give epochs (1, 0.5; 0 is never) or minutes (10m)")),
        }
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Interval::Epochs(epochs) => write!(f, "{epochs}"),
            Interval::Minutes(minutes) => write!(f, "{minutes}m"),
        }
    }
}

impl From<Interval> for String {
    fn from(interval: Interval) -> String {
        interval.to_string()
    }
}

impl TryFrom<String> for Interval {
    type Error = Error;

    fn try_from(text: String) -> Result<Interval> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_follow_digits_rule() {
        assert_eq!(images_per_line(45_002), 5000);
        assert_eq!(images_per_line(10_001), 1251);
        assert_eq!(images_per_line(40_000), 5000);
        assert_eq!(images_per_line(39_992), 4999);
    }

    #[test]
    fn epoch_values_have_as_many_digits_as_batches_need() {
        assert_eq!(epoch_digits(45_002, 64), 3);
        assert_eq!(epoch_digits(10, 64), 0);
        assert_eq!(epoch_digits(640, 64), 2); // 64·10 is not greater than 640
        assert_eq!(round_to(64.0 / 45_002.0, 3), 0.001);
    }

    #[test]
    fn due_points_are_multiples_of_the_interval() {
        assert_eq!(next_due(0.0, 1.0), 1.0);
        assert_eq!(next_due(1.0, 1.0), 2.0);
        assert_eq!(next_due(0.501, 0.5), 1.0);
        assert_eq!(next_due(3.0, 0.0), f64::MAX);
        assert_eq!(Interval::Epochs(1.0).next_after(1.43), Some(2.0));
        assert_eq!((Interval::Epochs(0.0).next_after(1.0), Interval::Minutes(5.0).next_after(1.0)), (None, None));
    }

    #[test]
    fn intervals_read_back() {
        for text in ["1", "0.5", "10m", "0"] {
            assert_eq!(text.parse::<Interval>().unwrap().to_string(), text);
        }
        assert_eq!("10m".parse::<Interval>().unwrap().time(), Some(Duration::from_secs(600)));
        for text in ["", "x", "-1", "inf", "10s"] {
            assert_eq!(text.parse::<Interval>().unwrap_err().kind(), Kind::Usage);
        }
    }
}
