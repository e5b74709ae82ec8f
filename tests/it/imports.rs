//! Which file of the crate names what of which other file, read from the source as the compiler resolves paths: through
//! `use` trees, aliases, re-exports, `super::` and child modules.
//!
//! A declaration (`mod x;`) and a re-export of what lies below (`pub use x::Y;`) tie nothing: the edge goes from the file that
//! uses `Y` to the file that defines it. A re-export from elsewhere ties. So does a method that a file calls by its name alone
//! when the file defines the type and another file's `impl` of the type defines the method. What stands under `#[cfg(test)]`
//! does not count.

use std::collections::{BTreeMap, BTreeSet, HashMap};

/// File → file → the names that the first takes from the second. Paths are relative to the crate's `src/`.
pub(crate) type Edges = BTreeMap<String, BTreeMap<String, BTreeSet<String>>>;

/// One module of the crate, each in a file of its own.
#[derive(Default)]
struct Module {
    file: String,
    parent: Option<usize>,
    children: HashMap<String, usize>,
    /// Name in scope → the path it stands for.
    aliases: HashMap<String, Vec<String>>,
    /// Paths of `use x::*`.
    globs: Vec<Vec<String>>,
    /// Names that a private `use … as _` or a trait import brings: they tie without being written again.
    tokens: Vec<String>,
    /// Where in `tokens` a `use` item stands.
    uses: Vec<(usize, usize)>,
}

/// Where a path leads.
#[derive(Clone, Copy, PartialEq)]
enum Found {
    Module(usize),
    /// An item that this module's file defines.
    Item(usize),
}

/// The graph of the crate whose files are given as (path below `src/`, text).
pub(crate) fn edges(files: &[(String, String)]) -> Edges {
    let krate = Crate::read(files);
    let mut found = Edges::new();
    for (at, module) in krate.modules.iter().enumerate() {
        for path in krate.named_in(at) {
            let Some((to, name)) = krate.resolve(at, &path, 0) else { continue };
            let target = &krate.modules[to].file;
            if *target != module.file {
                found.entry(module.file.clone()).or_default().entry(target.clone()).or_default().insert(name);
            }
        }
        for (owner, methods) in krate.methods_given(at) {
            let called = krate.modules[owner].called();
            // A method of the same name that the owner has itself, a trait's, is taken for the one that is called.
            let given = |method: &String| called.contains(method) && !krate.defines(owner, method);
            for method in methods.into_iter().filter(given) {
                let owner = krate.modules[owner].file.clone();
                found.entry(owner).or_default().entry(module.file.clone()).or_default().insert(method);
            }
        }
    }
    found
}

/// The files that bring names into scope with a star from inside the crate: what they take cannot be read.
pub(crate) fn stars(files: &[(String, String)]) -> Vec<String> {
    let krate = Crate::read(files);
    let with_a_star = |(at, module): (usize, &Module)| {
        let inside = module.globs.iter().any(|path| krate.follow(at, path, 0).is_some());
        inside.then(|| module.file.clone())
    };
    krate.modules.iter().enumerate().filter_map(with_a_star).collect()
}

