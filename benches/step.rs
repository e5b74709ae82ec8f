//! One training step of the seed's autoencoder at batch 64: our engines against libtorch written by hand, and against
//! the floor, the time that the processor's multiply-adds alone take.
//!
//! `cargo bench --bench step` prints criterion's times, then the table of ratios; `-- ratios` prints the table only.
//! Other programs disturb wall clocks: the table interleaves its variants and gives medians over the rounds, and a
//! second column in processor time of one thread, which a busy machine changes little.
#![expect(clippy::print_stdout, reason = "a bench tells its numbers")]

#[path = "../src/train/engine/sample.rs"]
#[expect(clippy::unwrap_used, reason = "shared with the tests; a bench may fail by panicking")]
mod sample;

use std::{hint::black_box, time::Instant};

use criterion::{Criterion, criterion_group};
use digits::{
    error, nn,
    nn::Activity,
    optim::OptimizerSpec,
    torch,
    torch::TensorType,
    train::engine::{Engine, EngineOptions, engine},
};
use sample::{Sample, batch};

const SAMPLES: usize = 64;
/// Multiply-adds of a step: forward and weight gradient of every layer, input gradient of all but the first.
const MULTIPLY_ADDS: usize = SAMPLES * (2 * (784 * 300) + 3 * (300 * 50 + 50 * 300 + 300 * 784));

fn make(threads: usize, force_autograd: bool) -> Box<dyn Engine> {
    let options = EngineOptions { batch_size: SAMPLES, threads, force_autograd };
    let network = Sample::autoencoder().network(TensorType::FLOAT);
    engine(network, &OptimizerSpec::default(), &options).expect("the autoencoder trains")
}

/// The same step as anyone would write it with tch: `nn::seq` and SGD, here with Torch's dampening.
struct ByHand {
    store: tch::nn::VarStore,
    net: tch::nn::Sequential,
    optimizer: tch::nn::Optimizer,
}

impl ByHand {
    fn new() -> ByHand {
        use tch::nn::{self, OptimizerConfig};
        let store = nn::VarStore::new(tch::Device::Cpu);
        let mut net = nn::seq();
        for (i, (a, b)) in [(784, 300), (300, 50), (50, 300), (300, 784)].into_iter().enumerate() {
            net = net.add(nn::linear(store.root() / i, a, b, nn::LinearConfig::default()));
            net = if i < 3 { net.add_fn(tch::Tensor::relu) } else { net };
        }
        let optimizer = nn::sgd(0.9, 0.9, 1e-4, false).build(&store, 0.01).expect("the settings are right");
        ByHand { store, net, optimizer }
    }

    fn step(&mut self, input: &tch::Tensor) {
        use tch::nn::Module;
        let target = input.view([-1, 784]);
        let output = self.net.forward(&(&target * 0.003_906_25));
        let loss = output.mse_loss(&target, tch::Reduction::Mean);
        self.optimizer.backward_step(&loss);
        black_box(&self.store);
    }
}

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

/// Processor time of this thread, in seconds.
#[expect(unsafe_code, reason = "a system call without a safe form in std")]
fn thread_seconds() -> f64 {
    let mut now = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `now` is a timespec to be filled.
    unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut now) };
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}

/// A way to run one step, its times by the clock and by this thread's processor time.
struct Variant<'a> {
    name: &'static str,
    step: Box<dyn FnMut() + 'a>,
    wall: Vec<f64>,
    cpu: Vec<f64>,
}

impl Variant<'_> {
    fn measure(&mut self, steps: u32) {
        let (wall, cpu) = (Instant::now(), thread_seconds());
        (0..steps).for_each(|_| (self.step)());
        self.cpu.push((thread_seconds() - cpu) / f64::from(steps));
        self.wall.push(wall.elapsed().as_secs_f64() / f64::from(steps));
    }
}

fn median(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// Interleaved rounds, and the table.
fn ratios() {
    tch::set_num_threads(1);
    let input = batch(SAMPLES as i64, 784, 1);
    let target = Activity::Tensor(input.shallow_clone());
    let run = |mut engine: Box<dyn Engine>| {
        let (input, target) = (&input, &target);
        Box::new(move || engine.step(input, target, 0.01, 1).expect("the batch fits")) as Box<dyn FnMut()>
    };
    let mut hand = ByHand::new();
    let floor2 = || {
        std::thread::scope(|scope| {
            scope.spawn(|| multiply_adds(10 * MULTIPLY_ADDS));
            black_box(multiply_adds(10 * MULTIPLY_ADDS));
        });
    };
    let variant = |name, step| Variant { name, step, wall: vec![], cpu: vec![] };
    let mut variants = vec![
        variant("floor, 1 thread", Box::new(|| _ = black_box(multiply_adds(MULTIPLY_ADDS))) as Box<dyn FnMut()>),
        // Twenty steps' work at once on two threads, so that starting the thread does not count.
        variant("floor, 2 threads (20 steps)", Box::new(floor2)),
        variant("chain, 1 thread", run(make(1, false))),
        variant("chain, 2 threads", run(make(2, false))),
        variant("autograd, 1 thread", run(make(1, true))),
        variant("tch by hand, 1 thread", Box::new(|| hand.step(&input))),
    ];
    for round in 0..42 {
        for variant in &mut variants {
            variant.measure(if variant.name.starts_with("floor, 2") { 1 } else { 20 });
        }
        if round == 0 {
            variants.iter_mut().for_each(|v| (v.wall.clear(), v.cpu.clear()).0);
        }
    }
    variants[1].wall.iter_mut().for_each(|seconds| *seconds /= 20.0);
    println!("{:<28} {:>9} {:>12} {:>22}", "way to run one step", "ms (wall)", "x 2-t floor", "x 1-t floor (cpu time)");
    let (floor_wall, floor_cpu) = (variants[1].wall.clone(), variants[0].cpu.clone());
    for v in &variants {
        let over = |times: &[f64], floor: &[f64]| {
            median(&times.iter().zip(floor).map(|(time, floor)| time / floor).collect::<Vec<_>>())
        };
        let cpu = if v.name.contains("2 threads") { "-".into() } else { format!("{:.2}", over(&v.cpu, &floor_cpu)) };
        println!("{:<28} {:>9.3} {:>12.2} {cpu:>22}", v.name, median(&v.wall) * 1e3, over(&v.wall, &floor_wall));
    }
}

fn steps(criterion: &mut Criterion) {
    let input = batch(SAMPLES as i64, 784, 1);
    let target = Activity::Tensor(input.shallow_clone());
    let mut group = criterion.benchmark_group("step");
    for (name, threads, force_autograd) in [("chain 1", 1, false), ("chain 2", 2, false), ("autograd", 1, true)] {
        let mut engine = make(threads, force_autograd);
        group.bench_function(name, |b| b.iter(|| engine.step(&input, &target, 0.01, 1).expect("the batch fits")));
    }
    let mut hand = ByHand::new();
    group.bench_function("tch by hand", |b| b.iter(|| hand.step(&input)));
    group.finish();
}

criterion_group!(benches, steps);

fn main() {
    if !std::env::args().any(|arg| arg == "ratios") {
        tch::set_num_threads(1);
        benches();
        Criterion::default().configure_from_args().final_summary();
    }
    if !std::env::args().any(|arg| arg == "--test") {
        ratios();
    }
}
