//! `Resident`: the records of a split that fit into a device's memory stay there, and batches are gathered there.
//!
//! The first pass comes from the loader, and what it brings is kept as bytes. Once every record has been seen, an epoch sends
//! the order of its records, once, and nothing else crosses the bus; the loader's threads rest.

use std::time::Duration;

use super::loader_source::LoaderSource;
use crate::{
    data::Preprocess,
    error::Result,
    torch::device::carry,
    train::{BatchSource, TrainBatch},
};

/// A split of bytes on a device.
pub(super) struct Resident {
    source: LoaderSource,
    device: tch::Device,
    /// The most bytes that may stay there.
    room: u64,
    kept: Kept,
    /// The epoch that is gathered, when no batch of it comes from the loader.
    gathered: Option<Gathered>,
}

/// What is on the device by now.
enum Kept {
    /// No batch has come.
    Nothing,
    /// Records, each at its own place.
    Records(Store),
    /// A batch was no bytes, or there is no room: all batches come from the loader.
    GivenUp,
}

struct Store {
    /// `[N, c, h, w]`, u8
    images: tch::Tensor,
    /// `[N, …]`
    targets: tch::Tensor,
    is_here: Vec<bool>,
    missing: usize,
}

struct Gathered {
    /// Record numbers in the epoch's order, i64 on the device.
    order: tch::Tensor,
    first: i64,
}

/// Whether the same record is the same bytes in every epoch: nothing is cut out or changed at random.
#[must_use]
pub(super) fn is_still(plan: &Preprocess, is_training: bool) -> bool {
    !is_training || plan.crop.is_none() && !plan.augment.any()
}

impl Resident {
    /// On top of a source of bytes whose records are [still](is_still).
    pub(super) fn new(source: LoaderSource, device: tch::Device, room: u64) -> Resident {
        Resident { source, device, room, kept: Kept::Nothing, gathered: None }
    }

    /// Whether all batches are gathered on the device.
    fn is_complete(&self) -> bool {
        matches!(&self.kept, Kept::Records(store) if store.missing == 0)
    }

    /// Room for the whole split, when there is enough.
    fn store(&self, batch: &TrainBatch) -> Result<Option<Store>> {
        let count = self.source.records();
        let of_one =
            |tensor: &tch::Tensor| tensor.numel() / batch.count.max(1) as usize * tensor.kind().elt_size_in_bytes();
        let bytes = (of_one(&batch.input) + of_one(&batch.target)) as u64 * count;
        if bytes > self.room {
            return Ok(None);
        }
        let empty = |like: &tch::Tensor| -> Result<tch::Tensor> {
            let size = [&[count as i64], &like.size()[1..]].concat();
            Ok(tch::Tensor::f_zeros(size, (like.kind(), self.device))?)
        };
        let missing = count as usize;
        let store = |images, targets| Store { images, targets, is_here: vec![false; missing], missing };
        // Memory that is refused is no mistake: the loader goes on.
        Ok(match (empty(&batch.input), empty(&batch.target)) {
            (Ok(images), Ok(targets)) => Some(store(images, targets)),
            _ => None,
        })
    }

    /// Keeps a batch that the loader made of these records, and gives it on the device.
    fn keep(&mut self, batch: TrainBatch, records: &[u64]) -> Result<TrainBatch> {
        if batch.input.kind() != tch::Kind::Uint8 {
            self.kept = Kept::GivenUp;
        }
        if let Kept::Nothing = self.kept {
            self.kept = self.store(&batch)?.map_or(Kept::GivenUp, Kept::Records);
        }
        let Kept::Records(store) = &mut self.kept else { return Ok(batch) };
        let (input, target) = (carry(&batch.input, self.device)?, carry(&batch.target, self.device)?);
        let places: Vec<i64> = records.iter().map(|&record| record as i64).collect();
        let places = carry(&tch::Tensor::f_from_slice(&places)?, self.device)?;
        let _ = store.images.f_index_copy_(0, &places, &input)?;
        let _ = store.targets.f_index_copy_(0, &places, &target)?;
        for &record in records {
            if !std::mem::replace(&mut store.is_here[record as usize], true) {
                store.missing -= 1;
            }
        }
        Ok(TrainBatch { input, target, ..batch })
    }

