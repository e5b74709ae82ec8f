//! Lowering: the tree of Lua tables becomes an `nn::Network` of Rust modules on the very same parameter memory.
//!
//! Happens once, when training (or `check`, `test`, `export`) starts. A module whose methods are this crate's becomes its
//! Rust module; one that the user wrote or overrode becomes a [`Foreign`] node that calls Lua.

use std::{collections::HashMap, rc::Rc};

use mlua::{Function, Lua, ObjectLike, Table, Value as LuaValue};

use super::{
    draws::draws,
    foreign::{Caller, Foreign, ForeignCriterion},
};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        machine::{bytecode, error::OrPage},
        objects::{
            classes::{class_name, is_pristine, spec_of},
            object::{LuaFields, tostring},
            origins::origin_of,
            value::value_from_lua,
        },
        tensor,
    },
    nn::{Buffer, Build, Builder, Criterion, Fields, Network, Node, Parameter, Parameters, Spec, Value},
    torch::{Element, Tensor, TensorType},
};

/// The page for a place of a container that holds something else.
fn no_part(place: &str, wanted: &str, value: &LuaValue) -> Error {
    Error::new(Kind::Network, format!("{place} is no {wanted} but a {}", value_from_lua(value).type_name()))
}

/// The container that applies its one child to every entry of a table.
const COPIES_ITS_CHILD: &str = "nn.MapTable";

/// Deeper trees than this are cycles (a container added to itself).
pub(in crate::frontend::lua) const DEEPEST: usize = 200;

/// The flat vectors of a network that will be trained.
struct Flat {
    parameters: Tensor,
    gradients: Tensor,
}

/// What `getParameters`, which a file may replace, gave for `what`: a vector of the network's type, as an engine wants it. The
/// engine gets a handle of its own; the one that Lua has, and the memory, stay as they are from now on.
fn vector(what: &str, given: &LuaValue, wanted: TensorType) -> Result<Tensor> {
    let Some(handle) = tensor::from_lua(given) else { return Ok(Tensor::empty(wanted)) };
    if handle.dim() == 0 {
        return Ok(Tensor::empty(wanted));
    }
    let page = |found: String| {
        Error::new(Kind::Network, format!("getParameters gave no flat vector of {what}"))
            .with_fact("it gave", found)
            .with_fact("it wants", format!("a contiguous {wanted} of one dimension"))
            .with_help("leave getParameters as nn.Module has it, or return its two vectors as they are")
    };
    if handle.tensor_type() != wanted {
        return Err(page(handle.tensor_type().to_string()));
    }
    if handle.dim() != 1 || !handle.is_contiguous() {
        return Err(page(format!("sizes {:?} with strides {:?}", handle.size(), handle.stride())));
    }
    let reaches = handle.storage().is_some_and(|storage| handle.reach() <= storage.len());
    if !reaches {
        return Err(page("a tensor that reaches beyond its storage".into()));
    }
    let own = handle.alias()?;
    handle.pin();
    Ok(own)
}

impl Flat {
    /// The part of the gradients that belongs to a parameter; `None` when it is not part of the flat vector.
    fn gradient_of(&self, tensor: &Tensor) -> Option<tch::Tensor> {
        let (own, all) = (tensor.storage()?, self.parameters.storage()?);
        let (first, count) = (self.parameters.offset(), self.parameters.numel());
        let inside = tensor.dim() > 0 && tensor.offset() >= first && tensor.reach() <= first + count;
        if !own.same(&all) || !inside {
            return None;
        }
        let from = self.gradients.offset() + tensor.offset() - first;
        self.gradients.view().f_as_strided(tensor.size(), tensor.stride(), from).ok()
    }
}

/// A module and the indices of its parameters in the network's list.
type Made = (Box<dyn crate::nn::Module>, Vec<usize>);

/// Converts a model and its criterion, objects of this machine, to `kind` on `device`, flattens the parameters and
/// lowers them.
///
/// # Errors
/// When a module cannot be lowered; the page names its line.
pub fn lower(lua: &Lua, model: &Table, criterion: &Table, kind: tch::Kind, device: tch::Device) -> Result<Network> {
    Lowering::network(lua, model, criterion, kind, device)
}

