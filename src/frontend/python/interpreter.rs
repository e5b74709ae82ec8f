//! `Interpreter`: how a network file is run, its functions called, its limits kept, and its exceptions made pages.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    rc::Rc,
};

use super::{
    clock::{Clock, Over},
    freed::Nested,
    heap::Heap,
    kinds::{ExceptionKind, Type},
    options::Options,
    running::{Passed, Running},
    syntax,
    value::{Arguments, Class, Interpreter, Module, Names, Outcome, Raised, Value},
};
use crate::error::{Error, Kind, Origin, Result};

/// Operations within one another, calls and others, before a `RecursionError`.
const DEPTH: usize = 20_000;

/// Native stack that must be left before an operation runs, and what is added when it is not.
const RED_ZONE: usize = 256 << 10;
const SEGMENT: usize = 4 << 20;

impl Interpreter {
    /// A machine with Python's built-ins, `math`, `functools` and what `modules` adds to `import`.
    #[must_use]
    pub fn new(options: Options, modules: impl IntoIterator<Item = Rc<Module>>) -> Interpreter {
        let heap = Heap::new(options.memory_limit);
        let entered = heap.enter();
        let object = Class::built_in(Type::Object, None);
        let mut types: Vec<Rc<Class>> = Vec::new();
        for kind in Type::PLAIN {
            let base = match kind {
                Type::Object => {
                    types.push(Rc::clone(&object));
                    continue;
                }
                Type::Bool => types.get(Type::Int.index()),
                _ => None,
            };
            types.push(Class::built_in(*kind, base));
        }
        for kind in ExceptionKind::ALL {
            let base = kind.base().map(|base| Rc::clone(&types[Type::Exception(base).index()]));
            types.push(Class::built_in(Type::Exception(*kind), base.as_ref()));
        }
        let interpreter = Interpreter {
            clock: Clock::default(),
            modules: RefCell::new(BTreeMap::new()),
            types,
            built_ins: Names::new(),
            globals: Names::new(),
            running: RefCell::default(),
            returned: RefCell::default(),
            depth: Cell::new(0),
            handling: RefCell::default(),
            printed: RefCell::default(),
            print_left: Cell::new(options.print_limit),
            native_types: RefCell::default(),
            heap: Rc::clone(&heap),
            options,
        };
        interpreter.install_library();
        for module in modules {
            interpreter.add_module(module);
        }
        interpreter.globals.set("__name__", Value::str("__main__"));
        drop(entered);
        interpreter
    }

    /// Lets `import` find a module under its dotted name.
    pub fn add_module(&self, module: Rc<Module>) {
        self.modules.borrow_mut().insert(module.name.to_string(), module);
    }

    /// Lets `import` find a module under another name as well.
    pub fn add_alias(&self, name: &str, module: &Rc<Module>) {
        self.modules.borrow_mut().insert(name.to_string(), Rc::clone(module));
    }

    /// Defines a global before the file runs, as DIGITS does with `tf`, `slim` and `Tower`.
    pub fn define(&self, name: &str, value: Value) {
        self.globals.set(name, value);
    }

    /// Runs a file; its names are then in [`Interpreter::global`]. `name` is what the user calls it.
    ///
    /// # Errors
    /// [`Kind::Python`] for what is not Python or raised an exception, [`Kind::Limit`] for time, memory, depth and what a file
    /// may not do: pages with the line and the calls that led to it.
    pub fn run(&self, name: &str, text: &str) -> Result<()> {
        let code = syntax::parse(name, text)?;
        self.guard(|| self.run_module(&code))
    }

    /// A global of the file that ran.
    #[must_use]
    pub fn global(&self, name: &str) -> Option<Value> {
        self.globals.get(name)
    }

    /// The names that the file defined, in order.
    #[must_use]
    pub fn global_names(&self) -> Vec<Rc<str>> {
        self.globals.list()
    }

    /// Runs something under the limits, from outside: a call, an attribute, a property.
    ///
    /// # Errors
    /// As [`Interpreter::run`].
    pub fn guard<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Result<T> {
        let _entered = self.heap.enter();
        let started = self.clock.start(self.options.processor_time, self.options.wall_time);
        let outcome = work();
        if started {
            self.clock.stop();
            let rest = self.printed.take();
            if !rest.is_empty() {
                self.print_line(&rest);
            }
        }
        outcome.map_err(|raised| self.page(&raised))
    }

    /// Calls a value under the limits, from outside; natives use [`Interpreter::call`].
    ///
    /// # Errors
    /// As [`Interpreter::run`].
    pub fn call_guarded(&self, function: &Value, arguments: Arguments) -> Result<Value> {
        self.guard(|| self.call(function, arguments))
    }

    /// The value of an attribute under the limits, from outside: a property is evaluated.
    ///
    /// # Errors
    /// As [`Interpreter::run`].
    pub fn attribute_guarded(&self, value: &Value, name: &str) -> Result<Value> {
        self.guard(|| self.attribute(value, name))
    }

    /// The line that runs now; `None` outside of the file.
    #[must_use]
    pub fn origin(&self) -> Option<Origin> {
        self.running.borrow().last().map(|running| running.code.source.origin(running.line.get()))
    }

