//! Memory that only libtorch's start-up needed.

use std::ffi::{CStr, c_int, c_void};

/// Unmaps, for now, the resident pages of libtorch's code and constants. Its initialisers walk through some 50 MiB of
/// them to register operators that a run never calls; what is called comes back from the system's cache.
pub fn give_back_pages() {
    #[cfg(target_os = "linux")]
    #[expect(unsafe_code, reason = "the dynamic loader's list of libraries has no safe form in std")]
    // SAFETY: the callback matches the type that dl_iterate_phdr wants, and keeps nothing.
    unsafe {
        libc::dl_iterate_phdr(Some(give_back), std::ptr::null_mut());
    }
}

#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "as above")]
unsafe extern "C" fn give_back(library: *mut libc::dl_phdr_info, _size: usize, _: *mut c_void) -> c_int {
    // SAFETY: the loader passes a valid description for the time of the call.
    let library = unsafe { &*library };
    // SAFETY: its name is a C string.
    let name = unsafe { CStr::from_ptr(library.dlpi_name) };
    if !name.to_bytes().ends_with(b"/libtorch_cpu.so") {
        return 0;
    }
    // SAFETY: the loader's own table, of that length.
    let segments = unsafe { std::slice::from_raw_parts(library.dlpi_phdr, usize::from(library.dlpi_phnum)) };
    // A segment without the right to write holds nothing but the file: relocated data is in the writable one.
    for segment in segments.iter().filter(|s| s.p_type == libc::PT_LOAD && s.p_flags & libc::PF_W == 0) {
        let page = 4096 - 1;
        let start = (library.dlpi_addr + segment.p_vaddr) as usize & !page;
        let end = (library.dlpi_addr + segment.p_vaddr + segment.p_filesz) as usize;
        // SAFETY: private mappings of a file that nobody wrote to: DONTNEED drops no contents of it.
        unsafe {
            libc::madvise(start as *mut c_void, end - start, libc::MADV_DONTNEED);
        }
    }
    0
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Resident pages of the file in KiB: `RssFile` of /proc/self/status.
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status.lines().find(|line| line.starts_with("RssFile")).unwrap();
        line.split_ascii_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[test]
    fn libtorch_works_on_with_fewer_pages() {
        let sum = || tch::Tensor::ones([100, 100], (tch::Kind::Float, tch::Device::Cpu)).sum(tch::Kind::Float);
        let before = (f64::try_from(sum()).unwrap(), resident());
        give_back_pages();
        assert!(resident() + 10_000 < before.1, "{} KiB of {}", resident(), before.1);
        assert_eq!(f64::try_from(sum()).unwrap(), before.0);
    }
}
