//! `RecordCache`: the decoded records of a split, kept when all of them fit the budget.
//!
//! A loader fills and reads it; a head start may have begun to fill it before there is a loader, and hands it over
//! through [`LoaderOptions::cache`](super::LoaderOptions::cache).
//!
//! Images of bytes lie one after another in a single block: a block for each of them would scatter what decoding
//! leaves behind between them, and the process would grow to several times what it keeps.

use std::{
    cell::UnsafeCell,
    fmt,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use super::{
    planes::{Pixels, Values},
    record::{Sample, Target},
    records::Records,
};
use crate::error::Result;

/// Every record of a split once it was needed, or nothing at all.
pub struct RecordCache {
    records: Arc<Records>,
    budget: u64,
    /// Empty when the set does not fit.
    kept: Vec<OnceLock<Kept>>,
    block: Block,
    filled: AtomicU64,
}

/// Small, for there is one a record.
enum Kept {
    /// Its image is in the block, its label is a number.
    Numbered(i32),
    /// Its image is in the block.
    InBlock(Box<Target>),
    /// Its image is of another type than the first one's.
    Whole(Box<Sample>),
}

impl fmt::Debug for RecordCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.filled.load(Ordering::Relaxed);
        write!(f, "{kept} of {} records of {}", self.kept.len(), self.records.folder().display())
    }
}

impl RecordCache {
    /// Room for all of `records` when they fit `budget` bytes. The first record decides: all have its size.
    pub(super) fn new(records: Arc<Records>, first: &Sample, budget: u64) -> RecordCache {
        let bytes = |values: &Values| match values {
            Values::Bytes(values) => values.len(),
            Values::Floats(values) => values.len() * size_of::<f32>(),
        };
        let target = match &first.target {
            Target::Label(_) => 0,
            Target::Planes(planes) => bytes(&planes.values),
        };
        let each = bytes(&first.image.values) + target + size_of::<OnceLock<Kept>>();
        let fits = (each as u64).checked_mul(records.len()).is_some_and(|all| all <= budget);
        let mut kept = Vec::new();
        let mut block = Block::new(0, 0);
        if fits {
            kept.resize_with(records.len() as usize, OnceLock::new);
            if let Values::Bytes(values) = &first.image.values {
                block = Block::new(values.len(), kept.len());
            }
        }
        RecordCache { records, budget, kept, block, filled: AtomicU64::new(0) }
    }

    /// The split.
    pub(super) fn records(&self) -> &Arc<Records> {
        &self.records
    }

    /// Whether it is what a loader of `records` would make for `budget` bytes.
    pub(super) fn is_for(&self, records: &Arc<Records>, budget: u64) -> bool {
        Arc::ptr_eq(&self.records, records) && self.budget == budget
    }

    /// Decodes the first of records `indices`, from place `next` on, that is not here; false when none is missing or
    /// nothing is kept. What cannot be read is left for whoever needs it.
    pub(super) fn decode_ahead(&self, indices: &[u32], next: &AtomicUsize) -> bool {
        if !self.keeps() || self.complete() {
            return false;
        }
        while let Some(&index) = indices.get(next.fetch_add(1, Ordering::Relaxed)) {
            if self.kept[index as usize].get().is_none() {
                self.records.read_ahead(u64::from(index));
                return self.with(index, |_, _| Ok(())).is_ok();
            }
        }
        false
    }

    /// Starts reading those of records `indices` that are not here.
    pub(super) fn read_ahead(&self, indices: &[u32]) {
        if self.complete() {
            return;
        }
        let missing = |&&index: &&u32| self.kept.get(index as usize).is_none_or(|cell| cell.get().is_none());
        indices.iter().filter(missing).for_each(|&index| self.records.read_ahead(u64::from(index)));
    }

    /// Whether records are kept.
    pub(super) fn keeps(&self) -> bool {
        !self.kept.is_empty()
    }

