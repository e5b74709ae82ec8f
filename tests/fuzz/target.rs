//! `Target`: a reader, files that it takes, and how many damaged ones it meets.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    time::{Duration, Instant, SystemTime},
};

use digits::{
    data::Random,
    error::{Error, Kind},
};

use crate::{
    mutate::{below, damage},
    supervisor::{Counts, Share, Supervised, number},
};

/// What came of an input.
pub(crate) enum Answer {
    /// It was read as the whole file would have been.
    Same,
    /// It was read, and holds something else: the format has no sum to tell.
    Other,
    /// It got this page.
    Page(String),
}

impl Answer {
    /// Of a reader whose result need not be compared.
    pub(crate) fn of<T>(result: Result<T, Error>) -> Answer {
        result.map_or_else(|page| Answer::Page(page.to_string()), |_| Answer::Other)
    }
}

/// A reader under test.
pub(crate) struct Target<'a> {
    /// As it is called in the report.
    pub(crate) name: &'a str,
    /// The name of its test, for its children.
    pub(crate) test: &'a str,
    /// Inputs in an ordinary run of the tests.
    pub(crate) inputs: u64,
    /// Bytes of memory that reading one may take.
    pub(crate) memory: usize,
}

/// No input may compute longer.
const PATIENCE: Duration = Duration::from_secs(20);
/// No input may take longer on the wall, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(400);

impl Target<'_> {
    /// Damages one of some whole files for each input; `read` must take the whole ones.
    pub(crate) fn run_on(&self, whole: &[Vec<u8>], read: &mut dyn FnMut(&[u8]) -> Answer) {
        keep(self.name, whole);
        for bytes in whole {
            if let Answer::Page(page) = read(bytes) {
                panic!("{}: a whole file was refused: {page}", self.name);
            }
        }
        let mut one = |random: &mut Random| {
            let mut bytes = whole[below(random, whole.len())].clone();
            damage(random, &mut bytes, whole);
            bytes
        };
        self.run(&mut one, read);
    }

    /// Gives damaged files to `read`: `damage` makes one from whole ones. Fails on a panic, on slowness, and on memory.
    ///
    /// With `FUZZ_MINUTES` children do so, and also a signal is a finding.
    pub(crate) fn run(&self, damage: &mut dyn FnMut(&mut Random) -> Vec<u8>, read: &mut dyn FnMut(&[u8]) -> Answer) {
        let (only, seed) = (number("FUZZ_INPUT"), seed());
        let mut share = Share::of_child();
        if let (Some(minutes), None, None) = (number("FUZZ_MINUTES"), only, &share) {
            Supervised { name: self.name, test: self.test, patience: PATIENCE }.run(60 * minutes, seed);
            return;
        }
        let began = Instant::now();
        let mut counts = Counts::default();
        let mut input = only.unwrap_or(share.as_ref().map_or(0, |share| share.from));
        while match (only, &mut share) {
            (Some(only), _) => input == only,
            (None, Some(share)) => share.goes_on(input),
            (None, None) => input < self.inputs,
        } {
            self.one(&mut counts, (seed, input), damage, read, only.is_some());
            input += 1;
            if let Some(share) = &mut share {
                share.tell(&mut counts, false);
            }
        }
        match &mut share {
            Some(share) => share.tell(&mut counts, true),
            None => eprintln!("{:<22} {} in {:.1} s", self.name, counts.text(), began.elapsed().as_secs_f64()),
        }
    }

    fn one(
        &self,
        counts: &mut Counts,
        (seed, input): (u64, u64),
        damage: &mut dyn FnMut(&mut Random) -> Vec<u8>,
        read: &mut dyn FnMut(&[u8]) -> Answer,
        is_shown: bool,
    ) {
        let bytes = damage(&mut Random::new(&[seed, input]));
        let (asked, before) = (Instant::now(), Memory::begin());
        let answer = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
        let memory = Memory::peak_since(before);
        let took = asked.elapsed();
        let here = || format!("{}: FUZZ_SEED={seed} FUZZ_INPUT={input} ({} bytes)", self.name, bytes.len());
        counts.inputs += 1;
        match answer {
            Ok(Answer::Same) => counts.same += 1,
            Ok(Answer::Other) => counts.other += 1,
            Ok(Answer::Page(page)) => {
                assert!(page.contains('\n') || page.contains(": "), "no page: {page}; {}", here());
                if is_shown {
                    eprintln!("{page}");
                }
                let is_panic = page.contains("digits-rs itself failed") || page.starts_with(Kind::Bug.title());
                assert!(!is_panic, "a panic as a page: {page}; {}", here());
                counts.pages += 1;
            }
            Err(_) => panic!("it panicked; {}", here()),
        }
        assert!(took < LONGEST, "it took {took:?}; {}", here());
        assert!(memory < self.memory, "it took {} MiB; {}", memory >> 20, here());
        counts.slowest = counts.slowest.max(took.as_micros() as u64);
        counts.most = counts.most.max(memory as u64);
    }
}

/// The same in every ordinary run, another one in each at length.
pub(crate) fn seed() -> u64 {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
    number("FUZZ_SEED").unwrap_or(if number("FUZZ_MINUTES").is_some() { now } else { 1 })
}

/// A folder in memory where there is one: millions of files are written.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// A file of the repository.
pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// Keeps whole files for libFuzzer (`coverage/`) to begin with, when `FUZZ_CORPUS` names a folder.
pub(crate) fn keep(name: &str, whole: &[Vec<u8>]) {
    let Some(folder) = std::env::var_os("FUZZ_CORPUS") else { return };
    let folder = Path::new(&folder).join(name.to_lowercase());
    fs::create_dir_all(&folder).expect("FUZZ_CORPUS names a folder");
    for (at, bytes) in whole.iter().enumerate() {
        fs::write(folder.join(at.to_string()), bytes).expect("FUZZ_CORPUS names a folder");
    }
}

/// Counts what this thread asks of the allocator.
struct Memory;

thread_local! {
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

impl Memory {
    fn begin() -> isize {
        let live = LIVE.get();
        PEAK.set(live);
        live
    }

    fn peak_since(before: isize) -> usize {
        usize::try_from(PEAK.get() - before).unwrap_or(0)
    }

    fn add(bytes: isize) {
        // A thread that ends has no counters any more.
        let _ = LIVE.try_with(|live| {
            live.set(live.get() + bytes);
            let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
        });
    }
}

#[global_allocator]
static ALLOCATOR: Memory = Memory;

#[expect(unsafe_code, reason = "an allocator has no safe form")]
// SAFETY: every call is the system's own; what is counted changes nothing.
unsafe impl GlobalAlloc for Memory {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        Memory::add(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        Memory::add(layout.size() as isize);
        // SAFETY: the caller keeps the contract of `alloc_zeroed`.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        Memory::add(size as isize - layout.size() as isize);
        // SAFETY: the caller keeps the contract of `realloc`.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        Memory::add(-(layout.size() as isize));
        // SAFETY: the caller keeps the contract of `dealloc`.
        unsafe { System.dealloc(place, layout) }
    }
}
