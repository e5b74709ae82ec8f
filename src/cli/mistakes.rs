//! A command line that cannot be carried out, as a page like all others: what is wrong with it, and what was meant.

use clap::{
    CommandFactory as _,
    error::{ContextKind, ContextValue, ErrorKind},
};

use super::command::Cli;
use crate::error::{Error, Kind};

/// Words of DIGITS and of other programs, and what they are here.
const MEANT: &[(&[&str], &str)] = &[
    (&["train", "fit", "learn", "start", "create-model", "model"], "run NETWORK.lua --dataset DIR"),
    (&["resume", "continue"], "run --resume JOB"),
    (
        &["predict", "infer", "inference", "classify", "classify-one", "classify-many", "eval", "evaluate", "validate"],
        "test JOB IMAGE",
    ),
    (&["convert", "save", "download", "onnx"], "export JOB --format onnx"),
    (
        &["parse-folder", "parse_folder", "create-db", "create_db", "create", "make", "data", "datasets", "import"],
        "dataset folder DIR --out DATASET",
    ),
    (&["show", "print", "summary", "visualize", "view", "lint"], "check NETWORK.lua"),
    (&["server", "web", "ui", "gui", "studio", "digits", "digits-server", "start-server", "devserver"], "serve"),
    (&["list", "ls", "ps", "status", "job"], "jobs"),
    (&["lua", "repl", "shell", "script"], "th"),
    (&["version", "env", "info", "devices", "gpu"], "doctor"),
    (&["archive", "zip", "bundle"], "pack JOB"),
    (&["tail", "follow", "log", "logs"], "watch JOB"),
];

/// Options of other programs, and what they are in `digits-rs run`.
const MEANT_OPTIONS: &[(&[&str], &str)] = &[
    (&["--db", "--data", "--data-dir", "--lmdb", "--train"], "--dataset DIR, or --train-db DIR with --val-db DIR"),
    (&["--val", "--validation", "--valid"], "--val-db DIR"),
    (&["--gpu", "--gpus", "--cuda"], "--device cuda"),
    (&["--learning-rate", "--learning_rate", "--learningRate", "--base-lr"], "--lr RATE"),
    (&["--optimizer", "--optim", "--optimization"], "--solver NAME"),
    (&["--output", "--out", "--save", "--name"], "--job DIR"),
    (&["--network", "--model", "--net"], "the network file as the first word: digits-rs run NETWORK.lua"),
    (&["--pretrained", "--init", "--load"], "--weights FILE"),
];

