//! A network that holds itself: found before anything walks down its tree, and told with the place.

use std::collections::HashSet;

use mlua::{Lua, Table, Value as LuaValue};

use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{lowering::lower::DEEPEST, machine::error::OrPage, objects::origins::origin_of},
};

/// Refuses a network of which a container is its own child, or a child of one of its children.
///
/// # Errors
/// [`Kind::Network`] with both places.
pub(super) fn check(lua: &Lua, network: &Table) -> Result<()> {
    let mut walk = Walk { lua, above: vec![network.clone()], places: vec![], whole: HashSet::new() };
    walk.down()
}

struct Walk<'a> {
    lua: &'a Lua,
    /// From the network to where the walk is.
    above: Vec<Table>,
    /// The places of all but the first, each in the one before.
    places: Vec<usize>,
    /// Trees that were walked through, which a network may have in several places.
    whole: HashSet<usize>,
}

impl Walk<'_> {
    fn down(&mut self) -> Result<()> {
        let Some(object) = self.above.last().cloned() else { return Ok(()) };
        if !self.whole.contains(&address(&object))
            // Deeper networks are refused when they are lowered, and each level holds places of mlua's stack.
            && self.above.len() <= DEEPEST
            && let LuaValue::Table(children) = object.raw_get("modules").or_page(self.lua)?
        {
            for at in 1..=children.raw_len() {
                let LuaValue::Table(child) = children.raw_get(at).or_page(self.lua)? else { continue };
                self.places.push(at);
                if let Some(again) = self.above.iter().position(|above| address(above) == address(&child)) {
                    return Err(self.page(&object, again));
                }
                self.above.push(child);
                self.down()?;
                self.above.pop();
                self.places.pop();
            }
            self.whole.insert(address(&object));
        }
        Ok(())
    }

    /// `holder` has at the walk's place what stands further above.
    fn page(&self, holder: &Table, again: usize) -> Error {
        let place = |depth: usize| {
            let numbers: Vec<String> = self.places[..depth].iter().map(ToString::to_string).collect();
            numbers.join(".")
        };
        let whole = if again == 0 { "the network itself".into() } else { format!("module {} again", place(again)) };
        Error::new(Kind::Network, "the network contains itself")
            .at(origin_of(self.lua, holder).as_ref())
            .with_fact(format!("module {}", place(self.places.len())), format!("is {whole}"))
            .with_help("a container was added to itself, or to one of its own children: look for its :add")
    }
}

fn address(object: &Table) -> usize {
    object.to_pointer() as usize
}

#[cfg(test)]
mod tests {
    use crate::frontend::{
        lua::{load::load, machine::vm::VmOptions},
        source::{NetworkParams, Source},
    };

    fn page(text: &str) -> String {
        let source = Source::pasted("net.lua", text);
        load(source, &NetworkParams::default(), VmOptions::default(), 1)
            .map_or_else(|e| e.to_string(), |_| "none".into())
    }

    #[test]
    fn a_ring_is_told_with_its_places() {
        let own = page("local n = nn.Sequential():add(nn.Tanh())\nn:add(n)\nreturn {model = n}");
        assert!(
            own.contains("net.lua:1") && own.contains("module 2") && own.contains("is the network itself"),
            "{own}"
        );
        let far = page(
            "local n, a = nn.Sequential(), nn.Concat(2)\nlocal b = nn.Sequential():add(a)\na:add(nn.Tanh()):add(b)\n\
             return {model = n:add(nn.Tanh()):add(a)}",
        );
        assert!(
            far.contains("net.lua:2") && far.contains("module 2.2.1") && far.contains("is module 2 again"),
            "{far}"
        );
    }

    #[test]
    fn a_long_chain_is_none_and_a_page_all_the_same() {
        let chain = |count: usize| {
            page(&format!(
                "local n = nn.Tanh() for _ = 1, {count} do n = nn.Sequential():add(n) end return {{model = n}}"
            ))
        };
        assert_eq!(chain(100), "none");
        assert!(chain(20_000).contains("stack overflow"));
    }

    #[test]
    fn one_module_in_many_places_is_none() {
        let text = "local n = nn.Tanh()\nfor _ = 1, 8 do n = nn.Sequential():add(n):add(n) end\nreturn {model = n}";
        assert_eq!(page(text), "none");
    }
}
