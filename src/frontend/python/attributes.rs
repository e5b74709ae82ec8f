//! Attributes: looked up, set, deleted, as instances, classes, modules and native objects have them.

use std::rc::Rc;

use super::{
    kinds::{ExceptionKind, Type},
    table::Table,
    value::{
        Arguments, Class, Descriptor, Dict, Instance, Interpreter, Names, NativeFunction, Outcome, Raised, Super, Value,
    },
};
use crate::frontend::lua::suggest::closest;

/// Names through which Python programs reach their interpreter: none of them exists here, and each says so.
const CLOSED: &[&str] = &[
    "__subclasses__",
    "__globals__",
    "__code__",
    "__closure__",
    "__builtins__",
    "__bases__",
    "__base__",
    "__mro__",
    "mro",
    "__getattribute__",
    "__reduce__",
    "__reduce_ex__",
    "__import__",
    "__loader__",
    "__spec__",
    "__self__",
    "__func__",
    "__wrapped__",
    "__defaults__",
    "__kwdefaults__",
    "__init_subclass__",
    "__subclasshook__",
    "__weakref__",
    "func_globals",
    "func_code",
    "func_closure",
    "im_func",
    "im_self",
    "gi_frame",
    "gi_code",
    "f_globals",
    "f_locals",
    "f_builtins",
    "f_back",
    "tb_frame",
    "__traceback__",
    "__context__",
];

impl Interpreter {
    /// The value of an attribute; a property is evaluated.
    ///
    /// # Errors
    /// `AttributeError` with "did you mean", and what a property raises.
    pub fn attribute(&self, value: &Value, name: &str) -> Outcome {
        match self.find_attribute(value, name)? {
            Some(found) => Ok(found),
            None => Err(self.no_attribute(value, name)),
        }
    }

    /// As [`Interpreter::attribute`]; `None` where it does not exist.
    ///
    /// # Errors
    /// What a property raises.
    pub fn find_attribute(&self, value: &Value, name: &str) -> Outcome<Option<Value>> {
        if name.contains('_') && CLOSED.contains(&name) {
            return Err(self.forbidden(&format!("`{name}`"), "a network file needs no such thing: take it out"));
        }
        match value {
            Value::Native(object) => {
                if let Some(found) = Rc::clone(object).attribute(name, self)? {
                    return Ok(Some(found));
                }
            }
            Value::Module(module) => {
                return Ok(module.attributes.get(name).or_else(|| match name {
                    "__name__" => Some(Value::str(&*module.name)),
                    _ => None,
                }));
            }
            Value::Class(class) => return self.class_attribute(value, class, name),
            Value::Super(parent) => return self.super_attribute(parent, name),
            Value::Instance(instance) => return self.instance_attribute(value, instance, name),
            Value::Function(function) => {
                if let Some(found) = function.attributes.get(name) {
                    return Ok(Some(found));
                }
                match name {
                    "__name__" => return Ok(Some(Value::str(&*function.code.name))),
                    "__qualname__" => return Ok(Some(Value::str(&*function.code.qualified))),
                    "__module__" => return Ok(Some(Value::str("__main__"))),
                    "__doc__" => {
                        let doc = function.code.doc.as_deref().map_or(Value::None, Value::from);
                        return Ok(Some(doc));
                    }
                    _ => {}
                }
            }
            Value::NativeFunction(native) if name == "__name__" => {
                let name = native.signature.name.rsplit('.').next().unwrap_or_default();
                return Ok(Some(Value::str(name)));
            }
            Value::Method(method) => match name {
                "__name__" | "__doc__" | "__qualname__" | "__module__" => {
                    return self.find_attribute(&method.function, name);
                }
                _ => {
                    if let Value::Function(function) = &method.function
                        && let Some(found) = function.attributes.get(name)
                    {
                        return Ok(Some(found));
                    }
                }
            },
            Value::Range(range) => match name {
                "start" => return Ok(Some(Value::Int(range.start))),
                "stop" => return Ok(Some(Value::Int(range.stop))),
                "step" => return Ok(Some(Value::Int(range.step))),
                _ => {}
            },
            Value::Slice(slice) => match name {
                "start" => return Ok(Some(slice.start.clone())),
                "stop" => return Ok(Some(slice.stop.clone())),
                "step" => return Ok(Some(slice.step.clone())),
                _ => {}
            },
            Value::Descriptor(descriptor) => {
                if let Some(found) = property_part(value, descriptor, name) {
                    return Ok(Some(found));
                }
            }
            Value::Int(_) | Value::Bool(_) | Value::Float(_) => match name {
                "real" => return Ok(Some(value.clone())),
                "imag" => return Ok(Some(if let Value::Float(_) = value { Value::Float(0.0) } else { Value::Int(0) })),
                _ => {}
            },
            _ => {}
        }
        let class = self.class_of(value);
        Ok(match class.find(name) {
            Some(method @ Value::NativeFunction(_)) => Some(Value::method(method, value.clone())),
            Some(other) => Some(other),
            None => self.common_attribute(&class, name),
        })
    }

