//! `recorder`: graphs of CUDA work, through libtorch's own `CUDAGraph`.

use std::{
    cell::Cell,
    ffi::{c_char, c_int, c_void},
};

use super::{
    library::{Functions, functions},
    recorder::{Recorder, Recording, Work},
};
use crate::{
    error::{Error, Kind, Result},
    torch::said::said,
};

thread_local! {
    /// The device whose own stream this thread works on.
    static BEGUN: Cell<Option<usize>> = const { Cell::new(None) };
}

/// A recorder for CUDA device `number`. From now on the calling thread works on a stream of its own.
///
/// # Errors
/// Why there is none: no library, another libtorch, or the device's words.
pub fn recorder(number: usize) -> Result<Box<dyn Recorder>, String> {
    let functions = functions()?;
    let device = c_int::try_from(number).map_err(|error| error.to_string())?;
    if BEGUN.get() != Some(number) {
        #[expect(unsafe_code, reason = "a call into graphs.cpp")]
        // SAFETY: it takes a number; an exception becomes a text.
        done(unsafe { (functions.begin)(device) }).map_err(|error| error.to_string())?;
        BEGUN.set(Some(number));
    }
    Ok(Box::new(Graphs { functions, device }))
}

/// Bytes that are free on CUDA device `number`.
///
/// # Errors
/// Why that cannot be asked.
pub fn free_memory(number: usize) -> Result<u64, String> {
    let functions = functions()?;
    let device = c_int::try_from(number).map_err(|error| error.to_string())?;
    let mut free = 0usize;
    #[expect(unsafe_code, reason = "a call into graphs.cpp")]
    // SAFETY: it takes a number and a place for one; an exception becomes a text.
    done(unsafe { (functions.free_memory)(device, &mut free) }).map_err(|error| error.to_string())?;
    Ok(free as u64)
}

struct Graphs {
    functions: Functions,
    device: c_int,
}

/// A finished graph, and the work that keeps its tensors.
struct Graph {
    functions: Functions,
    graph: *mut c_void,
    _work: Work,
}

impl Recorder for Graphs {
    #[expect(unsafe_code, reason = "calls into graphs.cpp")]
    fn record(&mut self, work: Work) -> Result<Box<dyn Recording>> {
        let functions = self.functions;
        let mut graph = std::ptr::null_mut();
        // SAFETY: `graph` is a place for a pointer; exceptions become texts, read before the next call.
        let begun = unsafe { done((functions.record)(self.device, &mut graph)) };
        if graph.is_null() {
            begun?;
            return Err(Error::new(Kind::Torch, "no graph was made"));
        }
        // SAFETY: the graph was begun on this thread, and is not used after `abandon`.
        let finished = begun.and_then(|()| work()).and_then(|()| unsafe { done((functions.finish)(graph)) });
        if let Err(error) = finished {
            // SAFETY: as above; its last use.
            unsafe { (functions.abandon)(graph) };
            return Err(error);
        }
        Ok(Box::new(Graph { functions, graph, _work: work }))
    }
}

impl Recording for Graph {
    #[expect(unsafe_code, reason = "a call into graphs.cpp")]
    fn repeat(&self) -> Result<()> {
        // SAFETY: the graph is finished, and its tensors live as long as the work.
        done(unsafe { (self.functions.replay)(self.graph) })
    }
}

impl Drop for Graph {
    #[expect(unsafe_code, reason = "a call into graphs.cpp")]
    fn drop(&mut self) {
        // SAFETY: nobody else has the graph. What it refuses is lost with the graph.
        drop(done(unsafe { (self.functions.release)(self.graph) }));
    }
}

/// What a call of graphs.cpp gave; libtorch's words keep their meaning (a full device is a limit).
fn done(wrong: *const c_char) -> Result<()> {
    said(wrong).map_or(Ok(()), |words| Err(Error::from(tch::TchError::Torch(words))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::device::{CudaStatus, cuda_status};

    #[test]
    fn without_a_device_every_call_gives_a_reason() {
        let _ = tch::Tensor::from_slice(&[1f32]); // keeps libtorch linked into this test
        if let CudaStatus::Off { .. } = cuda_status() {
            // Beside libtorch's CPU half the loader's words, beside a full one the driver's.
            assert!(!recorder(0).err().unwrap().is_empty());
            assert!(!free_memory(0).unwrap_err().is_empty());
            assert!(recorder(0).is_err(), "a second call, too");
        }
    }
}
