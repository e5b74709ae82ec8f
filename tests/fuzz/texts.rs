//! Damaged program texts: tokens, numbers, names and lines of whole files in other places, and lines that mean harm.

use digits::{data::Random, error::Result};

use crate::{
    mutate::{any, below},
    supervisor::Share,
};

/// What a language lends to the damage.
pub(crate) struct Language {
    /// Whole files.
    pub(crate) files: Vec<String>,
    /// Lines that mean harm.
    pub(crate) lines: &'static [&'static str],
    /// Expressions at which libraries go wrong.
    pub(crate) words: &'static [&'static str],
}

impl Language {
    /// Fails when many a whole file does not do what it should: the damage would meet nothing. Children believe their parent.
    pub(crate) fn try_whole(&self, read: &mut dyn FnMut(&str) -> Result<()>) {
        if Share::of_child().is_some() {
            return;
        }
        let pages: Vec<String> =
            self.files.iter().filter_map(|text| read(text).err()).map(|page| page.to_string()).collect();
        assert!(pages.len() <= self.files.len() / 3, "{} files do not train:\n{}", pages.len(), pages.join("\n"));
    }

    /// The whole files.
    pub(crate) fn bytes(&self) -> Vec<Vec<u8>> {
        self.files.iter().map(|text| text.clone().into_bytes()).collect()
    }

    /// A file with one to four changes.
    pub(crate) fn damaged(&self, random: &mut Random) -> String {
        let mut text = self.file(random).to_string();
        for _ in 0..1 + below(random, 4) {
            text = if below(random, 2) == 0 {
                self.with_other_lines(random, &text)
            } else {
                self.with_other_tokens(random, &text)
            };
        }
        text
    }

    fn file(&self, random: &mut Random) -> &str {
        &self.files[below(random, self.files.len())]
    }

    fn with_other_lines(&self, random: &mut Random, text: &str) -> String {
        let mut lines: Vec<String> = text.lines().map(str::to_string).collect();
        let at = below(random, lines.len());
        let indent: String =
            lines.get(at).map_or("", String::as_str).chars().take_while(|c| c.is_whitespace()).collect();
        match below(random, 7) {
            0..=2 => lines.insert(at, format!("{indent}{}", any(random, self.lines))),
            3 => {
                let other: Vec<&str> = self.file(random).lines().collect();
                let line = other.get(below(random, other.len())).copied().unwrap_or_default();
                lines.insert(at, format!("{indent}{}", line.trim_start()));
            }
            4 if !lines.is_empty() => drop(lines.remove(at)),
            5 => {
                let end = (at + 1 + below(random, 12)).min(lines.len());
                let block = lines[at.min(end)..end].to_vec();
                let to = below(random, lines.len() + 1);
                lines.splice(to..to, block);
            }
            _ => {
                let other = below(random, lines.len());
                if !lines.is_empty() {
                    lines.swap(at, other);
                }
            }
        }
        lines.join("\n") + "\n"
    }

    fn with_other_tokens(&self, random: &mut Random, text: &str) -> String {
        let mut tokens = tokens(text);
        if tokens.is_empty() {
            return text.to_string();
        }
        let at = below(random, tokens.len());
        let word = |random: &mut Random, start: fn(char) -> bool| {
            let places: Vec<usize> =
                tokens.iter().enumerate().filter(|(_, t)| t.starts_with(start)).map(|(i, _)| i).collect();
            places.get(below(random, places.len())).copied()
        };
        let name: fn(char) -> bool = |c| c.is_ascii_alphabetic() || c == '_';
        match below(random, 9) {
            0..=2 => {
                if let Some(place) = word(random, |c| c.is_ascii_digit()) {
                    tokens[place] = any(random, self.words).to_string();
                }
            }
            3 => {
                if let Some(place) = word(random, name) {
                    tokens[place] = any(random, self.words).to_string();
                }
            }
            4 => {
                let other = self::tokens(self.file(random));
                let theirs: Vec<&String> = other.iter().filter(|token| token.starts_with(name)).collect();
                if let (Some(place), Some(theirs)) = (word(random, name), theirs.get(below(random, theirs.len()))) {
                    tokens[place] = (*theirs).clone();
                }
            }
            5 => drop(tokens.remove(at)),
            6 => {
                let other = below(random, tokens.len());
                tokens.swap(at, other);
            }
            7 => {
                let most = any(random, &[3, 30, 300, 5000]);
                let many = 1 + below(random, most);
                tokens[at] = tokens[at].repeat(many.min(200_000 / tokens[at].len().max(1)));
            }
            _ => {
                let character =
                    any(random, &['\0', '\u{feff}', '\'', '"', '\\', '(', '[', '{', '\u{1F600}', '\n', ':', '=']);
                tokens.insert(at, character.to_string());
            }
        }
        tokens.concat()
    }
}

/// Words, runs of blanks, and single characters of everything else.
fn tokens(text: &str) -> Vec<String> {
    let kind = |c: char| match c {
        _ if c.is_alphanumeric() || c == '_' => 0,
        ' ' => 1,
        _ => 2,
    };
    let mut found: Vec<String> = Vec::new();
    for c in text.chars() {
        match found.last_mut() {
            Some(last) if kind(c) < 2 && last.chars().next_back().is_some_and(|before| kind(before) == kind(c)) => {
                last.push(c)
            }
            _ => found.push(c.to_string()),
        }
    }
    found
}
