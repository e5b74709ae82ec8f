//! How values are made, and read in Rust.

use std::{
    cell::RefCell,
    mem,
    rc::{Rc, Weak},
};

use super::{
    heap::{Charge, Emptied, Heap},
    kinds::Type,
    table::Table,
    text::Text,
    value::{
        Class, Descriptor, Dict, Instance, Interpreter, Iter, List, Names, Native, Outcome, Set, Tuple, Value, Variable,
    },
};

/// What a value of its own costs beside its items: counters, charge, header.
const HEADER: usize = 64;
const ITEM: usize = size_of::<Value>();

impl Value {
    /// A string.
    #[must_use]
    pub fn str(text: impl Into<Box<str>>) -> Value {
        let text = text.into();
        let length = if text.is_ascii() { text.len() } else { text.chars().count() };
        Value::Str(Rc::new(Text { _charge: Charge::new(HEADER + text.len()), text, length }))
    }

    /// A list.
    #[must_use]
    pub fn list(items: Vec<Value>) -> Value {
        Value::List(List::new(items))
    }

    /// A tuple.
    #[must_use]
    pub fn tuple(items: Vec<Value>) -> Value {
        Value::Tuple(Rc::new(Tuple { _charge: Charge::new(HEADER + items.capacity() * ITEM), items }))
    }

    /// An integer of a size or count.
    #[must_use]
    pub fn size(size: usize) -> Value {
        Value::Int(i64::try_from(size).unwrap_or(i64::MAX))
    }

    /// A native object.
    #[must_use]
    pub fn native<T: Native>(object: T) -> Value {
        Value::Native(Rc::new(object))
    }

    /// The native object of type `T` that this is.
    #[must_use]
    pub fn as_native<T: Native>(&self) -> Option<Rc<T>> {
        let Value::Native(object) = self else { return None };
        let any: Rc<dyn std::any::Any> = object.clone();
        any.downcast::<T>().ok()
    }

    /// An iterator over what `step` yields; `kind` is its type's name.
    pub fn iterator(kind: &'static str, step: impl FnMut(&Interpreter) -> Outcome<Option<Value>> + 'static) -> Value {
        let iter = Rc::new(Iter { kind, step: RefCell::new(Some(Box::new(step))), _charge: Charge::new(HEADER * 2) });
        remember(&iter);
        Value::Iterator(iter)
    }

    /// The text of a string.
    #[must_use]
    pub fn as_str(&self) -> Option<&str> {
        if let Value::Str(text) = self { Some(&text.text) } else { None }
    }

    /// The number of an int or bool, or of a native object that is an integer.
    #[must_use]
    pub fn as_int(&self) -> Option<i64> {
        match self {
            Value::Int(integer) => Some(*integer),
            Value::Bool(truth) => Some(i64::from(*truth)),
            Value::Native(object) => object.integer(),
            _ => None,
        }
    }

    /// The number of a float, int or bool, or of a native object that is a number.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "an int that meets a float is rounded, as in Python")]
    pub fn as_float(&self) -> Option<f64> {
        match self {
            Value::Float(number) => Some(*number),
            Value::Native(object) => object.number(),
            other => other.as_int().map(|integer| integer as f64),
        }
    }

    /// The items of a list or tuple, copied.
    #[must_use]
    pub fn as_items(&self) -> Option<Vec<Value>> {
        match self {
            Value::List(list) => Some(list.items.borrow().clone()),
            Value::Tuple(tuple) => Some(tuple.items.clone()),
            _ => None,
        }
    }

