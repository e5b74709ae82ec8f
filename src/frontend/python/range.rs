//! `Range`: `range(start, stop, step)` as its three numbers.

/// `range(start, stop, step)`: never a list, so its length costs nothing.
pub struct Range {
    /// First number.
    pub start: i64,
    /// Excluded end.
    pub stop: i64,
    /// Step, not 0.
    pub step: i64,
}

impl Range {
    /// How many numbers it has.
    #[must_use]
    pub fn len(&self) -> usize {
        let (start, stop, step) = (i128::from(self.start), i128::from(self.stop), i128::from(self.step));
        let span = if step > 0 { stop - start } else { start - stop };
        let step = step.abs().max(1);
        usize::try_from((span + step - 1).max(0) / step).unwrap_or(usize::MAX)
    }

    /// True without a number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The number at a position.
    #[must_use]
    pub fn get(&self, at: usize) -> Option<i64> {
        if at >= self.len() {
            return None;
        }
        let at = i128::try_from(at).unwrap_or(i128::MAX);
        i64::try_from(i128::from(self.start) + at * i128::from(self.step)).ok()
    }

    /// Whether it has this number.
    #[must_use]
    pub fn contains(&self, item: i64) -> bool {
        let inside = if self.step > 0 {
            (self.start..self.stop).contains(&item)
        } else {
            item <= self.start && item > self.stop
        };
        inside && (i128::from(item) - i128::from(self.start)) % i128::from(self.step) == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_members_need_no_walk() {
        let range = |start, stop, step| Range { start, stop, step };
        assert_eq!(
            (range(0, 10, 3).len(), range(10, 0, -3).len(), range(5, 5, 1).len(), range(5, 0, 1).len()),
            (4, 4, 0, 0)
        );
        assert_eq!((range(10, 0, -3).get(3), range(0, 10, 3).get(4)), (Some(1), None));
        assert!(range(10, 0, -3).contains(7) && !range(10, 0, -3).contains(0) && !range(0, 10, 3).contains(10));
        assert_eq!(range(i64::MIN, i64::MAX, 1).len(), usize::MAX);
        assert_eq!(range(i64::MIN, i64::MAX, i64::MAX).len(), 3);
    }
}
