//! Tests of `vm.rs`: what a file may do, and that it cannot get round the limits.

use std::{
    cell::RefCell,
    fs,
    rc::Rc,
    time::{Duration, Instant},
};

use super::*;
use crate::{error::Error, frontend::lua::machine::state::origin};

/// A machine with a short time for hooks and little memory, so that the tests of them are quick.
fn small() -> Vm {
    let options = VmOptions {
        memory_limit: 16 << 20,
        build_time: Duration::from_secs(60),
        hook_time: Duration::from_millis(300),
        ..VmOptions::default()
    };
    Vm::new(options).unwrap()
}

fn run_under(vm: &Vm, limit: Limit, text: &str) -> Result<mlua::Value> {
    let function = vm.load("net.lua", text)?;
    vm.guard(limit, "while running the file", || function.call(()))
}

fn run(vm: &Vm, text: &str) -> Result<mlua::Value> {
    run_under(vm, Limit::Build, text)
}

fn fails(text: &str) -> Error {
    run(&small(), text).expect_err("this file must fail")
}

fn passes(text: &str) {
    if let Err(page) = run(&small(), text) {
        panic!("{page}");
    }
}

/// Runs a file of `tests/lua/sandbox/` under a limit: it must be stopped soon, by a page with these words.
fn stopped(name: &str, limit: Limit, wanted: &str) {
    let path = format!("{}/tests/lua/sandbox/{name}.lua", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&path).unwrap();
    let began = Instant::now();
    let page = run_under(&small(), limit, &text).expect_err("this file must fail");
    let took = began.elapsed();
    assert_eq!(page.kind(), Kind::Limit, "{name}: {page}");
    assert!(page.message().contains(wanted), "{name}: {page}");
    // The build has 60 s: whatever takes that long was not stopped by the limit under test.
    assert!(took < Duration::from_secs(30), "{name} ran {took:?}");
}

