//! Advice to the system about a mapped file.

use std::fs;

/// How a mapping is going to be read.
#[derive(Clone, Copy)]
pub(super) enum Advice {
    /// From its start to its end: what follows is read ahead.
    InOrder = libc::MADV_SEQUENTIAL as isize,
    /// Anywhere: a page at a time.
    Anywhere = libc::MADV_RANDOM as isize,
    /// Not now: resident pages are unmapped. A later read brings a page back from the system's cache.
    NotNow = libc::MADV_DONTNEED as isize,
}

/// Gives advice about all of this process' mappings of the file (device, inode).
pub(super) fn advise(file: (u64, u64), advice: Advice) {
    let Ok(maps) = fs::read_to_string("/proc/self/maps") else { return };
    for (start, end) in maps.lines().filter_map(|line| range(line, file)) {
        #[expect(unsafe_code, reason = "advice to the system has no safe form in std")]
        // SAFETY: the range is a shared mapping of the file that is only read: no advice here drops contents of it.
        unsafe {
            libc::madvise(start as *mut libc::c_void, end - start, advice as libc::c_int);
        }
    }
}

/// Starts reading a value of a mapped file that is not in the system's cache, and does not wait for it. Without it, a
/// value is read page by page, each waited for.
pub(super) fn read_ahead((address, length): (usize, usize)) {
    // Pages have this size or a multiple of it, and the system rounds the end up.
    let start = address & !(PAGE - 1);
    #[expect(unsafe_code, reason = "advice to the system has no safe form in std")]
    // SAFETY: WILLNEED changes no contents, whatever the range.
    unsafe {
        libc::madvise(start as *mut libc::c_void, address + length - start, libc::MADV_WILLNEED);
    }
}

pub(super) const PAGE: usize = 4096;

/// The addresses of a line of `/proc/self/maps` that is a shared, read-only mapping of the file.
fn range(line: &str, (device, inode): (u64, u64)) -> Option<(usize, usize)> {
    let mut words = line.split_ascii_whitespace();
    let (addresses, rights) = (words.next()?, words.next()?);
    let (_, number, file) = (words.next()?, words.next()?, words.next()?);
    let (major, minor) = number.split_once(':')?;
    let hex = |text: &str| u32::from_str_radix(text, 16).ok();
    let same = libc::makedev(hex(major)?, hex(minor)?) == device && file.parse::<u64>().ok()? == inode;
    let (start, end) = addresses.split_once('-')?;
    let address = |text: &str| usize::from_str_radix(text, 16).ok();
    (same && rights == "r--s").then_some((address(start)?, address(end)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_file_s_own_shared_mapping_is_taken() {
        let line = "7f00a000-7f00c000 r--s 00000000 fe:01 77 /data/train_db/data.mdb";
        let file = (libc::makedev(0xfe, 1), 77);
        assert_eq!(range(line, file), Some((0x7f00_a000, 0x7f00_c000)));
        assert_eq!(range(line, (file.0, 78)), None);
        assert_eq!(range(line, (libc::makedev(0xfe, 2), 77)), None);
        assert_eq!(range(&line.replace("r--s", "rw-p"), file), None, "private pages would be lost");
        assert_eq!(range("", file), None);
    }
}
