//! Damaged LMDB files: bits, fields, pages zeroed, swapped and copied, pointers that lead anywhere, files cut; before
//! they are opened, and while they are read.

use std::fs;

use digits::data::{Encoding, Image, Random, Records, Sample, datum::encode, lmdb::Writer};
use lmdb::{Environment, Transaction, WriteFlags};

use crate::{
    mutate::{any, below, put, telling},
    parsers::{everything, written},
    target::{self, Answer, Target, folder},
};

const PAGE: usize = 4096;

/// A whole file and what it holds.
struct Whole {
    bytes: Vec<u8>,
    records: Vec<(Vec<u8>, Sample)>,
}

/// Databases of each shape a tree has: one leaf, many, three levels, large values, and one that was written to often.
fn whole() -> Vec<Whole> {
    let record = |i: usize, side: usize| {
        let pixels = (0..side * side).map(|j| (i * 31 + j * 7) as u8).collect();
        let image = Image { width: side, height: side, channels: 1, pixels };
        encode(&image, i as i32, Encoding::None).unwrap()
    };
    let mut all: Vec<Vec<u8>> = Vec::new();
    for (count, side, key) in [(9, 8, 8), (60, 28, 8), (90, 9, 480), (12, 80, 8)] {
        let folder = folder();
        let mut writer = Writer::create(&folder.path().join("db")).unwrap();
        for i in 0..count {
            writer.put(format!("{i:0key$}").into_bytes(), record(i, side)).unwrap();
        }
        writer.finish().unwrap();
        all.push(fs::read(folder.path().join("db/data.mdb")).unwrap());
    }
    let folder_of_many = folder();
    let environment = Environment::new().set_map_size(8 << 20).open(folder_of_many.path()).unwrap();
    let table = environment.open_db(None).unwrap();
    for step in 0..12 {
        let mut transaction = environment.begin_rw_txn().unwrap();
        for i in 0..12 {
            let key = format!("{:03}", (step * 17 + i * 29) % 70);
            transaction.put(table, &key, &record(i, 28), WriteFlags::empty()).unwrap();
            let _ = transaction.del(table, &format!("{:03}", (step * 11 + i * 13) % 70), None);
        }
        transaction.commit().unwrap();
    }
    drop(environment);
    all.push(fs::read(folder_of_many.path().join("data.mdb")).unwrap());
    all.into_iter()
        .map(|bytes| {
            let folder = folder();
            written(folder.path(), "data.mdb", &bytes);
            let records = everything(folder.path()).expect("a whole database");
            assert!(records.len() >= 9);
            Whole { bytes, records }
        })
        .collect()
}

/// Damages one file in one to three ways.
fn damage(random: &mut Random, bytes: &mut Vec<u8>) {
    for _ in 0..1 + below(random, 3) {
        let pages = bytes.len() / PAGE;
        if pages == 0 {
            return;
        }
        let start = below(random, pages) * PAGE;
        let other = below(random, pages) * PAGE;
        match below(random, 14) {
            0 => bytes[start + below(random, PAGE)] ^= 1 << below(random, 8),
            1 => bytes[start + below(random, 32)] ^= 1 << below(random, 8),
            // A page's header: its number, flags, lower, upper, or the pages of a large value.
            2 | 3 => {
                let (at, size) = any(random, &[(0, 8), (10, 2), (12, 2), (14, 2), (12, 4)]);
                let value = telling(random, pages);
                put(bytes, start + at, size, value, false);
            }
            // The table of nodes.
            4 | 5 => {
                let at = start + 16 + 2 * below(random, 12);
                let value = telling(random, PAGE);
                put(bytes, at, 2, value, false);
            }
            // A node: the value's length or the page below, its flags, the key's length, and what comes after.
            6 | 7 => {
                let entry = start + 16 + 2 * below(random, 12);
                let node = usize::from(u16::from_le_bytes([bytes[entry], bytes[entry + 1]])) % PAGE;
                let (at, size) = any(random, &[(0, 2), (2, 2), (0, 4), (4, 2), (6, 2), (8, 8), (16, 8)]);
                let value = telling(random, pages);
                put(bytes, start + node + at, size, value, false);
            }
            // A meta page: version, page size, flags, depth, counts, root, last page, transaction.
            8 | 9 => {
                let (at, size) = any(
                    random,
                    &[
                        (0, 4),
                        (4, 4),
                        (24, 4),
                        (76, 2),
                        (78, 2),
                        (80, 8),
                        (88, 8),
                        (104, 8),
                        (112, 8),
                        (120, 8),
                        (128, 8),
                    ],
                );
                let value = telling(random, pages);
                put(bytes, below(random, 2) * PAGE + 16 + at, size, value, false);
            }
            10 => bytes[start..start + PAGE].fill(any(random, &[0, 0xff])),
            11 => {
                let one = bytes[start..start + PAGE].to_vec();
                bytes.copy_within(other..other + PAGE, start);
                bytes[other..other + PAGE].copy_from_slice(&one);
            }
            12 => bytes.copy_within(other..other + PAGE, start),
            _ => bytes.truncate(start + any(random, &[0, 0, 1, 16, 2000])),
        }
    }
}