    /// The built-in type of this value; `None` for instances of other classes and native objects.
    #[must_use]
    pub fn built_in_type(&self) -> Option<Type> {
        Some(match self {
            Value::None => Type::NoneType,
            Value::NotImplemented => Type::NotImplementedType,
            Value::Ellipsis => Type::Ellipsis,
            Value::Bool(_) => Type::Bool,
            Value::Int(_) => Type::Int,
            Value::Float(_) => Type::Float,
            Value::Str(_) => Type::Str,
            Value::Tuple(_) => Type::Tuple,
            Value::List(_) => Type::List,
            Value::Dict(_) => Type::Dict,
            Value::Set(set) if set.frozen => Type::FrozenSet,
            Value::Set(_) => Type::Set,
            Value::Range(_) => Type::Range,
            Value::Slice(_) => Type::Slice,
            Value::Iterator(_) => Type::Iterator,
            Value::Function(_) => Type::Function,
            Value::NativeFunction(_) => Type::NativeFunction,
            Value::Method(_) => Type::Method,
            Value::Class(_) => Type::Type,
            Value::Descriptor(descriptor) => match &**descriptor {
                Descriptor::Property { .. } => Type::Property,
                Descriptor::StaticMethod(_) => Type::StaticMethod,
                Descriptor::ClassMethod(_) => Type::ClassMethod,
            },
            Value::Super(_) => Type::Super,
            Value::Module(_) => Type::Module,
            Value::Instance(_) | Value::Native(_) => return None,
        })
    }

    /// The name of its type in messages: `int`, `UserModel`, `Tensor`.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Value::Instance(instance) => instance.class.name.to_string(),
            Value::Native(object) => object.type_name().to_string(),
            Value::Iterator(iter) => iter.kind.to_string(),
            other => other.built_in_type().map_or("object", Type::name).to_string(),
        }
    }

    /// True for `None`.
    #[must_use]
    pub fn is_none(&self) -> bool {
        matches!(self, Value::None)
    }

    /// `self is other`.
    #[must_use]
    pub fn is(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::None, Value::None)
            | (Value::NotImplemented, Value::NotImplemented)
            | (Value::Ellipsis, Value::Ellipsis) => true,
            (Value::Bool(a), Value::Bool(b)) => a == b,
            (Value::Int(a), Value::Int(b)) => a == b,
            (Value::Float(a), Value::Float(b)) => !a.is_nan() && a.to_bits() == b.to_bits(),
            (Value::Str(a), Value::Str(b)) => Rc::ptr_eq(a, b) || (a.length <= 32 && a.text == b.text),
            (Value::Tuple(a), Value::Tuple(b)) => Rc::ptr_eq(a, b) || (a.items.is_empty() && b.items.is_empty()),
            _ => self.address().is_some_and(|address| other.address() == Some(address)),
        }
    }

    /// Where it lies in memory: its identity.
    #[must_use]
    pub fn address(&self) -> Option<usize> {
        Some(match self {
            Value::Str(it) => Rc::as_ptr(it).addr(),
            Value::Tuple(it) => Rc::as_ptr(it).addr(),
            Value::List(it) => Rc::as_ptr(it).addr(),
            Value::Dict(it) => Rc::as_ptr(it).addr(),
            Value::Set(it) => Rc::as_ptr(it).addr(),
            Value::Range(it) => Rc::as_ptr(it).addr(),
            Value::Slice(it) => Rc::as_ptr(it).addr(),
            Value::Iterator(it) => Rc::as_ptr(it).addr(),
            Value::Function(it) => Rc::as_ptr(it).addr(),
            Value::NativeFunction(it) => Rc::as_ptr(it).addr(),
            Value::Method(it) => Rc::as_ptr(it).addr(),
            Value::Class(it) => Rc::as_ptr(it).addr(),
            Value::Instance(it) => Rc::as_ptr(it).addr(),
            Value::Descriptor(it) => Rc::as_ptr(it).addr(),
            Value::Super(it) => Rc::as_ptr(it).addr(),
            Value::Module(it) => Rc::as_ptr(it).addr(),
            Value::Native(it) => Rc::as_ptr(it).cast::<u8>().addr(),
            Value::None
            | Value::NotImplemented
            | Value::Ellipsis
            | Value::Bool(_)
            | Value::Int(_)
            | Value::Float(_) => return None,
        })
    }
}

impl From<bool> for Value {
    fn from(truth: bool) -> Value {
        Value::Bool(truth)
    }
}

impl From<i64> for Value {
    fn from(integer: i64) -> Value {
        Value::Int(integer)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Value {
        Value::Float(number)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::str(text)
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::str(text)
    }
}

fn remember<T: Emptied + 'static>(value: &Rc<T>) {
    let weak: Weak<T> = Rc::downgrade(value);
    Heap::current().remember(weak);
}

