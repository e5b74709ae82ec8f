//! Tests of `length_calls.rs`: where operands end, that texts which compile still do, and what their lengths are.

use std::{fs, path::Path};

use mlua::Lua;
use proptest::prelude::*;

use super::*;
use crate::frontend::lua::machine::{
    newer_syntax::{Newer, rewritten},
    vm::{Limit, Vm, VmOptions},
};

fn text(text: &str) -> String {
    String::from_utf8(wrapped(text.as_bytes()).unwrap_or_else(|| text.into())).unwrap()
}

#[test]
fn a_length_becomes_a_call_around_its_whole_operand() {
    for (before, after) in [
        ("return #t", "return (false)(t,\"\\0#t\")"),
        ("t[#t+1]=#t.a.b", "t[(false)(t,\"\\0#t\")+1]=(false)(t.a.b,\"\\0#.b\")"),
        ("x = # --[[#]] t\n.a [ 'k' ] -- #", "x = (false)( --[[#]] t\n.a [ 'k' ],\"\\0#.k\") -- #"),
        (
            "x = #t[i], #t[1], #t['a\"']",
            "x = (false)(t[i],\"\\0#.?\"), (false)(t[1],\"\\0#.?\"), (false)(t['a\"'],\"\\0#.?\")",
        ),
        ("x = #t:f(#u){}'s'[[l]].n == 1", "x = (false)(t:f((false)(u,\"\\0#u\")){}'s'[[l]].n,\"\\0#.n\") == 1"),
        ("x = #t:f'a', #(t)", "x = (false)(t:f'a',\"\\0#\"), (false)((t),\"\\0#\")"),
        ("x = -#t^2 .. #t", "x = -(false)(t^2,\"\\0#\") .. (false)(t,\"\\0#t\")"),
        ("x = ##t^-#u^2 + 1", "x = (false)((false)(t^-(false)(u^2,\"\\0#\"),\"\\0#\"),\"\\0#\") + 1"),
        ("x = not #not t and #...", "x = not (false)(not t,\"\\0#\") and (false)(...,\"\\0#\")"),
        ("if #t then f() end", "if (false)(t,\"\\0#t\") then f() end"),
        // A literal has the length that Lua gives it; what lies in it is a user's.
        ("x = #'a' + #{#t, '#'} + #[[#]]", "x = #'a' + #{(false)(t,\"\\0#t\"), '#'} + #[[#]]"),
        ("x = '#' -- #t\nx = [=[#t]]]=] --[==[ #\n]==]", "x = '#' -- #t\nx = [=[#t]]]=] --[==[ #\n]==]"),
    ] {
        assert_eq!(text(before), after);
    }
    assert_eq!(wrapped(b"x = 1"), None);
    // No text that compiles; it must come back all the same.
    for broken in ["#", "x = #", "#(", "#t[", "#t.", "#function", "x = #)", "#{", "##", "#t^", "#t:"] {
        let _ = wrapped(broken.as_bytes());
    }
}

fn compiles(lua: &Lua, text: &[u8]) -> bool {
    lua.load(text).into_function().is_ok()
}

/// The text with what was written taken out again, which must be the text before; so no line has moved.
fn unwrapped(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text).replace("(false)(", "#");
    let mut result = String::new();
    let mut pieces = text.split(",\"\\0#");
    result.push_str(pieces.next().unwrap());
    for piece in pieces {
        result.push_str(piece.split_once("\")").unwrap().1);
    }
    result
}

#[test]
fn our_own_lua_compiles_with_its_lengths_wrapped_and_no_line_moved() {
    fn files(folder: &Path, found: &mut Vec<std::path::PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.extension() {
                _ if path.is_dir() => files(&path, found),
                Some(end) if end == "lua" => found.push(path),
                _ => {}
            }
        }
    }
    let mut found = Vec::new();
    for folder in ["src/frontend/lua", "tests/lua"] {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let (lua, mut changed) = (Lua::new(), 0);
    for path in found {
        let mut text = fs::read_to_string(&path).unwrap();
        if !compiles(&lua, text.as_bytes())
            && let Some(Newer::Text(older)) = rewritten(text.as_bytes())
        {
            text = String::from_utf8(older).unwrap();
        }
        let Some(wrapped) = wrapped(text.as_bytes()) else { continue };
        assert!(compiles(&lua, &wrapped), "{}", path.display());
        assert_eq!(unwrapped(&wrapped), text, "{}", path.display());
        changed += 1;
    }
    assert!(changed > 30, "{changed}");
}

