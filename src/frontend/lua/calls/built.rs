//! `Built`: the Rust module of an object, built for an eager call from the object's fields and kept for the next call.
//!
//! The fields are the truth: a script may replace any of them between two calls. So a kept module is used again only
//! when every field that its `build` read is as it was: the same number, the same tensor object in the same layout.
//! Modules whose `build` looks into a table or into a tensor's numbers (children, indices) are built anew.
//!
//! A kept module holds no Lua value of its own: mlua keeps those on a stack of 8,000 places, and a script may keep any
//! number of modules.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

use mlua::{AnyUserData, Lua, LuaString, Table, UserData, Value as LuaValue};

use super::{again::Repeats, seen::Seen};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{
        lowering::lower::Lowering,
        machine::error::OrPage,
        objects::{
            classes::class_name,
            object::LuaFields,
            value::{value_from_lua, value_to_lua},
        },
        tensor,
    },
    nn::{Build, Builder, Criterion, Fields, Module, Node, Spec, Value},
    torch::{Place, Tensor, TensorType, direct::changes},
};

/// A module or criterion as one eager call uses it.
pub(in crate::frontend::lua) struct Built {
    part: Part,
    /// The parameters that `build` asked for, in that order.
    pub(super) parameters: Vec<Parameter>,
    /// The type of the object's tensors.
    pub(in crate::frontend::lua) tensor_type: TensorType,
    reads: Vec<Read>,
    /// The object's metatable, when `build` asked for the class.
    class: Option<usize>,
    keepable: bool,
    /// Whether `build` asked for a parameter, there or not.
    learns: bool,
    pub(super) repeats: Repeats,
    /// Where the module last wrote its output, and [`changes`] of that memory then; of modules that read it.
    written: RefCell<Option<(Place, u32)>>,
    spec: &'static Spec,
}

/// A parameter of an object.
pub(super) struct Parameter {
    /// A leaf of a graph, where gradients are wanted.
    pub(super) leaf: tch::Tensor,
    /// The field of its gradient: `gradWeight` of `weight`.
    pub(super) gradient: LuaString,
}

enum Part {
    Module(Box<dyn Module>),
    Criterion(Box<dyn Criterion>),
}

/// A field as it was when `build` read it.
struct Read {
    key: LuaString,
    seen: Seen,
}

/// What is kept for one object, once without and once with leaves that want gradients.
#[derive(Default)]
struct Kept(RefCell<[Option<Rc<Built>>; 2]>);

impl UserData for Kept {}

/// A field of an object; raw access first, because nearly all fields are the object's own.
pub(super) fn field(object: &Table, name: &LuaString) -> mlua::Result<LuaValue> {
    match object.raw_get(name)? {
        LuaValue::Nil => object.get(name),
        own => Ok(own),
    }
}

/// The names of fields as Lua strings, each made once a machine.
#[derive(Clone, Default)]
struct Names(Rc<RefCell<HashMap<String, LuaString>>>);

impl Names {
    fn get(&self, lua: &Lua, name: &str) -> mlua::Result<LuaString> {
        if let Some(known) = self.0.borrow().get(name) {
            return Ok(known.clone());
        }
        let made = lua.create_string(name)?;
        self.0.borrow_mut().insert(name.to_string(), made.clone());
        Ok(made)
    }
}

/// The kept modules of a machine: a table whose keys are the objects, which it does not keep alive.
#[derive(Clone)]
pub(in crate::frontend::lua) struct Shelf {
    kept: Table,
    names: Names,
}

impl Shelf {
    pub(in crate::frontend::lua) fn new(lua: &Lua) -> mlua::Result<Shelf> {
        let (table, weak) = (lua.create_table()?, lua.create_table()?);
        weak.raw_set("__mode", "k")?;
        table.set_metatable(Some(weak))?;
        Ok(Shelf { kept: table, names: Names::default() })
    }

    /// The name of a field that a `build` reads, or an eager call.
    pub(in crate::frontend::lua) fn name(&self, lua: &Lua, name: &str) -> mlua::Result<LuaString> {
        self.names.get(lua, name)
    }