/// The groups of files that reach each other, each sorted; a file alone is no group.
pub(crate) fn circles(edges: &Edges) -> Vec<Vec<String>> {
    let reach = |from: &String| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
        while let Some(file) = open.pop() {
            for next in edges.get(&file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(next.clone()) {
                    open.push(next.clone());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&String, BTreeSet<String>> = edges.keys().map(|file| (file, reach(file))).collect();
    let mut groups = BTreeSet::new();
    for (file, seen) in &reached {
        let group: Vec<String> =
            seen.iter().filter(|other| reached.get(other).is_some_and(|back| back.contains(*file))).cloned().collect();
        if group.len() > 1 {
            groups.insert(group);
        }
    }
    groups.into_iter().collect()
}

struct Crate {
    modules: Vec<Module>,
}

impl Module {
    /// The names of `self.name(` in the module.
    fn called(&self) -> BTreeSet<&String> {
        let calls = self.tokens.windows(4).filter(|call| call[0] == "self" && call[1] == "." && call[3] == "(");
        calls.map(|call| &call[2]).collect()
    }
}

/// What follows the `<…>` of an `impl`.
fn past_generics(tokens: &[String]) -> &[String] {
    let mut level = 0;
    for (i, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "<" => level += 1,
            ">" => level -= 1,
            _ if level == 0 => return &tokens[i..],
            _ => {}
        }
    }
    &[]
}

impl Crate {
    fn read(files: &[(String, String)]) -> Crate {
        let mut krate = Crate { modules: Vec::new() };
        let texts: HashMap<&str, &str> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
        krate.add(&texts, "lib.rs", "", None);
        krate
    }

    /// Reads the module in `file`, whose children lie in `folder`.
    fn add(&mut self, texts: &HashMap<&str, &str>, file: &str, folder: &str, parent: Option<usize>) -> usize {
        let at = self.modules.len();
        let all = tokens(texts[file]);
        let kept = without_tests(all.clone());
        let (declared, outside_tests) = (declared(&all), declared(&kept));
        self.modules.push(Module { file: file.to_string(), parent, tokens: kept, ..Module::default() });
        // Every file in the module's folder is a child, however it is declared, for some lists of modules are macros; but
        // for those of tests.
        for child in texts.keys().filter(|path| path.starts_with(folder) && **path != file) {
            let rest = &child[folder.len()..];
            let name = rest.strip_suffix("/mod.rs").or_else(|| rest.strip_suffix(".rs")).unwrap_or(rest);
            let is_of_tests = declared.contains(name) && !outside_tests.contains(name);
            if name.contains('/') || is_of_tests || (folder.is_empty() && !declared.contains(name)) {
                continue;
            }
            let child = self.add(texts, child, &format!("{folder}{name}/"), Some(at));
            self.modules[at].children.insert(name.to_string(), child);
        }
        self.read_uses(at);
        at
    }

    fn read_uses(&mut self, at: usize) {
        let module = &mut self.modules[at];
        let mut i = 0;
        while i < module.tokens.len() {
            let starts = module.tokens[i] == "use" && (i == 0 || module.tokens[i - 1] != "::");
            if !starts {
                i += 1;
                continue;
            }
            let end = (i..module.tokens.len()).find(|&k| module.tokens[k] == ";").unwrap_or(module.tokens.len());
            let mut leaves = Vec::new();
            use_tree(&module.tokens[i + 1..end], &mut Vec::new(), &mut leaves);
            for (path, alias) in leaves {
                match alias {
                    Some(alias) => drop(module.aliases.insert(alias, path)),
                    None => module.globs.push(path),
                }
            }
            // A visibility in front (`pub`, `pub(in a::b)`) belongs to the item.
            let start = if i > 0 && module.tokens[i - 1] == ")" {
                (0..i).rev().find(|&k| module.tokens[k] == "pub").unwrap_or(i)
            } else {
                i
            };
            module.uses.push((start, end));
            i = end;
        }
    }

    /// Every path that the module's code names, `use` items aside but for private imports, which the compiler would
    /// refuse if nothing needed them.
    fn named_in(&self, at: usize) -> Vec<Vec<String>> {
        let module = &self.modules[at];
        let mut found = Vec::new();
        let in_use = |i: usize| module.uses.iter().find(|(start, end)| (*start..*end).contains(&i));
        let mut i = 0;
        while i < module.tokens.len() {
            if let Some(&(start, end)) = in_use(i) {
                let private = start == 0 || !is_public(&module.tokens, start);
                let from = (start..end).find(|&k| module.tokens[k] == "use").map_or(end, |k| k + 1);
                let mut leaves = Vec::new();
                use_tree(&module.tokens[from..end], &mut Vec::new(), &mut leaves);
                let named = leaves.into_iter().filter(|(_, alias)| alias.is_some()).map(|(path, _)| path);
                found.extend(named.filter(|path| private || !self.leads_below(at, path)));
                i = end;
                continue;
            }
            if is_name(&module.tokens[i]) && (i == 0 || !matches!(module.tokens[i - 1].as_str(), "::" | "." | "mod")) {
                let mut path = vec![module.tokens[i].clone()];
                let mut k = i;
                while k + 2 < module.tokens.len() && module.tokens[k + 1] == "::" && is_name(&module.tokens[k + 2]) {
                    path.push(module.tokens[k + 2].clone());
                    k += 2;
                }
                let rooted = matches!(path[0].as_str(), "crate" | "super" | "self");
                let known = module.aliases.contains_key(&path[0]) || module.children.contains_key(&path[0]);
                if (rooted && path.len() > 1) || known {
                    found.push(path);
                }
                i = k + 1;
                continue;
            }
            i += 1;
        }
        found
    }

    /// Whether a path written in module `at` begins with one of its children.
    fn leads_below(&self, at: usize, path: &[String]) -> bool {
        let first = path.iter().find(|step| *step != "self");
        first.is_some_and(|step| self.modules[at].children.contains_key(step))
    }

    /// The methods that this module's `impl Type { … }` blocks define for types of other modules, by the type's module.
    fn methods_given(&self, at: usize) -> Vec<(usize, BTreeSet<String>)> {
        let tokens = &self.modules[at].tokens;
        let mut found = Vec::new();
        for start in (0..tokens.len()).filter(|&i| tokens[i] == "impl") {
            let Some(open) = (start..tokens.len()).find(|&i| tokens[i] == "{") else { break };
            let head = &tokens[start + 1..open];
            // Of a trait the methods are called through the trait, and `impl Trait` in a signature is no block.
            if head.iter().any(|token| matches!(token.as_str(), "for" | ";" | ")" | "=")) {
                continue;
            }
            let path: Vec<String> = past_generics(head).iter().filter(|t| is_name(t)).take(1).cloned().collect();
            let Some((owner, _)) = self.resolve(at, &path, 0).filter(|(owner, _)| *owner != at) else { continue };
            let body = &tokens[open..closing(tokens, open)];
            let methods = body.windows(2).filter(|pair| pair[0] == "fn").map(|pair| pair[1].clone()).collect();
            found.push((owner, methods));
        }
        found
    }

    /// The module whose file defines what `path`, written in module `at`, ends at; with the name of it. `None` for what
    /// lies outside of the crate, and for a module alone, of which nothing is taken.
    fn resolve(&self, at: usize, path: &[String], depth: usize) -> Option<(usize, String)> {
        match self.follow(at, path, depth)? {
            (Found::Item(owner), name) => Some((owner, name)),
            (Found::Module(_), _) => None,
        }
    }

    fn follow(&self, at: usize, path: &[String], depth: usize) -> Option<(Found, String)> {
        if depth > 12 {
            return None;
        }
        let mut here = Found::Module(at);
        let mut name = String::new();
        for (i, step) in path.iter().enumerate() {
            let Found::Module(module) = here else { break };
            name.clone_from(step);
            here = match step.as_str() {
                "crate" if i == 0 => Found::Module(0),
                "self" if i == 0 => Found::Module(module),
                "self" => here,
                "super" => Found::Module(self.modules[module].parent?),
                // A module and a function may share a name: more steps can only go on from the module.
                _ if i + 1 < path.len() && self.modules[module].children.contains_key(step) => {
                    Found::Module(self.modules[module].children[step])
                }
                _ => self.member(module, step, i == 0, depth)?,
            };
        }
        Some((here, name))
    }

    /// What `name` is in a module; `first` when the path begins with it, so that outer crates may be meant.
    fn member(&self, module: usize, name: &str, first: bool, depth: usize) -> Option<Found> {
        let this = &self.modules[module];
        if let Some(path) = this.aliases.get(name) {
            // `use std::fs` in scope: outside of the crate.
            if path.len() == 1 && path[0] == name {
                return this.children.get(name).map(|child| Found::Module(*child));
            }
            return self.follow(module, path, depth + 1).map(|(found, _)| found);
        }
        if let Some(child) = this.children.get(name) {
            return Some(Found::Module(*child));
        }
        if self.defines(module, name) {
            return Some(Found::Item(module));
        }
        for glob in &this.globs {
            if let Some((Found::Module(from), _)) = self.follow(module, glob, depth + 1)
                && from != module
                && let Some(found) = self.member(from, name, false, depth + 1)
            {
                return Some(found);
            }
        }
        // A macro may have made it: then it belongs to this file.
        (!first).then_some(Found::Item(module))
    }

    fn defines(&self, module: usize, name: &str) -> bool {
        const WORDS: [&str; 9] = ["fn", "struct", "enum", "trait", "type", "const", "static", "union", "macro_rules"];
        let tokens = &self.modules[module].tokens;
        tokens.windows(2).any(|pair| WORDS.contains(&pair[0].as_str()) && pair[1] == name)
    }
}

fn is_public(tokens: &[String], start: usize) -> bool {
    tokens[start] == "pub" || tokens[start - 1] == "pub"
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// `a::{b, c as d, e::*}` → (a::b, b), (a::c, d), (a::e, none for the star).
fn use_tree(tokens: &[String], prefix: &mut Vec<String>, found: &mut Vec<(Vec<String>, Option<String>)>) {
    let length = prefix.len();
    let mut i = 0;
    while i < tokens.len() {
        match tokens[i].as_str() {
            "::" => i += 1,
            "*" => {
                found.push((prefix.clone(), None));
                i += 1;
            }
            "{" => {
                let end = closing(tokens, i);
                for part in split(&tokens[i + 1..end]) {
                    use_tree(part, prefix, found);
                }
                prefix.truncate(length);
                return;
            }
            "as" => {
                found.push((prefix.clone(), Some(tokens[i + 1].clone())));
                prefix.truncate(length);
                return;
            }
            name => {
                prefix.push(name.to_string());
                i += 1;
            }
        }
    }
    if prefix.len() > length && tokens.last().is_some_and(|last| last != "*") {
        // `a::{self}` is `a`; a leading `self` is the module itself.
        let path: Vec<String> = prefix
            .iter()
            .enumerate()
            .filter(|(i, step)| *i == 0 || *step != "self")
            .map(|(_, step)| step.clone())
            .collect();
        found.push((path.clone(), path.last().cloned()));
    }
    prefix.truncate(length);
}

/// The parts between commas of the outermost level.
fn split(tokens: &[String]) -> Vec<&[String]> {
    let (mut parts, mut start, mut level) = (Vec::new(), 0, 0);
    for (i, token) in tokens.iter().enumerate() {
        match token.as_str() {
            "{" => level += 1,
            "}" => level -= 1,
            "," if level == 0 => {
                parts.push(&tokens[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    parts.push(&tokens[start..]);
    parts
}

/// The bracket that closes the one at `open`.
fn closing(tokens: &[String], open: usize) -> usize {
    let (left, right) = if tokens[open] == "{" { ("{", "}") } else { ("[", "]") };
    let mut level = 0;
    for (i, token) in tokens.iter().enumerate().skip(open) {
        if token == left {
            level += 1;
        } else if token == right {
            level -= 1;
            if level == 0 {
                return i;
            }
        }
    }
    tokens.len()
}

/// The names of `mod x;`.
fn declared(tokens: &[String]) -> BTreeSet<String> {
    let items = tokens.windows(3).filter(|item| item[0] == "mod" && item[2] == ";");
    items.map(|item| item[1].clone()).collect()
}

/// The tokens without the items under `#[cfg(test)]`.
fn without_tests(tokens: Vec<String>) -> Vec<String> {
    const MARK: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut i = 0;
    while i < tokens.len() {
        if !MARK.iter().enumerate().all(|(k, mark)| tokens.get(i + k).is_some_and(|token| token == mark)) {
            kept.push(tokens[i].clone());
            i += 1;
            continue;
        }
        i += MARK.len();
        while tokens.get(i).is_some_and(|token| token == "#") {
            i = closing(&tokens, i + 1) + 1;
        }
        while i < tokens.len() && tokens[i] != ";" && tokens[i] != "{" {
            i += 1;
        }
        i = if tokens.get(i).is_some_and(|token| token == "{") { closing(&tokens, i) + 1 } else { i + 1 };
    }
    kept
}

/// Arguments of serde's attributes whose text is a path.
const PATHS_IN_TEXT: [&str; 5] = ["default", "with", "serialize_with", "deserialize_with", "skip_serializing_if"];

/// Names, `::` and single signs; no comments, no literals but those of serde that name a function.
fn tokens(text: &str) -> Vec<String> {
    let (bytes, mut found, mut i) = (text.as_bytes(), Vec::<String>::new(), 0);
    while i < bytes.len() {
        let rest = &text[i..];
        let first = rest.chars().next().expect("i is below the length");
        if rest.starts_with("//") {
            i += rest.find('\n').unwrap_or(rest.len());
        } else if rest.starts_with("/*") {
            i += rest.find("*/").map_or(rest.len(), |end| end + 2);
        } else if let Some(length) = raw_string(rest) {
            i += length;
        } else if first == '"' {
            let length = quoted(&bytes[i + 1..], b'"');
            if let [.., name, equals] = &found[..]
                && equals == "="
                && PATHS_IN_TEXT.contains(&name.as_str())
            {
                found.extend(tokens(&text[i + 1..i + length]));
            }
            i += 1 + length;
        } else if first == '\'' {
            i += character(rest);
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
            found.push(rest[..end].to_string());
            i += end;
        } else if first.is_ascii_digit() {
            i += rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
        } else if rest.starts_with("::") {
            found.push("::".into());
            i += 2;
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            i += first.len_utf8();
        }
    }
    found
}

/// The length of `r#"…"#`, `br"…"` and the like at the start of `text`.
fn raw_string(text: &str) -> Option<usize> {
    let body = text.strip_prefix("br").or_else(|| text.strip_prefix('r'))?;
    let hashes = body.len() - body.trim_start_matches('#').len();
    let inner = body[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    let length = inner.find(&end)?;
    Some(text.len() - inner.len() + length + end.len())
}

/// The length up to and with the closing quote.
fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut i = 0;
    while i < bytes.len() {
        match bytes[i] {
            b'\\' => i += 2,
            byte if byte == quote => return i + 1,
            _ => i += 1,
        }
    }
    i
}

/// The length of a character literal, or of a lifetime's tick and name.
fn character(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match (letters.next(), letters.next()) {
        (Some((_, '\\')), _) => 1 + quoted(&text.as_bytes()[1..], b'\''),
        (Some(_), Some((end, '\''))) => end + 1,
        _ => text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |end| end + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(files: &[(&str, &str)]) -> Edges {
        let files: Vec<(String, String)> = files.iter().map(|(p, t)| (p.to_string(), t.to_string())).collect();
        edges(&files)
    }

    fn arrows(files: &[(&str, &str)]) -> Vec<String> {
        let named = |(from, to): (String, BTreeMap<String, BTreeSet<String>>)| {
            to.into_iter()
                .map(move |(to, names)| format!("{from} > {to}: {}", names.into_iter().collect::<Vec<_>>().join(" ")))
        };
        graph(files).into_iter().flat_map(named).collect()
    }

    #[test]
    fn a_name_leads_to_the_file_that_defines_it_through_re_exports_and_aliases() {
        let found = arrows(&[
            ("lib.rs", "pub mod a; pub mod b;"),
            ("a.rs", "mod inner; pub use self::inner::{Deep, other as renamed}; pub struct Here;"),
            ("a/inner.rs", "pub struct Deep; pub fn other() {}"),
            ("b.rs", "use crate::a::{self, Deep}; fn f() { a::renamed(); crate::a::Here; Deep } // crate::a::no"),
        ]);
        assert_eq!(found, ["b.rs > a.rs: Here", "b.rs > a/inner.rs: Deep renamed"]);
    }

    #[test]
    fn declaring_and_re_exporting_ties_nothing_but_using_does() {
        let facade = ("lib.rs", "mod p;");
        let child = ("p/c.rs", "use super::Shared; pub struct C;");
        let free = arrows(&[facade, ("p/mod.rs", "mod c; pub use c::C; struct Shared;"), child]);
        assert_eq!(free, ["p/c.rs > p/mod.rs: Shared"]);
        let tied = graph(&[facade, ("p/mod.rs", "mod c; use c::C; struct Shared; fn f(_: C) {}"), child]);
        assert_eq!(circles(&tied), [["p/c.rs", "p/mod.rs"]]);
        let by_path = graph(&[facade, ("p/mod.rs", "mod c; struct Shared; fn f() { c::C; }"), child]);
        assert_eq!(circles(&by_path).len(), 1);
    }

    #[test]
    fn a_re_export_from_elsewhere_a_path_in_serde_s_text_and_a_method_of_another_file_tie() {
        let found = arrows(&[
            ("lib.rs", "pub mod a; pub mod b; pub mod c;"),
            ("a.rs", "pub use crate::b::B;"),
            ("b.rs", "pub struct B { #[serde(default = \"crate::c::most\", rename = \"c::no\")] x: u8 }"),
            ("c.rs", "pub fn most() -> u8 { 1 }"),
        ]);
        assert_eq!(found, ["a.rs > b.rs: B", "b.rs > c.rs: most"]);
        let tied = arrows(&[
            ("lib.rs", "mod t;"),
            ("t/mod.rs", "mod more; pub struct T; impl T { pub fn all(&self) { self.part(); other.whole() } }"),
            ("t/more.rs", "use super::T; impl<'a> T { fn part(&self) {} fn whole(&self) {} }"),
        ]);
        assert_eq!(tied, ["t/mod.rs > t/more.rs: part", "t/more.rs > t/mod.rs: T"]);
    }

    #[test]
    fn a_star_from_inside_the_crate_is_found_and_one_from_outside_or_of_tests_is_not() {
        let files = |text: &str| {
            let files = [("lib.rs", "mod a; mod b;"), ("a.rs", text), ("b.rs", "pub struct B;")];
            stars(&files.map(|(path, text)| (path.to_string(), text.to_string())))
        };
        assert_eq!(files("use crate::b::*;"), ["a.rs"]);
        assert!(files("use rayon::prelude::*; #[cfg(test)] mod tests { use super::*; }").is_empty());
    }

    #[test]
    fn a_child_that_a_macro_declares_is_read_and_one_of_tests_is_not() {
        let found = arrows(&[
            ("lib.rs", "mod list; mod x;"),
            ("list/mod.rs", "modules! { a, b } #[cfg(test)] mod tests;"),
            ("list/a.rs", "use crate::x::X;"),
            ("list/tests.rs", "use crate::x::X;"),
            ("x.rs", "pub struct X;"),
        ]);
        assert_eq!(found, ["list/a.rs > x.rs: X"]);
    }

    #[test]
    fn circles_around_a_corner_are_found_and_tests_do_not_count() {
        let files = |last: &'static str| {
            [
                ("lib.rs", "mod a; mod b; mod c;"),
                ("a.rs", "use crate::b::B; struct A;"),
                ("b.rs", "use crate::c::C; struct B;"),
                ("c.rs", last),
            ]
        };
        assert_eq!(circles(&graph(&files("use crate::a::A; struct C;"))), [["a.rs", "b.rs", "c.rs"]]);
        assert!(circles(&graph(&files("struct C; #[cfg(test)] mod tests { use crate::a::A; }"))).is_empty());
        assert!(circles(&graph(&files("struct C; const S: &str = \"crate::a::A\"; const T: char = '\"';"))).is_empty());
    }
}
