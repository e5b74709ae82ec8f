//! Where the ranks' tensors on devices are summed: by NCCL from device to device where every rank has a GPU of its own, else by
//! gloo in the processors' memory. All ranks do the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    c10d::{Collectives, Outcome, Store},
    nccl::Nccl,
    timeouts::Timeouts,
};
use crate::torch::device::{CudaStatus, cuda_status};

/// What a rank says of its device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Offer {
    /// It computes on the processor.
    Processor,
    /// It can sum on this GPU: the machine, and the place on its bus.
    Gpu { machine: String, bus_id: String },
    /// It has a GPU and cannot sum there.
    Refused(String),
}

/// What this rank can do, and what it takes.
pub(super) struct Own {
    pub(super) offer: Offer,
    with: Option<(Nccl, usize)>,
}

impl Own {
    /// Of a rank that computes on `device`.
    pub(super) fn of(device: tch::Device) -> Own {
        let tch::Device::Cuda(device) = device else { return Own { offer: Offer::Processor, with: None } };
        let found = || -> Outcome<(Nccl, String)> {
            let CudaStatus::Ready { library, .. } = cuda_status() else { return Err("CUDA is off".into()) };
            let nccl = Nccl::of(&library)?;
            let bus_id = nccl.bus_id(device)?;
            Ok((nccl, bus_id))
        };
        match found() {
            Ok((nccl, bus_id)) => Own { offer: Offer::Gpu { machine: machine(), bus_id }, with: Some((nccl, device)) },
            Err(why) => Own { offer: Offer::Refused(why), with: None },
        }
    }

    /// Connects this rank's device to the others', all of which offer one.
    pub(super) fn open(
        &self,
        store: &Store,
        prefix: &str,
        ranks: (usize, usize),
        timeouts: Timeouts,
    ) -> Outcome<Collectives> {
        let (nccl, device) = self.with.as_ref().ok_or("this rank offers no GPU")?;
        let times = (timeouts.meeting, timeouts.collective);
        Collectives::open_on_devices(store, prefix, ranks, *device, times, &nccl.constructors)
    }
}

/// The same for all processes of a machine, in containers too, until it starts anew.
fn machine() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_string()
}

/// What the ranks' offers come to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Nobody has a GPU.
    Processors,
    /// Each has one of its own.
    Devices,
    /// By way of the processors, and why.
    Through(String),
}

/// The same on every rank, which all have the same offers.
pub(super) fn verdict(offers: &[Offer]) -> Verdict {
    if offers.iter().all(|offer| *offer == Offer::Processor) {
        return Verdict::Processors;
    }
    let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (rank, offer) in offers.iter().enumerate() {
        match offer {
            Offer::Processor => return Verdict::Through(format!("rank {rank} computes on the processor")),
            Offer::Refused(why) => return Verdict::Through(format!("rank {rank}: {why}")),
            Offer::Gpu { machine, bus_id } => {
                if let Some(other) = known.insert((machine, bus_id), rank) {
                    return Verdict::Through(format!("ranks {other} and {rank} have the same GPU"));
                }
            }
        }
    }
    Verdict::Devices
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(machine: &str, bus_id: &str) -> Offer {
        Offer::Gpu { machine: machine.into(), bus_id: bus_id.into() }
    }

    #[test]
    fn devices_sum_by_themselves_only_where_every_rank_has_its_own() {
        let through = |why: &str| Verdict::Through(why.into());
        for (offers, expected) in [
            (vec![Offer::Processor, Offer::Processor], Verdict::Processors),
            (vec![gpu("a", "0"), gpu("a", "1"), gpu("b", "0")], Verdict::Devices),
            (vec![gpu("a", "0"), gpu("b", "0"), gpu("a", "0")], through("ranks 0 and 2 have the same GPU")),
            (vec![gpu("a", "0"), Offer::Processor], through("rank 1 computes on the processor")),
            (vec![gpu("a", "0"), Offer::Refused("no".into())], through("rank 1: no")),
        ] {
            assert_eq!(verdict(&offers), expected, "{offers:?}");
        }
    }

    #[test]
    fn a_rank_on_the_processor_offers_nothing_and_opens_nothing() {
        let own = Own::of(tch::Device::Cpu);
        assert_eq!(own.offer, Offer::Processor);
        if let CudaStatus::Off { .. } = cuda_status() {
            let Offer::Refused(why) = Own::of(tch::Device::Cuda(0)).offer else { panic!("it offers a GPU") };
            assert_eq!(why, "CUDA is off");
        }
    }
}
