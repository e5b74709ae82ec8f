//! `digits-rs jobs`: lists jobs, removes some, compares some; `digits-rs watch JOB`: the table of a running one.

use std::{path::PathBuf, time::Duration};

use indicatif::HumanBytes;

use super::{
    json,
    live_line::LiveLine,
    report,
    table::{Accuracy, Row, Table, loss, percent, rates, seconds},
};
use crate::{
    error::Result,
    job::{Event, EventKind, JobView, Status},
    tasks::jobs::{ListedJob, compare, list, none_in, removable, remove},
};

/// Characters between two columns.
const GAP: usize = 2;
/// Between two looks at a job.
const PAUSE: Duration = Duration::from_millis(300);

/// List jobs with state, best loss and size; remove some; compare some
#[derive(Debug, Clone, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Jobs {
    #[command(subcommand)]
    what: Option<What>,
    /// The folder of jobs
    #[arg(default_value = "jobs")]
    folder: PathBuf,
    /// Print JSON instead of text
    #[arg(long)]
    json: bool,
}

/// What is done with jobs.
#[derive(Debug, Clone, clap::Subcommand)]
enum What {
    /// Remove the folders of jobs or sweeps
    #[command(visible_alias = "remove", alias = "delete")]
    Rm {
        /// The folders
        #[arg(required = true)]
        jobs: Vec<PathBuf>,
    },
    /// Compare jobs: the settings that differ, a table, the losses in one chart
    Compare {
        /// The folders, two or more
        #[arg(required = true, num_args = 2..)]
        jobs: Vec<PathBuf>,
        /// Folder for comparison.svg and comparison.png
        #[arg(long, value_name = "DIR", default_value = ".")]
        out: PathBuf,
    },
}

/// Runs `jobs`.
///
/// # Errors
/// When a folder is no job, cannot be read, written or removed.
pub fn run(args: Jobs) -> Result<()> {
    match args.what {
        None => {
            let found = list(&args.folder)?;
            if args.json {
                return json::print(&found);
            }
            if found.is_empty() {
                return Err(none_in(&args.folder));
            }
            let mut rows: Vec<_> = [head()].into_iter().chain(found.iter().map(cells)).collect();
            if let Some(width) = LiveLine::output_width() {
                fit(&mut rows, width);
            }
            aligned(&rows);
        }
        Some(What::Rm { jobs }) => {
            // None is removed when one of them is no job.
            jobs.iter().try_for_each(|job| removable(job))?;
            for job in &jobs {
                remove(job)?;
                report::line(&format!("removed {}", job.display()));
            }
        }
        Some(What::Compare { jobs, out }) => {
            let compared = compare(&jobs, &out)?;
            let names = [String::new()].into_iter().chain(jobs.iter().map(|job| job.display().to_string()));
            let rows = compared.settings.into_iter().map(|(name, values)| [vec![name], values].concat());
            aligned(&[names.collect()].into_iter().chain(rows).collect::<Vec<_>>());
            report::line(&format!("\n{}", compared.comparison.text()));
            compared.comparison.incomparable.iter().for_each(|why| report::line(&format!("note: {why}")));
            let made: Vec<String> = compared.made.iter().map(|path| path.display().to_string()).collect();
            report::line(&format!("made {}", made.join(", ")));
        }
    }
    Ok(())
}

fn head() -> Vec<String> {
    ["job", "state", "epochs", "best loss", "accuracy", "size", "created"].map(String::from).to_vec()
}

/// The columns that a terminal holds: those that matter least go first, then names lose their beginnings.
fn fit(rows: &mut [Vec<String>], width: usize) {
    const FIRST_TO_GO: [&str; 5] = ["created", "size", "epochs", "accuracy", "state"];
    let needed = |rows: &[Vec<String>]| widths(rows).iter().map(|width| width + GAP).sum::<usize>().saturating_sub(GAP);
    for name in FIRST_TO_GO {
        if needed(rows) <= width {
            return;
        }
        if let Some(at) = rows[0].iter().position(|head| head == name) {
            rows.iter_mut().for_each(|row| drop(row.remove(at)));
        }
    }
    let over = needed(rows).saturating_sub(width);
    let longest = widths(rows)[0].saturating_sub(over).max(8);
    for name in rows.iter_mut().map(|row| &mut row[0]) {
        let characters = name.chars().count();
        if characters > longest {
            *name = format!("…{}", name.chars().skip(characters - longest + 1).collect::<String>());
        }
    }
}

fn cells(job: &ListedJob) -> Vec<String> {
    let of = job.of_epochs.map_or_else(String::new, |of| format!("/{of}"));
    vec![
        job.job.display().to_string(),
        format!("{:?}", job.status),
        format!("{}{of}", job.epochs),
        loss(job.best_loss),
        percent(job.best_accuracy, None),
        HumanBytes(job.bytes).to_string(),
        job.created.replace('T', " ").chars().take(16).collect(),
    ]
}

/// Prints rows in columns.
fn aligned(rows: &[Vec<String>]) {
    let rows = on_one_line(rows);
    let widths = widths(&rows);
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}")).collect();
        report::line(cells.join(&" ".repeat(GAP)).trim_end());
    }
}

