//! The commands of `digits-rs` and their arguments.

use clap::Parser;

use super::{check, dataset, doctor, export, run, serve, test, th};

/// digits-rs trains DIGITS-era Torch7 network files on today's libtorch and looks inside them.
#[derive(Debug, Parser)]
#[command(name = "digits-rs", version, about, max_term_width = 110)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub(super) command: Command,
}

/// One of them.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    Run(Box<run::RunArgs>),
    Dataset(dataset::DatasetArgs),
    Check(check::Check),
    Test(test::Test),
    Export(export::Export),
    Serve(serve::Serve),
    #[command(hide = true)]
    Work(serve::WorkArgs),
    Th(th::Th),
    Doctor(doctor::DoctorArgs),
}
