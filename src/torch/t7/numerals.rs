//! Numbers as text: what C's `printf` and `scanf` do with `%d`, `%.9g` and `%.17g` in ASCII files.

use std::io;

use super::medium::Medium;

/// `%.{precision}g`.
pub(super) fn general(value: f64, precision: usize) -> String {
    if value.is_nan() {
        return if value.is_sign_negative() { "-nan".into() } else { "nan".into() };
    }
    if value.is_infinite() {
        return if value < 0.0 { "-inf".into() } else { "inf".into() };
    }
    let scientific = format!("{:.*e}", precision - 1, value);
    let (mantissa, exponent) = scientific.split_once('e').expect("Rust writes an e for the exponent");
    let exponent: i32 = exponent.parse().expect("the exponent is a number");
    if exponent < -4 || exponent >= precision as i32 {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", without_zeros(mantissa), exponent.abs());
    }
    without_zeros(&format!("{:.*}", (precision as i32 - 1 - exponent) as usize, value)).to_string()
}

fn without_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

/// Takes white space and then the longest run of characters that a whole number can be made of.
pub(super) fn whole(medium: &mut dyn Medium) -> io::Result<Option<i64>> {
    let text = word(medium, |text, byte| byte.is_ascii_digit() || (text.is_empty() && is_sign(byte)))?;
    // Too large a number stops at the end of the range, as scanf leaves it.
    Ok(text.parse::<i128>().ok().map(|value| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64))
}

/// Takes white space and then the longest run of characters that a number can be made of: `-1.5e3`, `nan`, `inf`.
pub(super) fn number(medium: &mut dyn Medium) -> io::Result<Option<f64>> {
    let text = word(medium, |text, byte| {
        let last = text.as_bytes().last().copied();
        match byte {
            b'+' | b'-' => last.is_none_or(|last| last == b'e' || last == b'E'),
            b'.' => !text.contains(['.', 'e', 'E']),
            b'e' | b'E' => last.is_some_and(|last| last.is_ascii_digit() || last == b'.') && !text.contains(['e', 'E']),
            b'0'..=b'9' => true,
            other => {
                "naifity".as_bytes().contains(&other.to_ascii_lowercase())
                    && !text.contains(|c: char| c.is_ascii_digit())
            }
        }
    })?;
    Ok(text.parse().ok())
}

fn is_sign(byte: u8) -> bool {
    byte == b'-' || byte == b'+'
}

fn word(medium: &mut dyn Medium, belongs: impl Fn(&str, u8) -> bool) -> io::Result<String> {
    let mut byte = [0];
    while medium.peek()?.is_some_and(|byte| byte.is_ascii_whitespace() || byte == 0x0b) {
        medium.read(&mut byte)?;
    }
    let mut text = String::new();
    while let Some(next) = medium.peek()? {
        if text.len() > 400 || !belongs(&text, next) {
            break;
        }
        medium.read(&mut byte)?;
        text.push(char::from(next));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::t7::Memory;

    /// Recipe: `printf("%.17g")` and `printf("%.9g")` of glibc 2.36 on these values.
    #[test]
    fn numbers_are_written_as_c_writes_them() {
        for (value, wide, narrow) in [
            (0.0, "0", "0"),
            (-0.0, "-0", "-0"),
            (1.0, "1", "1"),
            (0.1, "0.10000000000000001", "0.1"),
            (f64::from(0.1f32), "0.10000000149011612", "0.100000001"),
            (1e16, "10000000000000000", "1e+16"),
            (1e17, "1e+17", "1e+17"),
            (123456.789, "123456.789", "123456.789"),
            (1e-5, "1.0000000000000001e-05", "1e-05"),
            (0.0001, "0.0001", "0.0001"),
            (-1.5e300, "-1.5000000000000001e+300", "-1.5e+300"),
            (999999999.5, "999999999.5", "1e+09"),
            (f64::INFINITY, "inf", "inf"),
            (f64::NEG_INFINITY, "-inf", "-inf"),
        ] {
            assert_eq!((general(value, 17).as_str(), general(value, 9).as_str()), (wide, narrow), "{value}");
        }
        assert_eq!(general(f64::NAN, 17), "nan");
    }

    #[test]
    fn numbers_are_read_up_to_what_no_longer_fits() {
        let mut text = Memory::new(b"  12 -3abc 1.5e-3x nan -inf 99999999999999999999 1e5.5".to_vec());
        assert_eq!(whole(&mut text).unwrap(), Some(12));
        assert_eq!(whole(&mut text).unwrap(), Some(-3));
        assert_eq!(whole(&mut text).unwrap(), None);
        text.seek(10).unwrap();
        assert_eq!(number(&mut text).unwrap(), Some(1.5e-3));
        text.seek(18).unwrap();
        assert!(number(&mut text).unwrap().unwrap().is_nan());
        assert_eq!(number(&mut text).unwrap(), Some(f64::NEG_INFINITY));
        assert_eq!(whole(&mut text).unwrap(), Some(i64::MAX));
        assert_eq!(number(&mut text).unwrap(), Some(1e5));
        assert_eq!(number(&mut text).unwrap(), Some(0.5));
        assert_eq!(number(&mut text).unwrap(), None);
    }
}
