//! Dicts and sets: searched, filled and combined, with keys that may compare themselves.

use std::rc::Rc;

use super::{
    kinds::Binary,
    table::Table,
    value::{Dict, Interpreter, Outcome, Set, Value},
};

impl Interpreter {
    /// The position of a key. No borrow is held while keys compare themselves.
    fn position<V>(
        &self,
        table: &std::cell::RefCell<Table<Value, V>>,
        hash: u64,
        key: &Value,
    ) -> Outcome<Option<usize>> {
        let mut at = table.borrow().first(hash);
        while let Some(here) = at {
            let found = table.borrow().entry(here).map(|entry| entry.key.clone());
            if let Some(found) = found
                && self.equal(&found, key)?
            {
                return Ok(Some(here));
            }
            at = table.borrow().next(here);
        }
        Ok(None)
    }

    /// The value of a key.
    ///
    /// # Errors
    /// `TypeError` for a key that can change.
    pub fn dict_get(&self, dict: &Dict, key: &Value) -> Outcome<Option<Value>> {
        let hash = self.hash(key)?;
        let at = self.position(&dict.table, hash, key)?;
        Ok(at.and_then(|at| dict.table.borrow().entry(at).map(|entry| entry.value.clone())))
    }

    /// Sets a key.
    ///
    /// # Errors
    /// `TypeError` for a key that can change; the end of the run when memory is used up.
    pub fn dict_set(&self, dict: &Dict, key: Value, value: Value) -> Outcome<()> {
        let hash = self.hash(&key)?;
        let at = self.position(&dict.table, hash, &key)?;
        let before = match at {
            Some(at) => {
                let mut table = dict.table.borrow_mut();
                table.entry_mut(at).map(|entry| std::mem::replace(&mut entry.value, value))
            }
            None => {
                dict.table.borrow_mut().append(hash, key, value);
                None
            }
        };
        drop(before);
        dict.recount();
        self.room(0)
    }

    /// Takes a key out; its value.
    pub(super) fn dict_remove(&self, dict: &Dict, key: &Value) -> Outcome<Option<Value>> {
        let hash = self.hash(key)?;
        let at = self.position(&dict.table, hash, key)?;
        let removed = at.and_then(|at| dict.table.borrow_mut().remove(at));
        dict.recount();
        Ok(removed.map(|(_, value)| value))
    }

    /// Takes over all entries of another dict.
    pub(super) fn dict_update(&self, dict: &Dict, more: &Dict) -> Outcome<()> {
        let pairs: Vec<_> = more.table.borrow().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
        for (key, value) in pairs {
            self.tick()?;
            self.dict_set(dict, key, value)?;
        }
        Ok(())
    }

    /// A dict of pairs.
    ///
    /// # Errors
    /// As [`Interpreter::dict_set`].
    pub fn dict_of(&self, pairs: impl IntoIterator<Item = (Value, Value)>) -> Outcome {
        let dict = Dict::of(Table::default());
        for (key, value) in pairs {
            self.dict_set(&dict, key, value)?;
        }
        Ok(Value::Dict(dict))
    }

    /// The entries of a dict, copied.
    #[must_use]
    pub fn dict_entries(&self, dict: &Dict) -> Vec<(Value, Value)> {
        dict.table.borrow().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect()
    }

    /// `item in set`.
    pub(super) fn set_contains(&self, set: &Set, item: &Value) -> Outcome<bool> {
        let hash = self.hash(item)?;
        Ok(self.position(&set.table, hash, item)?.is_some())
    }

    /// Adds an item.
    pub(super) fn set_insert(&self, set: &Set, item: Value) -> Outcome<()> {
        let hash = self.hash(&item)?;
        if self.position(&set.table, hash, &item)?.is_none() {
            set.table.borrow_mut().append(hash, item, ());
            set.recount();
        }
        self.room(0)
    }

    /// Takes an item out; whether it was there.
    pub(super) fn set_remove(&self, set: &Set, item: &Value) -> Outcome<bool> {
        let hash = self.hash(item)?;
        let at = self.position(&set.table, hash, item)?;
        let removed = at.and_then(|at| set.table.borrow_mut().remove(at));
        set.recount();
        Ok(removed.is_some())
    }

    /// A set of items.
    pub(super) fn set_of(&self, items: Vec<Value>, frozen: bool) -> Outcome<Rc<Set>> {
        let set = Set::of(Table::default(), frozen);
        for item in items {
            self.tick()?;
            self.set_insert(&set, item)?;
        }
        Ok(set)
    }

    /// The items of a set, copied.
    pub(super) fn set_items(&self, set: &Set) -> Vec<Value> {
        set.table.borrow().iter().map(|entry| entry.key.clone()).collect()
    }

    /// `a | b`, `a & b`, `a - b`, `a ^ b`.
    pub(super) fn set_operation(&self, operator: Binary, a: &Set, b: &Set) -> Outcome<Rc<Set>> {
        let result = Set::of(Table::default(), a.frozen);
        for item in self.set_items(a) {
            self.tick()?;
            let keep = match operator {
                Binary::Or => true,
                Binary::And => self.set_contains(b, &item)?,
                _ => !self.set_contains(b, &item)?,
            };
            if keep {
                self.set_insert(&result, item)?;
            }
        }
        if matches!(operator, Binary::Or | Binary::ExclusiveOr) {
            for item in self.set_items(b) {
                self.tick()?;
                if operator == Binary::Or || !self.set_contains(a, &item)? {
                    self.set_insert(&result, item)?;
                }
            }
        }
        Ok(result)
    }
}
