//! Tests of `error.rs`: what Lua and callbacks raise, as pages.

use std::time::Duration;

use super::*;
use crate::frontend::lua::machine::vm::{Limit, Output, Vm, VmOptions};

fn vm() -> Vm {
    let vm =
        Vm::new(VmOptions { build_time: Duration::from_secs(5), output: Output::silent(), ..VmOptions::default() });
    let vm = vm.unwrap();
    let shape = vm.lua().create_function(|_, ()| {
        let page = Error::new(Kind::Shape, "size mismatch").with_fact("it was given", "[64, 784]");
        Err::<(), _>(raise(page.in_module("(3) nn.Linear(783 -> 300)")))
    });
    vm.lua().globals().set("shape", shape.unwrap()).unwrap();
    let panics = vm.lua().create_function(|_, ()| -> mlua::Result<()> { panic!("a deep fault") });
    vm.lua().globals().set("panics", panics.unwrap()).unwrap();
    let prelude = "function through(f) f() end function complain() error('from the prelude') end
        function rethrow(f)
          local ok, why = pcall(f)
          if not ok then error('\\nIn 3 module of nn.Sequential:\\n' .. why, 0) end
        end";
    vm.lua().load(prelude).set_name("=[digits] nn").exec().unwrap();
    vm
}

fn fails(text: &str) -> Error {
    let vm = vm();
    let outcome =
        vm.load("net.lua", text).and_then(|f| vm.guard(Limit::Build, "while running the file", || f.call::<()>(())));
    outcome.expect_err("this file must fail")
}

fn place(page: &Error) -> String {
    page.origin().map_or_else(String::new, |origin| format!("{origin} | {}", origin.text))
}

#[test]
fn a_syntax_error_shows_its_line() {
    let page = fails("local a = 1\nlocal b = = 2\n");
    assert_eq!((page.kind(), place(&page)), (Kind::Network, "net.lua:2 | local b = = 2".into()));
    assert_eq!(page.message(), "this is not Lua 5.1: unexpected symbol near '='");
    assert!(fails("if x then\n").to_string().contains("ends too early"));
    let page = fails("for i = 1, 3 do\n   goto continue\nend");
    assert_eq!((page.kind(), place(&page)), (Kind::Network, "net.lua:2 |    goto continue".into()));
    assert_eq!(page.message(), "this is not Lua 5.1: undefined label 'continue'");
    assert!(page.to_string().contains("help: a goto reaches a label of its own function"), "{page}");
    assert!(fails("goto a ::b:: f() ::a:: goto b").to_string().contains("while true do"));
    assert!(fails("x = 10LL").message().ends_with("which this Lua does not have: write 10"));
}

#[test]
fn luas_own_errors_show_place_and_occasion() {
    let page = fails("local net\n\nnet:add(1)");
    assert_eq!(
        page.to_string(),
        "Lua error: attempt to index local 'net' (a nil value)\n\n  net.lua:3\n      3 | net:add(1)\n\n  it happened     while running the file"
    );
}

#[test]
fn an_unknown_global_gets_a_hint() {
    assert!(fails("pront(1)").to_string().ends_with("help: did you mean `print`?"));
    assert!(fails("zebra.x()").to_string().ends_with("nothing in the file has assigned `zebra` before this line"));
    let vm = vm();
    vm.provide("cudnn", |lua| Ok(mlua::Value::Table(lua.create_table()?)));
    let f = vm.load("net.lua", "cudnn.benchmark = true").unwrap();
    let page = vm.guard(Limit::Build, "x", || f.call::<()>(())).unwrap_err();
    assert!(page.to_string().ends_with("write `require 'cudnn'` at the top of the file"), "{page}");
}

#[test]
fn a_callbacks_page_keeps_everything_and_gets_the_users_line() {
    for text in ["\nshape()", "\nthrough(shape)", "\nlocal ok, why = pcall(shape) error(why, 0)"] {
        let page = fails(text);
        assert_eq!((page.kind(), page.message()), (Kind::Shape, "size mismatch"), "{page}");
        assert!(place(&page).starts_with("net.lua:2"), "{page}");
        assert!(page.to_string().contains("[64, 784]") && page.to_string().contains("(3) nn.Linear"), "{page}");
    }
}

#[test]
fn torchs_module_lines_become_the_path() {
    let page = fails("\nrethrow(function() rethrow(shape) end)");
    assert_eq!(page.kind(), Kind::Shape);
    let text = page.to_string();
    assert!(text.contains("(3) of nn.Sequential > (3) of nn.Sequential > (3) nn.Linear(783 -> 300)"), "{text}");
    let page =
        fails("error('\\nIn 2 module of nn.Concat:\\nodd\\nWARNING: If you see a stack trace below, it does not')");
    assert_eq!(page.message(), "odd");
    assert!(page.to_string().contains("in the network  (2) of nn.Concat"), "{page}");
}

