//! What Lua's operators do with tensors and storages.

use mlua::{AnyUserData, Function, Lua, MetaMethod, Table, UserData, UserDataMethods, Value};

use super::{
    classes, form,
    functions::{arithmetic::binary, products},
    generator::LuaGenerator,
    handle::{LuaStorage, LuaTensor, from_lua, long_storage, to_lua},
    indexing,
    memory::{measure, pace_collector},
    refusal::{checked, misfit, refuse},
    timer::LuaTimer,
};
use crate::{
    frontend::lua::machine::{error::contained, limits},
    torch::Tensor,
};

impl UserData for LuaTensor {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |lua, this, key: Value| match key {
            // `t[i]` of a 1-D tensor is worth a short way.
            Value::Integer(index) => indexing::by_number(lua, &this.0, index),
            // A number in letters is a number, behind all fields.
            Value::String(_) => match field(classes::of_tensor(lua, this.0.tensor_type()), key.clone())? {
                Value::Nil if form::number(&key).is_some_and(f64::is_finite) => indexing::get(lua, &this.0, &key),
                value => Ok(value),
            },
            _ => indexing::get(lua, &this.0, &key),
        });
        methods.add_meta_method(MetaMethod::NewIndex, |lua, this, (key, value): (Value, Value)| {
            indexing::put(lua, &this.0, &key, &value)
        });
        methods.add_meta_function(MetaMethod::Eq, |_, (a, b): (AnyUserData, AnyUserData)| {
            Ok(match (a.borrow::<LuaTensor>(), b.borrow::<LuaTensor>()) {
                (Ok(a), Ok(b)) => a.0.same(&b.0),
                _ => false,
            })
        });
        methods.add_meta_method(MetaMethod::Len, |lua, this, ()| long_storage(lua, &this.0.size()));
        methods.add_meta_function(MetaMethod::ToString, |lua, this: AnyUserData| text_of(lua, this));
        for (operator, name) in [
            (MetaMethod::Add, "__add__"),
            (MetaMethod::Sub, "__sub__"),
            (MetaMethod::Mul, "__mul__"),
            (MetaMethod::Div, "__div__"),
            (MetaMethod::Mod, "__mod__"),
            (MetaMethod::Pow, "__pow__"),
            (MetaMethod::Concat, "__concat__"),
        ] {
            let kind = operator;
            methods.add_meta_function(operator, move |lua, (a, b): (Value, Value)| {
                match redefined(lua, &a, name)?.or(redefined(lua, &b, name)?) {
                    Some(function) => function.call::<Value>((a, b)),
                    None => contained(|| operate(lua, &kind, &a, &b)),
                }
            });
        }
        methods.add_meta_method(MetaMethod::Unm, |lua, this, ()| {
            to_lua(lua, checked(Tensor::copied(this.0.tensor_type(), &checked(this.0.view().f_neg())?))?)
        });
        methods.add_meta_function(MetaMethod::Call, |lua, mut args: mlua::MultiValue| {
            let this = args.front().cloned().unwrap_or(Value::Nil);
            match redefined(lua, &this, "__call__")? {
                Some(function) => function.call::<mlua::MultiValue>(std::mem::take(&mut args)),
                None => Err(refuse(format!("{} has no call operator", form::word(&this)))),
            }
        });
    }
}

impl UserData for LuaStorage {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_method(MetaMethod::Index, |lua, this, key: Value| match form::number(&key) {
            Some(index) => {
                let index = inside(&this.0, index)?;
                Ok(Value::Number(checked(this.0.get(index))?))
            }
            None => field(classes::of_storage(lua, this.0.tensor_type()), key),
        });
        methods.add_meta_method(MetaMethod::NewIndex, |_, this, (key, value): (Value, Value)| {
            let (Some(index), Some(value)) = (form::number(&key), form::number(&value)) else {
                return Err(refuse(format!("a storage takes storage[number] = number, not a {}", form::word(&value))));
            };
            checked(this.0.put(inside(&this.0, index)?, value))
        });
        methods.add_meta_function(MetaMethod::Eq, |_, (a, b): (AnyUserData, AnyUserData)| {
            Ok(match (a.borrow::<LuaStorage>(), b.borrow::<LuaStorage>()) {
                (Ok(a), Ok(b)) => a.0.same(&b.0),
                _ => false,
            })
        });
        methods.add_meta_method(MetaMethod::Len, |_, this, ()| Ok(this.0.len()));
        methods.add_meta_function(MetaMethod::ToString, |lua, this: AnyUserData| text_of(lua, this));
    }
}

impl UserData for LuaGenerator {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_function(MetaMethod::Index, of_class);
        methods.add_meta_function(MetaMethod::ToString, named);
    }
}

impl UserData for LuaTimer {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        methods.add_meta_function(MetaMethod::Index, of_class);
        methods.add_meta_function(MetaMethod::ToString, named);
    }
}

