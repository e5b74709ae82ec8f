//! The functions that the Lua prelude calls, and the installation of every class of `nn::specs()`.

use std::{
    collections::{HashMap, HashSet},
    time::SystemTime,
};

use mlua::{Function, Lua, MultiValue, Table, UserData, Value as LuaValue, Variadic};

use super::{
    built::Shelf,
    eager, expect,
    object::{self, CLASSES, LuaFields, value_from_lua},
    suggest, tensor,
};
use crate::{
    error::{Error, Kind},
    nn::{self, Args, Build, Fields, Spec},
    torch::{Storage, Tensor, TensorType},
};

/// The prelude's chunks, in the order they run. Their names start with `=[digits]`, which keeps them out of the
/// places that error pages show.
const PRELUDE: &[(&str, &str)] = &[
    ("=[digits] activities.lua", include_str!("prelude/activities.lua")),
    ("=[digits] module.lua", include_str!("prelude/module.lua")),
    ("=[digits] container.lua", include_str!("prelude/container.lua")),
    ("=[digits] branches.lua", include_str!("prelude/branches.lua")),
    ("=[digits] decorators.lua", include_str!("prelude/decorators.lua")),
    ("=[digits] graph.lua", include_str!("prelude/graph.lua")),
    ("=[digits] weight_norm.lua", include_str!("prelude/weight_norm.lua")),
    ("=[digits] composites.lua", include_str!("prelude/composites.lua")),
    ("=[digits] criteria.lua", include_str!("prelude/criteria.lua")),
    ("=[digits] plumbing.lua", include_str!("prelude/plumbing.lua")),
    ("=[digits] unpooling.lua", include_str!("prelude/unpooling.lua")),
    ("=[digits] up_sampling.lua", include_str!("prelude/up_sampling.lua")),
    ("=[digits] partial_linear.lua", include_str!("prelude/partial_linear.lua")),
    ("=[digits] sparse_linear.lua", include_str!("prelude/sparse_linear.lua")),
    ("=[digits] index_linear.lua", include_str!("prelude/index_linear.lua")),
    ("=[digits] kmeans.lua", include_str!("prelude/kmeans.lua")),
    ("=[digits] jacobian.lua", include_str!("prelude/jacobian.lua")),
    ("=[digits] hessian.lua", include_str!("prelude/hessian.lua")),
];

/// The methods whose replacement by a user changes how a module is lowered.
pub(super) const PROTOCOL: [&str; 7] =
    ["updateOutput", "updateGradInput", "accGradParameters", "forward", "backward", "training", "evaluate"];
/// Registry name of the table of functions below, for the preludes of packages.
pub(super) const NATIVE: &str = "digits.native";
/// Registry name of the table class name → method name → the function that this crate installed.
const PRISTINE: &str = "digits.pristine";

/// Fills `torch` and `nn` (both fresh tables) with the class system and every class.
pub(super) fn install(lua: &Lua, torch: &Table, nn: &Table, packages: &Table) -> mlua::Result<()> {
    object::install_origins(lua)?;
    let native = functions(lua)?;
    lua.set_named_registry_value(NATIVE, &native)?;
    let classes: Table = lua.named_registry_value(CLASSES)?;
    lua.load(include_str!("prelude/class.lua"))
        .set_name("=[digits] class.lua")
        .call::<()>((torch, &classes, &native))?;
    for (name, text) in PRELUDE {
        lua.load(*text).set_name(*name).call::<()>((torch, nn, &native, packages))?;
    }
    let shelf = Shelf::new(lua)?;
    lua.set_app_data(shelf.clone());
    install_classes(lua, torch, &classes, packages, &shelf)?;
    // Plain files of methods see the packages as locals; the first line keeps its number.
    let methods = concat!(
        "local torch, nn, native, packages = ...; local cudnn, inn = packages.cudnn, packages.inn; ",
        include_str!("prelude/methods.lua")
    );
    lua.load(methods).set_name("=[digits] methods.lua").call::<()>((torch, nn, &native, packages))?;
    nn.set_metatable(Some(unknown_class(lua)?))
}

