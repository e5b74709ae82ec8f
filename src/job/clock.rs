//! `Stamp`: a moment in local time, in the three forms that job directories use.

use std::time::{SystemTime, UNIX_EPOCH};

/// A moment with its local calendar fields.
#[derive(Debug, Clone, Copy)]
pub struct Stamp {
    seconds: f64,
    calendar: libc::tm,
}

impl Stamp {
    /// Now, in the time zone of the machine.
    #[must_use]
    pub fn now() -> Stamp {
        Stamp::at(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |elapsed| elapsed.as_secs_f64()))
    }

    /// The moment so many seconds after 1970 in UTC.
    #[must_use]
    pub fn at(seconds: f64) -> Stamp {
        Stamp { seconds, calendar: local(seconds as i64) }
    }

    /// Seconds since 1970 in UTC, with a fraction.
    #[must_use]
    pub fn unix(&self) -> f64 {
        self.seconds
    }

    /// `2026-11-24 06:50:00`: the form of log lines.
    #[must_use]
    pub fn log(&self) -> String {
        let (y, mo, d, h, mi, s) = self.fields();
        format!("{y:04}-{mo:02}-{d:02} {h:02}:{mi:02}:{s:02}")
    }

    /// `20261124-065000`: the start of a job's id.
    #[must_use]
    pub fn id(&self) -> String {
        let (y, mo, d, h, mi, s) = self.fields();
        format!("{y:04}{mo:02}{d:02}-{h:02}{mi:02}{s:02}")
    }

    /// `2026-11-24T06:50:00+01:00`: the form of `job.json` (RFC 3339).
    #[must_use]
    pub fn rfc3339(&self) -> String {
        let (y, mo, d, h, mi, s) = self.fields();
        let offset = self.calendar.tm_gmtoff / 60;
        let sign = if offset < 0 { '-' } else { '+' };
        let (hours, minutes) = (offset.abs() / 60, offset.abs() % 60);
        format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}{sign}{hours:02}:{minutes:02}")
    }

    fn fields(&self) -> (i32, i32, i32, i32, i32, i32) {
        let c = &self.calendar;
        (c.tm_year + 1900, c.tm_mon + 1, c.tm_mday, c.tm_hour, c.tm_min, c.tm_sec)
    }
}

#[expect(unsafe_code, reason = "the standard library knows no time zones; libc does")]
fn local(seconds: i64) -> libc::tm {
    let seconds: libc::time_t = seconds;
    // SAFETY: an all-zero `tm` is a valid value (its pointer field may be null).
    let mut calendar: libc::tm = unsafe { std::mem::zeroed() };
    // SAFETY: both pointers are to live values of the right type; localtime_r keeps neither.
    unsafe { libc::localtime_r(&raw const seconds, &raw mut calendar) };
    calendar
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_agree() {
        let stamp = Stamp::now();
        let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
        assert_eq!(digits(&stamp.log()), digits(&stamp.id()));
        assert_eq!(digits(&stamp.rfc3339())[..14], digits(&stamp.id()));
        assert_eq!(stamp.rfc3339().len(), "2026-11-24T06:50:00+01:00".len());
        assert!(stamp.unix() > 1.7e9);
    }
}
