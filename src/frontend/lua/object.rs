//! Objects of the Torch7 class system seen from Rust: their fields, their class, the line that built them.

use std::collections::HashMap;

use mlua::{Lua, ObjectLike, Table, Value as LuaValue};

use super::tensor;
use crate::{
    error::{Error, Origin, Result},
    nn::{Activity, Fields, Value},
    torch::{Generator, Tensor, TensorType},
};

/// Registry name of the table that maps class names to class metatables.
pub(super) const CLASSES: &str = "torch.classes";
/// Registry name of the weak table that maps objects to the source lines that constructed them.
const ORIGINS: &str = "digits.origins";

/// An object as `nn` sees it: a Lua table, read and written raw or through its class.
#[derive(Clone)]
pub(super) struct LuaFields {
    pub(super) lua: Lua,
    pub(super) table: Table,
}

impl LuaFields {
    pub(super) fn new(lua: &Lua, table: &Table) -> LuaFields {
        LuaFields { lua: lua.clone(), table: table.clone() }
    }

    /// What the object's method answers, called without arguments.
    pub(super) fn ask(&self, method: &str) -> Result<Value> {
        let answer: LuaValue = self.table.call_method(method, ()).or_page(&self.lua)?;
        Ok(value_from_lua(&answer))
    }
}

impl Fields for LuaFields {
    fn class(&self) -> String {
        class_name(&self.table).unwrap_or_else(|| "table".into())
    }

    fn tensor_type(&self) -> TensorType {
        let named = self.table.get::<Option<String>>("_type").ok().flatten();
        named.and_then(|name| TensorType::named(&name)).unwrap_or_else(|| default_type(&self.lua))
    }

    fn get(&self, name: &str) -> Result<Value> {
        Ok(value_from_lua(&self.table.get::<LuaValue>(name).or_page(&self.lua)?))
    }

    fn set(&self, name: &str, value: Value) -> Result<()> {
        let value = value_to_lua(&self.lua, value).or_page(&self.lua)?;
        self.table.set(name, value).or_page(&self.lua)
    }
}

/// Turns a failure of Lua itself while Rust touches an object (a user's metamethod raised, memory ran out) into a page.
pub(super) trait OrPage<T> {
    /// The value, or the page.
    fn or_page(self, lua: &Lua) -> Result<T>;
}

impl<T> OrPage<T> for mlua::Result<T> {
    fn or_page(self, lua: &Lua) -> Result<T> {
        self.map_err(|error| super::error::page(lua, &error))
    }
}

/// The class of an object, nil for plain tables.
pub(super) fn class_name(table: &Table) -> Option<String> {
    let mt = table.metatable()?;
    mt.raw_get::<Option<String>>("__typename").ok().flatten()
}

/// The type of `torch.Tensor()`.
pub(super) fn default_type(lua: &Lua) -> TensorType {
    tensor::default_type(lua)
}

/// A Lua value as a spec's constructor or `build` sees it.
pub(super) fn value_from_lua(value: &LuaValue) -> Value {
    match value {
        LuaValue::Nil => Value::Nil,
        LuaValue::Boolean(flag) => Value::Bool(*flag),
        LuaValue::Integer(number) => Value::Number(*number as f64),
        LuaValue::Number(number) => Value::Number(*number),
        LuaValue::String(text) => Value::Text(text.to_string_lossy()),
        LuaValue::UserData(_) => match (tensor::from_lua(value), tensor::storage_from_lua(value)) {
            (Some(tensor), _) => Value::Tensor(tensor),
            (None, Some(storage)) => {
                let numbers = storage.flat().to_kind(tch::Kind::Double);
                let numbers = Vec::<f64>::try_from(numbers).unwrap_or_default();
                Value::List(numbers.into_iter().map(Value::Number).collect())
            }
            (None, None) => Value::Other("userdata".into()),
        },
        LuaValue::Table(table) => match class_name(table) {
            Some(class) => Value::Other(class),
            None => {
                let length = table.raw_len();
                let items = (1..=length).map(|i| table.raw_get::<LuaValue>(i).map(|item| value_from_lua(&item)));
                items.collect::<mlua::Result<Vec<_>>>().map_or_else(|_| Value::Other("table".into()), Value::List)
            }
        },
        other => Value::Other(other.type_name().into()),
    }
}