/// `nn.X` that does not exist: an error that names the nearest classes.
fn unknown_class(lua: &Lua) -> mlua::Result<Table> {
    let mt = lua.create_table()?;
    mt.raw_set(
        "__index",
        lua.create_function(|lua, (_, key): (Table, LuaValue)| {
            let LuaValue::String(key) = key else { return Ok(LuaValue::Nil) };
            let key = key.to_string_lossy();
            if !key.starts_with(|first: char| first.is_ascii_uppercase()) {
                return Ok(LuaValue::Nil);
            }
            let classes: Table = lua.named_registry_value(CLASSES)?;
            let mut names: Vec<String> = Vec::new();
            for pair in classes.pairs::<String, Table>() {
                if let Some(name) = pair?.0.strip_prefix("nn.") {
                    names.push(name.to_string());
                }
            }
            let mut error = Error::new(Kind::Network, format!("there is no nn.{key}"));
            if let Some(near) = suggest::closest(&key, names.iter().map(String::as_str)) {
                error = error.with_help(format!("did you mean nn.{near}?"));
            }
            Err(error.at(super::vm::origin(lua).as_ref()).into_lua())
        })?,
    )?;
    Ok(mt)
}

fn install_classes(lua: &Lua, torch: &Table, classes: &Table, packages: &Table, shelf: &Shelf) -> mlua::Result<()> {
    let make: Function = torch.raw_get("newmetatable")?;
    let pristine = lua.create_table()?;
    for spec in nn::specs() {
        for &class in spec.classes {
            let mt = match classes.raw_get::<Option<Table>>(class)? {
                Some(mt) => mt,
                None => {
                    let parent = match spec.build {
                        _ if class != spec.name() => spec.name(),
                        Build::Module(_) => "nn.Module",
                        Build::Criterion(_) => "nn.Criterion",
                    };
                    let home = class.split_once('.').map_or("", |(home, _)| home);
                    let home: Table = packages.raw_get(home)?;
                    make.call::<Table>((class, parent, LuaValue::Nil, LuaValue::Nil, LuaValue::Nil, home))?
                }
            };
            if class == spec.name() {
                install_class(lua, &mt, spec, shelf)?;
            }
        }
    }
    for pair in classes.pairs::<String, Table>() {
        let (class, mt) = pair?;
        let own = lua.create_table()?;
        for method in PROTOCOL {
            own.raw_set(method, mt.get::<LuaValue>(method)?)?;
        }
        pristine.raw_set(class, own)?;
    }
    lua.set_named_registry_value(PRISTINE, pristine)
}

fn install_class(lua: &Lua, mt: &Table, spec: &'static Spec, shelf: &Shelf) -> mlua::Result<()> {
    if let Some(init) = spec.init {
        let parent = match spec.build {
            Build::Module(_) => "nn.Module",
            Build::Criterion(_) => "nn.Criterion",
        };
        let classes: Table = lua.named_registry_value(CLASSES)?;
        let parent_init: Function = classes.raw_get::<Table>(parent)?.raw_get("__init")?;
        mt.raw_set(
            "__init",
            lua.create_function(move |lua, (object, given): (Table, Variadic<LuaValue>)| {
                parent_init.call::<()>(&object)?;
                let fields = LuaFields::new(lua, &object);
                let result = Args::check(spec.name(), spec.args, given.iter().map(value_from_lua).collect())
                    .and_then(|args| object::drawing(lua, |generator| init(&args, &fields, generator)));
                result.map_err(|error| error.at(super::vm::origin(lua).as_ref()).into_lua())
            })?,
        )?;
    }
    if let Some(reset) = spec.reset {
        mt.raw_set(
            "reset",
            lua.create_function(move |lua, (object, stdv): (Table, Option<f64>)| {
                let fields = LuaFields::new(lua, &object);
                object::drawing(lua, |generator| reset(&fields, stdv, generator)).map_err(Error::into_lua)?;
                Ok(object)
            })?,
        )?;
    }
    if mt.get::<LuaValue>("__tostring__")?.is_nil() {
        mt.raw_set(
            "__tostring__",
            lua.create_function(move |lua, object: Table| {
                let fields = LuaFields::new(lua, &object);
                let text = (spec.print)(&fields).map_err(Error::into_lua)?;
                Ok(fields.class() + &text)
            })?,
        )?;
    }
    eager::install(lua, mt, spec, shelf)
}

/// Whether `object`'s method is the one that this crate gave to `class`.
pub(super) fn is_pristine(lua: &Lua, object: &Table, class: &str, method: &str) -> mlua::Result<bool> {
    let own: Option<Table> = lua.named_registry_value::<Table>(PRISTINE)?.raw_get(class)?;
    let Some(own) = own else { return Ok(false) };
    Ok(object.get::<LuaValue>(method)? == own.raw_get::<LuaValue>(method)?)
}

/// Whether `object`'s `backward` is nn.Module's: `updateGradInput`, then `accGradParameters`.
pub(super) fn has_plain_backward(lua: &Lua, object: &Table) -> mlua::Result<bool> {
    is_pristine(lua, object, "nn.Module", "backward")
}

