//! libtorch's own threads.

/// Does `work` with libtorch on one thread, and gives it the others back. For many small operations: a second thread
/// gains nothing there, and spins for a millisecond after each of them.
///
/// A number that `work` itself sets (`torch.setnumthreads`) is left as it is.
pub fn on_one_thread<T>(work: impl FnOnce() -> T) -> T {
    let threads = tch::get_num_threads();
    tch::set_num_threads(1);
    let done = work();
    if tch::get_num_threads() == 1 {
        tch::set_num_threads(threads);
    }
    done
}
