//! `LossRing`: losses of repeated steps, collected on the device by the steps themselves.

use crate::error::Result;

/// Losses that fit before they are carried off.
const CAPACITY: i64 = 1024;

/// Where the next loss goes stands in the device's memory, so that recorded work finds it; how many there are is known here.
pub(super) struct LossRing {
    share: Share,
    capacity: i64,
    filled: i64,
}

/// What recorded work writes to.
pub(super) struct Share {
    /// `[capacity]`, f32
    values: tch::Tensor,
    /// `[1]`: the place of the next loss, from 0.
    place: tch::Tensor,
}

impl Share {
    /// Writes a loss to its place.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn push(&self, loss: &tch::Tensor) -> Result<()> {
        let loss = loss.f_reshape([1])?.f_to_kind(tch::Kind::Float)?;
        let _ = self.values.shallow_clone().f_index_copy_(0, &self.place, &loss)?;
        let _ = self.place.shallow_clone().f_add_scalar_(1)?;
        Ok(())
    }
}

impl LossRing {
    /// On `device`, empty.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub(super) fn new(device: tch::Device) -> Result<LossRing> {
        LossRing::of(CAPACITY, device)
    }

    fn of(capacity: i64, device: tch::Device) -> Result<LossRing> {
        let values = tch::Tensor::f_zeros([capacity], (tch::Kind::Float, device))?;
        let place = tch::Tensor::f_zeros([1], (tch::Kind::Int64, device))?;
        Ok(LossRing { share: Share { values, place }, capacity, filled: 0 })
    }

    /// For work that is recorded.
    pub(super) fn share(&self) -> Share {
        Share { values: self.share.values.shallow_clone(), place: self.share.place.shallow_clone() }
    }

    /// Counts a loss that was written; all of them when no more fit.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn count(&mut self) -> Result<Option<tch::Tensor>> {
        self.filled += 1;
        if self.filled < self.capacity { Ok(None) } else { self.drain() }
    }

    /// The losses so far, in order, in memory of their own; the ring is empty then. Does not wait for the device.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn drain(&mut self) -> Result<Option<tch::Tensor>> {
        if self.filled == 0 {
            return Ok(None);
        }
        let losses = self.share.values.f_narrow(0, 0, self.filled)?;
        let losses = losses.f_add_scalar(0)?;
        let _ = self.share.place.shallow_clone().f_zero_()?;
        self.filled = 0;
        Ok(Some(losses))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn losses_come_in_order_and_none_twice() {
        let mut ring = LossRing::of(4, tch::Device::Cpu).unwrap();
        let share = ring.share();
        let mut seen: Vec<f32> = Vec::new();
        for t in 0..11 {
            share.push(&tch::Tensor::from_slice(&[f64::from(t)]).reshape([] as [i64; 0])).unwrap();
            for losses in [ring.count().unwrap(), if t == 5 { ring.drain().unwrap() } else { None }] {
                seen.extend(losses.into_iter().flat_map(|losses| Vec::<f32>::try_from(losses).unwrap()));
            }
        }
        seen.extend(Vec::<f32>::try_from(ring.drain().unwrap().unwrap()).unwrap());
        assert_eq!(seen, (0..11).map(|t| t as f32).collect::<Vec<_>>());
        assert!(ring.drain().unwrap().is_none());
    }
}
