//! The language as a whole: what CPython prints, the pages of mistakes, files that mean harm, native objects.

mod cpython;
mod fence;
mod natives;
mod pages;

use std::{cell::RefCell, rc::Rc};

use super::{Interpreter, Options};
use crate::error::Error;

/// What a text prints, and the page that ended it.
fn run(text: &str) -> (String, Option<Error>) {
    run_with(text, Options::default(), |_| {})
}

/// As [`run`], with limits and with what `set_up` defines.
fn run_with(text: &str, options: Options, set_up: impl FnOnce(&Interpreter)) -> (String, Option<Error>) {
    let lines = Rc::new(RefCell::new(String::new()));
    let sink = Rc::clone(&lines);
    let print = Rc::new(move |line: &str| {
        let mut lines = sink.borrow_mut();
        lines.push_str(line);
        lines.push('\n');
    });
    let interpreter = Interpreter::new(Options { print, ..options }, []);
    set_up(&interpreter);
    let page = interpreter.run("net.py", text).err();
    drop(interpreter);
    let printed = lines.borrow().clone();
    (printed, page)
}
