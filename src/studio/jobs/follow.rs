//! `Follower`: reads what is new in a job's `metrics.jsonl`, and notices when a resume has cut it.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    input::{self, Form},
    job::{Event, TrainingClock, file},
};

/// Bytes read at once, in two halves on two processors. Neither they nor the events of a half reach the size from which the
/// heap maps pages for every buffer anew (`heap.rs`): that took longer than the reading.
const PIECE: u64 = 64 << 10;
/// Bytes that are read in one go.
const SHORT: usize = 8 << 10;
/// Bytes of a line, at most; a longer one ends the curve.
const LONGEST: u64 = 8 << 20;

/// What is new.
#[derive(Debug, Default)]
pub(crate) struct News {
    /// The file was cut: what was read before counts no more, and `events` begin at its start.
    pub(crate) rewound: bool,
    /// New events with their seconds of training.
    pub(crate) events: Vec<(Event, f64)>,
    /// There is more to read right now.
    pub(crate) more: bool,
}

/// A place in a growing file of metrics.
#[derive(Debug, Clone)]
pub(crate) struct Follower {
    path: PathBuf,
    offset: u64,
    /// The last line read: when it stands there no more, the file was cut and written anew.
    last: Vec<u8>,
    clock: TrainingClock,
}

impl Follower {
    /// At the beginning of the job in `folder`.
    #[must_use]
    pub(crate) fn of(folder: &Path) -> Follower {
        Follower { path: folder.join(file::METRICS), offset: 0, last: Vec::new(), clock: TrainingClock::default() }
    }

    /// The clock at the last event.
    #[must_use]
    pub(crate) fn clock(&self) -> TrainingClock {
        self.clock
    }

    /// This place in a word, to come back to.
    #[must_use]
    pub(crate) fn place(&self) -> String {
        let TrainingClock { elapsed, since, last } = self.clock;
        let hash = blake3::hash(&self.last).to_hex();
        format!("{}_{}_{}_{elapsed}_{since}_{last}", self.offset, self.last.len(), &hash[..12])
    }

    /// Goes to a place; false when the file has been cut since, and everything is to be read anew.
    pub(crate) fn go_to(&mut self, place: &str) -> bool {
        let mut words = place.split('_');
        let mut number = || words.next()?.parse::<u64>().ok();
        let (Some(offset), Some(length)) = (number(), number()) else { return false };
        let (Some(hash), Some(elapsed), Some(since), Some(last)) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return false;
        };
        let (Ok(elapsed), Ok(since), Ok(time)) = (elapsed.parse(), since.parse(), last.parse()) else { return false };
        let mut last = vec![0; usize::try_from(length.min(1 << 16)).unwrap_or(0)];
        if offset < length || length != last.len() as u64 {
            return false;
        }
        let read = if length == 0 {
            Ok(())
        } else {
            let file = input::open(&self.path, Form::Stream).map_err(io::Error::other);
            file.and_then(|file| file.read_exact_at(&mut last, offset - length))
        };
        if read.is_err() || blake3::hash(&last).to_hex()[..12] != *hash {
            return false;
        }
        *self = Follower { path: self.path.clone(), offset, last, clock: TrainingClock { elapsed, since, last: time } };
        true
    }

    /// What was written since the last time, at most some kilobytes of it. What is no event is passed over; a line that is
    /// still being written waits.
    ///
    /// # Errors
    /// When the file cannot be read; that it is not there yet is no error.
    pub(crate) fn read(&mut self) -> io::Result<News> {
        let mut news = News::default();
        if !self.path.exists() {
            return Ok(news);
        }
        let mut file = input::open(&self.path, Form::Stream).map_err(io::Error::other)?;
        let length = file.metadata()?.len();
        if !self.stands(&file, length) {
            news.rewound = true;
            *self = Follower { offset: 0, last: Vec::new(), clock: TrainingClock::default(), path: self.path.clone() };
        }
        if length == self.offset {
            return Ok(news);
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut bytes = Vec::with_capacity(PIECE as usize);
        let mut piece = PIECE;
        let end = loop {
            (&mut file).take(piece - bytes.len() as u64).read_to_end(&mut bytes)?;
            match memchr::memrchr(b'\n', &bytes) {
                Some(end) => break end,
                None if bytes.len() as u64 == piece && piece < LONGEST => piece *= 2,
                None => return Ok(news),
            }
        };
        let middle = if end > SHORT { memchr::memrchr(b'\n', &bytes[..end / 2]).map_or(0, |at| at + 1) } else { 0 };
        let (first, second) = match bytes[..=end].split_at(middle) {
            ([], all) => (Vec::new(), events(all)),
            (first, second) => rayon::join(|| events(first), || events(second)),
        };
        news.events.reserve_exact(first.len() + second.len());
        for event in first.into_iter().chain(second) {
            let seconds = self.clock.at(&event);
            news.events.push((event, seconds));
        }
        self.offset += end as u64 + 1;
        let lines = memchr::memrchr(b'\n', &bytes[..end]).map_or(0, |at| at + 1);
        let last = &bytes[lines..=end];
        self.last = last[last.len().saturating_sub(1 << 15)..].to_vec();
        news.more = self.offset < length && bytes.len() as u64 == piece;
        Ok(news)
    }

    fn stands(&self, file: &File, length: u64) -> bool {
        if length < self.offset {
            return false;
        }
        let mut there = vec![0; self.last.len()];
        self.last.is_empty()
            || file.read_exact_at(&mut there, self.offset - self.last.len() as u64).is_ok_and(|()| there == self.last)
    }
}

