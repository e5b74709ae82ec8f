//! The command line that gives the same run.

use std::path::Path;

use serde_json::Value;

use crate::{
    error::{shell_path, shell_word},
    frontend,
    tasks::{RunOptions, RunSettings, names_file},
};

/// Settings that no flag gives: what the network file says, and what makes a step's batch, which is typed as one number.
const NOT_TYPED: [&str; 4] = ["croplen", "validation_batch_size", "batch_size", "shares"];

/// `digits-rs run NETWORK --epochs 30 …`: every setting that differs from the defaults, each word as a shell reads it.
#[must_use]
pub(crate) fn command(network: &Path, settings: &Value) -> String {
    let defaults = RunSettings::of(&RunOptions::default(), &frontend::Settings::default()).to_json();
    let defaults = defaults.unwrap_or_default();
    let mut words = vec!["digits-rs run".to_string(), shell_path(network)];
    for (name, value) in settings.as_object().into_iter().flatten() {
        if value.is_null() || NOT_TYPED.contains(&name.as_str()) || defaults[name] == *value {
            continue;
        }
        let flag = format!("--{}", name.replace('_', "-"));
        match value {
            Value::Bool(true) => words.push(flag),
            Value::Bool(false) => {}
            Value::Array(list) => {
                let list: Vec<String> = list.iter().map(Value::to_string).collect();
                words.push(format!("{flag} {}", list.join(",")));
            }
            Value::String(text) if names_file(name) => {
                words.push(format!("{flag} {}", shell_path(Path::new(text))));
            }
            // What begins with a dash would be read as an option.
            Value::String(text) if text.starts_with('-') => words.push(format!("{flag}={}", shell_word(text))),
            Value::String(text) => words.push(format!("{flag} {}", shell_word(text))),
            other => words.push(format!("{flag} {other}")),
        }
    }
    // Only the file gives validation another size than training: it gives both again.
    let (batch, validation) = (&settings["batch_size"], &settings["validation_batch_size"]);
    if let Some(batch) = batch.as_u64().filter(|_| validation.is_null() || batch == validation) {
        let step = batch.saturating_mul(settings["shares"].as_u64().unwrap_or(1));
        words.push(format!("--batch-size {step}"));
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_typed_and_words_are_quoted() {
        let settings = json!({"dataset": "/my data/set", "epochs": 30, "lr": 0.1, "double": true, "lr_steps": [50.0, 85.0],
            "croplen": 3, "keep": null, "solver": "-x", "weights": "-w.t7"});
        assert_eq!(
            command(Path::new("it's.lua"), &settings),
            r"digits-rs run 'it'\''s.lua' --dataset '/my data/set' --lr 0.1 --double --lr-steps 50.0,85.0 --solver=-x --weights ./-w.t7"
        );
        assert_eq!(command(Path::new("-a b.lua"), &json!({})), "digits-rs run './-a b.lua'");
    }

    #[test]
    fn the_size_of_a_batch_is_typed_unless_the_file_alone_can_have_given_it() {
        let of = |settings: Value| command(Path::new("a.lua"), &settings).replace("digits-rs run a.lua", "");
        assert_eq!(of(json!({"batch_size": 16, "validation_batch_size": 16})), " --batch-size 16");
        assert_eq!(of(json!({"batch_size": 64, "validation_batch_size": 32})), "");
        assert_eq!(of(json!({"batch_size": 12, "validation_batch_size": 12, "shares": 2})), " --batch-size 24");
        assert_eq!(of(json!({"batch_size": 64})), " --batch-size 64");
    }
}
