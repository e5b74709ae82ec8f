//! Before `main`: while libtorch's initialisers run on one core, another opens and decodes the dataset of `run`.
//!
//! The dynamic loader calls [`before_main`] when all libraries are in place and none is initialised. Why it is worth
//! it, and what is allowed there, is in decision 8.

use std::{
    ffi::{CStr, OsStr, OsString, c_char, c_int},
    os::unix::ffi::OsStrExt,
    sync::{Mutex, PoisonError},
};

use super::{
    command::{self, Cli, Command},
    early_thread,
};
use crate::{
    data::{HeadStart, Wanted},
    fence::{self, Reach},
    tasks::{prepare, reach},
};

/// What the loader calls: with the arguments and the environment of `main`.
pub type BeforeMain = unsafe extern "C" fn(c_int, *const *const c_char, *const *const c_char);

static BEGUN: Mutex<Option<HeadStart>> = Mutex::new(None);

/// Starts the thread when the command is `run`; everything else happens there.
///
/// # Safety
/// `words` holds `count` C strings that live as long as the process, as the arguments of `main` do.
#[expect(unsafe_code, reason = "the standard library does not know the arguments yet")]
pub unsafe extern "C" fn before_main(count: c_int, words: *const *const c_char, _environment: *const *const c_char) {
    let word = |at: usize| {
        // SAFETY: as the caller promises; `at` is below `count`.
        let text = unsafe { CStr::from_ptr(*words.add(at)) };
        OsStr::from_bytes(text.to_bytes()).to_os_string()
    };
    let words: Vec<OsString> = (0..usize::try_from(count).unwrap_or(0)).map(word).collect();
    if words.get(1).is_none_or(|word| word != "run") {
        return;
    }
    let begun = HeadStart::begin(move || find(words));
    if begun.is_some() {
        early_thread::note();
    }
    *BEGUN.lock().unwrap_or_else(PoisonError::into_inner) = begun;
}

/// The dataset that the command line will want, when that is plain; mistakes are `main`'s to tell. From here on the thread
/// reads nothing else: it shares its memory with the thread that will run the network file, and a fence that leaves out one
/// thread is none.
fn find(words: Vec<OsString>) -> Option<Wanted> {
    let _fenced = early_thread::Fenced;
    let args = match command::parsed(words) {
        Ok(Cli { command: Command::Run(args) }) => Some(args),
        _ => None,
    };
    let is_fenced = args.as_ref().is_none_or(|args| !args.fence.is_off());
    let wanted = args.and_then(|args| prepare::wanted(args.data_ahead()?));
    if is_fenced {
        let dataset = wanted.as_ref().map_or_else(Reach::default, |wanted| reach::dataset(&wanted.place));
        fence::enter_thread(&Reach::system().and(dataset));
    }
    wanted
}

/// What was begun, for the first who asks.
pub(super) fn take() -> Option<HeadStart> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner).take()
}