/// One test a file of `tests/lua/sandbox/`, and the words its page must hold.
macro_rules! stopped_files {
    ($limit:ident, $wanted:literal: $($name:ident)*) => {
        $(#[test] fn $name() { stopped(stringify!($name), Limit::$limit, $wanted); })*
    };
}

stopped_files!(Hook, "stopped after 300 ms while running the file":
    endless_loop pcall_loop nested_pcall xpcall_loop coroutine_loop coroutine_escape coroutine_nest pattern_bomb gsub_bomb
    metamethod_loop load_loop error_handler_loop sort_loop tostring_loop concat_loop insert_loop upper_loop goto_loop);

stopped_files!(Build, "more than 16 MiB of Lua memory":
    memory_tables memory_strings memory_rep memory_gsub memory_concat memory_pcall);

stopped_files!(Build, "stack overflow":
    recursion recursion_pcall recursion_coroutine recursion_gsub recursion_length recursion_mixed recursion_tostring);

#[test]
fn a_long_table_is_sorted_under_the_clock() {
    passes(
        "local t = {} for i = 1, 30000 do t[i] = (i * 7919) % 30011 end
         table.sort(t) for i = 2, #t do assert(t[i - 1] <= t[i]) end
         table.sort(t, function(a, b) return a > b end) for i = 2, #t do assert(t[i - 1] >= t[i]) end
         assert(not pcall(table.sort, t, 7))",
    );
    let vm = small();
    // Nothing but C code between the first comparison and the last, were it C's sort.
    let text = "local t = {} for i = 1, 200000 do t[i] = (i * 7919) % 200003 end
                return function() while true do table.sort(t) end end";
    let function = vm.load("net.lua", text).unwrap();
    let hook: Function = vm.guard(Limit::Build, "while running the file", || function.call(())).unwrap();
    let began = Instant::now();
    let page = vm.guard(Limit::Hook, "in labelHook", || hook.call::<()>(())).unwrap_err();
    assert_eq!(page.kind(), Kind::Limit);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn running_out_of_memory_shows_a_line() {
    let page = fails("local t = {}\nwhile true do t[#t + 1] = {1, 2, 3, 4} end");
    assert_eq!(page.origin().map(ToString::to_string), Some("net.lua:2".into()), "{page}");
}

#[test]
fn the_machine_works_on_after_a_limit() {
    let vm = small();
    run_under(&vm, Limit::Hook, "while true do end").unwrap_err();
    run(&vm, "local t = {} while true do t[#t+1] = {} end").unwrap_err();
    run(&vm, "local s = 0 for i = 1, 1e5 do s = s + i end assert(s == 5000050000)").unwrap();
}

#[test]
fn a_hook_has_its_own_time() {
    let vm = small();
    let hook = vm.load("net.lua", "return function() while true do end end").unwrap();
    let hook: Function = vm.guard(Limit::Build, "while running the file", || hook.call(())).unwrap();
    let page = vm.guard(Limit::Hook, "in labelHook at iteration 500", || hook.call::<()>(())).unwrap_err();
    assert_eq!(page.message(), "stopped after 300 ms in labelHook at iteration 500");
    assert_eq!(page.origin().map(ToString::to_string), Some("net.lua:1".into()));
}

#[test]
fn an_inner_guard_ends_without_ending_the_outer() {
    let vm = small();
    let endless = vm.load("net.lua", "while true do end").unwrap();
    let outer = vm.guard(Limit::Build, "outside", || {
        let page = vm.guard(Limit::Hook, "inside", || endless.call::<()>(())).unwrap_err();
        Ok(page.message().to_string())
    });
    assert_eq!(outer.unwrap(), "stopped after 300 ms inside");
}

#[test]
fn unpack_takes_what_the_stack_holds() {
    passes(
        "local function refused(...)\n\
           local ok, why = pcall(table.unpack, ...)\n\
           assert(not ok and why:find('too many results to unpack'), why)\n\
         end\n\
         for _, low in ipairs {2147483648, -2147483648, -2147483649, -1e300, 0 / 0} do\n\
           for _, high in ipairs {0, 3, 2147483647, 2147483648, 1e300} do\n\
             if not (low > high) then refused({}, low, high) end\n\
           end\n\
         end\n\
         refused({}, 1, 0 / 0) refused({}, 1, 8000)\n\
         assert(select('#', unpack({}, 2147483648)) == 0 and select('#', unpack({}, 1e300, -1e300)) == 0)\n\
         assert(select('#', unpack({}, 1, 7000)) == 7000 and select(2, unpack {4, 5}) == 5)\n\
         assert(not pcall(unpack, 7) and not pcall(unpack, {}, 'x') and unpack({1, 2}, '2') == 2)",
    );
}

#[test]
fn what_is_refused_says_why() {
    for (text, subject) in [
        ("io.open('/etc/passwd')", "io.open is"),
        ("local f = io.lines", "io.lines is"),
        ("io.x = 1", "io.x is"),
        ("os.execute('ls')", "os.execute is"),
        ("os.exit()", "os.exit is"),
        ("package.path = 'x'", "package.path is"),
        ("dofile('x.lua')", "dofile is"),
        ("loadfile('x.lua')", "loadfile is"),
        ("debug.getinfo(1)", "debug.getinfo is"),
    ] {
        let page = fails(&format!("local a = 1\n{text}"));
        assert_eq!((page.kind(), page.message()), (Kind::Limit, &*format!("{subject} not available to network files")));
        assert_eq!(page.origin().map(|o| (o.line, o.text.to_string())), Some((2, text.into())));
    }
    passes("assert(newproxy == nil and module == nil and gcinfo == nil and string.dump == nil and jit == nil)");
    passes("assert(not pcall(function() return io.stdin end) and os.unknown == nil)");
}

#[test]
fn the_library_is_what_torch_files_expect() {
    passes(include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/lua/sandbox/library.lua")));
}

#[test]
fn print_goes_to_the_output_up_to_its_cap() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&lines);
    let output = Output::new(move |line| seen.borrow_mut().push(line.to_string())).capped(20);
    let vm = Vm::new(VmOptions { output, ..VmOptions::default() }).unwrap();
    run(&vm, "print(1, nil, 'x') print() print(('y'):rep(100)) print('never')").unwrap();
    let wanted = ["1\tnil\tx", "", "[print is cut off here: the file printed more than 20 bytes]"];
    assert_eq!(*lines.borrow(), wanted);
}

#[test]
fn what_io_writes_goes_where_print_goes_by_whole_lines() {
    let lines = Rc::new(RefCell::new(Vec::new()));
    let seen = Rc::clone(&lines);
    let output = Output::new(move |line| seen.borrow_mut().push(line.to_string()));
    let vm = Vm::new(VmOptions { output: output.clone(), ..VmOptions::default() }).unwrap();
    run(&vm, "io.write('a', 1, '\\n') io.stderr:write('b\\nc') print('d') io.stdout:write('e') io.flush()").unwrap();
    assert_eq!(*lines.borrow(), ["a1", "b", "cd"]);
    output.flush();
    assert_eq!(*lines.borrow(), ["a1", "b", "cd", "e"]);
    let page = run(&vm, "io.write(nil)").unwrap_err();
    assert!(page.message().contains("bad argument #1 to 'write'"), "{page}");
}

#[test]
fn compiled_code_is_refused_everywhere() {
    let vm = small();
    let code = vm.load("net.lua", "return 1").unwrap().dump(false);
    let page = vm.load("net.lua", &String::from_utf8_lossy(&code)).unwrap_err();
    assert_eq!((page.kind(), page.message()), (Kind::Network, "net.lua is compiled Lua, not text"));
    vm.lua().globals().set("code", vm.lua().create_string(&code).unwrap()).unwrap();
    run(&vm, "local f, why = loadstring(code) assert(f == nil and why:find('only text'))").unwrap();
    run(&vm, "local f, why = load(function() local c = code code = nil return c end) assert(f == nil and why:find('only text'))").unwrap();
}

#[test]
fn trusted_scripts_get_the_whole_library() {
    let vm = Vm::new(VmOptions { trusted: true, ..VmOptions::default() }).unwrap();
    run(&vm, "assert(io.open and os.execute and debug.getinfo(1).currentline == 1 and package.path)").unwrap();
    // As Torch7's LuaJIT answers, and code that the script has dumped itself.
    run(
        &vm,
        "local ok, how, code = os.execute('exit 3') assert(ok == nil and how == 'exit' and code == 3)\n\
         assert(os.execute('true') == true and os.execute() == true and select(2, os.execute('kill -9 $$')) == 'signal')\n\
         local x = 2 local f = function(...) return #{...} + (...) end\n\
         local again = loadstring(string.dump(f)) assert(again(5, 5) == 7 and load(string.dump(f), 'f', 'b')(1) == 2)\n\
         assert(select(2, load(string.dump(f), 'f', 't')) == 'attempt to load chunk with wrong mode')",
    )
    .unwrap();
    run(&vm, "local ok, why = pcall(require, 'no.such.module') assert(not ok and why:find('no.such.module'), why)")
        .unwrap();
}

#[test]
fn the_caller_is_the_users_line_not_the_preludes() {
    let vm = small();
    let place = vm.lua().create_function(|lua, ()| Ok(origin(lua).map(|origin| origin.to_string()))).unwrap();
    vm.lua().globals().set("place", place).unwrap();
    vm.lua().load("function through() local p = place() return p end").set_name("=[digits] test").exec().unwrap();
    run(&vm, "\n\nassert(through() == 'net.lua:3', through())\nlocal p = place()\nassert(p == 'net.lua:4')").unwrap();
    run(&vm, "local f = loadstring('local p = place() return p') assert(f():find('string', 1, true), f())").unwrap();
    assert_eq!(vm.caller(), None);
}

#[test]
fn hundreds_of_machines_come_and_go() {
    for _ in 0..200 {
        let vm = small();
        run(&vm, "local t = {} for i = 1, 100 do t[i] = coroutine.create(function() coroutine.yield() end) end")
            .unwrap();
    }
}
