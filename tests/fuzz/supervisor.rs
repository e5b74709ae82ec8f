//! A generator at length: child processes meet the inputs, one after the other, and this process watches them. An input that
//! ends its child, panics or does not come back is counted and written down, and the next child goes on behind it.

use std::{
    env,
    fs::File,
    io::{Read, Write},
    os::unix::fs::FileExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// The environment of a child: where it starts, how long it works, and the file that it writes its place into.
const FROM: &str = "FUZZ_CHILD_FROM";
const SECONDS: &str = "FUZZ_CHILD_SECONDS";
const PLACE: &str = "FUZZ_CHILD_PLACE";

/// Seconds of one child: then its memory is given back, and looked at.
const LIFE: u64 = 120;
/// More findings than these are not collected.
const ENOUGH: usize = 20;

/// Numbers of inputs so far, by what came of them.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    /// All of them; of programs, their calls.
    pub(crate) inputs: u64,
    /// Got a page.
    pub(crate) pages: u64,
    /// Were read as something else, or went well.
    pub(crate) other: u64,
    /// Were read as the whole file.
    pub(crate) same: u64,
    /// Microseconds of the slowest one.
    pub(crate) slowest: u64,
    /// Bytes that one asked the allocator for at most.
    pub(crate) most: u64,
    /// Bytes by which the child's resident memory grew after the first quarter of its time.
    pub(crate) growth: u64,
}

impl Counts {
    fn numbers(self) -> [u64; 7] {
        let Counts { inputs, pages, other, same, slowest, most, growth } = self;
        [inputs, pages, other, same, slowest, most, growth]
    }

    fn parse(line: &str) -> Option<Counts> {
        let numbers: Vec<u64> = line.split(' ').map(|word| word.parse().ok()).collect::<Option<_>>()?;
        let [inputs, pages, other, same, slowest, most, growth] = numbers.try_into().ok()?;
        Some(Counts { inputs, pages, other, same, slowest, most, growth })
    }

    fn add(&mut self, more: Counts) {
        self.inputs += more.inputs;
        self.pages += more.pages;
        self.other += more.other;
        self.same += more.same;
        self.slowest = self.slowest.max(more.slowest);
        self.most = self.most.max(more.most);
        self.growth = self.growth.max(more.growth);
    }

    /// What the report says about them.
    pub(crate) fn text(self) -> String {
        let Counts { inputs, pages, other, same, slowest, most, .. } = self;
        format!(
            "{inputs:>9} inputs: {pages} pages, {other} read as something else, {same} as before; slowest {:.1} ms, most memory {} KiB",
            slowest as f64 / 1e3,
            most >> 10
        )
    }
}

/// A number of the environment.
pub(crate) fn number(name: &str) -> Option<u64> {
    env::var(name).ok().map(|text| text.parse().expect("a whole number"))
}

/// The share of a child: the seconds that it works, and the first input. `None` in the process that was started by hand.
pub(crate) struct Share {
    /// The first input.
    pub(crate) from: u64,
    began: Instant,
    life: Duration,
    place: File,
    told: Instant,
    early: Option<u64>,
}

impl Share {
    pub(crate) fn of_child() -> Option<Share> {
        let place = File::options().write(true).open(env::var_os(PLACE)?).expect("the parent made it");
        let (from, life) = (number(FROM)?, Duration::from_secs(number(SECONDS)?));
        let now = Instant::now();
        Some(Share { from, began: now, life, place, told: now, early: None })
    }

    /// Notes the input that comes next; false when the time is over.
    pub(crate) fn goes_on(&mut self, input: u64) -> bool {
        self.place.write_all_at(&input.to_le_bytes(), 0).expect("a file in memory");
        self.began.elapsed() < self.life
    }

    /// Tells the parent now and then.
    pub(crate) fn tell(&mut self, counts: &mut Counts, is_last: bool) {
        if self.early.is_none() && self.began.elapsed() > self.life / 4 {
            self.early = Some(resident());
        }
        if !is_last && self.told.elapsed() < Duration::from_millis(500) {
            return;
        }
        self.told = Instant::now();
        counts.growth = self.early.map_or(0, |early| resident().saturating_sub(early));
        let words = counts.numbers().map(|number| number.to_string()).join(" ");
        println!("\ncounts {words}"); // the harness may have begun a line
    }
}

/// Resident memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4096
}

/// A generator and how long one of its inputs may take.
pub(crate) struct Supervised<'a> {
    /// As it is called in the table.
    pub(crate) name: &'a str,
    /// The name of its test.
    pub(crate) test: &'a str,
    /// An input that computes longer, or sleeps twenty times as long, hangs.
    pub(crate) patience: Duration,
}

