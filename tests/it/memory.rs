//! The table of `src/docs/memory.md`: every file with `unsafe` in it, and how often.

use std::{collections::BTreeMap, fs};

use crate::tree;

#[test]
fn every_unsafe_block_stands_in_the_table() {
    let page = fs::read_to_string(tree::root().join("src/docs/memory.md")).unwrap();
    let listed: BTreeMap<String, usize> = page
        .lines()
        .filter_map(|line| {
            let mut cells = line.strip_prefix("| ")?.split(" | ");
            Some((cells.next()?.to_string(), cells.next()?.trim().parse().ok()?))
        })
        .collect();
    let found: BTreeMap<String, usize> = tree::rust_files("src")
        .into_iter()
        .map(|(name, text)| (name, tree::code(&text).lines().filter(|line| is_unsafe(line)).count()))
        .filter(|(_, count)| *count > 0)
        .collect();
    assert_eq!(listed, found, "src/docs/memory.md (left) and the code (right)");
}

fn is_unsafe(line: &str) -> bool {
    ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern", "from_raw_parts"].iter().any(|word| line.contains(word))
}
