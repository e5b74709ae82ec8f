//! `LiveLine`: one line at the bottom of the terminal that is drawn again and again; never wider than the terminal.

use std::{
    io::{IsTerminal, Write as _, stderr, stdout},
    time::{Duration, Instant},
};

/// Between two drawings.
const PAUSE: Duration = Duration::from_millis(100);
/// A terminal of fewer characters has no such line.
const NARROWEST: usize = 12;

/// The line.
pub(super) struct LiveLine {
    drawn: Option<Drawn>,
    last: Option<Instant>,
}

/// What stands on the terminal.
struct Drawn {
    characters: usize,
    width: usize,
}

impl LiveLine {
    /// Where standard error is a terminal that can go back in a line.
    pub(super) fn new() -> Option<LiveLine> {
        let can = stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        can.then_some(LiveLine { drawn: None, last: None })
    }

    /// Characters in a line of the terminal.
    pub(super) fn width() -> usize {
        terminal_size::terminal_size_of(stderr()).map_or(80, |(width, _)| usize::from(width.0).max(1))
    }

    /// Characters in a line of standard output, where that is a terminal.
    pub(super) fn output_width() -> Option<usize> {
        stdout().is_terminal().then(LiveLine::width)
    }

    /// Draws the pieces that fit, the first ones before the others; not more often than a person can see.
    pub(super) fn draw(&mut self, pieces: impl FnOnce(usize) -> String) {
        if self.last.is_some_and(|last| last.elapsed() < PAUSE) {
            return;
        }
        self.last = Some(Instant::now());
        let width = LiveLine::width();
        if width < NARROWEST {
            return;
        }
        // The last column stays free: some terminals go to the next line when it is written.
        let text: String = pieces(width - 1).chars().take(width - 1).collect();
        let characters = text.chars().count();
        let _ = write!(stderr(), "{}{text}\x1b[K", self.back(width)); // a terminal that is gone is no reason to stop
        let _ = stderr().flush();
        self.drawn = Some(Drawn { characters, width });
    }

    /// Takes the line away, for others to print.
    pub(super) fn clear(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(stderr(), "{}\x1b[J", self.back(LiveLine::width()));
            let _ = stderr().flush();
        }
        (self.drawn, self.last) = (None, None);
    }

    /// To the beginning of what stands there; a terminal that has become narrower has broken it into several lines.
    fn back(&self, width: usize) -> String {
        match &self.drawn {
            Some(drawn) if width < drawn.width => match drawn.characters.saturating_sub(1) / width {
                0 => "\r\x1b[J".into(),
                up => format!("\x1b[{up}A\r\x1b[J"),
            },
            _ => "\r".into(),
        }
    }
}

/// Joins the pieces that fit into `width`, two blanks between them; each has a rank, and the highest go first.
pub(super) fn fitted(pieces: &[(u8, String)], width: usize) -> String {
    let mut kept: Vec<&(u8, String)> = pieces.iter().filter(|piece| !piece.1.is_empty()).collect();
    let length = |kept: &[&(u8, String)]| kept.iter().map(|piece| piece.1.chars().count() + 2).sum::<usize>();
    while kept.len() > 1 && length(&kept) > width + 2 {
        let worst = kept.iter().map(|piece| piece.0).max().unwrap_or(0);
        kept.retain(|piece| piece.0 != worst);
    }
    kept.iter().map(|piece| piece.1.as_str()).collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_goes_by_rank() {
        let pieces =
            [(0, "epoch 3/30".to_string()), (3, "━━━━━━━━".into()), (1, "45 %".into()), (2, "1 min left".into())];
        assert_eq!(fitted(&pieces, 80), "epoch 3/30  ━━━━━━━━  45 %  1 min left");
        assert_eq!(fitted(&pieces, 30), "epoch 3/30  45 %  1 min left");
        assert_eq!(fitted(&pieces, 20), "epoch 3/30  45 %");
        assert_eq!(fitted(&pieces, 4), "epoch 3/30");
    }

    #[test]
    fn a_line_that_was_broken_by_a_narrower_terminal_is_taken_away_whole() {
        let line = |characters, width| LiveLine { drawn: Some(Drawn { characters, width }), last: None };
        assert_eq!(line(70, 80).back(80), "\r");
        assert_eq!(line(70, 80).back(100), "\r");
        assert_eq!(line(70, 80).back(40), "\x1b[1A\r\x1b[J");
        assert_eq!(line(70, 80).back(30), "\x1b[2A\r\x1b[J");
        assert_eq!(line(20, 80).back(40), "\r\x1b[J");
    }
}
