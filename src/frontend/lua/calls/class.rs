//! What the eager calls of one class share: the names of its fields, the objects' Rust modules, arguments.

use std::rc::Rc;

use mlua::{Lua, LuaString, Table, Value as LuaValue};

use super::{
    built::{Built, Shelf, field},
    sharing::Memory,
};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::{
            error::{OrPage, raise},
            limits,
        },
        objects::{
            activity::activity_from_lua,
            classes::{class_name, spec_of},
        },
    },
    nn::{self, Activity, Mode, Spec},
};

/// What every eager call of one class needs at hand.
#[derive(Clone)]
pub(super) struct Class {
    pub(super) spec: &'static Spec,
    pub(super) shelf: Shelf,
    train: LuaString,
    pub(super) output: LuaString,
    pub(super) grad_input: LuaString,
    /// `updateGradInput` and `accGradParameters`
    pub(super) halves: [LuaString; 2],
    /// The flag of the constructor, of classes that have it.
    inplace: Option<LuaString>,
}

impl Class {
    pub(super) fn new(lua: &Lua, spec: &'static Spec, shelf: &Shelf) -> mlua::Result<Class> {
        let name = |name| shelf.name(lua, name);
        let has_flag = spec.args.iter().any(|arg| arg.name == "inplace");
        Ok(Class {
            spec,
            shelf: shelf.clone(),
            train: name("train")?,
            output: name("output")?,
            grad_input: name("gradInput")?,
            halves: [name("updateGradInput")?, name("accGradParameters")?],
            inplace: if has_flag { Some(name("inplace")?) } else { None },
        })
    }

    pub(super) fn of(lua: &Lua, object: &Table) -> mlua::Result<Option<Class>> {
        let shelf = lua.app_data_ref::<Shelf>().map(|shelf| shelf.clone());
        let (Some(spec), Some(shelf)) = (spec_of(object), shelf) else { return Ok(None) };
        Class::new(lua, spec, &shelf).map(Some)
    }

    /// The module of one call. Every eager call comes by here, and any of them may take long.
    pub(super) fn built(&self, lua: &Lua, object: &Table, differentiable: bool) -> Result<Rc<Built>> {
        limits::look(lua).or_page(lua)?;
        self.shelf.built(lua, self.spec, object, differentiable)
    }

    /// `object.train`, which modules that care set to true at birth.
    pub(super) fn mode(&self, object: &Table) -> mlua::Result<Mode> {
        let training = field(object, &self.train)?;
        Ok(if matches!(training, LuaValue::Boolean(false)) { Mode::Evaluate } else { Mode::Train })
    }

    /// Whose memory an output lies in.
    pub(super) fn memory_of_output(&self, object: &Table) -> mlua::Result<Memory> {
        if self.spec.looks_at_input { Ok(Memory::Looks) } else { self.own_or_in_place(object) }
    }

    /// Whose memory gradInput lies in.
    pub(super) fn memory_of_gradient(&self, object: &Table) -> mlua::Result<Memory> {
        if self.spec.looks_at_gradient { Ok(Memory::Looks) } else { self.own_or_in_place(object) }
    }

    /// The same where no field decides; `None` where one does.
    pub(super) fn settled_memory_of_gradient(&self) -> Option<Memory> {
        match (self.spec.looks_at_gradient, &self.inplace) {
            (true, _) => Some(Memory::Looks),
            (false, None) => Some(Memory::Own),
            (false, Some(_)) => None,
        }
    }

    /// By the flag of the constructor, which scripts may set later.
    fn own_or_in_place(&self, object: &Table) -> mlua::Result<Memory> {
        let Some(inplace) = &self.inplace else { return Ok(Memory::Own) };
        let is_plain = matches!(field(object, inplace)?, LuaValue::Nil | LuaValue::Boolean(false));
        Ok(if is_plain { Memory::Own } else { Memory::InPlace })
    }
}

/// The arguments of `updateOutput`: object, input.
pub(super) type Forward = (Table, LuaValue);
/// Of `updateGradInput`: object, input, gradOutput; of a criterion's methods: object, input, target.
pub(super) type Pair = (Table, LuaValue, LuaValue);
/// Of `backward` and `accGradParameters`: object, input, gradOutput, scale.
pub(super) type Scaled = (Table, LuaValue, LuaValue, LuaValue);

/// What a module or a criterion may be given.
const WANTED: &str = "a tensor or a table of tensors";

/// Argument `number` of a method of `object`.
pub(super) fn argument(
    lua: &Lua,
    object: &Table,
    value: &LuaValue,
    number: usize,
    name: &str,
) -> mlua::Result<Activity> {
    if value.is_nil() {
        let what = format!("#{number} ({name}) to {}", class_name(object).unwrap_or_default());
        return Err(raise(Error::new(Kind::Argument, nn::Value::Nil.misfit(&what, WANTED))));
    }
    activity_from_lua(lua, value, name)
}
