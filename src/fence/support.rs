//! `support`: what a fence holds on this kernel, found by trying it.

use std::{fs, io, net::UdpSocket, thread};

use serde::Serialize;

use super::{calls, files, reach::Reach};

/// What a fence holds here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Support {
    /// The kernel's version of Landlock; none before Linux 5.13 and where it is switched off.
    pub landlock: Option<i32>,
    /// Whether a file that was not named was refused.
    pub files: bool,
    /// Whether a socket was refused.
    pub network: bool,
    /// Whether a new process was refused.
    pub programs: bool,
}

/// Fences a thread that ends thereafter, and tries there what a fence refuses.
#[must_use]
pub fn support() -> Support {
    let tried = thread::Builder::new().name("fenced".into()).spawn(|| {
        let landlock = files::restrict(&Reach::default(), false, true);
        let filtered = calls::refuse(false);
        let refused = |code| move |error: &io::Error| error.raw_os_error() == Some(code);
        let program = std::process::Command::new("/bin/true").spawn();
        Support {
            landlock,
            files: fs::File::open("/etc/passwd").as_ref().err().is_some_and(refused(libc::EACCES)),
            network: filtered && UdpSocket::bind("127.0.0.1:0").as_ref().err().is_some_and(refused(libc::EPERM)),
            programs: filtered && program.as_ref().err().is_some_and(refused(libc::EPERM)),
        }
    });
    tried.ok().and_then(|thread| thread.join().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_in_a_thread_leaves_the_process_as_it_was() {
        let found = support();
        assert_eq!(found.files, found.landlock.is_some(), "{found:?}");
        assert!(fs::File::open("/etc/passwd").is_ok());
        assert!(UdpSocket::bind("127.0.0.1:0").is_ok());
    }
}
