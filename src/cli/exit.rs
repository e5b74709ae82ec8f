//! The end of the process.

use std::io::Write as _;

use super::report;

/// Ends the process with this exit status, without the destructors of libtorch's tables: they take 70 ms to free
/// memory that the system takes back anyway.
pub fn end(status: u8) -> ! {
    let status = report::guarded_output(std::io::stdout().flush(), status);
    let _ = std::io::stderr().flush();
    #[expect(unsafe_code, reason = "C code has buffers of its own")]
    // SAFETY: fflush(NULL) writes out what C code buffered (a trusted script's io.write).
    let flushed = unsafe { libc::fflush(std::ptr::null_mut()) };
    let flushed = if flushed == 0 { Ok(()) } else { Err(std::io::Error::last_os_error()) };
    end_now(report::guarded_output(flushed, status))
}

/// Ends the process with this exit status and nothing else: for a thread beside the one that works.
pub(super) fn end_now(status: u8) -> ! {
    #[expect(unsafe_code, reason = "the standard library's exit runs every destructor of the process")]
    // SAFETY: _exit takes any number.
    unsafe {
        libc::_exit(i32::from(status))
    }
}
