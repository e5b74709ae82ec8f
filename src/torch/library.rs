//! `Library`: a shared library that is opened while the program runs, and its functions by name.

use std::{
    ffi::{CStr, CString, OsStr, c_void},
    mem::MaybeUninit,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// An open library; it stays open for as long as the process lives.
#[derive(Debug, Clone, Copy)]
pub struct Library(*mut c_void);

impl Library {
    /// Opens a library whose names all later ones may use.
    ///
    /// # Errors
    /// The system's reason, in words.
    pub fn open_for_all(path: &Path) -> Result<Library, String> {
        open(path, libc::RTLD_NOW | libc::RTLD_GLOBAL)
    }

    /// Opens a library for its functions only. All that it needs must be there.
    ///
    /// # Errors
    /// The system's reason, in words.
    pub fn open(path: &Path) -> Result<Library, String> {
        open(path, libc::RTLD_NOW | libc::RTLD_LOCAL)
    }

    /// The address of a function.
    ///
    /// # Errors
    /// When the library has none of that name.
    pub fn function(&self, name: &CStr) -> Result<*mut c_void, String> {
        #[expect(unsafe_code, reason = "the standard library cannot look a name up")]
        // SAFETY: the handle is open, the name a live C string.
        let found = unsafe { libc::dlsym(self.0, name.as_ptr()) };
        if found.is_null() { Err(format!("it has no function {}", name.to_string_lossy())) } else { Ok(found) }
    }

    /// The file that a function is in: this library's, or that of one which it needs.
    #[must_use]
    pub fn file_of(&self, name: &CStr) -> Option<PathBuf> {
        let function = self.function(name).ok()?;
        let mut found = MaybeUninit::<libc::Dl_info>::zeroed();
        #[expect(unsafe_code, reason = "the standard library does not know where functions are")]
        // SAFETY: dladdr takes any address; where it answers other than 0, the name is a C string that lives as long as the library.
        let file = unsafe {
            if libc::dladdr(function, found.as_mut_ptr()) == 0 {
                return None;
            }
            let file = found.assume_init().dli_fname;
            if file.is_null() {
                return None;
            }
            CStr::from_ptr(file)
        };
        Some(PathBuf::from(OsStr::from_bytes(file.to_bytes())))
    }
}

#[expect(unsafe_code, reason = "the standard library cannot open a library")]
fn open(path: &Path, flags: libc::c_int) -> Result<Library, String> {
    let path = CString::new(path.as_os_str().as_bytes()).map_err(|error| error.to_string())?;
    // SAFETY: the path is a live C string; the library's initialisers are those of libtorch, or of our own C++.
    let handle = unsafe { libc::dlopen(path.as_ptr(), flags) };
    if !handle.is_null() {
        return Ok(Library(handle));
    }
    // SAFETY: dlerror gives null or a C string that lives until the next call on this thread.
    let reason = unsafe {
        let text = libc::dlerror();
        if text.is_null() { None } else { Some(CStr::from_ptr(text).to_string_lossy().into_owned()) }
    };
    Err(reason.unwrap_or_else(|| "for a reason that the system does not tell".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_library_that_is_not_there_has_a_reason() {
        let reason = Library::open(Path::new("/nowhere/libnothing.so")).unwrap_err();
        assert!(reason.contains("/nowhere/libnothing.so"), "{reason}");
        let c = Library::open(Path::new("libc.so.6")).unwrap();
        let file = c.file_of(c"strlen").unwrap();
        assert!(file.ends_with("libc.so.6"), "{file:?}");
        assert!(c.function(c"digits_nothing").unwrap_err().contains("digits_nothing"));
    }
}
