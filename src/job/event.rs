//! `Event`: one line of `metrics.jsonl`.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::clock::Stamp;
use crate::{
    error::{Error, Result},
    input::{self, Form},
};

/// Numbers by name.
pub type Scalars = BTreeMap<String, f64>;

/// Bytes of a line, at most.
const LONGEST: u64 = 1 << 20;

/// The fields of an event that are numbers, in the order in which they are written.
const NUMBERS: [&str; 9] =
    ["epoch", "iteration", "loss", "accuracy", "accuracy_top5", "lr", "images_per_second", "data_wait", "time"];

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EventKind {
    /// Training begins at epoch 0.
    Start,
    /// Training goes on from a snapshot.
    Resume,
    /// The mean loss since the last train event.
    Train,
    /// An epoch's training is over: the mean loss of its steps.
    Epoch,
    /// The loss on the validation records.
    Validation,
    /// A snapshot was written.
    Snapshot,
    /// Training ended: all epochs done, stopped early, or stopped by the user.
    End,
    /// An error ended training.
    Error,
}

/// One line of `metrics.jsonl`. Fields that do not apply are left out of the line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// What happened.
    pub event: EventKind,
    /// Epochs done, as a fraction.
    pub epoch: f64,
    /// Steps done.
    pub iteration: u64,
    /// Train: mean of the batch losses since the last train event. Epoch: mean of the epoch's. Validation: mean over batches, unweighted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Validation of a classifier: share of right answers, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accuracy: Option<f64>,
    /// Validation of a classifier of more than five classes: share of answers with the right class among the five
    /// likeliest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accuracy_top5: Option<f64>,
    /// Train, validation: numbers that the network file wants to be logged, by name; of a training line those of its last
    /// batch, of a validation means over batches.
    #[serde(default, skip_serializing_if = "Scalars::is_empty")]
    pub scalars: Scalars,
    /// Learning rate of the last step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lr: Option<f64>,
    /// Images a second since the last train event, or during the validation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub images_per_second: Option<f64>,
    /// Share of that time spent waiting for data, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_wait: Option<f64>,
    /// Snapshot, resume: path of the snapshot below the job directory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Start: the engine in words. End: why. Error: its message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Seconds since 1970.
    pub time: f64,
}

impl Event {
    /// An event of now without any of the optional fields.
    #[must_use]
    pub fn new(event: EventKind, epoch: f64, iteration: u64) -> Event {
        Event {
            event,
            epoch,
            iteration,
            loss: None,
            accuracy: None,
            accuracy_top5: None,
            scalars: Scalars::new(),
            lr: None,
            images_per_second: None,
            data_wait: None,
            file: None,
            message: None,
            time: Stamp::now().unix(),
        }
    }

    /// The event as a line with its newline; a loss that is not finite becomes `null`.
    pub(super) fn to_line(&self) -> String {
        serde_json::to_string(self).expect("an event has string keys only") + "\n"
    }

    /// The event of a line, with its newline or without; `None` when it is no event.
    pub(crate) fn of_line(line: &[u8]) -> Option<Event> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        Event::of_numbers(line).or_else(|| serde_json::from_slice(line).ok())
    }

    /// The event of a line as [`Event::to_line`] writes it, with nothing but numbers in it, of which a long run has
    /// millions: read without looking for what any other JSON may hold. `None` for all others.
    fn of_numbers(line: &[u8]) -> Option<Event> {
        let fields = std::str::from_utf8(line).ok()?.strip_prefix("{\"event\":\"")?.strip_suffix('}')?;
        let kinds =
            [("train\"", EventKind::Train), ("epoch\"", EventKind::Epoch), ("validation\"", EventKind::Validation)];
        let (kind, mut rest) = kinds.iter().find_map(|(name, kind)| Some((*kind, fields.strip_prefix(name)?)))?;
        let mut values = [None; NUMBERS.len()];
        for (value, name) in values.iter_mut().zip(NUMBERS) {
            let named = rest.strip_prefix(",\"").and_then(|rest| rest.strip_prefix(name));
            let Some(text) = named.and_then(|rest| rest.strip_prefix("\":")) else { continue };
            let (text, behind) = text.split_at(memchr::memchr(b',', text.as_bytes()).unwrap_or(text.len()));
            *value = number(text)?;
            rest = behind;
        }
        if !rest.is_empty() {
            return None;
        }
        let [epoch, iteration, loss, accuracy, accuracy_top5, lr, images_per_second, data_wait, time] = values;
        let iteration = iteration.filter(|steps| (0.0..2f64.powi(53)).contains(steps) && steps.fract() == 0.0)?;
        let (scalars, file, message) = Default::default();
        Some(Event {
            event: kind,
            epoch: epoch?,
            iteration: iteration as u64,
            loss,
            accuracy,
            accuracy_top5,
            scalars,
            lr,
            images_per_second,
            data_wait,
            file,
            message,
            time: time?,
        })
    }

    /// The events of a file, in order. A last line that is still being written, and any line that is not an event,
    /// is skipped: the file may belong to a running job or to one whose disk was full.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn read(path: &Path) -> Result<Vec<Event>> {
        let unreadable = |source: std::io::Error| Error::io("read", path, &source);
        let mut reader = BufReader::new(input::open(path, Form::Stream)?);
        let mut events = Vec::new();
        let mut line = Vec::new();
        // What is longer than a line can be is no event, and comes in pieces.
        while reader.by_ref().take(LONGEST).read_until(b'\n', &mut line).map_err(unreadable)? > 0 {
            events.extend(Event::of_line(&line));
            line.clear();
        }
        Ok(events)
    }
}