    /// What every value has.
    fn common_attribute(&self, class: &Rc<Class>, name: &str) -> Option<Value> {
        match name {
            "__class__" => Some(Value::Class(Rc::clone(class))),
            "__doc__" => Some(Value::None),
            _ => None,
        }
    }

    fn instance_attribute(&self, value: &Value, instance: &Rc<Instance>, name: &str) -> Outcome<Option<Value>> {
        let in_class = instance.class.find(name);
        if let Some(Value::Descriptor(descriptor)) = &in_class
            && let Descriptor::Property { get, .. } = &**descriptor
        {
            return self.call(get, Arguments::of(vec![value.clone()])).map(Some);
        }
        if let Some(own) = instance.attributes.get(name) {
            return Ok(Some(own));
        }
        if let Some(found) = in_class {
            return self.bind(&found, value, &instance.class).map(Some);
        }
        if let Some(found) = self.common_attribute(&instance.class, name) {
            return Ok(Some(found));
        }
        if name == "__dict__" {
            return self.copy_of(&instance.attributes).map(Some);
        }
        if instance.class.find("__getattr__").is_some() && !name.starts_with("__") {
            return self.call_special(value, "__getattr__", vec![Value::str(name)]);
        }
        Ok(None)
    }

    fn copy_of(&self, names: &Names) -> Outcome {
        let dict = Dict::of(Table::default());
        for name in names.list() {
            if let Some(value) = names.get(&name) {
                self.dict_set(&dict, Value::str(&*name), value)?;
            }
        }
        Ok(Value::Dict(dict))
    }

    fn class_attribute(&self, value: &Value, class: &Rc<Class>, name: &str) -> Outcome<Option<Value>> {
        match name {
            "__name__" => return Ok(Some(Value::str(&*class.name))),
            "__class__" => return Ok(Some(Value::Class(Rc::clone(self.type_class(Type::Type))))),
            "__dict__" => return self.copy_of(&class.attributes).map(Some),
            _ => {}
        }
        Ok(match class.find(name) {
            Some(Value::Descriptor(descriptor)) => match &*descriptor {
                Descriptor::StaticMethod(function) => Some(function.clone()),
                Descriptor::ClassMethod(function) => Some(Value::method(function.clone(), value.clone())),
                Descriptor::Property { .. } => Some(Value::Descriptor(descriptor)),
            },
            Some(found) => Some(found),
            None if name == "__doc__" => Some(Value::None),
            None => None,
        })
    }

