//! `Cursor`: the records of a database in key order.

use super::{
    file::DataFile,
    format::{Leaf, Page},
    tree::{LeafReader, leaf_pages, value_of},
    used_pages::UsedPages,
    walk::check_count,
};
use crate::error::Result;

/// Goes through all records, in key order. Pages are checked as they come; values are read when they are asked for.
pub struct Cursor<'a> {
    file: &'a DataFile,
    reader: LeafReader<'a, Vec<u64>>,
    pages: usize,
    /// The page and the node that come next.
    next: (usize, usize),
    seen: u64,
    buffer: Vec<u8>,
}

/// A record where it lies.
pub struct Entry<'c> {
    file: &'c DataFile,
    page: Page<'c>,
    leaf: Leaf<'c>,
    buffer: &'c mut Vec<u8>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a DataFile) -> Result<Cursor<'a>> {
        let leaves = leaf_pages(file, &mut UsedPages::default())?;
        let pages = leaves.len();
        let reader = LeafReader::new(file, leaves);
        Ok(Cursor { file, reader, pages, next: (0, 0), seen: 0, buffer: Vec::new() })
    }

    /// The next record; none after the last.
    ///
    /// # Errors
    /// When the database is damaged.
    #[expect(clippy::should_implement_trait, reason = "each record borrows the cursor, which Iterator cannot say")]
    pub fn next(&mut self) -> Result<Option<Entry<'_>>> {
        let (at, node) = self.next;
        if at == self.pages {
            check_count(self.file, self.seen)?;
            return Ok(None);
        }
        let page = self.reader.page(at)?;
        let leaf = page.leaf(node).map_err(|damage| self.file.damaged(&damage))?;
        self.next = if node + 1 < page.len() { (at, node + 1) } else { (at + 1, 0) };
        self.seen += 1;
        Ok(Some(Entry { file: self.file, page, leaf, buffer: &mut self.buffer }))
    }
}

impl<'c> Entry<'c> {
    /// Its key.
    #[must_use]
    pub fn key(&self) -> &'c [u8] {
        self.leaf.key
    }

    /// Its value.
    ///
    /// # Errors
    /// When its pages are damaged.
    pub fn value(self) -> Result<&'c [u8]> {
        value_of(self.file, &self.page, &self.leaf, self.buffer)
    }
}
