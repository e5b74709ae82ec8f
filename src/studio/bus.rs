//! `Bus`: what has changed, for every open event stream; the last of it is kept for those that come back.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use serde::Serialize;
use tokio::sync::watch;

/// Events that are kept.
const KEPT: usize = 4096;

/// One event.
#[derive(Debug, Clone)]
pub(crate) struct BusEvent {
    /// From 1, rising.
    pub(crate) number: u64,
    /// `job`, `dataset_removed` …
    pub(crate) name: &'static str,
    /// What it is about: of several with the same, a stream that was away gets the last.
    pub(crate) about: String,
    /// One line of JSON.
    pub(crate) data: Arc<str>,
}

struct Events {
    last: u64,
    /// The number of the newest that is kept no more, although nothing newer says the same.
    lost: u64,
    kept: VecDeque<BusEvent>,
}

/// What has changed.
pub(crate) struct Bus {
    /// Tells this start of the server from another.
    boot: String,
    events: Mutex<Events>,
    grown: watch::Sender<u64>,
}

impl Bus {
    /// Nothing yet; `boot` is a word for this start of the server.
    #[must_use]
    pub(crate) fn new(boot: String) -> Bus {
        Bus { boot, events: Mutex::new(Events { last: 0, lost: 0, kept: VecDeque::new() }), grown: watch::channel(0).0 }
    }

    /// Says something to all.
    pub(crate) fn say(&self, name: &'static str, about: &str, body: &impl Serialize) {
        let data = serde_json::to_string(body).unwrap_or_else(|_| "{}".into()).into();
        let mut events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        events.last += 1;
        let number = events.last;
        // Figures of the machine come every second: only the newest are kept.
        let same = |event: &BusEvent| event.name == name && event.about == about;
        if let Some(at) = events.kept.iter().position(|event| name == "server" && same(event)) {
            events.kept.remove(at);
        } else if events.kept.len() == KEPT
            && let Some(oldest) = events.kept.pop_front()
        {
            events.lost = oldest.number;
        }
        events.kept.push_back(BusEvent { number, name, about: about.to_string(), data });
        drop(events);
        self.grown.send_replace(number);
    }

    /// A word for the present moment, from which a stream may go on.
    #[must_use]
    pub(crate) fn cursor(&self) -> String {
        format!("{}.{}", self.boot, self.last())
    }

    /// The number of the last event.
    #[must_use]
    pub(crate) fn last(&self) -> u64 {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).last
    }

    /// This start's word.
    #[must_use]
    pub(crate) fn boot(&self) -> &str {
        &self.boot
    }

    /// What came after event `number`, of each subject the last; nothing when that is not known any more.
    #[must_use]
    pub(crate) fn since(&self, number: u64) -> Option<Vec<BusEvent>> {
        let events = self.events.lock().unwrap_or_else(PoisonError::into_inner);
        let is_known = number <= events.last && number >= events.lost;
        if !is_known {
            return None;
        }
        let news: Vec<&BusEvent> = events.kept.iter().filter(|event| event.number > number).collect();
        let is_last = |at: usize| {
            !news[at + 1..]
                .iter()
                .any(|later| later.name == news[at].name && later.about == news[at].about && later.name != "notice")
        };
        Some((0..news.len()).filter(|&at| is_last(at)).map(|at| news[at].clone()).collect())
    }

    /// Changes when something was said.
    #[must_use]
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.grown.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_was_away_gets_the_last_of_each() {
        let bus = Bus::new("b".into());
        bus.say("job", "a", &1);
        let then = bus.last();
        bus.say("job", "a", &2);
        bus.say("job", "b", &3);
        bus.say("job", "a", &4);
        let data: Vec<String> = bus.since(then).unwrap().iter().map(|event| event.data.to_string()).collect();
        assert_eq!(data, ["3", "4"]);
        assert!(bus.since(99).is_none());
        (0..5000).for_each(|i| bus.say("job", &i.to_string(), &i));
        assert!(bus.since(then).is_none(), "too long ago");
        assert!(bus.since(bus.last() - 10).is_some());
    }
}
