//! A line of block characters for a terminal: `█▇▅▃▂▁`.

const BLOCKS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// `values` as at most `width` blocks, the highest value a full one. Several values share a block as their mean; a
/// block without a finite value is a blank. `log` measures ratios instead of differences.
#[must_use]
pub fn sparkline(values: &[f64], width: usize, log: bool) -> String {
    let width = width.min(values.len());
    let means: Vec<f64> = (0..width)
        .map(|i| {
            let part = &values[i * values.len() / width..(i + 1) * values.len() / width];
            let mean = part.iter().sum::<f64>() / part.len() as f64;
            if log { mean.ln() } else { mean }
        })
        .collect();
    let finite = || means.iter().copied().filter(|v| v.is_finite());
    let (lowest, hi) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    let lo = if log { lowest } else { lowest.min(0.0) };
    let block = |v: &f64| match v.is_finite() {
        true if hi > lo => BLOCKS[((v - lo) / (hi - lo) * 7.0).round() as usize],
        true => BLOCKS[7],
        false => ' ',
    };
    means.iter().map(block).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heights_follow_the_values() {
        assert_eq!(sparkline(&[0.0, 3.5, 7.0], 9, false), "▁▅█");
        assert_eq!(sparkline(&[1.0, 1.0, 0.1, 0.1, 0.01, 0.01], 3, true), "█▅▁");
        assert_eq!(sparkline(&[2.0, 2.0], 9, false), "██");
        assert_eq!(sparkline(&[f64::NAN, 1.0], 9, false), " █");
        assert_eq!(sparkline(&[], 9, true), "");
    }
}
