//! `Options`: what a network file in Python may use up, and where its `print` goes.

use std::{rc::Rc, time::Duration};

/// Limits of one interpreter.
#[derive(Clone)]
pub struct Options {
    /// Bytes that the file's values may take at a time.
    pub memory_limit: usize,
    /// Processor time of one [`run`](super::Interpreter::run) or [`call`](super::Interpreter::call) from outside.
    pub processor_time: Duration,
    /// Time by the clock on the wall for the same.
    pub wall_time: Duration,
    /// Calls within calls, as Python's own limit.
    pub recursion_limit: usize,
    /// Bytes that the file may print; the rest is dropped.
    pub print_limit: usize,
    /// Takes each line that the file prints, without its newline.
    pub print: Rc<dyn Fn(&str)>,
}

impl Default for Options {
    /// A pasted file: 256 MiB, 10 s of processor time within ten minutes, 1000 nested calls, 1 MiB printed, into the void.
    fn default() -> Self {
        Options {
            memory_limit: 256 << 20,
            processor_time: Duration::from_secs(10),
            wall_time: Duration::from_secs(600),
            recursion_limit: 1000,
            print_limit: 1 << 20,
            print: Rc::new(|_| {}),
        }
    }
}
