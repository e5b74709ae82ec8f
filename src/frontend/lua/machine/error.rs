//! The only place that knows what an `mlua::Error` is made of: turns it into a page, and a page into Lua's words.
//!
//! A callback returns its own page with [`raise`]. On the way up it may pass the user's `pcall`, which shows it to Lua
//! as text (as Torch7 did); when the user raises that text again, or a container adds `In 3 module of nn.Sequential:`
//! to it, the page is found again by its text.

use std::{
    any::Any,
    panic::{AssertUnwindSafe, catch_unwind},
};

use mlua::Lua;

use super::{
    limits,
    source::PRELUDE,
    state::{Shared, origin, shared},
    suggest::closest,
    thrown,
};
use crate::error::{Error, Kind, Origin, Result};

/// The line Torch7 prints between the module path and the traceback.
const WARNING: &str = "WARNING: If you see a stack trace below";

/// A page as an error that a callback can return.
pub(in crate::frontend::lua) fn raise(page: Error) -> mlua::Error {
    mlua::Error::external(page)
}

/// The page for whatever came out of Lua: a callback's own page with the user's line added, or one made from Lua's words.
pub(in crate::frontend::lua) fn page(lua: &Lua, error: &mlua::Error) -> Error {
    match shared(lua) {
        Ok(shared) => Reader { lua, shared: &shared }.page(error),
        Err(_) => without_place(error),
    }
}

/// Turns a failure of Lua itself while Rust touches an object (a user's metamethod raised, memory ran out) into a page.
pub(in crate::frontend::lua) trait OrPage<T> {
    /// The value, or the page.
    fn or_page(self, lua: &Lua) -> Result<T>;
}

impl<T> OrPage<T> for mlua::Result<T> {
    fn or_page(self, lua: &Lua) -> Result<T> {
        self.map_err(|error| page(lua, &error))
    }
}

/// The page for an error of a `Lua` that is not set up yet.
pub(in crate::frontend::lua) fn without_place(error: &mlua::Error) -> Error {
    Error::new(Kind::Lua, first_line(&error.to_string()))
}

/// The page for a panic that a callback let through.
pub(in crate::frontend::lua) fn from_panic(panic: &(dyn Any + Send)) -> Error {
    let words = panic.downcast_ref::<&str>().map(|text| (*text).to_string());
    let words = words.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
    Error::new(Kind::Lua, "digits-rs itself failed while it carried out the file")
        .with_cause(if words.is_empty() { "a panic without a message".to_string() } else { words })
        .with_help("this is a fault in digits-rs, not in your file: please report it together with the file")
}

/// Runs a native function. A panic, which is a fault of this crate's, becomes an error that `pcall` can catch, as any other.
pub(in crate::frontend::lua) fn contained<T>(f: impl FnOnce() -> mlua::Result<T>) -> mlua::Result<T> {
    catch_unwind(AssertUnwindSafe(f)).unwrap_or_else(|panic| Err(raise(from_panic(panic.as_ref()))))
}

/// Words that begin with a place in our own Lua, with the user's line that is running in its place.
pub(super) fn placed(lua: &Lua, words: &str) -> String {
    let Ok(shared) = shared(lua) else { return words.to_string() };
    let rest = shared.sources.borrow().split(words).1.to_string();
    match origin(lua) {
        Some(origin) if words.starts_with(PRELUDE) => format!("{origin}: {rest}"),
        _ => words.to_string(),
    }
}

/// What `pcall` hands to Lua in place of a page: `net.lua:12: message (it was given: …; it wants: …)`, then a line for each
/// cause.
pub(in crate::frontend::lua) fn text_for_lua(lua: &Lua, error: &mlua::Error) -> mlua::Result<String> {
    let shared = shared(lua)?;
    let page = Reader { lua, shared: &shared }.page(error);
    // Torch7's scripts look for these words.
    let words = match page.kind() {
        Kind::Shape if !page.message().contains(Kind::Shape.title()) => {
            format!("{}: {}", Kind::Shape.title(), page.message())
        }
        _ => page.message().to_string(),
    };
    let mut text = match page.origin() {
        Some(origin) => format!("{origin}: {words}"),
        None => words,
    };
    let facts: Vec<String> = page.facts().iter().map(|(label, value)| format!("{label}: {value}")).collect();
    if !facts.is_empty() {
        text += &format!(" ({})", facts.join("; "));
    }
    for cause in page.causes() {
        text += "\n";
        text += cause;
    }
    shared.pages.borrow_mut().remember(&text, &page);
    Ok(text)
}

struct Reader<'a> {
    lua: &'a Lua,
    shared: &'a Shared,
}

