//! `DataLoader`: batches of an epoch in a fixed order, made ahead of time by background threads.
//!
//! A set that fits the memory budget is kept decoded as bytes, each record decoded when it is first needed; later
//! epochs only gather. A larger set is read again each time. Which thread makes a batch does not matter: a batch is a
//! pure function of (seed, epoch, number), so 1 and 8 workers give the same bits.
//!
//! Source: `digits/tools/torch/data.lua`.

use std::{
    sync::{Arc, atomic::AtomicUsize},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::{
    cache::RecordCache,
    part::Part,
    planes::{Values, shape_text},
    record::Target,
    records::Records,
    sampler::{Borders, Order, of_epoch},
    transform::{Draw, Element, Placement, Preprocess, Real, Scratch},
};
use crate::error::{Error, Kind, Result};

mod buffer;
mod queue;

use buffer::{Buffers, Pool};
use queue::Queue;

/// How a loader makes its batches.
#[derive(Debug, Clone)]
pub struct LoaderOptions {
    /// Records in a batch; the last one of an epoch may have fewer.
    pub batch_size: usize,
    /// Which of them are made here, where several processes share the batches.
    pub part: Part,
    /// The order of records.
    pub order: Order,
    /// What happens to batches where an epoch ends.
    pub borders: Borders,
    /// The run's seed.
    pub seed: u64,
    /// Whether the records' integer labels are classes: they then count from 1, as DIGITS gives them to Torch.
    pub classification: bool,
    /// How many classes have names, where a record of another is a mistake.
    pub named_classes: Option<usize>,
    /// Batches in f64 instead of f32.
    pub double: bool,
    /// Images as bytes, only cropped, wherever a batch's records are bytes; for a device that does the rest of the plan
    /// ([`super::Rest`]).
    pub bytes: bool,
    /// Bytes of decoded records that may be kept.
    pub memory_budget: u64,
    /// Records that are decoded already, from [`super::HeadStart::cache`]; used when it is of these records and this
    /// budget.
    pub cache: Option<Arc<RecordCache>>,
    /// Whether records are augmented and cropped at random.
    pub train: bool,
    /// Threads that decode; none: one a core, at most 8.
    pub workers: Option<usize>,
}

impl Default for LoaderOptions {
    fn default() -> Self {
        LoaderOptions {
            batch_size: 16,
            part: Part::Whole,
            order: Order::Sequential,
            borders: Borders::Kept,
            seed: 0,
            classification: false,
            named_classes: None,
            double: false,
            bytes: false,
            memory_budget: 2 << 30,
            cache: None,
            train: false,
            workers: None,
        }
    }
}

/// Some records as tensors on the CPU. Dropping it gives its memory to a later batch: what must outlive it is copied.
pub struct Batch {
    /// `[n, c, h, w]`, f32 (f64 when `double`): 0..=255 minus the mean. Where `bytes` are wanted and there: u8, no mean
    /// subtracted.
    pub input: tch::Tensor,
    /// `[n]` for integer labels, `[n, k]` for label records of k numbers, `[n, c, h, w]` for label images.
    pub target: tch::Tensor,
    /// n; 0 in a part of a batch that has fewer records than there are parts.
    pub count: usize,
    /// Records of the whole batch, of which this may be a part.
    pub total: usize,
    /// The batch's number in its epoch, from 0.
    pub number: u64,
    /// The records' numbers, from 0.
    pub indices: Vec<u64>,
    /// How long [`DataLoader::next`] waited for it.
    pub wait: Duration,
    buffers: Option<Buffers>,
    pool: Arc<Pool>,
}

impl Drop for Batch {
    fn drop(&mut self) {
        if let Some(buffers) = self.buffers.take() {
            self.pool.give_back(buffers);
        }
    }
}

/// What the threads share.
struct Shared {
    preprocess: Preprocess,
    options: LoaderOptions,
    /// Of one target, without the batch dimension: `[]`, `[k]` or `[c, h, w]`.
    target_shape: Vec<i64>,
    /// `[c, h, w]` of a label image that is moved and cut with its image; none where labels stay as they are.
    moved: Option<[i64; 3]>,
    cache: Arc<RecordCache>,
    pool: Arc<Pool>,
    /// For batches of bytes, when they are wanted.
    bytes: Option<Arc<Pool>>,
}

/// Makes the batches of one split, epoch after epoch.
pub struct DataLoader {
    shared: Arc<Shared>,
    running: Option<Running>,
}

struct Running {
    queue: Arc<Queue<Batch>>,
    threads: Vec<JoinHandle<()>>,
}

impl DataLoader {
    /// Prepares, without reading more than the first record.
    ///
    /// # Errors
    /// When the batch size is 0, the plan was made for another shape, or the first record cannot be read.
    pub fn new(records: Arc<Records>, preprocess: Preprocess, mut options: LoaderOptions) -> Result<DataLoader> {
        if options.batch_size == 0 {
            return Err(Error::new(Kind::Usage, "the batch size is 0").with_help("give 1 or more"));
        }
        if preprocess.input_shape() != records.shape() {
            return Err(Error::new(Kind::Data, "the records have another shape than the others of the dataset")
                .with_fact(
                    "these records",
                    format!("{} in {}", shape_text(records.shape()), records.folder().display()),
                )
                .with_fact("it wants", shape_text(preprocess.input_shape()))
                .with_help("make train and validation databases of one size"));
        }
        let largest = options.borders.largest_batch(options.batch_size as u64, records.len()) as usize;
        let first = records.get(0)?;
        let (target_shape, moved) = match &first.target {
            Target::Label(_) => (vec![], None),
            Target::Planes(planes) => {
                let cut = preprocess.label_shape(planes.shape);
                let moves = preprocess.crop.is_some() || options.train && preprocess.augment.any();
                let shape = cut.unwrap_or(planes.shape);
                let target = match &planes.values {
                    // Numbers reach Torch as a flat vector, images as they are.
                    Values::Floats(_) => vec![shape.iter().product::<i64>()],
                    Values::Bytes(_) => shape.to_vec(),
                };
                (target, cut.filter(|_| moves).map(|_| planes.shape))
            }
        };
        let budget = options.memory_budget;
        let ahead = options.cache.take().filter(|cache| cache.is_for(&records, budget));
        let cache = ahead.unwrap_or_else(|| Arc::new(RecordCache::new(records, &first, budget)));
        // A set whose first record is no bytes has few that are, and each batch would be tried twice.
        let wants_bytes = options.bytes && matches!(first.image.values, Values::Bytes(_));
        let kind = if options.double { f64::KIND } else { f32::KIND };
        let most = options.part.most(largest) as i64;
        let batch = |shape: &[i64]| [&[most], shape].concat();
        let pool = |input: tch::Kind| {
            Arc::new(Pool::new((input, batch(&preprocess.output_shape())), (kind, batch(&target_shape))))
        };
        let (pool, bytes) = (pool(kind), wants_bytes.then(|| pool(u8::KIND)));
        let shared = Shared { preprocess, options, target_shape, moved, cache, pool, bytes };
        Ok(DataLoader { shared: Arc::new(shared), running: None })
    }

    /// ceil(records / batch size): the batches of an epoch that keeps its borders.
    #[must_use]
    pub fn batches_per_epoch(&self) -> u64 {
        self.records().len().div_ceil(self.shared.options.batch_size as u64)
    }

    /// The shape of one target: `[]` for integers, `[k]` or `[c, h, w]`.
    #[must_use]
    pub fn target_shape(&self) -> &[i64] {
        &self.shared.target_shape
    }

    /// The split that it reads.
    #[must_use]
    pub fn records(&self) -> &Arc<Records> {
        self.shared.cache.records()
    }

    /// Records in a batch that is not the last one.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.shared.options.batch_size
    }

    /// The numbers, from 0, of the records of epoch (of [`Borders::Endless`], pass) `epoch` (from 1), in its order.
    #[must_use]
    pub fn order(&self, epoch: u64) -> Vec<u32> {
        let options = &self.shared.options;
        let (count, size) = (self.records().len() as u32, options.batch_size as u64);
        of_epoch(options.order, count, options.seed, epoch, options.borders, size)
    }

    /// Whether threads are making batches, or have made some that nobody took.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// What happens to each record.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.shared.preprocess
    }

    /// Whether decoded records are kept in memory.
    #[must_use]
    pub fn keeps_records(&self) -> bool {
        self.shared.cache.keeps()
    }

    /// Whether all records are decoded and in memory.
    #[must_use]
    pub fn has_all_records(&self) -> bool {
        self.shared.cache.complete()
    }

    /// Begins epoch (of [`Borders::Endless`], pass) `epoch` (from 1) at batch `first_batch` (from 0, above 0 when a run is resumed). What is left of
    /// an epoch before is dropped.
    ///
    /// The training loop counts the epochs that are over, and so from 0; here it is the number of the one that runs, and
    /// order, crops and noise are drawn from it: counted otherwise, no run would repeat an earlier one.
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()> {
        self.stop();
        let options = &self.shared.options;
        let size = options.batch_size as u64;
        let indices = Arc::new(self.order(epoch));
        let ahead = ahead(self.shared.pool.batch_bytes());
        let part = options.part;
        let total = part.batches((indices.len() as u64).div_ceil(size));
        let queue = Arc::new(Queue::new(first_batch.min(total), total, ahead));
        let cores = std::thread::available_parallelism().map_or(1, usize::from).min(8);
        let workers = if self.shared.is_light() { 1 } else { options.workers.unwrap_or(cores).max(1) };
        let mut running = Running { queue: Arc::clone(&queue), threads: Vec::new() };
        // What other processes read is not decoded here.
        let (own, before) = match part {
            Part::Whole => (Arc::clone(&indices), first_batch as usize * options.batch_size),
            part => {
                let (own, before) = part.own(&indices, options.batch_size, first_batch);
                (Arc::new(own), before)
            }
        };
        let next_missing = Arc::new(AtomicUsize::new(before));
        for worker in 0..workers {
            let (shared, queue, indices) = (Arc::clone(&self.shared), Arc::clone(&queue), Arc::clone(&indices));
            let (own, next_missing) = (Arc::clone(&own), Arc::clone(&next_missing));
            let thread = std::thread::Builder::new().name("loader".to_string()).spawn(move || {
                let mut scratch = Scratch::default();
                // While enough batches wait, records of later ones are decoded, so that a batch need not wait for them.
                let meanwhile = || {
                    let decode = || shared.cache.decode_ahead(&own, &next_missing);
                    std::panic::catch_unwind(std::panic::AssertUnwindSafe(decode)).unwrap_or(false)
                };
                while let Some(number) = queue.take(meanwhile) {
                    let made = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                        shared.batch(part.number(number), epoch, &indices, &mut scratch)
                    }));
                    queue.put(
                        number,
                        made.unwrap_or_else(|_| {
                            Err(Error::new(
                                Kind::Data,
                                format!("a loader thread failed at batch {number} of epoch {epoch}"),
                            ))
                        }),
                    );
                    if worker > 0 && shared.is_light() {
                        break;
                    }
                }
            });
            match thread {
                Ok(thread) => running.threads.push(thread),
                Err(_) if !running.threads.is_empty() => break,
                Err(e) => {
                    return Err(Error::new(Kind::Io, "cannot start a loader thread").with_cause(e.to_string()));
                }
            }
        }
        self.running = Some(running);
        Ok(())
    }

    /// The next batch; none at the end of the epoch, and before the first `start`.
    ///
    /// # Errors
    /// When one of its records cannot be read; the same batch fails in every run.
    #[expect(clippy::should_implement_trait, reason = "it can fail, and an epoch's end is not the loader's")]
    pub fn next(&mut self) -> Result<Option<Batch>> {
        let Some(running) = &self.running else { return Ok(None) };
        let start = Instant::now();
        match running.queue.next() {
            None => {
                self.stop();
                Ok(None)
            }
            Some(batch) => {
                let mut batch = batch?;
                batch.wait = start.elapsed();
                Ok(Some(batch))
            }
        }
    }

    /// Ends the epoch: its threads, and what they have made.
    pub fn stop(&mut self) {
        if let Some(running) = self.running.take() {
            running.queue.stop();
            for thread in running.threads {
                // A thread's panic has already become the error of its batch.
                let _ = thread.join();
            }
        }
    }
}

