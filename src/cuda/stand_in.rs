//! `StandIn`: a recorder for tests without a card. It keeps the work and does it at each repetition, with what it held when it
//! was recorded; and writes down who called what.

use std::{
    cell::{Cell, RefCell},
    rc::Rc,
};

use super::recorder::{Recorder, Recording, Work};
use crate::error::{Error, Kind, Result};

/// What was asked of it. Recordings are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Call {
    /// Work was recorded.
    Recorded(usize),
    /// Work could not be recorded.
    Refused,
    /// It was repeated.
    Repeated(usize),
    /// It was dropped.
    Dropped(usize),
}

/// The recorder; its clones share their calls.
#[derive(Clone, Default)]
pub(crate) struct StandIn {
    calls: Rc<RefCell<Vec<Call>>>,
    made: Rc<Cell<usize>>,
    /// Whether recording fails, as a device's may.
    refuses: bool,
}

struct Kept {
    number: usize,
    work: Work,
    calls: Rc<RefCell<Vec<Call>>>,
}

impl StandIn {
    /// One that cannot record.
    pub(crate) fn refusing() -> StandIn {
        StandIn { refuses: true, ..StandIn::default() }
    }

    /// The calls so far, and none of them again.
    pub(crate) fn take_calls(&self) -> Vec<Call> {
        std::mem::take(&mut self.calls.borrow_mut())
    }
}

impl Recorder for StandIn {
    fn record(&mut self, work: Work) -> Result<Box<dyn Recording>> {
        if self.refuses {
            self.calls.borrow_mut().push(Call::Refused);
            return Err(Error::new(Kind::Torch, "operation not permitted when stream is capturing"));
        }
        let number = self.made.get();
        self.made.set(number + 1);
        self.calls.borrow_mut().push(Call::Recorded(number));
        Ok(Box::new(Kept { number, work, calls: self.calls.clone() }))
    }
}

impl Recording for Kept {
    fn repeat(&self) -> Result<()> {
        self.calls.borrow_mut().push(Call::Repeated(self.number));
        (self.work)()
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.calls.borrow_mut().push(Call::Dropped(self.number));
    }
}
