//! One training step: our engines against the same network hand-written with tch, and against the floor, the time that
//! the processor's multiply-adds alone take.
//!
//! `cargo bench --bench step` prints criterion's times, then the table of ratios; `-- ratios [FILE]` prints the table
//! only, and writes every round's ratio into FILE as JSON. Other programs disturb wall clocks: the table interleaves
//! its variants and gives medians over the rounds. Each variant lives in a process of its own, since settings of the C
//! library and of libgomp are a process's; `-- serve NETWORK ours|hand` is such a process.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

mod networks;

use std::{
    hint::black_box,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group};
use digits::train::engine::EngineOptions;

use networks::{Case, Group};

const SAMPLES: usize = 64;
/// Multiply-adds of a step of the autoencoder: forward and weight gradient of every layer, input gradient of all but the first.
const MULTIPLY_ADDS: usize = SAMPLES * (2 * (784 * 300) + 3 * (300 * 50 + 50 * 300 + 300 * 784));

/// The floor's work: as many multiply-adds as a step, in registers only.
fn multiply_adds(count: usize) -> f32 {
    #[cfg(target_arch = "x86_64")]
    {
        #[expect(unsafe_code, reason = "functions compiled for a detected processor")]
        if is_x86_feature_detected!("avx512f") {
            // SAFETY: the processor has the feature.
            return unsafe { chains_avx512(count) };
        } else if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
            // SAFETY: the processor has the features.
            return unsafe { chains_avx2(count) };
        }
    }
    let mut sums: [f32; 64] = black_box(std::array::from_fn(|i| i as f32));
    let (a, b) = (black_box(0.999f32), black_box(0.001f32));
    for _ in 0..count / 64 {
        sums.iter_mut().for_each(|s| *s = *s * a + b);
    }
    black_box(sums).iter().sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn chains_avx2(count: usize) -> f32 {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    // Different, opaque starts: equal chains would be merged.
    let mut sums: [_; 12] = std::array::from_fn(|i| _mm256_set1_ps(black_box(i as f32)));
    let (a, b) = (_mm256_set1_ps(black_box(0.999)), _mm256_set1_ps(black_box(0.001)));
    for _ in 0..count / (12 * 8) {
        sums.iter_mut().for_each(|s| *s = _mm256_fmadd_ps(*s, a, b));
    }
    sums.iter().map(|&s| _mm256_cvtss_f32(s)).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn chains_avx512(count: usize) -> f32 {
    use std::arch::x86_64::{_mm512_cvtss_f32, _mm512_fmadd_ps, _mm512_set1_ps};
    let mut sums: [_; 16] = std::array::from_fn(|i| _mm512_set1_ps(black_box(i as f32)));
    let (a, b) = (_mm512_set1_ps(black_box(0.999)), _mm512_set1_ps(black_box(0.001)));
    for _ in 0..count / (16 * 16) {
        sums.iter_mut().for_each(|s| *s = _mm512_fmadd_ps(*s, a, b));
    }
    sums.iter().map(|&s| _mm512_cvtss_f32(s)).sum()
}

/// The seconds of the floor of one step of the autoencoder, on two threads.
fn floor() -> f64 {
    let once = || {
        // Twenty steps' work at once, so that starting the thread does not count.
        let begin = Instant::now();
        std::thread::scope(|scope| {
            scope.spawn(|| multiply_adds(10 * MULTIPLY_ADDS));
            black_box(multiply_adds(10 * MULTIPLY_ADDS));
        });
        begin.elapsed().as_secs_f64() / 20.0
    };
    // The least of a few: now and then both threads are put on one core, which doubles it.
    (0..4).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// The seconds that a cache line takes from one thread to another and back. It says how far apart the host runs two
/// virtual processors, which changes by the hour, and a step's time with it.
fn round_trip() -> f64 {
    const TURNS: u32 = 2000;
    let once = || {
        let ball = AtomicU32::new(0);
        let play = |first: u32| {
            for turn in (first..2 * TURNS).step_by(2) {
                let mut looks = 0;
                while ball.load(Ordering::Acquire) != turn {
                    looks += 1;
                    if looks % 10_000 == 0 {
                        std::thread::yield_now(); // both may be on one core
                    }
                    std::hint::spin_loop();
                }
                ball.store(turn + 1, Ordering::Release);
            }
        };
        std::thread::scope(|scope| {
            scope.spawn(|| play(1));
            // The other thread has to be there before it is timed.
            std::thread::sleep(Duration::from_millis(2));
            let begin = Instant::now();
            play(0);
            begin.elapsed().as_secs_f64() / f64::from(TURNS)
        })
    };
    // The least: sometimes both threads are put on one core.
    (0..4).map(|_| once()).fold(f64::INFINITY, f64::min)
}

/// Answers each line of the input with the seconds of a step, of the floor, or of a round trip; the first answer is the
/// engine's name.
fn serve(name: &str, is_ours: bool) {
    let cases = networks::all();
    let case = cases.iter().find(|case| case.name == name).expect("the parent knows the names");
    let (input, target) = case.batch();
    let (mut step, label): (Box<dyn FnMut()>, String) = if is_ours {
        let mut engine = case.engine(EngineOptions::default());
        let label = engine.describe();
        (Box::new(move || engine.step(&input, &target, 0.01, 1).expect("the batch fits")), label)
    } else {
        let mut hand = (case.by_hand)();
        (Box::new(move || hand.step(&input, &target)), "tch by hand".to_string())
    };
    (0..3).for_each(|_| step());
    println!("{label}");
    for line in std::io::stdin().lines() {
        let seconds = match line.expect("the parent writes text").as_str() {
            "floor" => floor(),
            "round trip" => round_trip(),
            _ => {
                step(); // after a pause caches and clocks are cold
                let begin = Instant::now();
                let mut steps = 0;
                while steps < 3 || begin.elapsed() < Duration::from_millis(20) && steps < 20 {
                    step();
                    steps += 1;
                }
                begin.elapsed().as_secs_f64() / f64::from(steps)
            }
        };
        println!("{seconds}");
    }
}

/// A process that serves one variant.
struct Variant {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    label: String,
}

impl Variant {
    fn start(name: &str, way: &str) -> Variant {
        let program = std::env::current_exe().expect("this program has a path");
        let mut command = Command::new(program);
        let mut child = command
            .args(["serve", name, way])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("this program starts");
        let input = child.stdin.take().expect("it is piped");
        let output = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut variant = Variant { child, input, output, label: String::new() };
        variant.label = variant.answer();
        variant
    }

    fn answer(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).expect("the process answers");
        line.trim().to_string()
    }

    fn seconds(&mut self, what: &str) -> f64 {
        // The last one's threads may still be waiting for work.
        std::thread::sleep(Duration::from_millis(10));
        writeln!(self.input, "{what}").expect("the process listens");
        self.answer().parse().expect("the process answers with a number")
    }
}

impl Drop for Variant {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Interleaved rounds, the table of ratios, and as JSON in `file` every round's ratio.
fn ratios(file: Option<&str>) {
    let setting = |name: &str| std::env::var(name).ok();
    let rounds: usize = setting("DIGITS_BENCH_ROUNDS").and_then(|n| n.parse().ok()).unwrap_or(40);
    let only = setting("DIGITS_BENCH_ONLY").unwrap_or_default();
    let mut table = serde_json::Map::new();
    let is_row = |case: &Case| case.group != Group::Sketch && case.name.contains(&only);
    for case in networks::all().iter().filter(|case| is_row(case)) {
        let (mut ours, mut hand) = (Variant::start(case.name, "ours"), Variant::start(case.name, "hand"));
        let mut times: [Vec<f64>; 4] = Default::default();
        let is_slow = ours.seconds("step") > 0.05;
        for _ in 0..if is_slow { rounds.div_ceil(4) } else { rounds } {
            times[0].push(ours.seconds("step"));
            times[1].push(hand.seconds("step"));
            if case.name == "autoencoder" {
                times[2].push(ours.seconds("floor"));
                times[3].push(ours.seconds("round trip"));
            }
        }
        let [mine, others, floor, trips] = &times;
        let over = |others: &[f64]| mine.iter().zip(others).map(|(a, b)| a / b).collect::<Vec<_>>();
        println!(
            "{}: {:.3} ms by {}, {:.3} ms by hand",
            case.name,
            median(mine) * 1e3,
            ours.label,
            median(others) * 1e3
        );
        let mut row = |name: String, ratios: Vec<f64>| {
            println!("    {name:<56} {:>6.3}", median(&ratios));
            table.insert(name, ratios.into());
        };
        if case.name == "autoencoder" {
            println!(
                "    floor: {:.3} ms, round trip of a cache line: {:.0} ns",
                median(floor) * 1e3,
                median(trips) * 1e9
            );
            row("autoencoder over the floor".to_string(), over(floor));
        }
        row(format!("{} over tch by hand", case.name), over(others));
        if !trips.is_empty() {
            table.insert("round trip".to_string(), trips.iter().map(|seconds| seconds * 1e9).collect());
        }
    }
    if let Some(file) = file {
        std::fs::write(file, serde_json::Value::from(table).to_string()).expect("the file can be written");
    }
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for case in networks::all().into_iter().filter(|case| case.group == Group::Small) {
        let (input, target) = case.batch();
        for force_autograd in [false, true] {
            tch::set_num_threads(2);
            let mut engine = case.engine(EngineOptions { force_autograd, ..EngineOptions::default() });
            if !force_autograd && engine.describe() == "autograd" {
                continue;
            }
            let name = format!("{}, {}", case.name, engine.describe());
            group.bench_function(name, |b| {
                b.iter(|| engine.step(&input, &target, 0.01, 1).expect("the batch fits"));
            });
        }
        tch::set_num_threads(2);
        let mut hand = (case.by_hand)();
        group.bench_function(format!("{}, tch by hand", case.name), |b| b.iter(|| hand.step(&input, &target)));
    }
    group.finish();
}

criterion_group!(benches, steps);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some([_, name, way]) = arguments.windows(3).find(|words| words[0] == "serve") {
        return serve(name, way == "ours");
    }
    let at = arguments.iter().position(|argument| argument == "ratios");
    if at.is_none() {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if !arguments.iter().any(|argument| argument == "--test") {
        ratios(at.and_then(|at| arguments.get(at + 1)).map(String::as_str).filter(|word| !word.starts_with('-')));
    }
}
