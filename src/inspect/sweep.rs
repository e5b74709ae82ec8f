//! The jobs of a sweep side by side: a table for the terminal, Markdown and CSV, and the curves as lines of one chart.

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{
    csv::quoted,
    curves::Curves,
    lines::{Line, LineChart},
    numbers::{measured, significant},
};
use crate::{
    error::Result,
    job::{Event, EventKind, JobView, Status, SweepRecord, file},
};

/// One job of the sweep.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// Its folder below the sweep's.
    pub folder: String,
    /// Base learning rate.
    pub lr: Option<f64>,
    /// Images a step.
    pub batch_size: Option<u64>,
    /// Done, Running, Aborted, Error, or `waiting` before it began.
    pub status: String,
    /// Epochs done.
    pub epochs: f64,
    /// Last training loss.
    pub train_loss: Option<f64>,
    /// Lowest validation loss and its epoch.
    pub best: Option<(f64, f64)>,
    /// Accuracy (0 to 1) at that epoch.
    pub accuracy: Option<f64>,
    /// Seconds from the first to the last event.
    pub seconds: f64,
    /// The error that ended it.
    pub error: Option<String>,
    /// What it is called in a chart; what varies when not given.
    name: Option<String>,
    curves: Curves,
}

/// All jobs, in the order of the plan.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The network file.
    pub network: String,
    /// The rows.
    pub rows: Vec<Row>,
    epochs: f64,
}

impl Comparison {
    /// Reads the sweep in `folder`, whether or not it goes on at the moment.
    ///
    /// # Errors
    /// When `sweep.json` or a job's files cannot be read.
    pub fn read(folder: &Path) -> Result<Comparison> {
        let plan = SweepRecord::read(folder)?;
        let epochs = plan.settings["epochs"].as_f64().unwrap_or(0.0);
        let mut rows = Vec::with_capacity(plan.jobs.len());
        for job in &plan.jobs {
            let (lr, batch_size) = (job.lr, job.batch_size);
            let row = Row { folder: job.folder.clone(), lr, batch_size, status: "waiting".into(), ..Row::default() };
            rows.push(match JobView::open(&folder.join(&job.folder)) {
                Ok(view) => row.filled(&view)?,
                Err(_) => row,
            });
        }
        Ok(Comparison { network: plan.network, rows, epochs })
    }

    /// Jobs anywhere, in this order.
    ///
    /// # Errors
    /// When one of them cannot be read.
    pub fn of_jobs(jobs: &[PathBuf]) -> Result<Comparison> {
        let row = |job: &PathBuf| {
            let row = Row { folder: job.display().to_string(), ..Row::default() };
            row.filled(&JobView::open(job)?)
        };
        let rows = jobs.iter().map(row).collect::<Result<Vec<Row>>>()?;
        let epochs = rows.iter().map(|row| row.epochs).fold(0.0, f64::max);
        let named = |row: Row| Row { name: Some(row.folder.clone()), ..row };
        Ok(Comparison { network: "comparison".into(), rows: rows.into_iter().map(named).collect(), epochs })
    }

    /// The row with the lowest validation loss; with the lowest training loss when nothing was validated.
    #[must_use]
    pub fn best(&self) -> Option<&Row> {
        let value = |row: &&Row| row.best.map(|(loss, _)| loss).or(row.train_loss).filter(|v| v.is_finite());
        self.rows
            .iter()
            .filter(|row| value(row).is_some())
            .min_by(|a, b| value(a).unwrap_or(f64::MAX).total_cmp(&value(b).unwrap_or(f64::MAX)))
    }

    /// The table for a terminal, columns aligned; the best row is marked.
    #[must_use]
    pub fn text(&self) -> String {
        let cells = self.cells();
        let count = cells[0].len();
        let width = |c: usize| cells.iter().map(|row| row[c].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..count).map(width).collect();
        let mut text = String::new();
        for row in &cells {
            let line: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
            let _ = writeln!(text, "{}", line.join("  ").trim_end());
        }
        text.trim_end().to_string()
    }

