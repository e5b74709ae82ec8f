//! `numeral`: the numbers that LuaJIT reads and Lua 5.1 does not: hexadecimal ones with a point or a signed exponent, `0x1.8p-4`. Those of its `ffi`
//! library, `10LL` and `2i`, are named.

use super::{operands::Reader, tokens::Kind};

/// A number that Lua 5.1 does not read.
#[derive(Debug, PartialEq)]
pub(super) enum Numeral {
    /// So many tokens, written as Lua 5.1 reads them.
    Decimal(usize, String),
    /// What is wrong with it.
    Foreign(String),
}

/// The numeral at a token; `None` where there is none, or one that Lua 5.1 reads.
pub(super) fn numeral(reader: &Reader<'_>, at: usize) -> Option<Numeral> {
    if reader.kind(at) != Some(Kind::Number) {
        return None;
    }
    let word = String::from_utf8_lossy(reader.bytes(at)).to_ascii_lowercase();
    if let Some(number) = word.strip_suffix("ull").or_else(|| word.strip_suffix("ll")) {
        return Some(Numeral::Foreign(format!(
            "{word} is an integer of 64 bits of LuaJIT's ffi, which this Lua does not have: write {number}"
        )));
    }
    if word.ends_with('i') {
        return Some(Numeral::Foreign(format!(
            "{word} is a complex number of LuaJIT's ffi, which this Lua does not have"
        )));
    }
    word.strip_prefix("0x")?;
    // As LuaJIT reads a number: letters, digits, points, and a sign behind the exponent's letter.
    let first = reader.tokens[at].place.clone();
    let text = &reader.text[first.start..];
    let is_sign = |at: usize| matches!(text[at], b'+' | b'-') && matches!(text[at - 1], b'p' | b'P');
    let is_part = |at: usize| text[at].is_ascii_alphanumeric() || text[at] == b'.' || is_sign(at);
    let length = 2 + (2..text.len()).take_while(|at| is_part(*at)).count();
    // What is one token for Lua 5.1 is read by the C library, exponents without a sign too.
    if first.start + length <= first.end {
        return None;
    }
    let tokens = reader.tokens[at..].iter().take_while(|token| token.place.start < first.start + length).count();
    let digits = String::from_utf8_lossy(&text[2..length]).to_ascii_lowercase();
    let (mantissa, exponent) = digits.split_once('p').unwrap_or((&digits, "0"));
    let exponent = exponent.parse::<i32>().ok()?.clamp(-(1 << 20), 1 << 20);
    Some(Numeral::Decimal(tokens, format!("{:e}", value(mantissa, exponent)?)))
}

/// `a.8` with exponent 1: 21.
fn value(mantissa: &str, mut exponent: i32) -> Option<f64> {
    let (whole, part) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let (mut digits, mut is_behind) = (0_u64, false);
    for letter in whole.chars().map(Some).chain([None]).chain(part.chars().map(Some)) {
        let Some(letter) = letter else {
            is_behind = true;
            continue;
        };
        let digit = u64::from(letter.to_digit(16)?);
        // Of what no longer fits, only whether there is something: it rounds.
        let fits = digits >> 60 == 0;
        digits = if fits { digits << 4 | digit } else { digits | u64::from(digit != 0) };
        exponent += 4 * (i32::from(!fits) - i32::from(is_behind));
    }
    // Halves are exact down to the smallest normal number.
    let mut value = digits as f64;
    while exponent > 0 && value.is_finite() && value != 0.0 {
        let step = exponent.min(512);
        (value, exponent) = (value * 2_f64.powi(step), exponent - step);
    }
    while exponent < 0 && value != 0.0 {
        let step = exponent.max(-512);
        (value, exponent) = (value * 2_f64.powi(step), exponent - step);
    }
    value.is_finite().then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_luajit_are_written_for_lua_5_1() {
        let read = |text: &str| numeral(&Reader::new(text.as_bytes()), 0);
        assert_eq!(read("0x1p-4"), Some(Numeral::Decimal(3, "6.25e-2".into())));
        assert_eq!(read("0xA.8P+1)"), Some(Numeral::Decimal(4, "2.1e1".into())));
        assert_eq!(read("0x.8"), Some(Numeral::Decimal(2, "5e-1".into())));
        assert_eq!(read("0x1.fffffffffffff8p-1"), Some(Numeral::Decimal(5, "1e0".into())), "rounded to even");
        for plain in ["0x1p4", "0x1p - 4", "10", "0xff-1", "1e-5", "0x1p-", "0xp-1", "x"] {
            assert_eq!(read(plain), None, "{plain}");
        }
        for foreign in ["10LL", "0xffULL", "2i"] {
            assert!(matches!(read(foreign), Some(Numeral::Foreign(_))), "{foreign}");
        }
    }
}
