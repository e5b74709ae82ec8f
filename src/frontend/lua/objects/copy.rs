//! Deep copies: `m:clone()` and `nn.utils`' copies of tables.

use std::collections::{HashMap, HashSet};

use mlua::{Lua, Table, Value as LuaValue};

use super::origins::{origin_of, stamp_with};
use crate::{
    frontend::lua::{machine::error::raise, tensor},
    torch::{Storage, Tensor},
};

/// `native.copy(value)`: a deep copy.
pub(in crate::frontend::lua) fn copy(lua: &Lua, value: LuaValue) -> mlua::Result<LuaValue> {
    Copier::default().copy(lua, &value)
}

/// `native.copy_without(object, skipped, owners)`: a deep copy with the `skipped` fields of the modules in `owners` left as empty tensors (they are shared afterwards).
pub(in crate::frontend::lua) fn copy_without(
    lua: &Lua,
    (object, skipped, owners): (LuaValue, Vec<String>, Option<Vec<Table>>),
) -> mlua::Result<LuaValue> {
    let owners = owners.unwrap_or_default().iter().map(|owner| owner.to_pointer() as usize).collect();
    Copier { skipped, owners, ..Copier::default() }.copy(lua, &object)
}

/// Copies values so that what was shared inside the original is shared inside the copy. Tables wait in a list to be
/// filled: a graph of a thousand nodes is a chain as deep.
#[derive(Default)]
struct Copier {
    skipped: Vec<String>,
    owners: HashSet<usize>,
    tables: HashMap<usize, Table>,
    unfilled: Vec<(Table, Table)>,
    tensors: HashMap<usize, LuaValue>,
    storages: HashMap<usize, Storage>,
}

impl Copier {
    fn copy(&mut self, lua: &Lua, value: &LuaValue) -> mlua::Result<LuaValue> {
        let copy = self.twin(lua, value)?;
        while let Some((old, new)) = self.unfilled.pop() {
            self.fill(lua, &old, &new)?;
        }
        Ok(copy)
    }

    /// The copy of one value; that of a table is empty at first.
    fn twin(&mut self, lua: &Lua, value: &LuaValue) -> mlua::Result<LuaValue> {
        if let Some(tensor) = tensor::from_lua(value) {
            return self.copy_tensor(lua, &tensor);
        }
        if let Some(storage) = tensor::storage_from_lua(value) {
            let copy = self.copy_storage(storage)?;
            return Ok(LuaValue::UserData(tensor::storage_to_lua(lua, copy)?));
        }
        let LuaValue::Table(table) = value else { return Ok(value.clone()) };
        let address = table.to_pointer() as usize;
        if let Some(copy) = self.tables.get(&address) {
            return Ok(LuaValue::Table(copy.clone()));
        }
        let copy = lua.create_table()?;
        self.tables.insert(address, copy.clone());
        self.unfilled.push((table.clone(), copy.clone()));
        Ok(LuaValue::Table(copy))
    }

    fn fill(&mut self, lua: &Lua, table: &Table, copy: &Table) -> mlua::Result<()> {
        let is_owner = self.owners.contains(&(table.to_pointer() as usize));
        for pair in table.pairs::<LuaValue, LuaValue>() {
            let (key, entry) = pair?;
            let skip =
                is_owner && key.as_string().is_some_and(|k| self.skipped.iter().any(|s| k.as_bytes() == s.as_bytes()));
            let entry = match tensor::from_lua(&entry) {
                // Whoever else holds this very tensor gets what it will be shared with, too.
                Some(tensor) if skip && !self.tensors.contains_key(&tensor.address()) => {
                    let empty = LuaValue::UserData(tensor::to_lua(lua, Tensor::empty(tensor.tensor_type()))?);
                    self.tensors.insert(tensor.address(), empty.clone());
                    empty
                }
                _ => self.twin(lua, &entry)?,
            };
            // Graphs map nodes to numbers.
            copy.raw_set(self.twin(lua, &key)?, entry)?;
        }
        copy.set_metatable(table.metatable())?;
        if let Some(origin) = origin_of(lua, table) {
            stamp_with(lua, copy, &origin)?;
        }
        Ok(())
    }

    fn copy_tensor(&mut self, lua: &Lua, tensor: &Tensor) -> mlua::Result<LuaValue> {
        if let Some(copy) = self.tensors.get(&tensor.address()) {
            return Ok(copy.clone());
        }
        let copy = match tensor.storage() {
            None => Tensor::empty(tensor.tensor_type()),
            Some(old) => {
                Tensor::on(self.copy_storage(old)?, tensor.offset(), &tensor.size(), &tensor.stride()).map_err(raise)?
            }
        };
        let copy = LuaValue::UserData(tensor::to_lua(lua, copy)?);
        self.tensors.insert(tensor.address(), copy.clone());
        Ok(copy)
    }

    fn copy_storage(&mut self, old: Storage) -> mlua::Result<Storage> {
        if let Some(new) = self.storages.get(&old.address()) {
            return Ok(new.clone());
        }
        let new = Storage::copied(&old).map_err(raise)?;
        self.storages.insert(old.address(), new.clone());
        Ok(new)
    }
}