/// State of one lowering.
pub(in crate::frontend::lua) struct Lowering {
    lua: Lua,
    flat: Option<Flat>,
    list: Vec<Parameter>,
    /// Places in `list` by the address of the elements.
    places: HashMap<usize, Vec<usize>>,
    buffers: Vec<Buffer>,
    /// The nodes so far by their object, for modules that refer to another one (unpooling to its pooling).
    nodes: HashMap<usize, Rc<Node>>,
    /// Whether a module or a criterion stays Lua.
    has_code: bool,
    depth: usize,
}

impl Lowering {
    fn new(lua: &Lua, flat: Option<Flat>) -> Lowering {
        let (places, nodes) = (HashMap::new(), HashMap::new());
        Lowering {
            lua: lua.clone(),
            flat,
            list: Vec::new(),
            places,
            buffers: Vec::new(),
            nodes,
            has_code: false,
            depth: 0,
        }
    }

    /// For one eager call: nothing is differentiable or registered.
    pub(in crate::frontend::lua) fn for_call(lua: &Lua) -> Lowering {
        Lowering::new(lua, None)
    }

    /// The network of `model` and `criterion`, converted to `kind` on `device`, flattened by `getParameters`.
    pub(in crate::frontend::lua) fn network(
        lua: &Lua,
        model: &Table,
        criterion: &Table,
        kind: tch::Kind,
        device: tch::Device,
    ) -> Result<Network> {
        let element = Element::of(kind).unwrap_or(Element::Float);
        let tensor_type = TensorType { element, cuda: device.is_cuda() };
        for object in [model, criterion] {
            ObjectLike::call_method::<()>(object, "type", tensor_type.tensor_name()).or_page(lua)?;
        }
        ObjectLike::call_method::<()>(model, "training", ()).or_page(lua)?;
        let method: Function = model.get("getParameters").or_page(lua)?;
        let (flat, gradients): (LuaValue, LuaValue) = method.call(model).or_page(lua)?;
        let flat = Flat {
            parameters: vector("parameters", &flat, tensor_type)?,
            gradients: vector("gradients", &gradients, tensor_type)?,
        };
        if flat.parameters.numel() != flat.gradients.numel() {
            return Err(Error::new(
                Kind::Network,
                format!(
                    "the network has {} parameters but {} gradients",
                    flat.parameters.numel(),
                    flat.gradients.numel()
                ),
            )
            .with_help("check that you are sharing parameters and gradParameters"));
        }
        let parameters = flat.parameters.clone();
        let grad = flat.gradients.clone();
        let mut lowering = Lowering::new(lua, Some(flat));
        let root = lowering.node(model, "")?;
        let criterion_label = tostring(lua, criterion)?;
        Ok(Network {
            root,
            criterion: lowering.loss(criterion, Caller::Trainer)?,
            criterion_label,
            criterion_origin: origin_of(lua, criterion),
            reported: None,
            gradient_update: None,
            draws: lowering.has_code.then(|| draws(lua)).transpose()?,
            parameters: Parameters { flat: parameters, grad, list: lowering.list, buffers: lowering.buffers },
            kind,
            device,
        })
    }

