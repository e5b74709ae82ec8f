//! Numbers in words: `lua_number` as Lua 5.1 prints one (`%.14g`), the form of log lines and snapshot names, and `counted`.

/// `1`, `0.5`, `4250.1234`, `1e-05`, `inf`, `nan`.
#[must_use]
pub fn lua_number(value: f64) -> String {
    const DIGITS: i32 = 14;
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf" } else { "-inf" }.into();
    }
    let scientific = format!("{value:.*e}", DIGITS as usize - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or(0);
        return without_zeros(&format!("{value:.decimals$}")).to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs())
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// A number with what it counts: `1 epoch`, `30 epochs`.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_as_c_does_with_14_digits() {
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (0.1, "0.1"),
            (1.0 / 3.0, "0.33333333333333"),
            (4_250.123_456_789_012, "4250.123456789"),
            (1e-5, "1e-05"),
            (1.234e-7, "1.234e-07"),
            (1e14, "1e+14"),
            (99_999_999_999_999.0, "99999999999999"),
            (1e300, "1e+300"),
            (0.0001, "0.0001"),
            (0.999_999_999_999_999_9, "1"),
            (f64::INFINITY, "inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(lua_number(value), text);
        }
    }
}
