//! `Nccl`: what libtorch's CUDA half has for sums between devices, found by name: this program is linked to the other half only.

use std::{
    ffi::{CStr, c_char, c_int, c_void},
    mem::transmute,
    path::{Path, PathBuf},
};

use serde::Serialize;

use super::c10d::{Constructors, Outcome, built_for};
use crate::torch::{Library, device};

/// `c10d::ProcessGroupNCCL::Options::Options(bool)`.
const OPTIONS: &CStr = c"_ZN4c10d16ProcessGroupNCCL7OptionsC1Eb";

/// `c10d::ProcessGroupNCCL::ProcessGroupNCCL(intrusive_ptr<Store>, int, int, intrusive_ptr<Options>)`.
const GROUP: &CStr = c"_ZN4c10d16ProcessGroupNCCLC1EN3c1013intrusive_ptrINS_5StoreENS1_6detail34intrusive_target_default_null_typeIS3_EEEEiiNS2_INS0_7OptionsENS5_IS8_EEEE";

/// `cudaError_t cudaDeviceGetPCIBusId(char *, int, int)` of CUDA's runtime.
type BusId = unsafe extern "C" fn(*mut c_char, c_int, c_int) -> c_int;

/// `ncclResult_t ncclGetVersion(int *)`.
type Version = unsafe extern "C" fn(*mut c_int) -> c_int;

/// The NCCL that a run with a GPU for each process sums by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NcclFound {
    /// `2.28.9`, where it says so.
    pub version: Option<String>,
    /// The file that it is in: its own, or libtorch's CUDA half.
    pub library: Option<PathBuf>,
}

/// Looks for NCCL beside the libtorch in use; whether there are GPUs is another question.
///
/// # Errors
/// Why it is not to be used, in words.
pub fn nccl_found() -> Result<NcclFound, String> {
    let folder = device::libtorch_folder().ok_or("the folder of libtorch is not known")?;
    let half = folder.join("libtorch_cuda.so");
    if !half.exists() {
        return Err(format!("{} is not there", half.display()));
    }
    Nccl::of(&half)?;
    let half = Library::open_for_all(&half)?;
    let version = half.function(c"ncclGetVersion").ok();
    let library = half.file_of(c"ncclGetVersion").or_else(|| half.file_of(GROUP));
    let library = library.map(|file| file.canonicalize().unwrap_or(file));
    let number = version.and_then(|function| {
        let mut number = 0;
        #[expect(unsafe_code, reason = "a function of NCCL")]
        // SAFETY: its type there; it writes one number.
        let status = unsafe { transmute::<*mut c_void, Version>(function)(&raw mut number) };
        (status == 0).then_some(number)
    });
    Ok(NcclFound { version: number.map(version_text), library })
}

/// 22809 → `2.28.9`; before 2.9 minor versions had one digit.
fn version_text(number: c_int) -> String {
    let thousand = if number < 10_000 { 1000 } else { 10_000 };
    format!("{}.{}.{}", number / thousand, number % thousand / 100, number % 100)
}

/// The functions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Nccl {
    pub(super) constructors: Constructors,
    bus_id: *mut c_void,
}

impl Nccl {
    /// Of this `libtorch_cuda.so`, which is open already.
    ///
    /// # Errors
    /// Why there are none, in words.
    pub(super) fn of(library: &Path) -> Outcome<Nccl> {
        device::fits(&built_for())?;
        let library = Library::open_for_all(library)?;
        // A library's names are looked for in those that it needs as well: the runtime is one of them.
        let bus_id = library.function(c"cudaDeviceGetPCIBusId")?;
        let constructors = Constructors { options: library.function(OPTIONS)?, group: library.function(GROUP)? };
        Ok(Nccl { constructors, bus_id })
    }

    /// A device's place on the machine's bus, `0000:3b:00.0`: however this process numbers it.
    ///
    /// # Errors
    /// The runtime's number of the error.
    pub(super) fn bus_id(&self, device: usize) -> Outcome<String> {
        let device = c_int::try_from(device).map_err(|_| format!("there is no device {device}"))?;
        let mut text = [0u8; 64];
        #[expect(unsafe_code, reason = "a function of CUDA's runtime")]
        // SAFETY: its type there; it writes at most the bytes that it is given, with a zero at the end.
        let status = unsafe {
            transmute::<*mut c_void, BusId>(self.bus_id)(text.as_mut_ptr().cast(), text.len() as c_int, device)
        };
        let name = CStr::from_bytes_until_nul(&text).ok().filter(|_| status == 0);
        name.map(|name| name.to_string_lossy().into_owned()).ok_or_else(|| format!("CUDA's runtime answers {status}"))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        net::{IpAddr, Ipv4Addr},
        time::Duration,
    };

    use super::*;
    use crate::distributed::c10d::{Collectives, Store};

    #[test]
    fn beside_libtorch_s_cuda_half_it_comes_to_the_page_that_there_is_no_gpu() {
        let _ = tch::Tensor::from_slice(&[1f32]); // keeps libtorch linked into this test
        let library = device::libtorch_folder().unwrap().join("libtorch_cuda.so");
        assert_eq!((version_text(22_809), version_text(2_804)), ("2.28.9".into(), "2.8.4".into()));
        let found = nccl_found();
        if !library.exists() {
            assert!(found.unwrap_err().contains("libtorch_cuda.so is not there"));
            assert!(Nccl::of(&library).unwrap_err().contains("libtorch_cuda.so"));
            return;
        }
        assert!(found.unwrap().library.unwrap().exists());
        let ready = matches!(device::cuda_status(), device::CudaStatus::Ready { .. });
        let nccl = Nccl::of(&library).unwrap();
        let time = Duration::from_secs(20);
        let store = Store::open(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, true, time).unwrap();
        let opened = Collectives::open_on_devices(&store, "t", (0, 1), 0, (time, time), &nccl.constructors);
        if ready {
            let sum = tch::Tensor::from_slice(&[1.5f32]).to_device(tch::Device::Cuda(0));
            opened.unwrap().sum(&sum).unwrap();
            assert_eq!(sum.double_value(&[0]), 1.5);
            assert!(nccl.bus_id(0).unwrap().contains(':'));
        } else {
            let words = opened.err().unwrap();
            assert!(words.contains("no GPUs found"), "{words}");
            assert!(nccl.bus_id(0).unwrap_err().contains("answers"));
        }
    }
}
