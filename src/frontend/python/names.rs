//! How names are looked up, assigned and deleted, and the pages of those that are not there.

use super::{
    frame::Frame,
    kinds::ExceptionKind,
    tree::{Block, Place},
    value::{Interpreter, Outcome, Raised, Value},
};
use crate::frontend::lua::suggest::closest;

/// Built-ins of Python that a network file may not reach, and what to do about it.
const CLOSED: &[(&str, &str)] = &[
    ("open", "a network file neither reads nor writes files: data comes from the dataset"),
    ("exec", "write the code itself"),
    ("eval", "write the expression itself"),
    ("compile", "write the code itself"),
    ("__import__", "write an import statement"),
    ("input", "nobody answers while a network is built: write the value"),
    ("raw_input", "nobody answers while a network is built: write the value"),
    ("globals", "name the variable"),
    ("locals", "name the variable"),
    ("vars", "name the attribute, or use getattr(object, name)"),
    ("breakpoint", "take the line out"),
    ("exit", "raise an exception in its place"),
    ("quit", "raise an exception in its place"),
    ("file", "a network file neither reads nor writes files: data comes from the dataset"),
    ("execfile", "paste the other file's text"),
    ("reload", "take the line out"),
    ("memoryview", "take the line out"),
    ("__builtins__", "name the function itself"),
    ("__loader__", "take the line out"),
];

/// Python 2's built-ins, and what they are now.
const OLD: &[(&str, &str)] = &[
    ("unicode", "str"),
    ("long", "int"),
    ("basestring", "str"),
    ("unichr", "chr"),
    ("izip", "zip"),
    ("cmp", "a key function"),
];

impl Interpreter {
    /// The value of a name.
    pub(super) fn load(&self, frame: &Frame, name: &str, place: Place) -> Outcome {
        let found = match place {
            Place::Slot(slot) => frame.load(slot),
            Place::Global => None,
            Place::Class => frame.class.as_ref().and_then(|class| class.get(name)),
        };
        if let Some(value) = found {
            return Ok(value);
        }
        if let Place::Slot(_) = place {
            return Err(unbound(frame, name, place));
        }
        if let Some(value) = frame.globals.get(name).or_else(|| self.built_ins.get(name)) {
            return Ok(value);
        }
        Err(self.unknown_name(frame, name))
    }

    /// Assigns a name.
    pub(super) fn store(&self, frame: &Frame, name: &str, place: Place, value: Value) {
        match (place, &frame.class) {
            (Place::Slot(slot), _) => frame.store(slot, Some(value)),
            (Place::Class, Some(class)) => class.set(name, value),
            (Place::Class | Place::Global, _) => frame.globals.set(name, value),
        }
    }

    /// `del name`.
    pub(super) fn delete(&self, frame: &Frame, name: &str, place: Place) -> Outcome<()> {
        let had = match (place, &frame.class) {
            (Place::Slot(slot), _) => {
                let had = frame.load(slot);
                frame.store(slot, None);
                had
            }
            (Place::Class, Some(class)) => class.remove(name),
            (Place::Class | Place::Global, _) => frame.globals.remove(name),
        };
        match (had, place) {
            (Some(_), _) => Ok(()),
            (None, Place::Slot(_)) => Err(unbound(frame, name, place)),
            (None, _) => Err(self.unknown_name(frame, name)),
        }
    }

    fn unknown_name(&self, frame: &Frame, name: &str) -> Raised {
        if let Some((_, help)) = CLOSED.iter().find(|(closed, _)| *closed == name) {
            return self.forbidden(&format!("`{name}`"), help);
        }
        let raised = Raised::new(ExceptionKind::NameError, format!("name '{name}' is not defined"));
        if let Some((_, now)) = OLD.iter().find(|(old, _)| *old == name) {
            return raised.with_help(format!("`{name}` was Python 2's: write {now}"));
        }
        let mut known = frame.globals.list();
        known.extend(frame.code.slots.iter().cloned());
        known.extend(self.built_ins.list());
        if let Some(near) = closest(name, known.iter().map(|name| &**name)) {
            return raised.with_help(format!("did you mean `{near}`?"));
        }
        if self.modules.borrow().contains_key(name) {
            return raised.with_help(format!("write `import {name}` at the top of the file"));
        }
        raised.with_help(format!("nothing in the file has assigned `{name}` before this line"))
    }
}

fn unbound(frame: &Frame, name: &str, place: Place) -> Raised {
    if frame.is_own(place) && frame.code.block == Block::Function {
        let message = format!("local variable '{name}' referenced before assignment");
        let help =
            format!("assign `{name}` on every path to this line, or write `global {name}` at the top of the function");
        return Raised::new(ExceptionKind::UnboundLocalError, message).with_help(help);
    }
    let message = format!("free variable '{name}' referenced before assignment in enclosing scope");
    Raised::new(ExceptionKind::NameError, message)
}
