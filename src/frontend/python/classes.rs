//! `class` statements, and the questions about classes: `isinstance`, `issubclass`.

use std::rc::Rc;

use super::{
    frame::Frame,
    kinds::Type,
    tree::Code,
    value::{Arguments, Class, Interpreter, Names, Outcome, Raised, Value},
};

impl Interpreter {
    /// Runs a class's body and makes the class.
    pub(super) fn define_class(&self, outer: &Frame, arguments: Arguments, code: &Rc<Code>) -> Outcome {
        let mut bases = Vec::new();
        for base in &arguments.positional {
            bases.push(self.base(&code.name, base)?);
        }
        for (name, value) in &arguments.named {
            let harmless =
                matches!(value, Value::Class(class) if class.built_in == Some(Type::Type) || &*class.name == "ABCMeta");
            if &**name != "metaclass" || !harmless {
                return Err(Raised::type_error(format!(
                    "class {}: '{name}=' is not among what runs in a network file",
                    code.name
                ))
                .with_help("take it out, and do its work in a decorator or a function"));
            }
        }
        let names = Names::new();
        names.set("__module__", Value::str("__main__"));
        names.set("__qualname__", Value::str(&*code.qualified));
        names.set("__doc__", code.doc.as_deref().map_or(Value::None, Value::from));
        let mut frame = Frame::new(code, &outer.globals, &outer.captured(code));
        frame.class = Some(Rc::clone(&names));
        let running = Rc::clone(&frame.running);
        self.within(&running, || self.body(&frame, code))?;
        let class = Class::new(&code.name, bases, names)?;
        frame.store(0, Some(Value::Class(Rc::clone(&class))));
        if class.attributes.get("__eq__").is_some() && class.attributes.get("__hash__").is_none() {
            class.attributes.set("__hash__", Value::None);
        }
        Ok(Value::Class(class))
    }

    fn base(&self, name: &str, base: &Value) -> Outcome<Rc<Class>> {
        let Value::Class(class) = base else {
            let message = format!("class {name} cannot be derived from a {}", base.type_name());
            return Err(Raised::type_error(message).with_help("name a class between the brackets"));
        };
        match class.built_in {
            None | Some(Type::Object | Type::Exception(_)) => Ok(Rc::clone(class)),
            Some(kind) => {
                let message = format!("class {name} cannot be derived from {} in a network file", kind.name());
                Err(Raised::type_error(message)
                    .with_help(format!("keep a {} in an attribute of the class", kind.name())))
            }
        }
    }

    /// `isinstance(value, types)`.
    ///
    /// # Errors
    /// `TypeError` when `types` is no type or tuple of types.
    pub fn is_instance(&self, value: &Value, types: &Value) -> Outcome<bool> {
        match types {
            Value::Class(class) => {
                Ok(self.class_of(value).is_derived_from(class) || self.is_kind_of_iterator(value, class))
            }
            Value::Tuple(tuple) => self.deeper(|| {
                for one in &tuple.items {
                    if self.is_instance(value, one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }),
            Value::Native(object) => object.is_type_of(value).ok_or_else(not_a_type),
            _ => Err(not_a_type()),
        }
    }

    fn is_kind_of_iterator(&self, value: &Value, class: &Rc<Class>) -> bool {
        matches!(value, Value::Iterator(iter) if *iter.kind == *class.name)
    }

    /// `issubclass(value, types)`.
    pub(super) fn is_subclass(&self, value: &Value, types: &Value) -> Outcome<bool> {
        let Value::Class(class) = value else { return Err(Raised::type_error("issubclass() arg 1 must be a class")) };
        match types {
            Value::Class(other) => Ok(class.is_derived_from(other)),
            Value::Tuple(tuple) => self.deeper(|| {
                for one in &tuple.items {
                    if self.is_subclass(value, one)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }),
            _ => Err(Raised::type_error("issubclass() arg 2 must be a class or a tuple of classes")),
        }
    }
}

fn not_a_type() -> Raised {
    Raised::type_error("isinstance() arg 2 must be a type or a tuple of types")
}