    /// The table as Markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!("# {}: {} jobs\n\n", self.network, self.rows.len());
        for (i, row) in self.cells().iter().enumerate() {
            let _ = writeln!(text, "| {} |", row.iter().map(|c| c.replace('|', "\\|")).collect::<Vec<_>>().join(" | "));
            if i == 0 {
                let _ = writeln!(text, "|{}", "---|".repeat(row.len()));
            }
        }
        text + "\n![validation loss](loss.svg)\n"
    }

    /// The table for a spreadsheet, numbers in full.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text =
            "job,lr,batch_size,status,epochs,train_loss,best_validation_loss,best_epoch,accuracy,seconds,error\n"
                .to_string();
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        for row in &self.rows {
            let error = quoted(row.error.as_deref().unwrap_or_default());
            let _ = writeln!(
                text,
                "{},{},{},{},{},{},{},{},{},{},{error}",
                row.folder,
                number(row.lr),
                row.batch_size.map_or_else(String::new, |n| n.to_string()),
                row.status,
                row.epochs,
                number(row.train_loss),
                number(row.best.map(|best| best.0)),
                number(row.best.map(|best| best.1)),
                number(row.accuracy),
                row.seconds.round(),
            );
        }
        text
    }

    /// The jobs' validation losses over one another; training losses where nothing was validated.
    #[must_use]
    pub fn chart(&self) -> LineChart {
        let validated = self.rows.iter().any(|row| !row.curves.validation.is_empty());
        let lines: Vec<Line> = self
            .rows
            .iter()
            .map(|row| Line {
                name: row.name(),
                note: match (&row.best, row.status.as_str()) {
                    (_, "Error") => "ended by an error".into(),
                    (Some((loss, epoch)), _) => format!("best {} at epoch {}", measured(*loss), significant(*epoch, 4)),
                    (None, status) => status.to_lowercase(),
                },
                points: if validated { row.curves.validation.clone() } else { row.curves.train.clone() },
            })
            .collect();
        let values = lines.iter().flat_map(|line| &line.points).map(|point| point.value);
        LineChart {
            title: format!("{}: {} jobs", self.network, self.rows.len()),
            subtitle: self.best().map_or_else(String::new, |row| format!("best: {}", row.name())),
            measure: if validated { "validation loss" } else { "training loss" }.into(),
            log: LineChart::spans_decades(values),
            lines,
            epochs: self.epochs,
        }
    }

    fn cells(&self) -> Vec<Vec<String>> {
        let best = self.best().map(|row| row.folder.clone());
        let has_accuracy = self.rows.iter().any(|row| row.accuracy.is_some());
        let mut head: Vec<&str> =
            vec!["job", "learning rate", "batch", "status", "epochs", "train loss", "best val loss"];
        head.extend(["at epoch"].into_iter().chain(has_accuracy.then_some("accuracy")).chain(["time"]));
        let mut table = vec![head.into_iter().map(String::from).collect::<Vec<_>>()];
        let dash = || "-".to_string();
        for row in &self.rows {
            let mark = if best.as_deref() == Some(&row.folder) { " *" } else { "" };
            let mut cells = vec![
                row.folder.clone(),
                row.lr.map_or_else(dash, |lr| significant(lr, 6)),
                row.batch_size.map_or_else(dash, |n| n.to_string()),
                row.status.clone(),
                significant(row.epochs, 4),
                row.train_loss.map_or_else(dash, measured),
                row.best.map_or_else(dash, |(loss, _)| format!("{}{mark}", measured(loss))),
                row.best.map_or_else(dash, |(_, epoch)| significant(epoch, 4)),
            ];
            if has_accuracy {
                cells.push(row.accuracy.map_or_else(dash, |share| format!("{:.2} %", share * 100.0)));
            }
            cells.push(format!("{:.0} s", row.seconds));
            table.push(cells);
        }
        table
    }
}

impl Row {
    fn filled(mut self, view: &JobView) -> Result<Row> {
        let record = view.record()?;
        let settings = |name: &str| &record.settings[name];
        self.lr = self.lr.or(settings("lr").as_f64());
        self.batch_size = self.batch_size.or(settings("batch_size").as_u64());
        self.status = match record.status {
            Status::Initialized => "waiting".into(),
            other => format!("{other:?}"),
        };
        self.error = record.error;
        let events = view.events()?;
        self.epochs = events.last().map_or(0.0, |event| event.epoch);
        self.seconds = active_seconds(&events);
        let lines = std::fs::read_to_string(view.path().join(file::METRICS)).unwrap_or_default();
        self.curves = Curves::from_metrics(&lines);
        let of_epoch = events.iter().rev().find(|event| event.event == EventKind::Epoch).and_then(|event| event.loss);
        // Jobs of before kept no loss of an epoch.
        self.train_loss = of_epoch.or_else(|| self.curves.train.last().map(|point| point.value));
        self.best = self.curves.best().map(|point| (point.value, point.epoch));
        let at_best = |event: &&Event| event.event == EventKind::Validation && event.loss == self.best.map(|b| b.0);
        self.accuracy = events.iter().find(at_best).and_then(|event| event.accuracy);
        Ok(self)
    }