    fn super_attribute(&self, parent: &Super, name: &str) -> Outcome<Option<Value>> {
        let behind = parent.of.order().skip_while(|class| !Rc::ptr_eq(class, &parent.after)).skip(1);
        for class in behind {
            let Some(found) = class.attributes.get(name) else { continue };
            if let Value::Class(of) = &parent.receiver {
                let whole = Value::Class(Rc::clone(of));
                return Ok(Some(match &found {
                    Value::Descriptor(descriptor) => match &**descriptor {
                        Descriptor::StaticMethod(function) => function.clone(),
                        Descriptor::ClassMethod(function) => Value::method(function.clone(), whole),
                        Descriptor::Property { .. } => found,
                    },
                    _ => found,
                }));
            }
            return self.bind(&found, &parent.receiver, &parent.of).map(Some);
        }
        let object = self.type_class(Type::Object);
        Ok(match object.attributes.get(name) {
            // `__new__` takes the class itself.
            Some(found) if name == "__new__" => Some(found),
            Some(found) => Some(Value::method(found, parent.receiver.clone())),
            None => None,
        })
    }

    /// What a class attribute is on an instance.
    fn bind(&self, found: &Value, receiver: &Value, class: &Rc<Class>) -> Outcome {
        Ok(match found {
            Value::Function(_) => Value::method(found.clone(), receiver.clone()),
            Value::NativeFunction(native) if native.is_method() => Value::method(found.clone(), receiver.clone()),
            Value::Descriptor(descriptor) => match &**descriptor {
                Descriptor::Property { get, .. } => return self.call(get, Arguments::of(vec![receiver.clone()])),
                Descriptor::StaticMethod(function) => function.clone(),
                Descriptor::ClassMethod(function) => Value::method(function.clone(), Value::Class(Rc::clone(class))),
            },
            Value::Instance(instance) if instance.class.find("__get__").is_some() => {
                let class = Value::Class(Rc::clone(class));
                return Ok(self.call_special(found, "__get__", vec![receiver.clone(), class])?.unwrap_or(Value::None));
            }
            other => other.clone(),
        })
    }

    /// `value.name = new`.
    ///
    /// # Errors
    /// `AttributeError` where attributes cannot be set, and what a property's setter raises.
    pub fn set_attribute(&self, value: &Value, name: &str, new: Value) -> Outcome<()> {
        if CLOSED.contains(&name) {
            return Err(self.forbidden(&format!("`{name}`"), "a network file needs no such thing: take it out"));
        }
        match value {
            Value::Instance(instance) => {
                if let Some(Value::Descriptor(descriptor)) = instance.class.find(name)
                    && let Descriptor::Property { set, .. } = &*descriptor
                {
                    if set.is_none() {
                        let message = format!("property '{name}' of '{}' object has no setter", instance.class.name);
                        return Err(Raised::new(ExceptionKind::AttributeError, message));
                    }
                    return self.call(set, Arguments::of(vec![value.clone(), new])).map(|_| ());
                }
                if instance.class.find("__setattr__").is_some() {
                    return self.call_special(value, "__setattr__", vec![Value::str(name), new]).map(|_| ());
                }
                instance.attributes.set(name, new);
                self.room(0)
            }
            Value::Class(class) if class.built_in.is_none() => {
                class.attributes.set(name, new);
                self.room(0)
            }
            Value::Function(function) => {
                function.attributes.set(name, new);
                self.room(0)
            }
            Value::Native(object) => {
                if object.set_attribute(name, &new, self)? {
                    Ok(())
                } else {
                    Err(self.cannot_set(value, name))
                }
            }
            _ => Err(self.cannot_set(value, name)),
        }
    }

    fn cannot_set(&self, value: &Value, name: &str) -> Raised {
        let message = match value {
            Value::Class(class) => format!("cannot set '{name}' attribute of built-in type '{}'", class.name),
            Value::Module(module) => format!("cannot set '{name}' of module '{}'", module.name),
            _ => format!("'{}' object has no attribute '{name}' that can be set", value.type_name()),
        };
        Raised::new(ExceptionKind::AttributeError, message)
    }

