//! LMDB's pages as they lie in the file: 64-bit, lowest byte first. Nothing here trusts a number before it is checked.
//!
//! Source: the structures `MDB_meta`, `MDB_db`, `MDB_page` and `MDB_node` of LMDB 0.9, whose layout is its file format.

/// Bytes of a page's header, before its contents.
pub(super) const HEADER: usize = 16;
/// Bytes of the two meta pages that are looked at.
pub(super) const META_BYTES: usize = HEADER + 136;
/// Where a meta page describes the main database, after its header; and where that says how many records it has.
const MAIN: usize = 72;
pub(super) const ENTRIES_AT: usize = HEADER + MAIN + 32;
/// Bytes of a node before its key.
const NODE: usize = 8;

const MAGIC: u32 = 0xBEEF_C0DE;
const VERSION: u32 = 1;
/// Page sizes that LMDB makes: half a page must be addressable by 15 bits.
const PAGE_SIZES: std::ops::RangeInclusive<u64> = 256..=32_768;
/// Levels of a tree, LMDB's `CURSOR_STACK`.
const DEEPEST: u16 = 32;
/// The root of an empty tree.
const NO_PAGE: u64 = u64::MAX;

/// What is wrong with a page, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    /// The page's number.
    pub(super) page: u64,
    /// The byte within the page.
    pub(super) at: usize,
    /// What stands there.
    pub(super) has: String,
    /// What could stand there.
    pub(super) wants: String,
    /// Whether the page is sound, but another use of LMDB than a table of records.
    pub(super) is_other_use: bool,
}

impl Damage {
    pub(super) fn new(page: u64, at: usize, has: impl Into<String>, wants: impl Into<String>) -> Damage {
        Damage { page, at, has: has.into(), wants: wants.into(), is_other_use: false }
    }
}

/// What kind a page is of (`mp_flags`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PageKind {
    /// Holds the numbers of the pages below.
    Branch = 0x01,
    /// Holds keys with their values.
    Leaf = 0x02,
    /// The first of those that hold one large value.
    Overflow = 0x04,
    /// One of the first two.
    Meta = 0x08,
}

/// The flags that say a page's kind; the others are LMDB's own marks of pages in memory.
const KINDS: u16 = 0x6f;

impl PageKind {
    fn name(self) -> &'static str {
        match self {
            PageKind::Branch => "a branch page",
            PageKind::Leaf => "a leaf page",
            PageKind::Overflow => "an overflow page",
            PageKind::Meta => "a meta page",
        }
    }

    fn of(flags: u16) -> String {
        let kinds = [PageKind::Branch, PageKind::Leaf, PageKind::Overflow, PageKind::Meta];
        match kinds.into_iter().find(|&kind| kind as u16 == flags & KINDS) {
            Some(kind) => kind.name().to_string(),
            None => format!("flags {flags:#06x}"),
        }
    }
}

fn short(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().expect("two bytes"))
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// Checks the header of page `number`: its own number and its kind.
fn check_header(bytes: &[u8], number: u64, kind: PageKind) -> Result<(), Damage> {
    if long(bytes, 0) != number {
        return Err(Damage::new(number, 0, format!("the number {}", long(bytes, 0)), "the page's own number"));
    }
    let flags = short(bytes, 10);
    if flags & KINDS != kind as u16 {
        return Err(Damage::new(number, 10, PageKind::of(flags), kind.name()));
    }
    Ok(())
}

/// One of the two meta pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Meta {
    /// Its page: 0 or 1.
    pub(super) number: u64,
    /// Bytes of a page.
    pub(super) page_size: u64,
    /// `md_flags` of the main database.
    pub(super) flags: u16,
    /// Levels of the main database's tree; 0 when it is empty.
    pub(super) depth: u16,
    /// Records of the main database.
    pub(super) entries: u64,
    /// The page at the top of the tree.
    pub(super) root: u64,
    /// The last page in use.
    pub(super) last_page: u64,
    /// The transaction that wrote it.
    pub(super) transaction: u64,
}