impl Reader<'_> {
    fn page(&self, error: &mlua::Error) -> Error {
        match error {
            mlua::Error::ExternalError(source) => match source.downcast_ref::<Error>() {
                Some(page) => page.clone(),
                None => self.read_words(&source.to_string(), Kind::Lua),
            },
            mlua::Error::CallbackError { traceback, cause } => {
                let page = match &**cause {
                    mlua::Error::BadArgument { to: None, pos, name, cause } => match self.called(traceback) {
                        Some((called, false)) => misfit(&format!("an argument within '{called}'"), cause),
                        called => {
                            bad_argument(called.map(|(called, _)| called).as_deref(), *pos, name.as_deref(), cause)
                        }
                    },
                    cause => self.page(cause),
                };
                let place = if page.origin().is_none() { self.innermost_place(traceback) } else { None };
                page.at(place.as_ref())
            }
            mlua::Error::WithContext { context, cause } => self.page(cause).with_cause(context.clone()),
            mlua::Error::RuntimeError(words) => {
                self.read_object(error, words).unwrap_or_else(|| self.read_words(words, Kind::Lua))
            }
            mlua::Error::SyntaxError { message, .. } => self.read_syntax(message),
            mlua::Error::MemoryError(_) => limits::out_of_memory(self.shared.options.memory_limit),
            mlua::Error::BadArgument { to, pos, name, cause } => {
                bad_argument(to.as_deref(), *pos, name.as_deref(), cause)
            }
            mlua::Error::FromLuaConversionError { from, to, message } => {
                let more = message.as_ref().map(|message| format!(" ({message})")).unwrap_or_default();
                Error::new(Kind::Argument, format!("{} expected, got {}{more}", type_of(to), type_of(from)))
            }
            other => self.read_words(&other.to_string(), Kind::Lua),
        }
    }

    /// An object that a script threw.
    fn read_object(&self, error: &mlua::Error, words: &str) -> Option<Error> {
        let object = thrown::object_of(self.lua, error).ok().flatten()?;
        let (words_of_object, fields) = thrown::in_short(&object)?;
        let page = match words_of_object {
            Some(words) => Error::new(Kind::Lua, first_line(&words)).with_fact("what was thrown", fields),
            None => Error::new(Kind::Lua, format!("an object was thrown: {fields}")),
        };
        let traceback = words.split_once("\nstack traceback:").map_or("", |(_, traceback)| traceback);
        Some(page.at(self.innermost_place(traceback).as_ref()))
    }

    /// The function that a line of the user's called when an argument did not fit, `setnumthreads` of `[C]: in function
    /// 'setnumthreads'`, and whether it is the one with the argument: our own Lua may be between.
    fn called(&self, traceback: &str) -> Option<(String, bool)> {
        let lines = traceback.lines().map(str::trim_start).filter(|line| *line != "stack traceback:");
        let own: Vec<&str> = lines.take_while(|line| self.shared.sources.borrow().split(line).0.is_none()).collect();
        let name = own.last()?.strip_suffix('\'')?.rsplit('\'').next()?;
        Some((name.to_string(), own.len() == 1))
    }

    /// Lua's words: `\nIn 3 module of nn.Sequential:` lines, `net.lua:12: message`, a traceback; each part optional.
    fn read_words(&self, words: &str, kind: Kind) -> Error {
        let (words, traceback) = words.split_once("\nstack traceback:").unwrap_or((words, ""));
        let (steps, words) = self.module_steps(words);
        let words = words.split(WARNING).next().unwrap_or(words).trim();
        let known = self.shared.pages.borrow().find(words);
        let page = known.unwrap_or_else(|| self.read_message(words, kind));
        let place = if page.origin().is_none() { self.innermost_place(traceback) } else { None };
        steps.into_iter().rev().fold(page, Error::in_module).at(place.as_ref())
    }

    fn read_message(&self, words: &str, kind: Kind) -> Error {
        let (origin, message) = self.shared.sources.borrow().split(words);
        // An error in a nested chunk carries several places; the innermost is next to the message.
        let (inner, message) = self.shared.sources.borrow().split(message);
        let mut lines = message.lines();
        let first = lines.next().unwrap_or_default();
        let page = if first.contains("stack overflow") || first.contains("error in error handling") {
            limits::stack_overflow()
        } else if first == "not enough memory" {
            limits::out_of_memory(self.shared.options.memory_limit)
        } else if let Some(page) = self.missing_class(first, inner.as_ref().or(origin.as_ref())) {
            page
        } else {
            let first = if first.is_empty() { "an error without a message" } else { first };
            self.with_hint(Error::new(kind, first), first)
        };
        let rest = lines.collect::<Vec<_>>().join("\n");
        let page = if rest.trim().is_empty() || page.kind() == Kind::Limit { page } else { page.with_cause(rest) };
        page.at(inner.as_ref()).at(origin.as_ref())
    }

    fn read_syntax(&self, words: &str) -> Error {
        let words = words.split("\nstack traceback:").next().unwrap_or(words);
        let (origin, message) = self.shared.sources.borrow().split(words);
        let page = Error::new(Kind::Network, format!("this is not Lua 5.1: {message}")).at(origin.as_ref());
        if message.ends_with("is not carried out") {
            return page.with_help("it crosses a jump forward, or leaves a local that `until` asks: write its loop as while true do … break end");
        }
        if message.contains("label '") || message.contains("goto ") {
            return page.with_help("a goto reaches a label of its own function, in its block or in one around it, and no local lies between");
        }
        if message.contains("LuaJIT's ffi") {
            return page;
        }
        if message.ends_with("near '<eof>'") {
            return page.with_help("the file ends too early: look for a missing `end`, `)` or `}`");
        }
        page.with_help("look at this line and the one before it for a missing `end`, `)`, `}`, `,` or quote")
    }

    /// `attempt to call field 'Linaer'`, where the line says `nn.Linaer`.
    fn missing_class(&self, message: &str, place: Option<&Origin>) -> Option<Error> {
        let asked = ["attempt to call field '", "attempt to index field '"];
        let rest = asked.iter().find_map(|start| message.strip_prefix(start))?;
        let field = rest.strip_suffix("' (a nil value)")?;
        self.shared.missing_class.get()?(self.lua, &place?.text, Some(field))
    }

    /// Lua's classic complaints, with what usually helps.
    fn with_hint(&self, page: Error, message: &str) -> Error {
        let Some(name) = message.split('\'').nth(1).filter(|_| message.ends_with("(a nil value)")) else { return page };
        if !message.contains("global '") {
            return page;
        }
        if self.shared.modules.borrow().offers(name) {
            return page.with_help(format!("write `require '{name}'` at the top of the file"));
        }
        let known =
            ["nn", "torch", "math", "string", "table", "print", "ipairs", "pairs", "require", "tostring", "tonumber"];
        match closest(name, known) {
            Some(near) => page.with_help(format!("did you mean `{near}`?")),
            None => page.with_help(format!("nothing in the file has assigned `{name}` before this line")),
        }
    }

    /// Takes leading `In <i> module of <type>:` lines off, outermost first.
    fn module_steps<'w>(&self, words: &'w str) -> (Vec<String>, &'w str) {
        let (mut steps, mut rest) = (Vec::new(), words);
        loop {
            // Each level may carry the place where the prelude raised it again.
            let bare = self.shared.sources.borrow().split(rest).1.trim_start();
            let Some((line, after)) = bare.strip_prefix("In ").and_then(|line| line.split_once('\n')) else { break };
            let Some((index, class)) = line.trim_end().trim_end_matches(':').split_once(" module of ") else { break };
            steps.push(format!("({index}) of {class}"));
            rest = after;
        }
        (steps, rest)
    }

    /// The first line of a traceback that lies in a file of the user's.
    fn innermost_place(&self, traceback: &str) -> Option<Origin> {
        let sources = self.shared.sources.borrow();
        traceback.lines().find_map(|line| sources.split(line.trim_start()).0)
    }
}

