//! `Spark`: a curve of at most some dozen points, however long the run.

/// Points kept before every second one is let go.
const KEPT: usize = 96;
/// Points shown.
const SHOWN: usize = 48;

/// A curve that thins itself.
#[derive(Debug, Clone)]
pub(crate) struct Spark {
    points: Vec<[f64; 2]>,
    every: usize,
    seen: usize,
    last: Option<[f64; 2]>,
}

impl Default for Spark {
    fn default() -> Spark {
        Spark { points: Vec::new(), every: 1, seen: 0, last: None }
    }
}

impl Spark {
    /// The next point: epoch and value.
    pub(crate) fn push(&mut self, epoch: f64, value: f64) {
        if self.seen.is_multiple_of(self.every) {
            self.points.push([epoch, value]);
            if self.points.len() > KEPT {
                let mut at = 0;
                self.points.retain(|_| {
                    at += 1;
                    at % 2 == 1
                });
                self.every *= 2;
            }
        }
        self.seen += 1;
        self.last = Some([epoch, value]);
    }

    /// Whether there is none.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.last.is_none()
    }

    /// At most 48 of them, the last one always.
    #[must_use]
    pub(crate) fn shown(&self) -> Vec<[f64; 2]> {
        let step = self.points.len().div_ceil(SHOWN - 1).max(1);
        let mut shown: Vec<[f64; 2]> = self.points.iter().copied().step_by(step).collect();
        if shown.last() != self.last.as_ref() {
            shown.extend(self.last);
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn first_and_last_stay() {
        for count in [1, 2, 47, 48, 95, 97, 1000, 100_000] {
            let mut spark = Spark::default();
            (0..count).for_each(|i| spark.push(f64::from(i), 1.0));
            let shown = spark.shown();
            assert!(shown.len() <= SHOWN, "{count}: {}", shown.len());
            assert_eq!((shown[0][0], shown[shown.len() - 1][0]), (0.0, f64::from(count - 1)), "{count}");
        }
    }
}
