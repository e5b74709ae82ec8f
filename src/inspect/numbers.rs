//! Numbers as people read them: significant digits, thousands, bytes.

/// `value` with `digits` significant digits, without trailing zeros: as C's `%.3g`, so 1e-05 for very small and
/// 1.23e+06 for large values. Non-finite values are `nan`, `inf`, `-inf`.
#[must_use]
pub fn significant(value: f64, digits: usize) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if value == 0.0 {
        return "0".into();
    }
    let digits = digits.max(1);
    // Rounding first: 9.999 with 3 digits is 10, which has one digit more before the point.
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= digits as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
    without_zeros(&format!("{value:.decimals$}")).to_string()
}

/// A measured value for a caption: four significant digits, never in powers of ten between 0.0001 and a million.
#[must_use]
pub fn measured(value: f64) -> String {
    let size = value.abs();
    if (1e4..1e6).contains(&size) { grouped(value.round() as i64) } else { significant(value, 4) }
}

/// `1234567` as `1,234,567`.
#[must_use]
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if value < 0 {
        text.push('-');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes in binary units: `512 B`, `3.1 KiB`, `1.2 GiB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    scaled(count as f64, 1024.0, &["B", "KiB", "MiB", "GiB", "TiB", "PiB"])
}

/// Operations in decimal units: `320`, `1.2 k`, `502 k`, `3.5 M`, `1.1 G`.
#[must_use]
pub fn operations(count: u64) -> String {
    scaled(count as f64, 1000.0, &["", "k", "M", "G", "T", "P"])
}

fn scaled(mut value: f64, base: f64, units: &[&str]) -> String {
    let mut unit = 0;
    while value >= base && unit + 1 < units.len() {
        value /= base;
        unit += 1;
    }
    let number = if unit == 0 || value >= 100.0 { format!("{value:.0}") } else { significant(value, 3) };
    format!("{number} {}", units[unit]).trim_end().to_string()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn significant_digits_are_those_of_c() {
        // Expected texts: printf("%.3g", x).
        for (value, text) in [
            (0.0, "0"),
            (1.0, "1"),
            (-0.5, "-0.5"),
            (123.456, "123"),
            (1234.5, "1.23e+03"),
            (0.000_123_4, "0.000123"),
            (0.000_012_34, "1.23e-05"),
            (9.999, "10"),
            (999.9, "1e+03"),
            (-223.4, "-223"),
            (0.24, "0.24"),
            (f64::NAN, "nan"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(significant(value, 3), text, "{value}");
        }
    }

    #[test]
    fn counts_get_their_commas_and_units() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(-1_234_567), "-1,234,567");
        assert_eq!(bytes(512), "512 B");
        assert_eq!(bytes(3136), "3.06 KiB");
        assert_eq!(bytes(5 << 30), "5 GiB");
        assert_eq!(operations(470_400), "470 k");
        assert_eq!(operations(999), "999");
        assert_eq!(operations(1_000_600), "1 M");
    }
}