/// Why a meta page cannot be used.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoMeta {
    /// It is no meta page of a 64-bit LMDB.
    Foreign,
    /// It has another version of the format.
    Version(u32),
    /// It contradicts itself.
    Damaged(Damage),
}

impl Meta {
    /// Reads meta page `number`, 0 or 1.
    pub(super) fn parse(bytes: &[u8; META_BYTES], number: u64) -> Result<Meta, NoMeta> {
        let meta = &bytes[HEADER..];
        if word(meta, 0) != MAGIC {
            return Err(NoMeta::Foreign);
        }
        if word(meta, 4) != VERSION {
            return Err(NoMeta::Version(word(meta, 4)));
        }
        check_header(bytes, number, PageKind::Meta).map_err(NoMeta::Damaged)?;
        // The page size stands where the free pages' database has an unused word.
        let page_size = u64::from(word(meta, 24));
        let damage =
            |at: usize, has: String, wants: &str| NoMeta::Damaged(Damage::new(number, HEADER + at, has, wants));
        if !page_size.is_power_of_two() || !PAGE_SIZES.contains(&page_size) {
            return Err(damage(24, format!("a page size of {page_size}"), "a power of two from 256 to 32768"));
        }
        let main = &meta[MAIN..MAIN + 48];
        let (last_page, transaction) = (long(meta, 120), long(meta, 128));
        let mut found = Meta {
            number,
            page_size,
            flags: short(main, 4),
            depth: short(main, 6),
            entries: long(main, 32),
            root: long(main, 40),
            last_page,
            transaction,
        };
        if found.root == NO_PAGE || found.depth == 0 {
            if found.entries != 0 || found.depth != 0 || found.root != NO_PAGE {
                let has = format!("{} records, {} levels, root {}", found.entries, found.depth, found.root);
                return Err(damage(MAIN, has, "a tree with a root, or none of these"));
            }
            found.root = 0;
        } else if found.depth > DEEPEST {
            return Err(damage(MAIN + 6, format!("{} levels", found.depth), "32 levels at most"));
        } else if !is_page(found.root, last_page) {
            let has = format!("page {} at the top of the tree", found.root);
            return Err(damage(MAIN + 40, has, &format!("a page from 2 to {last_page}")));
        } else if found.entries > last_page.saturating_mul(found.most_nodes()) {
            let wants = format!("as many as {last_page} pages can hold");
            return Err(damage(MAIN + 32, format!("a count of {} records", found.entries), &wants));
        }
        Ok(found)
    }

    /// Whether a key may have several values (`MDB_DUPSORT`).
    pub(super) fn has_several_values_a_key(&self) -> bool {
        self.flags & 0x04 != 0
    }

    /// Whether keys stand in the order of their bytes (neither `MDB_REVERSEKEY` nor `MDB_INTEGERKEY`).
    pub(super) fn is_in_byte_order(&self) -> bool {
        self.flags & (0x02 | 0x08) == 0
    }

    /// How many nodes a page can hold at most.
    pub(super) fn most_nodes(&self) -> u64 {
        (self.page_size - HEADER as u64) / (NODE as u64 + 2)
    }
}

/// Whether a tree may use the page: the first two are the meta pages.
fn is_page(number: u64, last_page: u64) -> bool {
    (2..=last_page).contains(&number)
}

/// How many pages a large value takes with the header of the first.
pub(super) fn pages_for(length: u32, page_size: u64) -> u64 {
    (HEADER as u64 + u64::from(length)).div_ceil(page_size)
}

/// The first page of a large value: how many pages the value has.
pub(super) fn overflow_pages(header: &[u8], number: u64) -> Result<u64, Damage> {
    check_header(header, number, PageKind::Overflow)?;
    Ok(u64::from(word(header, 12)))
}

/// A branch or leaf page whose header and table of nodes are sound; its nodes are checked as they are read.
#[derive(Clone, Copy)]
pub(super) struct Page<'a> {
    number: u64,
    bytes: &'a [u8],
    count: usize,
    upper: usize,
    /// The last page of the file, which what it names must not exceed.
    last_page: u64,
}

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ValueAt {
    /// In this page, at this byte.
    Here(usize),
    /// In pages of its own, after the header of the first.
    Overflow(u64),
}

