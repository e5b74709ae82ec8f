//! `load`: runs a network file, calls the function it returns, and reads the table that comes back.
//!
//! Source of the contract: DIGITS `tools/torch/main.lua` (spec section 2.2).

use std::{rc::Rc, time::Instant};

use mlua::{Function, Table, Value as LuaValue};

use super::{
    lower::{self, Lowering},
    object::{OrPage, activity_from_lua, class_name, value_from_lua},
    tensor,
    vm::{Limit, Vm, VmOptions},
};
use crate::{
    error::{Error, Kind, Result},
    frontend::{NetworkParams, Source},
    nn::{Activity, Network},
    torch::{Tensor, TensorType},
};

/// The numbers of the returned table; `None` where the file says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Settings {
    /// `trainBatchSize`
    pub train_batch_size: Option<i64>,
    /// `validationBatchSize`
    pub validation_batch_size: Option<i64>,
    /// `croplen`: side of the square that is cut from each image.
    pub croplen: Option<i64>,
}

/// Called once a batch with the input `[n, c, h, w]` and the database's labels; gives the target.
pub type LabelHook = Box<dyn FnMut(&Tensor, &Tensor) -> Result<Activity>>;

/// A network file that has run: its table, still in Lua.
pub struct Loaded {
    vm: Rc<Vm>,
    model: Table,
    criterion: Table,
    label_hook: Option<Function>,
    fine_tune_hook: Option<Function>,
    /// The file, as given.
    pub source: Source,
    /// Batch sizes and crop.
    pub settings: Settings,
    /// The network as Torch7 prints it.
    pub printed: String,
    /// The criterion as Torch7 prints it.
    pub criterion_printed: String,
    /// How long the file ran, in seconds.
    pub seconds: f64,
}

/// Runs a network file with these parameters.
///
/// # Errors
/// A page for the file's author: syntax and runtime errors with their line, a result that is no network, a limit
/// that was reached.
pub fn load(source: Source, params: &NetworkParams, options: VmOptions, seed: u64) -> Result<Loaded> {
    let start = Instant::now();
    let vm = Rc::new(super::torch_vm(options)?);
    if let Some(folder) = &source.folder {
        vm.set_folder(folder);
    }
    *tensor::generator(vm.lua()).borrow_mut() = crate::torch::Generator::new(seed);
    vm.add_source(&source.name, &source.text);
    let chunk = vm.load(&source.name, &source.text)?;
    let result = vm.guard(Limit::Build, "while the file ran", || chunk.call::<LuaValue>(()))?;
    let returned = match result {
        LuaValue::Function(function) => {
            let table = params_table(&vm, params)?;
            vm.guard(Limit::Build, "in the function that the file returns", || function.call::<LuaValue>(table))?
        }
        other => other,
    };
    let contract = Contract { file: &source.name, lua: vm.lua() };
    let table = contract.table(returned)?;

    let model = contract.module(&table)?;
    let criterion = match contract.get(&table, "loss")? {
        LuaValue::Nil => vm.guard(Limit::Build, "while making nn.ClassNLLCriterion()", || {
            vm.lua().load("return nn.ClassNLLCriterion()").set_name("=[digits] default loss").eval::<Table>()
        })?,
        LuaValue::Table(criterion) if class_name(&criterion).is_some() => criterion,
        other => return Err(contract.wrong("loss", "a criterion, such as nn.MSECriterion()", &other)),
    };
    let settings = Settings {
        train_batch_size: contract.count(&table, "trainBatchSize")?,
        validation_batch_size: contract.count(&table, "validationBatchSize")?,
        croplen: contract.count(&table, "croplen")?,
    };
    let label_hook = contract.function(&table, "labelHook")?;
    let fine_tune_hook = contract.function(&table, "fineTuneHook")?;
    let printed = vm.guard(Limit::Build, "while printing the network", || print(&vm, &model))?;
    let criterion_printed = vm.guard(Limit::Build, "while printing the loss", || print(&vm, &criterion))?;
    Ok(Loaded {
        vm,
        model,
        criterion,
        label_hook,
        fine_tune_hook,
        source,
        settings,
        printed,
        criterion_printed,
        seconds: start.elapsed().as_secs_f64(),
    })
}