/// The rows with each text on one line: the name of a folder may hold anything.
fn on_one_line(rows: &[Vec<String>]) -> Vec<Vec<String>> {
    rows.iter().map(|row| row.iter().map(|cell| cell.replace('\n', "\\n")).collect()).collect()
}

/// Characters of each column.
fn widths(rows: &[Vec<String>]) -> Vec<usize> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    (0..columns).map(|column| width(column).unwrap_or(0)).collect()
}

/// Follow a running job's table from elsewhere
#[derive(Debug, Clone, clap::Args)]
pub struct Watch {
    /// The job directory
    job: PathBuf,
}

/// Runs `watch`: prints the epochs so far, and each one that comes, until the job's process ends.
///
/// # Errors
/// When there is no job.
pub fn watch(args: &Watch) -> Result<()> {
    let view = JobView::open(&args.job)?;
    let mut rows = Rows::default();
    let mut seen = 0;
    loop {
        // Asked first: what is written after it is read in the next round, or was the last.
        let is_running = view.record()?.status == Status::Running;
        let events = view.events()?;
        if seen == 0 && !events.is_empty() {
            rows.begin(&events);
        }
        events.iter().skip(seen).for_each(|event| rows.event(event));
        seen = events.len();
        if !is_running {
            rows.flush();
            let record = view.record()?;
            let why = record.error.map_or_else(String::new, |error| format!(": {error}"));
            report::line(&format!("{}: {:?}{why}", args.job.display(), record.status));
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Events as rows.
#[derive(Default)]
struct Rows {
    table: Option<Table>,
    /// An epoch whose validation may follow.
    waiting: Option<Row>,
    /// When the epoch of the next row began, and that of the row that waits.
    epoch_began: f64,
    waiting_began: f64,
    /// Whether what comes belongs to the epoch that is over: its validation and its snapshot, which its time counts too.
    is_between: bool,
    rate: Option<f64>,
}

impl Rows {
    fn begin(&mut self, events: &[Event]) {
        let has = |of: fn(&Event) -> Option<f64>| events.iter().any(|event| of(event).is_some());
        let accuracy = match (has(|event| event.accuracy), has(|event| event.accuracy_top5)) {
            (_, true) => Accuracy::WithTopFive,
            (true, false) => Accuracy::One,
            (false, false) => Accuracy::None,
        };
        let table = Table::new(accuracy, LiveLine::output_width());
        table.head().iter().for_each(|head| report::line(head));
        self.table = Some(table);
    }

    fn event(&mut self, event: &Event) {
        match event.event {
            EventKind::Start | EventKind::Resume => self.is_between = true,
            EventKind::Train => {
                self.rate = self.rate.or(event.lr);
                self.is_between = false;
            }
            EventKind::Epoch => {
                self.flush();
                let last = event.lr.unwrap_or(0.0);
                self.waiting = Some(Row {
                    epoch: event.epoch.to_string(),
                    train_loss: loss(event.loss),
                    rate: rates([self.rate.take().unwrap_or(last), last]),
                    time: seconds((event.time - self.epoch_began).max(0.0)),
                    ..Row::default()
                });
                (self.waiting_began, self.is_between) = (self.epoch_began, true);
            }
            EventKind::Validation => {
                let row = self.waiting.get_or_insert_with(|| Row {
                    epoch: event.epoch.to_string(),
                    train_loss: if event.iteration == 0 { "untrained".into() } else { String::new() },
                    ..Row::default()
                });
                row.validation_loss = loss(event.loss);
                row.accuracy = percent(event.accuracy, event.accuracy_top5);
                if self.is_between && event.iteration > 0 {
                    row.time = seconds((event.time - self.waiting_began).max(0.0));
                }
                self.flush();
            }
            EventKind::Snapshot | EventKind::End | EventKind::Error => self.flush(),
        }
        if self.is_between {
            self.epoch_began = event.time;
        }
    }

    fn flush(&mut self) {
        if let (Some(row), Some(table)) = (self.waiting.take(), &self.table) {
            report::line(&table.row(&row));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_narrow_terminal_gets_the_columns_that_matter() {
        let row = |name: &str| {
            let texts = [name, "Done", "30/30", "0.0123", "98.50 %", "12.00 MiB", "2026-11-28 19:00"];
            texts.map(String::from).to_vec()
        };
        let rows = vec![head(), row("jobs/autoencoder-of-yesterday"), row("jobs/lenet")];
        let shown = |width| {
            let mut rows = rows.clone();
            fit(&mut rows, width);
            rows
        };
        assert_eq!(shown(200), rows);
        assert_eq!(shown(80)[0], ["job", "state", "epochs", "best loss", "accuracy", "size"]);
        assert_eq!(shown(40)[0], ["job", "best loss"]);
        assert!(shown(30)[1][0].starts_with('…') && shown(30)[1][0].ends_with("yesterday"), "{:?}", shown(30));
        for width in [200, 100, 80, 60, 40, 30, 24] {
            let longest = widths(&shown(width)).iter().map(|cell| cell + GAP).sum::<usize>() - GAP;
            assert!(longest <= width, "{longest} in {width}");
        }
    }
}
