//! Single-character items of a pattern: `.`, `a`, `%w`, `[^%d_]`, with the C locale's classes.

/// The index after the item that starts at `at`; in Lua's words what is malformed.
pub(super) fn end(pattern: &[u8], at: usize) -> Result<usize, &'static str> {
    let next = at + 1;
    match pattern[at] {
        b'%' if next >= pattern.len() => Err("malformed pattern (ends with '%')"),
        b'%' => Ok(next + 1),
        b'[' => {
            let mut at = if pattern.get(next) == Some(&b'^') { next + 1 } else { next };
            // The first byte is a member even when it is `]`.
            loop {
                let Some(&byte) = pattern.get(at) else { return Err("malformed pattern (missing ']')") };
                at += 1;
                if byte == b'%' && at < pattern.len() {
                    at += 1;
                }
                if pattern.get(at) == Some(&b']') {
                    return Ok(at + 1);
                }
            }
        }
        _ => Ok(next),
    }
}

/// True when `byte` belongs to the item (as delimited by [`end`]).
pub(super) fn item(byte: u8, item: &[u8]) -> bool {
    match item {
        [b'.'] => true,
        [b'%', class] => named(byte, *class),
        [b'[', set @ .., b']'] => in_set(byte, set),
        _ => item == [byte],
    }
}

fn in_set(byte: u8, set: &[u8]) -> bool {
    let (mut set, wanted) = match set {
        [b'^', rest @ ..] => (rest, false),
        _ => (set, true),
    };
    while let [first, rest @ ..] = set {
        let (found, left) = match (first, rest) {
            (b'%', [class, left @ ..]) => (named(byte, *class), left),
            // Only after a range that ends in `%`, as in `[a-%%]`: Lua then takes the closing bracket for the class.
            (b'%', []) => (byte == b']', rest),
            (low, [b'-', high, left @ ..]) => ((*low..=*high).contains(&byte), left),
            _ => (*first == byte, rest),
        };
        if found {
            return wanted;
        }
        set = left;
    }
    !wanted
}

/// `%a %c %d %l %p %s %u %w %x %z`, negated in upper case; any other byte stands for itself.
fn named(byte: u8, class: u8) -> bool {
    let member = match class.to_ascii_lowercase() {
        b'a' => byte.is_ascii_alphabetic(),
        b'c' => byte.is_ascii_control(),
        b'd' => byte.is_ascii_digit(),
        b'l' => byte.is_ascii_lowercase(),
        b'p' => byte.is_ascii_punctuation(),
        b's' => byte.is_ascii_whitespace() || byte == 0x0b,
        b'u' => byte.is_ascii_uppercase(),
        b'w' => byte.is_ascii_alphanumeric(),
        b'x' => byte.is_ascii_hexdigit(),
        b'z' => byte == 0,
        _ => return class == byte,
    };
    member != class.is_ascii_uppercase()
}
