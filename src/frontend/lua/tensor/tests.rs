//! Runs every file of `tests/lua/torch` in a VM of its own.

use std::{fs, path::Path};

use mlua::Lua;

use super::install;

fn vm() -> Lua {
    let lua = Lua::new();
    let torch = lua.create_table().unwrap();
    install(&lua, &torch).unwrap();
    lua.globals().set("torch", torch).unwrap();
    lua
}

/// How long `t[i]` takes; run by hand: `cargo test --release --lib speed_of_indexing -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement, not a check"]
fn speed_of_indexing() {
    let seconds = |body: &str| {
        let code =
            format!("local t = torch.rand(1000) local x = 0 for n = 1, 3000 do for i = 1, 1000 do {body} end end");
        let lua = vm();
        let [before, _] = super::timer::processor_seconds();
        lua.load(code).exec().unwrap();
        super::timer::processor_seconds()[0] - before
    };
    let empty = seconds("x = i");
    for body in ["x = t[i]", "t[i] = i", "x = t.add"] {
        println!("{body}: {:.3} µs", (seconds(body) - empty) / 3.0);
    }
}

#[test]
fn lua_files() {
    tch::set_num_threads(1);
    crate::torch::memory::set_limit(512 << 20);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/lua/torch");
    let mut files: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    let mut failures = Vec::new();
    for file in files {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let source = fs::read_to_string(&file).unwrap();
        if let Err(error) = vm().load(source).set_name(format!("={name}")).exec() {
            failures.push(format!("{name}: {error}"));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
