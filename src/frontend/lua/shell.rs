//! `Shell`: a machine for the user's own scripts, as Torch7's `th` was: a file with arguments, or line by line.

use std::collections::BTreeSet;

use mlua::{Function, LuaString, MultiValue, Table, Value};

use crate::{
    error::Result,
    frontend::{
        Source,
        lua::{
            library::{chunks::native, packages::torch_vm},
            machine::{
                compile::function,
                error,
                vm::{Limit, Vm, VmOptions},
            },
            tensor,
        },
    },
};

/// A machine that scripts run in one after another, sharing their globals.
pub struct Shell {
    vm: Vm,
    /// Text for the values of an expression.
    show: Function,
}

impl Shell {
    /// A machine with `torch` and `nn` loaded; tensors are doubles by default, as in `th`.
    ///
    /// # Errors
    /// When the memory limit is too small for the packages.
    pub fn new(options: VmOptions) -> Result<Shell> {
        let vm = torch_vm(options)?;
        let show = vm.guard(Limit::None, "while the shell starts", || {
            let torch: Table = vm.lua().globals().get("torch")?;
            torch.get::<Function>("setdefaulttensortype")?.call::<()>("torch.DoubleTensor")?;
            native(vm.lua())?.get("show")
        })?;
        Ok(Shell { vm, show })
    }

    fn limit(&self) -> Limit {
        if self.vm.options().trusted { Limit::None } else { Limit::Build }
    }

    /// Runs `f`; a line of output that it began ends with it.
    fn guard<T>(&self, when: &str, f: impl FnOnce() -> mlua::Result<T>) -> Result<T> {
        let result = self.vm.guard(self.limit(), when, f);
        self.vm.options().output.flush();
        result
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
        self.guard("while the script ran", || {
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
        self.guard("while the code ran", || chunk.call::<()>(()))
    }

    /// Runs what was typed at a prompt: an expression, whose values are shown, or statements. Needs more lines when the
    /// code ends too early.
    ///
    /// # Errors
    /// As [`Shell::run_file`].
    pub fn evaluate(&self, typed: &str) -> Result<Evaluated> {
        let typed = typed.trim_start().strip_prefix('=').unwrap_or(typed);
        self.vm.add_source(PROMPT, typed);
        let lua = self.vm.lua();
        let compile = |text: &str| function(lua, format!("@{PROMPT}"), text.as_bytes(), None);
        let chunk = match compile(&format!("return {typed}")) {
            Ok(expression) => expression,
            Err(_) => match compile(typed) {
                Ok(statements) => statements,
                Err(mlua::Error::SyntaxError { incomplete_input: true, .. }) => return Ok(Evaluated::Incomplete),
                Err(source) => return Err(error::page(lua, &source)),
            },
        };
        let text = self.guard("while the line ran", || {
            let values: MultiValue = chunk.call(())?;
            if values.is_empty() { Ok(None) } else { self.show.call::<LuaString>(values).map(Some) }
        })?;
        Ok(match text {
            Some(text) => Evaluated::Shown(text.to_string_lossy()),
            None => Evaluated::Nothing,
        })
    }

    /// The names that may go on from what was typed: where the word to complete begins, and what it may become. Looks at
    /// globals and, behind `.` and `:`, at fields; calls nothing.
    #[must_use]
    pub fn complete(&self, typed: &str) -> (usize, Vec<String>) {
        let belongs = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | '.' | ':');
        let path = typed.rsplit(|letter| !belongs(letter)).next().unwrap_or_default();
        let word = path.rsplit(['.', ':']).next().unwrap_or_default();
        let start = typed.len() - word.len();
        let owner = path[..path.len() - word.len()].trim_end_matches(['.', ':']);
        let found = self.owner(owner).and_then(|owner| self.names_in(&owner, word)).unwrap_or_default();
        (start, found)
    }

    /// The value of `a.b.c`, the globals for an empty path.
    fn owner(&self, path: &str) -> Option<Value> {
        let mut value = Value::Table(self.vm.lua().globals());
        for name in path.split(['.', ':']).filter(|name| !name.is_empty()) {
            value = self.levels(&value).into_iter().find_map(|level| match level.raw_get::<Value>(name) {
                Ok(Value::Nil) | Err(_) => None,
                Ok(found) => Some(found),
            })?;
        }
        Some(value)
    }

    /// The tables in which a value's fields are looked up: itself, its class, the parents.
    fn levels(&self, value: &Value) -> Vec<Table> {
        let first = match value {
            Value::Table(table) => Some(table.clone()),
            Value::String(_) => self.vm.lua().globals().raw_get("string").ok(),
            other => tensor::class_table(self.vm.lua(), other),
        };
        let next = |table: &Table| match table.metatable()?.raw_get::<Value>("__index") {
            Ok(Value::Table(index)) => Some(index),
            // A class's `__index` is itself, or a function in front of it.
            _ => table.metatable(),
        };
        let mut levels: Vec<Table> = Vec::new();
        let mut at = first;
        while let Some(table) = at {
            if levels.contains(&table) || levels.len() > 50 {
                break;
            }
            at = next(&table);
            levels.push(table);
        }
        levels
    }

    fn names_in(&self, owner: &Value, start: &str) -> Option<Vec<String>> {
        let mut names = BTreeSet::new();
        for level in self.levels(owner) {
            for pair in level.pairs::<Value, Value>() {
                let Ok((Value::String(name), _)) = pair else { continue };
                let name = name.to_string_lossy();
                let is_wanted = name.starts_with(start) && (!start.is_empty() || !name.starts_with('_'));
                if is_wanted && name.chars().all(|letter| letter.is_alphanumeric() || letter == '_') {
                    names.insert(name);
                }
            }
        }
        Some(names.into_iter().collect())
    }
}

/// What became of a typed line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Evaluated {
    /// It ran and has no value.
    Nothing,
    /// Its values, as the shell shows them.
    Shown(String),
    /// It is the beginning of something: more lines are wanted.
    Incomplete,
}

/// What the lines typed at the prompt are called in error pages.
const PROMPT: &str = "<typed>";
