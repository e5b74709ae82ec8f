//! `Raised`: how Rust raises Python's exceptions, with the facts and the help of a page.

use std::rc::Rc;

use super::{
    kinds::ExceptionKind,
    running::Passed,
    value::{Failure, Instance, Raised, What},
};
use crate::error::Error;

impl Raised {
    /// An exception of a built-in class, with its message.
    #[must_use]
    pub fn new(kind: ExceptionKind, message: impl Into<String>) -> Raised {
        Raised::of(What::New(kind, message.into()))
    }

    /// A `TypeError`.
    #[must_use]
    pub fn type_error(message: impl Into<String>) -> Raised {
        Raised::new(ExceptionKind::TypeError, message)
    }

    /// A `ValueError`.
    #[must_use]
    pub fn value_error(message: impl Into<String>) -> Raised {
        Raised::new(ExceptionKind::ValueError, message)
    }

    /// The end of the run, which no `except` sees: a limit, or what the file may not do.
    #[must_use]
    pub fn end(page: Error) -> Raised {
        Raised::of(What::End(page))
    }

    /// An exception that is an object.
    pub(super) fn object(instance: &Rc<Instance>) -> Raised {
        Raised::of(What::Object(Rc::clone(instance)))
    }

    fn of(what: What) -> Raised {
        Raised(Box::new(Failure { what, facts: Vec::new(), help: None, trace: Vec::new(), cause: None }))
    }

    /// Adds a labelled fact to the page, such as `("it was given", "[?, 784]")`.
    #[must_use]
    pub fn with_fact(mut self, label: impl Into<String>, value: impl Into<String>) -> Raised {
        let fact = (label.into(), value.into());
        match self.0.what {
            What::End(page) => self.0.what = What::End(page.with_fact(fact.0, fact.1)),
            _ => self.0.facts.push(fact),
        }
        self
    }

    /// Says what to do, unless a deeper layer already did.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Raised {
        match self.0.what {
            What::End(page) => self.0.what = What::End(page.with_help(help)),
            _ if self.0.help.is_none() => self.0.help = Some(help.into()),
            _ => {}
        }
        self
    }

    /// True when no `except` may see it.
    #[must_use]
    pub fn is_end(&self) -> bool {
        matches!(self.0.what, What::End(_))
    }

    /// The built-in class of an exception that Rust raised and nobody has caught yet.
    #[must_use]
    pub fn kind(&self) -> Option<ExceptionKind> {
        if let What::New(kind, _) = &self.0.what { Some(*kind) } else { None }
    }

    /// Whether it has left a call of the file's, and so has a line.
    pub(super) fn is_placed(&self) -> bool {
        !self.0.trace.is_empty()
    }

    /// Notes a call that the exception leaves.
    pub(super) fn passing(mut self, passed: Passed) -> Raised {
        self.0.trace.push(passed);
        self
    }
}

impl From<Error> for Raised {
    /// A page of another part of the program ends the run as it is.
    fn from(page: Error) -> Raised {
        Raised::end(page)
    }
}

impl std::fmt::Debug for Raised {
    /// What was raised: for tests and logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0.what {
            What::New(kind, message) => write!(f, "{}: {message}", kind.name()),
            What::Object(instance) => write!(f, "{}", instance.class.name),
            What::End(page) => write!(f, "{page}"),
        }
    }
}
