//! `Store` and `Collectives`: libtorch's own meeting place and its own sums over processes, by way of `c10d.cpp`.
//!
//! A store is a table of keys and bytes that one process serves on a TCP port. c10d knows neither a password nor encryption.

use std::{
    ffi::{CStr, CString, c_char, c_int, c_void},
    marker::PhantomData,
    net::IpAddr,
    ptr,
    time::Duration,
};

use torch_sys::C_tensor;

use crate::torch::said::said;

#[repr(C)]
struct CStore {
    _opaque: [u8; 0],
}

#[repr(C)]
struct CGroup {
    _opaque: [u8; 0],
}

type Take = extern "C" fn(*mut c_void, *const u8, usize);

#[expect(unsafe_code, reason = "what c10d.cpp defines")]
unsafe extern "C" {
    fn digits_store_open(
        host: *const c_char,
        port: *mut u16,
        serves: bool,
        timeout: i64,
        out: *mut *mut CStore,
    ) -> *const c_char;
    fn digits_store_set(store: *mut CStore, key: *const c_char, bytes: *const u8, count: usize) -> *const c_char;
    fn digits_store_get(store: *mut CStore, key: *const c_char, take: Take, taker: *mut c_void) -> *const c_char;
    fn digits_store_close(store: *mut CStore);
    fn digits_group_open(
        store: *mut CStore,
        prefix: *const c_char,
        rank: c_int,
        size: c_int,
        address: *const c_char,
        interface: *const c_char,
        meeting: i64,
        timeout: i64,
        out: *mut *mut CGroup,
    ) -> *const c_char;
    fn digits_c10d_built_for() -> *const c_char;
    fn digits_devices_open(
        store: *mut CStore,
        prefix: *const c_char,
        rank: c_int,
        size: c_int,
        device: c_int,
        meeting: i64,
        timeout: i64,
        make_options: *mut c_void,
        make_group: *mut c_void,
        out: *mut *mut CGroup,
    ) -> *const c_char;
    fn digits_group_sum(group: *mut CGroup, tensor: *mut C_tensor) -> *const c_char;
    fn digits_group_broadcast(group: *mut CGroup, tensor: *mut C_tensor, root: i64) -> *const c_char;
    fn digits_group_close(group: *mut CGroup);
}

/// What c10d answers when it refuses, in its own words.
pub(super) type Outcome<T> = Result<T, String>;

/// The outcome of a call: null, or text that is read before this thread calls again.
fn outcome(wrong: *const c_char) -> Outcome<()> {
    said(wrong).map_or(Ok(()), |text| Err(text.lines().next().unwrap_or("no word").to_string()))
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX).max(1)
}

fn c_text(text: &str) -> Outcome<CString> {
    CString::new(text).map_err(|_| "a text with a zero in it".to_string())
}

fn c_number(number: usize) -> Outcome<c_int> {
    c_int::try_from(number).map_err(|_| format!("the number {number} is too large"))
}

/// The version of libtorch whose headers c10d.cpp was compiled with.
#[expect(unsafe_code, reason = "text from C++")]
pub(super) fn built_for() -> String {
    // SAFETY: a constant.
    unsafe { CStr::from_ptr(digits_c10d_built_for()) }.to_string_lossy().into_owned()
}

/// Where libtorch's CUDA half has the constructors of `c10d::ProcessGroupNCCL` and of its options; of the version that
/// [`built_for`] names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Constructors {
    pub(super) options: *mut c_void,
    pub(super) group: *mut c_void,
}

/// A place where processes leave notes for each other.
pub(super) struct Store {
    raw: *mut CStore,
    port: u16,
}

#[expect(unsafe_code, reason = "a pointer to an object of C++")]
// SAFETY: c10d's store holds a lock during each operation, so that any thread may call it.
unsafe impl Send for Store {}
#[expect(unsafe_code, reason = "as above")]
// SAFETY: as above.
unsafe impl Sync for Store {}

impl Store {
    /// Serves one on `port` (0: a free one) of this machine, for everybody who can reach it.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn open(host: IpAddr, port: u16, serves: bool, timeout: Duration) -> Outcome<Store> {
        let (host, mut port, mut raw) = (c_text(&host.to_string())?, port, ptr::null_mut());
        // SAFETY: every pointer is to a live value of the right type.
        outcome(unsafe {
            digits_store_open(host.as_ptr(), &raw mut port, serves, milliseconds(timeout), &raw mut raw)
        })?;
        Ok(Store { raw, port })
    }

    /// The port that it is served on.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Leaves a note.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn set(&self, key: &str, value: &[u8]) -> Outcome<()> {
        let key = c_text(key)?;
        // SAFETY: the store lives as long as `self`; the bytes are copied.
        outcome(unsafe { digits_store_set(self.raw, key.as_ptr(), value.as_ptr(), value.len()) })
    }

    /// A note, when it is there: never waits for one.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn get(&self, key: &str) -> Outcome<Option<Vec<u8>>> {
        extern "C" fn take(taker: *mut c_void, bytes: *const u8, count: usize) {
            // SAFETY: `taker` is the option below; the bytes live through this call, and an empty note may have no address.
            unsafe {
                let found = if count == 0 { Vec::new() } else { std::slice::from_raw_parts(bytes, count).to_vec() };
                *taker.cast::<Option<Vec<u8>>>() = Some(found);
            }
        }
        let (key, mut found) = (c_text(key)?, None::<Vec<u8>>);
        // SAFETY: as in `set`; `take` is called before the call returns.
        outcome(unsafe { digits_store_get(self.raw, key.as_ptr(), take, (&raw mut found).cast()) })?;
        Ok(found)
    }
}

