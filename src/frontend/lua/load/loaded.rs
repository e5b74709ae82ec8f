//! `Loaded`: a network file that has run, its hooks, and the way to its network.

use std::{path::PathBuf, rc::Rc};

use mlua::{Function, MultiValue, Table, Value as LuaValue};

use super::{contract::Contract, cycle};
use crate::{
    error::{Error, Kind, Result},
    frontend::{
        Settings, Source,
        lua::{
            lowering::{draws::draws, lower::Lowering},
            machine::{
                bytecode,
                error::raise,
                vm::{Limit, Vm},
            },
            objects::{activity::activity_from_lua, classes::class_name, object::tostring},
            tensor,
        },
    },
    nn::{LabelHook, Network},
};

/// A network file that has run: its table, still in Lua.
pub struct Loaded {
    pub(super) vm: Rc<Vm>,
    pub(super) model: Table,
    pub(super) criterion: Table,
    pub(super) label_hook: Option<Function>,
    pub(super) fine_tune_hook: Option<Function>,
    /// What the file's function was called with; none where the file returned a table at once.
    pub(super) params: Option<Table>,
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
        cycle::check(self.vm.lua(), &self.model)?;
        self.printed = self.vm.guard(Limit::Build, "while printing the network", || print(&self.vm, &self.model))?;
        Ok(())
    }

    /// Answers at any later time which files beside the network file it has read: each with its place below the folder.
    #[must_use]
    pub fn read_files(&self) -> Box<dyn Fn() -> Vec<(PathBuf, PathBuf)>> {
        let (vm, folder) = (Rc::clone(&self.vm), self.source.folder.clone());
        Box::new(move || {
            let Some(folder) = &folder else { return Vec::new() };
            vm.read_files().into_iter().map(|below| (below.clone(), folder.join(below))).collect()
        })
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
            let lua = self.vm.lua();
            let mut network = Lowering::network(lua, &self.model, &self.criterion, kind, device).map_err(raise)?;
            let returns_argument = |hook| matches!(bytecode::returned_argument(hook), Some(0 | 1));
            let is_code = self.label_hook.as_ref().is_some_and(|hook| !returns_argument(hook));
            if network.draws.is_none() && is_code {
                network.draws = Some(draws(lua).map_err(raise)?);
            }
            Ok(network)
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

    /// The hook, to be called once a batch with the input `[n, c, h, w]` and the database's labels, which are its own; `None`
    /// when the file has none and the target is the label itself.
    #[must_use]
    pub fn label_hook(&self) -> Option<LabelHook> {
        let hook = self.label_hook.clone()?;
        // Common enough, and the hot path has no Lua then.
        match bytecode::returned_argument(&hook) {
            Some(0) => return Some(LabelHook::Input),
            Some(1) => return Some(LabelHook::Labels),
            _ => {}
        }
        let (vm, params, mut warned) = (Rc::clone(&self.vm), self.params.clone(), false);
        Some(LabelHook::Code(Box::new(move |phase, input, label| {
            vm.guard(Limit::Hook, "in labelHook", || {
                let lua = vm.lua();
                // On an accelerator each batch has new memory, which Lua's collector cannot see behind past handles.
                tensor::pace_collector(lua)?;
                let arguments = (tensor::to_lua(lua, input.clone())?, tensor::to_lua(lua, label.clone())?);
                if let Some(params) = &params {
                    params.raw_set("phase", phase.name())?;
                }
                let results: MultiValue = hook.call(arguments)?;
                if results.get(1).is_some_and(|second| !second.is_nil()) && !warned {
                    warned = true;
                    let sentence = "warning: labelHook returns more than one value: only the first is used";
                    vm.options().output.line(sentence);
                }
                let result = results.into_iter().next().unwrap_or(LuaValue::Nil);
                if result.is_nil() {
                    return Err(raise(
                        Error::new(Kind::Network, "labelHook returned nothing")
                            .with_help("end it with 'return input', 'return dblabel', or what the loss compares with"),
                    ));
                }
                activity_from_lua(lua, &result, "the result of labelHook")
            })
        })))
    }
}

/// An object as Torch7 prints it.
pub(super) fn print(vm: &Vm, object: &Table) -> mlua::Result<String> {
    tostring(vm.lua(), object).map_err(raise)
}