    /// The module of `object`: the kept one, or one built now. `differentiable` parameters are leaves of a graph.
    pub(in crate::frontend::lua) fn built(
        &self,
        lua: &Lua,
        spec: &'static Spec,
        object: &Table,
        differentiable: bool,
    ) -> Result<Rc<Built>> {
        let kept: Option<AnyUserData> = self.kept.raw_get(object).or_page(lua)?;
        let kept = kept.and_then(|data| {
            data.borrow::<Kept>().ok().map(|kept| (data.clone(), kept.0.borrow()[usize::from(differentiable)].clone()))
        });
        if let Some((_, Some(built))) = &kept
            && std::ptr::eq(built.spec, spec)
            && built.is_fresh(object).or_page(lua)?
        {
            return Ok(built.clone());
        }
        let built = Rc::new(Built::new(lua, spec, object, differentiable, &self.names)?);
        if built.keepable {
            let data = match kept {
                Some((data, _)) => data,
                None => {
                    let data = lua.create_userdata(Kept::default()).or_page(lua)?;
                    self.kept.raw_set(object, &data).or_page(lua)?;
                    data
                }
            };
            let kept = data.borrow::<Kept>().or_page(lua)?;
            kept.0.borrow_mut()[usize::from(differentiable)] = Some(built.clone());
        }
        Ok(built)
    }

    /// Whether the kept module of `object` never asks for a parameter, whatever its fields are.
    pub(in crate::frontend::lua) fn never_learns(&self, object: &Table) -> mlua::Result<bool> {
        let kept: Option<AnyUserData> = self.kept.raw_get(object)?;
        let Some(kept) = kept else { return Ok(false) };
        let kept = kept.borrow::<Kept>()?;
        Ok(kept.0.borrow()[0].as_ref().is_some_and(|built| built.class.is_none() && !built.learns))
    }

    /// Drops what is kept for `object`, whose tensors were replaced.
    pub(in crate::frontend::lua) fn forget(&self, object: &Table) -> mlua::Result<()> {
        self.kept.raw_set(object, LuaValue::Nil)
    }
}

impl Built {
    fn new(lua: &Lua, spec: &'static Spec, object: &Table, differentiable: bool, names: &Names) -> Result<Built> {
        let mut reader = Reader {
            names: names.clone(),
            fields: LuaFields::new(lua, object),
            differentiable,
            parameters: Vec::new(),
            reads: RefCell::new(Vec::new()),
            class: Cell::new(None),
            keepable: Cell::new(true),
            learns: false,
        };
        let part = match spec.build {
            Build::Module(build) => Part::Module(build(&mut reader)?),
            Build::Criterion(build) => Part::Criterion(build(&mut reader)?),
        };
        let tensor_type = reader.tensor_type();
        let (class, keepable) = (reader.class.get(), reader.keepable.get());
        Ok(Built {
            part,
            parameters: reader.parameters,
            tensor_type,
            reads: reader.reads.into_inner(),
            class,
            keepable,
            learns: reader.learns,
            repeats: Repeats::default(),
            written: RefCell::new(None),
            spec,
        })
    }

    /// Remembers that the module has written `output`.
    pub(super) fn note_written(&self, output: &LuaValue) {
        if !self.module().is_ok_and(Module::reads_its_output) {
            return;
        }
        let mut written = self.written.borrow_mut();
        *written = tensor::from_lua(output).map(|tensor| {
            let place = written.take().map(|(place, _)| place).filter(|place| place.is_of(&tensor));
            (place.unwrap_or_else(|| Place::of(&tensor)), changes(&tensor.view()))
        });
    }

    /// Whether `output` is as the module has written it.
    pub(super) fn is_as_written(&self, output: &LuaValue) -> bool {
        let written = self.written.borrow();
        let (Some((place, count)), Some(tensor)) = (&*written, tensor::from_lua(output)) else { return false };
        place.is_of(&tensor) && changes(&tensor.view()) == *count
    }

    /// Whether it serves the next call, too.
    pub(super) fn is_kept(&self) -> bool {
        self.keepable
    }

    /// Whether all that was read is as it was.
    fn is_fresh(&self, object: &Table) -> mlua::Result<bool> {
        for read in &self.reads {
            if !read.seen.is_still(&field(object, &read.key)?) {
                return Ok(false);
            }
        }
        Ok(self.class.is_none() || self.class == class_address(object))
    }

    pub(in crate::frontend::lua) fn module(&self) -> Result<&dyn Module> {
        match &self.part {
            Part::Module(module) => Ok(&**module),
            Part::Criterion(_) => Err(Error::new(Kind::Network, "this is a criterion, not a module")),
        }
    }