impl Loaded {
    /// Runs `fineTuneHook`, as DIGITS does on every training run; its result replaces the model.
    ///
    /// # Errors
    /// When the hook fails or gives no module.
    pub fn fine_tune(&mut self) -> Result<()> {
        let Some(hook) = self.fine_tune_hook.clone() else { return Ok(()) };
        let model = self.model.clone();
        let result = self.vm.guard(Limit::Build, "in fineTuneHook", || hook.call::<LuaValue>(model))?;
        let contract = Contract { file: &self.source.name, lua: self.vm.lua() };
        match result {
            LuaValue::Table(model) if class_name(&model).is_some() => self.model = model,
            other => return Err(contract.wrong("fineTuneHook's result", "a module (return the network)", &other)),
        }
        self.printed = self.vm.guard(Limit::Build, "while printing the network", || print(&self.vm, &self.model))?;
        Ok(())
    }

    /// Whether the file has a `labelHook`.
    #[must_use]
    pub fn has_label_hook(&self) -> bool {
        self.label_hook.is_some()
    }

    /// Whether the file has a `fineTuneHook`.
    #[must_use]
    pub fn has_fine_tune_hook(&self) -> bool {
        self.fine_tune_hook.is_some()
    }

    /// Converts the network to `kind` on `device`, flattens its parameters and lowers it.
    ///
    /// # Errors
    /// When a module cannot be lowered; the page names its line.
    pub fn lower(&self, kind: tch::Kind, device: tch::Device) -> Result<Network> {
        self.vm.guard(Limit::Build, "while the network was made ready to run", || {
            Lowering::network(self.vm.lua(), &self.model, &self.criterion, kind, device).map_err(Error::into_lua)
        })
    }

    /// The model as a `.t7` stream, binary or ASCII, its temporary tensors cleared first as DIGITS does. Methods that
    /// the file overrode on one object are left out: Torch7 would write them as compiled code.
    ///
    /// # Errors
    /// When an object of the model cannot be written.
    pub fn t7(&self, ascii: bool) -> Result<Vec<u8>> {
        const SAVE: &str = "local model, mode = ...\n\
            model:clearState()\n\
            model:apply(function(module)\n\
              for key, value in pairs(module) do if type(value) == 'function' then module[key] = nil end end\n\
            end)\n\
            return torch.serializeToStorage(model, mode)";
        let bytes = self.vm.guard(Limit::None, "while the network was written", || {
            let save = self.vm.lua().load(SAVE).set_name("=[digits] save");
            save.call::<LuaValue>((&self.model, if ascii { "ascii" } else { "binary" }))
        })?;
        let storage = tensor::storage_from_lua(&bytes)
            .ok_or_else(|| Error::new(Kind::Network, "the network cannot be written as a .t7 file"))?;
        storage.bytes()
    }

    /// The hook, to be called once a batch; `None` when the file has none and the target is the label itself.
    #[must_use]
    pub fn label_hook(&self) -> Option<LabelHook> {
        let hook = self.label_hook.clone()?;
        let vm = Rc::clone(&self.vm);
        // The same tensor objects come again with every recycled batch buffer: their userdata is made once.
        let mut known: Vec<(Tensor, LuaValue)> = Vec::new();
        let mut wrap = move |lua: &mlua::Lua, tensor: &Tensor| -> mlua::Result<LuaValue> {
            if let Some((_, value)) = known.iter().find(|(old, _)| old.same(tensor)) {
                return Ok(value.clone());
            }
            let value = LuaValue::UserData(tensor::to_lua(lua, tensor.clone())?);
            if known.len() >= 16 {
                known.remove(0);
            }
            known.push((tensor.clone(), value.clone()));
            Ok(value)
        };
        Some(Box::new(move |input, label| {
            vm.guard(Limit::Hook, "in labelHook", || {
                let arguments = (wrap(vm.lua(), input)?, wrap(vm.lua(), label)?);
                let result: LuaValue = hook.call(arguments)?;
                if result.is_nil() {
                    return Err(Error::new(Kind::Network, "labelHook returned nothing")
                        .with_help("end it with 'return input', 'return dblabel', or what the loss compares with")
                        .into_lua());
                }
                activity_from_lua(&result, "the result of labelHook")
            })
        }))
    }
}

fn print(vm: &Vm, object: &Table) -> mlua::Result<String> {
    lower::tostring(vm.lua(), object).map_err(Error::into_lua)
}

