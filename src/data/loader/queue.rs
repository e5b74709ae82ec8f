//! A bounded queue that hands out numbers in order and gives results back in the same order.

use std::{
    collections::BTreeMap,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
};

use crate::error::Result;

/// Numbers `first..total`, at most `ahead` of them taken and not yet consumed.
pub(super) struct Queue<T> {
    total: u64,
    ahead: u64,
    state: Mutex<State<T>>,
    /// A result was put, or the queue stopped.
    filled: Condvar,
    /// There is room, or the queue stopped.
    freed: Condvar,
}

struct State<T> {
    /// The next number to hand out.
    next: u64,
    /// The next number to consume.
    consumed: u64,
    ready: BTreeMap<u64, Result<T>>,
    stopped: bool,
}

impl<T> Queue<T> {
    pub(super) fn new(first: u64, total: u64, ahead: u64) -> Queue<T> {
        let state = State { next: first, consumed: first, ready: BTreeMap::new(), stopped: false };
        Queue { total, ahead, state: Mutex::new(state), filled: Condvar::new(), freed: Condvar::new() }
    }

    /// A number to work on; none when all are handed out or the queue stopped. As long as there is no room it calls
    /// `meanwhile`, which does a little and says whether there is more to do, and at last waits.
    pub(super) fn take(&self, mut meanwhile: impl FnMut() -> bool) -> Option<u64> {
        let mut state = self.lock();
        let mut is_more = true;
        while !state.stopped && state.next < self.total && state.next - state.consumed >= self.ahead {
            if is_more {
                drop(state);
                is_more = meanwhile();
                state = self.lock();
            } else {
                state = self.freed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
        if state.stopped || state.next >= self.total {
            return None;
        }
        state.next += 1;
        Some(state.next - 1)
    }

    /// The result for a number that was taken.
    pub(super) fn put(&self, number: u64, result: Result<T>) {
        let mut state = self.lock();
        let wanted = number == state.consumed;
        if !state.stopped {
            state.ready.insert(number, result);
        }
        drop(state);
        if wanted {
            self.filled.notify_one();
        }
    }

    /// The next result in order; none at the end.
    pub(super) fn next(&self) -> Option<Result<T>> {
        let mut state = self.lock();
        if state.stopped || state.consumed >= self.total {
            return None;
        }
        let number = state.consumed;
        let result = loop {
            if let Some(result) = state.ready.remove(&number) {
                break result;
            }
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        };
        state.consumed += 1;
        // Woken for half a queue at a time: a thread that wakes for every batch disturbs the training threads.
        let room = state.next - state.consumed <= self.ahead / 2;
        drop(state);
        if room {
            self.freed.notify_all();
        }
        Some(result)
    }

    /// Ends it: results that are ready are dropped, waiting threads return.
    pub(super) fn stop(&self) {
        let mut state = self.lock();
        state.stopped = true;
        let ready = std::mem::take(&mut state.ready);
        drop(state);
        drop(ready);
        self.filled.notify_all();
        self.freed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
