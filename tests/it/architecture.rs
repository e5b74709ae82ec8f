//! Who may import whom: the table in `src/docs/architecture.md`, held against what the files of `src/` name of each other;
//! and no file takes something from one that takes something from it, directly or around a corner.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    imports::{Edges, circles, edges},
    tree::{code, root, rust_files},
};

/// The parts that must not know which language a network was written in.
const WITHOUT_LUA: &[&str] =
    &["error", "fence", "torch", "nn", "data", "job", "optim", "onnx", "inspect", "tasks", "studio", "cli"];

/// The part that a file belongs to: `nn/modules/linear.rs` → `nn`.
fn part(path: &str) -> &str {
    path.split('/').next().expect("split yields at least one piece").trim_end_matches(".rs")
}

/// The edges of the crate, programs and build script aside.
fn crate_edges() -> Edges {
    edges(
        &rust_files("src").into_iter().filter(|(path, _)| path != "main.rs" && path != "build.rs").collect::<Vec<_>>(),
    )
}

/// `nn:  error torch` of the page's block, a part a line.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let page = fs::read_to_string(root().join("src/docs/architecture.md")).expect("the page is there");
    let (_, rest) = page.split_once("## Who may import whom").expect("the page has the heading");
    let block = rest.split("```").nth(1).expect("a block follows the heading");
    let words = |text: &str| text.split_whitespace().map(String::from).collect();
    block.lines().filter_map(|line| line.split_once(':')).map(|(name, may)| (name.trim().into(), words(may))).collect()
}

#[test]
fn every_part_imports_what_the_page_allows_and_the_page_allows_nothing_else() {
    let (table, mut used, mut wrong) = (table(), BTreeMap::<&str, BTreeSet<&str>>::new(), Vec::new());
    let edges = crate_edges();
    for (from, targets) in &edges {
        for (to, names) in targets.iter().filter(|(to, _)| part(to) != part(from)) {
            used.entry(part(from)).or_default().insert(part(to));
            if !table.get(part(from)).is_some_and(|may| may.contains(part(to))) {
                wrong.push(format!("src/{from} takes {names:?} from {to}: the page does not allow it"));
            }
        }
    }
    for (name, may) in &table {
        let of_part = used.get(name.as_str());
        for spare in may.iter().filter(|other| !of_part.is_some_and(|used| used.contains(other.as_str()))) {
            wrong.push(format!("'{name}' may import '{spare}' in the page, and does not"));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn no_two_files_import_each_other_directly_or_around_a_corner() {
    let edges = crate_edges();
    assert!(edges.len() > 200, "the reader of paths sees few of the files");
    let mut lines = Vec::new();
    for circle in circles(&edges) {
        lines.push(format!("a circle of {} files:", circle.len()));
        for from in &circle {
            let inside = edges[from].iter().filter(|(to, _)| circle.contains(to));
            lines.extend(inside.map(|(to, names)| format!("  {from} takes {names:?} from {to}")));
        }
    }
    assert!(lines.is_empty(), "\n{}", lines.join("\n"));
}

#[test]
fn lua_is_known_to_the_front_end_and_the_trainer_only() {
    let wrong: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|(path, text)| WITHOUT_LUA.contains(&part(path)) && code(text).contains("mlua::"))
        .map(|(path, _)| format!("src/{path} names mlua"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