fn params_table(vm: &Vm, params: &NetworkParams) -> Result<Table> {
    let lua = vm.lua();
    vm.guard(Limit::Build, "while the parameters were made", || {
        let table = lua.create_table()?;
        table.set("ngpus", params.ngpus)?;
        table.set("nclasses", params.nclasses)?;
        if let Some(shape) = params.input_shape {
            let numbers = tch::Tensor::from_slice(&shape.map(|n| n as f64));
            let tensor = Tensor::from_tch(TensorType::DOUBLE, &numbers).map_err(Error::into_lua)?;
            table.set("inputShape", tensor::to_lua(lua, tensor)?)?;
        }
        Ok(table)
    })
}

/// Reads the returned table; every complaint names the file and shows what a file must return.
struct Contract<'a> {
    file: &'a str,
    lua: &'a mlua::Lua,
}

const SHAPE: &str = "a network file ends with\n  return function(params)\n    return { model = net, loss = \
                     nn.MSECriterion() }\n  end";

impl Contract<'_> {
    fn table(&self, returned: LuaValue) -> Result<Table> {
        let complaint = |what: String| Err(Error::new(Kind::Network, format!("{} {what}", self.file)).with_help(SHAPE));
        match returned {
            // A module alone is a model with the default loss: how older files end.
            LuaValue::Table(table) if class_name(&table).is_some() => {
                let wrapper = self.lua.create_table().or_page(self.lua)?;
                wrapper.set("model", table).or_page(self.lua)?;
                Ok(wrapper)
            }
            LuaValue::Table(table) => Ok(table),
            LuaValue::Nil => complaint("returns nothing".into()),
            other => complaint(format!("returns a {}, not a network", value_from_lua(&other).type_name())),
        }
    }

    fn module(&self, table: &Table) -> Result<Table> {
        match self.get(table, "model")? {
            LuaValue::Table(model) if class_name(&model).is_some() => Ok(model),
            LuaValue::Nil => {
                Err(Error::new(Kind::Network, format!("{} returns a table without 'model'", self.file))
                    .with_help(SHAPE))
            }
            other => Err(self.wrong("model", "an nn module", &other)),
        }
    }

    fn get(&self, table: &Table, name: &str) -> Result<LuaValue> {
        table.get(name).or_page(self.lua)
    }

    fn count(&self, table: &Table, name: &str) -> Result<Option<i64>> {
        match self.get(table, name)? {
            LuaValue::Nil => Ok(None),
            LuaValue::Integer(n) if n >= 1 => Ok(Some(n)),
            LuaValue::Number(n) if n >= 1.0 && n.fract() == 0.0 && n < 1e9 => Ok(Some(n as i64)),
            other => Err(self.wrong(name, "a whole number of at least 1", &other)),
        }
    }

    fn function(&self, table: &Table, name: &str) -> Result<Option<Function>> {
        match self.get(table, name)? {
            LuaValue::Nil => Ok(None),
            LuaValue::Function(function) => Ok(Some(function)),
            other => Err(self.wrong(name, "a function", &other)),
        }
    }

    fn wrong(&self, name: &str, wanted: &str, got: &LuaValue) -> Error {
        let shown = match got {
            LuaValue::Number(number) => format!("{number}"),
            LuaValue::Integer(number) => format!("{number}"),
            LuaValue::String(text) => format!("the string '{}'", text.to_string_lossy()),
            other => format!("a {}", value_from_lua(other).type_name()),
        };
        Error::new(Kind::Network, format!("{}: {name} must be {wanted}, not {shown}", self.file))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AUTOENCODER: &str = include_str!("../../../networks/autoencoder.lua");

    fn load_text(text: &str) -> Result<Loaded> {
        let params = NetworkParams { input_shape: Some([1, 28, 28]), ..NetworkParams::default() };
        load(Source::pasted("net.lua", text), &params, VmOptions::default(), 1)
    }

    #[test]
    fn the_autoencoder_prints_lowers_and_runs() {
        let loaded = load_text(AUTOENCODER).unwrap();
        assert!(loaded.printed.starts_with("nn.Sequential {\n  [input -> (1) -> (2)"), "{}", loaded.printed);
        assert!(loaded.printed.contains("(3): nn.Linear(784 -> 300)"), "{}", loaded.printed);
        assert_eq!(loaded.settings.train_batch_size, Some(64));
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        assert_eq!(network.parameters.count(), 784 * 300 + 300 + 300 * 50 + 50 + 50 * 300 + 300 + 300 * 784 + 784);
        assert_eq!(network.root.walk()[3].origin.as_ref().unwrap().text.trim(), "autoencoder:add(nn.Linear(784,300))");
        let input: Activity = tch::Tensor::rand([5, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
        let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
        let output = network.forward(&input, &mut cx).unwrap();
        assert_eq!(output.tensor().unwrap().size(), [5, 1, 28, 28]);
        let loss = network.loss(&output, &input, &mut cx).unwrap();
        network.backward(&loss, cx.take_cuts()).unwrap();
        assert!(network.parameters.grad.view().abs().sum(tch::Kind::Float).double_value(&[]) > 0.0);
    }

    #[test]
    fn a_wrong_size_names_line_path_and_shapes() {
        let loaded = load_text(&AUTOENCODER.replace("784,300", "783,300")).unwrap();
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let input: Activity = tch::Tensor::zeros([2, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
        let error = network.forward(&input, &mut crate::nn::Context::new(crate::nn::Mode::Evaluate)).unwrap_err();
        let page = error.to_string();
        for part in ["net.lua:", "nn.Linear(783,300)", "(3) nn.Linear(783 -> 300)", "[2, 784]", "[783] or [n, 783]"] {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
    }

    #[test]
    fn a_module_of_the_user_s_own_trains_like_the_native_one() {
        let own = r#"
            local M, parent = torch.class('nn.Twice', 'nn.Module')
            function M:updateOutput(x) self.output = x * 2; return self.output end
            function M:updateGradInput(x, g) self.gradInput = g * 2; return self.gradInput end
            local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10)):add(TWICE):add(nn.Linear(10, 3))
            return { model = net, loss = nn.MSECriterion() }
        "#;
        let grads = |module: &str| {
            let loaded = load_text(&own.replace("TWICE", module)).unwrap();
            let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
            tch::manual_seed(3);
            let input: Activity = tch::Tensor::rand([4, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
            let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
            let output = network.forward(&input, &mut cx).unwrap();
            let loss = output.tensor().unwrap().square().sum(tch::Kind::Float);
            network.backward(&loss, cx.take_cuts()).unwrap();
            network.parameters.grad.view().copy()
        };
        let difference = (grads("nn.Twice()") - grads("nn.MulConstant(2)")).abs().max().double_value(&[]);
        assert!(difference < 1e-5, "{difference}");
    }

    #[test]
    fn modules_that_share_weights_share_their_leaves() {
        let text = r#"
            local net, a = nn.Sequential(), nn.Linear(4, 4)
            net:add(a):add(nn.Tanh()):add(a:clone('weight', 'bias', 'gradWeight', 'gradBias'))
            return { model = net, loss = nn.MSECriterion() }
        "#;
        let network = load_text(text).unwrap().lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let parameters = &network.parameters;
        assert_eq!(parameters.list.iter().map(|p| p.is_twin).collect::<Vec<_>>(), [false, false, true, true]);
        assert_eq!(parameters.in_order(), Some(vec![0, 1]));
        let float = (tch::Kind::Float, tch::Device::Cpu);
        let (input, target) =
            (Activity::from(tch::Tensor::rand([3, 4], float)), tch::Tensor::rand([3, 4], float).into());
        let loss = || {
            let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
            let output = network.forward(&input, &mut cx).unwrap();
            network.loss(&output, &target, &mut cx).unwrap()
        };
        let pieces = network.gradients(&loss(), vec![]).unwrap();
        let found = tch::Tensor::cat(&pieces.iter().map(|piece| piece.reshape([-1])).collect::<Vec<_>>(), 0);
        // The slope along a parameter of both modules at once.
        for (i, step) in [(0, 1e-2), (17, 1e-2)] {
            let mut number = parameters.flat.view().get(i);
            let mut moved = |by: f64| {
                let _ = tch::no_grad(|| number.f_add_scalar_(by).unwrap());
                loss().double_value(&[])
            };
            let slope = (moved(step) - moved(-2.0 * step)) / (2.0 * step);
            let _ = moved(step);
            let gradient = found.double_value(&[i]);
            assert!((gradient - slope).abs() < 1e-3 + 0.02 * slope.abs(), "{i}: {gradient}, not {slope}");
        }
    }

    #[test]
    fn a_snapshot_holds_what_a_module_of_the_user_s_own_learns() {
        let own = r#"
            local M, parent = torch.class('nn.Own', 'nn.Linear')
            function M:updateOutput(x) return parent.updateOutput(self, x) end
            return { model = nn.Sequential():add(nn.Linear(4, 3)):add(nn.Own(3, 2)), loss = nn.MSECriterion() }
        "#;
        let network = load_text(own).unwrap().lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let names: Vec<&str> = network.parameters.named().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["1.weight", "1.bias", "2.weight", "2.bias"]);
    }

    #[test]
    fn decorated_and_joined_branches_lower_and_learn() {
        let text = r#"
            local branches = nn.DepthConcat(2):add(nn.Linear(784, 5)):add(nn.Bottle(nn.Linear(784, 4)))
            local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(branches)
            net:add(nn.ConcatTable():add(nn.Identity()):add(nn.Identity()))
            net:add(nn.MapTable(nn.Linear(9, 3))):add(nn.CAddTable()):add(nn.Decorator(nn.Tanh()))
            return { model = net, loss = nn.MSECriterion() }
        "#;
        let loaded = load_text(text).unwrap();
        assert!(loaded.printed.contains("nn.Bottle @ nn.Linear(784 -> 4)"), "{}", loaded.printed);
        let network = loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap();
        let input: Activity = tch::Tensor::rand([4, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)).into();
        let mut cx = crate::nn::Context::new(crate::nn::Mode::Train);
        let output = network.forward(&input, &mut cx).unwrap();
        assert_eq!(output.tensor().unwrap().size(), [4, 3]);
        network.backward(&output.tensor().unwrap().square().sum(tch::Kind::Float), cx.take_cuts()).unwrap();
        for parameter in &network.parameters.list {
            assert!(parameter.grad.abs().max().double_value(&[]) > 0.0, "{} learns nothing", parameter.name);
        }
    }

    #[test]
    fn a_script_that_trains_by_hand_sees_its_loss_fall() {
        let text = r#"
            local net = nn.Sequential():add(nn.Linear(4, 3)):add(nn.Tanh()):add(nn.Linear(3, 2))
            local x, y, loss = torch.randn(5, 4), torch.randn(5, 2), nn.MSECriterion()
            local w, g = net:getParameters()
            local first = loss:forward(net:forward(x), y)
            for _ = 1, 200 do
               g:zero()
               loss:forward(net:forward(x), y)
               net:backward(x, loss:backward(net.output, y))
               w:add(-0.1, g)
            end
            local last = loss:forward(net:forward(x), y)
            assert(last < 0.7 * first, first .. ' -> ' .. last)
            local copy = net:clone()
            copy:get(1).weight:zero()
            assert(net:get(1).weight:norm() > 0 and copy:get(1).weight:norm() == 0)
            assert(copy:double():get(1).weight:type() == 'torch.DoubleTensor')
            return net
        "#;
        load_text(text).unwrap();
    }

    #[test]
    fn long_calls_of_tensors_and_modules_do_not_outlast_the_clock() {
        let options = VmOptions { build_time: std::time::Duration::from_millis(300), ..VmOptions::default() };
        for long in ["x:mm(x, x)", "m:forward(x)", "x:normal()"] {
            let text =
                format!("local x = torch.randn(700, 700) local m = nn.Linear(700, 700) while true do {long} end");
            let start = Instant::now();
            let page =
                load(Source::pasted("net.lua", &text), &NetworkParams::default(), options.clone(), 1).err().unwrap();
            assert!(page.to_string().contains("stopped after 300 ms"), "{long}: {page}");
            // Without a look at the clock in the calls themselves it would be 250 of them.
            assert!(start.elapsed() < std::time::Duration::from_secs(20), "{long}: {:?}", start.elapsed());
        }
    }

    #[test]
    fn what_is_no_network_is_told_so() {
        for (text, words) in [
            ("local x = 1", "returns nothing"),
            ("return 42", "returns a number, not a network"),
            ("return function() return {loss = nn.MSECriterion()} end", "returns a table without 'model'"),
            ("return nn.Sequental()", "did you mean nn.Sequential?"),
            ("return nn.Sequential():add(nn.ReLU)", "call the class"),
            ("return nn.Linear(10)", "#2 (outputSize) to nn.Linear: number expected, got no value"),
        ] {
            let page = load_text(text).err().map(|error| error.to_string()).unwrap_or_default();
            assert!(page.contains(words), "{text}: {page}");
        }
    }
}
