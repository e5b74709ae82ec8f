//! The command line that gives the same run.

use serde_json::Value;

use crate::error::shell_word;

/// Settings that say nothing a user could type.
const NOT_TYPED: [&str; 2] = ["croplen", "validation_batch_size"];

/// `digits-rs run NETWORK --epochs 30 …`: every setting that differs from `defaults`.
#[must_use]
pub(crate) fn command(network: &str, settings: &Value, defaults: &Value) -> String {
    let mut words = vec!["digits-rs run".to_string(), shell_word(network)];
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
            Value::String(text) => words.push(format!("{flag} {}", shell_word(text))),
            other => words.push(format!("{flag} {other}")),
        }
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_differs_is_typed_and_words_are_quoted() {
        let defaults = json!({"epochs": 30, "lr": 0.01, "double": false});
        let settings = json!({"dataset": "/my data/set", "epochs": 30, "lr": 0.1, "double": true, "lr_steps": [50.0, 85.0],
            "croplen": 3, "keep": null});
        assert_eq!(
            command("it's.lua", &settings, &defaults),
            r"digits-rs run 'it'\''s.lua' --dataset '/my data/set' --lr 0.1 --double --lr-steps 50.0,85.0"
        );
    }
}