    /// The next batch of an epoch that is gathered; `None` at its end.
    fn gather(&mut self) -> Result<Option<TrainBatch>> {
        let (Kept::Records(store), Some(gathered)) = (&self.kept, &mut self.gathered) else { return Ok(None) };
        let count = self.source.batch_size().min(gathered.order.size()[0] - gathered.first);
        if count <= 0 {
            self.gathered = None;
            return Ok(None);
        }
        let number = gathered.first / self.source.batch_size();
        let places = gathered.order.f_narrow(0, gathered.first, count)?;
        gathered.first += count;
        Ok(Some(TrainBatch {
            input: store.images.f_index_select(0, &places)?,
            finish: self.source.finish(),
            target: store.targets.f_index_select(0, &places)?,
            count: count as u64,
            total: count as u64,
            number: number.unsigned_abs(),
            wait: Duration::ZERO,
            owner: None,
        }))
    }
}

impl BatchSource for Resident {
    fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()> {
        self.gathered = None;
        if !self.is_complete() {
            return self.source.start(epoch, first_batch);
        }
        self.source.rest();
        let order: Vec<i64> = self.source.order(epoch).into_iter().map(i64::from).collect();
        let first = self.source.batch_size().saturating_mul(first_batch as i64).min(order.len() as i64);
        let order = carry(&tch::Tensor::f_from_slice(&order)?, self.device)?;
        self.gathered = Some(Gathered { order, first });
        Ok(())
    }

