//! What a while of work is made of: libtorch's own profiler over it, a device's time between two moments, the most memory held.
//!
//! The profiler is kineto, which is inside libtorch: operators of the calling thread, and on CUDA, through CUPTI, each call
//! of the runtime and each kernel. The other half is `profile.cpp`.

use std::{
    cell::Cell,
    ffi::{CStr, c_char, c_int, c_void},
    marker::PhantomData,
    time::Instant,
};

use serde::Serialize;

use super::said::said;
use crate::error::{Error, Kind, Result};

type Take = unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char, u64, u64, i64, u64);

#[expect(unsafe_code, reason = "what profile.cpp defines")]
unsafe extern "C" {
    fn digits_profile_begin(cuda: bool) -> *const c_char;
    fn digits_profile_end(take: Take, taker: *mut c_void) -> *const c_char;
    fn digits_profile_mark(name: *const c_char) -> *mut c_void;
    fn digits_profile_unmark(mark: *mut c_void);
    fn digits_moment(device: c_int, made: *mut *mut c_void) -> *const c_char;
    fn digits_moments_apart(earlier: *mut c_void, later: *mut c_void, milliseconds: *mut f64) -> *const c_char;
    fn digits_moment_free(moment: *mut c_void);
    fn digits_wait(device: c_int) -> *const c_char;
    fn digits_peak_memory(device: c_int, handed_out: *mut u64, reserved: *mut u64) -> *const c_char;
}

thread_local! {
    /// Whether this thread's profile is being made: marks cost nothing where none is.
    static IS_MADE: Cell<bool> = const { Cell::new(false) };
}

/// A profile in the making, of the thread that began it.
#[derive(Debug)]
pub struct Profile(PhantomData<*const ()>);

/// Something that took a while, as trace viewers (Perfetto, `chrome://tracing`) read it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// An operator, a mark, a call of the CUDA runtime, a kernel.
    pub name: String,
    /// `cpu_op`, `user_annotation`, `cuda_runtime`, `cuda_driver`, `kernel`, `gpu_memcpy`, `gpu_memset` or `other`.
    pub cat: String,
    /// `X`: it has a beginning and a length.
    pub ph: &'static str,
    /// `host` or `device`.
    pub pid: &'static str,
    /// A thread, or a stream of the device.
    pub tid: i64,
    /// When it began, in microseconds.
    pub ts: f64,
    /// How long it took, in microseconds.
    pub dur: f64,
    /// What else is known.
    pub args: Arguments,
}

/// What is known of an event beside its time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Arguments {
    /// Equal for a kernel and the call that launched it.
    pub correlation: u64,
}

/// What a callback of C++ fills: beginnings and lengths in nanoseconds, and events that do not know their beginning yet.
type Taken = Vec<(u64, u64, Event)>;

#[expect(unsafe_code, reason = "called by profile.cpp")]
unsafe extern "C" fn take(
    taker: *mut c_void,
    name: *const c_char,
    category: *const c_char,
    begin: u64,
    length: u64,
    place: i64,
    correlation: u64,
) {
    // SAFETY: `taker` is the `Taken` of the call below, nobody else has it meanwhile; the texts live through this call.
    let (taken, name, cat) =
        unsafe { (&mut *taker.cast::<Taken>(), CStr::from_ptr(name), CStr::from_ptr(category).to_string_lossy()) };
    let is_device = matches!(&*cat, "kernel" | "gpu_memcpy" | "gpu_memset" | "gpu_user_annotation");
    let event = Event {
        name: name.to_string_lossy().into_owned(),
        cat: cat.into_owned(),
        ph: "X",
        pid: if is_device { "device" } else { "host" },
        tid: place,
        ts: 0.0,
        dur: length as f64 / 1e3,
        args: Arguments { correlation },
    };
    taken.push((begin, length, event));
}