/// The page for what clap refuses; none for a request for help or the version, which clap answers.
pub(super) fn page(refused: &clap::Error) -> Option<Error> {
    let text = |kind: ContextKind| match refused.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        Some(ContextValue::Strings(texts)) => Some(texts.join(", ")),
        _ => None,
    };
    let list = |kind: ContextKind| match refused.get(kind) {
        Some(ContextValue::Strings(texts)) => texts.clone(),
        Some(ContextValue::String(text)) => vec![text.clone()],
        _ => Vec::new(),
    };
    let argument = text(ContextKind::InvalidArg).unwrap_or_default();
    let usage = |error: Error| match refused.get(ContextKind::Usage) {
        Some(usage) => {
            error.with_fact("usage", plain(&usage.to_string()).trim_start_matches("Usage: ").trim().to_string())
        }
        None => error,
    };
    Some(match refused.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return None;
        }
        ErrorKind::InvalidSubcommand => {
            let word = text(ContextKind::InvalidSubcommand).unwrap_or_default();
            let usage = refused.get(ContextKind::Usage).map(|usage| plain(&usage.to_string())).unwrap_or_default();
            unknown_command(&word, &above(&usage), &list(ContextKind::SuggestedSubcommand))
        }
        ErrorKind::UnknownArgument => {
            let is_option = argument.starts_with('-');
            let is_value = is_option && argument[1..].starts_with(|c: char| c.is_ascii_digit() || c == '.');
            let message = if is_option {
                format!("there is no option {argument}")
            } else {
                format!("{argument} is one word too many")
            };
            let error = usage(Error::new(Kind::Usage, message));
            let is_run = refused
                .get(ContextKind::Usage)
                .is_some_and(|usage| above(&plain(&usage.to_string())) == "digits-rs run");
            let meant = MEANT_OPTIONS.iter().find(|(words, _)| is_run && words.contains(&argument.as_str()));
            match text(ContextKind::SuggestedArg) {
                _ if let Some((_, here)) = meant => error.with_help(format!("did you mean {here}?")),
                _ if is_value => {
                    error.with_help("if it is the value of an option, write it behind =, as in --option=-1")
                }
                Some(near) => error.with_help(format!("did you mean {near}?")),
                None => error.with_help("leave it out; --help lists what there is"),
            }
        }
        ErrorKind::InvalidValue | ErrorKind::ValueValidation => {
            let (option, value) = (name(&argument), text(ContextKind::InvalidValue).unwrap_or_default());
            if value.is_empty() {
                return Some(usage(Error::new(Kind::Usage, format!("{option} is given without a value"))));
            }
            let mut error = Error::new(Kind::Usage, format!("{option} is {value}"));
            let valid = list(ContextKind::ValidValue);
            if !valid.is_empty() {
                error = error.with_fact("it must be", format!("one of {}", valid.join(", ")));
            } else if let Some(cause) = std::error::Error::source(refused) {
                error = error.with_fact("it must be", wanted(&cause.to_string(), &value));
            }
            match text(ContextKind::SuggestedValue) {
                Some(near) => error.with_help(format!("did you mean {near}?")),
                None => error,
            }
        }
        ErrorKind::MissingRequiredArgument => {
            let missing = list(ContextKind::InvalidArg).join(" and ");
            usage(Error::new(Kind::Usage, format!("{missing} is missing")))
        }
        ErrorKind::ArgumentConflict => {
            let others = list(ContextKind::PriorArg).join(", ");
            if others == argument && !argument.is_empty() {
                let error = Error::new(Kind::Usage, format!("{} is given twice", name(&argument)));
                return Some(error.with_help("give it once"));
            }
            if argument.is_empty() {
                return Some(usage(Error::new(Kind::Usage, "these words do not go together")));
            }
            let other = if others.is_empty() { "another option".into() } else { others };
            Error::new(Kind::Usage, format!("{argument} does not go together with {other}"))
                .with_help("leave one of them out")
        }
        ErrorKind::TooFewValues => {
            let number = |kind: ContextKind| match refused.get(kind) {
                Some(ContextValue::Number(number)) => *number,
                _ => 0,
            };
            let (least, given) = (number(ContextKind::MinValues), number(ContextKind::ActualNumValues));
            let what = argument.split(' ').next().unwrap_or(&argument).to_string();
            usage(Error::new(Kind::Usage, format!("{what} wants {least} values at least, not {given}")))
        }
        _ => {
            let rendered = plain(&refused.render().to_string());
            let message = rendered.lines().next().unwrap_or_default().trim_start_matches("error: ").to_string();
            usage(Error::new(Kind::Usage, message))
        }
    })
}

/// The commands that a usage line begins with: `digits-rs dataset`.
fn above(usage: &str) -> String {
    let words = usage.trim_start_matches("Usage: ").split_whitespace();
    words.take_while(|word| !word.starts_with(['<', '['])).collect::<Vec<_>>().join(" ")
}

/// `above` is what comes before the word: `digits-rs`, or `digits-rs dataset`.
fn unknown_command(word: &str, above: &str, near: &[String]) -> Error {
    let error = Error::new(Kind::Usage, format!("there is no command {word}"));
    if above != "digits-rs" {
        return match near.first() {
            Some(near) => error.with_help(format!("did you mean: {above} {near}")),
            None => error.with_help(format!("{above} --help lists its commands")),
        };
    }
    let lower = word.to_lowercase().replace('_', "-");
    let meant = MEANT.iter().find(|(words, _)| words.contains(&lower.as_str()) || words.contains(&word));
    if let Some((_, here)) = meant {
        return error.with_help(format!("did you mean: digits-rs {here}"));
    }
    if let Some(near) = near.first() {
        return error.with_help(format!("did you mean: digits-rs {near}"));
    }
    // `trian` is no word of ours, but near to one that means something here.
    let distance = |known: &&str| edits(&lower, known);
    let nearest = MEANT.iter().flat_map(|(words, here)| words.iter().map(move |known| (known, here)));
    match nearest.min_by_key(|(known, _)| distance(known)).filter(|(known, _)| distance(known) <= 2 && known.len() > 3)
    {
        Some((_, here)) => error.with_help(format!("did you mean: digits-rs {here}")),
        None => {
            let program = Cli::command();
            let names = program.get_subcommands().filter(|command| !command.is_hide_set()).map(clap::Command::get_name);
            let names: Vec<&str> = names.collect();
            error.with_help(format!("the commands are {}; digits-rs --help says what each does", names.join(", ")))
        }
    }
}

/// How many letters differ: added, left out, exchanged, or two that changed places.
fn edits(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let same = usize::from(a[i - 1] != b[j - 1]);
            let mut least = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + same);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// `--lr` of `--lr <RATE,…>`.
fn name(argument: &str) -> &str {
    argument.split([' ', '=']).next().unwrap_or(argument)
}

