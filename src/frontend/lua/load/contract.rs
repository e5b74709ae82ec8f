//! `Contract`: what a network file must return, and the pages for what it returns instead.
//!
//! Source: DIGITS `tools/torch/main.lua` (spec section 2.2).

use mlua::{Function, Lua, Table, Value as LuaValue};

use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::error::OrPage,
        objects::{classes::class_name, value::value_from_lua},
    },
};

/// Reads the returned table; every complaint names the file and shows what a file must return.
pub(super) struct Contract<'a> {
    pub(super) file: &'a str,
    pub(super) lua: &'a Lua,
}

/// Records of a batch, and pixels of a side, at most: more is a slip, and would only fail later.
const MOST: i64 = 1_000_000;

const SHAPE: &str = "a network file ends with\n  return function(params)\n    return { model = net, loss = \
                     nn.MSECriterion() }\n  end";

impl Contract<'_> {
    /// The table itself; a module alone counts as `{ model = it }`.
    pub(super) fn table(&self, returned: LuaValue) -> Result<Table> {
        let complaint = |what: String| Err(Error::new(Kind::Network, format!("{} {what}", self.file)).with_help(SHAPE));
        match returned {
            // How older files end: the loss is the default one.
            LuaValue::Table(table) if class_name(&table).is_some() => {
                let wrapper = self.lua.create_table().or_page(self.lua)?;
                wrapper.set("model", table).or_page(self.lua)?;
                Ok(wrapper)
            }
            LuaValue::Table(table) => Ok(table),
            LuaValue::Nil => complaint("returns nothing".into()),
            other => complaint(format!("returns a {}, not a network", value_from_lua(&other).type_name())),
        }
    }

    /// Field `model`.
    pub(super) fn module(&self, table: &Table) -> Result<Table> {
        match self.get(table, "model")? {
            LuaValue::Table(model) if class_name(&model).is_some() => Ok(model),
            LuaValue::Nil => {
                Err(Error::new(Kind::Network, format!("{} returns a table without 'model'", self.file))
                    .with_help(SHAPE))
            }
            other => Err(self.wrong("model", "an nn module", &other)),
        }
    }

    pub(super) fn get(&self, table: &Table, name: &str) -> Result<LuaValue> {
        table.get(name).or_page(self.lua)
    }

    /// A whole number from 1 to [`MOST`], when it is there.
    pub(super) fn count(&self, table: &Table, name: &str) -> Result<Option<i64>> {
        match self.get(table, name)? {
            LuaValue::Nil => Ok(None),
            LuaValue::Integer(n) if (1..=MOST).contains(&n) => Ok(Some(n)),
            LuaValue::Number(n) if n >= 1.0 && n.fract() == 0.0 && n <= MOST as f64 => Ok(Some(n as i64)),
            other => Err(self.wrong(name, &format!("a whole number from 1 to {MOST}"), &other)),
        }
    }

    /// A function, when it is there.
    pub(super) fn function(&self, table: &Table, name: &str) -> Result<Option<Function>> {
        match self.get(table, name)? {
            LuaValue::Nil => Ok(None),
            LuaValue::Function(function) => Ok(Some(function)),
            other => Err(self.wrong(name, "a function", &other)),
        }
    }

    /// The complaint about a field of another kind than `wanted`.
    pub(super) fn wrong(&self, name: &str, wanted: &str, got: &LuaValue) -> Error {
        let shown = match got {
            LuaValue::Number(number) => format!("{number}"),
            LuaValue::Integer(number) => format!("{number}"),
            LuaValue::String(text) => format!("the string '{}'", text.to_string_lossy()),
            other => format!("a {}", value_from_lua(other).type_name()),
        };
        Error::new(Kind::Network, format!("{}: {name} must be {wanted}, not {shown}", self.file))
    }
}
