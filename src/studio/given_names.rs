//! `GivenNames`: how whoever sent a file calls it. The server keeps it under a name of its own, which no page shall show.

use std::{
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use serde_json::Value;

use super::error_page::ErrorPage;

/// Names that are known at once: a page is about a file that was looked at just now.
const KNOWN: usize = 1000;

/// Names of the files in a folder of the server's own.
#[derive(Debug)]
pub(crate) struct GivenNames {
    folder: PathBuf,
    /// Where a file lies, and how it is called; the newest last.
    names: Mutex<Vec<(String, String)>>,
}

impl GivenNames {
    /// For files below this folder.
    #[must_use]
    pub(crate) fn new(folder: &Path) -> GivenNames {
        GivenNames { folder: folder.to_path_buf(), names: Mutex::default() }
    }

    /// Notes how a file is called.
    pub(crate) fn call(&self, path: &Path, name: &str) {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        if names.len() == KNOWN {
            names.remove(0);
        }
        names.push((path.display().to_string(), name.to_string()));
    }

    /// The text with the files' given names; of one that has none, what comes below the folder.
    #[must_use]
    pub(crate) fn in_text(&self, text: &str) -> String {
        let folder = self.folder.display().to_string();
        if !text.contains(&folder) {
            return text.to_string();
        }
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let named = names.iter().rev().fold(text.to_string(), |text, (path, name)| text.replace(path, name));
        named.replace(&format!("{folder}/"), "")
    }

    /// The page with the files' given names.
    #[must_use]
    pub(crate) fn in_page(&self, page: ErrorPage) -> ErrorPage {
        let mut value = serde_json::to_value(&page).unwrap_or_default();
        self.everywhere(&mut value);
        serde_json::from_value(value).unwrap_or(page)
    }

    /// An answer whose words about what went wrong have the given names; its paths stay.
    pub(crate) fn in_answer(&self, answer: &mut Value) {
        match answer {
            Value::Array(values) => values.iter_mut().for_each(|value| self.in_answer(value)),
            Value::Object(fields) => {
                for (name, value) in fields.iter_mut() {
                    if ["reason", "error"].contains(&name.as_str()) {
                        self.everywhere(value);
                    } else {
                        self.in_answer(value);
                    }
                }
            }
            _ => {}
        }
    }

    fn everywhere(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.in_text(text),
            Value::Array(values) => values.iter_mut().for_each(|value| self.everywhere(value)),
            Value::Object(fields) => fields.values_mut().for_each(|value| self.everywhere(value)),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::error::{Error, Kind};

    #[test]
    fn a_page_names_what_was_sent_as_it_was_called() {
        let names = GivenNames::new(Path::new("/tmp/digits-rs-x"));
        names.call(Path::new("/tmp/digits-rs-x/u1.png"), "seven.png");
        let error = Error::new(Kind::Data, "cannot read /tmp/digits-rs-x/u1.png")
            .with_fact("it is", "/tmp/digits-rs-x/u1.png")
            .with_cause("/tmp/digits-rs-x/tests/t1/out.json");
        let page = names.in_page(ErrorPage::of(&error));
        assert_eq!((page.message.as_str(), page.facts[0].1.as_str()), ("cannot read seven.png", "seven.png"));
        assert_eq!(page.causes, ["tests/t1/out.json"]);
        assert!(page.page.contains("seven.png") && !page.page.contains("/tmp"), "{}", page.page);
        let mut answer =
            json!({"rows": [{"image": "/tmp/digits-rs-x/u1.png", "reason": "/tmp/digits-rs-x/u1.png: no"}]});
        names.in_answer(&mut answer);
        assert_eq!(answer, json!({"rows": [{"image": "/tmp/digits-rs-x/u1.png", "reason": "seven.png: no"}]}));
    }
}
