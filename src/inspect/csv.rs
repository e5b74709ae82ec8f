//! Fields of comma-separated values, as RFC 4180 writes them.

/// `text` in quotation marks, those inside it doubled, so that commas, quotation marks and line breaks stay in it.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotation_marks_are_doubled_and_nothing_else_changes() {
        assert_eq!(quoted("a \"b\", c\nd"), "\"a \"\"b\"\", c\nd\"");
        assert_eq!(quoted(""), "\"\"");
    }
}
