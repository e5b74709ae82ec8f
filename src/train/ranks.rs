//! `Ranks`: what the training loop and its engine know in common of the other processes of a run.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use crate::{
    distributed::Group,
    error::{Error, Result},
};

/// What is decided by all ranks after each step, so that none goes on alone. A wish of one is a decision of all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wishes {
    /// The user wants the run to end.
    pub stop: bool,
    /// A snapshot is due by the clock.
    pub snapshot: bool,
    /// The state in memory that a bad step is repeated from is old.
    pub guard: bool,
}

/// The part of a batch that a rank has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchPart {
    /// Its samples; 0 in a batch of fewer samples than ranks.
    pub count: u64,
    /// Those of the whole batch.
    pub total: u64,
}

impl BatchPart {
    /// The share of the samples, 0 to 1.
    #[must_use]
    pub fn share(self) -> f64 {
        self.count as f64 / self.total.max(1) as f64
    }
}

/// The processes of a run that trains, as one of them sees it.
#[derive(Debug)]
pub struct Ranks {
    group: Rc<Group>,
    part: Cell<BatchPart>,
    wishes: Cell<Wishes>,
    agreed: Cell<Wishes>,
    failure: RefCell<Option<Error>>,
}

impl Ranks {
    /// Of a group that is connected.
    #[must_use]
    pub fn of(group: Rc<Group>) -> Ranks {
        Ranks {
            group,
            part: Cell::new(BatchPart { count: 0, total: 0 }),
            wishes: Cell::default(),
            agreed: Cell::default(),
            failure: RefCell::default(),
        }
    }

    /// The processes.
    #[must_use]
    pub fn group(&self) -> &Group {
        &self.group
    }

    /// Says what part of the next step's batch this rank has, and what it wishes.
    pub fn prepare(&self, part: BatchPart, wishes: Wishes) {
        self.part.set(part);
        self.wishes.set(wishes);
    }

    /// Says that this rank cannot make the next step; it takes part all the same, so that the others learn of it there.
    pub fn fail(&self, error: Error) {
        *self.failure.borrow_mut() = Some(error);
    }

    /// What all ranks decided with the last step.
    #[must_use]
    pub fn agreed(&self) -> Wishes {
        self.agreed.get()
    }

    /// The part of the batch of the step that is under way.
    #[must_use]
    pub fn part(&self) -> BatchPart {
        self.part.get()
    }

    pub(super) fn wishes(&self) -> Wishes {
        self.wishes.get()
    }

    pub(super) fn agree(&self, wishes: Wishes) {
        self.agreed.set(wishes);
    }

    pub(super) fn failure(&self) -> Result<()> {
        self.failure.borrow_mut().take().map_or(Ok(()), Err)
    }

    /// The seed of this rank's noise in a step: rank 0 has the step's own.
    #[must_use]
    pub fn seed(&self, seed: u64) -> u64 {
        seed.wrapping_add((self.group.rank() as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}
