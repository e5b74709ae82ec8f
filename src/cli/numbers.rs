//! Numbers and times as the terminal shows them.

use std::time::Duration;

/// So many significant digits: `4250.1`, `0.01`, `0.00001`, `1.5e-7`.
pub(super) fn significant(value: f64, digits: i32) -> String {
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => text.to_string(),
    };
    if value == 0.0 || !value.is_finite() {
        return value.to_string();
    }
    let decimals = digits - 1 - value.abs().log10().floor() as i32;
    if (-4..=10).contains(&decimals) {
        return trimmed(&format!("{value:.*}", usize::try_from(decimals).unwrap_or(0)));
    }
    let text = format!("{value:.*e}", usize::try_from(digits - 1).unwrap_or(0));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    format!("{}e{exponent}", trimmed(mantissa))
}

/// `12.3 s`, `3 min 20 s`, `2 h 05 min`
pub(super) fn clock(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{:.1} s", time.as_secs_f64()),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_their_digits() {
        for (value, text) in [
            (4250.123, "4250.1"),
            (0.01, "0.01"),
            (0.0, "0"),
            (391.3, "391.3"),
            (1e-5, "0.00001"),
            (1234567.0, "1234567"),
            (1.5e-7, "1.5e-7"),
        ] {
            assert_eq!(significant(value, 5), text);
        }
        assert_eq!(clock(Duration::from_secs(200)), "3 min 20 s");
        assert_eq!(clock(Duration::from_secs(7500)), "2 h 05 min");
    }
}