/// What a page about a damaged database must say: which file, and where in it or what is wrong with it as a whole.
fn check_page(page: &str) {
    let says_where = page.contains("page ") && page.contains("byte ");
    let whole =
        ["cut short", "is empty", "not an LMDB file", "of LMDB's format", "several values a key", "holds no records"];
    assert!(says_where || whole.iter().any(|words| page.contains(words)) || page.contains("changed while"), "{page}");
    assert!(page.contains("help:"), "{page}");
}

#[test]
fn damaged_databases_get_a_page() {
    let (whole, folder) = (whole(), folder());
    target::keep("LMDB", &whole.iter().map(|whole| whole.bytes.clone()).collect::<Vec<_>>());
    let of = std::cell::Cell::new(0);
    Target { name: "LMDB", test: "lmdb::damaged_databases_get_a_page", inputs: 4000, memory: 16 << 20 }.run(
        &mut |random| {
            of.set(below(random, whole.len()));
            let mut bytes = whole[of.get()].bytes.clone();
            damage(random, &mut bytes);
            bytes
        },
        &mut |bytes| {
            written(folder.path(), "data.mdb", bytes);
            match everything(folder.path()) {
                Ok(records) if records == whole[of.get()].records => Answer::Same,
                Ok(_) => Answer::Other,
                Err(page) => {
                    check_page(&page.to_string());
                    Answer::Page(page.to_string())
                }
            }
        },
    );
}

#[test]
fn databases_that_are_damaged_while_they_are_read_get_a_page() {
    let (whole, folder) = (whole(), folder());
    let of = std::cell::Cell::new(0);
    Target {
        name: "LMDB while it is read",
        test: "lmdb::databases_that_are_damaged_while_they_are_read_get_a_page",
        inputs: 1500,
        memory: 16 << 20,
    }
    .run(
        &mut |random| {
            of.set(below(random, whole.len()));
            let mut bytes = whole[of.get()].bytes.clone();
            damage(random, &mut bytes);
            bytes
        },
        &mut |bytes| {
            written(folder.path(), "data.mdb", &whole[of.get()].bytes);
            let records = Records::open(folder.path(), None).unwrap();
            let half = records.len() / 2;
            assert!((0..half).all(|index| records.get(index).is_ok()));
            written(folder.path(), "data.mdb", bytes);
            // A change is looked for at every 64th value.
            let rounds = 0..64 / records.len() + 1;
            let mut all = rounds.flat_map(|_| 0..records.len()).map(|index| records.get(index));
            match all.find_map(Result::err) {
                None if bytes == whole[of.get()].bytes => Answer::Same,
                None => panic!("nobody noticed"),
                Some(page) => {
                    check_page(&page.to_string());
                    Answer::Page(page.to_string())
                }
            }
        },
    );
}
