//! What a call of our C++ said of itself: nothing, or what went wrong.

use std::ffi::{CStr, c_char};

/// The words of a call that gave null or a text that is good until this thread's next call.
pub(crate) fn said(wrong: *const c_char) -> Option<String> {
    if wrong.is_null() {
        return None;
    }
    #[expect(unsafe_code, reason = "a text of C++'s")]
    // SAFETY: each of our C++ functions gives null or a text of its thread's, which its next call alone changes.
    let text = unsafe { CStr::from_ptr(wrong) };
    Some(text.to_string_lossy().into_owned())
}
