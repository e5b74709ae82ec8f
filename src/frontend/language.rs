//! `Language`: what a network file is written in, by its name or its text.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::input::Form;

/// The two forms of DIGITS' network files.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// The Torch7 form.
    #[default]
    Lua,
    /// The TensorFlow form.
    Python,
}

impl Language {
    /// Of a file: `.py` is Python; any other name, also that of pasted text, leaves it to the first line that only one of
    /// the two languages can have.
    #[must_use]
    pub fn of(name: &str, text: &str) -> Language {
        Language::of_name(Path::new(name)).or_else(|| text.lines().find_map(line)).unwrap_or_default()
    }

    /// Of a file whose name alone tells it.
    #[must_use]
    pub fn of_name(path: &Path) -> Option<Language> {
        let is_python = path.as_os_str().as_encoded_bytes().to_ascii_lowercase().ends_with(b".py");
        is_python.then_some(Language::Python)
    }

    /// What its files are at the door for files.
    #[must_use]
    pub fn form(self) -> Form {
        match self {
            Language::Lua => Form::Network,
            Language::Python => Form::Python,
        }
    }

    /// The name of a file's copy in a job's folder.
    #[must_use]
    pub fn file_name(self) -> &'static str {
        match self {
            Language::Lua => "network.lua",
            Language::Python => "network.py",
        }
    }
}

/// What a line says about its language.
fn line(line: &str) -> Option<Language> {
    let line = line.trim();
    let begins_word = |rest: &str| rest.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    // `import 'x'` and `class 'X'` are calls in Lua; behind a bare word they are Python's.
    let statements = ["import ", "from ", "class ", "def "];
    let is_statement = statements.iter().any(|word| line.strip_prefix(word).is_some_and(begins_word));
    let is_comment = line.starts_with('#') && !line.starts_with("#!");
    if is_statement || is_comment || line.starts_with("\"\"\"") || line.starts_with("'''") || line.starts_with('@') {
        return Some(Language::Python);
    }
    let is_lua = ["--", "local ", "function ", "return ", "require"].iter().any(|word| line.starts_with(word));
    is_lua.then_some(Language::Lua)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_or_the_first_telling_line_decides() {
        let of = |text| Language::of("network.lua", text);
        assert_eq!(Language::of("a/NET.PY", "local x = 1"), Language::Python);
        assert_eq!(of("\n\nclass UserModel(Tower):\n    pass"), Language::Python);
        assert_eq!(of("# LeNet\n"), Language::Python);
        assert_eq!(of("from model import Tower"), Language::Python);
        assert_eq!(of("@model_property\ndef inference(self):"), Language::Python);
        assert_eq!(of("#!/usr/bin/env th\nlocal net"), Language::Lua);
        assert_eq!(of("--[[\nclass UserModel(Tower):\n]]\nreturn 1"), Language::Lua);
        assert_eq!(of("import 'nn'\nlocal x"), Language::Lua);
        assert_eq!(of("net = nn.Sequential()"), Language::Lua);
        assert_eq!(of(""), Language::Lua);
    }

    #[test]
    fn every_file_of_ours_is_what_its_ending_says() {
        for entry in std::fs::read_dir("networks").unwrap().map(|entry| entry.unwrap().path()) {
            let Some(ending) = entry.extension().and_then(|ending| ending.to_str()) else { continue };
            let language = Language::of("pasted", &std::fs::read_to_string(&entry).unwrap_or_default());
            match ending {
                "py" => assert_eq!(language, Language::Python, "{}", entry.display()),
                "lua" => assert_eq!(language, Language::Lua, "{}", entry.display()),
                _ => {}
            }
        }
    }
}
