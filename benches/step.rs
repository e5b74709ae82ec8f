//! One training step at batch 64: our engines against the same network hand-written with tch, and against the floor,
//! the time that the processor's multiply-adds alone take.
//!
//! `cargo bench --bench step` prints criterion's times, then the table of ratios; `-- ratios [FILE]` prints the table
//! only, and writes every round's ratio into FILE as JSON. Other programs disturb wall clocks: the table interleaves
//! its variants and gives medians over the rounds.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

mod networks;

use std::{hint::black_box, time::Instant};

use criterion::{Criterion, criterion_group};

const SAMPLES: usize = networks::SAMPLES as usize;
/// Multiply-adds of a step: forward and weight gradient of every layer, input gradient of all but the first.
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

/// A way to run one step, libtorch's threads for it, and its times by the clock.
struct Variant<'a> {
    name: &'static str,
    threads: i32,
    step: Box<dyn FnMut() + 'a>,
    seconds: Vec<f64>,
}

impl Variant<'_> {
    fn measure(&mut self, steps: u32) {
        tch::set_num_threads(self.threads);
        (self.step)(); // the first one after another variant finds cold caches
        let begin = Instant::now();
        (0..steps).for_each(|_| (self.step)());
        self.seconds.push(begin.elapsed().as_secs_f64() / f64::from(steps));
    }
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Interleaved rounds, the table of ratios, and as JSON in `file` every round's ratio.
fn ratios(file: Option<&str>) {
    let rounds: usize = std::env::var("DIGITS_BENCH_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(40);
    let cases = [networks::autoencoder(), networks::lenet(), networks::normalised()];
    let floor = || {
        std::thread::scope(|scope| {
            scope.spawn(|| multiply_adds(10 * MULTIPLY_ADDS));
            black_box(multiply_adds(10 * MULTIPLY_ADDS));
        });
    };
    let mut variants = vec![
        // Twenty steps' work at once on two threads, so that starting the thread does not count.
        Variant { name: "floor of the autoencoder", threads: 2, step: Box::new(floor), seconds: vec![] },
    ];
    for case in &cases {
        let (input, target) = (&case.input, &case.target);
        let mut ours = case.engine(false);
        println!("{}: {}", case.name, ours.describe());
        // The engine has set libtorch's threads as it wants them.
        let threads = tch::get_num_threads();
        let step = move || ours.step(input, target, 0.01, 1).expect("the batch fits");
        variants.push(Variant { name: case.name, threads, step: Box::new(step), seconds: vec![] });
        let mut hand = (case.by_hand)();
        let step = Box::new(move || hand.step(input, target));
        variants.push(Variant { name: "tch by hand", threads: 2, step, seconds: vec![] });
    }
    for round in 0..=rounds {
        for variant in &mut variants {
            variant.measure(if variant.name.starts_with("floor") { 1 } else { 10 });
        }
        if round == 0 {
            variants.iter_mut().for_each(|v| v.seconds.clear());
        }
    }
    variants[0].seconds.iter_mut().for_each(|seconds| *seconds /= 20.0);
    let over = |a: &Variant<'_>, b: &Variant<'_>| -> Vec<f64> {
        a.seconds.iter().zip(&b.seconds).map(|(a, b)| a / b).collect()
    };
    let mut table = vec![("autoencoder over the floor".to_string(), over(&variants[1], &variants[0]))];
    for pair in variants[1..].chunks(2) {
        table.push((format!("{} over tch by hand", pair[0].name), over(&pair[0], &pair[1])));
    }
    for v in &variants {
        println!("{:<40} {:>8.3} ms", v.name, median(&v.seconds) * 1e3);
    }
    for (name, ratios) in &table {
        println!("{name:<60} {:>6.3}", median(ratios));
    }
    if let Some(file) = file {
        let json: serde_json::Map<_, _> = table.into_iter().map(|(name, ratios)| (name, ratios.into())).collect();
        std::fs::write(file, serde_json::Value::from(json).to_string()).expect("the file can be written");
    }
}

fn steps(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("step");
    for case in [networks::autoencoder(), networks::lenet(), networks::normalised()] {
        for force_autograd in [false, true] {
            tch::set_num_threads(2);
            let mut engine = case.engine(force_autograd);
            let name = format!("{}, {}", case.name, engine.describe());
            group.bench_function(name, |b| {
                b.iter(|| engine.step(&case.input, &case.target, 0.01, 1).expect("the batch fits"));
            });
        }
        tch::set_num_threads(2);
        let mut hand = (case.by_hand)();
        group
            .bench_function(format!("{}, tch by hand", case.name), |b| b.iter(|| hand.step(&case.input, &case.target)));
    }
    group.finish();
}

criterion_group!(benches, steps);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let at = arguments.iter().position(|argument| argument == "ratios");
    if at.is_none() {
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if !arguments.iter().any(|argument| argument == "--test") {
        ratios(at.and_then(|at| arguments.get(at + 1)).map(String::as_str).filter(|word| !word.starts_with('-')));
    }
}
