//! Panics as error pages: what one was raised with, and where, noted on the thread that raised it.

use std::{
    any::Any,
    cell::RefCell,
    panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind},
};

use crate::error::{Error, Kind, Result};

thread_local! {
    /// Message and place of this thread's last panic.
    static NOTED: RefCell<Option<(String, String)>> = const { RefCell::new(None) };
}

/// Notes where a panic was raised, for [`words`] on the same thread: the panic hook of a program that runs tasks.
pub fn note(info: &PanicHookInfo<'_>) {
    let Some(place) = info.location() else { return };
    let noted = (message(info.payload()), format!("{}:{}", place.file(), place.line()));
    // A thread that is ending has no such memory any more: then nobody asks for it either.
    let _ = NOTED.try_with(|last| last.try_borrow_mut().map(|mut last| *last = Some(noted)));
}

/// Does the work; a panic becomes an error page, so that a door needs no protection of its own.
///
/// # Errors
/// Those of the work; `Kind::Bug` when it panicked.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    // What the work leaves behind is dropped, or files, which are whole at any moment.
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|payload| Err(page(&*payload)))
}

/// The page for a panic that this thread caught.
pub(super) fn page(payload: &(dyn Any + Send)) -> Error {
    Error::new(Kind::Bug, words(payload)).with_help(format!(
        "this is a bug in {} {}: please report it with the command line\nand the network file; a running job's \
         snapshots are intact",
        env!("CARGO_PKG_NAME"),
        env!("CARGO_PKG_VERSION")
    ))
}

/// What a panic says that this thread caught: `src/x.rs:12: index out of bounds …`. Without its place when [`note`] is
/// not the panic hook, or another thread raised it and handed it on.
#[must_use]
pub fn words(payload: &(dyn Any + Send)) -> String {
    let said = message(payload);
    let place = NOTED.with_borrow(|last| last.as_ref().filter(|(of, _)| *of == said).map(|(_, place)| place.clone()));
    place.map_or_else(|| said.clone(), |place| format!("{place}: {said}"))
}

/// The first line: libtorch's messages carry a C++ stack behind theirs.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<String>().map(String::as_str).or_else(|| payload.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("no message").to_string()
}

#[cfg(test)]
mod tests {
    use std::panic::panic_any;

    use super::*;

    #[test]
    fn each_thread_has_the_words_of_its_own_panic() {
        // The hook of the test binary stays: the note is taken by hand, as the hook would.
        let caught = |text: &'static str| catch_unwind(move || panic_any(text)).unwrap_err();
        let note = |said: &str, place: &str| NOTED.set(Some((said.into(), place.into())));
        let mine = caught("mine\nand a stack");
        note("mine", "src/a.rs:1");
        let other = std::thread::spawn(move || {
            let other = caught("other");
            note("other", "src/b.rs:2");
            words(&*other)
        });
        assert_eq!(other.join().unwrap(), "src/b.rs:2: other");
        assert_eq!(words(&*mine), "src/a.rs:1: mine");
        assert_eq!(words(&*caught("handed on")), "handed on", "an older panic's place");
        assert_eq!(words(&*catch_unwind(|| panic_any(3)).unwrap_err()), "no message");
    }

    #[test]
    fn a_panic_is_a_page() {
        assert_eq!(guarded(|| Ok(3)).unwrap(), 3);
        let page = guarded(|| -> Result<()> { panic_any("a bug\nand a stack") }).unwrap_err();
        assert_eq!((page.kind(), page.kind().exit_status()), (Kind::Bug, 101));
        assert!(page.to_string().starts_with("internal error: a bug\n\n  help: this is a bug in digits-rs "), "{page}");
    }
}
