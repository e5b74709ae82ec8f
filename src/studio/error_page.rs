//! `ErrorPage`: a page of the terminal in parts, as the browser gets it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{Error, Kind};

/// A line of a network file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct PageOrigin {
    /// The file as the user named it.
    pub(crate) file: String,
    /// From 1.
    pub(crate) line: u32,
    /// The line itself; empty when the source is not at hand.
    pub(crate) text: String,
}

/// A replacement that mends an error: the first `old` of that line becomes `new`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Fix {
    /// What it does, in words.
    pub(crate) title: String,
    /// From 1.
    pub(crate) line: u32,
    /// What stands there.
    pub(crate) old: String,
    /// What should.
    pub(crate) new: String,
}

/// An error in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ErrorPage {
    /// [`Kind`] in lower case.
    #[schema(value_type = String, example = "shape")]
    pub(crate) kind: Kind,
    /// [`Kind::title`].
    pub(crate) title: String,
    /// The one-line message.
    pub(crate) message: String,
    /// The place in the network file.
    pub(crate) origin: Option<PageOrigin>,
    /// Path in the network, outermost module first.
    pub(crate) module: Vec<String>,
    /// Labelled facts in order.
    #[schema(value_type = Vec<Vec<String>>)]
    pub(crate) facts: Vec<(String, String)>,
    /// The underlying causes.
    pub(crate) causes: Vec<String>,
    /// What to do.
    pub(crate) help: Option<String>,
    /// The page as the terminal shows it.
    pub(crate) page: String,
    /// A replacement that mends it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) fix: Option<Fix>,
}

impl ErrorPage {
    /// The parts of an error.
    #[must_use]
    pub(crate) fn of(error: &Error) -> ErrorPage {
        let origin = error.origin().map(|origin| PageOrigin {
            file: origin.file.to_string(),
            line: origin.line,
            text: origin.text.to_string(),
        });
        let fix = error.help().zip(origin.as_ref()).and_then(|(help, origin)| fix(help, origin));
        ErrorPage {
            kind: error.kind(),
            title: error.kind().title().to_string(),
            message: error.message().to_string(),
            origin,
            module: error.module().to_vec(),
            facts: error.facts().to_vec(),
            causes: error.causes().to_vec(),
            help: error.help().map(String::from),
            page: error.to_string(),
            fix,
        }
    }

    /// A page of which only the text is known, as `error.txt` of an older job has it.
    #[must_use]
    pub(crate) fn of_text(page: &str) -> ErrorPage {
        let first = page.lines().next().unwrap_or_default();
        let kinds = [
            Kind::Usage,
            Kind::Network,
            Kind::Argument,
            Kind::Shape,
            Kind::Lua,
            Kind::Limit,
            Kind::Data,
            Kind::Job,
            Kind::Numeric,
            Kind::Device,
            Kind::Io,
            Kind::Torch,
            Kind::Interrupted,
        ];
        let kind = kinds.into_iter().find(|kind| first.starts_with(kind.title())).unwrap_or(Kind::Job);
        let message = first.strip_prefix(kind.title()).unwrap_or(first).trim_start_matches([':', ' ']);
        let help = page.split_once("\n  help: ").map(|(_, help)| help.trim().to_string());
        let page = page.trim_end().to_string();
        ErrorPage { help, page, ..ErrorPage::of(&Error::new(kind, message)) }
    }
}

/// The replacement that a help such as `write nn.Linear(784, 300), or …` means, where the line has a call of that name.
fn fix(help: &str, origin: &PageOrigin) -> Option<Fix> {
    let new = call(help.strip_prefix("write ")?)?;
    let name = &new[..=new.find('(')?];
    let old = call(&origin.text[origin.text.find(name)?..])?;
    let title = format!("Write {new}");
    (old != new).then(|| Fix { title, line: origin.line, old: old.to_string(), new: new.to_string() })
}

/// The call that the text begins with, up to its closing bracket.
fn call(text: &str) -> Option<&str> {
    let mut depth = 0;
    for (at, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' if depth == 1 => return Some(&text[..=at]),
            ')' => depth -= 1,
            letter if depth == 0 && !letter.is_ascii_alphanumeric() && letter != '.' && letter != '_' => return None,
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Origin;

    fn shape_page() -> Error {
        let text = "autoencoder:add(nn.Linear(783,300))";
        Error::new(Kind::Shape, "the input does not fit the module")
            .with_fact("it was given", "[1, 784]")
            .at(Some(&Origin { file: "network.lua".into(), line: 4, text: text.into() }))
            .with_help("write nn.Linear(784, 300), or let the module before it give 783 values")
    }

    #[test]
    fn a_help_that_says_what_to_write_is_a_fix() {
        let page = ErrorPage::of(&shape_page());
        let fix = page.fix.unwrap();
        assert_eq!((fix.old.as_str(), fix.new.as_str(), fix.line), ("nn.Linear(783,300)", "nn.Linear(784, 300)", 4));
        let plain = Error::new(Kind::Shape, "x").with_help("write nn.Linear(784, 300)");
        assert_eq!(ErrorPage::of(&plain).fix, None);
    }

    #[test]
    fn the_text_of_a_page_gives_its_parts_back() {
        let page = ErrorPage::of_text(&shape_page().to_string());
        assert_eq!((page.kind, page.message.as_str()), (Kind::Shape, "the input does not fit the module"));
        assert!(page.help.unwrap().starts_with("write nn.Linear(784"));
    }
}
