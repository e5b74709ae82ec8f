//! `Value` and the types that name each other with it: objects, functions, native objects, exceptions, the interpreter.
//!
//! What these types *do* stands in the files beside this one. A native object (a symbolic tensor, a scope) implements
//! [`Native`]; a native function is a [`NativeFunction`] with a declared [`Signature`].

use std::{
    any::Any,
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use super::{
    clock::Clock,
    heap::{Charge, Heap},
    kinds::{Binary, Comparison, ExceptionKind, ParameterKind, Type, Unary},
    options::Options,
    range::Range,
    running::{Passed, Running},
    table::Table,
    text::Text,
    tree::Code,
};
use crate::error::Error;

/// What everything that may raise an exception yields.
pub type Outcome<T = Value> = Result<T, Raised>;

/// A Python value. Clones are cheap: numbers, or one more reference.
#[derive(Clone)]
pub enum Value {
    /// `None`.
    None,
    /// `NotImplemented`: what a binary method answers to let the other operand try.
    NotImplemented,
    /// `...`
    Ellipsis,
    /// `True`, `False`.
    Bool(bool),
    /// An integer; arithmetic that leaves 64 bits raises `OverflowError`.
    Int(i64),
    /// A floating-point number.
    Float(f64),
    /// Text.
    Str(Rc<Text>),
    /// A tuple.
    Tuple(Rc<Tuple>),
    /// A list.
    List(Rc<List>),
    /// A dict.
    Dict(Rc<Dict>),
    /// A set or frozenset, in order of insertion.
    Set(Rc<Set>),
    /// A range.
    Range(Rc<Range>),
    /// A slice, as `x[a:b:c]` hands it on.
    Slice(Rc<Slice>),
    /// An iterator of any kind.
    Iterator(Rc<Iter>),
    /// A function of the user's.
    Function(Rc<Function>),
    /// A function in Rust.
    NativeFunction(Rc<NativeFunction>),
    /// A function with its `self`.
    Method(Rc<Method>),
    /// A class: the user's, a built-in type, or one made in Rust.
    Class(Rc<Class>),
    /// An instance of a class of the user's, or an exception.
    Instance(Rc<Instance>),
    /// A `property`, `staticmethod` or `classmethod` as it stands in a class.
    Descriptor(Rc<Descriptor>),
    /// What `super()` answers.
    Super(Rc<Super>),
    /// A module.
    Module(Rc<Module>),
    /// An object made in Rust.
    Native(Rc<dyn Native>),
}

/// A tuple's items.
pub struct Tuple {
    pub(super) items: Vec<Value>,
    pub(super) _charge: Charge,
}

/// A list's items.
pub struct List {
    pub(super) items: RefCell<Vec<Value>>,
    pub(super) charge: Charge,
}

/// A dict's entries.
pub struct Dict {
    pub(super) table: RefCell<Table<Value, Value>>,
    pub(super) charge: Charge,
}

/// A set's items.
pub struct Set {
    pub(super) table: RefCell<Table<Value, ()>>,
    pub(super) frozen: bool,
    pub(super) charge: Charge,
}

/// `start:stop:step`, each [`Value::None`] when left out.
pub struct Slice {
    /// First index.
    pub start: Value,
    /// Excluded end.
    pub stop: Value,
    /// Step.
    pub step: Value,
}

/// What an iterator runs to get its next item; `None` at the end.
pub type Step = dyn FnMut(&Interpreter) -> Outcome<Option<Value>>;

/// An iterator: `iter(x)`, `zip(…)`, a generator expression.
pub struct Iter {
    /// Its type's name: `list_iterator`, `generator`.
    pub(super) kind: &'static str,
    /// `None` while it runs and once it has ended.
    pub(super) step: RefCell<Option<Box<Step>>>,
    pub(super) _charge: Charge,
}

/// A variable that a nested function shares with the one around it.
pub(super) struct Variable {
    pub(super) value: RefCell<Option<Value>>,
}

/// Names and values in order: a module's globals, a class's attributes, an instance's.
pub struct Names {
    pub(super) table: RefCell<Table<Rc<str>, Value>>,
    pub(super) charge: Charge,
}

/// A function of the user's, with what it closes over.
pub struct Function {
    pub(super) code: Rc<Code>,
    pub(super) signature: Rc<Signature>,
    pub(super) closure: Vec<Rc<Variable>>,
    pub(super) globals: Rc<Names>,
    pub(super) attributes: Rc<Names>,
    pub(super) _charge: Charge,
}

/// One parameter of a function.
pub struct Parameter {
    /// Its name.
    pub name: Rc<str>,
    /// How it is filled.
    pub kind: ParameterKind,
    /// Its value when nothing is given; without one it must be given.
    pub default: Option<Value>,
}

/// What a function takes.
pub struct Signature {
    /// The name that errors use: `slim.conv2d`.
    pub name: Rc<str>,
    /// The parameters, named ones last.
    pub parameters: Vec<Parameter>,
    /// `*args`.
    pub rest: Option<Rc<str>>,
    /// `**kwargs`.
    pub keywords: Option<Rc<str>>,
}

/// Arguments as a call wrote them.
#[derive(Clone, Default)]
pub struct Arguments {
    /// By position.
    pub positional: Vec<Value>,
    /// By name, in order.
    pub named: Vec<(Rc<str>, Value)>,
}

/// Arguments after they were matched with a [`Signature`]; read them by name (`given.int("stride")`).
pub struct Given {
    pub(super) signature: Rc<Signature>,
    /// One value a parameter, defaults filled in.
    pub values: Vec<Value>,
    /// Which of them the call wrote.
    pub written: Vec<bool>,
    /// What `*args` takes.
    pub rest: Vec<Value>,
    /// What `**kwargs` takes.
    pub keywords: Vec<(Rc<str>, Value)>,
}

/// What a native function runs.
pub type Run = dyn Fn(&Interpreter, Given) -> Outcome;

/// A function in Rust. Found on a class it becomes a method when its first parameter is called `self`.
pub struct NativeFunction {
    pub(super) signature: Rc<Signature>,
    pub(super) run: Box<Run>,
}

/// A function and its first argument.
pub struct Method {
    pub(super) function: Value,
    pub(super) receiver: Value,
}

/// A class.
pub struct Class {
    /// Its name.
    pub name: Rc<str>,
    /// Its ancestors in the order that attributes are looked up (C3), without itself and `object`.
    pub(super) ancestors: Vec<Rc<Class>>,
    /// What it was derived from, as written.
    pub(super) bases: Vec<Rc<Class>>,
    /// What is defined in it.
    pub attributes: Rc<Names>,
    /// Set for built-in types and exceptions.
    pub(super) built_in: Option<Type>,
    pub(super) _charge: Charge,
}

/// An instance of a class.
pub struct Instance {
    pub(super) class: Rc<Class>,
    /// Its own attributes.
    pub attributes: Rc<Names>,
}

/// What a class attribute does when it is looked up on an instance.
pub enum Descriptor {
    /// Calls `get(instance)`.
    Property {
        /// `fget`.
        get: Value,
        /// `fset`, or `None`.
        set: Value,
    },
    /// Hands the function out as it is.
    StaticMethod(Value),
    /// Hands the function out bound to the class.
    ClassMethod(Value),
}

/// `super()`: attributes of `receiver` looked up behind `after` in the order of its class.
pub struct Super {
    pub(super) after: Rc<Class>,
    pub(super) receiver: Value,
    /// The class whose order counts.
    pub(super) of: Rc<Class>,
}

/// A module: attributes, and what to name when one is missing.
pub struct Module {
    /// Its dotted name.
    pub name: Rc<str>,
    /// What is in it.
    pub attributes: Rc<Names>,
    /// What an unknown attribute's page says beside "did you mean".
    pub about: String,
}

/// An object made in Rust: a symbolic tensor, a variable scope, an initialiser.
///
/// Everything but the name has a default that raises what Python would. `self: Rc<Self>` where the answer may keep the
/// object; the line that calls is [`Interpreter::origin`].
#[expect(unused_variables, reason = "the defaults answer without looking")]
pub trait Native: Any {
    /// Its type's name in messages: `Tensor`.
    fn type_name(&self) -> &str;

    /// An attribute; `None` becomes an `AttributeError` that suggests one of [`Native::attribute_names`].
    ///
    /// # Errors
    /// Whatever computing it raises.
    fn attribute(self: Rc<Self>, name: &str, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// The names that `attribute` knows, for "did you mean" and `dir`.
    fn attribute_names(&self) -> Vec<String> {
        Vec::new()
    }

    /// Sets an attribute; `false` becomes an `AttributeError`.
    ///
    /// # Errors
    /// When the value does not fit.
    fn set_attribute(&self, name: &str, value: &Value, interpreter: &Interpreter) -> Outcome<bool> {
        Ok(false)
    }

    /// Calls it; `None` becomes "object is not callable".
    ///
    /// # Errors
    /// Whatever the call raises.
    fn call(self: Rc<Self>, arguments: Arguments, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// `-x`, `+x`, `~x`; `None` becomes a `TypeError`.
    ///
    /// # Errors
    /// Whatever computing it raises.
    fn unary(self: Rc<Self>, operator: Unary, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// `self op other`, or `other op self` when `reflected`; `None` lets the other operand try, then is a `TypeError`.
    ///
    /// # Errors
    /// Whatever computing it raises.
    fn binary(
        self: Rc<Self>,
        operator: Binary,
        other: &Value,
        reflected: bool,
        interpreter: &Interpreter,
    ) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// `self < other` and its kin; `None` lets the other operand try. `==` and `!=` then compare identity.
    ///
    /// # Errors
    /// Whatever computing it raises.
    fn compare(
        self: Rc<Self>,
        comparison: Comparison,
        other: &Value,
        interpreter: &Interpreter,
    ) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// `self[index]`: an int, a [`Value::Slice`], `None`, `...`, or a tuple of these; `None` is "not subscriptable".
    ///
    /// # Errors
    /// Whatever looking it up raises.
    fn item(self: Rc<Self>, index: &Value, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// `self[index] = value`; `false` becomes "does not support item assignment".
    ///
    /// # Errors
    /// Whatever storing it raises.
    fn set_item(&self, index: &Value, value: &Value, interpreter: &Interpreter) -> Outcome<bool> {
        Ok(false)
    }

    /// `len(self)`; `None` is "has no len()".
    ///
    /// # Errors
    /// When it has no known length.
    fn length(&self, interpreter: &Interpreter) -> Outcome<Option<usize>> {
        Ok(None)
    }

    /// Its items, for `for`, unpacking and `list()`; `None` is "not iterable".
    ///
    /// # Errors
    /// When it cannot be iterated, with the reason.
    fn items(self: Rc<Self>, interpreter: &Interpreter) -> Outcome<Option<Vec<Value>>> {
        Ok(None)
    }

    /// `item in self`; `None` falls back on [`Native::items`].
    ///
    /// # Errors
    /// Whatever looking raises.
    fn contains(&self, item: &Value, interpreter: &Interpreter) -> Outcome<Option<bool>> {
        Ok(None)
    }

    /// `if self:`.
    ///
    /// # Errors
    /// When it has no truth value, as a symbolic tensor.
    fn truth(&self, interpreter: &Interpreter) -> Outcome<bool> {
        Ok(true)
    }

    /// As an integer where one is wanted (`int(x)`, an index, `range(x)`); `None` where it is not one.
    fn integer(&self) -> Option<i64> {
        None
    }

    /// As a number for `float(x)`; `None` where it is not one.
    fn number(&self) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "float() of an integer rounds in Python too")]
        self.integer().map(|integer| integer as f64)
    }

    /// `repr(self)`.
    fn repr(&self) -> String {
        format!("<{}>", self.type_name())
    }

    /// `repr(self)` of what shows other values; `None` leaves it to [`Native::repr`].
    ///
    /// # Errors
    /// What showing those values raises.
    fn shown(&self, interpreter: &Interpreter) -> Outcome<Option<String>> {
        Ok(None)
    }

    /// `str(self)`.
    fn display(&self) -> String {
        self.repr()
    }

    /// Enters `with self as …`: what `as` names; `None` is "does not support the context manager protocol".
    ///
    /// # Errors
    /// Whatever entering raises.
    fn enter(self: Rc<Self>, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }

    /// Leaves the `with` block, also after an exception.
    ///
    /// # Errors
    /// Whatever leaving raises.
    fn exit(self: Rc<Self>, interpreter: &Interpreter) -> Outcome<()> {
        Ok(())
    }

    /// `isinstance(value, self)`; `None` when it is not a type.
    fn is_type_of(&self, value: &Value) -> Option<bool> {
        None
    }

    /// `self == other` for keys of a dict beside identity: answer equal things with equal text.
    fn hash_key(&self) -> Option<String> {
        None
    }
}

/// What stopped the evaluation: an exception that `except` can catch, or the end of the run.
#[derive(Clone)]
pub struct Raised(pub(super) Box<Failure>);

/// The parts of [`Raised`].
#[derive(Clone)]
pub(super) struct Failure {
    pub(super) what: What,
    pub(super) facts: Vec<(String, String)>,
    pub(super) help: Option<String>,
    /// The calls it passed through, innermost first.
    pub(super) trace: Vec<Passed>,
    /// The exception that was being handled, as a line.
    pub(super) cause: Option<String>,
}

/// The exception itself.
#[derive(Clone)]
pub(super) enum What {
    /// One that Rust raised, not yet an object.
    New(ExceptionKind, String),
    /// One that is an object of the user's program.
    Object(Rc<Instance>),
    /// A limit: no `except` sees it.
    End(Error),
}

/// One Python machine for one network file, fenced in: memory, time, depth, library.
pub struct Interpreter {
    pub(super) options: Options,
    pub(super) heap: Rc<Heap>,
    pub(super) clock: Clock,
    /// What `import` knows, by dotted name.
    pub(super) modules: RefCell<BTreeMap<String, Rc<Module>>>,
    /// The built-in types, in the order of [`Type`].
    pub(super) types: Vec<Rc<Class>>,
    pub(super) built_ins: Rc<Names>,
    pub(super) globals: Rc<Names>,
    /// Functions that are running, outermost first.
    pub(super) running: RefCell<Vec<Rc<Running>>>,
    /// The function that returned last, at the line of its `return`.
    pub(super) returned: RefCell<Option<Rc<Running>>>,
    /// Nested operations, against endless recursion.
    pub(super) depth: Cell<usize>,
    /// Exceptions that `except` blocks are handling, innermost last.
    pub(super) handling: RefCell<Vec<Raised>>,
    /// What was printed since the last newline.
    pub(super) printed: RefCell<String>,
    /// Bytes that may still be printed.
    pub(super) print_left: Cell<usize>,
    /// The types of native objects, by name, as `type(x)` shows them.
    pub(super) native_types: RefCell<BTreeMap<String, Rc<Class>>>,
}
