//! `torch.tic`, `toc`, the number of threads, and what identifies a value.

use std::time::Instant;

use mlua::{Lua, Table, Value};

use super::handle::{from_lua, storage_from_lua};
use crate::frontend::lua::machine::identities::Identities;

/// `torch.pointer(o)`: a number that two handles on one object share, and no address; 0 for plain values.
fn pointer(lua: &Lua, value: &Value) -> f64 {
    let address = match (from_lua(value), storage_from_lua(value)) {
        (Some(tensor), _) => tensor.address(),
        (None, Some(storage)) => storage.address(),
        (None, None) => value.to_pointer() as usize,
    };
    lua.app_data_ref::<Identities>().map_or(0.0, |identities| identities.of(address) as f64)
}

/// `torch.tic`, `toc`, `setnumthreads`, `setheaptracking`, `pointer`.
pub(super) fn install(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    let start = Instant::now();
    torch.raw_set("tic", lua.create_function(move |_, ()| Ok(start.elapsed().as_secs_f64()))?)?;
    torch.raw_set("toc", lua.create_function(move |_, since: f64| Ok(start.elapsed().as_secs_f64() - since))?)?;
    torch.raw_set("getnumthreads", lua.create_function(|_, ()| Ok(tch::get_num_threads()))?)?;
    torch.raw_set(
        "setnumthreads",
        lua.create_function(|_, count: i32| {
            // Threads that the machine cannot carry would end the process.
            let most = 4 * std::thread::available_parallelism().map_or(1, usize::from) as i32;
            tch::set_num_threads(count.clamp(1, most));
            Ok(())
        })?,
    )?;
    torch.raw_set(
        "getnumcores",
        lua.create_function(|_, ()| Ok(std::thread::available_parallelism().map_or(1, usize::from)))?,
    )?;
    torch.raw_set("pointer", lua.create_function(|lua, value: Value| Ok(pointer(lua, &value)))?)?;
    // Tensor memory is always tracked (`torch::memory`): the switch only remembers how it was set.
    torch.raw_set("_heaptracking", false)?;
    let table = torch.clone();
    torch.raw_set("setheaptracking", lua.create_function(move |_, on: bool| table.raw_set("_heaptracking", on))?)
}