impl Profile {
    /// Begins to note what this thread asks of libtorch and, with `device`, what CUDA devices do. One at a time.
    ///
    /// # Errors
    /// When libtorch refuses.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub fn begin(device: tch::Device) -> Result<Profile> {
        // SAFETY: it takes a truth value; an exception becomes a text.
        done("begin a profile", unsafe { digits_profile_begin(device.is_cuda()) })?;
        IS_MADE.set(true);
        Ok(Profile(PhantomData))
    }

    /// Ends it; the events in the order of their beginnings, the first of which is time 0. What a device still has to do must be
    /// over: see [`wait`].
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn end(self) -> Result<Vec<Event>> {
        let mut taken = self.stop()?;
        // An event that contains others comes before them.
        taken.sort_by_key(|(begin, length, _)| (*begin, std::cmp::Reverse(*length)));
        let first = taken.first().map_or(0, |(begin, ..)| *begin);
        let at = |begin: u64| (begin - first) as f64 / 1e3;
        Ok(taken.into_iter().map(|(begin, _, event)| Event { ts: at(begin), ..event }).collect())
    }

    #[expect(unsafe_code, reason = "a call into C++")]
    fn stop(&self) -> Result<Taken> {
        if !IS_MADE.replace(false) {
            return Ok(Taken::new());
        }
        let mut taken = Taken::new();
        // SAFETY: `take` is called with `taken` during this call only.
        done("end a profile", unsafe { digits_profile_end(take, (&raw mut taken).cast()) })?;
        Ok(taken)
    }
}

impl Drop for Profile {
    /// One that nobody wants any more: libtorch is to stop noting.
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// A stretch of this thread's time that a profile shows under a name; until it is dropped.
#[derive(Debug)]
pub struct Mark(*mut c_void);

/// Marks what follows in the profile that is being made; nothing where none is.
#[must_use]
pub fn mark(name: &CStr) -> Option<Mark> {
    if !IS_MADE.get() {
        return None;
    }
    #[expect(unsafe_code, reason = "a call into C++")]
    // SAFETY: the name lives through the call.
    let mark = unsafe { digits_profile_mark(name.as_ptr()) };
    (!mark.is_null()).then_some(Mark(mark))
}

impl Drop for Mark {
    #[expect(unsafe_code, reason = "a call into C++")]
    fn drop(&mut self) {
        // SAFETY: it was made by `digits_profile_mark` on this thread (a raw pointer does not leave it), and ends once.
        unsafe { digits_profile_unmark(self.0) }
    }
}

/// A moment in the work of a device, as its stream comes to it; on the processor, now.
#[derive(Debug)]
pub enum Moment {
    /// On the processor.
    Clock(Instant),
    /// In a CUDA device's stream.
    Stream(StreamMoment),
}

/// An event of a device's.
#[derive(Debug)]
pub struct StreamMoment(*mut c_void);

impl Moment {
    /// The moment at which the device has done what it has been given up to now. Does not wait for it.
    ///
    /// # Errors
    /// When the device refuses.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub fn now(device: tch::Device) -> Result<Moment> {
        let tch::Device::Cuda(number) = device else { return Ok(Moment::Clock(Instant::now())) };
        let mut made = std::ptr::null_mut();
        // SAFETY: `made` is a place for a pointer; an exception becomes a text.
        done("note a moment", unsafe { digits_moment(number as c_int, &mut made) })?;
        Ok(Moment::Stream(StreamMoment(made)))
    }

    /// Seconds from `self` to a later moment on the same device; waits for that one.
    ///
    /// # Errors
    /// When the device refuses.
    #[expect(unsafe_code, reason = "a call into C++")]
    pub fn until(&self, later: &Moment) -> Result<f64> {
        match (self, later) {
            (Moment::Clock(from), Moment::Clock(to)) => Ok(to.duration_since(*from).as_secs_f64()),
            (Moment::Stream(from), Moment::Stream(to)) => {
                let mut milliseconds = 0.0;
                // SAFETY: both live through the call; an exception becomes a text.
                done("read a time", unsafe { digits_moments_apart(from.0, to.0, &mut milliseconds) })?;
                Ok(milliseconds / 1e3)
            }
            _ => Err(Error::new(Kind::Device, "two moments of different devices have no time between them")),
        }
    }
}

