//! The library of `graphs.cpp`: built into the program, opened from memory beside `libtorch_cuda.so`.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    fs::File,
    io::Write,
    mem::transmute,
    os::fd::{AsRawFd, FromRawFd},
    path::Path,
    sync::OnceLock,
};

use crate::torch::{
    Library,
    device::{self, CudaStatus, cuda_status},
};

/// Empty where the headers it is built from were missing.
const BYTES: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/digits_cuda.so"));

type Text = *const c_char;

// The kinds of functions in graphs.cpp: of a device's number, of a graph. Those that give a text give null when all went well.
type Constant = unsafe extern "C" fn() -> Text;
type OfDevice = unsafe extern "C" fn(c_int) -> Text;
type IntoSize = unsafe extern "C" fn(c_int, *mut usize) -> Text;
type IntoGraph = unsafe extern "C" fn(c_int, *mut *mut c_void) -> Text;
type OfGraph = unsafe extern "C" fn(*mut c_void) -> Text;
type Ends = unsafe extern "C" fn(*mut c_void);

/// The functions of `graphs.cpp`; a text is good until the thread's next call.
#[derive(Clone, Copy)]
pub(super) struct Functions {
    pub(super) free_memory: IntoSize,
    pub(super) begin: OfDevice,
    pub(super) record: IntoGraph,
    pub(super) finish: OfGraph,
    pub(super) abandon: Ends,
    pub(super) replay: OfGraph,
    pub(super) release: OfGraph,
}

/// Whether steps can be recorded on this machine; if not, why, in words.
///
/// # Errors
/// The reason.
pub fn readiness() -> Result<(), String> {
    match cuda_status() {
        CudaStatus::Ready { .. } => functions().map(|_| ()),
        CudaStatus::Off { reason } => Err(format!("CUDA is off: {reason}")),
    }
}

/// The functions, opened at the first call.
pub(super) fn functions() -> Result<Functions, String> {
    static FOUND: OnceLock<Result<Functions, String>> = OnceLock::new();
    FOUND.get_or_init(find).clone()
}

fn find() -> Result<Functions, String> {
    let library = open(BYTES)?;
    let function = |name| library.function(name);
    let built_for = function(c"digits_cuda_built_for")?;
    #[expect(unsafe_code, reason = "a function of the library that graphs.cpp is")]
    // SAFETY: its type there; it gives a constant.
    let built_for = unsafe { CStr::from_ptr(transmute::<*mut c_void, Constant>(built_for)()) };
    device::fits(&built_for.to_string_lossy())?;
    let (free_memory, begin) = (function(c"digits_cuda_free_memory")?, function(c"digits_cuda_begin")?);
    let (record, finish) = (function(c"digits_cuda_record")?, function(c"digits_cuda_finish")?);
    let (abandon, replay) = (function(c"digits_cuda_abandon")?, function(c"digits_cuda_replay")?);
    let release = function(c"digits_cuda_release")?;
    #[expect(unsafe_code, reason = "functions of the library that graphs.cpp is")]
    // SAFETY: the types are those of graphs.cpp, which was compiled with this file.
    unsafe {
        Ok(Functions {
            free_memory: transmute::<*mut c_void, IntoSize>(free_memory),
            begin: transmute::<*mut c_void, OfDevice>(begin),
            record: transmute::<*mut c_void, IntoGraph>(record),
            finish: transmute::<*mut c_void, OfGraph>(finish),
            abandon: transmute::<*mut c_void, Ends>(abandon),
            replay: transmute::<*mut c_void, OfGraph>(replay),
            release: transmute::<*mut c_void, OfGraph>(release),
        })
    }
}

/// Opens a library that lies in memory: a file without a name, which the fence does not ask about.
fn open(bytes: &[u8]) -> Result<Library, String> {
    if bytes.is_empty() {
        return Err("this program was built without it: libtorch's CUDA headers were missing".into());
    }
    let failed = |error: std::io::Error| format!("a file in memory cannot be made: {error}");
    #[expect(unsafe_code, reason = "a file without a name has no safe form in the standard library")]
    // SAFETY: the name is a live C string; what the call gives is a descriptor that nobody else has, or −1.
    let mut file = unsafe {
        let descriptor = libc::memfd_create(c"digits_cuda.so".as_ptr(), libc::MFD_CLOEXEC);
        if descriptor < 0 {
            return Err(failed(std::io::Error::last_os_error()));
        }
        File::from_raw_fd(descriptor)
    };
    file.write_all(bytes).map_err(failed)?;
    Library::open(Path::new(&format!("/proc/self/fd/{}", file.as_raw_fd())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_libtorch_s_cuda_half_the_library_does_not_open_and_says_what_is_missing() {
        let _ = tch::Tensor::from_slice(&[1f32]); // keeps libtorch linked into this test
        assert!(BYTES.starts_with(b"\x7fELF"), "the headers of this libtorch hold CUDA's part");
        if let CudaStatus::Off { reason } = cuda_status() {
            assert!(readiness().unwrap_err().contains(&reason));
        }
        // Before the library: its file's number may be given out again, and the loader goes by names.
        assert!(open(b"no library").is_err());
        // Beside a full libtorch it opens, with a driver or without one.
        match (functions(), device::libtorch_folder().unwrap().join("libtorch_cuda.so").exists()) {
            (Ok(_), true) => {}
            (Err(reason), false) => assert!(reason.contains("undefined symbol"), "{reason}"),
            (Ok(_), false) => panic!("it opened without libtorch_cuda.so"),
            (Err(reason), true) => panic!("{reason}"),
        }
        assert!(open(&[]).unwrap_err().contains("built without"));
    }
}
