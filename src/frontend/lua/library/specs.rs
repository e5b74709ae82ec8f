//! Installs the classes that `nn::specs()` declares: constructor, printed form, `reset`, and the native methods.

use mlua::{Function, Lua, Table, Value as LuaValue, Variadic};

use super::chunks::package;
use crate::{
    error::{Error, Kind},
    frontend::lua::{
        calls::{built::Shelf, eager},
        machine::{error::raise, state::origin, suggest},
        objects::{classes::remember_methods, object::LuaFields, value::value_from_lua},
        tensor,
    },
    nn::{self, Args, Build, Fields, Spec},
    torch::Generator,
};

/// Installs every class; those of the prelude exist already and get what they lack.
pub(super) fn install(lua: &Lua) -> mlua::Result<()> {
    let shelf = Shelf::new(lua)?;
    lua.set_app_data(shelf.clone());
    let classes = tensor::classes(lua)?;
    let make: Function = package(lua, "torch")?.raw_get("newmetatable")?;
    for spec in nn::specs() {
        for &class in spec.classes {
            let mt = match classes.raw_get::<Option<Table>>(class)? {
                Some(mt) => mt,
                None => {
                    let parent = if class == spec.name() { base_of(spec) } else { spec.name() };
                    let home = package(lua, class.split_once('.').map_or("", |(home, _)| home))?;
                    make.call::<Table>((class, parent, LuaValue::Nil, LuaValue::Nil, LuaValue::Nil, home))?
                }
            };
            if class == spec.name() {
                install_class(lua, &mt, spec, &shelf)?;
            }
        }
    }
    remember_methods(lua)
}

/// The abstract class that a spec's class descends from.
fn base_of(spec: &Spec) -> &'static str {
    match spec.build {
        Build::Module(_) => "nn.Module",
        Build::Criterion(_) => "nn.Criterion",
    }
}

fn install_class(lua: &Lua, mt: &Table, spec: &'static Spec, shelf: &Shelf) -> mlua::Result<()> {
    if let Some(init) = spec.init {
        let parent_init: Function = tensor::classes(lua)?.raw_get::<Table>(base_of(spec))?.raw_get("__init")?;
        mt.raw_set(
            "__init",
            lua.create_function(move |lua, (object, given): (Table, Variadic<LuaValue>)| {
                parent_init.call::<()>(&object)?;
                let fields = LuaFields::new(lua, &object);
                let result = Args::check(spec.name(), spec.args, given.iter().map(value_from_lua).collect())
                    .and_then(|args| drawing(lua, |generator| init(&args, &fields, generator)));
                result.map_err(|error| raise(error.at(origin(lua).as_ref())))
            })?,
        )?;
    }
    if let Some(reset) = spec.reset {
        mt.raw_set(
            "reset",
            lua.create_function(move |lua, (object, stdv): (Table, Option<f64>)| {
                let fields = LuaFields::new(lua, &object);
                drawing(lua, |generator| reset(&fields, stdv, generator)).map_err(raise)?;
                Ok(object)
            })?,
        )?;
    }
    if mt.get::<LuaValue>("__tostring__")?.is_nil() {
        mt.raw_set(
            "__tostring__",
            lua.create_function(move |lua, object: Table| {
                let fields = LuaFields::new(lua, &object);
                let text = (spec.print)(&fields).map_err(raise)?;
                Ok(fields.class() + &text)
            })?,
        )?;
    }
    eager::install(lua, mt, spec, shelf)
}

/// Runs `f` with the machine's random generator. `f` must not call Lua code that draws: its draws would be lost.
fn drawing<T>(lua: &Lua, f: impl FnOnce(&mut Generator) -> T) -> T {
    let mut generator = tensor::generator(lua).borrow().clone();
    let result = f(&mut generator);
    *tensor::generator(lua).borrow_mut() = generator;
    result
}

/// Makes `nn.X` that does not exist an error that names the nearest classes.
pub(super) fn refuse_unknown(lua: &Lua) -> mlua::Result<()> {
    let mt = lua.create_table()?;
    mt.raw_set(
        "__index",
        lua.create_function(|lua, (_, key): (Table, LuaValue)| {
            let LuaValue::String(key) = key else { return Ok(LuaValue::Nil) };
            let key = key.to_string_lossy();
            if !key.starts_with(|first: char| first.is_ascii_uppercase()) {
                return Ok(LuaValue::Nil);
            }
            let mut names: Vec<String> = Vec::new();
            for pair in tensor::classes(lua)?.pairs::<String, Table>() {
                if let Some(name) = pair?.0.strip_prefix("nn.") {
                    names.push(name.to_string());
                }
            }
            let mut error = Error::new(Kind::Network, format!("there is no nn.{key}"));
            if let Some(near) = suggest::closest(&key, names.iter().map(String::as_str)) {
                error = error.with_help(format!("did you mean nn.{near}?"));
            }
            Err(raise(error.at(origin(lua).as_ref())))
        })?,
    )?;
    package(lua, "nn")?.set_metatable(Some(mt))
}
