//! Functions that `arg_scope` reaches, and `arg_scope` itself.
//!
//! Rules, TF-Slim's: the innermost scope wins; what the call writes by name wins over it; a scope that is given again as
//! `arg_scope(sc)` replaces what is open; functions that are not of this kind are refused.

use std::rc::{Rc, Weak};

use super::{
    bound::{Body, Entry, last_name},
    objects::{Scoped, Tf},
};
use crate::frontend::python::{Arguments, Interpreter, Module, Native, Outcome, Raised, Value};

/// A function whose arguments an `arg_scope` may give.
pub(super) struct ScopedFunction {
    tf: Weak<Tf>,
    function: Value,
    name: Rc<str>,
}

impl ScopedFunction {
    /// One of the modules' own; `name` is what `__name__` says.
    pub(super) fn native(tf: &Rc<Tf>, signature: &'static str, name: &str, body: Body) -> Value {
        let function = tf.function(signature, body);
        Value::native(ScopedFunction { tf: Rc::downgrade(tf), function, name: name.into() })
    }

    /// One of the file's, by the decorator `add_arg_scope`.
    fn of(tf: &Rc<Tf>, py: &Interpreter, function: &Value) -> Outcome {
        let name = py.find_attribute(function, "__name__")?;
        let name = name.as_ref().and_then(Value::as_str).unwrap_or("function").into();
        Ok(Value::native(ScopedFunction { tf: Rc::downgrade(tf), function: function.clone(), name }))
    }
}

impl Native for ScopedFunction {
    fn type_name(&self) -> &str {
        "function"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok((name == "__name__").then(|| Value::str(&*self.name)))
    }

    fn call(self: Rc<Self>, mut arguments: Arguments, py: &Interpreter) -> Outcome<Option<Value>> {
        let address = Rc::as_ptr(&self).cast::<u8>().addr();
        if let Some(tf) = self.tf.upgrade() {
            let scopes = tf.arguments.borrow();
            for (name, value) in scopes.last().and_then(|scope| scope.get(&address)).into_iter().flatten() {
                if !arguments.named.iter().any(|(known, _)| known == name) {
                    arguments.named.push((name.clone(), value.clone()));
                }
            }
        }
        py.call(&self.function, arguments).map(Some)
    }

    fn repr(&self) -> String {
        format!("<function {}>", self.name)
    }
}

/// `with slim.arg_scope(…)`: opens on entering; as `sc` it can be given to `arg_scope` again.
pub(super) struct ArgScope {
    tf: Rc<Tf>,
    scope: Scoped,
}

impl Native for ArgScope {
    fn type_name(&self) -> &str {
        "arg_scope"
    }

    fn enter(self: Rc<Self>, _: &Interpreter) -> Outcome<Option<Value>> {
        self.tf.arguments.borrow_mut().push(self.scope.clone());
        Ok(Some(Value::Native(self)))
    }

    fn exit(self: Rc<Self>, _: &Interpreter) -> Outcome<()> {
        let mut open = self.tf.arguments.borrow_mut();
        if open.len() > 1 {
            open.pop();
        }
        Ok(())
    }
}

/// `arg_scope(list_ops_or_scope, **kwargs)`
fn arg_scope(tf: &Rc<Tf>, functions: &Value, named: &[(Rc<str>, Value)]) -> Outcome {
    if let Some(again) = functions.as_native::<ArgScope>() {
        if !named.is_empty() {
            return Err(Raised::value_error("a scope that is used again takes no other arguments"));
        }
        return Ok(Value::native(ArgScope { tf: tf.clone(), scope: again.scope.clone() }));
    }
    let list = functions.as_items().ok_or_else(|| {
        Raised::type_error(format!("arg_scope takes a list of functions, not {}", functions.type_name()))
            .with_help("with slim.arg_scope([slim.conv2d, slim.fully_connected], …):")
    })?;
    let mut scope = tf.arguments.borrow().last().cloned().unwrap_or_default();
    for function in &list {
        let Some(address) = function.as_native::<ScopedFunction>().and_then(|_| function.address()) else {
            return Err(Raised::value_error(format!("{} is no function that arg_scope reaches", words(function)))
                .with_help("slim's layers are; a function of your own with the decorator @slim.add_arg_scope"));
        };
        let own = scope.entry(address).or_default();
        for (name, value) in named {
            match own.iter_mut().find(|(known, _)| known == name) {
                Some((_, old)) => *old = value.clone(),
                None => own.push((name.clone(), value.clone())),
            }
        }
    }
    Ok(Value::native(ArgScope { tf: tf.clone(), scope }))
}

fn words(value: &Value) -> String {
    match value {
        Value::NativeFunction(function) => function.signature().name.to_string(),
        other => format!("a {}", other.type_name()),
    }
}

/// Puts functions that `arg_scope` reaches into a module; `__name__` is slim's own name for some.
pub(super) fn fill(tf: &Rc<Tf>, module: &Module, entries: &[Entry]) {
    for &(signature, body) in entries {
        let name = last_name(signature);
        let own = match name {
            "conv2d" => "convolution2d",
            "conv2d_transpose" => "convolution2d_transpose",
            "separable_conv2d" => "separable_convolution2d",
            other => other,
        };
        module.set(name, ScopedFunction::native(tf, signature, own, body));
    }
}

/// `arg_scope`, `add_arg_scope`, `current_arg_scope`.
pub(super) fn fill_scopes(tf: &Rc<Tf>, module: &Module) {
    let entries: &[Entry] = &[
        ("slim.arg_scope(list_ops_or_scope, **kwargs)", |tf, _, given| {
            arg_scope(tf, given.value("list_ops_or_scope"), &given.keywords)
        }),
        ("slim.add_arg_scope(func)", |tf, py, given| ScopedFunction::of(tf, py, given.value("func"))),
        ("slim.has_arg_scope(func)", |_, _, given| {
            Ok(Value::Bool(given.value("func").as_native::<ScopedFunction>().is_some()))
        }),
        ("slim.current_arg_scope()", |tf, _, _| {
            let scope = tf.arguments.borrow().last().cloned().unwrap_or_default();
            Ok(Value::native(ArgScope { tf: tf.clone(), scope }))
        }),
    ];
    tf.fill(module, entries);
}
