//! `digits-rs serve`: the studio in a browser; and the processes that it starts.

use std::path::PathBuf;

use super::{held, report, stop};
use crate::{
    error::{Error, Kind, Result},
    fence,
    studio::{
        self, ServeOptions,
        child::{Answers, Wall, Work},
    },
    torch::start_up,
};

/// Open the studio: datasets, networks, training and tests in a browser
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Address and port; others than this machine's users need the token
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:5000")]
    listen: String,
    /// Folder of jobs/ and datasets/
    #[arg(long, value_name = "DIR", default_value = ".")]
    root: PathBuf,
    /// Nobody comes in without it [default: made up where others can reach the address]
    #[arg(long, value_name = "TEXT", env = "DIGITS_RS_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// A folder besides the root that the page may name datasets and images in; may be given again
    #[arg(long, value_name = "DIR")]
    allow: Vec<PathBuf>,
    /// Trainings at once on one device
    #[arg(long, value_name = "N", default_value_t = 1)]
    per_device: usize,
    /// End the trainings with the server, saved; they go on without it otherwise
    #[arg(long)]
    stop_jobs: bool,
}

/// Runs the command until Ctrl-C.
///
/// # Errors
/// When the address is taken or the folder cannot be written.
pub fn run(args: Serve) -> Result<()> {
    let Serve { listen, root, token, allow, per_device, stop_jobs } = args;
    let options = ServeOptions { listen, root, token, allow, per_device, stop_jobs };
    // The server itself never computes.
    start_up::give_back_pages();
    studio::serve(&options, |served| {
        report::line(&format!("the studio is at {}", served.link));
        if served.is_open {
            report::line("others can reach this address: the link holds the token, keep it to yourself");
        }
        if !served.has_page {
            report::line("the page is not built in: install Node with npm, run make build; the REST interface answers");
        }
    })
}

/// A process of the server; not for people.
#[derive(Debug, clap::Args)]
pub struct WorkArgs {
    /// train, pasted, look, make or test
    what: String,
    /// The job's folder
    folder: Option<PathBuf>,
    /// May be read, with all that is below
    #[arg(long = "read", value_name = "PATH")]
    reads: Vec<PathBuf>,
    /// A list of images that may be read
    #[arg(long = "list", value_name = "FILE")]
    lists: Vec<PathBuf>,
    /// May be written, with all that is below
    #[arg(long = "write", value_name = "DIR")]
    writes: Vec<PathBuf>,
}

/// Runs the command.
///
/// # Errors
/// What keeps a job from being trained.
pub fn work(args: WorkArgs) -> Result<()> {
    let WorkArgs { what, folder: job, reads, lists, writes } = args;
    let work = match (what.as_str(), job, Wall::of_word(&what)) {
        ("train", Some(folder), _) => Work::Train(folder),
        (_, job, Some(wall)) => Work::Answer(Answers { wall, job, reads, lists, writes }),
        _ => return Err(Error::new(Kind::Usage, "this command is the server's own").with_help("digits-rs serve")),
    };
    // Before any other thread starts, and before anything of a stranger is read.
    held::note(fence::enter(&studio::child::reach(&work)?));
    if matches!(work, Work::Train(_)) {
        start_up::give_back_pages();
    }
    studio::child::work(&work, &stop::on_signals()?)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        serve: Serve,
    }

    #[test]
    fn only_this_machine_reaches_the_server_unless_it_is_asked_for() {
        let line = Line::parse_from(["serve"]);
        let address: std::net::SocketAddr = line.serve.listen.parse().unwrap();
        assert!(address.ip().is_loopback() && address.port() == 5000, "{address}");
        assert!(line.serve.token.is_none() && line.serve.allow.is_empty() && !line.serve.stop_jobs);
    }
}
