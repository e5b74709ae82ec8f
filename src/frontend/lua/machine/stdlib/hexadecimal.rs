//! `hexadecimal`: `%a` of `string.format`, which Lua 5.1 does not know: `0x1.8p+1`, as C writes it.

/// A number as the conversion `%<flags><width>.<precision>a` writes it; `spec` is what stands between the two signs.
pub(super) fn hexadecimal(number: f64, spec: &[u8], is_upper: bool) -> String {
    let spec = String::from_utf8_lossy(spec);
    let flags = &spec[..spec.find(|letter| !"-+ #0".contains(letter)).unwrap_or(spec.len())];
    let (width, precision) = spec[flags.len()..]
        .split_once('.')
        .map_or((&spec[flags.len()..], None), |(width, digits)| (width, Some(digits.parse::<usize>().unwrap_or(0))));
    let width: usize = width.parse().unwrap_or(0);
    let sign = match () {
        () if number.is_sign_negative() => "-",
        () if flags.contains('+') => "+",
        () if flags.contains(' ') => " ",
        () => "",
    };
    let (start, rest) = match () {
        () if number.is_nan() => ("", "nan".to_string()),
        () if number.is_infinite() => ("", "inf".to_string()),
        () => ("0x", digits(number, precision, flags.contains('#'))),
    };
    let missing = width.saturating_sub(sign.len() + start.len() + rest.len());
    let text = match () {
        () if flags.contains('-') => format!("{sign}{start}{rest}{}", " ".repeat(missing)),
        () if flags.contains('0') && number.is_finite() => format!("{sign}{start}{}{rest}", "0".repeat(missing)),
        () => format!("{}{sign}{start}{rest}", " ".repeat(missing)),
    };
    if is_upper { text.to_uppercase() } else { text }
}

/// `1.8p+1`, of the number without its sign.
fn digits(number: f64, precision: Option<usize>, has_point: bool) -> String {
    let bits = number.to_bits();
    let (raw, fraction) = (bits >> 52 & 0x7ff, bits & ((1 << 52) - 1));
    let (lead, exponent) = match raw {
        0 if fraction == 0 => (0, 0),
        0 => (0, -1022),
        _ => (1_u64, raw as i64 - 1023),
    };
    let mut mantissa = lead << 52 | fraction;
    let count = precision.unwrap_or(13);
    if count < 13 {
        // To the nearest, halves to even.
        let dropped = 4 * (13 - count);
        let (half, rest) = (1_u64 << (dropped - 1), mantissa & ((1 << dropped) - 1));
        mantissa >>= dropped;
        mantissa += u64::from(rest > half || rest == half && mantissa & 1 == 1);
        mantissa <<= dropped;
    }
    let mut written = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        Some(count) if count <= 13 => written.truncate(count),
        Some(count) => written.extend(std::iter::repeat_n('0', count - 13)),
        None => written.truncate(written.trim_end_matches('0').len()),
    }
    let point = if written.is_empty() && !has_point { "" } else { "." };
    format!("{}{point}{written}p{exponent:+}", mantissa >> 52)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What C's `printf` writes.
    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (spec, number, wanted) in [
            ("", 3.0, "0x1.8p+1"),
            ("", 0.0, "0x0p+0"),
            ("", -0.1, "-0x1.999999999999ap-4"),
            ("", 5e-324, "0x0.0000000000001p-1022"),
            (".2", 0.1, "0x1.9ap-4"),
            (".0", 1.5, "0x2p+0"),
            (".0", 2.5, "0x1p+1"),
            (".15", 1.0, "0x1.000000000000000p+0"),
            ("+12", 1.0, "     +0x1p+0"),
            ("-10", 1.0, "0x1p+0    "),
            ("012", 1.0, "0x0000001p+0"),
            ("#", 1.0, "0x1.p+0"),
            ("08", f64::INFINITY, "     inf"),
        ] {
            assert_eq!(hexadecimal(number, spec.as_bytes(), false), wanted, "%{spec}a");
        }
        assert_eq!(hexadecimal(10.5, b"", true), "0X1.5P+3");
    }
}