/// What a value must be, of what the parser says about it.
fn wanted(cause: &str, value: &str) -> String {
    let is_negative = value.strip_prefix('-').is_some_and(|rest| rest.parse::<u64>().is_ok());
    match cause {
        "invalid digit found in string" if is_negative => "a whole number that is not negative".into(),
        "invalid float literal" | "cannot parse float from empty string" => "a number, such as 0.01".into(),
        "invalid digit found in string" | "cannot parse integer from empty string" => "a whole number".into(),
        _ => match cause.split_once(" is not in ") {
            Some((_, range)) => match range.split_once("..") {
                Some((least, "")) => format!("a whole number of at least {least}"),
                Some((least, most)) if most.trim_start_matches('=').len() > 9 => {
                    format!("a whole number of at least {least}")
                }
                Some((least, most)) => format!("a whole number from {least} to {}", most.trim_start_matches('=')),
                None => cause.into(),
            },
            None => match cause.split_once(" is written as ") {
                Some((_, form)) => form.into(),
                // A page of ours says it in its help.
                None if cause.contains("help: give ") => cause.rsplit("help: give ").next().unwrap_or(cause).into(),
                None => cause.strip_prefix("it must be ").unwrap_or(cause).into(),
            },
        },
    }
}

/// Without the terminal's colours.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('\x1b') {
        plain.push_str(&rest[..at]);
        rest = rest[at..].split_once('m').map_or("", |(_, rest)| rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::{super::command, *};

    fn refused(line: &str) -> String {
        let words = ["digits-rs"].into_iter().chain(line.split(' '));
        let words: Vec<String> = words.map(Into::into).collect();
        let page = page(&command::parsed(words).unwrap_err()).unwrap().to_string();
        page.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_mistake_is_a_page_that_says_what_was_meant() {
        for (line, words) in [
            ("train net.lua", "did you mean: digits-rs run NETWORK.lua --dataset DIR"),
            ("trian net.lua", "did you mean: digits-rs run NETWORK.lua --dataset DIR"),
            ("classify j a.png", "did you mean: digits-rs test JOB IMAGE"),
            ("chekc net.lua", "did you mean: digits-rs check"),
            ("xylophone", "the commands are run, "),
            ("run net.lua --lr abc", "--lr is abc it must be a number, such as 0.01"),
            ("run net.lua -b 0", "--batch-size is 0 it must be a whole number from 1 to 1000000"),
            ("run net.lua --epochs many", "--epochs is many it must be a whole number"),
            ("run net.lua --epcohs 3", "there is no option --epcohs"),
            ("run net.lua --epcohs 3", "did you mean --epochs?"),
            ("run net.lua --subtract-mean pixels", "it must be one of "),
            ("run net.lua --resume j", "does not go together with"),
            ("export", "<JOB> is missing"),
            ("run net.lua --lr", "--lr is given without a value"),
            ("run net.lua --epochs -3", "--epochs is -3 it must be a whole number that is not negative"),
            ("run net.lua --lr -1", "--lr is -1 it must be a finite number of at least 0"),
            ("run net.lua --lr -1e3", "--lr is -1e3 it must be a finite number of at least 0"),
            ("run net.lua -b -5", "--batch-size is -5 it must be a whole number that is not negative"),
            ("run net.lua --momentum -0.5", "--momentum is -0.5 it must be a finite number of at least 0"),
            (
                "run net.lua --snapshot-interval -1",
                "--snapshot-interval is -1 it must be epochs (1, 0.5; 0 is never) or minutes (10m)",
            ),
            ("check net.lua --batch -4", "--batch is -4 it must be a whole number of at least 1"),
            ("run net.lua --epochs 3 --epochs 4", "--epochs is given twice help: give it once"),
            ("check net.lua --json --json", "--json is given twice"),
            ("dataset folder d --out o --size -3x4", "there is no option -3"),
            ("dataset folder d --out o --size 28", "--size is 28 it must be WIDTHxHEIGHT, such as 28x28"),
            ("dataset foldr d", "did you mean: digits-rs dataset folder"),
            ("dataset xylophone d", "digits-rs dataset --help lists its commands"),
            ("run a b", "b is one word too many"),
            ("jobs compare a", "<JOBS> wants 2 values at least, not 1"),
            ("jobs list x", "these words do not go together usage digits-rs jobs"),
            ("jobs remove", "<JOBS>... is missing"),
        ] {
            let page = refused(line);
            assert!(page.starts_with("usage error: ") && page.contains(words), "{line}: {page}");
        }
        assert!(page(&command::parsed(["digits-rs", "--help"]).unwrap_err()).is_none());
    }

    #[test]
    fn letters_that_changed_places_are_one_mistake() {
        assert_eq!((edits("trian", "train"), edits("run", "run"), edits("tst", "test")), (1, 0, 1));
    }
}