    fn next(&mut self) -> Result<Option<TrainBatch>> {
        if self.gathered.is_some() {
            return self.gather();
        }
        match self.source.next_of_records()? {
            Some((batch, records)) => self.keep(batch, &records).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{path::Path, rc::Rc, sync::Arc};

    use super::*;
    use crate::{
        data::{
            Augment, Borders, DataLoader, Encoding, Image, LoaderOptions, Mean, Order, Records, Subtract, datum,
            lmdb::Writer,
        },
        train::Finish,
    };

    const COUNT: usize = 23;
    const SIDE: usize = 4;

    /// Records of grey images, number `odd` one of floats.
    fn records(folder: &Path, odd: Option<usize>) -> Arc<Records> {
        let mut writer = Writer::create(folder).unwrap();
        for i in 0..COUNT {
            let pixels = (0..SIDE * SIDE).map(|j| (i * 11 + j) as u8).collect();
            let image = Image { width: SIDE, height: SIDE, channels: 1, pixels };
            let value = match odd == Some(i) {
                true => datum::encode_floats([1, SIDE as i64, SIDE as i64], &[0.5; SIDE * SIDE]),
                false => datum::encode(&image, (i % 5) as i32, Encoding::Png).unwrap(),
            };
            writer.put(format!("{i:08}").into_bytes(), value).unwrap();
        }
        writer.finish().unwrap();
        Arc::new(Records::open(folder, None).unwrap())
    }

    fn source(records: &Arc<Records>, order: Order, borders: Borders) -> LoaderSource {
        let mean = Mean { shape: [1, 4, 4], values: vec![7.5; SIDE * SIDE] };
        let plan = Preprocess::new([1, 4, 4], Subtract::Image, Some(&mean), None, Augment::default()).unwrap();
        let rest = plan.rest(true, tch::Kind::Float, tch::Device::Cpu).unwrap().unwrap();
        let options = LoaderOptions {
            batch_size: 4,
            order,
            borders,
            seed: 5,
            bytes: true,
            train: true,
            classification: true,
            ..LoaderOptions::default()
        };
        let loader = DataLoader::new(records.clone(), plan, options).unwrap();
        LoaderSource::new(loader, Some(Rc::new(move |bytes: &tch::Tensor| rest.of(bytes)) as Finish), None)
    }

    /// Inputs as the network gets them, and targets.
    fn all(source: &mut dyn BatchSource, epoch: u64, first: u64) -> Vec<(Vec<f32>, Vec<f32>, u64)> {
        source.start(epoch, first).unwrap();
        let mut batches = Vec::new();
        while let Some(batch) = source.next().unwrap() {
            let input = match &batch.finish {
                Some(finish) => finish(&batch.input).unwrap(),
                None => batch.input.shallow_clone(),
            };
            let numbers = |tensor: &tch::Tensor| Vec::<f32>::try_from(tensor.contiguous().view(-1)).unwrap();
            batches.push((numbers(&input), numbers(&batch.target), batch.count));
        }
        batches
    }

    #[test]
    fn gathered_batches_are_the_loader_s() {
        let folder = tempfile::tempdir().unwrap();
        let records = records(folder.path(), None);
        let crossed = Borders::Crossed { epochs: 6 };
        for (order, borders) in
            [(Order::Permutation, Borders::Kept), (Order::Sequential, Borders::Endless), (Order::Permutation, crossed)]
        {
            let mut wanted = source(&records, order, borders);
            let mut resident = Resident::new(source(&records, order, borders), tch::Device::Cpu, 1 << 20);
            for (epoch, first) in [(0, 0), (1, 0), (2, 0), (2, 3), (1, 5), (3, 0)] {
                assert_eq!(all(&mut resident, epoch, first), all(&mut wanted, epoch, first), "{order:?} {borders:?}");
            }
            assert!(resident.is_complete());
            resident.start(4, 0).unwrap();
            assert!(resident.gathered.is_some() && resident.source.is_resting(), "no thread of the loader is left");
        }
    }

    #[test]
    fn a_pass_that_was_left_early_is_completed_by_the_next_ones() {
        let folder = tempfile::tempdir().unwrap();
        let records = records(folder.path(), None);
        let plain = || source(&records, Order::Permutation, Borders::Kept);
        let (mut wanted, mut resident) = (plain(), Resident::new(plain(), tch::Device::Cpu, 1 << 20));
        resident.start(0, 4).unwrap();
        drop(resident.next().unwrap());
        assert!(!resident.is_complete());
        for epoch in 1..4 {
            assert_eq!(all(&mut resident, epoch, 0), all(&mut wanted, epoch, 0));
        }
        assert!(resident.is_complete());
    }

    #[test]
    fn what_is_no_bytes_or_does_not_fit_stays_the_loader_s() {
        let folder = tempfile::tempdir().unwrap();
        let (with_odd, plain) = (folder.path().join("odd"), folder.path().join("plain"));
        for (records, room) in [(records(&with_odd, Some(9)), 1 << 20), (records(&plain, None), 100)] {
            let mut wanted = source(&records, Order::Permutation, Borders::Kept);
            let mut resident =
                Resident::new(source(&records, Order::Permutation, Borders::Kept), tch::Device::Cpu, room);
            for epoch in 0..3 {
                assert_eq!(all(&mut resident, epoch, 0), all(&mut wanted, epoch, 0));
            }
            assert!(matches!(resident.kept, Kept::GivenUp));
        }
    }

    #[test]
    fn only_records_that_nothing_changes_are_still() {
        let plan = |crop, augment| Preprocess::new([1, 4, 4], Subtract::None, None, crop, augment).unwrap();
        let turned = Augment { rotate: 5.0, ..Augment::default() };
        assert!(is_still(&plan(None, Augment::default()), true));
        assert!(!is_still(&plan(Some(3), Augment::default()), true) && is_still(&plan(Some(3), turned), false));
        assert!(!is_still(&plan(None, turned), true));
    }
}