/// The page for an argument that Rust could not read.
fn bad_argument(to: Option<&str>, position: usize, name: Option<&str>, cause: &mlua::Error) -> Error {
    let name = name.map(|name| format!(" ({name})")).unwrap_or_default();
    let to = to.map(|to| format!(" to '{to}'")).unwrap_or_default();
    misfit(&format!("#{position}{name}{to}"), cause)
}

/// The page for a value, named `what`, that Rust could not read.
fn misfit(what: &str, cause: &mlua::Error) -> Error {
    let message = match cause {
        mlua::Error::FromLuaConversionError { from: "nil", to, .. } => {
            format!("{what} is nil: {} expected", type_of(to))
        }
        mlua::Error::FromLuaConversionError { from, to, .. } => {
            format!("{what}: {} expected, got {}", type_of(to), type_of(from))
        }
        other => format!("{what}: {}", first_line(&other.to_string())),
    };
    Error::new(Kind::Argument, message)
}

/// Lua's name of a type that mlua names as Rust does.
fn type_of(name: &str) -> String {
    match name {
        "f32" | "f64" | "i8" | "i16" | "i32" | "i64" | "isize" | "u8" | "u16" | "u32" | "u64" | "usize" | "integer" => {
            "number".into()
        }
        "bool" => "boolean".into(),
        "String" | "str" | "bstring" | "BString" | "PathBuf" | "OsString" | "&str" => "string".into(),
        other => other.to_lowercase(),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests;
