//! `TrainSummary`: what a training came to, and its closing words.

use std::{path::PathBuf, time::Duration};

use serde::Serialize;

use crate::{
    error::shell_path,
    job::{Best, Event, EventKind, counted},
};

/// Of a run of so many epochs at most it is said that its loss has hardly moved.
const SHORT: u64 = 5;
/// The share of the first loss by which a loss has moved at least.
const MOVED: f64 = 0.02;

/// What a training came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TrainSummary {
    /// The job's folder.
    pub job: PathBuf,
    /// Whether the job was done before, so that nothing was to do.
    pub was_done: bool,
    /// Epochs done, those before a resume included.
    pub epochs: u64,
    /// Steps done, likewise.
    pub iterations: u64,
    /// Seconds that this process trained.
    pub seconds: f64,
    /// The snapshot with the lowest validation loss.
    pub best: Option<Best>,
    /// The highest accuracy of a validation, 0 to 1, of a classifier.
    pub best_accuracy: Option<BestAccuracy>,
    /// Why it ended before its last epoch, when it did.
    pub stopped_early: Option<String>,
    /// What the user may want to know of a run that came to little.
    pub hint: Option<String>,
}

/// An accuracy, and when it was.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct BestAccuracy {
    /// Share of right answers, 0 to 1.
    pub accuracy: f64,
    /// Its epoch.
    pub epoch: f64,
}

impl BestAccuracy {
    /// The highest among the validations of a run.
    #[must_use]
    pub fn among(events: &[Event]) -> Option<BestAccuracy> {
        let validations = events.iter().filter(|event| event.event == EventKind::Validation && event.iteration > 0);
        let all = validations.filter_map(|event| Some(BestAccuracy { accuracy: event.accuracy?, epoch: event.epoch }));
        all.reduce(|best, next| if next.accuracy > best.accuracy { next } else { best })
    }
}

/// What to say of a run whose loss cannot be one, rose, or, in a short run, is where it was. Nothing where the loss
/// need not fall.
pub(super) fn hint(epochs: u64, should_fall: bool, events: &[Event]) -> Option<String> {
    let of = |value: fn(&Event) -> Option<f64>| -> Vec<f64> {
        let validations = events.iter().filter(|event| event.event == EventKind::Validation);
        validations.filter_map(value).filter(|value| value.is_finite()).collect()
    };
    let (losses, accuracies) = (of(|event| event.loss), of(|event| event.accuracy));
    let (first, last) = (*losses.first()?, *losses.last()?);
    if !should_fall || losses.len() < 2 {
        return None;
    }
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    if lowest < 0.0 && !accuracies.is_empty() {
        return Some(
            "a classifier's loss is below 0, which no logarithms of probabilities give: end the network with nn.LogSoftMax, \
             or take nn.CrossEntropyCriterion"
                .into(),
        );
    }
    let learned = accuracies.first().is_some_and(|first| accuracies.iter().any(|accuracy| accuracy - first > MOVED));
    let size = first.abs().max(f64::MIN_POSITIVE);
    if epochs > SHORT || (first - lowest) / size >= MOVED || learned {
        return None;
    }
    if (last - first) / size > MOVED {
        return Some(format!("the validation loss rose from {first:.5} to {last:.5}: try a lower --lr"));
    }
    Some(format!(
        "the validation loss has hardly moved in {}: some networks start slowly; try more epochs \
         (the learning rate's steps follow their number), a higher --lr, or --lr-policy fixed",
        counted(epochs, "epoch")
    ))
}

impl TrainSummary {
    /// Of a training whose job another process has, which tells what it came to.
    pub(super) fn of_another(job: PathBuf) -> TrainSummary {
        TrainSummary {
            job,
            was_done: false,
            epochs: 0,
            iterations: 0,
            seconds: 0.0,
            best: None,
            best_accuracy: None,
            stopped_early: None,
            hint: None,
        }
    }

    /// The closing words.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = if self.was_done {
            format!(
                "{} is done already, after {}; for more: digits-rs run --resume {} --epochs N",
                self.job.display(),
                counted(self.epochs, "epoch"),
                shell_path(&self.job)
            )
        } else {
            let time = Duration::try_from_secs_f64(self.seconds).map_or(0, |time| time.as_secs());
            let time = match time {
                0..60 => format!("{:.1} s", self.seconds),
                60..3600 => format!("{} min {:02} s", time / 60, time % 60),
                _ => format!("{} h {:02} min", time / 3600, time / 60 % 60),
            };
            format!("done in {time}")
        };
        let mut bests = Vec::new();
        if let Some(best) = &self.best {
            bests.push(format!("best validation loss {:.5} at epoch {}", best.loss, best.epoch));
        }
        if let Some(best) = &self.best_accuracy {
            bests.push(format!("best accuracy {:.2} % at epoch {}", best.accuracy * 100.0, best.epoch));
        }
        if !bests.is_empty() {
            text += &format!(": {}", bests.join(", "));
        }
        if let Some(hint) = &self.hint {
            text += &format!("\nhint: {hint}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn validation(epoch: f64, loss: f64, accuracy: f64) -> Event {
        let iteration = (epoch * 10.0) as u64;
        let (loss, accuracy) = (Some(loss), Some(accuracy));
        Event { loss, accuracy, ..Event::new(EventKind::Validation, epoch, iteration) }
    }

    #[test]
    fn the_best_loss_and_the_best_accuracy_are_both_named() {
        let events = [validation(0.0, 2.3, 0.9), validation(1.0, 1.0, 0.5), validation(2.0, 1.2, 0.6)];
        let summary = TrainSummary {
            job: "jobs/j".into(),
            was_done: false,
            epochs: 2,
            iterations: 20,
            seconds: 75.0,
            best: Some(Best { epoch: 1.0, iteration: 10, loss: 1.0, file: "f".into() }),
            best_accuracy: BestAccuracy::among(&events),
            stopped_early: None,
            hint: hint(2, true, &events),
        };
        let wanted = "done in 1 min 15 s: best validation loss 1.00000 at epoch 1, best accuracy 60.00 % at epoch 2";
        assert_eq!(summary.text(), wanted);
        let done = TrainSummary { was_done: true, ..summary };
        assert!(
            done.text().starts_with("jobs/j is done already, after 2 epochs; for more: digits-rs run --resume jobs/j")
        );
    }

    #[test]
    fn a_short_run_that_goes_nowhere_gets_a_hint() {
        let still = [validation(0.0, 2.303, 0.1), validation(1.0, 2.301, 0.1)];
        assert!(hint(1, true, &still).unwrap().contains("hardly moved in 1 epoch:"));
        assert_eq!(hint(30, true, &still), None);
        assert_eq!(hint(1, true, &[validation(0.0, 2.3, 0.1), validation(1.0, 2.0, 0.1)]), None);
        assert_eq!(hint(1, true, &still[..1]), None);
        assert_eq!(hint(1, false, &still), None, "nothing could be learned");
        let rose = [validation(0.0, 46.0, 0.1), validation(1.0, 349.0, 0.1)];
        assert!(hint(1, true, &rose).unwrap().contains("a lower --lr"));
        let right = [validation(0.0, 302.0, 0.1), validation(1.0, 302.0, 0.84)];
        assert_eq!(hint(1, true, &right), None, "it has learned its classes");
        let below = [validation(0.0, -0.1, 0.1), validation(1.0, -0.57, 0.5)];
        assert!(hint(1, true, &below).unwrap().contains("nn.LogSoftMax"));
    }
}