    /// `lr 0.1, batch 32`
    #[must_use]
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let lr = self.lr.map(|lr| format!("lr {}", significant(lr, 6)));
        let batch = self.batch_size.map(|size| format!("batch {size}"));
        lr.into_iter().chain(batch).collect::<Vec<_>>().join(", ")
    }
}

/// Time between the events of one life of the process; the pause before a resume does not count, also where the snapshot that
/// the resume began from is noted a second time before it.
fn active_seconds(events: &[Event]) -> f64 {
    let begins = |event: &Event| matches!(event.event, EventKind::Resume | EventKind::Start);
    let of_pair = |(at, pair): (usize, &[Event])| {
        let noted_again = pair[1].event == EventKind::Snapshot
            && events.get(at + 2).is_some_and(|next| next.event == EventKind::Resume);
        if begins(&pair[1]) || noted_again { 0.0 } else { (pair[1].time - pair[0].time).max(0.0) }
    };
    events.windows(2).enumerate().map(of_pair).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::curves::Point;

    fn row(folder: &str, lr: f64, losses: &[f64]) -> Row {
        let validation: Vec<Point> =
            losses.iter().enumerate().map(|(i, &value)| Point { epoch: i as f64, value }).collect();
        let curves = Curves { validation, ..Curves::default() };
        let best = curves.best().map(|p| (p.value, p.epoch));
        let (status, folder) = ("Done".into(), folder.into());
        Row { folder, lr: Some(lr), batch_size: Some(32), status, epochs: 2.0, best, curves, ..Row::default() }
    }

    fn comparison() -> Comparison {
        let rows = vec![row("lr0.1", 0.1, &[9.0, 5.0, 7.0]), row("lr0.01", 0.01, &[9.0, 8.0, 4.5])];
        Comparison { network: "net.lua".into(), rows, epochs: 2.0 }
    }

    #[test]
    fn the_lowest_loss_is_marked_in_every_form() {
        let comparison = comparison();
        assert_eq!(comparison.best().unwrap().folder, "lr0.01");
        let text = comparison.text();
        assert!(
            text.lines().nth(2).unwrap().contains("4.5 *") && !text.lines().nth(1).unwrap().contains('*'),
            "{text}"
        );
        assert!(comparison.markdown().contains("| lr0.01 | 0.01 | 32 | Done | 2 | - | 4.5 * | 2 | 0 s |"));
        assert!(comparison.csv().contains("lr0.1,0.1,32,Done,2,,5,1,,0,\"\""), "{}", comparison.csv());
        assert_eq!(comparison.chart().lines.len(), 2);
        assert!(comparison.chart().subtitle.contains("lr 0.01, batch 32"));
    }

    #[test]
    fn a_pause_before_a_resume_is_no_time_of_the_job() {
        let at = |event: EventKind, time: f64| Event { time, ..Event::new(event, 0.0, 0) };
        let (start, epoch, snapshot) = (EventKind::Start, EventKind::Epoch, EventKind::Snapshot);
        let mut events = vec![at(start, 0.0), at(epoch, 5.0), at(snapshot, 1000.0), at(EventKind::Resume, 1000.1)];
        assert_eq!(active_seconds(&events), 5.0);
        events.extend([at(epoch, 1003.1), at(snapshot, 1003.6)]);
        assert_eq!(active_seconds(&events), 8.5);
    }

    #[test]
    fn a_sweep_in_which_nothing_has_begun_is_shown_too() {
        let rows = vec![Row { folder: "lr1".into(), lr: Some(1.0), status: "waiting".into(), ..Row::default() }];
        let waiting = Comparison { network: "n".into(), rows, epochs: 0.0 };
        assert!(waiting.best().is_none() && waiting.text().contains("waiting"));
        assert!(waiting.chart().svg().contains("no points yet"));
    }
}