/// The spec that `object` descends from: its own class's or the nearest ancestor's.
pub(super) fn spec_of(object: &Table) -> Option<&'static Spec> {
    let mut mt = object.metatable();
    while let Some(table) = mt {
        if let Ok(Some(name)) = table.raw_get::<Option<String>>("__typename")
            && let Some(spec) = nn::spec(&name)
        {
            return Some(spec);
        }
        mt = table.metatable();
    }
    None
}

/// What one `type()` call has converted so far: tensors that shared memory share it afterwards, and one tensor object
/// becomes one tensor object. The originals stay with their entries, so that no address is used again meanwhile.
#[derive(Default)]
struct Cache {
    storages: HashMap<usize, (Storage, Storage)>,
    tensors: HashMap<(usize, TensorType), (Tensor, LuaValue)>,
}

impl UserData for Cache {}

/// The cache that a caller passed: ours, or one kept inside the table that scripts pass for it.
fn cache_of(lua: &Lua, given: LuaValue) -> mlua::Result<LuaValue> {
    let fresh = || lua.create_userdata(Cache::default()).map(LuaValue::UserData);
    match given {
        LuaValue::UserData(_) => Ok(given),
        LuaValue::Table(table) => {
            let kept: LuaValue = table.raw_get("digits")?;
            if kept.is_nil() {
                table.raw_set("digits", fresh()?)?
            }
            table.raw_get("digits")
        }
        _ => fresh(),
    }
}

fn functions(lua: &Lua) -> mlua::Result<Table> {
    let native = lua.create_table()?;
    let add = |name: &str, function: Function| native.raw_set(name, function);
    add("class_table", lua.create_function(|lua, value: LuaValue| Ok(tensor::class_table(lua, &value)))?)?;
    add("globals", lua.create_function(|lua, ()| Ok(lua.globals()))?)?;
    add("stamp", lua.create_function(|lua, object: Table| object::stamp(lua, &object))?)?;
    add(
        "seconds",
        lua.create_function(|_, ()| {
            Ok(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0.0, |passed| passed.as_secs_f64()))
        })?,
    )?;
    add(
        "where",
        lua.create_function(|lua, ()| Ok(super::vm::origin(lua).map(|at| (at.file.to_string(), at.line)).unzip()))?,
    )?;
    add("empty", lua.create_function(|lua, ()| tensor::to_lua(lua, Tensor::empty(object::default_type(lua))))?)?;
    add("is_tensor", lua.create_function(|_, value: LuaValue| Ok(tensor::from_lua(&value).is_some()))?)?;
    add("cache_of", lua.create_function(cache_of)?)?;
    add("gradient", lua.create_function(eager::gradient)?)?;
    add("accumulate", lua.create_function(eager::accumulate)?)?;
    add(
        "forget",
        lua.create_function(|lua, object: Table| match lua.app_data_ref::<Shelf>() {
            Some(shelf) => shelf.forget(&object),
            None => Ok(()),
        })?,
    )?;
    add("full_typename", lua.create_function(|_, name: String| full_typename(&name))?)?;
    add("convert", lua.create_function(convert)?)?;
    add("flatten", lua.create_function(flatten)?)?;
    add("clone", lua.create_function(clone)?)?;
    add("copy", lua.create_function(|lua, value: LuaValue| Copier::default().copy(lua, &value))?)?;
    add(
        "buffers",
        lua.create_function(|_, object: Table| {
            Ok(spec_of(&object).map(|spec| spec.buffers.to_vec()).unwrap_or_default())
        })?,
    )?;
    add("expect_module", lua.create_function(expect_module)?)?;
    add("expect", lua.create_function(expect::arguments)?)?;
    Ok(native)
}

fn full_typename(name: &str) -> mlua::Result<String> {
    let short = [
        ("byte", "Byte"),
        ("char", "Char"),
        ("short", "Short"),
        ("int", "Int"),
        ("long", "Long"),
        ("float", "Float"),
        ("double", "Double"),
        ("half", "Half"),
        ("cuda", "Cuda"),
    ];
    let full = match short.iter().find(|(short, _)| *short == name) {
        Some((_, stem)) => format!("torch.{stem}Tensor"),
        None => name.to_string(),
    };
    match TensorType::named(&full) {
        Some(tensor_type) => Ok(tensor_type.tensor_name()),
        None => Err(Error::new(Kind::Argument, format!("unknown tensor type '{name}'")).into_lua()),
    }
}