impl Drop for Store {
    #[expect(unsafe_code, reason = "a call into C++")]
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { digits_store_close(self.raw) }
    }
}

/// Where this process is reached by the others.
#[derive(Debug, Clone)]
pub(super) enum Reached {
    /// At this address.
    Address(IpAddr),
    /// At the address of this network interface.
    Interface(String),
}

/// Connections of every process to every other one, and what they do together. Every rank makes the same calls in the same
/// order; one that does not is waited for, up to the timeout.
pub(super) struct Collectives {
    raw: *mut CGroup,
    /// One thread calls at a time.
    _one_thread: PhantomData<*const ()>,
}

#[expect(unsafe_code, reason = "a pointer to an object of C++")]
// SAFETY: c10d's groups belong to no thread; `_one_thread` keeps two from calling at once.
unsafe impl Send for Collectives {}

impl Collectives {
    /// Connects; returns when all are there.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn open(
        store: &Store,
        prefix: &str,
        (rank, size): (usize, usize),
        own: &Reached,
        (meeting, timeout): (Duration, Duration),
    ) -> Outcome<Collectives> {
        let (prefix, rank, size) = (c_text(prefix)?, c_number(rank)?, c_number(size)?);
        let (address, interface) = match own {
            Reached::Address(address) => (Some(c_text(&address.to_string())?), None),
            Reached::Interface(name) => (None, Some(c_text(name)?)),
        };
        let pointer = |text: &Option<CString>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut raw = ptr::null_mut();
        // SAFETY: every pointer is to a live value of the right type; the group keeps the store alive by itself.
        outcome(unsafe {
            digits_group_open(
                store.raw,
                prefix.as_ptr(),
                rank,
                size,
                pointer(&address),
                pointer(&interface),
                milliseconds(meeting),
                milliseconds(timeout),
                &raw mut raw,
            )
        })?;
        Ok(Collectives { raw, _one_thread: PhantomData })
    }

    /// Connects the CUDA devices of all ranks; returns when a first sum over them is done.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn open_on_devices(
        store: &Store,
        prefix: &str,
        (rank, size): (usize, usize),
        device: usize,
        (meeting, timeout): (Duration, Duration),
        constructors: &Constructors,
    ) -> Outcome<Collectives> {
        let (prefix, rank, size, device) = (c_text(prefix)?, c_number(rank)?, c_number(size)?, c_number(device)?);
        let mut raw = ptr::null_mut();
        // SAFETY: every pointer is to a live value of the right type; the constructors are those of the libtorch that
        // c10d.cpp was compiled for, as `Constructors` promises.
        outcome(unsafe {
            digits_devices_open(
                store.raw,
                prefix.as_ptr(),
                rank,
                size,
                device,
                milliseconds(meeting),
                milliseconds(timeout),
                constructors.options,
                constructors.group,
                &raw mut raw,
            )
        })?;
        Ok(Collectives { raw, _one_thread: PhantomData })
    }

    /// The sum of every rank's tensor, in place: contiguous, of one kind and size everywhere, on the processor, or for
    /// collectives of devices on this rank's. Every rank gets the same bits.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn sum(&self, tensor: &tch::Tensor) -> Outcome<()> {
        // SAFETY: both live through the call, which waits until nobody uses the tensor any more.
        outcome(unsafe { digits_group_sum(self.raw, tensor.as_ptr().cast_mut()) })
    }

    /// The tensor of rank `root`, in place.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub(super) fn broadcast(&self, tensor: &tch::Tensor, root: usize) -> Outcome<()> {
        // SAFETY: as in `sum`.
        outcome(unsafe { digits_group_broadcast(self.raw, tensor.as_ptr().cast_mut(), root as i64) })
    }
}

impl Drop for Collectives {
    #[expect(unsafe_code, reason = "a call into C++")]
    fn drop(&mut self) {
        // SAFETY: opened once, closed once.
        unsafe { digits_group_close(self.raw) }
    }
}
