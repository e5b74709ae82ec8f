//! A job's log: some of its lines, and those that come.

use std::{
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::{
    input::{self, Form},
    job::file,
};

/// Lines given at most.
const MOST: usize = 5000;

/// Which lines are asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct LogQuery {
    /// The number of the first, from 0.
    first: Option<usize>,
    /// So many from there, or the last so many; 500 when not given.
    tail: Option<usize>,
}

/// Lines of the log.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LogLines {
    /// Without their ends.
    lines: Vec<String>,
    /// Number of the first, from 0.
    first: usize,
    /// How many there are.
    total: usize,
    /// Where to follow the log so that nothing is missed.
    cursor: String,
}

/// The lines that the query asks for.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn lines(folder: &Path, query: &LogQuery) -> std::io::Result<LogLines> {
    let path = folder.join(file::LOG);
    let count = query.tail.unwrap_or(500).min(MOST);
    let end = LogFollower::end(folder)?;
    let total = end.line;
    let first = query.first.unwrap_or_else(|| total.saturating_sub(count)).min(total);
    let count = count.min(total - first);
    let lines = match count {
        0 => Vec::new(),
        _ => {
            let log = BufReader::new(open(&path)?);
            let lines = log.split(b'\n').skip(first).take(count).filter_map(Result::ok);
            lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect()
        }
    };
    Ok(LogLines { lines, first, total, cursor: end.place() })
}

fn open(path: &Path) -> std::io::Result<std::fs::File> {
    input::open(path, Form::Stream).map_err(std::io::Error::other)
}

/// A place in a growing log.
#[derive(Debug, Default)]
pub(crate) struct LogFollower {
    offset: u64,
    line: usize,
}

impl LogFollower {
    /// At a place that was noted, else at the log's present end.
    #[must_use]
    pub(crate) fn of(folder: &Path, place: Option<&str>) -> LogFollower {
        let known = place.and_then(|place| place.split_once('_'));
        if let Some((Ok(offset), Ok(line))) = known.map(|(offset, line)| (offset.parse(), line.parse())) {
            return LogFollower { offset, line };
        }
        LogFollower::end(folder).unwrap_or_default()
    }

    /// Behind the last whole line. The lines before it are counted piece by piece, none of them is kept.
    ///
    /// # Errors
    /// When the log cannot be read; that it is not there yet is no error.
    fn end(folder: &Path) -> std::io::Result<LogFollower> {
        let path = folder.join(file::LOG);
        let mut end = LogFollower::default();
        if !path.exists() {
            return Ok(end);
        }
        let (mut log, mut piece, mut offset) = (open(&path)?, vec![0; 1 << 16], 0);
        loop {
            let length = log.read(&mut piece)?;
            if length == 0 {
                return Ok(end);
            }
            let read = &piece[..length];
            if let Some(last) = read.iter().rposition(|&byte| byte == b'\n') {
                end.offset = offset + last as u64 + 1;
                end.line += read.iter().filter(|&&byte| byte == b'\n').count();
            }
            offset += length as u64;
        }
    }

    /// The place in a word.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        format!("{}_{}", self.offset, self.line)
    }

    /// New lines with the number of the first; nothing when there are none.
    pub(crate) fn read(&mut self, folder: &Path) -> Option<(usize, Vec<String>)> {
        let mut file = input::open(&folder.join(file::LOG), Form::Stream).ok()?;
        let length = file.metadata().ok()?.len();
        if length < self.offset {
            *self = LogFollower::default();
        }
        if length == self.offset {
            return None;
        }
        file.seek(SeekFrom::Start(self.offset)).ok()?;
        let mut bytes = Vec::new();
        file.take(1 << 20).read_to_end(&mut bytes).ok()?;
        let end = bytes.iter().rposition(|&byte| byte == b'\n')? + 1;
        let lines: Vec<String> = String::from_utf8_lossy(&bytes[..end]).lines().map(String::from).collect();
        let first = self.line;
        self.line += bytes[..end].iter().filter(|&&byte| byte == b'\n').count();
        self.offset += end as u64;
        Some((first, lines))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_behind_its_last_whole_line_and_what_comes_then_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file::LOG);
        let of = |query: &LogQuery| lines(dir.path(), query).unwrap();
        assert_eq!((of(&LogQuery::default()).total, LogFollower::of(dir.path(), None).place().as_str()), (0, "0_0"));
        // Longer than one piece, with half a line at its end.
        let text: String = (0..20_000).map(|i| format!("line {i}\n")).collect();
        std::fs::write(&path, text.clone() + "half").unwrap();
        let seen = of(&LogQuery { first: None, tail: Some(2) });
        assert_eq!((seen.first, seen.total, seen.cursor.clone()), (19_998, 20_000, format!("{}_20000", text.len())));
        assert_eq!(seen.lines, ["line 19998", "line 19999"]);
        let mut follower = LogFollower::of(dir.path(), Some(&seen.cursor));
        assert_eq!((follower.place(), follower.read(dir.path())), (LogFollower::of(dir.path(), None).place(), None));
        std::fs::write(&path, text + "half a line\n").unwrap();
        assert_eq!(follower.read(dir.path()), Some((20_000, vec!["half a line".to_string()])));
    }
}
