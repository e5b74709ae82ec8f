//! Habits of the code base that no compiler checks: sizes, headers, names, complete lists, no addresses of registries.

use crate::tree::{files, root, rust_files};
use std::fs;

const LONGEST: usize = 500;
const SAYS_NOTHING: &[&str] =
    &["util", "utils", "helper", "helpers", "common", "manager", "managers", "base", "misc", "stuff"];

#[track_caller]
fn none(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

fn all_rust() -> Vec<(String, String)> {
    let below = |folder: &'static str| rust_files(folder).into_iter().map(move |(p, t)| (format!("{folder}/{p}"), t));
    below("src").chain(below("tests")).collect()
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    none(
        rust_files("src")
            .into_iter()
            .map(|(path, text)| (path, text.lines().count()))
            .filter(|(_, lines)| *lines > LONGEST)
            .map(|(path, lines)| format!("src/{path}: {lines} lines; split it by what a user can name"))
            .collect(),
    );
}

#[test]
fn every_file_starts_by_saying_what_it_is() {
    none(
        all_rust()
            .into_iter()
            .filter(|(_, text)| !text.starts_with("//! "))
            .map(|(path, _)| format!("{path}: the first line must be `//! ` and one sentence"))
            .collect(),
    );
}

#[test]
fn every_part_says_what_goes_in_what_comes_out_and_what_it_never_does() {
    let mut wrong = Vec::new();
    for (path, text) in rust_files("src") {
        if path.ends_with("/mod.rs") && path.matches('/').count() == 1 && path != "docs/mod.rs" {
            for word in ["**In:**", "**Out:**", "**Never:**"] {
                if !text.contains(word) {
                    wrong.push(format!("src/{path}: its header lacks {word}"));
                }
            }
        }
    }
    none(wrong);
}

#[test]
fn no_name_says_nothing() {
    let folders = ["src", "tests", "networks"];
    let mut wrong = Vec::new();
    for folder in folders {
        for path in files(folder) {
            for piece in path.split('/') {
                if SAYS_NOTHING.contains(&piece.split('.').next().unwrap_or("")) {
                    wrong.push(format!("{folder}/{path}: '{piece}' does not say what is in it"));
                }
            }
        }
    }
    none(wrong);
}

/// A file that is not in its list is not built into the program: nobody would notice.
#[test]
fn the_lists_of_modules_and_criteria_equal_their_folders() {
    for (folder, list) in
        [("src/nn/modules", digits::nn::modules::FILES), ("src/nn/criteria", digits::nn::criteria::FILES)]
    {
        let mut here: Vec<String> = rust_files(folder)
            .into_iter()
            .map(|(path, _)| path.trim_end_matches(".rs").trim_end_matches("/mod").to_string())
            .filter(|name| name != "mod" && !name.contains('/'))
            .collect();
        here.sort();
        let mut listed = list.to_vec();
        listed.sort_unstable();
        assert_eq!(listed, here, "{folder}: the list in mod.rs (left) and the files (right) differ");
    }
}

#[test]
fn every_class_has_one_spec() {
    let mut seen = std::collections::BTreeMap::new();
    for spec in digits::nn::specs() {
        for class in spec.classes {
            *seen.entry(*class).or_insert(0) += 1;
        }
    }
    assert!(!seen.is_empty());
    none(seen.into_iter().filter(|(_, n)| *n > 1).map(|(class, n)| format!("{class} has {n} specs")).collect());
}

/// Packages come through the ordinary clients; which server those ask is the reader's affair.
#[test]
fn no_file_names_a_registry() {
    let hosts: Vec<String> = [
        ["static.crates", "io"],
        ["index.crates", "io"],
        ["pypi", "org"],
        ["files.pythonhosted", "org"],
        ["registry.npmjs", "org"],
        ["download.pytorch", "org"],
        ["proxy.golang", "org"],
    ]
    .iter()
    .map(|pieces| pieces.join("."))
    .collect();
    let top = ["README.md", "Makefile", "Cargo.toml", "LICENSE"].map(String::from);
    let below = ["src", "tests", "networks", "proto", ".ci"]
        .into_iter()
        .flat_map(|folder| files(folder).into_iter().map(move |path| format!("{folder}/{path}")));
    let mut wrong = Vec::new();
    for path in below.chain(top) {
        let bytes = fs::read(root().join(&path)).unwrap_or_else(|e| panic!("{path}: {e}"));
        let text = String::from_utf8_lossy(&bytes);
        wrong.extend(hosts.iter().filter(|host| text.contains(*host)).map(|host| format!("{path} names {host}")));
    }
    none(wrong);
}
