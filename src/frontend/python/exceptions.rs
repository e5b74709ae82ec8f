//! Raising, catching and showing exceptions; `with`.

use std::rc::Rc;

use super::{
    frame::Frame,
    kinds::{ExceptionKind, Type},
    running::Passed,
    tree::Expression,
    value::{Arguments, Class, Failure, Instance, Interpreter, Outcome, Raised, Value, What},
};
use crate::error::{Error, Kind};

/// Letters of an exception's own words that a page shows.
const WORDS: usize = 2000;

/// Calls that a page lists.
const CALLS: usize = 12;

impl Interpreter {
    /// `raise exception from cause`.
    pub(super) fn raise(
        &self,
        frame: &Frame,
        exception: Option<&Expression>,
        cause: Option<&Expression>,
        line: u32,
    ) -> Outcome<Raised> {
        let Some(exception) = exception else {
            let handled = self.handling.borrow().last().cloned();
            return handled
                .ok_or_else(|| Raised::new(ExceptionKind::RuntimeError, "no active exception to raise again"));
        };
        let value = self.evaluate(frame, exception)?;
        frame.at(line);
        let value = match &value {
            Value::Class(_) => self.call(&value, Arguments::default())?,
            _ => value,
        };
        let Value::Instance(instance) = &value else { return Err(not_an_exception(&value)) };
        if !is_exception(&instance.class) {
            return Err(not_an_exception(&value));
        }
        let again = |raised: &&Raised| matches!(&raised.0.what, What::Object(known) if Rc::ptr_eq(known, instance));
        let mut raised = match self.handling.borrow().iter().rev().find(again) {
            Some(known) => known.clone(),
            None => Raised::object(instance),
        };
        if let Some(cause) = cause {
            let cause = self.evaluate(frame, cause)?;
            frame.at(line);
            raised.0.cause = match &cause {
                Value::Instance(instance) => Some(self.describe(instance)),
                _ => None,
            };
        }
        Ok(raised)
    }

    /// The exception as an object, made now if Rust raised it.
    pub(super) fn caught(&self, raised: &mut Raised) -> Value {
        if let What::New(kind, message) = &raised.0.what {
            let arguments = if message.is_empty() { Vec::new() } else { vec![Value::str(message.as_str())] };
            raised.0.what = What::Object(self.new_exception(*kind, arguments));
        }
        match &raised.0.what {
            What::Object(instance) => Value::Instance(Rc::clone(instance)),
            What::New(..) | What::End(_) => Value::None,
        }
    }

    /// An exception of a built-in class.
    pub(super) fn new_exception(&self, kind: ExceptionKind, arguments: Vec<Value>) -> Rc<Instance> {
        let instance = Instance::new(self.type_class(Type::Exception(kind)));
        instance.attributes.set("args", Value::tuple(arguments));
        instance
    }

    /// A `KeyError`, whose words are the key's `repr`.
    pub(super) fn key_error(&self, key: &Value) -> Raised {
        Raised::object(&self.new_exception(ExceptionKind::KeyError, vec![key.clone()]))
    }

