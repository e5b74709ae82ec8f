//! How classes, functions, properties and modules are made in Rust.

use std::rc::Rc;

use super::{
    heap::Charge,
    kinds::Type,
    value::{
        Arguments, Class, Descriptor, Given, Interpreter, Method, Module, Names, NativeFunction, Outcome, Raised,
        Signature, Value,
    },
};

/// Ancestors that a class may have: each derived class lists them all.
const ANCESTORS: usize = 100;

impl NativeFunction {
    /// A function with a declared signature, as [`Signature::of`] reads it. Put into a class with `self` as its first
    /// parameter, it is a method.
    #[must_use]
    pub fn new(signature: &'static str, run: impl Fn(&Interpreter, Given) -> Outcome + 'static) -> Rc<NativeFunction> {
        Rc::new(NativeFunction { signature: Signature::of(signature), run: Box::new(run) })
    }

    /// As [`NativeFunction::new`], as a value.
    #[must_use]
    pub fn value(signature: &'static str, run: impl Fn(&Interpreter, Given) -> Outcome + 'static) -> Value {
        Value::NativeFunction(NativeFunction::new(signature, run))
    }

    /// What it takes.
    #[must_use]
    pub fn signature(&self) -> &Rc<Signature> {
        &self.signature
    }

    /// Calls it.
    ///
    /// # Errors
    /// `TypeError` when the arguments do not fit, and what the function raises.
    pub fn call(&self, arguments: Arguments, interpreter: &Interpreter) -> Outcome {
        (self.run)(interpreter, self.signature.bind(arguments)?)
    }

    /// True when it becomes a method of the instances of a class that it stands in.
    pub(super) fn is_method(&self) -> bool {
        self.signature.parameters.first().is_some_and(|parameter| &*parameter.name == "self")
    }
}

impl Arguments {
    /// Arguments by position only.
    #[must_use]
    pub fn of(positional: Vec<Value>) -> Arguments {
        Arguments { positional, named: Vec::new() }
    }

    /// The argument of this name, taken out.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.named.iter().position(|(known, _)| &**known == name)?;
        Some(self.named.remove(at).1)
    }
}

impl Value {
    /// A property that calls `get` with the instance.
    #[must_use]
    pub fn property(get: Value) -> Value {
        Value::Descriptor(Rc::new(Descriptor::Property { get, set: Value::None }))
    }

    /// A function with its first argument.
    #[must_use]
    pub(super) fn method(function: Value, receiver: Value) -> Value {
        Value::Method(Rc::new(Method { function, receiver }))
    }
}

impl Class {
    /// A class, derived from others.
    ///
    /// # Errors
    /// `TypeError` when the bases' orders contradict each other.
    pub fn new(name: &str, bases: Vec<Rc<Class>>, attributes: Rc<Names>) -> Outcome<Rc<Class>> {
        let ancestors = ancestors(name, &bases)?;
        if ancestors.len() > ANCESTORS {
            return Err(Raised::type_error(format!("class {name} has more than {ANCESTORS} ancestors")));
        }
        Ok(Rc::new(Class {
            name: name.into(),
            ancestors,
            bases,
            attributes,
            built_in: None,
            _charge: Charge::new(256),
        }))
    }

    /// A built-in type or exception.
    pub(super) fn built_in(kind: Type, base: Option<&Rc<Class>>) -> Rc<Class> {
        let ancestors = base.map_or_else(Vec::new, |base| base.order().cloned().collect());
        Rc::new(Class {
            name: kind.name().into(),
            ancestors,
            bases: base.into_iter().cloned().collect(),
            attributes: Names::new(),
            built_in: Some(kind),
            _charge: Charge::new(0),
        })
    }

    /// Itself and its ancestors in the order that attributes are looked up, without `object`.
    pub fn order(self: &Rc<Self>) -> impl Iterator<Item = &Rc<Class>> {
        std::iter::once(self).chain(&self.ancestors)
    }

    /// An attribute of this class or the nearest ancestor that has it.
    #[must_use]
    pub fn find(self: &Rc<Self>, name: &str) -> Option<Value> {
        self.order().find_map(|class| class.attributes.get(name))
    }

    /// True for itself, a class derived from `other`, and everything when `other` is `object`.
    #[must_use]
    pub fn is_derived_from(self: &Rc<Self>, other: &Rc<Class>) -> bool {
        other.built_in == Some(Type::Object) || self.order().any(|class| Rc::ptr_eq(class, other))
    }

    /// The nearest built-in type among itself and its ancestors.
    #[must_use]
    pub fn built_in_root(self: &Rc<Self>) -> Option<Type> {
        self.order().find_map(|class| class.built_in)
    }
}

/// The order behind a class with these bases: C3, as in Python.
fn ancestors(name: &str, bases: &[Rc<Class>]) -> Outcome<Vec<Rc<Class>>> {
    let is_object = |class: &Rc<Class>| class.built_in == Some(Type::Object);
    let mut lists: Vec<Vec<Rc<Class>>> =
        bases.iter().filter(|base| !is_object(base)).map(|base| base.order().cloned().collect()).collect();
    lists.push(bases.iter().filter(|base| !is_object(base)).cloned().collect());
    let mut order = Vec::new();
    loop {
        lists.retain(|list| !list.is_empty());
        if lists.is_empty() {
            return Ok(order);
        }
        let in_a_tail = |class: &Rc<Class>| lists.iter().any(|list| list[1..].iter().any(|one| Rc::ptr_eq(one, class)));
        let Some(next) = lists.iter().map(|list| Rc::clone(&list[0])).find(|head| !in_a_tail(head)) else {
            let names: Vec<&str> = bases.iter().map(|base| &*base.name).collect();
            return Err(Raised::type_error(format!(
                "class {name}: no method resolution order for its bases {}",
                names.join(", ")
            )));
        };
        for list in &mut lists {
            if Rc::ptr_eq(&list[0], &next) {
                list.remove(0);
            }
        }
        order.push(next);
    }
}

impl Module {
    /// A module; `about` completes the page of a name that it lacks, such as what families of names are there.
    #[must_use]
    pub fn new(name: &str, about: impl Into<String>) -> Rc<Module> {
        Rc::new(Module { name: name.into(), attributes: Names::new(), about: about.into() })
    }

    /// Puts a value into it.
    pub fn set(&self, name: &str, value: Value) {
        self.attributes.set(name, value);
    }

    /// Puts a function into it under the last part of its signature's name: `slim.conv2d(…)` as `conv2d`.
    pub fn function(&self, signature: &'static str, run: impl Fn(&Interpreter, Given) -> Outcome + 'static) {
        let function = NativeFunction::new(signature, run);
        let name = function.signature.name.rsplit('.').next().unwrap_or_default().to_string();
        self.attributes.set(&name, Value::NativeFunction(function));
    }
}
