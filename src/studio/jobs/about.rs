//! `About`: what a person says about a job or a dataset: its name, its group, notes.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    job,
};

/// Its file in the folder.
pub(crate) const FILE: &str = "about.json";

/// What a person says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct About {
    /// Its name.
    pub(crate) name: Option<String>,
    /// Jobs of one group stand together.
    pub(crate) group: Option<String>,
    /// Free text.
    pub(crate) notes: String,
}

/// Letters of a name or a group at most: what a row of a list can show.
pub(crate) const NAME: usize = 100;
/// Letters of notes at most.
pub(crate) const NOTES: usize = 20_000;
/// Letters of a network file's name at most.
const FILE_NAME: usize = 1000;

/// A name that a person gives, without blanks around it; nothing when it is blank. `what` is its field.
///
/// # Errors
/// `Kind::Usage` when it is too long or holds a control character.
pub(crate) fn name_of(what: &str, text: &str) -> Result<Option<String>> {
    let text = text.trim();
    check(what, text, NAME, &[])?;
    Ok(Some(text.to_string()).filter(|text| !text.is_empty()))
}

/// A name that takes the place of another: that a person wants none is a mistake.
///
/// # Errors
/// As [`name_of`], and when it is blank.
pub(crate) fn new_name(text: &str) -> Result<String> {
    let wanted = format!("1 to {NAME} letters");
    name_of("name", text)?.ok_or_else(|| Error::new(Kind::Usage, "name is empty").with_fact("it must be", wanted))
}

/// Notes that a person gives.
///
/// # Errors
/// As [`name_of`]; lines and tabs may be in them.
pub(crate) fn notes_of(text: String) -> Result<String> {
    check("notes", &text, NOTES, &['\n', '\r', '\t']).map(|()| text)
}

/// The name of a network file.
///
/// # Errors
/// As [`name_of`].
pub(crate) fn check_file_name(text: &str) -> Result<()> {
    check("file", text, FILE_NAME, &[])
}

fn check(what: &str, text: &str, most: usize, allowed: &[char]) -> Result<()> {
    let wanted = format!("at most {most} letters, none of them a control character");
    let page = |message: String| Err(Error::new(Kind::Usage, message).with_fact("it must be", wanted));
    let length = text.chars().count();
    if length > most {
        return page(format!("{what} has {length} letters"));
    }
    match text.chars().enumerate().find(|(_, letter)| letter.is_control() && !allowed.contains(letter)) {
        Some((at, letter)) => page(format!("{what} holds the control character U+{:04X} at {at}", u32::from(letter))),
        None => Ok(()),
    }
}

impl About {
    /// What stands in the folder; nothing where nothing does.
    #[must_use]
    pub(crate) fn read(folder: &Path) -> About {
        let bytes = input::read(&folder.join(FILE), Form::Record).unwrap_or_default();
        serde_json::from_slice(&bytes).unwrap_or_default()
    }

    /// Writes it into the folder.
    ///
    /// # Errors
    /// When the disk refuses.
    pub(crate) fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).expect("strings only");
        job::replace(&folder.join(FILE), &text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bounded_and_hold_no_control_characters() {
        assert_eq!(name_of("name", "  lenet ü ").unwrap().as_deref(), Some("lenet ü"));
        assert_eq!(name_of("name", " ").unwrap(), None);
        assert_eq!((new_name(" a ").unwrap(), new_name(" ").unwrap_err().message()), ("a".into(), "name is empty"));
        assert!(name_of("name", &"ü".repeat(NAME)).is_ok());
        let page = name_of("group", &"ü".repeat(NAME + 1)).unwrap_err();
        assert_eq!((page.kind(), page.message()), (Kind::Usage, "group has 101 letters"));
        let page = name_of("name", "a\0b").unwrap_err();
        assert_eq!(page.message(), "name holds the control character U+0000 at 1");
        assert!(notes_of("two\nlines\twith a tab".into()).is_ok() && notes_of("\x1b[31m".into()).is_err());
        assert!(check_file_name(&"x".repeat(5000)).is_err());
    }
}
