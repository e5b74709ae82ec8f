//! `Target`: a reader, files that it takes, and how many damaged ones it meets.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use digits::{data::Random, error::Error};

use crate::mutate::{below, damage};

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
    /// Inputs in an ordinary run of the tests.
    pub(crate) inputs: u64,
    /// Bytes of memory that reading one may take.
    pub(crate) memory: usize,
}

/// No input may take longer, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

impl Target<'_> {
    /// Damages one of some whole files for each input; `read` must take the whole ones.
    pub(crate) fn run_on(&self, whole: &[Vec<u8>], read: &mut dyn FnMut(&[u8]) -> Answer) {
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
    pub(crate) fn run(&self, damage: &mut dyn FnMut(&mut Random) -> Vec<u8>, read: &mut dyn FnMut(&[u8]) -> Answer) {
        let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect("a whole number"));
        let (minutes, only) = (number("FUZZ_MINUTES"), number("FUZZ_INPUT"));
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_secs());
        let seed = number("FUZZ_SEED").unwrap_or(if minutes.is_some() { now } else { 1 });
        let began = Instant::now();
        let goes_on = |input: u64| match (only, minutes) {
            (Some(only), _) => input == only,
            (None, Some(minutes)) => began.elapsed() < Duration::from_secs(60 * minutes),
            (None, None) => input < self.inputs,
        };
        let (mut same, mut other, mut pages, mut slowest, mut most) = (0u64, 0u64, 0u64, Duration::ZERO, 0);
        let mut input = only.unwrap_or(0);
        while goes_on(input) {
            let bytes = damage(&mut Random::new(&[seed, input]));
            let (asked, before) = (Instant::now(), Memory::begin());
            let answer = catch_unwind(AssertUnwindSafe(|| read(&bytes)));
            let memory = Memory::peak_since(before);
            let took = asked.elapsed();
            let here = || format!("{}: FUZZ_SEED={seed} FUZZ_INPUT={input} ({} bytes)", self.name, bytes.len());
            match answer {
                Ok(Answer::Same) => same += 1,
                Ok(Answer::Other) => other += 1,
                Ok(Answer::Page(page)) => {
                    assert!(page.contains('\n') || page.contains(": "), "no page: {page}; {}", here());
                    if only.is_some() {
                        eprintln!("{page}");
                    }
                    pages += 1;
                }
                Err(_) => panic!("it panicked; {}", here()),
            }
            assert!(took < PATIENCE, "it took {took:?}; {}", here());
            assert!(memory < self.memory, "it took {} MiB; {}", memory >> 20, here());
            (slowest, most) = (slowest.max(took), most.max(memory));
            input += 1;
        }
        eprintln!(
            "{:<22} {input:>9} inputs in {:>6.1} s: {pages} pages, {other} read as something else, {same} as before; slowest {:.1} ms, most memory {} KiB",
            self.name,
            began.elapsed().as_secs_f64(),
            slowest.as_secs_f64() * 1e3,
            most >> 10,
        );
    }
}

/// A folder in memory where there is one: millions of files are written.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).expect("a temporary folder")
}

/// A file of the repository.
pub(crate) fn file(path: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).expect("a file of the repository")
}

/// Writes a file into a folder and answers its path.
pub(crate) fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).expect("a small file in a temporary folder");
    path
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