/// How many batches of `bytes` bytes are made ahead. The threads that train keep every core busy, and a loader thread may
/// have to wait several milliseconds for its turn: as many steps, when batches are small.
fn ahead(bytes: usize) -> u64 {
    const MIB: usize = 1 << 20;
    let bytes = bytes.max(1);
    (4 * MIB / bytes).clamp(8, 32).min((256 * MIB / bytes).max(2)) as u64
}

impl Drop for DataLoader {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The class of what belongs to none, by the custom of label images.
const UNKNOWN: i32 = 255;

impl Shared {
    fn without_name(&self, class: usize, named: usize, index: u32) -> Error {
        let records = self.cache.records();
        let key = records.key(u64::from(index)).map(|key| String::from_utf8_lossy(&key).into_owned());
        Error::new(Kind::Data, format!("class {class} has no name"))
            .with_fact("the record", key.unwrap_or_default())
            .with_fact("in", records.folder().display().to_string())
            .with_fact("names", format!("{named}, for the classes from 0 on"))
            .with_help("give labels.txt a line for each class, in the order of their numbers")
    }

    /// Whether batches are gathered from kept records: far faster than any training step, so that one thread does it.
    fn is_light(&self) -> bool {
        self.cache.complete() && !(self.options.train && self.preprocess.augment.any())
    }