    pub(in crate::frontend::lua) fn criterion(&self) -> Result<&dyn Criterion> {
        match &self.part {
            Part::Criterion(criterion) => Ok(&**criterion),
            Part::Module(_) => Err(Error::new(Kind::Network, "this is a module, not a criterion")),
        }
    }
}

/// `weight` → `gradWeight`.
fn gradient_field(name: &str) -> String {
    let mut letters = name.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase()).unwrap_or_default();
    format!("grad{first}{}", letters.as_str())
}

fn class_address(object: &Table) -> Option<usize> {
    object.metatable().map(|class| class.to_pointer() as usize)
}

/// Serves one `build` and notes what it reads.
struct Reader {
    names: Names,
    fields: LuaFields,
    differentiable: bool,
    parameters: Vec<Parameter>,
    reads: RefCell<Vec<Read>>,
    class: Cell<Option<usize>>,
    keepable: Cell<bool>,
    learns: bool,
}

impl Reader {
    fn read(&self, name: &str, by_layout: bool) -> Result<LuaValue> {
        let lua = &self.fields.lua;
        let key = self.names.get(lua, name).or_page(lua)?;
        let value: LuaValue = self.fields.table.get(&key).or_page(lua)?;
        let layout = tensor::from_lua(&value).filter(|_| by_layout).map(|tensor| {
            let version = tensor.version();
            Seen::Layout(tensor, version)
        });
        match layout.or_else(|| Seen::of(&value)) {
            Some(seen) => self.reads.borrow_mut().push(Read { key, seen }),
            None => self.keepable.set(false),
        }
        Ok(value)
    }

    /// The tensor in a field, of which only a view is made.
    fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        let value = self.read(name, true)?;
        match tensor::from_lua(&value) {
            Some(tensor) => Ok(Some(tensor)),
            // Words the complaint, too.
            None => (&self.fields as &dyn Fields).tensor(name),
        }
    }

    fn lowering(&self) -> Lowering {
        self.keepable.set(false);
        Lowering::for_call(&self.fields.lua)
    }
}

impl Fields for Reader {
    fn class(&self) -> String {
        // `cudnn.convert` gives an object another class.
        self.class.set(class_address(&self.fields.table));
        class_name(&self.fields.table).unwrap_or_else(|| "table".into())
    }

    fn tensor_type(&self) -> TensorType {
        // An object without the field follows torch.setdefaulttensortype.
        if !matches!(self.read("_type", false), Ok(LuaValue::String(_))) {
            self.keepable.set(false);
        }
        self.fields.tensor_type()
    }

    fn get(&self, name: &str) -> Result<Value> {
        Ok(value_from_lua(&self.read(name, false)?))
    }

    fn set(&self, name: &str, value: Value) -> Result<()> {
        let lua = &self.fields.lua;
        let value = value_to_lua(lua, value).or_page(lua)?;
        self.fields.table.set(name, value).or_page(lua)
    }
}

impl Builder for Reader {
    fn fields(&self) -> &dyn Fields {
        self
    }

    fn parameter(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        self.learns = true;
        let Some(tensor) = self.tensor(name)? else { return Ok(None) };
        let leaf = tensor.view().detach();
        let leaf = if self.differentiable && leaf.is_floating_point() { leaf.set_requires_grad(true) } else { leaf };
        let lua = &self.fields.lua;
        let gradient = self.names.get(lua, &gradient_field(name)).or_page(lua)?;
        self.parameters.push(Parameter { leaf: leaf.shallow_clone(), gradient });
        Ok(Some(leaf))
    }

