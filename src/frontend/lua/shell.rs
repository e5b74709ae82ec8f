//! `Shell`: a machine for the user's own scripts, as Torch7's `th` was: a file with arguments, or line by line.

use mlua::{MultiValue, Table, Value};

use super::vm::{Limit, Vm, VmOptions};
use crate::{error::Result, frontend::Source};

/// A machine that scripts run in one after another, sharing their globals.
pub struct Shell {
    vm: Vm,
}

impl Shell {
    /// A machine with `torch` and `nn` loaded; tensors are doubles by default, as in `th`.
    ///
    /// # Errors
    /// When the memory limit is too small for the packages.
    pub fn new(options: VmOptions) -> Result<Shell> {
        let vm = super::torch_vm(options)?;
        let shell = Shell { vm };
        shell.vm.guard(Limit::None, "while the shell starts", || {
            let torch: Table = shell.vm.lua().globals().get("torch")?;
            torch.get::<mlua::Function>("setdefaulttensortype")?.call::<()>("torch.DoubleTensor")
        })?;
        Ok(shell)
    }

    fn limit(&self) -> Limit {
        if self.vm.options().trusted { Limit::None } else { Limit::Build }
    }

    /// Runs a file; `arguments` are its `...` and, with the file's name as number 0, the global `arg`.
    ///
    /// # Errors
    /// A page for what the script raised, or a limit that it reached.
    pub fn run_file(&self, source: &Source, arguments: &[String]) -> Result<()> {
        if let Some(folder) = &source.folder {
            self.vm.set_folder(folder);
        }
        let chunk = self.vm.load(&source.name, &source.text)?;
        self.vm.guard(self.limit(), "while the script ran", || {
            let lua = self.vm.lua();
            let arg = lua.create_sequence_from(arguments.iter().map(String::as_str))?;
            arg.raw_set(0, source.name.as_str())?;
            lua.globals().set("arg", arg)?;
            let values = arguments.iter().map(|text| lua.create_string(text).map(Value::String));
            chunk.call::<()>(values.collect::<mlua::Result<MultiValue>>()?)
        })
    }

    /// Runs a piece of code that came with the command line.
    ///
    /// # Errors
    /// As [`Shell::run_file`].
    pub fn run_code(&self, name: &str, text: &str) -> Result<()> {
        let chunk = self.vm.load(name, text)?;
        self.vm.guard(self.limit(), "while the code ran", || chunk.call::<()>(()))
    }
}