    fn batch(&self, number: u64, epoch: u64, indices: &[u32], scratch: &mut Scratch) -> Result<Batch> {
        if self.options.double {
            self.made::<f64>(number, epoch, indices, scratch)
        } else {
            self.made::<f32>(number, epoch, indices, scratch)
        }
    }

    fn made<T: Real>(&self, number: u64, epoch: u64, indices: &[u32], scratch: &mut Scratch) -> Result<Batch> {
        let place = (number, epoch, indices);
        if let Some(pool) = &self.bytes
            && let Some(batch) = self.filled::<u8, T>(pool, place, scratch)?
        {
            return Ok(batch);
        }
        Ok(self.filled::<T, T>(&self.pool, place, scratch)?.expect("every image can be written in numbers"))
    }

    /// `None` when a record cannot be represented in `I`.
    fn filled<I: Element, T: Real>(
        &self,
        pool: &Arc<Pool>,
        (number, epoch, indices): (u64, u64, &[u32]),
        scratch: &mut Scratch,
    ) -> Result<Option<Batch>> {
        let size = self.options.batch_size;
        let start = number as usize * size;
        let batch = start..indices.len().min(start + size);
        let total = batch.len();
        let own = self.options.part.of_batch(batch);
        let first = own.start;
        let indices = &indices[own];
        let count = indices.len();
        self.cache.read_ahead(indices);
        let mut buffers = pool.take()?;
        let input_size = self.preprocess.output_shape().iter().product::<i64>() as usize;
        let target_size = self.target_shape.iter().product::<i64>() as usize;
        let (input, target) = buffers.slices::<I, T>();
        let mut is_written = true;
        for (i, &index) in indices.iter().enumerate() {
            let draw = self.options.train.then_some(Draw { seed: self.options.seed, epoch, index: (first + i) as u64 });
            let input = &mut input[i * input_size..][..input_size];
            let target = &mut target[i * target_size..][..target_size];
            self.cache.with(index, |image, label| {
                let placement = I::write(&self.preprocess, image, draw, scratch, input);
                is_written &= placement.is_some();
                self.write_target(label, placement.unwrap_or_default(), index, scratch, target)
            })?;
        }
        if !is_written {
            pool.give_back(buffers);
            return Ok(None);
        }
        let (input, target) = buffers.tensors(count)?;
        Ok(Some(Batch {
            input,
            target,
            count,
            total,
            number,
            indices: indices.iter().map(|&i| u64::from(i)).collect(),
            wait: Duration::ZERO,
            buffers: Some(buffers),
            pool: Arc::clone(pool),
        }))
    }

