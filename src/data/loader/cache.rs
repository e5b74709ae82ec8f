//! Decoded records that are kept, when all of them fit the budget.

use std::sync::{
    OnceLock,
    atomic::{AtomicU64, Ordering},
};

use super::super::{Records, Sample, Target, Values};
use crate::error::Result;

/// Every record once it was needed, or nothing at all.
pub(super) struct Cache {
    /// Empty when the set does not fit.
    samples: Vec<OnceLock<Sample>>,
    filled: AtomicU64,
}

impl Cache {
    /// Decides by the first record: all have its size.
    pub(super) fn new(records: &Records, first: &Sample, budget: u64) -> Cache {
        let bytes = |values: &Values| match values {
            Values::Bytes(values) => values.len(),
            Values::Floats(values) => values.len() * size_of::<f32>(),
        };
        let target = match &first.target {
            Target::Label(_) => 0,
            Target::Planes(planes) => bytes(&planes.values),
        };
        let each = bytes(&first.image.values) + target + size_of::<OnceLock<Sample>>();
        let fits = (each as u64).checked_mul(records.len()).is_some_and(|all| all <= budget);
        let mut samples = Vec::new();
        if fits {
            samples.resize_with(records.len() as usize, OnceLock::new);
        }
        Cache { samples, filled: AtomicU64::new(0) }
    }

    /// Whether records are kept.
    pub(super) fn keeps(&self) -> bool {
        !self.samples.is_empty()
    }

    /// Whether every record is here.
    pub(super) fn complete(&self) -> bool {
        self.keeps() && self.filled.load(Ordering::Relaxed) == self.samples.len() as u64
    }

    /// Calls `use_it` with record `index`, which is decoded unless it is here.
    pub(super) fn with<R>(
        &self,
        records: &Records,
        index: u32,
        use_it: impl FnOnce(&Sample) -> Result<R>,
    ) -> Result<R> {
        let Some(cell) = self.samples.get(index as usize) else {
            return use_it(&records.get(u64::from(index))?);
        };
        if let Some(sample) = cell.get() {
            return use_it(sample);
        }
        let sample = records.get(u64::from(index))?;
        if cell.set(sample).is_ok() {
            self.filled.fetch_add(1, Ordering::Relaxed);
        }
        use_it(cell.get().expect("it was set here or by another thread"))
    }
}
