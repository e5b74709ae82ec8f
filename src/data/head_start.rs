//! `HeadStart`: a thread that opens a dataset and decodes its records before anyone asks for them.
//!
//! It changes no result: records land in caches that the loaders take over, fill further and read, each decoded once by
//! whoever comes first. What fails here is left for the loaders, which meet the same error in their own order.

use std::{
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
        mpsc::{Receiver, channel},
    },
    thread::JoinHandle,
};

use super::{
    cache::RecordCache,
    dataset::Dataset,
    place::Place,
    records::Records,
    sampler::{Order, order},
};

/// What a run is going to want.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// Its data.
    pub place: Place,
    /// Bytes of decoded records that its loaders may keep.
    pub budget: u64,
    /// Whether it validates, which comes before the first step.
    pub validates: bool,
    /// The order of the training records, and its seed.
    pub order: (Order, u64),
}

/// A dataset that is open, and what its loaders will keep.
struct Opened {
    place: Place,
    dataset: Dataset,
    caches: Vec<Arc<RecordCache>>,
}

/// A dataset on its way; dropping it ends the work.
pub struct HeadStart {
    opened: Mutex<Receiver<Opened>>,
    /// Of the dataset that was asked for.
    caches: OnceLock<Vec<Arc<RecordCache>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl HeadStart {
    /// Starts the thread. `find` is called there; nothing more happens when it answers nothing. `None` when the system
    /// gives no thread.
    pub fn begin(find: impl FnOnce() -> Option<Wanted> + Send + 'static) -> Option<HeadStart> {
        let (send, opened) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let work = move || {
            let Some(Wanted { place, budget, validates, order: (of_train, seed) }) = find() else { return };
            let Ok(dataset) = place.open() else { return };
            let splits = [
                dataset.val().filter(|_| validates).map(|records| (records, Order::Sequential)),
                dataset.train().map(|records| (records, of_train)),
            ];
            let caches: Vec<_> = splits
                .into_iter()
                .flatten()
                .filter_map(|(records, order)| {
                    let first = records.get(0).ok()?;
                    Some((Arc::new(RecordCache::new(records, &first, budget)), order))
                })
                .filter(|(cache, _)| cache.keeps())
                .collect();
            let handed_over = caches.iter().map(|(cache, _)| Arc::clone(cache)).collect();
            let _ = send.send(Opened { place, dataset, caches: handed_over }); // whoever asked may be gone
            drop(send);
            for (cache, of) in caches {
                // As the first epoch will ask for them.
                let indices = order(of, cache.records().len() as u32, seed, 1);
                let next = AtomicUsize::new(0);
                while !stopped.load(Ordering::Relaxed) && cache.decode_ahead(&indices, &next) {}
            }
        };
        let thread = std::thread::Builder::new().name("head start".into()).spawn(work).ok()?;
        Some(HeadStart { opened: Mutex::new(opened), caches: OnceLock::new(), stop, thread: Some(thread) })
    }

    /// The dataset, once, when it is the one that lies at `place`.
    #[must_use]
    pub fn dataset(&self, place: &Place) -> Option<Dataset> {
        let opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()?;
        if opened.place != *place {
            return None;
        }
        self.caches.get_or_init(|| opened.caches);
        Some(opened.dataset)
    }

    /// The cache that it fills for a split of the dataset that it gave, for
    /// [`LoaderOptions::cache`](super::LoaderOptions::cache).
    #[must_use]
    pub fn cache(&self, records: &Arc<Records>) -> Option<Arc<RecordCache>> {
        self.caches.get()?.iter().find(|cache| Arc::ptr_eq(cache.records(), records)).cloned()
    }

    /// Asks the thread to end after the record at hand.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Drop for HeadStart {
    fn drop(&mut self) {
        self.stop();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // a panic there is no error here: the loaders do the work
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Augment, DataLoader, LoaderOptions, Preprocess, Subtract, sample};

    const BUDGET: u64 = 1 << 30;

    fn wanted(place: Place) -> Wanted {
        Wanted { place, budget: BUDGET, validates: true, order: (Order::Permutation, 1) }
    }

    #[test]
    fn the_loader_finds_the_records_decoded_and_gives_the_same_batches() {
        let folder = tempfile::tempdir().unwrap();
        let path = sample::ensure(&folder.path().join("sample")).unwrap();
        let place = Place::Folder(path.clone());
        let first = |dataset: &Dataset, cache: Option<Arc<RecordCache>>| {
            let plain = Preprocess::new(dataset.shape, Subtract::None, None, None, Augment::default()).unwrap();
            let options = LoaderOptions { memory_budget: BUDGET, cache, ..LoaderOptions::default() };
            let mut loader = DataLoader::new(dataset.val().unwrap(), plain, options).unwrap();
            let complete = loader.has_all_records();
            loader.start(1, 0).unwrap();
            let batch = loader.next().unwrap().unwrap();
            (Vec::<f32>::try_from(batch.input.view(-1)).unwrap(), complete)
        };
        let mut head = HeadStart::begin({
            let place = place.clone();
            move || Some(wanted(place))
        })
        .unwrap();
        let early = head.dataset(&place).unwrap();
        let _ = head.thread.take().unwrap().join();
        let (ahead, complete) = first(&early, head.cache(&early.val().unwrap()));
        assert!(complete, "the loader decodes again what was decoded");
        let late = Dataset::open(&path).unwrap();
        assert!(head.cache(&late.val().unwrap()).is_none(), "these are other records");
        let (alone, complete) = first(&late, head.cache(&early.val().unwrap()));
        assert!(!complete, "a loader took another split's records");
        assert_eq!(ahead, alone);
    }

    #[test]
    fn records_are_decoded_in_the_order_of_the_first_epoch() {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::Folder(sample::ensure(&folder.path().join("sample")).unwrap());
        let wanted = Wanted { validates: false, ..wanted(place.clone()) };
        let mut head = HeadStart::begin(move || Some(wanted)).unwrap();
        let records = head.dataset(&place).unwrap().train().unwrap();
        let cache = head.cache(&records).unwrap();
        let indices = order(Order::Permutation, records.len() as u32, 1, 1);
        while !cache.has(indices[0]) {
            std::thread::yield_now();
        }
        head.stop();
        head.thread.take().unwrap().join().unwrap();
        // Some, when this thread was not kept waiting until all were done.
        let done = indices.iter().filter(|&&index| cache.has(index)).count();
        assert!(indices[..done].iter().all(|&index| cache.has(index)), "{done} are here, and not the first ones");
    }

    #[test]
    fn another_place_or_none_gives_nothing_and_a_stop_ends_it() {
        let none = HeadStart::begin(|| None).unwrap();
        assert!(none.dataset(&Place::Folder("x".into())).is_none());
        let folder = tempfile::tempdir().unwrap();
        let path = sample::ensure(&folder.path().join("sample")).unwrap();
        let head = HeadStart::begin(move || Some(wanted(Place::Folder(path)))).unwrap();
        head.stop();
        assert!(head.dataset(&Place::Folder("x".into())).is_none());
        drop(head);
        let missing = Place::Folder("missing".into());
        let head = HeadStart::begin({
            let missing = missing.clone();
            move || Some(wanted(missing))
        });
        assert!(head.unwrap().dataset(&missing).is_none(), "the mistake is main's to tell");
    }
}
