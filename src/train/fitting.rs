//! `advised`: the page of a step that the memory was too small for, with the batch size that fits, found by trying.

use std::time::Duration;

use super::{carried::on_device, engine::Engine, source::TrainBatch, target::Targets};
use crate::error::{Error, Result};

/// How often the range between what fits and what does not is halved.
const HALVINGS: u32 = 4;

/// The error of the step that `batch` was for. Where the memory was full, it says how many of the batch's samples fit: passes
/// of fewer and fewer of them are tried, without an update. Running statistics may move; the run is over.
pub(super) fn advised(error: Error, engine: &mut dyn Engine, targets: &mut Targets, batch: &TrainBatch) -> Error {
    if !error.is_out_of_memory() {
        return error;
    }
    match largest(batch.count, &mut |count| fits(engine, targets, batch, count)) {
        None => error,
        Some(0) => error.with_fact("a batch of one", "does not fit either"),
        Some(count) => {
            error.with_fact("a batch that fits", format!("{count}, found by trying; it was {}", batch.count))
        }
    }
}

/// The largest count below `full` for which a try went well, up to a sixteenth; 0 when none does, `None` where a try does not
/// tell.
fn largest(full: u64, fits: &mut dyn FnMut(u64) -> Option<bool>) -> Option<u64> {
    let (mut works, mut fails) = (full / 2, full);
    while works > 0 && !fits(works)? {
        (works, fails) = (works / 2, works);
    }
    for _ in 0..HALVINGS {
        let middle = works.midpoint(fails);
        if works == 0 || middle == works {
            break;
        }
        if fits(middle)? { works = middle } else { fails = middle }
    }
    Some(works)
}

/// Whether a step of the first `count` samples fits.
fn fits(engine: &mut dyn Engine, targets: &mut Targets, batch: &TrainBatch, count: u64) -> Option<bool> {
    let first = |tensor: &tch::Tensor| tensor.f_narrow(0, 0, count as i64);
    let few = || -> Result<TrainBatch> {
        let (input, target, finish) = (first(&batch.input)?, first(&batch.target)?, batch.finish.clone());
        Ok(TrainBatch {
            input,
            finish,
            target,
            count,
            total: count,
            number: batch.number,
            wait: Duration::ZERO,
            owner: None,
        })
    };
    match few().and_then(|few| on_device(engine, targets, &few, 0)) {
        Ok((input, target)) => engine.fits(&input, &target),
        Err(error) => error.is_out_of_memory().then_some(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_count_is_found_by_halving() {
        for (full, room) in [(64, 40), (64, 1), (64, 63), (7000, 448), (3, 1), (1, 0), (64, 0)] {
            let mut tries = 0;
            let found = largest(full, &mut |count| {
                tries += 1;
                Some(count <= room)
            });
            let found = found.unwrap();
            assert!(found <= room && found + full / 16 + 1 >= room, "{found} of {room} below {full}");
            assert_eq!(found == 0, room == 0);
            assert!(tries < 20);
        }
        assert_eq!(largest(64, &mut |_| None), None);
    }
}
