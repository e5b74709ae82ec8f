//! The wall around a process that runs pasted text or reads strangers' data: what it may use.

use std::{
    fs::File,
    os::fd::{FromRawFd as _, OwnedFd},
};

use crate::error::{Error, Kind, Result};

/// What a training's priority is lowered by: enough that a check answers at once beside it, and nothing where it is alone.
const PRIORITY: libc::c_int = 3;

/// What a process that answers questions is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wall {
    /// Checks pasted text: no file is written.
    Pasted,
    /// Looks at data that strangers may have made.
    Look,
    /// Makes a dataset.
    Make,
    /// Runs the network of one job.
    Test,
}

impl Wall {
    /// As the command line has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Wall::Pasted => "pasted",
            Wall::Look => "look",
            Wall::Make => "make",
            Wall::Test => "test",
        }
    }

    /// The one of this word.
    #[must_use]
    pub fn of_word(word: &str) -> Option<Wall> {
        [Wall::Pasted, Wall::Look, Wall::Make, Wall::Test].into_iter().find(|wall| wall.word() == word)
    }
}

/// Sets what this process and all that come from it may use.
///
/// # Errors
/// When the system refuses.
pub(super) fn set(wall: Wall) -> Result<()> {
    let mut limits = vec![(libc::RLIMIT_CORE, 0)];
    if wall == Wall::Pasted {
        limits.push((libc::RLIMIT_FSIZE, 0));
    }
    for (what, most) in limits {
        let limit = libc::rlimit { rlim_cur: most, rlim_max: most };
        #[expect(unsafe_code, reason = "the standard library sets no limits")]
        // SAFETY: the pointer is to a live value of the right type; setrlimit keeps nothing.
        let status = unsafe { libc::setrlimit(what, &raw const limit) };
        if status != 0 {
            let source = std::io::Error::last_os_error();
            return Err(Error::new(Kind::Io, "cannot limit what the process uses").with_cause(source.to_string()));
        }
    }
    Ok(())
}

/// Lets what somebody waits for at the page go before this process, where both want the processor.
pub(super) fn give_way() {
    #[expect(unsafe_code, reason = "the standard library sets no priorities")]
    // SAFETY: setpriority takes plain numbers; 0 is this process. That it fails changes nothing but who waits.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, PRIORITY);
    }
}

/// The process's standard output for this crate alone: what anything else prints goes to standard error.
///
/// # Errors
/// When there is none.
pub(super) fn private_stdout() -> Result<File> {
    #[expect(unsafe_code, reason = "the standard library cannot move a descriptor")]
    // SAFETY: both calls take plain numbers; `dup` gives a descriptor that nobody else owns.
    let own = unsafe {
        let own = libc::dup(1);
        if own < 0 || libc::dup2(2, 1) < 0 { None } else { Some(OwnedFd::from_raw_fd(own)) }
    };
    own.map(File::from).ok_or_else(|| Error::new(Kind::Io, "there is no standard output"))
}
