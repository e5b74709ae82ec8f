//! `Progress`: how a training looks while it goes: a row an epoch, and below them a live line on a terminal, rows within
//! the epoch elsewhere. It also grants an engine what it wants of the process, which is this program's to give.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use super::{
    live_line::{LiveLine, fitted},
    numbers::{clock, significant},
    report,
    table::{Accuracy, Row, Table, loss, percent, rates, seconds},
};
use crate::{
    error::shell_path,
    job::{Event, EventKind},
    tasks::{Observer, train::TrainSummary},
    train::{
        EpochSummary, Plan, Position,
        engine::{Granted, Surroundings},
    },
};

/// Characters of the bar.
const BAR: usize = 20;

/// The display of a training, or of several one after the other.
pub(super) struct Progress {
    line: Option<LiveLine>,
    course: Option<Course>,
    /// What the engine at work was granted.
    granted: Option<Granted>,
    has_begun: Arc<AtomicBool>,
    /// Whether several trainings follow each other.
    is_sweep: bool,
    /// Whether the line of headings is still to come: the first row says which columns there are.
    head_is_due: bool,
}

/// The training at work.
struct Course {
    accuracy: Accuracy,
    epochs: u64,
    steps: u64,
    steps_of_epoch: u64,
    began: Instant,
    first_step: u64,
    /// Where it stands: epochs and steps of the epoch done, steps in all.
    at: (u64, u64, u64),
    last: Option<Event>,
    is_validating: bool,
}

impl Course {
    /// The time left of the whole run, once that can be estimated.
    fn left(&self) -> Option<String> {
        let (done, all) = (self.at.2.saturating_sub(self.first_step), self.steps);
        let elapsed = self.began.elapsed();
        if elapsed.as_secs() < 2 || done < 10 || self.at.2 >= all {
            return None;
        }
        Some(format!("{} left", clock(elapsed.div_f64(done as f64).mul_f64((all - self.at.2) as f64))))
    }

    /// The live line, `width` characters at most.
    fn text(&self, width: usize) -> String {
        let (epoch, batch, _) = self.at;
        let name = format!("epoch {}/{}", (epoch + u64::from(!self.is_validating)).min(self.epochs), self.epochs);
        if self.is_validating {
            return fitted(&[(0, name), (1, "validating".into())], width);
        }
        let share = (batch as f64 / self.steps_of_epoch.max(1) as f64).min(1.0);
        let full = (share * BAR as f64).round() as usize;
        let bar = format!("{}{}", "━".repeat(full.min(BAR)), "·".repeat(BAR.saturating_sub(full)));
        let event = self.last.as_ref();
        let part = |name: &str, value: Option<f64>| {
            value.map_or_else(String::new, |v| format!("{name} {}", significant(v, 4)))
        };
        let speed = event.and_then(|event| event.images_per_second);
        let pieces = [
            (0, name),
            (5, bar),
            (1, format!("{:>3.0} %", share * 100.0)),
            (2, part("loss", event.and_then(|event| event.loss))),
            (4, part("lr", event.and_then(|event| event.lr))),
            (6, speed.map_or_else(String::new, |speed| format!("{speed:.0} images/s"))),
            (3, self.left().unwrap_or_default()),
        ];
        fitted(&pieces, width)
    }
}

impl Progress {
    /// Live when standard error is a terminal.
    pub(super) fn new(is_sweep: bool) -> Progress {
        Progress {
            line: LiveLine::new(),
            course: None,
            granted: None,
            has_begun: Arc::default(),
            is_sweep,
            head_is_due: false,
        }
    }

    /// Becomes true when a training begins: from then on there is a state to save.
    pub(super) fn has_begun(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.has_begun)
    }

    fn table(&self) -> Table {
        let accuracy = self.course.as_ref().map_or(Accuracy::None, |course| course.accuracy);
        Table::new(accuracy, LiveLine::output_width())
    }

    fn draw(&mut self) {
        if let (Some(line), Some(course)) = (&mut self.line, &self.course) {
            line.draw(|width| course.text(width));
        }
    }

    fn row(&mut self, row: &Row) {
        if std::mem::take(&mut self.head_is_due) {
            self.table().head().iter().for_each(|head| self.line(head));
        }
        let text = self.table().row(row);
        self.line(&text);
    }
}

