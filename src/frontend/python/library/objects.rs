//! `object`, exceptions, `property`, `staticmethod`, `classmethod`, `super`, and the methods of numbers.

use std::rc::Rc;

use super::super::{
    kinds::{ExceptionKind, Type},
    value::{Descriptor, Given, Instance, Interpreter, NativeFunction, Outcome, Raised, Value},
};

pub(super) fn install(interpreter: &Interpreter) {
    let class = |kind: Type| &interpreter.type_class(kind).attributes;
    let object = class(Type::Object);
    object.set("__init__", NativeFunction::value("object.__init__(self, /, *args, **kwargs)", |_, _| Ok(Value::None)));
    object.set(
        "__new__",
        NativeFunction::value("object.__new__(cls, /, *args, **kwargs)", |_, given| match given.value("cls") {
            Value::Class(class) => Ok(Value::Instance(Instance::new(class))),
            _ => Err(given.wrong("cls", "a class")),
        }),
    );
    object.set(
        "__setattr__",
        NativeFunction::value("object.__setattr__(self, name, value, /)", |_, given| match given.value("self") {
            Value::Instance(instance) => {
                instance.attributes.set(given.str("name")?, given.value("value").clone());
                Ok(Value::None)
            }
            _ => Err(given.wrong("self", "an instance of a class")),
        }),
    );
    for (name, signature) in [("__repr__", "object.__repr__(self, /)"), ("__str__", "object.__str__(self, /)")] {
        object.set(
            name,
            NativeFunction::value(signature, |_, given| {
                Ok(Value::from(format!("<__main__.{} object>", given.value("self").type_name())))
            }),
        );
    }
    let exception = class(Type::Exception(ExceptionKind::BaseException));
    exception.set(
        "__init__",
        NativeFunction::value("BaseException.__init__(self, /, *args)", |_, given| {
            if let Value::Instance(instance) = given.value("self") {
                instance.attributes.set("args", Value::tuple(given.rest.clone()));
            }
            Ok(Value::None)
        }),
    );
    class(Type::Property).set(
        "__new__",
        NativeFunction::value("property(fget=None, fset=None, fdel=None, doc=None)", |_, given| {
            let (get, set) = (given.value("fget").clone(), given.value("fset").clone());
            Ok(Value::Descriptor(Rc::new(Descriptor::Property { get, set })))
        }),
    );
    class(Type::StaticMethod).set(
        "__new__",
        NativeFunction::value("staticmethod(function, /)", |_, given| {
            Ok(Value::Descriptor(Rc::new(Descriptor::StaticMethod(given.value("function").clone()))))
        }),
    );
    class(Type::ClassMethod).set(
        "__new__",
        NativeFunction::value("classmethod(function, /)", |_, given| {
            Ok(Value::Descriptor(Rc::new(Descriptor::ClassMethod(given.value("function").clone()))))
        }),
    );
    class(Type::Super).set(
        "__new__",
        NativeFunction::value("super(type, obj, /)", |interpreter, given| match given.value("type") {
            Value::Class(after) => interpreter.make_super(after, given.value("obj").clone()),
            _ => Err(given.wrong("type", "a class")),
        }),
    );
    for kind in [Type::Int, Type::Bool] {
        class(kind).set(
            "bit_length",
            NativeFunction::value("int.bit_length(self, /)", |_, given| {
                let bits = given.int("self")?.unsigned_abs();
                Ok(Value::Int(i64::from(u64::BITS - bits.leading_zeros())))
            }),
        );
    }
    class(Type::Float).set(
        "is_integer",
        NativeFunction::value("float.is_integer(self, /)", |_, given| {
            Ok(Value::Bool(given.float("self")?.fract() == 0.0))
        }),
    );
    class(Type::Iterator).set("__next__", NativeFunction::value("iterator.__next__(self, /)", next_of));
    class(Type::Iterator).set(
        "__iter__",
        NativeFunction::value("iterator.__iter__(self, /)", |_, given| Ok(given.value("self").clone())),
    );
}

fn next_of(interpreter: &Interpreter, given: Given) -> Outcome {
    let Value::Iterator(iter) = given.value("self") else { return Err(given.wrong("self", "an iterator")) };
    interpreter.next(iter)?.ok_or_else(|| Raised::new(ExceptionKind::StopIteration, ""))
}
