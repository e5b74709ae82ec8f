//! The commands of `digits-rs` and their arguments.

use std::ffi::OsString;

use clap::{CommandFactory as _, FromArgMatches as _, Parser};

use super::{check, dataset, doctor, export, jobs, pack, run, serve, shell_files, test, th};

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
    Jobs(jobs::Jobs),
    Watch(jobs::Watch),
    Pack(pack::Pack),
    Unpack(pack::Unpack),
    Serve(serve::Serve),
    #[command(hide = true)]
    Work(serve::WorkArgs),
    Th(th::Th),
    Doctor(doctor::DoctorArgs),
    Completions(shell_files::Completions),
    Man(shell_files::Man),
}

/// Reads a command line. A negative number behind an option is its value, which the option may refuse, and no option.
///
/// # Errors
/// What clap refuses, or answers itself.
pub(super) fn parsed(words: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Result<Cli, clap::Error> {
    let mut command = with_negative_numbers(Cli::command());
    let matches = command.try_get_matches_from_mut(words)?;
    Cli::from_arg_matches(&matches).map_err(|error| error.format(&mut command))
}

fn with_negative_numbers(command: clap::Command) -> clap::Command {
    let command = command.mut_args(|argument| {
        let takes_value = argument.get_action().takes_values() && !argument.is_positional();
        if takes_value { argument.allow_negative_numbers(true) } else { argument }
    });
    command.mut_subcommands(with_negative_numbers)
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::{
        cli::processes,
        frontend,
        tasks::{RunOptions, RunSettings},
        torch::memory,
    };

    /// The settings with this learning rate policy and nothing else.
    fn settings(policy: Option<&str>) -> Value {
        let options = RunOptions { lr_policy: policy.map(Into::into), ..RunOptions::default() };
        RunSettings::of(&options, &frontend::Settings::default()).to_json().unwrap()
    }

    /// As the help writes a value.
    fn written(value: &Value) -> String {
        match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.as_f64().unwrap().to_string(),
            Value::Array(values) => values.iter().map(written).collect::<Vec<_>>().join(","),
            other => other.to_string(),
        }
    }

    /// `Inv, poly [default: 0.5; poly 3]`: a number for all policies that the sentence begins with, others after it.
    #[test]
    fn the_defaults_in_the_help_are_those_of_the_settings() {
        let program = Cli::command();
        let run = program.find_subcommand("run").unwrap();
        let mut seen = Vec::new();
        for argument in run.get_arguments() {
            let (name, help) = (argument.get_id().as_str(), argument.get_help().map(ToString::to_string));
            let help = help.unwrap_or_default();
            let Some((sentence, default)) = help.split_once(" [default: ") else { continue };
            let default = default.trim_end_matches(']');
            let has_no_number = match name {
                "dataset" => default.contains("built-in sample"),
                "keep" | "threads" => settings(None)[name].is_null(),
                "memory_limit" => default.starts_with(&(memory::DEFAULT_LIMIT >> 20).to_string()),
                // Torch's own, which the policy knows.
                "lr_decay" => settings(Some("torch_sgd"))[name].is_null(),
                "timeout" => default == processes::TIMEOUT.to_string(),
                "job" | "out" => true,
                _ => false,
            };
            if has_no_number {
                continue;
            }
            seen.push(name.to_string());
            let mut values = default.split("; ");
            let common = values.next().unwrap();
            let special: Vec<_> = values.map(|value| value.split_once(' ').unwrap()).collect();
            if settings(None).get(name).is_some() && !["lr_step", "lr_steps", "lr_gamma", "lr_power"].contains(&name) {
                let common = common.rsplit(' ').next().unwrap();
                assert_eq!(written(&settings(None)[name]), common, "--{name}");
                continue;
            }
            for policy in sentence.split(':').next().unwrap().to_lowercase().split(", ") {
                let wanted = special.iter().find(|(of, _)| *of == policy).map_or(common, |(_, value)| value);
                assert_eq!(written(&settings(Some(policy))[name]), wanted, "--{name} of {policy}");
            }
        }
        for name in ["epochs", "batch_size", "memory", "lr", "lr_gamma", "lr_steps", "momentum", "aug_flip"] {
            assert!(seen.iter().any(|known| known == name), "{name} is not among {seen:?}");
        }
    }
}
