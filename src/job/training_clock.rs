//! `TrainingClock`: seconds of training along the events of a job; pauses between a stop and a resume do not count.

use super::event::{Event, EventKind};

/// Where the clock stands. It is given each event in order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct TrainingClock {
    /// Seconds of the sittings before this one.
    pub elapsed: f64,
    /// When this sitting began, seconds since 1970; 0 before the first.
    pub since: f64,
    /// Seconds at the last event.
    pub last: f64,
}

impl TrainingClock {
    /// The seconds of an event, which is the next one.
    pub fn at(&mut self, event: &Event) -> f64 {
        match event.event {
            EventKind::Start | EventKind::Resume => {
                self.elapsed = self.last;
                self.since = event.time;
            }
            // In jobs of before, a resume noted the snapshot that it began from a second time before itself: a time of the
            // next sitting. The event that follows counts the time of a snapshot too.
            EventKind::Snapshot => return self.last,
            _ => self.last = self.elapsed + (event.time - self.since).max(0.0),
        }
        self.last
    }

    /// The seconds of the last event.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.last
    }

    /// The seconds now, of a job that runs.
    #[must_use]
    pub fn now(&self, unix: f64) -> f64 {
        if self.since > 0.0 { (self.elapsed + unix - self.since).max(self.last) } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_do_not_count_in_either_order_of_the_first_two_events_of_a_sitting() {
        let events = |order: [EventKind; 2]| {
            let first = [(EventKind::Start, 100.0), (EventKind::Train, 110.0), (EventKind::Snapshot, 112.0)];
            let second = [(order[0], 5000.0), (order[1], 5001.0), (EventKind::Train, 5010.0), (EventKind::End, 5020.0)];
            let event = |(kind, time)| Event { time, ..Event::new(kind, 0.0, 0) };
            first.into_iter().chain(second).map(event).collect::<Vec<Event>>()
        };
        for (order, wanted) in
            [([EventKind::Resume, EventKind::Snapshot], 30.0), ([EventKind::Snapshot, EventKind::Resume], 29.0)]
        {
            let mut clock = TrainingClock::default();
            let seconds: Vec<f64> = events(order).iter().map(|event| clock.at(event)).collect();
            assert_eq!((seconds[1], seconds[3], clock.seconds()), (10.0, 10.0, wanted), "{order:?}");
            assert_eq!(clock.now(5030.0), wanted + 10.0);
        }
        assert_eq!(TrainingClock::default().now(5.0), 0.0);
    }
}
