//! Golden texts of every class: `tests/golden/printed` holds what each prints, `tests/golden/arguments` the page of each
//! wrong argument of each constructor.
//!
//! A line `> expression` is answered by the lines below it, up to the next. Further expressions may be written into a
//! file by hand. `BLESS=1 cargo test --test it forms` rewrites the answers, and adds the expressions that must be there: what
//! the cases of `tests/golden/nn` make, and one call for each argument that a `SPEC` declares. The diff is reviewed by eye.

use std::{collections::BTreeMap, fs, path::PathBuf};

use digits::{
    frontend::lua::vm::{Limit, Vm},
    nn::{self, ArgKind, Missing, Spec},
};
use mlua::Value;

use crate::{
    modules::{cases, driver, machine, text},
    tree,
};

#[test]
fn every_printed_form_is_as_reviewed() {
    let vm = machine();
    let (_, printed) = driver(vm.lua());
    let wanted = cases()
        .into_iter()
        .map(|(kind, cases)| (kind, cases.iter().map(|case| text(&case["make"]).to_string()).collect::<Vec<String>>()));
    compare("printed", wanted, |expression, _| {
        match vm.guard(Limit::None, "in a test", || printed.call::<String>(expression)) {
            Ok(text) => Some(text),
            Err(page) => panic!("{expression} does not print: {page}"),
        }
    });
}

#[test]
fn every_wrong_argument_gets_its_page() {
    let vm = machine();
    let mut calls: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (kind, cases) in cases() {
        let list = calls.entry(kind).or_default();
        let mut classes: Vec<&str> = cases.iter().map(|case| text(&case["class"])).collect();
        classes.dedup();
        for class in classes {
            let expressions = match nn::spec(class) {
                // The other names of a class share its constructor.
                Some(spec) if spec.name() != class => vec![],
                Some(spec) if spec.init.is_some() => wrong_calls(spec),
                // Written in the prelude, which has no declaration.
                _ => vec![format!("{class}()"), format!("{class}('wrong')"), format!("{class}(2, 'wrong')")],
            };
            list.extend(expressions.into_iter().filter(|call| fails(&vm, call)));
        }
    }
    // The page is shown whole at the first mistake of a class: the others differ in the first line.
    compare("arguments", calls, |expression, is_first| {
        let page = page(&vm, expression)?;
        Some(if is_first { page } else { page.lines().next().unwrap_or_default().to_string() })
    });
}

/// A call without arguments, and one with a wrong value in the place of each argument whose kind is declared.
fn wrong_calls(spec: &Spec) -> Vec<String> {
    let class = spec.name();
    let mut calls = vec![];
    if spec.args.iter().any(|arg| arg.default == Missing::Error) {
        calls.push(format!("{class}()"));
    }
    let given = arguments(spec.probe.args);
    for (i, arg) in spec.args.iter().enumerate() {
        if matches!(arg.kind, ArgKind::Any | ArgKind::Rest) {
            continue;
        }
        let wrong = if arg.kind == ArgKind::Text { "{}" } else { "'wrong'" };
        let before = (0..i).map(|j| given.get(j).map_or("nil", String::as_str));
        calls.push(format!("{class}({})", before.chain([wrong]).collect::<Vec<_>>().join(", ")));
    }
    calls
}

/// The arguments of a list, split at the commas outside all brackets.
fn arguments(text: &str) -> Vec<String> {
    let (mut list, mut depth) = (vec![String::new()], 0);
    for letter in text.chars() {
        depth += i32::from("({".contains(letter)) - i32::from(")}".contains(letter));
        match letter {
            ',' if depth == 0 => list.push(String::new()),
            _ => list.last_mut().expect("it starts with one").push(letter),
        }
    }
    list.iter().map(|argument| argument.trim().to_string()).filter(|argument| !argument.is_empty()).collect()
}

fn fails(vm: &Vm, expression: &str) -> bool {
    page(vm, expression).is_some()
}

/// The page of a network file that says this; `None` when it is right.
fn page(vm: &Vm, expression: &str) -> Option<String> {
    let chunk = vm.load("net.lua", &format!("local module = {expression}")).unwrap();
    let error = vm.guard(Limit::None, "in a test", || chunk.call::<Value>(())).err()?;
    let page = error.to_string();
    let lines = page.lines().filter(|line| !line.contains("it happened") && !line.trim().is_empty());
    Some(lines.map(str::trim_end).collect::<Vec<_>>().join("\n"))
}

/// The class that an expression begins with.
fn class_of(expression: &str) -> &str {
    expression.split('(').next().unwrap_or_default()
}

/// Compares `tests/golden/<folder>/<kind>.txt` with the answers to its own expressions and those that must be there.
fn compare(
    folder: &str,
    required: impl IntoIterator<Item = (String, Vec<String>)>,
    answer: impl Fn(&str, bool) -> Option<String>,
) {
    let bless = std::env::var_os("BLESS").is_some();
    let mut differing = vec![];
    for (kind, required) in required {
        let path: PathBuf = tree::root().join("tests/golden").join(folder).join(format!("{kind}.txt"));
        let old = fs::read_to_string(&path).unwrap_or_default();
        let mut expressions: Vec<&str> = old.lines().filter_map(|line| line.strip_prefix("> ")).collect();
        expressions.extend(required.iter().map(String::as_str));
        // One class after the other, each in the order of the file.
        let mut grouped: Vec<(&str, Vec<&str>)> = vec![];
        for expression in expressions {
            let class = class_of(expression);
            match grouped.iter_mut().find(|(name, _)| *name == class) {
                Some((_, list)) if list.contains(&expression) => {}
                Some((_, list)) => list.push(expression),
                None => grouped.push((class, vec![expression])),
            }
        }
        let mut new = String::new();
        for (_, list) in &grouped {
            for (i, expression) in list.iter().enumerate() {
                // A wrong argument that is none any more is left out.
                if let Some(answer) = answer(expression, i == 0) {
                    new += &format!("> {expression}\n{answer}\n");
                }
            }
            if !new.is_empty() && !new.ends_with("\n\n") {
                new.push('\n');
            }
        }
        if bless {
            fs::create_dir_all(path.parent().expect("a folder")).expect("the golden folder is writable");
            fs::write(&path, &new).expect("the golden folder is writable");
        } else if new != old {
            differing.extend(first_difference(&format!("{folder}/{kind}.txt"), &old, &new));
        }
    }
    assert!(differing.is_empty(), "goldens differ (BLESS=1 accepts them):\n{}", differing.join("\n"));
}

fn first_difference(name: &str, old: &str, new: &str) -> Option<String> {
    let (mut a, mut b) = (old.lines(), new.lines());
    for line in 1.. {
        match (a.next(), b.next()) {
            (None, None) => break,
            (old, new) if old == new => {}
            (old, new) => {
                return Some(format!(
                    "{name}:{line}:\n  expected {}\n  came     {}",
                    old.unwrap_or("nothing"),
                    new.unwrap_or("nothing")
                ));
            }
        }
    }
    Some(format!("{name}: the ends of its lines differ"))
}

#[test]
fn arguments_are_split_outside_brackets() {
    assert_eq!(arguments("4, {1, 2}, torch.rand(2, 3), 'x'"), ["4", "{1, 2}", "torch.rand(2, 3)", "'x'"]);
    assert!(arguments("").is_empty());
}
