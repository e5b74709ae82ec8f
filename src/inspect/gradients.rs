//! The gradients of the user's code beside finite differences, as a table.

use std::fmt::Write;

use super::numbers::significant;
use crate::nn::CheckedGradients;

/// A line a module: its path, what it is, where it was built, the largest relative error of each gradient.
#[must_use]
pub fn table(checked: &[CheckedGradients]) -> String {
    if checked.is_empty() {
        return "no module and no criterion of this network has a backward of its own".into();
    }
    let mut text = "  largest relative error, against finite differences in double precision".to_string();
    let width = |of: &dyn Fn(&CheckedGradients) -> usize| checked.iter().map(of).max().unwrap_or(0);
    let path = width(&|one| one.path.chars().count());
    let module = width(&|one| one.module.chars().count());
    let place = width(&|one| one.place.as_deref().unwrap_or("").chars().count());
    for one in checked {
        let found: Vec<String> = one
            .gradients
            .iter()
            .map(|gradient| format!("{} {}", gradient.name, significant(gradient.relative_error, 2)))
            .collect();
        let found = match &one.skipped {
            Some(why) => format!("not compared: {why}"),
            None if found.is_empty() => "nothing to compare".into(),
            None => found.join("  "),
        };
        let mark = if one.is_right() { " " } else { "!" };
        let at = one.place.as_deref().unwrap_or("");
        let _ = write!(text, "\n{mark} {:<path$}  {:<module$}  {at:<place$}  {found}", one.path, one.module);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::ComparedGradient;

    #[test]
    fn a_line_a_module_and_a_mark_where_it_is_wrong() {
        let gradient = |name: &str, relative_error: f64| ComparedGradient {
            name: name.into(),
            relative_error,
            at: "[1]".into(),
            backward: 1.0,
            differences: 1.0,
        };
        let one = |path: &str, gradients: Vec<ComparedGradient>, skipped: Option<&str>| CheckedGradients {
            path: path.into(),
            module: "nn.Own".into(),
            place: Some("net.lua:3".into()),
            gradients,
            skipped: skipped.map(Into::into),
            page: None,
        };
        let all = [
            one("2", vec![gradient("gradInput", 2.5e-11), gradient("weight", 0.5)], None),
            one("loss", Vec::new(), Some("noise")),
        ];
        assert_eq!(
            table(&all),
            "  largest relative error, against finite differences in double precision\n\
             ! 2     nn.Own  net.lua:3  gradInput 2.5e-11  weight 0.5\n  \
             loss  nn.Own  net.lua:3  not compared: noise"
        );
        assert!(table(&[]).contains("no criterion of this network"));
    }
}
