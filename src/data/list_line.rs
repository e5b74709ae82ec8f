//! One line of a list of images, as people and programs write them.

use std::path::{Path, PathBuf};

/// The lines of a list that name something, with their numbers from 1: without a byte order mark, comments and white space
/// at either end.
pub fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let numbered = text.lines().enumerate().map(|(at, line)| (at + 1, line.trim()));
    numbered.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// A line's path, which quotes may enclose, and what follows it after white space, a comma or a semicolon.
#[must_use]
pub fn split(line: &str) -> (&str, Option<&str>) {
    for quote in ['"', '\''] {
        if let Some((path, rest)) = line.strip_prefix(quote).and_then(|rest| rest.split_once(quote)) {
            let rest = rest.trim_start_matches([',', ';']).trim();
            return (path, Some(unquoted(rest)).filter(|rest| !rest.is_empty()));
        }
    }
    match line.rsplit_once(char::is_whitespace) {
        Some((path, word)) => (path.trim_end().trim_end_matches([',', ';']), Some(unquoted(word))),
        // Whoever has a comma in the name of a file and no class finds the file under the whole line.
        None => match line.rsplit_once([',', ';']) {
            Some((path, word)) if !word.is_empty() => (path, Some(unquoted(word))),
            _ => (line, None),
        },
    }
}

/// A text without the quotes around it.
#[must_use]
pub fn unquoted(text: &str) -> &str {
    let inner = |quote: char| text.strip_prefix(quote)?.strip_suffix(quote);
    inner('"').or_else(|| inner('\'')).unwrap_or(text)
}

/// Where a path of a list leads: `~` is the user's home, relative ones start from `folder`.
///
/// # Errors
/// For an address, which is not fetched: a sentence.
pub fn place(path: &str, folder: &Path) -> Result<PathBuf, String> {
    if path.starts_with("http://") || path.starts_with("https://") {
        return Err("addresses are not fetched: download the images first and list the files".into());
    }
    let home = path.strip_prefix("~/").and_then(|rest| Some(Path::new(&std::env::var_os("HOME")?).join(rest)));
    Ok(home.unwrap_or_else(|| folder.join(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_spreadsheets_leave_is_taken_away() {
        let found: Vec<_> = lines("\u{feff}a.png 0\r\n# no\r\n\r\n  b c.png 1  ").collect();
        assert_eq!(found, [(1, "a.png 0"), (4, "b c.png 1")]);
        assert_eq!(split("b c.png 1"), ("b c.png", Some("1")));
        assert_eq!(split("\"b c.png\" 1"), ("b c.png", Some("1")));
        assert_eq!(split("\"b c.png\",\"cat\""), ("b c.png", Some("cat")));
        assert_eq!(split("b.png, 1"), ("b.png", Some("1")));
        assert_eq!(split("'a.png'"), ("a.png", None));
        assert_eq!(split("a.png"), ("a.png", None));
        assert_eq!(split("a.png,cat"), ("a.png", Some("cat")));
        assert_eq!(split("a.png;1"), ("a.png", Some("1")));
    }

    #[test]
    fn paths_start_from_the_list_or_from_home_and_addresses_are_refused() {
        assert_eq!(place("a.png", Path::new("/l")), Ok("/l/a.png".into()));
        assert_eq!(place("/b.png", Path::new("/l")), Ok("/b.png".into()));
        if let Some(home) = std::env::var_os("HOME") {
            assert_eq!(place("~/a.png", Path::new("/l")), Ok(Path::new(&home).join("a.png")));
        }
        assert!(place("https://host/a.png", Path::new("/l")).unwrap_err().contains("not fetched"));
    }
}
