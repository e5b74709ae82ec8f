//! libtorch's own threads.

use std::{
    sync::mpsc::{Sender, channel},
    thread,
};

/// Does `work` with libtorch on one thread, and gives it the others back. For many small operations: a second thread
/// gains nothing there, and spins for a millisecond after each of them.
///
/// A number that `work` itself sets (`torch.setnumthreads`) is left as it is.
pub fn on_one_thread<T>(work: impl FnOnce() -> T) -> T {
    let _others = OthersAfterwards(tch::get_num_threads());
    tch::set_num_threads(1);
    work()
}

/// Gives libtorch so many threads back when it is dropped, also by a panic, unless it has another number than one then.
struct OthersAfterwards(i32);

impl Drop for OthersAfterwards {
    fn drop(&mut self) {
        if tch::get_num_threads() == 1 {
            tch::set_num_threads(self.0);
        }
    }
}

/// While it lives, libgomp's threads wait shortly for each other: a hundred looks, then asleep.
///
/// Otherwise they spin for a millisecond or more, and where another program wants the processors a spinning thread keeps
/// those from running that it waits for. On a quiet machine long waits are right, since waking costs more. The numbers
/// are in decision 12.
///
/// libgomp reads its setting, `GOMP_SPINCOUNT`, before `main` and never again; but it also waits shortly when it has
/// more threads than there are processors (`gomp_managed_threads` in GCC's `libgomp/config/linux/wait.h`). So a second
/// set of its threads is made, which sleeps.
pub struct ShortWaits {
    /// Dropped to end the thread.
    _stop: Sender<()>,
}

impl ShortWaits {
    /// Begins; `None` when libtorch has one thread here, which waits for none, or the system gives no other.
    #[must_use]
    pub fn begin() -> Option<ShortWaits> {
        if tch::get_num_threads() < 2 {
            return None;
        }
        let (stop, stopped) = channel::<()>();
        let work = move || {
            // Each thread that shares out work has a set of its own: here, with the other one, more than there are
            // processors. Enough numbers are filled to be worth sharing (libtorch's `GRAIN_SIZE` is 32,768).
            let before = tch::get_num_threads();
            tch::set_num_threads(thread::available_parallelism().map_or(1, usize::from) as i32);
            let numbers = tch::Tensor::f_zeros([1 << 21], (tch::Kind::Uint8, tch::Device::Cpu));
            let _ = numbers.and_then(|mut numbers| numbers.f_fill_(1));
            // New threads begin with the number that was set last.
            tch::set_num_threads(before);
            let _ = stopped.recv();
        };
        // Not joined: a thread that ends takes its set with it.
        thread::Builder::new().name("short waits".into()).spawn(work).ok()?;
        Some(ShortWaits { _stop: stop })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        time::{Duration, Instant},
    };

    use super::*;

    /// Threads of this process with the name of the one that made them.
    fn named(name: &str) -> usize {
        let tasks = fs::read_dir("/proc/self/task").unwrap().flatten();
        tasks.filter(|task| fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim() == name)).count()
    }

    #[test]
    fn libtorch_has_one_thread_meanwhile_and_its_others_afterwards() {
        // A thread's own number, and that of threads to come.
        let before = tch::get_num_threads();
        tch::set_num_threads(3);
        assert_eq!(on_one_thread(tch::get_num_threads), 1);
        assert_eq!(tch::get_num_threads(), 3);
        assert!(std::panic::catch_unwind(|| on_one_thread(|| panic!("a bug"))).is_err());
        assert_eq!(tch::get_num_threads(), 3, "also after a panic");
        on_one_thread(|| tch::set_num_threads(2));
        assert_eq!(tch::get_num_threads(), 2, "the number that the work set is kept");
        tch::set_num_threads(before);
    }

    #[test]
    fn short_waits_are_a_second_set_of_threads() {
        let wanted = thread::available_parallelism().unwrap().get();
        let before = tch::get_num_threads();
        tch::set_num_threads(1);
        assert!(ShortWaits::begin().is_none());
        tch::set_num_threads(2);
        let until = |count: usize| {
            let begun = Instant::now();
            while named("short waits") != count {
                assert!(begun.elapsed() < Duration::from_secs(60), "{} threads, not {count}", named("short waits"));
                thread::sleep(Duration::from_millis(2));
            }
        };
        let waits = ShortWaits::begin().unwrap();
        until(wanted);
        drop(waits);
        until(0);
        tch::set_num_threads(before);
    }
}
