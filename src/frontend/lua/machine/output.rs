//! `Output`: where a network file's `print` goes, with a cap so that a loop cannot fill the disk.

use std::{
    cell::{Cell, RefCell},
    fmt,
    rc::Rc,
};

/// A sink for lines of text, without their newline. Clones share the sink and the cap.
#[derive(Clone)]
pub struct Output {
    sink: Rc<dyn Fn(&str)>,
    left: Rc<Cell<usize>>,
    cap: usize,
    /// The beginning of a line that is not over.
    begun: Rc<RefCell<String>>,
}

impl Output {
    /// Bytes that go through before the rest is dropped, unless [`Output::capped`] changes it: 1 MiB.
    pub const CAP: usize = 1 << 20;

    /// Hands each printed line to `sink`, up to [`Output::CAP`] bytes.
    pub fn new(sink: impl Fn(&str) + 'static) -> Self {
        Output { sink: Rc::new(sink), left: Rc::new(Cell::new(Self::CAP)), cap: Self::CAP, begun: Rc::default() }
    }

    /// Drops everything.
    #[must_use]
    pub fn silent() -> Self {
        Output::new(|_| {})
    }

    /// The same sink with another cap, in bytes.
    #[must_use]
    pub fn capped(self, cap: usize) -> Self {
        Output { left: Rc::new(Cell::new(cap)), cap, ..self }
    }

    /// Writes text that may end within a line: what follows continues it.
    pub fn put(&self, text: &str) {
        let mut pieces = text.split('\n');
        let last = pieces.next_back().unwrap_or_default();
        pieces.for_each(|piece| self.line(piece));
        let mut begun = self.begun.borrow_mut();
        // What will be cut off is not kept.
        if begun.len() <= self.left.get() {
            begun.push_str(last);
        }
    }

    /// Ends a line that was begun.
    pub fn flush(&self) {
        if !self.begun.borrow().is_empty() {
            self.line("");
        }
    }

    /// Writes one line, or the rest of one; the first one over the cap is replaced by a note, the later ones vanish.
    pub fn line(&self, text: &str) {
        let begun = std::mem::take(&mut *self.begun.borrow_mut());
        let whole;
        let text = if begun.is_empty() {
            text
        } else {
            whole = begun + text;
            &whole
        };
        let left = self.left.get();
        if left == 0 {
            return;
        }
        if let Some(rest) = left.checked_sub(text.len() + 1).filter(|rest| *rest > 0) {
            self.left.set(rest);
            (self.sink)(text);
        } else {
            self.left.set(0);
            (self.sink)(&format!("[print is cut off here: the file printed more than {} bytes]", self.cap));
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Output({} of {} bytes left)", self.left.get(), self.cap)
    }
}