/// A node of a leaf page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leaf<'a> {
    pub(super) key: &'a [u8],
    /// Bytes of the value.
    pub(super) length: u32,
    pub(super) value: ValueAt,
}

impl<'a> Page<'a> {
    /// Checks a whole page's header.
    pub(super) fn parse(bytes: &'a [u8], number: u64, kind: PageKind, last_page: u64) -> Result<Page<'a>, Damage> {
        check_header(bytes, number, kind)?;
        let (lower, upper) = (usize::from(short(bytes, 12)), usize::from(short(bytes, 14)));
        if lower <= HEADER || lower % 2 != 0 || lower > upper || upper > bytes.len() {
            let has = format!("a table of nodes up to {lower} and nodes from {upper}");
            let wants = format!("at least one node, and {HEADER} < table <= nodes <= {}", bytes.len());
            return Err(Damage::new(number, 12, has, wants));
        }
        Ok(Page { number, bytes, count: (lower - HEADER) / 2, upper, last_page })
    }

    /// How many nodes it has; at least 1.
    pub(super) fn len(&self) -> usize {
        self.count
    }

    /// Node `at` (below [`Page::len`]) with room for its own header: its offset, flags and key.
    fn node(&self, at: usize) -> Result<(usize, u16, &'a [u8]), Damage> {
        let entry = HEADER + 2 * at;
        let offset = usize::from(short(self.bytes, entry));
        if offset < self.upper || offset + NODE > self.bytes.len() {
            let wants = format!("a place from {} to {}", self.upper, self.bytes.len() - NODE);
            return Err(Damage::new(self.number, entry, format!("a node at byte {offset} of the page"), wants));
        }
        let key = usize::from(short(self.bytes, offset + 6));
        match self.bytes.get(offset + NODE..offset + NODE + key) {
            Some(bytes) => Ok((offset, short(self.bytes, offset + 4), bytes)),
            None => Err(Damage::new(self.number, offset + 6, format!("a key of {key} bytes"), "a key within the page")),
        }
    }

    /// The page below that node `at` of a branch page names.
    pub(super) fn child(&self, at: usize) -> Result<u64, Damage> {
        let (offset, high, _) = self.node(at)?;
        let child = u64::from(word(self.bytes, offset)) | u64::from(high) << 32;
        if !is_page(child, self.last_page) {
            let wants = format!("a page from 2 to {}", self.last_page);
            return Err(Damage::new(self.number, offset, format!("page {child} below it"), wants));
        }
        Ok(child)
    }

    /// Node `at` of a leaf page.
    pub(super) fn leaf(&self, at: usize) -> Result<Leaf<'a>, Damage> {
        const BIG: u16 = 0x01;
        let (offset, flags, key) = self.node(at)?;
        let length = word(self.bytes, offset);
        let value = offset + NODE + key.len();
        let inside = match flags {
            0 => length as usize,
            BIG => 8,
            0x02 => {
                let damage = Damage::new(self.number, offset + 4, "a named database", "records");
                return Err(Damage { is_other_use: true, ..damage });
            }
            _ => return Err(Damage::new(self.number, offset + 4, format!("flags {flags:#06x}"), "a record's flags")),
        };
        if inside > self.bytes.len() - value {
            let has = format!("a value of {inside} bytes at byte {value} of the page");
            return Err(Damage::new(self.number, offset, has, "a value within the page"));
        }
        if flags != BIG {
            return Ok(Leaf { key, length, value: ValueAt::Here(value) });
        }
        let (first, pages) = (long(self.bytes, value), pages_for(length, self.bytes.len() as u64));
        if !is_page(first, self.last_page) || pages - 1 > self.last_page - first {
            let has = format!("a value of {pages} pages from page {first} on");
            return Err(Damage::new(self.number, value, has, format!("pages from 2 to {}", self.last_page)));
        }
        Ok(Leaf { key, length, value: ValueAt::Overflow(first) })
    }

    /// The bytes of a value that lies in this page.
    pub(super) fn bytes(&self, at: usize, length: u32) -> &'a [u8] {
        &self.bytes[at..at + length as usize]
    }
}