    /// Whether record `index` is here.
    #[cfg(test)]
    pub(super) fn has(&self, index: u32) -> bool {
        self.kept[index as usize].get().is_some()
    }

    /// Whether every record is here.
    pub(super) fn complete(&self) -> bool {
        self.keeps() && self.filled.load(Ordering::Relaxed) == self.kept.len() as u64
    }

    /// Calls `use_it` with record `index`, which is decoded unless it is here.
    pub(super) fn with<R>(&self, index: u32, use_it: impl FnOnce(Pixels<'_>, &Target) -> Result<R>) -> Result<R> {
        let at = index as usize;
        let Some(cell) = self.kept.get(at) else {
            let sample = self.records.get(u64::from(index))?;
            return use_it(sample.image.pixels(), &sample.target);
        };
        if cell.get().is_none() {
            let sample = self.records.get(u64::from(index))?;
            if self.block.keep(at, sample, cell) {
                self.filled.fetch_add(1, Ordering::Relaxed);
            }
        }
        match cell.get().expect("it was kept here or by another thread") {
            Kept::Numbered(label) => use_it(Pixels::Bytes(self.block.image(at, cell)), &Target::Label(*label)),
            Kept::InBlock(target) => use_it(Pixels::Bytes(self.block.image(at, cell)), target),
            Kept::Whole(sample) => use_it(sample.image.pixels(), &sample.target),
        }
    }
}

/// Images of one size, one after another.
struct Block {
    /// Bytes of one.
    each: usize,
    bytes: Box<[UnsafeCell<u8>]>,
    /// Held while an image is put.
    writing: Mutex<()>,
}

#[expect(unsafe_code, reason = "each image is written once, before the cell that says so is set")]
// SAFETY: `keep` writes an image under the lock and only while its cell is empty; `image` is called once it is set.
unsafe impl Sync for Block {}

impl Block {
    fn new(each: usize, count: usize) -> Block {
        // Zeroed memory is not in use before it is written.
        let bytes: Box<[u8]> = vec![0; each * count].into_boxed_slice();
        #[expect(unsafe_code, reason = "UnsafeCell<u8> has u8's layout")]
        // SAFETY: as the reason says, and the box is handed over whole.
        let bytes = unsafe { Box::from_raw(Box::into_raw(bytes) as *mut [UnsafeCell<u8>]) };
        Block { each, bytes, writing: Mutex::new(()) }
    }

    /// Keeps a record; false when it was here already.
    fn keep(&self, at: usize, sample: Sample, cell: &OnceLock<Kept>) -> bool {
        let _guard = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        if cell.get().is_some() {
            return false;
        }
        match &sample.image.values {
            Values::Bytes(values) if values.len() == self.each && !self.bytes.is_empty() => {
                let place = &self.bytes[at * self.each..][..self.each];
                #[expect(unsafe_code, reason = "the one write of this image")]
                // SAFETY: the lock is held and the cell is empty, so that nobody else reads or writes this part.
                unsafe {
                    std::ptr::copy_nonoverlapping(values.as_ptr(), place.as_ptr().cast::<u8>().cast_mut(), self.each);
                }
                let kept = match sample.target {
                    Target::Label(label) => Kept::Numbered(label),
                    target => Kept::InBlock(Box::new(target)),
                };
                cell.set(kept).is_ok()
            }
            _ => cell.set(Kept::Whole(Box::new(sample))).is_ok(),
        }
    }

    /// The image of a cell that is set.
    fn image(&self, at: usize, cell: &OnceLock<Kept>) -> &[u8] {
        assert!(cell.get().is_some(), "only what is kept can be seen");
        let place = &self.bytes[at * self.each..][..self.each];
        #[expect(unsafe_code, reason = "nobody writes it any more")]
        // SAFETY: the cell is set, so that `keep` will not write this part again; setting it published the bytes.
        unsafe {
            std::slice::from_raw_parts(place.as_ptr().cast::<u8>(), self.each)
        }
    }
}
