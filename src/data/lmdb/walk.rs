//! One walk through all pages of a database that hold keys: it checks them and notes where the values lie.
//!
//! The first page of a large value is checked when the value is read: looking at it here would take a disk a seek each.

use std::{
    io, iter,
    num::NonZero,
    panic::resume_unwind,
    sync::atomic::{AtomicU64, Ordering},
    thread::{self, ScopedJoinHandle},
};

use super::{
    file::DataFile,
    format::{Damage, ENTRIES_AT, HEADER, ValueAt, pages_for},
    notice::Notice,
    places::{Place, Places},
    tree::{LeafReader, leaf_pages, used_twice},
    used_pages::UsedPages,
};
use crate::error::Result;

/// Threads that read at most.
const MOST_THREADS: usize = 4;
/// Leaf pages that are worth a thread.
const WORTH_A_THREAD: usize = 1024;

/// What one thread found in its part of the leaf pages.
struct Part {
    places: Places,
    used: UsedPages,
    first_key: Vec<u8>,
    last_key: Vec<u8>,
}

/// The places of all values, in key order.
///
/// # Errors
/// When a page is damaged or used twice, keys are not in order, or there are more or fewer records than the meta page
/// says.
pub(super) fn walk(file: &DataFile) -> Result<Places> {
    let mut used = UsedPages::default();
    let leaves = leaf_pages(file, &mut used)?;
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let threads = (leaves.len() / WORTH_A_THREAD).clamp(1, cores.min(MOST_THREADS));
    let share = leaves.len().div_ceil(threads).max(1);
    let seen = AtomicU64::new(0);
    let part = |n: usize, notice: Option<Notice>| {
        let range = (n * share).min(leaves.len())..((n + 1) * share).min(leaves.len());
        look_at(file, &leaves[range], &seen, notice)
    };
    let part = &part;
    let parts: Vec<Result<Part>> = thread::scope(|scope| {
        let others: Vec<_> =
            (1..threads).map(|n| thread::Builder::new().spawn_scoped(scope, move || part(n, None))).collect();
        let mine = part(0, Some(Notice::begin()));
        let join = |(n, other): (usize, io::Result<ScopedJoinHandle<'_, Result<Part>>>)| match other {
            Ok(other) => other.join().unwrap_or_else(|panic| resume_unwind(panic)),
            // No thread was to be had: this one does it.
            Err(_) => part(n, None),
        };
        iter::once(mine).chain((1..threads).zip(others).map(join)).collect()
    });
    let meta = file.meta();
    let mut places = Places::default();
    let mut before: Option<Vec<u8>> = None;
    for (n, part) in parts.into_iter().enumerate() {
        let part = part?;
        if let Some(before) = &before
            && meta.is_in_byte_order()
            && *before >= part.first_key
        {
            return Err(file.damaged(&out_of_order(leaves[n * share])));
        }
        if let Some(page) = used.add_all(&part.used) {
            return Err(file.damaged(&used_twice(page)));
        }
        places.append(part.places);
        before = Some(part.last_key);
    }
    check_count(file, places.len())?;
    Ok(places)
}

/// Refuses a tree whose pages hold another number of records than the meta page says.
///
/// # Errors
/// When they do.
pub(super) fn check_count(file: &DataFile, found: u64) -> Result<()> {
    let meta = file.meta();
    if found == meta.entries {
        return Ok(());
    }
    let has = format!("a count of {} records", meta.entries);
    Err(file.damaged(&Damage::new(meta.number, ENTRIES_AT, has, format!("{found}, as the leaf pages hold"))))
}

fn out_of_order(page: u64) -> Damage {
    Damage::new(page, 0, "a key that does not come after the one before it", "keys in the order of their bytes")
}

/// Checks some leaf pages that follow each other in key order.
fn look_at(file: &DataFile, leaves: &[u64], seen: &AtomicU64, mut notice: Option<Notice>) -> Result<Part> {
    let meta = file.meta();
    let most = (leaves.len() as u64).saturating_mul(meta.most_nodes());
    let mut places = Places::with_capacity(most.min(meta.entries) as usize);
    let mut used = UsedPages::default();
    let (mut first_key, mut last_key) = (Vec::new(), Vec::new());
    let mut reader = LeafReader::new(file, leaves);
    for (at, &number) in leaves.iter().enumerate() {
        let page = reader.page(at)?;
        // Keys are compared where they lie; the last one of a page is kept for the next page.
        let mut before: Option<&[u8]> = (at > 0).then_some(&last_key);
        for node in 0..page.len() {
            let leaf = page.leaf(node).map_err(|damage| file.damaged(&damage))?;
            if meta.is_in_byte_order() && before.is_some_and(|before| before >= leaf.key) {
                return Err(file.damaged(&out_of_order(number)));
            }
            if before.is_none() {
                first_key = leaf.key.to_vec();
            }
            before = Some(leaf.key);
            let offset = match leaf.value {
                ValueAt::Here(at) => number * meta.page_size + at as u64,
                ValueAt::Overflow(first) => {
                    if let Some(page) = used.add(first, pages_for(leaf.length, meta.page_size)) {
                        return Err(file.damaged(&used_twice(page)));
                    }
                    first * meta.page_size + HEADER as u64
                }
            };
            places.push(Place { offset, length: leaf.length });
        }
        last_key = before.unwrap_or_default().to_vec();
        let so_far = seen.fetch_add(page.len() as u64, Ordering::Relaxed);
        if let Some(notice) = &mut notice {
            notice.look(file.folder(), so_far, meta.entries);
        }
    }
    Ok(Part { places, used, first_key, last_key })
}
