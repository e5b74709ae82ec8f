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
}

/// The lines that the query asks for.
///
/// # Errors
/// When the log cannot be read.
pub(crate) fn lines(folder: &Path, query: &LogQuery) -> std::io::Result<LogLines> {
    let path = folder.join(file::LOG);
    let count = query.tail.unwrap_or(500).min(MOST);
    if !path.exists() {
        return Ok(LogLines { lines: Vec::new(), first: 0, total: 0 });
    }
    let open = || input::open(&path, Form::Stream).map(BufReader::new).map_err(std::io::Error::other);
    let total = open()?.split(b'\n').count();
    let first = query.first.unwrap_or_else(|| total.saturating_sub(count)).min(total);
    let lines = open()?.split(b'\n').skip(first).take(count).filter_map(Result::ok);
    let lines = lines.map(|line| String::from_utf8_lossy(&line).into_owned()).collect();
    Ok(LogLines { lines, first, total })
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
        let Ok(bytes) = input::read(&folder.join(file::LOG), Form::Record) else { return LogFollower::default() };
        let end = bytes.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        LogFollower { offset: end as u64, line: bytes[..end].iter().filter(|&&byte| byte == b'\n').count() }
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
