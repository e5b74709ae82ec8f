//! Calls: functions, methods, classes, objects with `__call__`.

use std::rc::Rc;

use super::{
    exceptions::is_exception,
    frame::Frame,
    kinds::Type,
    table::Table,
    value::{Arguments, Class, Descriptor, Dict, Function, Instance, Interpreter, Names, Outcome, Raised, Value},
};

impl Interpreter {
    /// Calls a value: within a run, from a native function.
    ///
    /// # Errors
    /// `TypeError` when it is not callable or the arguments do not fit, and what the call raises.
    pub fn call(&self, function: &Value, mut arguments: Arguments) -> Outcome {
        match function {
            Value::Function(function) => self.call_function(function, arguments),
            Value::NativeFunction(native) => {
                self.tick()?;
                self.deeper(|| native.call(arguments, self))
            }
            Value::Method(method) => {
                arguments.positional.insert(0, method.receiver.clone());
                self.deeper(|| self.call(&method.function, arguments))
            }
            Value::Class(class) => self.deeper(|| self.instantiate(class, arguments)),
            Value::Native(object) => {
                self.tick()?;
                let answer = self.deeper(|| Rc::clone(object).call(arguments, self))?;
                answer.ok_or_else(|| not_callable(function))
            }
            Value::Instance(instance) => match instance.class.find("__call__") {
                Some(_) => {
                    let method = self.attribute(function, "__call__")?;
                    self.deeper(|| self.call(&method, arguments))
                }
                None => Err(not_callable(function)),
            },
            Value::Descriptor(descriptor) => match &**descriptor {
                Descriptor::StaticMethod(inner) => self.deeper(|| self.call(inner, arguments)),
                _ => Err(not_callable(function)),
            },
            _ => Err(not_callable(function)),
        }
    }

    fn call_function(&self, function: &Rc<Function>, arguments: Arguments) -> Outcome {
        let given = function.signature.bind(arguments)?;
        let code = &function.code;
        let frame = Frame::new(code, &function.globals, &function.closure);
        let count = given.values.len();
        for (at, value) in given.values.into_iter().enumerate() {
            frame.store(at, Some(value));
        }
        let mut at = count;
        if code.rest.is_some() {
            frame.store(at, Some(Value::tuple(given.rest)));
            at += 1;
        }
        if code.keywords.is_some() {
            let dict = Dict::of(Table::default());
            for (name, value) in given.keywords {
                self.dict_set(&dict, Value::str(&*name), value)?;
            }
            frame.store(at, Some(Value::Dict(dict)));
        }
        let running = Rc::clone(&frame.running);
        let value = self.within(&running, || self.body(&frame, code))?;
        let before = self.returned.replace(Some(running));
        drop(before);
        Ok(value)
    }

    /// Calls a method of a value if its class has it.
    ///
    /// # Errors
    /// What the call raises.
    pub fn call_method(&self, value: &Value, name: &str, arguments: Vec<Value>) -> Outcome<Option<Value>> {
        if self.class_of(value).find(name).is_none() {
            return Ok(None);
        }
        let method = self.attribute(value, name)?;
        self.call(&method, Arguments::of(arguments)).map(Some)
    }

    /// As [`Interpreter::call_method`] for a class of the user's; what is built in answers by itself.
    pub(super) fn call_special(&self, value: &Value, name: &str, arguments: Vec<Value>) -> Outcome<Option<Value>> {
        let Value::Instance(instance) = value else { return Ok(None) };
        match instance.class.find(name) {
            // `__hash__ = None` and its kin say that there is no such method.
            None | Some(Value::None) => Ok(None),
            Some(_) => self.call_method(value, name, arguments),
        }
    }

    fn instantiate(&self, class: &Rc<Class>, arguments: Arguments) -> Outcome {
        if let Some(kind) = class.built_in.filter(|kind| !matches!(kind, Type::Exception(_) | Type::Object)) {
            let Some(make) = class.attributes.get("__new__") else {
                return Err(Raised::type_error(format!("cannot create '{}' instances", kind.name())));
            };
            return self.call(&make, arguments);
        }
        self.tick()?;
        let made = match class.find("__new__") {
            Some(make) => {
                let make = match &make {
                    Value::Descriptor(descriptor) => match &**descriptor {
                        Descriptor::StaticMethod(inner) => inner.clone(),
                        _ => make,
                    },
                    _ => make,
                };
                let mut all = arguments.clone();
                all.positional.insert(0, Value::Class(Rc::clone(class)));
                self.call(&make, all)?
            }
            None => {
                let instance = Instance::new(class);
                if is_exception(class) {
                    instance.attributes.set("args", Value::tuple(arguments.positional.clone()));
                }
                Value::Instance(instance)
            }
        };
        let Value::Instance(instance) = &made else { return Ok(made) };
        if !instance.class.is_derived_from(class) {
            return Ok(made);
        }
        if let Some(set_up) = class.find("__init__") {
            let mut all = arguments;
            all.positional.insert(0, made.clone());
            let answer = self.call(&set_up, all)?;
            if !answer.is_none() {
                let message = format!("__init__() should return None, not '{}'", answer.type_name());
                return Err(Raised::type_error(message));
            }
        } else if !is_exception(class) && class.find("__new__").is_none() {
            let given = arguments.positional.len() + arguments.named.len();
            if given > 0 {
                return Err(Raised::type_error(format!("{}() takes no arguments", class.name))
                    .with_help(format!("give class {} a method __init__(self, …) that takes them", class.name)));
            }
        }
        Ok(made)
    }

    /// The class of a value.
    #[must_use]
    pub fn class_of(&self, value: &Value) -> Rc<Class> {
        match value {
            Value::Instance(instance) => Rc::clone(&instance.class),
            Value::Native(object) => self.native_type(object.type_name()),
            other => Rc::clone(self.type_class(other.built_in_type().unwrap_or(Type::Object))),
        }
    }
}

impl Interpreter {
    /// The class that stands for native objects of a type.
    fn native_type(&self, name: &str) -> Rc<Class> {
        if let Some(known) = self.native_types.borrow().get(name) {
            return Rc::clone(known);
        }
        let class = Class::new(name, Vec::new(), Names::new());
        let class = class.unwrap_or_else(|_| Rc::clone(self.type_class(Type::Object)));
        self.native_types.borrow_mut().insert(name.to_string(), Rc::clone(&class));
        class
    }
}

fn not_callable(value: &Value) -> Raised {
    let raised = Raised::type_error(format!("'{}' object is not callable", value.type_name()));
    match value {
        Value::Module(module) => raised.with_help(format!("`{}` is a module: call a function in it", module.name)),
        Value::Str(_) | Value::Tuple(_) | Value::List(_) => {
            raised.with_help("is a comma missing in front of the bracket?")
        }
        Value::None => raised.with_help("what is called here is None: was it returned by a function without `return`?"),
        _ => raised,
    }
}
