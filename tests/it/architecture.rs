//! Who may import whom: the table in `src/docs/architecture.md`, held against what the files of `src/` name of each other;
//! and no file takes something from one that takes something from it, directly or around a corner.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use crate::{
    imports::{Edges, circles, edges, stars},
    tree::{code, root, rust_files},
};

/// The only part that knows the Lua interpreter.
const WITH_LUA: &str = "frontend";

/// The part that a file belongs to: `nn/modules/linear.rs` → `nn`.
fn part(path: &str) -> &str {
    path.split('/').next().expect("split yields at least one piece").trim_end_matches(".rs")
}

/// The files of the library as (path below `src/`, text): programs and build script aside.
fn crate_files() -> Vec<(String, String)> {
    rust_files("src").into_iter().filter(|(path, _)| path != "main.rs" && path != "build.rs").collect()
}

fn crate_edges() -> Edges {
    edges(&crate_files())
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
    // Few files take nothing from any other: a reader that went blind would say it of most.
    let files = crate_files().len();
    assert!(edges.len() * 10 > files * 8, "the reader of paths sees what {} of {files} files take", edges.len());
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
fn no_file_takes_names_with_a_star_from_inside_the_crate() {
    assert_eq!(stars(&crate_files()), Vec::<String>::new(), "what these files take cannot be read");
}

#[test]
fn lua_is_known_to_the_front_end_only() {
    let wrong: Vec<String> = rust_files("src")
        .into_iter()
        .filter(|(path, text)| part(path) != WITH_LUA && code(text).contains("mlua::"))
        .map(|(path, _)| format!("src/{path} names mlua"))
        .collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