/// A value that Rust puts into a field.
pub(super) fn value_to_lua(lua: &Lua, value: Value) -> mlua::Result<LuaValue> {
    Ok(match value {
        Value::Nil | Value::Other(_) => LuaValue::Nil,
        Value::Bool(flag) => LuaValue::Boolean(flag),
        Value::Number(number) => LuaValue::Number(number),
        Value::Text(text) => LuaValue::String(lua.create_string(&text)?),
        Value::Tensor(tensor) => LuaValue::UserData(tensor::to_lua(lua, tensor)?),
        Value::Sizes(sizes) => LuaValue::UserData(tensor::long_storage(lua, &sizes)?),
        Value::List(values) => {
            let table = lua.create_table_with_capacity(values.len(), 0)?;
            for value in values {
                table.raw_push(value_to_lua(lua, value)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// An input, target or gradient from Lua: a tensor, a number (as one element), or a table of these.
///
/// # Errors
/// When it is something else, named by `what`.
pub(super) fn activity_from_lua(value: &LuaValue, what: &str) -> mlua::Result<Activity> {
    if let Some(tensor) = tensor::from_lua(value) {
        return Ok(Activity::Tensor(tensor.view()));
    }
    match value {
        LuaValue::Number(number) => Ok(Activity::Tensor(tch::Tensor::from_slice(&[*number]))),
        LuaValue::Integer(number) => Ok(Activity::Tensor(tch::Tensor::from_slice(&[*number as f64]))),
        LuaValue::Table(table) if class_name(table).is_none() => {
            let entries = (1..=table.raw_len()).map(|i| activity_from_lua(&table.raw_get(i)?, what));
            Ok(Activity::Table(entries.collect::<mlua::Result<_>>()?))
        }
        other => Err(Error::new(
            crate::error::Kind::Argument,
            format!("{what} must be a tensor or a table of tensors, not {}", value_from_lua(other).type_name()),
        )
        .into_lua()),
    }
}

/// An activity as a Lua value: new tensor objects on the same memory, of the type that fits each tensor.
pub(super) fn activity_to_lua(lua: &Lua, activity: &Activity, like: TensorType) -> mlua::Result<LuaValue> {
    Ok(match activity {
        Activity::Tensor(tensor) => {
            let tensor_type = type_of(tensor, like);
            let object = Tensor::from_tch(tensor_type, tensor).map_err(Error::into_lua)?;
            LuaValue::UserData(tensor::to_lua(lua, object)?)
        }
        Activity::Table(entries) => {
            let table = lua.create_table_with_capacity(entries.len(), 0)?;
            for entry in entries {
                table.raw_push(activity_to_lua(lua, entry, like)?)?;
            }
            LuaValue::Table(table)
        }
    })
}

/// Stores an activity in field `name` as Torch7 does: the tensor object of the call before is resized and refilled.
pub(super) fn store_activity(
    lua: &Lua,
    old: &LuaValue,
    activity: &Activity,
    like: TensorType,
) -> mlua::Result<LuaValue> {
    match (activity, tensor::from_lua(old), old) {
        (Activity::Tensor(new), Some(buffer), _) if buffer.tensor_type() == type_of(new, like) => {
            buffer.resize_and_copy(new).map_err(Error::into_lua)?;
            Ok(old.clone())
        }
        (Activity::Table(entries), _, LuaValue::Table(table)) if class_name(table).is_none() => {
            for (i, entry) in entries.iter().enumerate() {
                let stored = store_activity(lua, &table.raw_get(i + 1)?, entry, like)?;
                table.raw_set(i + 1, stored)?;
            }
            for i in entries.len()..table.raw_len() {
                table.raw_set(i + 1, LuaValue::Nil)?;
            }
            Ok(old.clone())
        }
        (Activity::Tensor(new), _, _) => {
            let object = Tensor::empty(type_of(new, like));
            object.resize_and_copy(new).map_err(Error::into_lua)?;
            Ok(LuaValue::UserData(tensor::to_lua(lua, object)?))
        }
        (Activity::Table(entries), _, _) => {
            let table = lua.create_table_with_capacity(entries.len(), 0)?;
            for entry in entries {
                table.raw_push(store_activity(lua, &LuaValue::Nil, entry, like)?)?;
            }
            Ok(LuaValue::Table(table))
        }
    }
}

/// The type of a libtorch tensor's elements, on the device of `like`.
pub(super) fn type_of(tensor: &tch::Tensor, like: TensorType) -> TensorType {
    match crate::torch::Element::of(tensor.kind()) {
        Some(element) => TensorType { element, cuda: like.cuda },
        None => like,
    }
}

impl Error {
    /// Wraps the page so that it crosses Lua and comes out whole on the other side.
    pub(super) fn into_lua(self) -> mlua::Error {
        mlua::Error::external(self)
    }
}

/// The source lines of objects. The key is the object; the table is weak, so it keeps nothing alive.
pub(super) fn install_origins(lua: &Lua) -> mlua::Result<()> {
    let origins = lua.create_table()?;
    let weak = lua.create_table()?;
    weak.raw_set("__mode", "k")?;
    origins.set_metatable(Some(weak))?;
    lua.set_named_registry_value(ORIGINS, origins)?;
    lua.set_app_data(Lines::default());
    Ok(())
}

/// Runs `f` with the machine's random generator. `f` must not call Lua code that draws: its draws would be lost.
pub(super) fn drawing<T>(lua: &Lua, f: impl FnOnce(&mut Generator) -> T) -> T {
    let mut generator = tensor::generator(lua).borrow().clone();
    let result = f(&mut generator);
    *tensor::generator(lua).borrow_mut() = generator;
    result
}

/// Distinct origins, so that an object's entry is one small number.
#[derive(Default)]
struct Lines {
    list: Vec<Origin>,
    index: HashMap<(String, u32), usize>,
}

/// Remembers that `object` was constructed on the line that is running now.
pub(super) fn stamp(lua: &Lua, object: &Table) -> mlua::Result<()> {
    if let Some(origin) = super::vm::origin(lua) {
        stamp_with(lua, object, &origin)?;
    }
    Ok(())
}

/// Remembers an origin for `object` (copies keep their original's line).
pub(super) fn stamp_with(lua: &Lua, object: &Table, origin: &Origin) -> mlua::Result<()> {
    let at = {
        let Some(mut lines) = lua.app_data_mut::<Lines>() else { return Ok(()) };
        let key = (origin.file.to_string(), origin.line);
        match lines.index.get(&key) {
            Some(&at) => at,
            None => {
                lines.list.push(origin.clone());
                let at = lines.list.len() - 1;
                lines.index.insert(key, at);
                at
            }
        }
    };
    lua.named_registry_value::<Table>(ORIGINS)?.raw_set(object, at)
}

/// The line that constructed `object`.
pub(super) fn origin_of(lua: &Lua, object: &Table) -> Option<Origin> {
    let at = lua.named_registry_value::<Table>(ORIGINS).ok()?.raw_get::<Option<usize>>(object).ok()??;
    lua.app_data_ref::<Lines>()?.list.get(at).cloned()
}