    fn buffer(&mut self, name: &str) -> Result<Option<tch::Tensor>> {
        Ok(self.tensor(name)?.map(|tensor| tensor.view()))
    }

    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        self.lowering().children(&self.fields.table, "")
    }

    fn child(&mut self, name: &str) -> Result<Rc<Node>> {
        self.lowering().child(&self.fields.table, name, "")
    }

    fn ask(&mut self, method: &str) -> Result<Value> {
        self.keepable.set(false);
        self.fields.ask(method)
    }

    fn criterion(&mut self, name: &str) -> Result<Box<dyn Criterion>> {
        self.lowering().criterion_in(&self.fields.table, name)
    }

    fn criteria(&mut self, name: &str) -> Result<Vec<Box<dyn Criterion>>> {
        self.lowering().criteria(&self.fields.table, name)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use crate::frontend::lua::{
        library::packages::torch_vm,
        machine::vm::{Limit, VmOptions},
    };

    /// Runs a script that asserts what it claims.
    pub(in crate::frontend::lua::calls) fn run(text: &str) {
        let vm = torch_vm(VmOptions::default()).unwrap();
        let chunk = vm.load("test.lua", text).unwrap();
        vm.guard(Limit::Build, "in the test", || chunk.call::<()>(())).unwrap_or_else(|page| panic!("{page}"));
    }

    #[test]
    fn the_next_call_sees_every_changed_field() {
        run(r"
            torch.setdefaulttensortype('torch.DoubleTensor')
            local m, x, g = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
            local function check(what)
               local wanted = x * m.weight:t()
               if m.bias then for i = 1, 4 do wanted[i]:add(m.bias) end end
               assert((m:forward(x) - wanted):abs():max() < 1e-9, what)
               m:zeroGradParameters()
               assert((m:backward(x, g) - g * m.weight):abs():max() < 1e-9, what .. ': gradInput')
               assert((m.gradWeight - g:t() * x):abs():max() < 1e-9, what .. ': gradWeight')
            end
            check 'as made'
            check 'again'
            m.weight:fill(2)
            check 'filled'
            m.weight = torch.randn(2, 3)
            check 'replaced'
            m.weight:set(torch.randn(4, 3):narrow(1, 2, 2))
            check 're-pointed'
            m.gradWeight = torch.zeros(2, 3)
            check 'a new gradient'
            m:getParameters():uniform()
            check 'flattened'
            local shared = m:clone('weight', 'gradWeight')
            shared.weight:fill(3)
            check 'shared'
            m.bias, m.gradBias = nil, nil
            check 'no bias'
            m.gradInput = nil
            assert(m:backward(x, g) == nil)
            m:float()
            assert(m:forward(x:float()):type() == 'torch.FloatTensor')
            local scale = nn.MulConstant(2)
            assert(scale:forward(x):sum() == (x * 2):sum())
            scale.constant_scalar = 5
            assert(math.abs(scale:forward(x):sum() - (x * 5):sum()) < 1e-9)
        ");
    }

    #[test]
    fn a_half_of_backward_that_was_replaced_is_called() {
        run(r"
            local m, x, g = nn.Linear(3, 2), torch.randn(4, 3), torch.randn(4, 2)
            local native, calls = m.accGradParameters, 0
            function m:accGradParameters(...)
               calls = calls + 1
               return native(self, ...)
            end
            m:backward(x, g)
            nn.Sequential():add(m):backward(x, g)
            assert(calls == 2, calls)
        ");
    }

    #[test]
    fn a_criterion_that_looks_at_no_target_needs_none() {
        run(r"
            local x = {torch.Tensor{1}, torch.Tensor{1}}
            local ratio = nn.DistanceRatioCriterion()
            assert(math.abs(ratio:forward(x) - math.log(2)) < 1e-6)
            assert(#ratio:backward(x) == 2)
            assert(not pcall(function() nn.MarginRankingCriterion():forward(x) end))
        ");
    }

    #[test]
    fn an_input_that_stands_for_more_than_memory_holds_is_a_page() {
        run(r"
            local one = torch.LongTensor{1}:expand(2^32)
            local x = torch.zeros(1, 1):expand(2^32, 2)
            local criterion = nn.ClassNLLCriterion()
            for _, call in ipairs{
               function() nn.LookupTable(5, 2):forward(one) end,
               function() nn.LookupTable(5, 2):accGradParameters(one, x) end,
               function() criterion:forward(x, one) end,
               function() criterion:backward(x, one) end,
               function() nn.ClassNLLCriterion(torch.ones(2)):forward(x, one) end,
               function() nn.Reshape(one:double()):forward(torch.zeros(2)) end,
               function() nn.SpatialConvolutionMap(torch.zeros(1, 1):fill(1):expand(2^32, 2), 1, 1) end,
            } do
               local fine, page = pcall(call)
               assert(not fine and tostring(page):find('tensor memory'), tostring(page))
            end
        ");
    }

    #[test]
    fn what_is_kept_keeps_no_object_alive() {
        run(r"
            local weak = setmetatable({}, {__mode = 'v'})
            weak[1] = nn.Linear(3, 2)
            weak[1]:forward(torch.randn(4, 3))
            collectgarbage()
            collectgarbage()
            assert(weak[1] == nil)
        ");
    }
}
