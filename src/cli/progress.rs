//! `Progress`: how a task looks while it goes: a live line an epoch on a terminal, plain lines elsewhere; a table row
//! an epoch in both. It also grants an engine what it wants of the process, which is this program's to give.

use std::{
    io::IsTerminal,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::report;
use crate::{
    job::{Event, EventKind},
    tasks::Observer,
    train::{
        EpochSummary, Plan, Position,
        engine::{Granted, Surroundings},
    },
};

/// The display of a training, or of several one after the other.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    epochs: u64,
    /// What the engine at work was granted.
    granted: Option<Granted>,
    has_begun: Arc<AtomicBool>,
}

impl Progress {
    /// Live when standard error is a terminal.
    pub(super) fn new() -> Progress {
        Progress { bar: None, epochs: 0, granted: None, has_begun: Arc::default() }
    }

    /// Becomes true when a training begins: from then on there is a state to save.
    pub(super) fn has_begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_begun)
    }
}

impl Observer for Progress {
    /// A line of standard output that does not tear the live line.
    fn line(&mut self, line: &str) {
        // Output that goes nowhere is no reason to stop training.
        let print = || report::line(line);
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    fn surroundings(&mut self, wanted: &Surroundings) {
        // The engine of an earlier job of the sweep may have wanted something else: that is taken back first.
        self.granted = None;
        self.granted = Some(wanted.grant());
    }

    fn begin(&mut self, plan: &Plan, position: &Position) {
        self.has_begun.store(true, Ordering::SeqCst);
        self.epochs = plan.epochs;
        // Hidden until it has its style: an unstyled bar would flash up first.
        let hidden = || ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        self.bar = std::io::stderr().is_terminal().then(hidden);
        if let Some(bar) = &self.bar {
            bar.set_length(plan.steps_per_epoch());
            let style = ProgressStyle::with_template("{prefix} {bar:24} {percent:>3} %  {msg}  {eta} left");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).progress_chars("━╸ "));
            bar.set_prefix(format!("epoch {}/{}", position.epoch + 1, plan.epochs));
            bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(10));
        }
        let has_top_five = plan.classes.is_some_and(|classes| classes > 5);
        let accuracy = if has_top_five { "accuracy (top 5)" } else { "accuracy" };
        self.line(&row("epoch", "train loss", "val loss", accuracy, "learning rate", "time"));
    }

    fn step(&mut self, position: &Position) {
        if let Some(bar) = &self.bar {
            bar.set_position(position.batch);
        }
    }

    fn event(&mut self, event: &Event) {
        let number = |value: Option<f64>| value.map_or_else(|| "-".into(), significant);
        match (event.event, &self.bar) {
            (EventKind::Train, Some(bar)) => bar.set_message(format!(
                "loss {}  lr {}  {:.0} images/s",
                number(event.loss),
                number(event.lr),
                event.images_per_second.unwrap_or(0.0)
            )),
            (EventKind::Train, None) => self.line(&format!(
                "epoch {:<8} loss {:<10} lr {:<8} {:>7.0} images/s",
                event.epoch,
                number(event.loss),
                number(event.lr),
                event.images_per_second.unwrap_or(0.0)
            )),
            (EventKind::Validation, _) if event.iteration == 0 => {
                self.line(&row("0", "", &number(event.loss), &percent(event.accuracy, event.accuracy_top5), "", ""));
            }
            (EventKind::Error, Some(bar)) | (EventKind::End, Some(bar)) => bar.finish_and_clear(),
            _ => {}
        }
    }

    fn epoch(&mut self, summary: &EpochSummary) {
        let number = |value: Option<f64>| value.map_or_else(|| "-".into(), significant);
        let mark = if summary.is_best { " *" } else { "" };
        let line = row(
            &summary.epoch.to_string(),
            &number(summary.train_loss),
            &format!("{}{mark}", number(summary.validation_loss)),
            &percent(summary.accuracy, summary.accuracy_top5),
            &significant(summary.learning_rate),
            &clock(Duration::from_secs_f64(summary.seconds)),
        );
        self.line(&line);
        if let Some(bar) = &self.bar {
            bar.reset();
            bar.set_prefix(format!("epoch {}/{}", (summary.epoch + 1).min(self.epochs), self.epochs));
        }
    }
}

fn row(epoch: &str, train: &str, validation: &str, accuracy: &str, rate: &str, time: &str) -> String {
    format!("{epoch:>6}  {train:>12}  {validation:<14}  {accuracy:>16}  {rate:>13}  {time:>8}").trim_end().to_string()
}

/// Five significant digits: `4250.1`, `0.01`, `0.00001`, `1.5e-7`.
fn significant(value: f64) -> String {
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = 4 - value.abs().log10().floor() as i32;
    if (-4..=10).contains(&decimals) {
        return trimmed(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0)));
    }
    let text = format!("{value:.4e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(mantissa))
}

/// `97.81 %`, or with the five likeliest `97.81 % (99.93)`.
fn percent(share: Option<f64>, top_five: Option<f64>) -> String {
    let five = top_five.map_or_else(String::new, |five| format!(" ({:.2})", five * 100.0));
    share.map_or_else(String::new, |share| format!("{:.2} %{five}", share * 100.0))
}

/// `12.3 s`, `3 min 20 s`
fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    if seconds < 60 {
        format!("{:.1} s", time.as_secs_f64())
    } else {
        format!("{} min {:02} s", seconds / 60, seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_five_digits() {
        for (value, text) in [
            (4250.123, "4250.1"),
            (0.01, "0.01"),
            (0.0, "0"),
            (391.3, "391.3"),
            (1e-5, "0.00001"),
            (1234567.0, "1234567"),
        ] {
            assert_eq!(significant(value), text);
        }
        assert_eq!(significant(1.5e-7), "1.5e-7");
        assert_eq!(clock(Duration::from_secs(200)), "3 min 20 s");
    }
}
