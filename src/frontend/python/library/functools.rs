//! `functools`: `partial`, `reduce`, `wraps`.

use std::rc::Rc;

use super::super::{
    heap::drop_nested,
    value::{Arguments, Interpreter, Module, Native, NativeFunction, Outcome, Raised, Value},
};

pub(super) fn module() -> Rc<Module> {
    let module = Module::new("functools", "functools has partial, reduce and wraps here");
    module.function("functools.partial(func, /, *args, **keywords)", |_, given| {
        let function = given.value("func").clone();
        let mut arguments = Arguments { positional: given.rest.clone(), named: given.keywords.clone() };
        // A partial of a partial is one.
        if let Some(inner) = function.as_native::<Partial>() {
            arguments = joined(&inner.arguments, arguments);
            return Ok(Value::native(Partial { function: inner.function.clone(), arguments }));
        }
        Ok(Value::native(Partial { function, arguments }))
    });
    module.function("functools.reduce(function, iterable, initial=None, /)", |interpreter, given| {
        let iter = interpreter.iterate(given.value("iterable"))?;
        let first =
            if given.is_written("initial") { Some(given.value("initial").clone()) } else { interpreter.next(&iter)? };
        let Some(mut total) = first else {
            return Err(Raised::type_error("reduce() of empty iterable with no initial value"));
        };
        while let Some(item) = interpreter.next(&iter)? {
            interpreter.tick()?;
            total = interpreter.call(given.value("function"), Arguments::of(vec![total, item]))?;
        }
        Ok(total)
    });
    module.function("functools.wraps(wrapped)", |_, given| {
        let wrapped = given.value("wrapped").clone();
        Ok(NativeFunction::value("decorator(wrapper)", move |interpreter, given| {
            let wrapper = given.value("wrapper");
            for name in ["__name__", "__qualname__", "__doc__"] {
                if let Some(value) = interpreter.find_attribute(&wrapped, name)?
                    && matches!(wrapper, Value::Function(_))
                {
                    interpreter.set_attribute(wrapper, name, value)?;
                }
            }
            Ok(wrapper.clone())
        }))
    });
    module
}

/// A function with some of its arguments.
struct Partial {
    function: Value,
    arguments: Arguments,
}

fn joined(first: &Arguments, later: Arguments) -> Arguments {
    let mut all = first.clone();
    all.positional.extend(later.positional);
    for (name, value) in later.named {
        match all.named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, before)) => *before = value,
            None => all.named.push((name, value)),
        }
    }
    all
}

impl Native for Partial {
    fn type_name(&self) -> &str {
        "functools.partial"
    }

    fn attribute(self: Rc<Self>, name: &str, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        Ok(match name {
            "func" => Some(self.function.clone()),
            "args" => Some(Value::tuple(self.arguments.positional.clone())),
            "keywords" => {
                let named = self.arguments.named.iter().map(|(name, value)| (Value::str(&**name), value.clone()));
                Some(interpreter.dict_of(named)?)
            }
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        ["func", "args", "keywords"].map(String::from).to_vec()
    }

    fn call(self: Rc<Self>, arguments: Arguments, interpreter: &Interpreter) -> Outcome<Option<Value>> {
        interpreter.call(&self.function, joined(&self.arguments, arguments)).map(Some)
    }
}

impl Drop for Partial {
    /// Chains of partials through other objects are freed without recursion.
    fn drop(&mut self) {
        let held = (std::mem::replace(&mut self.function, Value::None), std::mem::take(&mut self.arguments));
        drop_nested((held.0, held.1.positional, held.1.named));
    }
}
