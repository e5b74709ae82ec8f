//! Random programs over Lua's library, the whole tensor interface and every class of `nn`, in a fenced machine
//! (`programs.lua` makes the calls). Whatever they do must end in a value or a page: no panic, no signal, no call that
//! outlasts its limit, no memory beyond the limit.
//!
//! Programs run in a child process, a batch of seeds each, which this file starts and watches.

use std::{
    cell::Cell,
    env, fs,
    io::Read,
    panic,
    process::{Command, Stdio},
    rc::Rc,
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use digits::{
    frontend::lua::{
        torch_vm,
        vm::{Limit, Output, VmOptions},
    },
    torch::memory,
};

/// Seconds of all batches together among the other tests.
const SECONDS: u64 = 20;
/// Seconds of one child.
const BATCH: u64 = 10;
/// Calls of one program; the machine is a new one for the next.
const CALLS: u32 = 2000;
/// Processor time of one program.
const ALLOWED: Duration = Duration::from_secs(5);
/// Time on the wall, on however busy a machine: a call that no limit stops takes longer.
const LONGEST: Duration = Duration::from_secs(300);
/// Tensor memory of a program, and what its process may reach: a result and what it is made from, and libtorch itself.
const TENSORS: u64 = 512 << 20;
const PROCESS: u64 = 3 << 30;

const PROGRAMS: &str = include_str!("programs.lua");

static PANICS: AtomicU64 = AtomicU64::new(0);

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

#[test]
fn random_programs_end_in_values_and_pages() {
    let (all, first) = (number("FUZZ_SECONDS", SECONDS), number("FUZZ_SEED", 1));
    let (began, mut seed) = (Instant::now(), first);
    let (mut calls, mut fine, mut programs, mut wrong) = (0, 0, 0, Vec::new());
    while began.elapsed() < Duration::from_secs(all) {
        let seconds = BATCH.min(all);
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["lua_programs::a_batch", "--exact", "--nocapture", "--ignored"])
            .env("FUZZ_BATCH", seed.to_string())
            .env("FUZZ_BATCH_SECONDS", seconds.to_string())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (mut out, mut err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let texts = thread::spawn(move || {
            let (mut text, mut errors) = (String::new(), Vec::new());
            out.read_to_string(&mut text).unwrap();
            let _ = err.read_to_end(&mut errors);
            (text, String::from_utf8_lossy(&errors).into_owned())
        });
        let patience = Duration::from_secs(20 * seconds + 400);
        let started = Instant::now();
        let status = loop {
            match child.try_wait().unwrap() {
                Some(status) => break Some(status),
                None if started.elapsed() > patience => {
                    let _ = child.kill();
                    let _ = child.wait();
                    break None;
                }
                None => thread::sleep(Duration::from_millis(50)),
            }
        };
        let (text, errors) = texts.join().unwrap();
        let field = |name: &str| {
            text.lines().rev().find_map(|line| line.strip_prefix(name)).and_then(|rest| rest.trim().parse::<u64>().ok())
        };
        calls += field("calls").unwrap_or(0);
        fine += field("fine").unwrap_or(0);
        programs += field("programs").unwrap_or(0);
        let last = field("next").unwrap_or(seed);
        if status.is_none_or(|status| !status.success()) {
            let tail: Vec<&str> = errors.lines().rev().filter(|line| !line.trim().is_empty()).take(12).collect();
            let tail: Vec<&str> = tail.into_iter().rev().collect();
            wrong.push(format!("seed {last}: {status:?}\n{}", tail.join("\n")));
        }
        seed = last + 1;
    }
    println!("{calls} calls in {programs} programs, {fine} went well, {} batches failed", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    assert!(calls > 1000 && fine > calls / 5, "the generator makes no calls that fit: {fine} of {calls}");
}

/// One child's share. The last line `next` names the seed that was running when it died.
#[test]
#[ignore = "the other test starts it as a process of its own"]
fn a_batch() {
    let Ok(first) = env::var("FUZZ_BATCH") else { return };
    panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        eprintln!("{info}");
    }));
    memory::set_common_limit(TENSORS);
    let (began, seconds) = (Instant::now(), number("FUZZ_BATCH_SECONDS", BATCH));
    let (mut seed, mut calls, mut programs) = (first.parse::<u64>().unwrap(), 0u64, 0u64);
    let mut fine = 0u64;
    loop {
        println!("next {seed}");
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
        let began_one = Instant::now();
        let made = vm.guard(Limit::Build, "in a random program", || program.call::<()>((seed, CALLS, log)));
        let took = began_one.elapsed();
        if log {
            eprintln!("seed {seed}: {made:?} after {took:?}");
        }
        assert!(took < LONGEST, "the program of seed {seed} took {took:?}");
        // Up to the call that went well last, also where the program's limit ended it.
        let (made, went_well) = counted.get();
        calls += made;
        fine += went_well;
        programs += 1;
        let panics = PANICS.load(Ordering::Relaxed);
        println!("calls {calls}\nfine {fine}\nprograms {programs}");
        assert!(panics == 0, "{panics} panics at seed {seed}");
        drop(program);
        drop(vm);
        let peak = peak();
        assert!(peak < PROCESS, "{} MiB at seed {seed}", peak >> 20);
        if began.elapsed() > Duration::from_secs(seconds) {
            break;
        }
        seed += 1;
    }
}

/// Most resident memory of this process so far, in bytes.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_ascii_whitespace().next().unwrap().parse::<u64>().unwrap() << 10
}