impl List {
    /// A list of its own.
    #[must_use]
    pub fn new(items: Vec<Value>) -> Rc<List> {
        let list = Rc::new(List { charge: Charge::new(HEADER), items: RefCell::new(items) });
        list.recount();
        remember(&list);
        list
    }

    /// Puts its present size on the account; after every change of it.
    pub(super) fn recount(&self) {
        self.charge.set(HEADER + self.items.borrow().capacity() * ITEM);
    }
}

impl Dict {
    /// A dict of a filled table.
    #[must_use]
    pub(super) fn of(table: Table<Value, Value>) -> Rc<Dict> {
        let dict = Rc::new(Dict { charge: Charge::new(HEADER), table: RefCell::new(table) });
        dict.recount();
        remember(&dict);
        dict
    }

    /// Puts its present size on the account.
    pub(super) fn recount(&self) {
        self.charge.set(HEADER + self.table.borrow().bytes());
    }
}

impl Set {
    /// A set of a filled table.
    #[must_use]
    pub(super) fn of(table: Table<Value, ()>, frozen: bool) -> Rc<Set> {
        let set = Rc::new(Set { charge: Charge::new(HEADER), table: RefCell::new(table), frozen });
        set.recount();
        remember(&set);
        set
    }

    /// Puts its present size on the account.
    pub(super) fn recount(&self) {
        self.charge.set(HEADER + self.table.borrow().bytes());
    }
}

impl Variable {
    /// A shared variable, with or without a value.
    #[must_use]
    pub(super) fn new(value: Option<Value>) -> Rc<Variable> {
        let variable = Rc::new(Variable { value: RefCell::new(value) });
        remember(&variable);
        variable
    }
}

impl Names {
    /// No names yet.
    #[must_use]
    pub fn new() -> Rc<Names> {
        let names = Rc::new(Names { charge: Charge::new(HEADER), table: RefCell::default() });
        remember(&names);
        names
    }

    /// The value of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Value> {
        let table = self.table.borrow();
        find(&table, name).and_then(|at| table.entry(at)).map(|entry| entry.value.clone())
    }

    /// Sets a name.
    pub fn set(&self, name: &str, value: Value) {
        let mut table = self.table.borrow_mut();
        let before = match find(&table, name) {
            Some(at) => table.entry_mut(at).map(|entry| mem::replace(&mut entry.value, value)),
            None => {
                table.append(hash(name), name.into(), value);
                self.charge.set(HEADER + table.bytes());
                None
            }
        };
        // Only now: what is replaced may, as it goes, look at this table.
        drop(table);
        drop(before);
    }

    /// Takes a name away; its value.
    pub fn remove(&self, name: &str) -> Option<Value> {
        let mut table = self.table.borrow_mut();
        let at = find(&table, name)?;
        table.remove(at).map(|(_, value)| value)
    }

    /// The names in order.
    #[must_use]
    pub fn list(&self) -> Vec<Rc<str>> {
        self.table.borrow().iter().map(|entry| Rc::clone(&entry.key)).collect()
    }
}

fn hash(name: &str) -> u64 {
    use std::hash::{DefaultHasher, Hash as _, Hasher as _};
    let mut hasher = DefaultHasher::new();
    name.hash(&mut hasher);
    hasher.finish()
}

fn find(table: &Table<Rc<str>, Value>, name: &str) -> Option<usize> {
    let mut at = table.first(hash(name));
    while let Some(here) = at {
        if table.entry(here).is_some_and(|entry| &*entry.key == name) {
            return Some(here);
        }
        at = table.next(here);
    }
    None
}

impl Instance {
    /// An instance without attributes; `__init__` is not called.
    #[must_use]
    pub fn new(class: &Rc<Class>) -> Rc<Instance> {
        Rc::new(Instance { class: Rc::clone(class), attributes: Names::new() })
    }

    /// Its class.
    #[must_use]
    pub fn class(&self) -> &Rc<Class> {
        &self.class
    }
}

impl std::fmt::Debug for Value {
    /// The type, with the text or number of a plain value: for tests and logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Bool(truth) => write!(f, "{truth}"),
            Value::Int(integer) => write!(f, "{integer}"),
            Value::Float(number) => write!(f, "{number}"),
            Value::Str(text) => write!(f, "{:?}", text.text),
            other => write!(f, "<{}>", other.type_name()),
        }
    }
}
