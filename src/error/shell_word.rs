//! `shell_word`: a word of a command that the program shows, as a shell takes it.

use std::{fmt::Write, path::Path};

/// A word as a shell takes it: as it is, or in quotes where it has blanks or characters that a shell reads otherwise.
#[must_use]
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "/._-+=:,%@".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.into();
    }
    if !word.contains(char::is_control) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    let mut quoted = String::from("$'");
    for c in word.chars() {
        let _ = match c {
            '\'' | '\\' => write!(quoted, "\\{c}"),
            c if c.is_control() => c.to_string().bytes().try_for_each(|byte| write!(quoted, "\\x{byte:02x}")),
            c => write!(quoted, "{c}"),
        };
    }
    quoted + "'"
}

/// A path as a shell takes it; one that looks like an option is named from its folder.
#[must_use]
pub fn shell_path(path: &Path) -> String {
    let word = path.display().to_string();
    shell_word(&if word.starts_with('-') { format!("./{word}") } else { word })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shell_reads_the_same_word_again() {
        for word in ["jobs/lenet", "my jobs/a", "it's", "", "$HOME", "a;b", "Grüße", "tab\tbell\x07'\\", "-x"] {
            let command = format!("printf %s {}", shell_word(word).as_str());
            let output = std::process::Command::new("bash").arg("-c").arg(&command).output().unwrap();
            // printf itself takes the last one for an option.
            if word != "-x" {
                assert_eq!(String::from_utf8_lossy(&output.stdout), word, "{command}");
            }
        }
        assert_eq!(shell_word("jobs/lenet"), "jobs/lenet");
        assert_eq!(shell_path(Path::new("-x y")), "'./-x y'");
    }
}