    /// The node of one module object.
    pub(in crate::frontend::lua) fn node(&mut self, object: &Table, path: &str) -> Result<Rc<Node>> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Error::new(Kind::Network, "the network contains itself")
                .at(origin_of(&self.lua, object).as_ref())
                .with_help("a container was added to itself, or to one of its own children"));
        }
        let origin = origin_of(&self.lua, object);
        let class = class_name(object).unwrap_or_else(|| "table".into());
        let built = self.module(object, &class, path).map_err(|error| error.at(origin.as_ref()));
        self.depth -= 1;
        let (module, parameters) = built?;
        let label = if module.children().is_empty() { tostring(&self.lua, object)? } else { class.clone() };
        let node = Rc::new(Node { path: path.to_string(), class, label, origin, parameters, module });
        self.nodes.insert(object.to_pointer() as usize, node.clone());
        Ok(node)
    }

    fn module(&mut self, object: &Table, class: &str, path: &str) -> Result<Made> {
        let learns = self.learns(object)?;
        let Some(spec) = spec_of(object).filter(|_| learns.is_some()) else {
            return self.foreign(object, class, path, learns);
        };
        // Such a container's own Lua gives each entry a copy of the child, with buffers and state of its own.
        let copies = spec.name() == COPIES_ITS_CHILD && self.holds_foreign(object, 0)?;
        if copies || self.is_overridden(object, spec, path.is_empty())? {
            return self.foreign(object, class, path, learns);
        }
        let Build::Module(build) = spec.build else {
            return Err(Error::new(Kind::Network, format!("{class} is a criterion; a network is made of modules"))
                .with_help("return it as 'loss' beside 'model'"));
        };
        let fields = LuaFields::new(&self.lua, object);
        let mut builder =
            ObjectBuilder { lowering: self, fields, path, learns: learns.unwrap_or(true), own: Vec::new() };
        let module = build(&mut builder)?;
        Ok((module, builder.own))
    }

    /// Whether the user replaced a method that takes part in training, `accGradParameters` aside.
    fn is_overridden(&self, object: &Table, spec: &Spec, is_root: bool) -> Result<bool> {
        // No container calls its children's `forward`; only the trainer calls the network's.
        let methods = ["updateOutput", "updateGradInput", "backward", "training", "evaluate", "forward"];
        let called = if is_root { &methods[..] } else { &methods[..5] };
        for method in called {
            if !is_pristine(&self.lua, object, spec.name(), method).or_page(&self.lua)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether something below `object` would become a node that calls Lua.
    fn holds_foreign(&self, object: &Table, depth: usize) -> Result<bool> {
        let children: Option<Table> = object.get("modules").or_page(&self.lua)?;
        let Some(children) = children.filter(|_| depth < DEEPEST) else { return Ok(false) };
        for child in children.sequence_values::<LuaValue>() {
            let LuaValue::Table(child) = child.or_page(&self.lua)? else { continue };
            let is_foreign = match spec_of(&child) {
                Some(spec) => self.learns(&child)?.is_none() || self.is_overridden(&child, spec, false)?,
                None => true,
            };
            if is_foreign || self.holds_foreign(&child, depth + 1)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Registers the running means of a Lua module, so that snapshots hold them; its children's too.
    fn keep(&mut self, object: &Table, path: &str) -> Result<()> {
        let mut own = Vec::new();
        for pair in object.pairs::<LuaValue, LuaValue>() {
            let (key, value) = pair.or_page(&self.lua)?;
            let (LuaValue::String(key), Some(tensor)) = (key, tensor::from_lua(&value)) else { continue };
            let name = key.to_string_lossy();
            if name.starts_with("running_") {
                own.push(Buffer { name: join(path, &name), tensor: tensor.view() });
            }
        }
        // A table has no order of its own.
        own.sort_by(|a, b| a.name.cmp(&b.name));
        self.buffers.extend(own);
        let children: Option<Table> = object.get("modules").or_page(&self.lua)?;
        let Some(children) = children.filter(|_| path.matches('.').count() < DEEPEST) else { return Ok(()) };
        for i in 1..=children.raw_len() {
            if let LuaValue::Table(child) = children.raw_get(i).or_page(&self.lua)? {
                self.keep(&child, &join(path, &i.to_string()))?;
            }
        }
        Ok(())
    }

    /// A node that calls Lua. Its parameters are part of the flat vector like all others.
    fn foreign(&mut self, object: &Table, class: &str, path: &str, learns: Option<bool>) -> Result<Made> {
        let mut own = Vec::new();
        let method: LuaValue = object.get("parameters").or_page(&self.lua)?;
        if let (LuaValue::Function(method), true) = (method, self.flat.is_some()) {
            let list: Option<Table> = method.call(object).or_page(&self.lua)?;
            // One by one: mlua has room for 8,000 Lua values that Rust holds.
            for (i, value) in list.iter().flat_map(|list| list.sequence_values::<LuaValue>()).enumerate() {
                let Some(tensor) = tensor::from_lua(&value.or_page(&self.lua)?) else { continue };
                let name =
                    join(path, &self.field_of(object, &tensor)?.unwrap_or_else(|| format!("parameter{}", i + 1)));
                own.extend(self.parameter(&tensor, name, learns.unwrap_or(true)).1);
            }
        }
        if self.flat.is_some() {
            self.keep(object, path)?;
        }
        let caller = if path.is_empty() { Caller::Trainer } else { Caller::Parent };
        self.has_code = true;
        Ok((Box::new(Foreign::new(&self.lua, object, class, caller)?), own))
    }

    /// The name of the field that holds this very tensor.
    fn field_of(&self, object: &Table, tensor: &Tensor) -> Result<Option<String>> {
        for pair in object.pairs::<LuaValue, LuaValue>() {
            let (key, value) = pair.or_page(&self.lua)?;
            if let (LuaValue::String(key), Some(field)) = (key, tensor::from_lua(&value))
                && field.address() == tensor.address()
            {
                return Ok(Some(key.to_string_lossy()));
            }
        }
        Ok(None)
    }

    /// Whether the object's own parameters learn: Some(true) with this crate's `accGradParameters`, Some(false) with one
    /// that does nothing (a frozen layer), None with a user's own rule.
    fn learns(&self, object: &Table) -> Result<Option<bool>> {
        let class = spec_of(object).map(|spec| spec.name()).unwrap_or_default();
        if is_pristine(&self.lua, object, class, "accGradParameters").or_page(&self.lua)? {
            return Ok(Some(true));
        }
        let method: LuaValue = object.get("accGradParameters").or_page(&self.lua)?;
        Ok(match method {
            LuaValue::Function(function) if bytecode::does_nothing(&function) => Some(false),
            _ => None,
        })
    }

    /// The nodes of field `modules`.
    pub(in crate::frontend::lua) fn children(&mut self, object: &Table, path: &str) -> Result<Vec<Rc<Node>>> {
        let modules: Option<Table> = object.get("modules").or_page(&self.lua)?;
        let Some(modules) = modules else { return Ok(vec![]) };
        let mut nodes = Vec::with_capacity(modules.raw_len());
        for i in 1..=modules.raw_len() {
            let child: LuaValue = modules.raw_get(i).or_page(&self.lua)?;
            let LuaValue::Table(child) = child else {
                return Err(no_part(&format!("entry {i} of 'modules'"), "module", &child));
            };
            nodes.push(self.node(&child, &join(path, &i.to_string()))?);
        }
        Ok(nodes)
    }

    /// The node of the module in a field; the one that it has in the tree if that was lowered already.
    pub(in crate::frontend::lua) fn child(&mut self, object: &Table, field: &str, path: &str) -> Result<Rc<Node>> {
        let child: LuaValue = object.get(field).or_page(&self.lua)?;
        match child {
            LuaValue::Table(child) => match self.nodes.get(&(child.to_pointer() as usize)) {
                Some(node) => Ok(node.clone()),
                None => self.node(&child, &join(path, field)),
            },
            other => Err(no_part(&format!("field '{field}'"), "module", &other)),
        }
    }

    /// The criterion of one object that another criterion, or a module, holds.
    pub(in crate::frontend::lua) fn criterion(&mut self, object: &Table) -> Result<Box<dyn Criterion>> {
        self.loss(object, Caller::Parent)
    }

    fn foreign_loss(&mut self, object: &Table, caller: Caller) -> Result<Box<dyn Criterion>> {
        self.has_code = true;
        Ok(Box::new(ForeignCriterion::new(&self.lua, object, caller)?))
    }

    fn loss(&mut self, object: &Table, caller: Caller) -> Result<Box<dyn Criterion>> {
        let class = class_name(object).unwrap_or_else(|| "table".into());
        let Some(spec) = spec_of(object) else {
            return self.foreign_loss(object, caller);
        };
        let called: &[&str] = match caller {
            Caller::Trainer => &["updateOutput", "updateGradInput", "forward", "backward"],
            Caller::Parent => &["updateOutput", "updateGradInput"],
        };
        for method in called {
            if !is_pristine(&self.lua, object, spec.name(), method).or_page(&self.lua)? {
                return self.foreign_loss(object, caller);
            }
        }
        let Build::Criterion(build) = spec.build else {
            return Err(Error::new(Kind::Network, format!("'loss' must be a criterion, but {class} is a module"))
                .at(origin_of(&self.lua, object).as_ref())
                .with_help("for example nn.MSECriterion() or nn.ClassNLLCriterion()"));
        };
        let fields = LuaFields::new(&self.lua, object);
        let mut builder = ObjectBuilder { lowering: self, fields, path: "loss", learns: true, own: Vec::new() };
        build(&mut builder)
    }

    /// The criterion in a field.
    pub(in crate::frontend::lua) fn criterion_in(&mut self, object: &Table, field: &str) -> Result<Box<dyn Criterion>> {
        match object.get(field).or_page(&self.lua)? {
            LuaValue::Table(criterion) => self.criterion(&criterion),
            other => Err(no_part(&format!("field '{field}'"), "criterion", &other)),
        }
    }

    /// The criteria in a list field.
    pub(in crate::frontend::lua) fn criteria(
        &mut self,
        object: &Table,
        field: &str,
    ) -> Result<Vec<Box<dyn Criterion>>> {
        let list: Table = object.get(field).or_page(&self.lua)?;
        list.sequence_values::<Table>().map(|criterion| self.criterion(&criterion.or_page(&self.lua)?)).collect()
    }

    /// The differentiable leaf of a parameter on the flat vector's memory, registered; a tensor that is not part
    /// of the flat vector is a constant.
    fn parameter(&mut self, tensor: &Tensor, name: String, learns: bool) -> (tch::Tensor, Option<usize>) {
        let view = tensor.view().detach();
        let Some(flat) = &self.flat else { return (view, None) };
        let Some(grad) = flat.gradient_of(tensor) else { return (view, None) };
        let places = self.places.entry(view.data_ptr() as usize).or_default();
        let twin = places
            .iter()
            .map(|&at| &self.list[at])
            .find(|p| p.learns == learns && p.size == tensor.size() && p.leaf.stride() == tensor.stride());
        let is_twin = twin.is_some();
        let leaf = twin.map_or_else(|| view.set_requires_grad(learns), |twin| twin.leaf.shallow_clone());
        places.push(self.list.len());
        self.list.push(Parameter {
            name,
            size: tensor.size(),
            leaf: leaf.shallow_clone(),
            grad,
            learns,
            is_twin,
            layout: None,
        });
        (leaf, Some(self.list.len() - 1))
    }
}

/// Serves one spec's `build`.
struct ObjectBuilder<'a> {
    lowering: &'a mut Lowering,
    fields: LuaFields,
    path: &'a str,
    learns: bool,
    own: Vec<usize>,
}

impl Builder for ObjectBuilder<'_> {
    fn fields(&self) -> &dyn Fields {
        &self.fields
    }

    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        let Some(tensor) = (&self.fields as &dyn Fields).tensor(name)? else { return Ok(None) };
        let (leaf, index) = self.lowering.parameter(&tensor, join(self.path, name), self.learns);
        self.own.extend(index);
        Ok(Some(leaf))
    }

    fn buffer(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        let Some(tensor) = (&self.fields as &dyn Fields).tensor(name)? else { return Ok(None) };
        let view = tensor.view();
        if self.lowering.flat.is_some() {
            self.lowering.buffers.push(Buffer { name: join(self.path, name), tensor: view.shallow_clone() });
        }
        Ok(Some(view))
    }

    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        self.lowering.children(&self.fields.table, self.path)
    }

    fn child(&mut self, name: &str) -> Result<Rc<Node>> {
        self.lowering.child(&self.fields.table, name, self.path)
    }

    fn ask(&mut self, method: &str) -> Result<Value> {
        self.fields.ask(method)
    }

    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>> {
        self.lowering.criterion_in(&self.fields.table, name)
    }

    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>> {
        self.lowering.criteria(&self.fields.table, name)
    }
}

fn join(path: &str, step: &str) -> String {
    if path.is_empty() { step.to_string() } else { format!("{path}.{step}") }
}
