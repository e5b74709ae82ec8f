//! `Sources`: the texts a machine has loaded, so that `net.lua:12` in Lua's words becomes an `Origin` with its line.

use std::sync::Arc;

use crate::error::Origin;

/// Chunks whose names start so are this crate's own Lua: never a place to show to a user.
pub(in crate::frontend::lua) const PRELUDE: &str = "[digits]";

/// Lua cuts a file's name in messages to its last characters (`LUA_IDSIZE` less `" '...' "`).
const SHORT_NAME: usize = 52;

#[derive(Debug)]
struct Source {
    name: Arc<str>,
    short: String,
    lines: Vec<Arc<str>>,
}

/// The files of one machine, latest first.
#[derive(Debug, Default)]
pub(in crate::frontend::lua) struct Sources(Vec<Source>);

impl Sources {
    pub(in crate::frontend::lua) fn add(&mut self, name: &str, text: &str) {
        self.0.retain(|source| &*source.name != name);
        let lines = text.lines().map(Arc::from).collect();
        self.0.insert(0, Source { name: name.into(), short: short_name(name), lines });
    }

    /// The place for a chunk as the debug interface names it: `@net.lua`, the text of a `loadstring`.
    pub(in crate::frontend::lua) fn origin_of_chunk(&self, chunk: &str, short: &str, line: usize) -> Option<Origin> {
        let own = chunk
            .strip_prefix('=')
            .is_some_and(|name| name.starts_with(PRELUDE) || name == "[C]" || name == "(tail call)");
        if own {
            return None;
        }
        let file = chunk.strip_prefix('@').unwrap_or(short);
        Some(self.origin(file, u32::try_from(line).ok()?))
    }

    fn origin(&self, name: &str, line: u32) -> Origin {
        let source = self.0.iter().find(|source| &*source.name == name);
        let text = source.and_then(|source| source.lines.get(line.checked_sub(1)? as usize)).cloned();
        Origin {
            file: source.map_or_else(|| name.into(), |source| Arc::clone(&source.name)),
            line,
            text: text.unwrap_or_else(|| "".into()),
        }
    }

    /// Splits `net.lua:12: message` into the place and the message; the prelude's own places are cut off and
    /// give no origin.
    pub(in crate::frontend::lua) fn split<'m>(&self, message: &'m str) -> (Option<Origin>, &'m str) {
        for source in &self.0 {
            if let Some((line, rest)) = message.strip_prefix(&*source.short).and_then(line_after) {
                return (Some(self.origin(&source.name, line)), rest);
            }
        }
        let end_of_name = match message {
            chunk if chunk.starts_with("[string \"") => chunk.find("\"]:").map(|at| at + 2),
            own if own.starts_with(PRELUDE) => own.find(':'),
            _ => None,
        };
        match end_of_name.and_then(|end| Some((&message[..end], line_after(&message[end..])?))) {
            Some((name, (_, rest))) if name.starts_with(PRELUDE) => (None, rest),
            Some((name, (line, rest))) => (Some(self.origin(name, line)), rest),
            None => (None, message),
        }
    }
}

/// `:12: rest` → `(12, rest)`.
fn line_after(text: &str) -> Option<(u32, &str)> {
    let (line, rest) = text.strip_prefix(':')?.split_once(':')?;
    Some((line.parse().ok()?, rest.trim_start()))
}

fn short_name(name: &str) -> String {
    if name.len() <= SHORT_NAME {
        return name.to_string();
    }
    let tail = &name.as_bytes()[name.len() - SHORT_NAME..];
    format!("...{}", String::from_utf8_lossy(tail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_split_at_its_place() {
        let mut sources = Sources::default();
        sources.add("a:b/net.lua", "one\ntwo");
        let (origin, rest) = sources.split("a:b/net.lua:2: boom: 3:4");
        let origin = origin.expect("the file is known");
        assert_eq!((&*origin.file, origin.line, &*origin.text, rest), ("a:b/net.lua", 2, "two", "boom: 3:4"));
        assert_eq!(sources.split("[digits] nn:7: boom"), (None, "boom"));
        assert_eq!(sources.split("no place"), (None, "no place"));
        let (origin, rest) = sources.split("[string \"x = \"]:1: odd");
        assert_eq!((origin.map(|o| o.to_string()), rest), (Some("[string \"x = \"]:1".into()), "odd"));
    }

    #[test]
    fn a_long_name_is_found_by_the_tail_that_lua_shows() {
        let name = format!("{}/net.lua", "d".repeat(100));
        let mut sources = Sources::default();
        sources.add(&name, "x");
        let lua = mlua::Lua::new();
        let error = lua.load("error('boom')").set_name(format!("@{name}")).exec().unwrap_err().to_string();
        let (origin, rest) = sources.split(error.trim_start_matches("runtime error: "));
        assert_eq!(origin.map(|o| (o.file.len(), o.line)), Some((name.len(), 1)), "{error}");
        assert!(rest.starts_with("boom"));
    }
}
