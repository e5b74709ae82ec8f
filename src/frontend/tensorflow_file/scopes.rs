//! `tf.variable_scope`, `tf.name_scope`, `tf.get_variable`, `tf.Variable`, collections.

use std::{cell::RefCell, rc::Rc};

use super::{
    bound::{self, Entry, OrRaise, name},
    convert,
    objects::{Inert, ScopeValue, ShapeValue, Tensor, Tf},
};
use crate::{
    frontend::{
        python::{Given, Interpreter, Native, NativeFunction, Outcome, Raised, Value},
        tensorflow::{Opened, Reuse, ScopeGuard, VariableRequest, VariableScope},
    },
    nn::dataflow::DType,
};

impl Native for ScopeValue {
    fn type_name(&self) -> &str {
        "VariableScope"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        let method = |signature, run: fn(&ScopeValue, &Given) -> Outcome| {
            let scope = self.clone();
            Some(NativeFunction::value(signature, move |py, given| {
                scope.tf.graph.set_origin(py.origin());
                run(&scope, &given)
            }))
        };
        Ok(match name {
            "name" => Some(Value::str(self.scope.name())),
            "original_name_scope" => Some(Value::str(self.scope.name_scope())),
            "reuse" => Some(match self.scope.reuse() {
                Reuse::Create => Value::Bool(false),
                Reuse::Reuse => Value::Bool(true),
                Reuse::Auto => Value::str("AUTO_REUSE"),
            }),
            "reuse_variables" => method("VariableScope.reuse_variables()", |s, _| {
                s.scope.reuse_variables();
                Ok(Value::None)
            }),
            "set_regularizer" => method("VariableScope.set_regularizer(regularizer)", |s, given| {
                s.scope.set_regularizer(convert::regularizer(&s.tf, given.value("regularizer"))?);
                Ok(Value::None)
            }),
            "set_initializer" => method("VariableScope.set_initializer(initializer)", |s, given| {
                s.scope.set_initializer(convert::initializer(&s.tf, given.value("initializer"))?);
                Ok(Value::None)
            }),
            "trainable_variables" => method("VariableScope.trainable_variables()", |s, _| {
                Ok(variables(&s.tf, true, Some(&format!("{}/", s.scope.name()))))
            }),
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        ["name", "original_name_scope", "reuse", "reuse_variables", "set_regularizer", "set_initializer"]
            .map(String::from)
            .to_vec()
    }

    fn repr(&self) -> String {
        format!("<VariableScope '{}'>", self.scope.name())
    }
}

/// What a `with` opens.
enum Opening {
    /// By name, with a default that is made unique.
    Variables { name: Option<Value>, default: Option<String>, reuse: Option<Reuse>, set_up: Box<SetUp> },
    /// Names of operations only.
    Names(String),
    /// Nothing: devices, dependencies.
    Nothing,
}

type SetUp = dyn Fn(&VariableScope);

/// A scope that `with` enters and leaves; it may be entered again.
struct Context {
    tf: Rc<Tf>,
    opening: Opening,
    open: RefCell<Vec<ScopeGuard>>,
}

impl Native for Context {
    fn type_name(&self) -> &str {
        "context manager"
    }

    fn enter(self: Rc<Self>, py: &Interpreter) -> Outcome<Option<Value>> {
        let graph = &self.tf.graph;
        graph.set_origin(py.origin());
        match &self.opening {
            Opening::Nothing => Ok(Some(Value::None)),
            Opening::Names(name) => {
                let guard = graph.name_scope(name);
                self.open.borrow_mut().push(guard);
                Ok(Some(Value::str(graph.current_name_scope())))
            }
            Opening::Variables { name, default, reuse, set_up } => {
                let known = name.as_ref().and_then(Value::as_native::<ScopeValue>);
                let opened = match (&known, name.as_ref().and_then(Value::as_str), default) {
                    (Some(scope), ..) => Opened::Again(&scope.scope),
                    (None, Some(name), _) => Opened::Named(name),
                    (None, None, Some(default)) => Opened::Default(default),
                    (None, None, None) => {
                        return Err(Raised::type_error("variable_scope wants a name, a scope, or a default name"));
                    }
                };
                let (scope, guard) = graph.open_variable_scope(&opened, *reuse).or_raise()?;
                self.open.borrow_mut().push(guard);
                set_up(&scope);
                Ok(Some(Value::native(ScopeValue { tf: self.tf.clone(), scope })))
            }
        }
    }

    fn exit(self: Rc<Self>, _: &Interpreter) -> Outcome<()> {
        let guard = self.open.borrow_mut().pop();
        drop(guard);
        Ok(())
    }
}

fn context(tf: &Rc<Tf>, opening: Opening) -> Outcome {
    Ok(Value::native(Context { tf: tf.clone(), opening, open: RefCell::default() }))
}

/// Variables whose names begin with `scope`.
fn variables(tf: &Rc<Tf>, trainable: bool, scope: Option<&str>) -> Value {
    let all = tf.graph.variables(trainable).into_iter();
    tf.values(
        all.filter(|(name, _)| scope.is_none_or(|scope| name.starts_with(scope))).map(|(_, symbol)| symbol).collect(),
    )
}

pub(super) fn scope_argument(given: &Given) -> Outcome<Option<String>> {
    match given.some("scope") {
        None => Ok(None),
        Some(value) => match value.as_native::<ScopeValue>() {
            Some(scope) => Ok(Some(scope.scope.name())),
            None => given.str("scope").map(|scope| Some(scope.to_string())),
        },
    }
}

fn get_variable(tf: &Rc<Tf>, given: &Given) -> Outcome {
    let initializer = convert::initializer(tf, given.value("initializer"))?;
    let dims = given.some("shape").map(convert::sizes).transpose()?;
    let plain = given.some("initializer").and_then(Value::as_native::<Tensor>);
    let default = plain.map_or(DType::Float32, |tensor| tf.graph.dtype(tensor.symbol));
    let request = VariableRequest {
        name: given.str("name")?,
        dims,
        dtype: convert::dtype_or(given.value("dtype"), default)?,
        initializer,
        regularizer: convert::regularizer(tf, given.value("regularizer"))?,
        trainable: !matches!(given.value("trainable"), Value::Bool(false)),
    };
    let symbol = tf.settle(tf.graph.get_variable(&request))?;
    if let Some(collections) = given.value("collections").as_items() {
        for collection in collections.iter().filter_map(Value::as_str) {
            tf.graph.add_to_collection(collection, symbol);
        }
    }
    Ok(tf.value(symbol))
}

/// The functions.
pub(super) const ALL: &[Entry] = &[
    (
        "tf.variable_scope(name_or_scope=None, default_name=None, values=None, initializer=None, regularizer=None, \
         caching_device=None, partitioner=None, custom_getter=None, reuse=None, dtype=None, use_resource=None, constraint=None)",
        |tf, _, given| {
            // TensorFlow 0.x and slim's own variable_scope take the values second.
            let default = given.value("default_name").as_str().map(String::from);
            let initializer = convert::initializer(tf, given.value("initializer"))?;
            let regularizer = convert::regularizer(tf, given.value("regularizer"))?;
            let set_up = move |scope: &VariableScope| {
                if initializer.is_some() {
                    scope.set_initializer(initializer.clone());
                }
                if regularizer.is_some() {
                    scope.set_regularizer(regularizer.clone());
                }
            };
            let reuse = given.some("reuse").and_then(convert::reuse);
            let name = given.some("name_or_scope").cloned();
            context(tf, Opening::Variables { name, default, reuse, set_up: Box::new(set_up) })
        },
    ),
    ("tf.name_scope(name=None, default_name=None, values=None)", |tf, _, given| {
        let name = given.some("name").or_else(|| given.some("default_name")).and_then(Value::as_str);
        context(tf, Opening::Names(bound::scope_name(name.unwrap_or_default())?.to_string()))
    }),
    ("tf.op_scope(values, name=None, default_name=None)", |tf, _, given| {
        let name = given.some("name").or_else(|| given.some("default_name")).and_then(Value::as_str);
        context(tf, Opening::Names(bound::scope_name(name.unwrap_or_default())?.to_string()))
    }),
    ("tf.device(device_name_or_function)", |tf, _, _| context(tf, Opening::Nothing)),
    ("tf.control_dependencies(control_inputs)", |tf, _, _| context(tf, Opening::Nothing)),
    ("tf.colocate_with(op, ignore_existing=False)", |tf, _, _| context(tf, Opening::Nothing)),
    ("tf.get_variable_scope()", |tf, _, _| {
        Ok(Value::native(ScopeValue { tf: tf.clone(), scope: tf.graph.variable_scope() }))
    }),
    (
        "tf.get_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, \
         collections=None, caching_device=None, partitioner=None, validate_shape=True, use_resource=None, \
         custom_getter=None, constraint=None)",
        |tf, _, given| get_variable(tf, given),
    ),
    (
        "slim.model_variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, \
         collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None, use_resource=None)",
        |tf, _, given| get_variable(tf, given),
    ),
    (
        "slim.variable(name, shape=None, dtype=None, initializer=None, regularizer=None, trainable=True, \
         collections=None, caching_device=None, device=None, partitioner=None, custom_getter=None, use_resource=None)",
        |tf, _, given| get_variable(tf, given),
    ),
    (
        "tf.Variable(initial_value=None, trainable=True, collections=None, validate_shape=True, caching_device=None, \
         name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None)",
        |tf, py, given| {
            let value = match given.value("initial_value") {
                function @ (Value::Function(_) | Value::NativeFunction(_) | Value::Method(_)) => {
                    py.call(function, crate::frontend::python::Arguments::default())?
                }
                value => value.clone(),
            };
            let dtype = given.some("dtype").map(convert::dtype).transpose()?;
            let symbol = convert::symbol(tf, &value, dtype)?;
            let trainable = given.bool("trainable")?;
            let variable = tf.graph.plain_variable(name(given)?.unwrap_or("Variable"), symbol, trainable);
            Ok(tf.value(tf.settle(variable)?))
        },
    ),
    ("tf.trainable_variables(scope=None)", |tf, _, given| Ok(variables(tf, true, scope_argument(given)?.as_deref()))),
    ("tf.global_variables(scope=None)", |tf, _, given| Ok(variables(tf, false, scope_argument(given)?.as_deref()))),
    ("tf.all_variables()", |tf, _, _| Ok(variables(tf, false, None))),
    ("tf.model_variables(scope=None)", |tf, _, given| Ok(variables(tf, false, scope_argument(given)?.as_deref()))),
    ("slim.get_variables(scope=None, suffix=None)", |tf, _, given| {
        Ok(variables(tf, false, scope_argument(given)?.as_deref()))
    }),
    ("slim.get_model_variables(scope=None, suffix=None)", |tf, _, given| {
        Ok(variables(tf, false, scope_argument(given)?.as_deref()))
    }),
    ("slim.get_trainable_variables(scope=None, suffix=None)", |tf, _, given| {
        Ok(variables(tf, true, scope_argument(given)?.as_deref()))
    }),
    ("tf.add_to_collection(name, value)", |tf, _, given| {
        let collection = given.str("name")?;
        match given.value("value").as_native::<Tensor>() {
            Some(tensor) => tf.graph.add_to_collection(collection, tensor.symbol),
            None => {
                let mut own = tf.collections.borrow_mut();
                own.entry(collection.to_string()).or_default().push(given.value("value").clone());
            }
        }
        Ok(Value::None)
    }),
    ("tf.get_collection(key, scope=None)", |tf, _, given| {
        let (key, scope) = (given.str("key")?, scope_argument(given)?);
        match key {
            "trainable_variables" => return Ok(variables(tf, true, scope.as_deref())),
            "variables" | "model_variables" => return Ok(variables(tf, false, scope.as_deref())),
            _ => {}
        }
        let mut all: Vec<Value> =
            tf.graph.collection(key, scope.as_deref()).into_iter().map(|symbol| tf.value(symbol)).collect();
        all.extend(tf.collections.borrow().get(key).cloned().unwrap_or_default());
        Ok(Value::list(all))
    }),
    ("tf.TensorShape(dims)", |_, _, given| Ok(Value::native(ShapeValue(convert::dims(given.value("dims"))?)))),
    ("tf.no_op(name=None)", |_, _, _| Ok(Value::native(Inert("NoOp")))),
    ("tf.group(*inputs, **kwargs)", |_, _, _| Ok(Value::native(Inert("NoOp")))),
    ("tf.set_random_seed(seed)", |_, _, _| Ok(Value::None)),
    ("tf.get_default_graph()", |_, _, _| Ok(Value::native(Inert("Graph")))),
    ("tf.get_default_session()", |_, _, _| Ok(Value::None)),
];
