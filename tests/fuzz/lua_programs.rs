//! Random programs over Lua's library, the whole tensor interface and every class of `nn`, in a fenced machine
//! (`programs.lua` makes the calls). Whatever they do must end in a value or a page: no panic, no signal, no call that
//! outlasts its limit, no memory beyond the limit.
//!
//! An input is one call; a program makes many, and one process many programs.

use std::{
    cell::Cell,
    env, fs, panic,
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use digits::{
    frontend::lua::{
        torch_vm,
        vm::{Limit, Output, VmOptions},
    },
    torch::memory,
};

use crate::{
    supervisor::{Counts, Share, Supervised, number},
    target::seed,
};

/// Seconds among the other tests.
const SECONDS: u64 = 120;
/// Calls of one program; the machine is a new one for the next.
const CALLS: u32 = 2000;
/// Processor time of one program.
const ALLOWED: Duration = Duration::from_secs(5);
/// A program that computes longer hangs: a call that no limit stops.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time on the wall, on however busy a machine.
const LONGEST: Duration = Duration::from_secs(600);
/// Tensor memory of a program, and what its process may reach: a result and what it is made from, and libtorch itself.
const TENSORS: u64 = 512 << 20;
const PROCESS: u64 = 3 << 30;

const PROGRAMS: &str = include_str!("programs.lua");

static PANICS: AtomicU64 = AtomicU64::new(0);

#[test]
fn random_programs_end_in_values_and_pages() {
    let only = number("FUZZ_INPUT");
    let Some(mut share) = Share::of_child() else {
        if let Some(input) = only {
            prepare();
            println!("{:?}", program(seed(), input));
            return;
        }
        let seconds = number("FUZZ_MINUTES").map_or(SECONDS, |minutes| 60 * minutes);
        let test = "lua_programs::random_programs_end_in_values_and_pages";
        let counts = Supervised { name: "tensor programs", test, patience: PATIENCE }.run(seconds, seed());
        let Counts { inputs, other, .. } = counts;
        assert!(inputs > 1000 && other > inputs / 5, "the generator makes no calls that fit: {other} of {inputs}");
        return;
    };
    prepare();
    let (mut counts, mut input) = (Counts::default(), share.from);
    while share.goes_on(input) {
        let began = Instant::now();
        let (calls, fine) = program(seed(), input);
        let took = began.elapsed();
        assert!(took < LONGEST, "the program of input {input} took {took:?}");
        let panics = PANICS.load(Ordering::Relaxed);
        assert!(panics == 0, "{panics} panics in input {input}");
        let peak = peak();
        assert!(peak < PROCESS, "{} MiB in input {input}", peak >> 20);
        counts.inputs += calls;
        counts.other += fine;
        counts.pages += calls - fine;
        counts.slowest = counts.slowest.max(took.as_micros() as u64);
        counts.most = counts.most.max(peak);
        input += 1;
        share.tell(&mut counts, false);
    }
    share.tell(&mut counts, true);
}

/// Counts panics, also those that a page hides, and keeps tensors to their limit.
fn prepare() {
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{info}");
    }));
    memory::set_common_limit(TENSORS);
}

/// One program: its calls, and how many of them went well.
fn program(seed: u64, input: u64) -> (u64, u64) {
    let log = env::var_os("FUZZ_LOG").is_some();
    let counted = Rc::new(Cell::new((0u64, 0u64)));
    let count = Rc::clone(&counted);
    let output = Output::new(move |line| match line.strip_prefix("@ ").and_then(|line| line.split_once(' ')) {
        Some((done, fine)) => count.set((done.parse().unwrap(), fine.parse().unwrap())),
        None if log => eprintln!("{line}"),
        None => {}
    });
    let output = output.capped(1 << 30);
    let options = VmOptions { build_time: ALLOWED, hook_time: ALLOWED, output, ..VmOptions::default() };
    let vm = torch_vm(options).unwrap();
    let program = vm.load("programs.lua", PROGRAMS).unwrap();
    // The generator's numbers are below 2^31.
    let number = (seed.wrapping_mul(1_000_003) + input) % 2_000_000_011;
    let made = vm.guard(Limit::Build, "in a random program", || program.call::<()>((number, CALLS, log)));
    if log {
        eprintln!("input {input}: {made:?}");
    }
    // Up to the call that went well last, also where the program's limit ended it.
    counted.get()
}

/// Most resident memory of this process so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}
