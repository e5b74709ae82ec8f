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
    job::{Event, EventKind, JobView, Status, SweepRecord, TrainingClock, file},
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
    /// Why the losses cannot be compared, where they cannot: none of them is the best.
    pub incomparable: Option<String>,
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
        Ok(Comparison { network: plan.network, rows, epochs, incomparable: None })
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
        let incomparable = incomparable(jobs)?;
        let rows = rows.into_iter().map(named).collect();
        Ok(Comparison { network: "comparison".into(), rows, epochs, incomparable })
    }

    /// The row with the lowest validation loss; with the lowest training loss when nothing was validated. None where losses
    /// cannot be compared.
    #[must_use]
    pub fn best(&self) -> Option<&Row> {
        if self.incomparable.is_some() {
            return None;
        }
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
        let mut clock = TrainingClock::default();
        for event in &events {
            clock.at(event);
        }
        self.seconds = clock.seconds();
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

/// Why the losses of these jobs say nothing about each other: they are of different criteria, or of different data.
fn incomparable(jobs: &[PathBuf]) -> Result<Option<String>> {
    let records = jobs.iter().map(|job| JobView::open(job)?.record()).collect::<Result<Vec<_>>>()?;
    let Some((first, others)) = records.split_first() else { return Ok(None) };
    for other in others {
        let (a, b) = (first.criterion.as_deref(), other.criterion.as_deref());
        // Jobs of before kept no criterion: the same file has the same one.
        if a != b && first.network.blake3 != other.network.blake3 {
            let [a, b] = [a, b].map(|criterion| criterion.unwrap_or("a criterion that the job did not keep"));
            return Ok(Some(format!("their losses are of different criteria, {a} and {b}: none of them is the best")));
        }
        if first.dataset.fingerprint != other.dataset.fingerprint {
            let [a, b] = [&first.dataset.path, &other.dataset.path];
            return Ok(Some(format!("their losses are of different data, {a} and {b}: none of them is the best")));
        }
    }
    Ok(None)
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
        Comparison { network: "net.lua".into(), rows, epochs: 2.0, incomparable: None }
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
        let other = Comparison { incomparable: Some("different criteria".into()), ..comparison };
        assert!(other.best().is_none() && !other.text().contains('*') && other.chart().subtitle.is_empty());
    }

    #[test]
    fn a_sweep_in_which_nothing_has_begun_is_shown_too() {
        let rows = vec![Row { folder: "lr1".into(), lr: Some(1.0), status: "waiting".into(), ..Row::default() }];
        let waiting = Comparison { network: "n".into(), rows, epochs: 0.0, incomparable: None };
        assert!(waiting.best().is_none() && waiting.text().contains("waiting"));
        assert!(waiting.chart().svg().contains("no points yet"));
    }
}
