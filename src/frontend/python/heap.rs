//! `Heap`: counts the bytes that one interpreter's values take, refuses what would exceed its limit, and frees cycles.
//!
//! Values are counted by reference, so a class and the functions in it, which name each other, would never be freed:
//! each container is known here, and emptied when its interpreter ends.

use std::{
    any::Any,
    cell::{Cell, RefCell},
    rc::{Rc, Weak},
};

/// What can be emptied to break a circle of references.
pub trait Emptied {
    /// Drops everything that this value holds.
    fn empty(&self);
}

/// The account of one interpreter.
pub struct Heap {
    live: Cell<usize>,
    limit: usize,
    known: RefCell<Vec<Weak<dyn Emptied>>>,
    sweep_at: Cell<usize>,
}

thread_local! {
    static CURRENT: RefCell<Rc<Heap>> = RefCell::new(Heap::new(usize::MAX));
    static DEPTH: Cell<usize> = const { Cell::new(0) };
    static PENDING: RefCell<Vec<Box<dyn Any>>> = const { RefCell::new(Vec::new()) };
}

/// How deep nested values are dropped on the native stack before the rest waits in a queue.
const NESTED_DROPS: usize = 40;

impl Heap {
    /// An empty account with a limit in bytes.
    #[must_use]
    pub fn new(limit: usize) -> Rc<Heap> {
        Rc::new(Heap { live: Cell::new(0), limit, known: RefCell::new(Vec::new()), sweep_at: Cell::new(1024) })
    }

    /// The account that values made now belong to.
    #[must_use]
    pub fn current() -> Rc<Heap> {
        CURRENT.with(|current| Rc::clone(&current.borrow()))
    }

    /// Makes this the current account until the guard is dropped.
    #[must_use]
    pub fn enter(self: &Rc<Heap>) -> Entered {
        Entered(Some(CURRENT.with(|current| current.replace(Rc::clone(self)))))
    }

    /// Bytes that living values take.
    #[must_use]
    pub fn live(&self) -> usize {
        self.live.get()
    }

    /// The limit, in bytes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// True while `more` bytes fit beside what lives now.
    #[must_use]
    pub fn has_room(&self, more: usize) -> bool {
        self.live.get().checked_add(more).is_some_and(|sum| sum <= self.limit)
    }

    /// Remembers a container, to be emptied when the interpreter ends.
    pub fn remember(&self, value: Weak<dyn Emptied>) {
        let mut known = self.known.borrow_mut();
        known.push(value);
        if known.len() >= self.sweep_at.get() {
            known.retain(|value| value.strong_count() > 0);
            self.sweep_at.set((known.len() * 2).max(1024));
        }
    }

    /// Empties every container that is still alive.
    pub fn empty(&self) {
        let known = self.known.take();
        for value in known.iter().filter_map(Weak::upgrade) {
            value.empty();
        }
    }
}

/// Restores the account that was current before.
pub struct Entered(Option<Rc<Heap>>);

impl Drop for Entered {
    fn drop(&mut self) {
        if let Some(before) = self.0.take() {
            CURRENT.with(|current| current.replace(before));
        }
    }
}

/// The bytes of one value on its interpreter's account, for as long as the value lives.
pub struct Charge {
    heap: Rc<Heap>,
    bytes: Cell<usize>,
}

impl Charge {
    /// Puts bytes on the current account.
    #[must_use]
    pub fn new(bytes: usize) -> Charge {
        let charge = Charge { heap: Heap::current(), bytes: Cell::new(0) };
        charge.set(bytes);
        charge
    }

    /// Changes the number of bytes.
    pub fn set(&self, bytes: usize) {
        let before = self.bytes.replace(bytes);
        self.heap.live.set(self.heap.live.get().saturating_sub(before).saturating_add(bytes));
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.set(0);
    }
}

/// Drops what a value held. A list of a list of a list … a million deep would exhaust the native stack: below some depth the
/// rest is put into a queue, which the outermost call works off.
pub fn drop_nested<T: 'static>(held: T) {
    // At the end of a thread its locals may be gone already: then the queue is not needed either.
    let depth = DEPTH.try_with(Cell::get).unwrap_or(0);
    if depth >= NESTED_DROPS {
        let _ = PENDING.try_with(|pending| pending.borrow_mut().push(Box::new(held)));
        return;
    }
    let _ = DEPTH.try_with(|cell| cell.set(depth + 1));
    drop(held);
    if depth == 0 {
        while let Some(next) = PENDING.try_with(|pending| pending.borrow_mut().pop()).ok().flatten() {
            drop(next);
        }
    }
    let _ = DEPTH.try_with(|cell| cell.set(depth));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn charges_are_counted_on_the_account_that_was_current() {
        let heap = Heap::new(100);
        let charge = {
            let _entered = heap.enter();
            Charge::new(60)
        };
        assert!(heap.has_room(40) && !heap.has_room(41) && !heap.has_room(usize::MAX));
        charge.set(10);
        assert_eq!(heap.live(), 10);
        drop(charge);
        assert_eq!(heap.live(), 0);
    }
}
