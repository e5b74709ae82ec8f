//! Who may import whom: the picture in `src/docs/architecture.md`, checked against the `crate::…` paths in `src/`.

use crate::tree::{code, rust_files};

/// Each folder (or file) directly below `src/` and what it may name. `cli` and `main` may name everything.
const MAY_IMPORT: &[(&str, &[&str])] = &[
    ("error", &[]),
    ("docs", &[]),
    ("input", &["error"]),
    ("torch", &["input", "error"]),
    ("nn", &["error", "torch"]),
    ("data", &["input", "error"]),
    ("job", &["input", "error"]),
    ("optim", &["error", "torch"]),
    ("onnx", &["nn", "error"]),
    ("frontend", &["nn", "torch", "data", "input", "error"]),
    ("train", &["nn", "data", "optim", "job", "torch", "input", "error"]),
    ("inspect", &["frontend", "nn", "torch", "train", "data", "job", "error"]),
    ("tasks", &["onnx", "inspect", "train", "frontend", "optim", "job", "data", "nn", "torch", "input", "error"]),
];
const FREE: &[&str] = &["cli", "main", "lib", "build"];

/// The parts that must not know which language a network was written in.
const WITHOUT_LUA: &[&str] = &["error", "torch", "nn", "data", "job", "optim", "onnx", "inspect"];

/// The top-level modules that `text`, a file of the module `depth` levels below the crate's root, names.
fn imports(text: &str, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("crate::") {
        if text[..at].ends_with('$') {
            continue; // a macro's own crate: seen where it expands to a written path
        }
        let rest = text[at + "crate::".len()..].trim_start();
        match rest.strip_prefix('{') {
            Some(group) => found.extend(group_heads(group)),
            None => found.extend(identifier(rest)),
        }
    }
    // `super::super::…` may climb to the root as well.
    let climb = "super::".repeat(depth);
    for (at, _) in text.match_indices(&climb) {
        let rest = text[at..].trim_start_matches("super::");
        found.extend(identifier(rest).filter(|name| MAY_IMPORT.iter().any(|(known, _)| known == name)));
    }
    found
}

/// `error::Result, nn::{A, B}}` → error, nn.
fn group_heads(group: &str) -> Vec<String> {
    let (mut heads, mut level, mut fresh) = (Vec::new(), 1, true);
    for (at, letter) in group.char_indices() {
        match letter {
            '{' => level += 1,
            '}' => level -= 1,
            ',' if level == 1 => fresh = true,
            _ if fresh && !letter.is_whitespace() => {
                heads.extend(identifier(&group[at..]));
                fresh = false;
            }
            _ => {}
        }
        if level == 0 {
            break;
        }
    }
    heads
}

fn identifier(text: &str) -> Option<String> {
    let name: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// `nn/modules/linear.rs` → ("nn", 3): the part it belongs to, and how deep its module lies.
fn place(path: &str) -> (&str, usize) {
    let module = path.trim_end_matches(".rs").trim_end_matches("/mod");
    (module.split('/').next().expect("split yields at least one piece"), module.split('/').count())
}

#[test]
fn nobody_imports_what_the_table_forbids() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        let (part, depth) = place(&path);
        if FREE.contains(&part) {
            continue;
        }
        let Some((_, allowed)) = MAY_IMPORT.iter().find(|(name, _)| *name == part) else {
            wrong.push(format!("src/{path}: '{part}' is not in the table of tests/it/architecture.rs"));
            continue;
        };
        for name in imports(&code(&text), depth) {
            let is_part = FREE.contains(&name.as_str()) || MAY_IMPORT.iter().any(|(known, _)| *known == name);
            if is_part && name != part && !allowed.contains(&name.as_str()) {
                wrong.push(format!("src/{path}: '{part}' names crate::{name}; it may name {allowed:?}"));
            }
        }
    }
    wrong.dedup();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn lua_is_known_to_the_front_end_and_the_trainer_only() {
    let wrong: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|(path, text)| WITHOUT_LUA.contains(&place(path).0) && code(text).contains("mlua::"))
        .map(|(path, _)| format!("src/{path} names mlua"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_reader_of_paths_sees_every_way_to_write_one() {
    let text = code("use crate::{error::{Error, Kind}, nn::Node};\nfn f() { crate::torch::g() } // crate::cli\n");
    assert_eq!(imports(&text, 2), ["error", "nn", "torch"]);
    assert_eq!(imports("use super::super::job::Job; use super::Node;", 2), ["job"]);
    assert_eq!(place("nn/modules/mod.rs"), ("nn", 2));
}