#[test]
fn the_preludes_own_lines_are_not_shown() {
    let page = fails("\n\ncomplain()");
    assert_eq!((page.message(), place(&page)), ("from the prelude", "net.lua:3 | complain()".into()));
}

#[test]
fn odd_error_values_are_pages_too() {
    assert_eq!(fails("error()").message(), "nil");
    assert_eq!(fails("error({})").message(), "an object was thrown: {}");
    assert_eq!(fails("error({code = 3, 'x', {}})").message(), "an object was thrown: {\"x\", code = 3, {…}}");
    let page = fails("local t = {code = 3, msg = 'it broke'}\nfunction f() error(t) end\nf()");
    assert_eq!((page.message(), place(&page)), ("it broke", "net.lua:2 | function f() error(t) end".into()));
    assert!(page.to_string().contains("what was thrown  {code = 3, msg = \"it broke\"}"), "{page}");
    assert_eq!(fails("error(setmetatable({}, {__tostring = function() return 'own' end}))").message(), "own");
    assert_eq!(fails("assert(false, {code = 2})").message(), "an object was thrown: {code = 2}");
    let most = "local t = {} for i = 1, 99 do t[i] = ('x'):rep(999) end error(t)";
    assert!(fails(most).message().len() < 500);
    assert_eq!(fails("error('')").message(), "an error without a message");
    assert_eq!(fails("error('one\\ntwo')").to_string().matches("because: two").count(), 1);
}

#[test]
fn a_panic_is_a_page_that_pcall_does_not_swallow() {
    for text in ["panics()", "pcall(panics) error('later')", "coroutine.wrap(function() panics() end)()"] {
        let page = fails(text);
        assert!(page.message().starts_with("digits-rs itself failed"), "{text}: {page}");
        assert!(page.to_string().contains("because: a deep fault"), "{text}: {page}");
    }
}

#[test]
fn wrong_arguments_of_callbacks_read_like_luas() {
    let vm = vm();
    let f = vm.lua().create_function(|_, _: (String, f64)| Ok(())).unwrap();
    vm.lua().globals().set("f", f).unwrap();
    let call = vm.load("net.lua", "f('x', {})").unwrap();
    let page = vm.guard(Limit::Build, "x", || call.call::<()>(())).unwrap_err();
    assert_eq!((page.kind(), place(&page)), (Kind::Argument, "net.lua:1 | f('x', {})".into()));
    assert_eq!(page.message(), "#2 to 'f': number expected, got table");
    // Of a function that our own Lua calls, the position is not the user's.
    vm.lua().load("function within(x) f('x', x) end").set_name("=[digits] nn").exec().unwrap();
    let call = vm.load("net.lua", "within({})").unwrap();
    let page = vm.guard(Limit::Build, "x", || call.call::<()>(())).unwrap_err();
    assert_eq!(page.message(), "an argument within 'within': number expected, got table");
}

#[test]
fn errors_in_our_own_lua_name_the_users_line() {
    for text in [
        "local ok, why = pcall(error, 'y', 2) assert(why == 'net.lua:1: y', why)",
        "local ok, why = pcall(error, 'y') assert(why == 'y', why)",
        "local ok, why = pcall(error, 'y', 0) assert(why == 'y', why)",
        "local function f() error('y', 2) end\nlocal ok, why = pcall(function()\nf() end) assert(why == 'net.lua:3: y', why)",
        "local function f() error('y', 3) end\nlocal function g()\nf() end local ok, why = pcall(function()\ng() end) assert(why == 'net.lua:4: y', why)",
        "local ok, why = pcall(function()\ncomplain() end) assert(why == 'net.lua:2: from the prelude', why)",
        "local ok, why = xpcall(function()\ncomplain() end, function(e) return e .. '!' end)\nassert(why == 'net.lua:2: from the prelude!', why)",
        "local ok, why = pcall(assert, false, {code = 4}) assert(not ok and why.code == 4)",
        "local ok, why = pcall(assert, nil) assert(why == 'assertion failed!', why) assert(select('#', assert(1, 2, 3)) == 3)",
        "local ok, why = pcall(pcall) assert(not ok and why:find('value expected'), why)",
        "local ok, a, b = pcall(function(...) return select('#', ...), ... end, nil, nil) assert(a == 2)",
    ] {
        let vm = vm();
        let run = vm.load("net.lua", text).and_then(|f| vm.guard(Limit::Build, "x", || f.call::<()>(())));
        run.unwrap_or_else(|page| panic!("{text}: {page}"));
    }
}