impl Drop for StreamMoment {
    #[expect(unsafe_code, reason = "a call into C++")]
    fn drop(&mut self) {
        // SAFETY: it was made by `digits_moment`, and ends once.
        unsafe { digits_moment_free(self.0) }
    }
}

/// Waits until a CUDA device has done what it has been given; on the processor there is nothing to wait for.
///
/// # Errors
/// What went wrong on the device.
#[expect(unsafe_code, reason = "a call into C++")]
pub fn wait(device: tch::Device) -> Result<()> {
    let tch::Device::Cuda(number) = device else { return Ok(()) };
    // SAFETY: it takes a number; an exception becomes a text.
    done("wait for the device", unsafe { digits_wait(number as c_int) })
}

/// The most bytes that libtorch has held at a time on a CUDA device: handed out, and with those it keeps for later. `None` on
/// the processor.
///
/// # Errors
/// When libtorch refuses.
#[expect(unsafe_code, reason = "a call into C++")]
pub fn peak_memory(device: tch::Device) -> Result<Option<[u64; 2]>> {
    let tch::Device::Cuda(number) = device else { return Ok(None) };
    let (mut handed_out, mut reserved) = (0, 0);
    // SAFETY: two places for numbers; an exception becomes a text.
    done("read its memory", unsafe { digits_peak_memory(number as c_int, &mut handed_out, &mut reserved) })?;
    Ok(Some([handed_out, reserved]))
}

/// What a call of profile.cpp gave.
fn done(what: &str, wrong: *const c_char) -> Result<()> {
    match said(wrong) {
        None => Ok(()),
        Some(words) => Err(Error::new(Kind::Torch, format!("libtorch refused to {what}")).with_cause(words)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_has_marks_and_what_was_done_in_them_and_none_outside() {
        assert!(mark(c"early").is_none(), "no profile is made yet");
        let profile = Profile::begin(tch::Device::Cpu).unwrap();
        let numbers = tch::Tensor::ones([8, 8], (tch::Kind::Float, tch::Device::Cpu));
        for _ in 0..3 {
            let _step = mark(c"step");
            let _ = numbers.mm(&numbers);
        }
        let events = profile.end().unwrap();
        let _ = numbers.mm(&numbers);
        let named = |name: &str| events.iter().filter(|event| event.name == name).collect::<Vec<_>>();
        let (steps, products) = (named("step"), named("aten::mm"));
        assert_eq!((steps.len(), products.len()), (3, 3));
        for (step, product) in steps.iter().zip(&products) {
            assert_eq!((&*step.cat, &*product.cat), ("user_annotation", "cpu_op"));
            assert!(step.ts <= product.ts && product.ts + product.dur <= step.ts + step.dur);
        }
        assert!(events.windows(2).all(|pair| pair[0].ts <= pair[1].ts) && events[0].ts == 0.0);
        drop(Profile::begin(tch::Device::Cpu).unwrap());
        assert!(mark(c"late").is_none(), "one that is dropped is over");
    }

    #[test]
    fn moments_of_the_processor_are_its_clock_s_and_a_device_that_is_not_there_is_a_page() {
        let earlier = Moment::now(tch::Device::Cpu).unwrap();
        std::thread::sleep(std::time::Duration::from_millis(2));
        assert!(earlier.until(&Moment::now(tch::Device::Cpu).unwrap()).unwrap() >= 0.002);
        assert_eq!(peak_memory(tch::Device::Cpu).unwrap(), None);
        if !tch::Cuda::is_available() {
            assert!(Moment::now(tch::Device::Cuda(0)).unwrap_err().to_string().contains("libtorch refused"));
            assert!(peak_memory(tch::Device::Cuda(0)).is_err());
        }
    }
}