/// A field that an object has from its class.
fn of_class(lua: &Lua, (this, key): (Value, Value)) -> mlua::Result<Value> {
    classes::class_table(lua, &this).map_or(Ok(Value::Nil), |class| class.get::<Value>(key))
}

/// The printed form of an object that has nothing to show: what its class says, or the class's name.
fn named(lua: &Lua, this: Value) -> mlua::Result<Value> {
    match redefined(lua, &this, "__tostring__")? {
        Some(function) => function.call::<Value>(this),
        None => of_class(lua, (this, Value::String(lua.create_string("__typename")?))),
    }
}

/// 0-based position of a 1-based index that is inside.
fn inside(storage: &crate::torch::Storage, index: f64) -> mlua::Result<i64> {
    let position = form::whole(index) - 1;
    if (0..storage.len()).contains(&position) {
        return Ok(position);
    }
    Err(refuse(format!("index {index} out of range of a storage of size {}", storage.len())))
}

/// A field of a class; raw access first, because nearly all fields are the class's own.
fn field(class: Table, key: Value) -> mlua::Result<Value> {
    match class.raw_get::<Value>(&key)? {
        Value::Nil => class.get::<Value>(key),
        found => Ok(found),
    }
}

/// The operator that a user put into the value's class.
fn redefined(lua: &Lua, value: &Value, name: &str) -> mlua::Result<Option<Function>> {
    match classes::class_table(lua, value) {
        Some(class) => class.get::<Option<Function>>(name),
        None => Ok(None),
    }
}

/// What writing a number takes: 0.14 µs of a whole one, 0.75 µs of a fraction on a slow machine.
const SECONDS_A_NUMBER: f64 = 5e-7;

fn text_of(lua: &Lua, this: AnyUserData) -> mlua::Result<Value> {
    let value = Value::UserData(this.clone());
    if let Some(function) = redefined(lua, &value, "__tostring__")? {
        return function.call::<Value>(value);
    }
    limits::look(lua)?;
    let count = match (this.borrow::<LuaTensor>(), this.borrow::<LuaStorage>()) {
        (Ok(tensor), _) => tensor.0.numel(),
        (_, Ok(storage)) => storage.0.len(),
        _ => 0,
    };
    limits::afford(lua, count as f64 * SECONDS_A_NUMBER, "printing it")?;
    let text = match (this.borrow::<LuaTensor>(), this.borrow::<LuaStorage>()) {
        (Ok(tensor), _) => checked(tensor.0.printed())?,
        (_, Ok(storage)) => checked(storage.0.printed())?,
        _ => return Err(refuse("a tensor or a storage was expected")),
    };
    Ok(Value::String(lua.create_string(text)?))
}

/// `a <operator> b` where one of them is a tensor: a new tensor, or a number for a product of two vectors.
fn operate(lua: &Lua, operator: &MetaMethod, a: &Value, b: &Value) -> mlua::Result<Value> {
    pace_collector(lua)?;
    limits::look(lua)?;
    for tensor in [from_lua(a), from_lua(b)].into_iter().flatten() {
        measure(lua, tensor.tensor_type(), tensor.numel(), "the result")?;
    }
    let answer = |tensor: &Tensor, elements: tch::Tensor| {
        Ok(Value::UserData(to_lua(lua, checked(Tensor::from_tch(tensor.tensor_type(), &elements))?)?))
    };
    let sign = match operator {
        MetaMethod::Add => '+',
        MetaMethod::Sub => '-',
        MetaMethod::Mul => '*',
        MetaMethod::Div => '/',
        MetaMethod::Mod => '%',
        _ => return Err(refuse(format!("both {} and {} have no such operator", form::word(a), form::word(b)))),
    };
    match (from_lua(a), form::number(a), from_lua(b), form::number(b)) {
        (Some(a), _, Some(b), _) if sign == '*' => products::star(lua, &a, &b),
        (Some(x), _, Some(y), _) if sign == '+' || sign == '-' => {
            if x.tensor_type() != y.tensor_type() || x.numel() != y.numel() {
                return Err(misfit(format!(
                    "inconsistent tensor size: cannot compute {} {:?} {sign} {} {:?}",
                    x.tensor_type(),
                    x.size(),
                    y.tensor_type(),
                    y.size()
                )));
            }
            let other = checked(y.view().f_reshape(x.view().size()))?;
            answer(&x, checked(if sign == '+' { x.view().f_add(&other) } else { x.view().f_sub(&other) })?)
        }
        (Some(x), _, _, Some(n)) => answer(&x, binary(sign, x.tensor_type(), &x.view(), n)?),
        (_, Some(n), Some(x), _) if sign == '+' || sign == '*' => {
            answer(&x, binary(sign, x.tensor_type(), &x.view(), n)?)
        }
        (_, Some(n), Some(x), _) if sign == '-' => {
            let negative = checked(x.view().f_neg())?;
            answer(&x, binary('+', x.tensor_type(), &negative, n)?)
        }
        _ => Err(refuse(format!("cannot compute {} {sign} {}", form::word(a), form::word(b)))),
    }
}