/// A number of JSON, or `null`.
fn number(text: &str) -> Option<Option<f64>> {
    if text == "null" {
        return Some(None);
    }
    // Rust also reads "inf" and "+1", which are no JSON.
    let is_json = text.starts_with(|first: char| first == '-' || first.is_ascii_digit());
    let value: f64 = if is_json { text.parse().ok()? } else { return None };
    value.is_finite().then_some(Some(value))
}

#[cfg(test)]
mod tests {
    use proptest::{prelude::*, sample::select};

    use super::*;

    #[test]
    fn a_line_holds_what_the_documentation_says() {
        let mut event = Event::new(EventKind::Train, 0.5, 352);
        event.loss = Some(1.0 / 3.0);
        event.lr = Some(0.01);
        let line = serde_json::to_string(&event).unwrap();
        assert!(
            line.starts_with(r#"{"event":"train","epoch":0.5,"iteration":352,"loss":0.3333333333333333,"lr":0.01,"#)
        );
        assert!(!line.contains("accuracy"));
        assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
    }

    proptest! {
        #[test]
        fn lines_of_numbers_are_read_as_json_is(
            kind in select(vec![EventKind::Train, EventKind::Epoch, EventKind::Validation]),
            iteration in 0u64..1 << 53,
            numbers in proptest::array::uniform8(proptest::num::f64::NORMAL),
            given in proptest::array::uniform6(proptest::bool::ANY),
        ) {
            let [epoch, time, rest @ ..] = numbers;
            let mut rest = rest.iter().zip(given).map(|(&number, given)| given.then_some(number));
            let mut next = || rest.next().flatten();
            let event = Event {
                epoch,
                time,
                loss: next(),
                accuracy: next(),
                accuracy_top5: next(),
                lr: next(),
                images_per_second: next(),
                data_wait: next(),
                ..Event::new(kind, 0.0, iteration)
            };
            let line = event.to_line();
            prop_assert_eq!(Event::of_numbers(line.trim_end().as_bytes()), Some(event.clone()));
            prop_assert_eq!(serde_json::from_str::<Event>(&line).unwrap(), event);
        }
    }

    #[test]
    fn other_lines_are_read_as_json_or_not_at_all() {
        let lost = r#"{"event":"train","epoch":0.5,"iteration":3,"loss":null,"time":1.0}"#;
        assert_eq!(Event::of_numbers(lost.as_bytes()).unwrap().loss, None);
        let named = r#"{"event":"train","epoch":0.5,"iteration":3,"scalars":{"a":1.0},"time":1.0}"#;
        assert_eq!(Event::of_line(named.as_bytes()).unwrap().scalars["a"], 1.0);
        let turned = r#"{"time":1.0,"event":"train","iteration":3, "epoch":0.5}"#;
        assert_eq!(Event::of_line(turned.as_bytes()).unwrap().epoch, 0.5);
        for damaged in [
            &lost[..lost.len() - 1],
            &lost.replace("0.5", "inf"),
            &lost.replace("0.5", "null"),
            &lost.replace("0.5", "1e999"),
            &lost.replace(":3", ":-3"),
            &lost.replace(":3", ":3.5"),
            &lost.replace("loss\":null", "epoch\":1.0"),
            &lost.replace(",\"time\":1.0", ""),
        ] {
            assert_eq!(Event::of_line(damaged.as_bytes()), None, "{damaged}");
        }
    }

    #[test]
    fn a_torn_last_line_is_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let whole = serde_json::to_string(&Event::new(EventKind::Start, 0.0, 0)).unwrap();
        std::fs::write(&path, format!("{whole}\n{}", &whole[..20])).unwrap();
        assert_eq!(Event::read(&path).unwrap().len(), 1);
    }
}
