//! Lua 5.1's pattern matcher in Rust, with a step budget: the C one cannot be interrupted while it backtracks.

use super::class;

/// Captures that a pattern may have (Lua's `LUA_MAXCAPTURES`).
const MAX_CAPTURES: usize = 32;

/// Nested quantifiers and captures before a pattern is refused, so that the native stack suffices.
const MAX_DEPTH: usize = 200;

/// Steps between two looks at the clock: well below a millisecond.
pub(super) const STEPS_PER_LOOK: usize = 10_000;

/// What a capture holds so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Extent {
    /// Its `)` has not been met.
    Open,
    /// `()`: the position itself.
    Position,
    /// Bytes.
    Length(usize),
}

#[derive(Debug, Clone, Copy)]
struct Capture {
    start: usize,
    extent: Extent,
}

/// A capture as the caller gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Captured<'s> {
    /// The 1-based position of a `()`.
    Position(usize),
    /// The captured bytes.
    Bytes(&'s [u8]),
}

/// Why a match was given up.
#[derive(Debug)]
pub(super) enum Fault {
    /// The pattern is wrong, in Lua's words.
    Pattern(String),
    /// `look` (see [`Matcher::new`]) raised.
    Stopped(mlua::Error),
}

fn fault<T>(words: &str) -> Result<T, Fault> {
    Err(Fault::Pattern(words.to_string()))
}

/// Matches one pattern against one subject.
pub(super) struct Matcher<'a> {
    subject: &'a [u8],
    pattern: &'a [u8],
    captures: Vec<Capture>,
    depth: usize,
    steps: usize,
    look: &'a dyn Fn() -> mlua::Result<()>,
}

impl<'a> Matcher<'a> {
    /// `look` is asked every few thousand steps whether to go on.
    pub(super) fn new(subject: &'a [u8], pattern: &'a [u8], look: &'a dyn Fn() -> mlua::Result<()>) -> Self {
        Matcher { subject, pattern, captures: Vec::new(), depth: 0, steps: 0, look }
    }

    /// The end of a match that starts exactly at `start`; its captures are then at hand.
    pub(super) fn match_at(&mut self, start: usize) -> Result<Option<usize>, Fault> {
        self.captures.clear();
        self.depth = 0;
        self.step(1)?;
        self.run(start, 0)
    }

    /// How many values the match gives: at least one (the whole match) when `whole`.
    pub(super) fn count(&self, whole: bool) -> usize {
        if self.captures.is_empty() && whole { 1 } else { self.captures.len() }
    }

