//! `digits-rs check FILE`: prints a network file's network and the table of its layers.

use std::path::PathBuf;

use super::{fenced::FenceFlags, json, report};
use crate::{
    data::Place,
    error::{Error, Result},
    fence::Reach,
    frontend::Source,
    tasks::{
        Observer, SampleShape,
        check::{CheckRequest, check},
        reach,
    },
    torch::device::DeviceChoice,
};

/// Look at a network without data: shapes, parameters, operations and memory of every layer
#[derive(Debug, Clone, clap::Args)]
pub struct Check {
    /// The network file, or - for standard input
    pub file: PathBuf,
    /// Shape of one sample, channels first: 1x28x28
    #[arg(long, value_name = "CxHxW")]
    pub input_shape: Option<SampleShape>,
    /// A dataset folder to take shape and number of classes from
    #[arg(long, value_name = "DIR", conflicts_with = "input_shape")]
    pub dataset: Option<PathBuf>,
    /// Number of classes (params.nclasses)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub nclasses: Option<i64>,
    /// Batch size that shapes, operations and memory are for
    #[arg(long, value_name = "N", default_value_t = CheckRequest::default().batch, value_parser = clap::value_parser!(i64).range(1..))]
    pub batch: i64,
    /// Compare the gradients of modules and criteria written in Lua with finite differences, in double precision
    #[arg(long)]
    pub gradients: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    fence: FenceFlags,
}

/// Prints what the network file prints; beside JSON on standard error.
struct Lines {
    aside: bool,
}

impl Observer for Lines {
    fn warning(&mut self, sentence: &str) {
        report::warning(sentence);
    }

    fn printed(&mut self, line: &str) {
        if self.aside { report::aside(line) } else { report::line(line) }
    }
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read; else as [`check`].
pub fn run(args: Check) -> Result<()> {
    let Check { file, input_shape, dataset, nclasses, batch, gradients, json, fence } = args;
    let place = dataset.clone().map(Place::Folder);
    let reach = reach::program(DeviceChoice::Cpu).and(reach::network(&file));
    fence.enter(&place.iter().map(reach::dataset).fold(reach, Reach::and));
    let request = CheckRequest { input_shape, dataset, nclasses, batch, gradients };
    let summary = check(Source::read(&file)?, &request, &mut Lines { aside: json })?;
    if json {
        json::print(&summary)?;
    } else {
        report::line(&summary.text());
    }
    let checked = summary.gradients.unwrap_or_default();
    let mut wrong: Vec<Error> = checked.into_iter().filter_map(|checked| checked.page).collect();
    // One page ends the program; the others come before it.
    let Some(last) = wrong.pop() else { return Ok(()) };
    wrong.iter().for_each(report::page);
    Err(last)
}