/// Pieces that make texts which often compile, so that the property is about something.
fn piece() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "t",
        "u",
        "1",
        "0x1F",
        "1e-5",
        ".5",
        "'#'",
        "\"#t\"",
        "[[#]]",
        "[=[ # ]=]",
        "nil",
        "true",
        "...",
        "{}",
        "{#t}",
        "{a=#u,#t;#t}",
        "t.a",
        "t['k']",
        "t[#t]",
        "t:m()",
        "t:m'#'",
        "t{#u}",
        "f(#t)(#u)",
        "(#t)",
        "(t).a",
        "function() return #t end",
        "--[[#]] t",
        "--#\nt",
        "t --#\n",
        "t\n.a",
    ]);
    leaf.prop_map(str::to_string).prop_recursive(6, 48, 4, |inner| {
        let operators = prop::sample::select(vec!["+", "-", "^", "..", "==", "~=", "<=", " and ", " or ", "%", ",", ".", " ", "\n"]);
        prop_oneof![
            4 => inner.clone().prop_map(|operand| format!("#{operand}")),
            1 => inner.clone().prop_map(|operand| format!("- {operand}")),
            1 => inner.clone().prop_map(|operand| format!("not {operand}")),
            2 => inner.clone().prop_map(|operand| format!("({operand})")),
            1 => inner.clone().prop_map(|operand| format!("t[{operand}]")),
            1 => inner.clone().prop_map(|operand| format!("f({operand})")),
            4 => (inner.clone(), operators, inner).prop_map(|(left, operator, right)| format!("{left}{operator}{right}")),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn what_compiled_before_compiles_after(expression in piece()) {
        let lua = Lua::new();
        for text in [format!("return {expression}"), format!("local x = {expression}"), expression.clone(), format!("f({expression})")] {
            if compiles(&lua, text.as_bytes()) {
                let wrapped = wrapped(text.as_bytes()).unwrap_or_else(|| text.clone().into_bytes());
                prop_assert!(compiles(&lua, &wrapped), "{text}\n{}", String::from_utf8_lossy(&wrapped));
                // What is left of `#` is in front of a literal or a function.
            }
        }
    }

    #[test]
    fn any_bytes_come_back(bytes in prop::collection::vec(prop::sample::select(b"#-not [](){}.:'\"\\\n^a1=".to_vec()), 0..60)) {
        let _ = wrapped(&bytes);
    }
}

fn run(code: &str) -> crate::error::Result<()> {
    let vm = Vm::new(VmOptions { trusted: true, ..VmOptions::default() }).unwrap();
    let chunk = vm.load("net.lua", code)?;
    vm.guard(Limit::Build, "while running the file", || chunk.call::<()>(()))
}

#[test]
fn tables_are_asked_for_their_length_as_luajit_asks() {
    run("local t = setmetatable({1, 2}, {__len = function(a, b) assert(a == b) return 7 end})
         assert(#t == 7 and -#t == -7 and #t + #t == 14 and #{t} == 1 and #'abc' == 3 and 2 ^ #t == 128)
         assert(rawequal(table.getn(t), 2) and select('#', unpack(t)) == 2)
         local n = 0 for _ in ipairs(t) do n = n + 1 end assert(n == 2)
         table.insert(t, 3) assert(rawget(t, 3) == 3)
         local plain = setmetatable({1, 2, 3}, {}) assert(#plain == 3)
         local function tail(x) return #x end assert(tail(t) == 7)
         assert(select('#', #t) == 1 and select('#', (#t)) == 1)
         local words = setmetatable({}, {__len = function() return 'a', 'b' end}) assert(#words == 'a' and select('#', #words) == 1)
         local far = setfenv(function(x) return #x end, {}) assert(far(t) == 7)
         assert(loadstring('return #...')(t) == 7 and load(function() return nil end))
         getmetatable('').__index = function(s, i) return string.sub(s, i, i) end assert(#'a' .. #t == '17')
         local big = newproxy(true) getmetatable(big).__len = function() return 9 end assert(#big == 9)
         assert(getmetatable(true) == false)")
        .unwrap();
}

#[test]
fn a_value_without_length_gets_luas_own_words() {
    let lua = Lua::new();
    for code in [
        "local t\nlocal n = #t",
        "local a = {}\n\nreturn #a.b",
        "return #global",
        "local a = {} return #a[1]",
        "return #a",
        "local u local function f() return #u end f()",
        "local a = {} a.n = #a['k-1']",
        "local function f() end local n = #f()",
        "return #(nil)",
        "return #nil",
        "local a = {} return #a:b()",
        "local b = true b()",
        "local b = {true} b[1](1, 2)",
        "f = false f(1, 'x')",
        "return #5",
        "local f = print return #f",
        "return {#(1 + 1)}",
        "local a = {} a.f = function() return #a.x.y end a.f()",
    ] {
        let plain = lua.load(code).set_name("@net.lua").exec().unwrap_err().to_string();
        let plain = plain.strip_prefix("runtime error: ").unwrap_or(&plain).lines().next().unwrap().to_string();
        let page = run(code).unwrap_err();
        let words = format!("{}: {}", page.origin().expect("a line"), page.message());
        assert_eq!(words, plain, "{code}");
    }
    run("local ok, why = pcall(true) assert(not ok and why == 'attempt to call a boolean value', why)").unwrap();
    run("local ok, why = pcall(function() local x = true return x(1, 2) end) assert(why:find(\"net.lua:1: attempt to call local 'x' (a boolean value)\", 1, true), why)").unwrap();
}