    /// Capture `index` (0-based) of the match `start..end`; index 0 of a pattern without captures is the whole match.
    pub(super) fn capture(&self, index: usize, start: usize, end: usize) -> Result<Captured<'a>, Fault> {
        match self.captures.get(index) {
            None if index == 0 => Ok(Captured::Bytes(&self.subject[start..end])),
            None => fault("invalid capture index"),
            Some(capture) => match capture.extent {
                Extent::Open => fault("unfinished capture"),
                Extent::Position => Ok(Captured::Position(capture.start + 1)),
                Extent::Length(length) => Ok(Captured::Bytes(&self.subject[capture.start..capture.start + length])),
            },
        }
    }

    /// The bytes of the match itself.
    pub(super) fn whole(&self, start: usize, end: usize) -> &'a [u8] {
        &self.subject[start..end]
    }

    fn step(&mut self, steps: usize) -> Result<(), Fault> {
        self.steps += steps;
        if self.steps >= STEPS_PER_LOOK {
            self.steps = 0;
            (self.look)().map_err(Fault::Stopped)?;
        }
        Ok(())
    }

    /// Matches `pattern[p..]` at `s` one level deeper.
    fn nested(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return fault("pattern too complex");
        }
        let end = self.run(s, p)?;
        self.depth -= 1;
        Ok(end)
    }

    fn run(&mut self, mut s: usize, mut p: usize) -> Result<Option<usize>, Fault> {
        loop {
            self.step(1)?;
            let Some(&first) = self.pattern.get(p) else { return Ok(Some(s)) };
            match (first, self.pattern.get(p + 1).copied()) {
                (b'(', Some(b')')) => return self.open(s, p + 2, Extent::Position),
                (b'(', _) => return self.open(s, p + 1, Extent::Open),
                (b')', _) => return self.close(s, p + 1),
                (b'$', None) => return Ok((s == self.subject.len()).then_some(s)),
                (b'%', Some(b'b')) => match self.balance(s, p + 2)? {
                    Some(end) => (s, p) = (end, p + 4),
                    None => return Ok(None),
                },
                (b'%', Some(b'f')) => match self.frontier(s, p + 2)? {
                    Some(next) => p = next,
                    None => return Ok(None),
                },
                (b'%', Some(digit)) if digit.is_ascii_digit() => match self.back_reference(s, digit)? {
                    Some(end) => (s, p) = (end, p + 2),
                    None => return Ok(None),
                },
                _ => {
                    let item = p;
                    let after = class::end(self.pattern, item).map_err(|words| Fault::Pattern(words.to_string()))?;
                    match self.pattern.get(after) {
                        Some(b'*') => return self.longest(s, item, after),
                        Some(b'-') => return self.shortest(s, item, after),
                        Some(b'+') if self.single(s, item, after) => return self.longest(s + 1, item, after),
                        Some(b'+') => return Ok(None),
                        Some(b'?') => {
                            if self.single(s, item, after)
                                && let Some(end) = self.nested(s + 1, after + 1)?
                            {
                                return Ok(Some(end));
                            }
                            p = after + 1;
                        }
                        _ if self.single(s, item, after) => (s, p) = (s + 1, after),
                        _ => return Ok(None),
                    }
                }
            }
        }
    }

    /// True when the byte at `s` belongs to the item `pattern[item..after]`.
    fn single(&self, s: usize, item: usize, after: usize) -> bool {
        self.subject.get(s).is_some_and(|byte| class::item(*byte, &self.pattern[item..after]))
    }

    /// `item*`: as many as there are, then fewer.
    fn longest(&mut self, s: usize, item: usize, after: usize) -> Result<Option<usize>, Fault> {
        let mut count = 0;
        while self.single(s + count, item, after) {
            count += 1;
            self.step(1)?;
        }
        loop {
            if let Some(end) = self.nested(s + count, after + 1)? {
                return Ok(Some(end));
            }
            match count.checked_sub(1) {
                Some(fewer) => count = fewer,
                None => return Ok(None),
            }
        }
    }

    /// `item-`: none, then more.
    fn shortest(&mut self, mut s: usize, item: usize, after: usize) -> Result<Option<usize>, Fault> {
        loop {
            if let Some(end) = self.nested(s, after + 1)? {
                return Ok(Some(end));
            }
            if !self.single(s, item, after) {
                return Ok(None);
            }
            s += 1;
        }
    }

    fn open(&mut self, s: usize, p: usize, extent: Extent) -> Result<Option<usize>, Fault> {
        if self.captures.len() >= MAX_CAPTURES {
            return fault("too many captures");
        }
        self.captures.push(Capture { start: s, extent });
        let level = self.captures.len();
        let end = self.nested(s, p)?;
        if end.is_none() {
            self.captures.truncate(level - 1);
        }
        Ok(end)
    }

    fn close(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let Some(index) = self.captures.iter().rposition(|capture| capture.extent == Extent::Open) else {
            return fault("invalid pattern capture");
        };
        self.captures[index].extent = Extent::Length(s - self.captures[index].start);
        let end = self.nested(s, p)?;
        if end.is_none() {
            self.captures[index].extent = Extent::Open;
        }
        Ok(end)
    }

    /// `%bxy` with `xy` at `p`: from an `x` to the `y` that balances it.
    fn balance(&mut self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        let (Some(&opening), Some(&closing)) = (self.pattern.get(p), self.pattern.get(p + 1)) else {
            return fault("unbalanced pattern");
        };
        if self.subject.get(s) != Some(&opening) {
            return Ok(None);
        }
        let mut depth = 1_usize;
        for at in s + 1..self.subject.len() {
            self.step(1)?;
            let byte = self.subject[at];
            if byte == closing {
                depth -= 1;
                if depth == 0 {
                    return Ok(Some(at + 1));
                }
            } else if byte == opening {
                depth += 1;
            }
        }
        Ok(None)
    }

    /// `%f[set]` with `[` at `p`: the end of the item when the set begins here, ends of the subject counting as `\0`.
    fn frontier(&self, s: usize, p: usize) -> Result<Option<usize>, Fault> {
        if self.pattern.get(p) != Some(&b'[') {
            return fault("missing '[' after '%f' in pattern");
        }
        let after = class::end(self.pattern, p).map_err(|words| Fault::Pattern(words.to_string()))?;
        let set = &self.pattern[p..after];
        let before = s.checked_sub(1).map_or(0, |before| self.subject[before]);
        let here = self.subject.get(s).copied().unwrap_or(0);
        Ok((!class::item(before, set) && class::item(here, set)).then_some(after))
    }

    /// `%1`: the end of a copy of an earlier capture.
    fn back_reference(&mut self, s: usize, digit: u8) -> Result<Option<usize>, Fault> {
        let capture = usize::from(digit).checked_sub(usize::from(b'1')).and_then(|index| self.captures.get(index));
        let Some(Capture { start, extent }) = capture.copied() else { return fault("invalid capture index") };
        let length = match extent {
            Extent::Open => return fault("invalid capture index"),
            // Lua's position capture has a length that no text reaches.
            Extent::Position => return Ok(None),
            Extent::Length(length) => length,
        };
        self.step(length)?;
        let copy = &self.subject[start..start + length];
        Ok(self.subject[s..].starts_with(copy).then_some(s + length))
    }
}