/// The events of whole lines.
fn events(lines: &[u8]) -> Vec<Event> {
    let mut begin = 0;
    let line = |end: usize| {
        let line = &lines[begin..end];
        begin = end + 1;
        Event::of_line(line)
    };
    memchr::memchr_iter(b'\n', lines).filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::job::EventKind;

    fn line(kind: EventKind, iteration: u64, time: f64) -> String {
        let event = Event { time, loss: Some(1.0), ..Event::new(kind, iteration as f64, iteration) };
        serde_json::to_string(&event).unwrap() + "\n"
    }

    #[test]
    fn new_lines_come_once_and_pauses_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file::METRICS);
        let mut follower = Follower::of(dir.path());
        assert!(follower.read().unwrap().events.is_empty());
        let mut file = File::create(&path).unwrap();
        let first = line(EventKind::Start, 0, 100.0) + &line(EventKind::Train, 1, 103.0);
        file.write_all(first.as_bytes()).unwrap();
        let torn = line(EventKind::Train, 2, 104.0);
        file.write_all(&torn.as_bytes()[..10]).unwrap();
        let seconds = |news: News| news.events.iter().map(|(_, seconds)| *seconds).collect::<Vec<_>>();
        assert_eq!(seconds(follower.read().unwrap()), [0.0, 3.0]);
        assert!(follower.read().unwrap().events.is_empty());
        file.write_all(&torn.as_bytes()[10..]).unwrap();
        file.write_all(line(EventKind::Resume, 2, 500.0).as_bytes()).unwrap();
        file.write_all(line(EventKind::Train, 3, 501.5).as_bytes()).unwrap();
        let place = follower.place();
        assert_eq!(seconds(follower.read().unwrap()), [4.0, 4.0, 5.5]);
        let mut again = Follower::of(dir.path());
        assert!(again.go_to(&place));
        assert_eq!(seconds(again.read().unwrap()), [4.0, 4.0, 5.5]);
    }

    #[test]
    fn a_long_text_is_read_in_order_also_behind_a_long_line() {
        let dir = tempfile::tempdir().unwrap();
        let text: String = (0..20_000).map(|i| line(EventKind::Train, i, i as f64)).collect();
        let text =
            text + "no event\n" + &"x".repeat(PIECE as usize * 5) + "\n" + &line(EventKind::Train, 20_000, 20_000.0);
        std::fs::write(dir.path().join(file::METRICS), text).unwrap();
        let mut follower = Follower::of(dir.path());
        let mut iterations = Vec::new();
        loop {
            let news = follower.read().unwrap();
            iterations.extend(news.events.iter().map(|(event, _)| event.iteration));
            if !news.more {
                break;
            }
        }
        assert_eq!(iterations, (0..=20_000).collect::<Vec<u64>>());
    }

    #[test]
    fn a_file_that_was_cut_is_read_from_its_start() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(file::METRICS);
        let write = |iterations: &[u64]| {
            let text: String = iterations.iter().map(|&i| line(EventKind::Train, i, i as f64)).collect();
            std::fs::write(&path, text).unwrap();
        };
        let mut follower = Follower::of(dir.path());
        write(&[1, 2, 3]);
        assert_eq!(follower.read().unwrap().events.len(), 3);
        let place = follower.place();
        write(&[1, 7, 8, 9]);
        let news = follower.read().unwrap();
        assert!(news.rewound);
        assert_eq!(news.events.len(), 4);
        assert!(!Follower::of(dir.path()).go_to(&place));
        assert!(!Follower::of(dir.path()).go_to("nonsense"));
        assert!(!Follower::of(dir.path()).go_to("1_99999999999_x_0_0_0"));
    }
}
