//! Down the tree of a database: its branch pages, its leaf pages in the order of their keys, and its large values.
//!
//! However the pages are damaged, going down ends: no tree is deeper than its meta page says, and no page is used twice.

use super::{
    file::DataFile,
    format::{Damage, HEADER, Leaf, Page, PageKind, ValueAt, overflow_pages, pages_for},
    used_pages::UsedPages,
};
use crate::error::{Error, Kind, Result};

/// Bytes of the largest value that is read.
const LARGEST: u32 = 1 << 30;

/// The leaf pages in the order of their keys. All pages of the tree are added to `used`.
///
/// # Errors
/// When a branch page is damaged.
pub(super) fn leaf_pages(file: &DataFile, used: &mut UsedPages) -> Result<Vec<u64>> {
    let meta = file.meta();
    if meta.depth == 0 {
        return Ok(Vec::new());
    }
    let mut level = vec![meta.root];
    let mut buffer = vec![0; meta.page_size as usize];
    mark(file, used, &level)?;
    for _ in 1..meta.depth {
        let mut below = Vec::new();
        for number in level {
            let page = read_page(file, number, PageKind::Branch, &mut buffer)?;
            for at in 0..page.len() {
                below.push(page.child(at).map_err(|damage| file.damaged(&damage))?);
            }
        }
        mark(file, used, &below)?;
        level = below;
    }
    Ok(level)
}

fn mark(file: &DataFile, used: &mut UsedPages, pages: &[u64]) -> Result<()> {
    match pages.iter().find_map(|&page| used.add(page, 1)) {
        None => Ok(()),
        Some(page) => Err(file.damaged(&used_twice(page))),
    }
}

/// The damage of a page that stands at two places of the tree.
pub(super) fn used_twice(page: u64) -> Damage {
    Damage::new(page, 0, "a page that is used at two places", "one place in the tree")
}

fn read_page<'b>(file: &DataFile, number: u64, kind: PageKind, buffer: &'b mut [u8]) -> Result<Page<'b>> {
    let meta = file.meta();
    file.read(buffer, number * meta.page_size)?;
    Page::parse(buffer, number, kind, meta.last_page).map_err(|damage| file.damaged(&damage))
}

/// The first record in key order, or the last: its key and its value. None when there is no record.
///
/// # Errors
/// When a page on the way is damaged.
pub(super) fn end(file: &DataFile, last: bool) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let meta = file.meta();
    if meta.depth == 0 {
        return Ok(None);
    }
    let side = |page: &Page<'_>| if last { page.len() - 1 } else { 0 };
    let damaged = |damage: Damage| file.damaged(&damage);
    let mut buffer = vec![0; meta.page_size as usize];
    let mut number = meta.root;
    for _ in 1..meta.depth {
        let page = read_page(file, number, PageKind::Branch, &mut buffer)?;
        number = page.child(side(&page)).map_err(damaged)?;
    }
    let page = read_page(file, number, PageKind::Leaf, &mut buffer)?;
    let leaf = page.leaf(side(&page)).map_err(damaged)?;
    let mut value = Vec::new();
    let value = value_of(file, &page, &leaf, &mut value)?;
    Ok(Some((leaf.key.to_vec(), value.to_vec())))
}

/// The value of a record, in its page or read into `buffer`.
///
/// # Errors
/// Those of [`large_value`].
pub(super) fn value_of<'b>(
    file: &DataFile,
    page: &Page<'b>,
    leaf: &Leaf<'b>,
    buffer: &'b mut Vec<u8>,
) -> Result<&'b [u8]> {
    match leaf.value {
        ValueAt::Here(at) => Ok(page.bytes(at, leaf.length)),
        ValueAt::Overflow(first) => large_value(file, first, leaf.length, buffer),
    }
}

/// Reads a value that has pages of its own, with the header that says so.
///
/// # Errors
/// When its first page is another one's, or the value is larger than 1 GiB.
pub(super) fn large_value<'b>(file: &DataFile, first: u64, length: u32, buffer: &'b mut Vec<u8>) -> Result<&'b [u8]> {
    let page_size = file.meta().page_size;
    let bytes = room(buffer, HEADER + length as usize)?;
    file.read(bytes, first * page_size)?;
    let pages = overflow_pages(bytes, first).map_err(|damage| file.damaged(&damage))?;
    let wanted = pages_for(length, page_size);
    if pages < wanted {
        let wants = format!("{wanted} pages at least, for a value of {length} bytes");
        return Err(file.damaged(&Damage::new(first, 12, format!("{pages} pages"), wants)));
    }
    Ok(&bytes[HEADER..])
}

/// The first `length` bytes of a buffer that grows when it must.
///
/// # Errors
/// When no record is that large.
pub(super) fn room(buffer: &mut Vec<u8>, length: usize) -> Result<&mut [u8]> {
    if length > LARGEST as usize {
        return Err(Error::new(Kind::Data, "a record of the database is too large")
            .with_fact("it has", format!("{length} bytes"))
            .with_fact("it may have", format!("{LARGEST} bytes"))
            .with_help("make the database again, with smaller images"));
    }
    if buffer.len() < length {
        buffer.resize(length, 0);
    }
    Ok(&mut buffer[..length])
}

/// Leaf pages read many at a time: what lies together in the file is read together.
pub(super) struct LeafReader<'a, N> {
    file: &'a DataFile,
    numbers: N,
    /// The first page that is not in the buffer yet.
    next: usize,
    /// The pages in the buffer.
    first: usize,
    buffer: Vec<u8>,
}

/// Bytes of leaf pages in a reader's memory, and as many on their way from the disk.
const AT_A_TIME: usize = 256 << 10;

impl<'a, N: AsRef<[u64]>> LeafReader<'a, N> {
    /// Will read the leaf pages of these numbers.
    pub(super) fn new(file: &'a DataFile, numbers: N) -> LeafReader<'a, N> {
        LeafReader { file, numbers, next: 0, first: 0, buffer: Vec::new() }
    }

    /// Leaf page `at` of the reader's list; they are asked for in order.
    ///
    /// # Errors
    /// When it cannot be read, or is no sound leaf page.
    pub(super) fn page(&mut self, at: usize) -> Result<Page<'_>> {
        let meta = self.file.meta();
        let size = meta.page_size as usize;
        if at >= self.next {
            self.fill(at, size)?;
        }
        let start = (at - self.first) * size;
        Page::parse(&self.buffer[start..start + size], self.numbers.as_ref()[at], PageKind::Leaf, meta.last_page)
            .map_err(|damage| self.file.damaged(&damage))
    }

    fn fill(&mut self, at: usize, size: usize) -> Result<()> {
        let numbers = self.numbers.as_ref();
        let most = AT_A_TIME / size;
        let end = (at + most).min(numbers.len());
        self.buffer.resize((end - at) * size, 0);
        // The pages after these come from the disk while these are looked at.
        for (first, count) in runs(&numbers[end..(end + most).min(numbers.len())]) {
            self.file.read_ahead(first * size as u64, (count * size) as u64);
        }
        let mut start = 0;
        for (first, count) in runs(&numbers[at..end]) {
            self.file.read(&mut self.buffer[start..start + count * size], first * size as u64)?;
            start += count * size;
        }
        (self.first, self.next) = (at, end);
        Ok(())
    }
}

/// Pages that follow each other in the file as well as in the list: the first of them and how many.
fn runs(numbers: &[u64]) -> impl Iterator<Item = (u64, usize)> {
    numbers.chunk_by(|&one, &next| one + 1 == next).map(|run| (run[0], run.len()))
}
