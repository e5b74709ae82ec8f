//! `LoaderSource`: a loader as the training loop sees it. The loader counts epochs from 1, the loop from 0.

use std::sync::Arc;

use crate::{
    data::{DataLoader, HeadStart},
    error::Result,
    train::{BatchSource, Finish, TrainBatch},
};

/// Batches of a loader.
pub(super) struct LoaderSource {
    loader: DataLoader,
    /// What the device does with batches of bytes.
    finish: Option<Finish>,
    head_start: Option<Arc<HeadStart>>,
}

impl LoaderSource {
    /// `finish` is what the device does with batches of bytes; `head_start` decodes until the first epoch begins.
    pub(super) fn new(loader: DataLoader, finish: Option<Finish>, head_start: Option<Arc<HeadStart>>) -> LoaderSource {
        LoaderSource { loader, finish, head_start }
    }

    /// The number of records.
    pub(super) fn records(&self) -> u64 {
        self.loader.records().len()
    }

    /// Records in a batch that is not the last one.
    pub(super) fn batch_size(&self) -> i64 {
        self.loader.batch_size() as i64
    }

    /// What the device does with batches of bytes.
    pub(super) fn finish(&self) -> Option<Finish> {
        self.finish.clone()
    }

    /// The numbers of an epoch's records in its order, from 0.
    pub(super) fn order(&self, epoch: u64) -> Vec<u32> {
        self.loader.order(epoch + 1)
    }

    /// Ends the loader's threads until an epoch begins.
    pub(super) fn rest(&mut self) {
        self.loader.stop();
    }

    /// Whether no thread of the loader is there.
    #[cfg(test)]
    pub(super) fn is_resting(&self) -> bool {
        !self.loader.is_running()
    }

    /// The next batch, and the numbers of its records.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub(super) fn next_of_records(&mut self) -> Result<Option<(TrainBatch, Vec<u64>)>> {
        let finish = self.finish.as_ref();
        Ok(self.loader.next()?.map(|mut batch| {
            let records = std::mem::take(&mut batch.indices);
            let batch = TrainBatch {
                input: batch.input.shallow_clone(),
                finish: finish.filter(|_| batch.input.kind() == tch::Kind::Uint8).cloned(),
                target: batch.target.shallow_clone(),
                count: batch.count as u64,
                wait: batch.wait,
                owner: Some(Box::new(batch)),
            };
            (batch, records)
        }))
    }
}

impl BatchSource for LoaderSource {
    fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()> {
        // From here on the loaders' own threads decode what is missing.
        if let Some(head_start) = self.head_start.take() {
            head_start.stop();
        }
        self.loader.start(epoch + 1, first_batch)
    }

    fn next(&mut self) -> Result<Option<TrainBatch>> {
        Ok(self.next_of_records()?.map(|(batch, _)| batch))
    }
}
