//! `torch.Generator` as a Lua value, and the machine's own generator.

use std::{cell::RefCell, rc::Rc};

use mlua::{Lua, Value};

use crate::torch::Generator;

/// A `torch.Generator` in Lua: the VM's own one (`torch._gen`) or a separate one.
#[derive(Debug)]
pub enum LuaGenerator {
    /// The generator that samplers use when none is given.
    Default,
    /// A generator made by `torch.Generator()`.
    Own(Box<RefCell<Generator>>),
}

impl LuaGenerator {
    /// `torch.Generator()`: seeded from the clock.
    pub(super) fn fresh(lua: &Lua) -> mlua::Result<Value> {
        Ok(Value::UserData(
            lua.create_userdata(LuaGenerator::Own(Box::new(RefCell::new(Generator::new(clock_seed())))))?,
        ))
    }
}

/// The VM's generator, made with a seed from the clock when it is first asked for. It is the caller's to hold: Lua code
/// that runs meanwhile reaches it, too.
#[must_use]
pub fn generator(lua: &Lua) -> Rc<RefCell<Generator>> {
    if let Some(known) = lua.app_data_ref::<Rc<RefCell<Generator>>>() {
        return Rc::clone(&known);
    }
    let fresh = Rc::new(RefCell::new(Generator::new(clock_seed())));
    lua.set_app_data(Rc::clone(&fresh));
    fresh
}

/// A seed that differs from run to run.
pub(super) fn clock_seed() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    now.as_secs() ^ u64::from(now.subsec_nanos()).rotate_left(16)
}
