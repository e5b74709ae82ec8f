//! How values are freed: deep ones without recursion, circles when their interpreter ends.

use std::{cell::Cell, mem};

use super::{
    heap::{Emptied, drop_nested},
    value::{
        Class, Descriptor, Dict, Function, Interpreter, Iter, List, Method, Names, NativeFunction, Set, Signature,
        Slice, Super, Tuple, Value, Variable,
    },
};

impl Emptied for List {
    fn empty(&self) {
        drop_nested(self.items.take());
    }
}

impl Emptied for Dict {
    fn empty(&self) {
        drop_nested(self.table.take());
    }
}

impl Emptied for Set {
    fn empty(&self) {
        drop_nested(self.table.take());
    }
}

impl Emptied for Variable {
    fn empty(&self) {
        drop_nested(self.value.take());
    }
}

impl Emptied for Names {
    fn empty(&self) {
        drop_nested(self.table.take());
    }
}

impl Emptied for Iter {
    fn empty(&self) {
        drop_nested(self.step.take());
    }
}

macro_rules! emptied_when_dropped {
    ($($name:ident)*) => {
        $(impl Drop for $name {
            fn drop(&mut self) {
                self.empty();
            }
        })*
    };
}
emptied_when_dropped! { List Dict Set Variable Names Iter }

fn take(value: &mut Value) -> Value {
    mem::replace(value, Value::None)
}

impl Drop for Tuple {
    fn drop(&mut self) {
        drop_nested(mem::take(&mut self.items));
    }
}

impl Drop for Slice {
    fn drop(&mut self) {
        drop_nested([take(&mut self.start), take(&mut self.stop), take(&mut self.step)]);
    }
}

impl Drop for Method {
    fn drop(&mut self) {
        drop_nested([take(&mut self.function), take(&mut self.receiver)]);
    }
}

impl Drop for Super {
    fn drop(&mut self) {
        drop_nested(take(&mut self.receiver));
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        match self {
            Descriptor::Property { get, set } => drop_nested([take(get), take(set)]),
            Descriptor::StaticMethod(function) | Descriptor::ClassMethod(function) => drop_nested(take(function)),
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        drop_nested(mem::take(&mut self.closure));
    }
}

impl Drop for Signature {
    fn drop(&mut self) {
        drop_nested(mem::take(&mut self.parameters));
    }
}

impl Drop for NativeFunction {
    fn drop(&mut self) {
        drop_nested(mem::replace(&mut self.run, Box::new(|_, _| Ok(Value::None))));
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        drop_nested((mem::take(&mut self.bases), mem::take(&mut self.ancestors)));
    }
}

impl Drop for Interpreter {
    /// Frees circles: classes whose functions name them, objects that name each other.
    fn drop(&mut self) {
        self.heap.empty();
    }
}

/// A step counter that nested operations raise for as long as they run.
pub(super) struct Nested<'c>(&'c Cell<usize>);

impl<'c> Nested<'c> {
    /// One level deeper.
    pub(super) fn new(depth: &'c Cell<usize>) -> Nested<'c> {
        depth.set(depth.get() + 1);
        Nested(depth)
    }
}

impl Drop for Nested<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