    /// `del value.name`.
    pub(super) fn delete_attribute(&self, value: &Value, name: &str) -> Outcome<()> {
        let had = match value {
            Value::Instance(instance) => instance.attributes.remove(name),
            Value::Class(class) if class.built_in.is_none() => class.attributes.remove(name),
            Value::Function(function) => function.attributes.remove(name),
            _ => None,
        };
        had.map(|_| ()).ok_or_else(|| self.no_attribute(value, name))
    }

    /// The names of a value's attributes.
    pub(super) fn attribute_names(&self, value: &Value) -> Vec<Rc<str>> {
        let mut names: Vec<Rc<str>> = match value {
            Value::Native(object) => object.attribute_names().into_iter().map(Rc::from).collect(),
            Value::Module(module) => module.attributes.list(),
            Value::Instance(instance) => instance.attributes.list(),
            Value::Class(class) => class.order().flat_map(|class| class.attributes.list()).collect(),
            Value::Function(function) => function.attributes.list(),
            _ => Vec::new(),
        };
        if !matches!(value, Value::Native(_) | Value::Module(_) | Value::Class(_)) {
            let class = self.class_of(value);
            names.extend(class.order().flat_map(|class| class.attributes.list()));
        }
        names
    }

    fn no_attribute(&self, value: &Value, name: &str) -> Raised {
        let message = match value {
            Value::Module(module) => format!("module '{}' has no attribute '{name}'", module.name),
            Value::Class(class) => format!("type object '{}' has no attribute '{name}'", class.name),
            _ => format!("'{}' object has no attribute '{name}'", value.type_name()),
        };
        let raised = Raised::new(ExceptionKind::AttributeError, message);
        let names = self.attribute_names(value);
        let near = closest(name, names.iter().map(|name| &**name).filter(|near| !near.starts_with("__")));
        let mut help = near.map(|near| format!("did you mean `{near}`?")).unwrap_or_default();
        if let Value::Module(module) = value {
            let family = family(name, &names);
            for part in [module.about.as_str(), family.as_str()].into_iter().filter(|part| !part.is_empty()) {
                if !help.is_empty() {
                    help.push('\n');
                }
                help.push_str(part);
            }
        } else if value.is_none() {
            help = "it is None here: was it returned by a function without `return`?".into();
        }
        if help.is_empty() { raised } else { raised.with_help(help) }
    }
}

/// The names of a module that share a word with one that is missing: `conv2d_x` → the `conv…` family.
fn family(name: &str, names: &[Rc<str>]) -> String {
    let stem: String = name.chars().take_while(|letter| letter.is_alphabetic()).collect();
    if stem.chars().count() < 3 {
        return String::new();
    }
    let mut family: Vec<&str> = names.iter().map(|name| &**name).filter(|one| one.contains(stem.as_str())).collect();
    family.sort_unstable();
    family.truncate(12);
    if family.is_empty() { String::new() } else { format!("there are: {}", family.join(", ")) }
}

/// `@x.setter`: a property with one part more.
fn property_part(value: &Value, descriptor: &Rc<Descriptor>, name: &str) -> Option<Value> {
    let Descriptor::Property { get, set } = &**descriptor else { return None };
    let (before_get, before_set) = (get.clone(), set.clone());
    match name {
        "fget" => Some(get.clone()),
        "fset" => Some(set.clone()),
        "setter" => Some(NativeFunction::value("setter(function)", move |_, given| {
            let descriptor = Descriptor::Property { get: before_get.clone(), set: given.value("function").clone() };
            Ok(Value::Descriptor(Rc::new(descriptor)))
        })),
        "getter" => Some(NativeFunction::value("getter(function)", move |_, given| {
            let descriptor = Descriptor::Property { get: given.value("function").clone(), set: before_set.clone() };
            Ok(Value::Descriptor(Rc::new(descriptor)))
        })),
        "__doc__" => match value {
            Value::Descriptor(_) => Some(Value::None),
            _ => None,
        },
        _ => None,
    }
}