fn convert(lua: &Lua, (value, typename, cache): (LuaValue, String, LuaValue)) -> mlua::Result<LuaValue> {
    let (Some(tensor), Some(to)) = (tensor::from_lua(&value), TensorType::named(&typename)) else { return Ok(value) };
    if tensor.tensor_type() == to {
        return Ok(value);
    }
    let mut cache = cache.as_userdata().and_then(|data| data.borrow_mut::<Cache>().ok());
    let key = (tensor.address(), to);
    if let Some((_, done)) = cache.as_ref().and_then(|cache| cache.tensors.get(&key)) {
        return Ok(done.clone());
    }
    let converted = match tensor.storage() {
        None => Tensor::empty(to),
        Some(old) => {
            let kept = cache.as_ref().and_then(|cache| cache.storages.get(&old.address()));
            let new = match kept {
                Some((_, new)) if new.tensor_type() == to => new.clone(),
                _ => {
                    let new = Storage::from_tch(to, &old.flat().copy()).map_err(Error::into_lua)?;
                    if let Some(cache) = &mut cache {
                        cache.storages.insert(old.address(), (old, new.clone()));
                    }
                    new
                }
            };
            Tensor::on(new, tensor.offset(), &tensor.size(), &tensor.stride()).map_err(Error::into_lua)?
        }
    };
    let converted = LuaValue::UserData(tensor::to_lua(lua, converted)?);
    if let Some(cache) = &mut cache {
        cache.tensors.insert(key, (tensor, converted.clone()));
    }
    Ok(converted)
}

fn flatten(lua: &Lua, list: Vec<LuaValue>) -> mlua::Result<LuaValue> {
    let tensors: Vec<Tensor> = list.iter().filter_map(tensor::from_lua).collect();
    let tensor_type = tensors.first().map_or_else(|| object::default_type(lua), Tensor::tensor_type);
    let flat = crate::torch::flatten(&tensors, tensor_type).map_err(Error::into_lua)?;
    Ok(LuaValue::UserData(tensor::to_lua(lua, flat)?))
}

/// Deep copy with the `skipped` fields of the modules in `owners` left as empty tensors (they are shared afterwards).
fn clone(lua: &Lua, (object, skipped, owners): (LuaValue, Vec<String>, Option<Vec<Table>>)) -> mlua::Result<LuaValue> {
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
        if let Some(origin) = object::origin_of(lua, table) {
            object::stamp_with(lua, copy, &origin)?;
        }
        Ok(())
    }

    fn copy_tensor(&mut self, lua: &Lua, tensor: &Tensor) -> mlua::Result<LuaValue> {
        if let Some(copy) = self.tensors.get(&tensor.address()) {
            return Ok(copy.clone());
        }
        let copy = match tensor.storage() {
            None => Tensor::empty(tensor.tensor_type()),
            Some(old) => Tensor::on(self.copy_storage(old)?, tensor.offset(), &tensor.size(), &tensor.stride())
                .map_err(Error::into_lua)?,
        };
        let copy = LuaValue::UserData(tensor::to_lua(lua, copy)?);
        self.tensors.insert(tensor.address(), copy.clone());
        Ok(copy)
    }

    fn copy_storage(&mut self, old: Storage) -> mlua::Result<Storage> {
        if let Some(new) = self.storages.get(&old.address()) {
            return Ok(new.clone());
        }
        let new = Storage::from_tch(old.tensor_type(), &old.flat().copy()).map_err(Error::into_lua)?;
        self.storages.insert(old.address(), new.clone());
        Ok(new)
    }
}

/// `net:add(x)` where x is no module: the commonest cause is a forgotten pair of brackets or a misspelt name.
fn expect_module(lua: &Lua, (child, container): (LuaValue, Table)) -> mlua::Result<MultiValue> {
    let is_module =
        child.as_table().is_some_and(|table| !table.get::<LuaValue>("updateOutput").is_ok_and(|f| f.is_nil()));
    let has_class = child.as_table().is_some_and(|table| object::class_name(table).is_some());
    if is_module && has_class {
        return Ok(MultiValue::new());
    }
    let got = value_from_lua(&child).type_name();
    let class = object::class_name(&container).unwrap_or_default();
    let error = Error::new(Kind::Argument, format!("#1 (module) to {class}:add: an nn module expected, got {got}"));
    let error = if is_module {
        error.with_help("call the class to make a module: nn.ReLU() instead of nn.ReLU")
    } else {
        error
    };
    Err(error.at(super::vm::origin(lua).as_ref()).into_lua())
}