    /// The line at which the function of this name returned, when it was the last one to.
    #[must_use]
    pub fn returned_from(&self, name: &str) -> Option<Origin> {
        self.returned_at(name).map(|passed| passed.source.origin(passed.line))
    }

    fn returned_at(&self, name: &str) -> Option<Passed> {
        let passed = self.returned.borrow().as_ref()?.passed();
        (passed.function.rsplit('.').next() == Some(name)).then_some(passed)
    }

    /// What is wrong with the answer of the function of this name, which was just called: placed where it returned.
    #[must_use]
    pub fn answered(&self, name: &str, raised: Raised) -> Raised {
        match self.returned_at(name) {
            Some(passed) if !raised.is_placed() => raised.passing(passed),
            _ => raised,
        }
    }

    /// The lines of all calls that run now, innermost first: `(function, line)`.
    #[must_use]
    pub fn calls(&self) -> Vec<(Rc<str>, u32)> {
        self.running.borrow().iter().rev().map(|one| (Rc::clone(&one.code.qualified), one.line.get())).collect()
    }

    /// A built-in type or exception class.
    #[must_use]
    pub fn type_class(&self, kind: Type) -> &Rc<Class> {
        &self.types[kind.index()]
    }

    /// Bytes that the file's values take now.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.heap.live()
    }

    /// Counts one step: time and memory are checked now and then.
    ///
    /// # Errors
    /// The end of the run when either is used up.
    pub fn tick(&self) -> Outcome<()> {
        if let Some(over) = self.clock.step() {
            return Err(self.out_of_time(over));
        }
        self.room(0)
    }

    /// Counts the steps of an operation over many items at a time.
    ///
    /// # Errors
    /// As [`Interpreter::tick`].
    pub fn ticks(&self, items: usize) -> Outcome<()> {
        match self.clock.steps(items) {
            Some(over) => Err(self.out_of_time(over)),
            None => self.room(0),
        }
    }

    /// Makes sure that `bytes` more fit; before anything is allocated whose size a file chose.
    ///
    /// # Errors
    /// The end of the run when they do not.
    pub fn room(&self, bytes: usize) -> Outcome<()> {
        if self.heap.has_room(bytes) {
            return Ok(());
        }
        let limit = self.options.memory_limit >> 20;
        let page = Error::new(Kind::Limit, format!("the file's values take more than the {limit} MiB that they may"))
            .at(self.origin().as_ref())
            .with_help("make such a value smaller, or look for a list that grows without end near this line");
        Err(Raised::end(page))
    }

    /// As [`Interpreter::room`], for `count` items of `size` bytes.
    ///
    /// # Errors
    /// As [`Interpreter::room`].
    pub fn room_for(&self, count: usize, size: usize) -> Outcome<()> {
        self.room(count.saturating_mul(size))
    }

    fn out_of_time(&self, over: Over) -> Raised {
        let (time, what) = match over {
            Over::Processor => (self.options.processor_time, "of processor time"),
            Over::Wall => (self.options.wall_time, "by the clock"),
        };
        let page = Error::new(Kind::Limit, format!("stopped after {} s {what}", time.as_secs_f64()))
            .at(self.origin().as_ref())
            .with_help("look for a loop that does not end near this line");
        Raised::end(page)
    }

    /// Hands a line to whoever listens; the first beyond the limit is replaced by a note, the later ones vanish.
    pub(super) fn print_line(&self, line: &str) {
        let left = self.print_left.get();
        match left.checked_sub(line.len() + 1) {
            Some(rest) => {
                self.print_left.set(rest);
                (self.options.print)(line);
            }
            None if left > 0 => {
                self.print_left.set(0);
                let limit = self.options.print_limit;
                (self.options.print)(&format!("[print is cut off here: the file printed more than {limit} bytes]"));
            }
            None => {}
        }
    }

    /// What a file may not do, whatever `except` says.
    pub(super) fn forbidden(&self, what: &str, help: &str) -> Raised {
        let page = Error::new(Kind::Limit, format!("a network file may not use {what}")).at(self.origin().as_ref());
        Raised::end(page.with_help(help))
    }

    /// Runs an operation that may nest in itself without end, on more native stack when it runs short.
    pub(super) fn deeper<T>(&self, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        if self.depth.get() >= DEPTH {
            return Err(too_deep());
        }
        let _nested = Nested::new(&self.depth);
        stacker::maybe_grow(RED_ZONE, SEGMENT, work)
    }

    /// Runs a block as the innermost of those that run; an exception notes that it passed through.
    pub(super) fn within<T>(&self, running: &Rc<Running>, work: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
        if self.running.borrow().len() >= self.options.recursion_limit {
            return Err(too_deep());
        }
        self.tick()?;
        self.running.borrow_mut().push(Rc::clone(running));
        let outcome = self.deeper(work);
        self.running.borrow_mut().pop();
        outcome.map_err(|raised| raised.passing(running.passed()))
    }
}

fn too_deep() -> Raised {
    Raised::new(ExceptionKind::RecursionError, "maximum recursion depth exceeded")
        .with_help("look for a function that calls itself without an end near this line")
}