/// A sentence in lines of a terminal's width.
fn wrapped(line: &str, width: usize) -> String {
    let options = textwrap::Options::new(width).subsequent_indent("  ").break_words(false);
    textwrap::fill(line, options.word_splitter(textwrap::WordSplitter::NoHyphenation))
}

impl Observer for Progress {
    /// A line of standard output that does not tear the live line.
    fn line(&mut self, line: &str) {
        if let Some(live) = &mut self.line {
            live.clear();
        }
        // Output that goes nowhere is no reason to stop training.
        report::line(line);
    }

    fn surroundings(&mut self, wanted: &Surroundings) {
        // The engine of an earlier job of the sweep may have wanted something else: that is taken back first.
        self.granted = None;
        self.granted = Some(wanted.grant());
    }

    fn begin(&mut self, plan: &Plan, position: &Position) {
        self.has_begun.store(true, Ordering::SeqCst);
        let accuracy = match plan.classes {
            None => Accuracy::None,
            Some(..6) => Accuracy::One,
            Some(_) => Accuracy::WithTopFive,
        };
        self.course = Some(Course {
            accuracy,
            epochs: plan.epochs,
            steps: plan.total_steps(),
            steps_of_epoch: plan.steps_of(0),
            began: Instant::now(),
            first_step: position.iteration,
            at: (position.epoch, position.batch, position.iteration),
            last: None,
            is_validating: false,
        });
        self.head_is_due = true;
    }

    fn validation(&mut self) {
        if let Some(course) = &mut self.course {
            course.is_validating = true;
        }
        self.draw();
    }

    fn step(&mut self, position: &Position) {
        if let Some(course) = &mut self.course {
            course.at = (position.epoch, position.batch, position.iteration);
        }
        self.draw();
    }

    fn event(&mut self, event: &Event) {
        if let Some(course) = &mut self.course {
            course.is_validating = false;
            // A network whose output is no class a sample has no accuracy, whatever the dataset says.
            if event.event == EventKind::Validation && event.accuracy.is_none() {
                course.accuracy = Accuracy::None;
            }
        }
        match event.event {
            EventKind::Train if self.line.is_some() => {
                if let Some(course) = &mut self.course {
                    course.last = Some(event.clone());
                }
            }
            EventKind::Train => self.row(&Row {
                epoch: event.epoch.to_string(),
                train_loss: loss(event.loss),
                rate: event.lr.map_or_else(String::new, |rate| rates([rate, rate])),
                time: event.images_per_second.map_or_else(String::new, |speed| format!("{speed:.0} img/s")),
                ..Row::default()
            }),
            EventKind::Validation if event.iteration == 0 => self.row(&Row {
                epoch: "0".into(),
                train_loss: "untrained".into(),
                validation_loss: loss(event.loss),
                accuracy: percent(event.accuracy, event.accuracy_top5),
                ..Row::default()
            }),
            // One within an epoch; that of an epoch's end stands in the epoch's row.
            EventKind::Validation if (event.epoch - event.epoch.round()).abs() > 1e-6 => self.row(&Row {
                epoch: significant(event.epoch, 4),
                validation_loss: loss(event.loss),
                accuracy: percent(event.accuracy, event.accuracy_top5),
                ..Row::default()
            }),
            EventKind::Error | EventKind::End => {
                if let Some(line) = &mut self.line {
                    line.clear();
                }
            }
            _ => {}
        }
    }

    fn epoch(&mut self, summary: &EpochSummary) {
        let mark = if summary.is_best { " *" } else { "" };
        self.row(&Row {
            epoch: summary.epoch.to_string(),
            train_loss: loss(summary.train_loss),
            validation_loss: format!("{}{mark}", loss(summary.validation_loss)),
            accuracy: percent(summary.accuracy, summary.accuracy_top5),
            rate: rates(summary.learning_rates),
            time: seconds(summary.seconds),
        });
    }

    fn finished(&mut self, summary: &TrainSummary) {
        let text = summary.text();
        match LiveLine::output_width() {
            Some(width) => text.lines().for_each(|line| self.line(&wrapped(line, width))),
            None => self.line(&text),
        }
        if self.is_sweep || summary.was_done {
            return;
        }
        let job = shell_path(&summary.job);
        self.line(&format!("test it    digits-rs test {job} IMAGE"));
        self.line(&format!("export it  digits-rs export {job} --format onnx"));
    }
}
