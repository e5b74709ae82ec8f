//! The learning rate over a run, as few points: what the page draws of a schedule.

use crate::optim::schedule::Schedule;

/// Parts of the run at whose ends the rate is looked up.
const PARTS: u64 = 600;
/// A rate that changes by more than this share between two places is drawn as an upright step.
const STEP: f64 = 0.02;

/// `[epoch, rate]` over `total` steps of `epochs` epochs: upright steps are two points at one epoch, and of a level line only
/// the ends are kept.
#[must_use]
pub(crate) fn points(schedule: &Schedule, total: u64, epochs: f64) -> Vec<[f64; 2]> {
    let mut points: Vec<[f64; 2]> = Vec::new();
    for part in 0..=PARTS {
        let step = (u128::from(total.saturating_sub(1)) * u128::from(part) / u128::from(PARTS)) as u64;
        let epoch = if part == PARTS { epochs } else { epochs * step as f64 / total.max(1) as f64 };
        let rate = schedule.rate(step, total);
        if let Some(&[_, before]) = points.last()
            && (rate - before).abs() > STEP * before.abs()
        {
            points.push([epoch, before]);
        }
        points.push([epoch, rate]);
    }
    let rate = |i: usize| points[i][1];
    let is_inside = |i: usize| i > 0 && i + 1 < points.len() && rate(i - 1) == rate(i) && rate(i) == rate(i + 1);
    (0..points.len()).filter(|&i| !is_inside(i)).map(|i| points[i]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        frontend,
        tasks::{RunOptions, RunSettings},
    };

    #[test]
    fn a_step_is_upright_and_a_level_line_has_its_ends_alone() {
        let options = RunOptions { epochs: Some(30), ..RunOptions::default() };
        let settings = RunSettings::of(&options, &frontend::Settings::default());
        let points = points(&settings.schedule().unwrap(), 3000, 30.0);
        let rates: Vec<f64> = points.iter().map(|point| point[1]).collect();
        assert_eq!((points[0], points[points.len() - 1][0]), ([0.0, 0.01], 30.0));
        assert!(points.len() <= 10 && points.windows(2).all(|pair| pair[0][0] <= pair[1][0]), "{points:?}");
        // Down by a tenth after a third and two thirds of the run, each time at one epoch.
        for (before, after) in [(0.01, 0.001), (0.001, 0.0001)] {
            let at =
                rates.windows(2).position(|pair| (pair[0] - before).abs() < 1e-9 && (pair[1] - after).abs() < 1e-9);
            let at = at.unwrap_or_else(|| panic!("no step to {after}: {points:?}"));
            assert_eq!(points[at][0], points[at + 1][0]);
        }
    }
}
