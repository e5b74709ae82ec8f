//! What Python brings along: built-in functions and types, `math`, `functools`, `__future__`.

mod functions;
mod functools;
mod mappings;
mod math;
mod objects;
mod sequences;
mod sorting;
mod strings;
mod types;

use super::value::{Interpreter, Module, Value};

impl Interpreter {
    /// Fills a new machine.
    pub(super) fn install_library(&self) {
        for class in &self.types {
            self.built_ins.set(&class.name, Value::Class(std::rc::Rc::clone(class)));
        }
        // These exist as types only.
        for name in [
            "NoneType",
            "NotImplementedType",
            "ellipsis",
            "iterator",
            "function",
            "builtin_function_or_method",
            "method",
            "module",
        ] {
            self.built_ins.remove(name);
        }
        self.built_ins.set("NotImplemented", Value::NotImplemented);
        self.built_ins.set("Ellipsis", Value::Ellipsis);
        functions::install(self);
        types::install(self);
        objects::install(self);
        strings::install(self);
        sequences::install(self);
        mappings::install(self);
        self.add_module(math::module());
        self.add_module(functools::module());
        let future = Module::new("__future__", "");
        for name in [
            "division",
            "print_function",
            "absolute_import",
            "unicode_literals",
            "with_statement",
            "generators",
            "nested_scopes",
            "annotations",
        ] {
            future.set(name, Value::str(name));
        }
        self.add_module(future);
    }
}