    fn write_target<T: Real>(
        &self,
        target: &Target,
        placement: Placement,
        index: u32,
        scratch: &mut Scratch,
        out: &mut [T],
    ) -> Result<()> {
        match target {
            Target::Label(label) => {
                let class = usize::try_from(*label).unwrap_or(0);
                if let Some(named) = self.options.named_classes.filter(|named| class >= *named && *label != UNKNOWN) {
                    return Err(self.without_name(class, named, index));
                }
                out[0] = T::from_f64(f64::from(*label) + f64::from(u8::from(self.options.classification)));
                Ok(())
            }
            Target::Planes(planes) if self.moved.map_or(planes.values.len() == out.len(), |of| planes.shape == of) => {
                match &planes.values {
                    _ if self.moved.is_some() => self.preprocess.apply_to_label(planes, placement, scratch, out),
                    Values::Bytes(values) => out.iter_mut().zip(values).for_each(|(out, &v)| *out = T::from(v)),
                    Values::Floats(values) => out.iter_mut().zip(values).for_each(|(out, &v)| *out = T::from(v)),
                }
                if self.options.classification {
                    // A database of labels counts classes from 0 too, and Torch from 1.
                    out.iter_mut().for_each(|out| *out = *out - T::from_f64(-1.0));
                }
                Ok(())
            }
            Target::Planes(planes) => Err(Error::new(Kind::Data, "a label has another shape than the first one")
                .with_fact("this label", format!("{} (channels x height x width)", shape_text(planes.shape)))
                .with_fact("the first label", format!("{:?}", self.target_shape))
                .with_fact(
                    "the record",
                    String::from_utf8_lossy(&self.cache.records().key(u64::from(index))?).into_owned(),
                )),
        }
    }
}

#[cfg(test)]
mod tests;