impl Supervised<'_> {
    /// Lets children meet inputs for so many seconds; adds a row to the table (`FUZZ_TABLE`) and fails on what was found.
    pub(crate) fn run(&self, seconds: u64, seed: u64) -> Counts {
        let folder = crate::target::folder();
        let place = folder.path().join("place");
        let began = Instant::now();
        let (mut from, mut all, mut crashes, mut hangs) = (0, Counts::default(), Vec::new(), Vec::new());
        let mut quick_ends = 0;
        while began.elapsed() < Duration::from_secs(seconds) && crashes.len() + hangs.len() < ENOUGH {
            let left = seconds - began.elapsed().as_secs().min(seconds);
            File::create(&place).and_then(|file| file.write_all_at(&u64::MAX.to_le_bytes(), 0)).expect("a folder");
            let started = Instant::now();
            let (end, text, errors) = self.watch(&place, from, left.clamp(1, LIFE), seed);
            if let Some(counts) = text.lines().rev().find_map(|line| Counts::parse(line.strip_prefix("counts ")?)) {
                all.add(counts);
            }
            let last = place_of(&place).unwrap_or(from);
            let here = format!("{}: FUZZ_SEED={seed} FUZZ_INPUT={last} FUZZ_TEST={}", self.name, self.test);
            match end {
                Some(status) if status.success() => from = last,
                Some(status) => {
                    crashes.push(format!("{here}: {status}\n{}", tail(&errors)));
                    from = last + 1;
                }
                None => {
                    hangs.push(format!("{here}: it took more than {:?}\n{}", self.patience, tail(&errors)));
                    from = last + 1;
                }
            }
            // A child that cannot even begin would be started for ever.
            quick_ends = if started.elapsed() < Duration::from_millis(300) { quick_ends + 1 } else { 0 };
            assert!(quick_ends < 50, "{here}: its processes end at once\n{}", tail(&errors));
        }
        let took = began.elapsed().as_secs();
        eprintln!("{:<22} {}; {} crashes, {} hangs in {took} s", self.name, all.text(), crashes.len(), hangs.len());
        self.add_row(all, crashes.len(), hangs.len(), took);
        crashes.extend(hangs);
        assert!(crashes.is_empty(), "{}", crashes.join("\n\n"));
        all
    }

    /// Starts a child and waits for it; no status when it had to be ended.
    fn watch(&self, place: &Path, from: u64, seconds: u64, seed: u64) -> (Option<ExitStatus>, String, String) {
        let mut child = Command::new(env::current_exe().expect("this program"))
            .args([self.test, "--exact", "--nocapture", "--include-ignored", "--test-threads=1"])
            .env(FROM, from.to_string())
            .env(SECONDS, seconds.to_string())
            .env(PLACE, place)
            .env("FUZZ_SEED", seed.to_string())
            .env("OMP_NUM_THREADS", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("this program");
        let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
        let (out, err) = (thread::spawn(move || text_of(out)), thread::spawn(move || text_of(err)));
        let status = self.wait(&mut child, place, seconds);
        (status, out.join().unwrap_or_default(), err.join().unwrap_or_default())
    }

    fn wait(&self, child: &mut Child, place: &Path, seconds: u64) -> Option<ExitStatus> {
        let (mut seen, mut since) = (None, (Instant::now(), Duration::ZERO));
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child of this process") {
                return Some(status);
            }
            let at = place_of(place);
            if at != seen {
                (seen, since) = (at, (Instant::now(), processor_time(child.id())));
            }
            // A busy machine may give a child nothing for long: what counts is what it computes.
            let computes = processor_time(child.id()).saturating_sub(since.1) > self.patience;
            let sleeps = since.0.elapsed() > 20 * self.patience;
            let endless = began.elapsed() > Duration::from_secs(20 * seconds) + 20 * self.patience;
            if computes || sleeps || endless {
                let _ = child.kill();
                let _ = child.wait();
                return None;
            }
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn add_row(&self, all: Counts, crashes: usize, hangs: usize, took: u64) {
        let Some(table) = env::var_os("FUZZ_TABLE") else { return };
        let row = format!(
            "| {} | {} | {crashes} | {hangs} | {:.1} | {:.1} | {:.0} | {took} |\n",
            self.name,
            all.inputs,
            all.growth as f64 / f64::from(1 << 20),
            all.most as f64 / f64::from(1 << 20),
            all.slowest as f64 / 1e3,
        );
        let file = File::options().create(true).append(true).open(table);
        file.and_then(|mut file| file.write_all(row.as_bytes())).expect("FUZZ_TABLE names a file");
    }
}

/// What a process has computed so far.
fn processor_time(process: u32) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The name, in parentheses, may hold blanks.
    let fields = stat.rsplit_once(") ").map_or("", |(_, rest)| rest).split(' ');
    let ticks: u64 = fields.skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
    Duration::from_millis(10 * ticks)
}

fn place_of(place: &Path) -> Option<u64> {
    let bytes = std::fs::read(place).ok()?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?)).filter(|&input| input != u64::MAX)
}

fn text_of(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    let _ = from.read_to_end(&mut bytes);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The last lines that say something.
fn tail(errors: &str) -> String {
    let lines: Vec<&str> = errors.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(12)..].join("\n")
}
