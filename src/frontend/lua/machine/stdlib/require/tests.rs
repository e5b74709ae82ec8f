//! Tests of `require.rs`: packages, the file's own folder, and nothing else.

use super::*;
use crate::frontend::lua::machine::vm::{Limit, Vm, VmOptions};

/// A machine whose network file lies in `inner/` of a fresh folder; `outer.lua` lies outside.
fn vm() -> (tempfile::TempDir, Vm) {
    let folder = tempfile::tempdir().unwrap();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    fs::write(folder.path().join("outer.lua"), "return 'outside'").unwrap();
    fs::write(inner.join("layers.lua"), "count = (count or 0) + 1 return {name = ...}").unwrap();
    fs::write(inner.join("silent.lua"), "x = 1").unwrap();
    fs::write(inner.join("self.lua"), "require 'self'").unwrap();
    fs::write(inner.join("broken.lua"), "\nlocal = 1").unwrap();
    fs::write(inner.join("fails.lua"), "\n\nerror 'inside'").unwrap();
    fs::write(inner.join("data.txt"), "return 1").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder.path().join("outer.lua"), inner.join("link.lua")).unwrap();
    let vm = Vm::new(VmOptions::default()).unwrap();
    vm.set_folder(&inner);
    vm.provide("nn", |lua| Ok(Value::Table(lua.create_table()?)));
    vm.provide("pl.tablex", |lua| Ok(Value::Table(lua.create_table()?)));
    (folder, vm)
}

fn run(vm: &Vm, text: &str) -> Result<(), Error> {
    let function = vm.load("net.lua", text)?;
    vm.guard(Limit::Build, "while running the file", || function.call(()))
}

#[test]
fn packages_are_made_once_and_set_their_global() {
    let (_folder, vm) = vm();
    run(
        &vm,
        "assert(nn == nil) local n = require 'nn' assert(n == nn and require('nn') == n and package.loaded.nn == n)",
    )
    .unwrap();
    run(&vm, "assert(require 'pl.tablex' and _G['pl.tablex'] == nil)").unwrap();
    run(&vm, "package.loaded.mine = 7 assert(require 'mine' == 7)").unwrap();
}

#[test]
fn modules_beside_the_file_run_once() {
    let (_folder, vm) = vm();
    run(&vm, "local l = require 'layers' assert(l.name == 'layers' and require 'layers' == l and count == 1 and layers == nil)").unwrap();
    run(&vm, "assert(require 'silent' == true)").unwrap();
    run(&vm, "assert(require('layers.lua').name == 'layers.lua')").unwrap(); // as trepl's does
}

#[test]
fn nothing_outside_the_folder_is_reached() {
    let (_folder, vm) = vm();
    for name in ["../outer", "..outer", "/etc/passwd", "link", "data.txt", "inner/layers", "outer.lua", "", "a\\0b"] {
        let page = run(&vm, &format!("require '{name}'")).unwrap_err();
        assert!(page.message().ends_with("not found"), "{name}: {page}");
    }
}

#[test]
fn unknown_names_get_a_suggestion() {
    let (_folder, vm) = vm();
    let page = run(&vm, "\nrequire 'layerz'").unwrap_err();
    assert_eq!((page.kind(), page.message()), (Kind::Network, "module 'layerz' not found"));
    assert_eq!(page.origin().map(ToString::to_string), Some("net.lua:2".into()));
    assert!(page.to_string().ends_with("did you mean require 'layers'?"), "{page}");
    assert!(run(&vm, "require 'ffi'").unwrap_err().to_string().contains("not LuaJIT"));
    run(
        &vm,
        "local ok, why = pcall(require, 'mattorch') assert(not ok and why:find(\"module 'mattorch' not found\", 1, true))",
    )
    .unwrap();
}

#[test]
fn errors_inside_a_module_show_its_own_line() {
    let (_folder, vm) = vm();
    for (name, line, words) in
        [("broken", 2, "this is not Lua 5.1"), ("fails", 3, "inside"), ("self", 1, "requires itself")]
    {
        let page = run(&vm, &format!("require '{name}'")).unwrap_err();
        let origin = page.origin().unwrap_or_else(|| panic!("no place: {page}"));
        assert!(origin.file.ends_with(&format!("{name}.lua")) && origin.line == line, "{page}");
        assert!(page.message().contains(words), "{page}");
    }
    // A module that failed may be tried again.
    assert!(run(&vm, "pcall(require, 'fails') require 'fails'").unwrap_err().message().contains("inside"));
}