    /// Whether `except types` catches this exception.
    pub(super) fn matches_exception(&self, value: &Value, types: &Value) -> Outcome<bool> {
        match types {
            Value::Class(class) if is_exception(class) => {
                Ok(matches!(value, Value::Instance(instance) if instance.class.is_derived_from(class)))
            }
            Value::Tuple(tuple) => {
                for one in &tuple.items {
                    if self.matches_exception(value, one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Value::Native(object) => object.is_type_of(value).ok_or_else(|| not_caught(types)),
            _ => Err(not_caught(types)),
        }
    }

    /// Notes where an exception stands in the running block, for a later bare `raise`.
    pub(super) fn here(&self, mut raised: Raised, frame: &Frame, line: u32) -> Raised {
        if raised.0.trace.is_empty() {
            let code = &frame.code;
            let passed = Passed { function: Rc::clone(&code.qualified), line, source: Rc::clone(&code.source) };
            raised = raised.passing(passed);
        }
        raised
    }

    /// Names the exception that was being handled as the cause of a later one.
    pub(super) fn while_handling(&self, mut later: Raised, handled: &Raised) -> Raised {
        let What::Object(handled) = &handled.0.what else { return later };
        let again = matches!(&later.0.what, What::Object(later) if Rc::ptr_eq(later, handled));
        if !again && !later.is_end() && later.0.cause.is_none() {
            later.0.cause = Some(self.describe(handled));
        }
        later
    }

    /// `ValueError: the words`, of an exception.
    pub(super) fn describe(&self, instance: &Rc<Instance>) -> String {
        let words = self.display(&Value::Instance(Rc::clone(instance)));
        let words = words.unwrap_or_else(|_| "(its words cannot be shown)".into());
        let words: String = words.chars().take(WORDS).map(|letter| if letter == '\n' { ' ' } else { letter }).collect();
        if words.is_empty() { instance.class.name.to_string() } else { format!("{}: {words}", instance.class.name) }
    }

    /// The page of what stopped the evaluation.
    pub(super) fn page(&self, raised: &Raised) -> Error {
        let Failure { what, facts, help, trace, cause } = &*raised.0;
        let place = trace.first().map(|passed| passed.source.origin(passed.line));
        let mut page = match what {
            What::End(page) => page.clone(),
            What::New(kind, words) if words.is_empty() => Error::new(Kind::Python, kind.name()),
            What::New(kind, words) => {
                let words: String =
                    words.chars().take(WORDS).map(|letter| if letter == '\n' { ' ' } else { letter }).collect();
                Error::new(Kind::Python, format!("{}: {words}", kind.name()))
            }
            What::Object(instance) => Error::new(Kind::Python, self.describe(instance)),
        };
        page = page.at(place.as_ref());
        for (label, value) in facts {
            page = page.with_fact(label, value);
        }
        if trace.len() > 1 {
            page = page.with_fact("the calls", calls(trace));
        }
        if let Some(cause) = cause {
            page = page.with_cause(cause);
        }
        match help {
            Some(help) => page.with_help(help),
            None => page,
        }
    }

    /// `with manager as …`: what is entered.
    pub(super) fn enter(&self, manager: &Value) -> Outcome {
        let entered = match manager {
            Value::Native(object) => Rc::clone(object).enter(self)?,
            Value::Instance(instance) if instance.class.find("__exit__").is_some() => {
                self.call_method(manager, "__enter__", Vec::new())?
            }
            _ => None,
        };
        entered.ok_or_else(|| {
            let name = manager.type_name();
            Raised::type_error(format!("'{name}' object does not support the context manager protocol"))
        })
    }

    /// Leaves a `with` block; what `__exit__` answers.
    pub(super) fn exit(&self, manager: &Value, exception: Option<&Value>) -> Outcome {
        match manager {
            Value::Native(object) => Rc::clone(object).exit(self).map(|()| Value::None),
            _ => {
                let (class, value) = match exception {
                    Some(value) => (Value::Class(self.class_of(value)), value.clone()),
                    None => (Value::None, Value::None),
                };
                let answer = self.call_method(manager, "__exit__", vec![class, value, Value::None])?;
                Ok(answer.unwrap_or(Value::None))
            }
        }
    }

    /// Leaves a `with` block after an exception: what is on its way then, and whether `__exit__` took it.
    pub(super) fn exit_after(&self, manager: &Value, mut raised: Raised) -> Outcome<(Raised, bool)> {
        if raised.is_end() {
            // Nothing of the user's runs any more; what is ours must still find its way back.
            if let Value::Native(object) = manager {
                let _ = Rc::clone(object).exit(self);
            }
            return Ok((raised, false));
        }
        let value = self.caught(&mut raised);
        let answer = self.exit(manager, Some(&value))?;
        let handled = self.truth(&answer)?;
        Ok((raised, handled))
    }
}

/// The calls that an exception passed through, innermost first, without a long middle.
fn calls(trace: &[Passed]) -> String {
    let line = |passed: &Passed| {
        format!("line {}, in {}: {}", passed.line, passed.function, passed.source.line(passed.line).trim())
    };
    if trace.len() <= CALLS {
        return trace.iter().map(line).collect::<Vec<_>>().join("\n");
    }
    let (first, last) = (&trace[..CALLS / 2], &trace[trace.len() - CALLS / 2..]);
    let middle = format!("… {} more …", trace.len() - CALLS);
    let parts: Vec<String> = first.iter().map(line).chain([middle]).chain(last.iter().map(line)).collect();
    parts.join("\n")
}

pub(super) fn is_exception(class: &Rc<Class>) -> bool {
    matches!(class.built_in_root(), Some(Type::Exception(_)))
}

fn not_an_exception(value: &Value) -> Raised {
    Raised::type_error("exceptions must derive from BaseException")
        .with_fact("this was raised", format!("a {}", value.type_name()))
        .with_help("write raise ValueError(\"what went wrong\")")
}

fn not_caught(types: &Value) -> Raised {
    Raised::type_error("catching classes that do not inherit from BaseException is not allowed")
        .with_fact("`except` names", format!("a {}", types.type_name()))
}
