//! Installs the classes that `nn::specs()` declares: constructor, printed form, `reset`, and the native methods.

use mlua::{Function, Lua, Table, Value as LuaValue, Variadic};

use super::chunks::package;
use crate::{
    error::{Error, Kind},
    frontend::lua::{
        calls::{built::Shelf, eager},
        machine::{
            error::raise,
            state::{origin, shared},
            suggest,
        },
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
    let init_of = |class: &str| classes.raw_get::<Table>(class)?.raw_get::<Function>("__init");
    let (module, criterion) = (init_of("nn.Module")?, init_of("nn.Criterion")?);
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
                let parent_init = if matches!(spec.build, Build::Module(_)) { &module } else { &criterion };
                install_class(lua, &mt, spec, parent_init, &shelf)?;
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

fn install_class(
    lua: &Lua,
    mt: &Table,
    spec: &'static Spec,
    parent_init: &Function,
    shelf: &Shelf,
) -> mlua::Result<()> {
    if let Some(init) = spec.init {
        let parent_init = parent_init.clone();
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

/// Lets pages say which class a line names in vain. `nn.X` that does not exist is nil, as in Torch7, where files ask so
/// whether a class is there; the page comes when it is called.
pub(super) fn explain_missing(lua: &Lua) -> mlua::Result<()> {
    shared(lua)?.missing_class.set(Some(missing_class));
    Ok(())
}

/// The page for the class `home.name` that `line` asks for and that does not exist; `name` when it is known.
fn missing_class(lua: &Lua, line: &str, name: Option<&str>) -> Option<Error> {
    let mut classes: Vec<String> = Vec::new();
    for pair in tensor::classes(lua).ok()?.pairs::<String, Table>() {
        classes.push(pair.ok()?.0);
    }
    let belongs = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '.';
    let mut words = line.split(|letter| !belongs(letter)).filter_map(|word| word.split_once('.'));
    let (home, missing) = words.find_map(|(home, rest)| {
        let class = rest.split('.').next().unwrap_or(rest);
        let is_asked = name.map_or(class.starts_with(|first: char| first.is_ascii_uppercase()), |name| name == class);
        let is_home = classes.iter().any(|known| known.split_once('.').is_some_and(|(known, _)| known == home));
        let package = lua.globals().raw_get::<Option<Table>>(home).ok().flatten();
        let is_missing = || package.is_some_and(|package| package.get::<LuaValue>(class).is_ok_and(|c| c.is_nil()));
        (is_asked && is_home && is_missing()).then_some((home, class))
    })?;
    let error = Error::new(Kind::Network, format!("there is no {home}.{missing}"));
    let beside = classes.iter().filter_map(|known| known.strip_prefix(home)?.strip_prefix('.'));
    Some(match suggest::closest(missing, beside) {
        Some(near) => error.with_help(format!("did you mean {home}.{near}?")),
        None => error,
    })
}
