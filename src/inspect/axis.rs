//! `Scale`: where a value lies on an axis, and the round numbers beside it.

use super::numbers::significant;

/// A linear or logarithmic axis from `lo` to `hi`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scale {
    /// Equal steps are equal distances.
    Linear {
        /// The value at the start.
        lo: f64,
        /// The value at the end, above `lo`.
        hi: f64,
    },
    /// Equal ratios are equal distances.
    Log {
        /// The value at the start, above 0.
        lo: f64,
        /// The value at the end, above `lo`.
        hi: f64,
    },
}

impl Scale {
    /// From 0 to a round number that is at least `hi`.
    #[must_use]
    pub fn from_zero(hi: f64) -> Scale {
        let hi = if hi.is_finite() && hi > 0.0 { hi } else { 1.0 };
        // Half steps: less empty room above the highest value than whole ones leave.
        let step = round_step(hi, 6) / 2.0;
        Scale::Linear { lo: 0.0, hi: (hi / step - 1e-9).ceil() * step }
    }

    /// From a round number below `lo` to one above `hi`.
    #[must_use]
    pub fn around(lo: f64, hi: f64) -> Scale {
        if !(lo.is_finite() && hi.is_finite() && lo < hi) {
            let middle = if lo.is_finite() { lo } else { 0.0 };
            let room = if middle == 0.0 { 1.0 } else { middle.abs() / 2.0 };
            return Scale::Linear { lo: middle - room, hi: middle + room };
        }
        let step = round_step(hi - lo, 6) / 2.0;
        Scale::Linear { lo: (lo / step + 1e-9).floor() * step, hi: (hi / step - 1e-9).ceil() * step }
    }

    /// From `lo` to `hi` exactly.
    #[must_use]
    pub fn exact(lo: f64, hi: f64) -> Scale {
        if hi > lo { Scale::Linear { lo, hi } } else { Scale::Linear { lo, hi: lo + 1.0 } }
    }

    /// Logarithmic over positive values, with a little room at both ends.
    #[must_use]
    pub fn log(lo: f64, hi: f64) -> Scale {
        let hi = if hi.is_finite() && hi > 0.0 { hi } else { 1.0 };
        // Twelve decades are more than any axis can show.
        let lo = if lo > 0.0 { lo.max(hi * 1e-12) } else { hi * 1e-12 };
        let room = ((hi / lo).log10() * 0.06).max(0.05);
        Scale::Log { lo: lo / 10f64.powf(room), hi: hi * 10f64.powf(room) }
    }

    /// 0 at the start of the axis, 1 at its end; NaN for what the axis cannot show.
    #[must_use]
    pub fn place(self, value: f64) -> f64 {
        match self {
            Scale::Linear { lo, hi } => (value - lo) / (hi - lo),
            Scale::Log { lo, hi } if value > 0.0 => (value / lo).ln() / (hi / lo).ln(),
            Scale::Log { .. } => f64::NAN,
        }
    }

    /// Round values on the axis, about `wanted` of them, in rising order.
    #[must_use]
    pub fn ticks(self, wanted: usize) -> Vec<f64> {
        match self {
            // From the top down, as the rows of a picture.
            Scale::Linear { lo, hi } if lo > hi => Scale::Linear { lo: hi, hi: lo }.ticks(wanted),
            Scale::Linear { lo, hi } => {
                let step = round_step(hi - lo, wanted);
                let first = (lo / step - 1e-9).ceil() as i64;
                let last = (hi / step + 1e-9).floor() as i64;
                (first..=last).map(|i| tidy(i as f64 * step)).collect()
            }
            Scale::Log { lo, hi } => {
                let decades = (hi / lo).log10();
                let digits: &[f64] = if decades < 2.5 { &[1.0, 2.0, 5.0] } else { &[1.0] };
                let every = (decades / wanted.max(1) as f64).ceil().max(1.0) as i32;
                let (first, last) = (lo.log10().floor() as i32, hi.log10().ceil() as i32);
                (first..=last)
                    .filter(|exponent| exponent.rem_euclid(every) == 0)
                    .flat_map(|exponent| digits.iter().map(move |digit| tidy(digit * 10f64.powi(exponent))))
                    .filter(|value| (lo..=hi).contains(value))
                    .collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten, so that `span` holds about `wanted` steps.
fn round_step(span: f64, wanted: usize) -> f64 {
    let rough = span / wanted.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let digit = rough / power;
    power
        * if digit < 1.5 {
            1.0
        } else if digit < 3.5 {
            2.0
        } else if digit < 7.5 {
            5.0
        } else {
            10.0
        }
}

/// Twelve significant digits: 3 × 0.1 is 0.3 again.
fn tidy(value: f64) -> f64 {
    significant(value, 12).parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        assert_eq!(Scale::from_zero(4400.0), Scale::Linear { lo: 0.0, hi: 4500.0 });
        assert_eq!(Scale::from_zero(4400.0).ticks(6), [0.0, 1000.0, 2000.0, 3000.0, 4000.0]);
        assert_eq!(Scale::around(-0.93, 1.0), Scale::Linear { lo: -1.0, hi: 1.0 });
        assert_eq!(Scale::around(7.0, 7.0), Scale::Linear { lo: 3.5, hi: 10.5 });
        assert_eq!(Scale::around(f64::INFINITY, f64::NEG_INFINITY), Scale::Linear { lo: -1.0, hi: 1.0 });
        assert_eq!(Scale::exact(0.0, 0.35).ticks(4), [0.0, 0.1, 0.2, 0.3]);
        assert_eq!(Scale::Log { lo: 6e-6, hi: 0.015 }.ticks(6), [1e-5, 1e-4, 1e-3, 1e-2]);
        assert_eq!(Scale::Log { lo: 300.0, hi: 5000.0 }.ticks(6), [500.0, 1000.0, 2000.0, 5000.0]);
    }

    #[test]
    fn places_run_from_zero_to_one() {
        let log = Scale::Log { lo: 1.0, hi: 100.0 };
        assert!((log.place(10.0) - 0.5).abs() < 1e-12);
        assert!(log.place(0.0).is_nan());
        assert_eq!(Scale::exact(2.0, 4.0).place(3.0), 0.5);
    }

    #[test]
    fn degenerate_ranges_still_make_an_axis() {
        assert!(!Scale::from_zero(0.0).ticks(5).is_empty());
        assert!(!Scale::from_zero(f64::NAN).ticks(5).is_empty());
        assert_eq!(Scale::exact(3.0, 3.0).place(3.0), 0.0);
        assert!(!Scale::log(0.01, 0.01).ticks(5).is_empty());
    }
}
