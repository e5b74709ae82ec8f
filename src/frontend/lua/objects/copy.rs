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
    Copier::new(lua)?.copy(lua, &value)
}

/// `native.copy_without(object, skipped, owners)`: a deep copy with the `skipped` fields of the modules in `owners` left as empty tensors (they are shared afterwards).
pub(in crate::frontend::lua) fn copy_without(
    lua: &Lua,
    (object, skipped, owners): (LuaValue, Vec<String>, Option<Table>),
) -> mlua::Result<LuaValue> {
    let mut copier = Copier { skipped, ..Copier::new(lua)? };
    if let Some(owners) = owners {
        for at in 1..=owners.raw_len() {
            copier.owners.insert(owners.raw_get::<Table>(at)?.to_pointer() as usize);
        }
    }
    copier.copy(lua, &object)
}

/// Copies values so that what was shared inside the original is shared inside the copy. Tables wait in a list to be
/// filled: a graph of a thousand nodes is a chain as deep.
///
/// What is found lies in tables of Lua: mlua has room for 8,000 Lua values that Rust holds, and a network may have more.
struct Copier {
    skipped: Vec<String>,
    owners: HashSet<usize>,
    /// Copies of tables by their original, and copies of tensors by the original's address.
    copies: Table,
    /// Originals whose copies are still empty; `waiting` of them.
    unfilled: Table,
    waiting: usize,
    storages: HashMap<usize, Storage>,
}

impl Copier {
    fn new(lua: &Lua) -> mlua::Result<Copier> {
        Ok(Copier {
            skipped: Vec::new(),
            owners: HashSet::new(),
            copies: lua.create_table()?,
            unfilled: lua.create_table()?,
            waiting: 0,
            storages: HashMap::new(),
        })
    }

    fn copy(&mut self, lua: &Lua, value: &LuaValue) -> mlua::Result<LuaValue> {
        let copy = self.twin(lua, value)?;
        while self.waiting > 0 {
            let old: Table = self.unfilled.raw_get(self.waiting)?;
            self.unfilled.raw_set(self.waiting, LuaValue::Nil)?;
            self.waiting -= 1;
            self.fill(lua, &old, &self.copies.raw_get(&old)?)?;
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
        let known: LuaValue = self.copies.raw_get(table)?;
        if !known.is_nil() {
            return Ok(known);
        }
        let copy = lua.create_table()?;
        self.copies.raw_set(table, &copy)?;
        self.waiting += 1;
        self.unfilled.raw_set(self.waiting, table)?;
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
                Some(tensor) if skip && !self.copies.raw_get::<LuaValue>(tensor.address())?.is_userdata() => {
                    let empty = LuaValue::UserData(tensor::to_lua(lua, Tensor::empty(tensor.tensor_type()))?);
                    self.copies.raw_set(tensor.address(), &empty)?;
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
        let known: LuaValue = self.copies.raw_get(tensor.address())?;
        if !known.is_nil() {
            return Ok(known);
        }
        let copy = match tensor.storage() {
            None => Tensor::empty(tensor.tensor_type()),
            Some(old) => {
                Tensor::on(self.copy_storage(old)?, tensor.offset(), &tensor.size(), &tensor.stride()).map_err(raise)?
            }
        };
        let copy = LuaValue::UserData(tensor::to_lua(lua, copy)?);
        self.copies.raw_set(tensor.address(), &copy)?;
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
