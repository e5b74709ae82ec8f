//! Databases read by our reader beside LMDB itself; damaged, cut and changed ones get a page and never a signal.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use lmdb::{Cursor as _, Environment, EnvironmentFlags, Transaction as _, WriteFlags};
use tempfile::TempDir;

use super::{Database, Writer};
use crate::{
    data::Random,
    error::{Error, Kind, Result},
};

type Records = Vec<(Vec<u8>, Vec<u8>)>;

fn write(folder: &Path, count: u32, size: usize) {
    let mut writer = Writer::create(folder).unwrap();
    for i in 0..count {
        writer.put(format!("{i:08}").into_bytes(), vec![i as u8; size]).unwrap();
    }
    assert_eq!(writer.finish().unwrap(), u64::from(count));
}

/// A database of `count` values of `size` bytes, open, and the folder around it.
fn made(count: u32, size: usize) -> (TempDir, PathBuf, Arc<Database>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    write(&path, count, size);
    let db = Database::open(&path).unwrap();
    (folder, path, db)
}

fn value(db: &Database, index: u64) -> Result<Option<Vec<u8>>> {
    Ok(db.value(index, &mut Vec::new())?.map(<[u8]>::to_vec))
}

/// All records by the cursor, after all values by number and both ends were found to be the same.
fn everything(folder: &Path) -> Result<Records> {
    let db = Database::open(folder)?;
    let (mut cursor, mut all) = (db.cursor()?, Vec::new());
    while let Some(entry) = cursor.next()? {
        all.push((entry.key().to_vec(), entry.value()?.to_vec()));
    }
    assert_eq!(all.len() as u64, db.len());
    for (index, (_, wanted)) in all.iter().enumerate() {
        assert_eq!(value(&db, index as u64)?.as_ref(), Some(wanted));
    }
    assert_eq!(value(&db, db.len())?, None);
    assert_eq!((db.first()?.as_ref(), db.last()?.as_ref()), (all.first(), all.last()));
    Ok(all)
}

#[test]
fn what_is_written_is_read_and_the_map_grows() {
    // 40 MB: the map doubles twice.
    let (folder, path, db) = made(4000, 10_000);
    assert_eq!(db.len(), 4000);
    assert_eq!(value(&db, 257).unwrap().unwrap(), [1; 10_000]);
    assert_eq!(db.key(257).unwrap().unwrap(), b"00000257");
    assert!(value(&db, 4000).unwrap().is_none() && db.key(4000).unwrap().is_none());
    let keys: Vec<_> = everything(&path).unwrap().into_iter().map(|(key, _)| key).collect();
    let made: Vec<_> = (0..4000).map(|i| format!("{i:08}").into_bytes()).collect();
    assert_eq!(keys, made);
    assert!(Arc::ptr_eq(&db, &Database::open(&path).unwrap()), "its records are looked for once");
    assert!(!folder.path().join("db.partial").exists());
    for index in [0, 3999, 4000] {
        db.read_ahead(index);
    }
}

/// Everything that leaves its mark on a tree: keys in any order and of any length, values of all sizes, some replaced by
/// longer and shorter ones, some taken out, in many transactions.
fn written_by_lmdb(folder: &Path, seed: u64) -> Records {
    fs::create_dir_all(folder).unwrap();
    let environment = Environment::new().set_map_size(64 << 20).open(folder).unwrap();
    let table = environment.open_db(None).unwrap();
    let mut random = Random::new(&[seed]);
    let mut wanted = BTreeMap::new();
    let below = |random: &mut Random, bound: usize| random.below(bound as u64) as usize;
    for _ in 0..1 + below(&mut random, 12) {
        let mut transaction = environment.begin_rw_txn().unwrap();
        for _ in 0..below(&mut random, 200) {
            let key = format!("{:0width$}", below(&mut random, 400), width = 1 + 40 * (seed % 3) as usize).into_bytes();
            if below(&mut random, 4) == 0 {
                let had = wanted.remove(&key).is_some();
                assert_eq!(transaction.del(table, &key, None).is_ok(), had);
                continue;
            }
            let length = match below(&mut random, 3) {
                0 => below(&mut random, 40),
                1 => below(&mut random, 2100),
                _ => below(&mut random, 20_000),
            };
            let value: Vec<u8> = (0..length).map(|i| (i * 7 + length) as u8).collect();
            transaction.put(table, &key, &value, WriteFlags::empty()).unwrap();
            wanted.insert(key, value);
        }
        transaction.commit().unwrap();
    }
    wanted.into_iter().collect()
}

#[test]
fn our_reader_reads_what_lmdb_wrote() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..40 {
        let path = folder.path().join(seed.to_string());
        let wanted = written_by_lmdb(&path, seed);
        let environment = Environment::new().set_flags(EnvironmentFlags::READ_ONLY).open(&path).unwrap();
        let table = environment.open_db(None).unwrap();
        let transaction = environment.begin_ro_txn().unwrap();
        let mut cursor = transaction.open_ro_cursor(table).unwrap();
        let theirs: Records =
            cursor.iter().map(|entry| entry.map(|(key, value)| (key.to_vec(), value.to_vec())).unwrap()).collect();
        assert_eq!(theirs, wanted, "seed {seed}");
        assert_eq!(everything(&path).unwrap(), wanted, "seed {seed}");
    }
}

#[test]
fn a_database_of_many_pages_is_walked_by_several_threads() {
    // 3 records a page: more pages than two threads are worth.
    let (_folder, path, db) = made(9000, 1200);
    let all = everything(&path).unwrap();
    assert!(all.iter().enumerate().all(|(i, (_, value))| *value == [i as u8; 1200]));
    // A page of the last thread's part that is another's: the first record of page p is where its places are.
    let place = db.place_of(8990).unwrap().unwrap();
    let page: u64 = place.split([' ', ',']).nth(1).unwrap().parse().unwrap();
    let file = fs::File::options().write(true).open(path.join("data.mdb")).unwrap();
    file.write_all_at(&7u64.to_le_bytes(), page * 4096).unwrap();
    let text = everything(&path).unwrap_err().to_string();
    assert!(text.contains(&format!("page {page}, byte {}", page * 4096)), "{text}");
    let refused = (0..64).find_map(|index| value(&db, index).err()).expect("the open one refuses");
    assert!(refused.to_string().contains("changed while it was in use"), "{refused}");
}

#[test]
fn every_cut_is_an_error_and_no_signal() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    write(&path, 300, 1000);
    let whole = fs::read(path.join("data.mdb")).unwrap();
    for length in [0, 1, 100, 4096, 4200, 8192, whole.len() / 2, whole.len() - 4096] {
        let cut = folder.path().join(format!("cut{length}"));
        fs::create_dir(&cut).unwrap();
        fs::write(cut.join("data.mdb"), &whole[..length]).unwrap();
        let Err(error) = Database::open(&cut) else { panic!("{length} bytes were accepted") };
        assert_eq!(error.kind(), Kind::Data, "{error}");
    }
}

/// What happens to a database while it is open, and what the next reads say.
fn after(size: usize, happens: impl FnOnce(&Path, &fs::File)) -> String {
    let (_folder, path, db) = made(300, size);
    assert!(value(&db, 7).unwrap().is_some());
    let file = fs::File::options().write(true).open(path.join("data.mdb")).unwrap();
    happens(&path, &file);
    let errors: Vec<Error> = (0..300).filter_map(|index| value(&db, index).err()).collect();
    assert!(errors.len() > 3, "{} of 300", errors.len());
    errors[0].to_string()
}

#[test]
fn a_file_that_changes_under_a_run_is_an_error_and_no_signal() {
    let cut = after(1000, |_, file| file.set_len(40_000).unwrap());
    assert!(cut.contains("changed while it was in use") && cut.contains("40000 bytes"), "{cut}");
    let gone = after(10_000, |_, file| file.set_len(0).unwrap());
    assert!(gone.contains("it has") && gone.contains("0 bytes"), "{gone}");
    let zeroed = after(10_000, |_, file| file.write_all_at(&[0; 100_000], 8192).unwrap());
    assert!(zeroed.contains("written to, its length kept"), "{zeroed}");
    let copied_over = after(1000, |path, _| {
        let other = path.with_file_name("other");
        write(&other, 300, 999);
        fs::copy(other.join("data.mdb"), path.join("data.mdb")).unwrap();
    });
    assert!(copied_over.contains("changed while it was in use"), "{copied_over}");
}

#[test]
fn a_folder_that_is_replaced_or_removed_is_read_to_its_end() {
    let (folder, path, db) = made(300, 1000);
    fs::rename(&path, folder.path().join("old")).unwrap();
    write(&path, 10, 10);
    fs::remove_dir_all(folder.path().join("old")).unwrap();
    for index in 0..300 {
        assert_eq!(value(&db, index).unwrap().unwrap(), [index as u8; 1000]);
    }
    let new = Database::open(&path).unwrap();
    assert_eq!((new.len(), value(&new, 9).unwrap().unwrap()), (10, vec![9; 10]));
}

#[test]
fn a_database_that_was_written_to_is_opened_anew() {
    let (_folder, path, db) = made(10, 10);
    let environment = Environment::new().open(&path).unwrap();
    let table = environment.open_db(None).unwrap();
    let mut transaction = environment.begin_rw_txn().unwrap();
    transaction.put(table, b"9", b"more", WriteFlags::empty()).unwrap();
    transaction.commit().unwrap();
    assert_eq!(Database::open(&path).unwrap().len(), 11);
    assert!(value(&db, 0).is_err(), "its pages may be used for other things now");
}

#[test]
fn foreign_folders_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let page = |path: &Path| Database::open(path).err().unwrap().to_string();
    assert!(page(&folder.path().join("none")).contains("not there"));
    assert!(page(folder.path()).contains("an empty folder"));
    fs::write(folder.path().join("000005.ldb"), "").unwrap();
    assert!(page(folder.path()).contains("LevelDB"));
    assert!(page(&folder.path().join("000005.ldb")).contains("a file"));
    fs::write(folder.path().join("data.mdb"), vec![7; 20_000]).unwrap();
    assert!(page(folder.path()).contains("not an LMDB file"));
    fs::remove_file(folder.path().join("data.mdb")).unwrap();
    fs::create_dir(folder.path().join("data.mdb")).unwrap();
    assert!(page(folder.path()).contains("a folder"));
}

#[test]
fn other_uses_of_lmdb_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str, database: Option<&str>, flags: lmdb::DatabaseFlags| {
        let path = folder.path().join(name);
        fs::create_dir(&path).unwrap();
        let environment = Environment::new().set_max_dbs(2).open(&path).unwrap();
        let table = environment.create_db(database, flags).unwrap();
        let mut transaction = environment.begin_rw_txn().unwrap();
        for value in [b"a", b"b"] {
            transaction.put(table, b"key", value, WriteFlags::empty()).unwrap();
        }
        transaction.commit().unwrap();
        everything(&path)
    };
    let named = make("named", Some("train"), lmdb::DatabaseFlags::empty()).unwrap_err().to_string();
    assert!(named.contains("a named database"), "{named}");
    let several = make("several", None, lmdb::DatabaseFlags::DUP_SORT).unwrap_err().to_string();
    assert!(several.contains("several values a key"), "{several}");
    // Keys in an order of their own are no damage.
    let reverse = make("reverse", None, lmdb::DatabaseFlags::REVERSE_KEY).unwrap();
    assert_eq!(reverse, [(b"key".to_vec(), b"b".to_vec())]);
}

/// The bytes of a file, and where its tree lies.
struct Bytes(Vec<u8>);

impl Bytes {
    fn number(&self, at: usize, size: usize) -> usize {
        (0..size).fold(0, |number, i| number | usize::from(self.0[at + i]) << (8 * i))
    }

    fn put(&mut self, at: usize, size: usize, value: u64) {
        self.0[at..at + size].copy_from_slice(&value.to_le_bytes()[..size]);
    }

    /// Puts a number into both meta pages, after their headers.
    fn put_meta(&mut self, at: usize, size: usize, value: u64) {
        self.put(16 + at, size, value);
        self.put(4096 + 16 + at, size, value);
    }

    /// Where the root page starts.
    fn root(&self) -> usize {
        let newer = if self.number(4096 + 16 + 128, 8) > self.number(16 + 128, 8) { 4096 } else { 0 };
        4096 * self.number(newer + 16 + 112, 8)
    }

    /// Where node `n` of the page at `page` starts.
    fn node(&self, page: usize, n: usize) -> usize {
        page + self.number(page + 16 + 2 * n, 2)
    }

    /// Where the leaf page that node `n` of the root names starts.
    fn leaf(&self, n: usize) -> usize {
        4096 * self.number(self.node(self.root(), n), 4)
    }

    /// Where the first page of the value of node `n` of that leaf starts, for large values.
    fn large(&self, leaf: usize, n: usize) -> usize {
        4096 * self.number(self.node(leaf, n) + 16, 8)
    }
}

#[test]
fn each_kind_of_damage_is_named_with_its_place() {
    type Damage = fn(&mut Bytes);
    let small: &[(Damage, &str)] = &[
        (|b| b.put_meta(4, 4, 7), "version 7 of LMDB's format"),
        (|b| b.put(10, 2, 4), "it has          an overflow page\n  it wants        a meta page"),
        (|b| b.put(4096 + 16, 4, 0), "page 1, byte 4112 of the file\n  it has          other bytes than LMDB's mark"),
        (|b| b.put_meta(24, 4, 1000), "page 0, byte 40 of the file\n  it has          a page size of 1000"),
        (|b| b.put(4096 + 40, 4, 8192), "a page size of 8192\n  it wants        4096, as in page 0"),
        (|b| b.put_meta(76, 2, 4), "several values a key"),
        (|b| b.put_meta(78, 2, 33), "33 levels"),
        (|b| b.put_meta(78, 2, 0), "0 levels"),
        (|b| b.put_meta(78, 2, 3), "a leaf page\n  it wants        a branch page"),
        (|b| b.put_meta(104, 8, 301), "a count of 301 records\n  it wants        300, as the leaf pages hold"),
        (|b| b.put_meta(104, 8, 1 << 40), "as many as"),
        (|b| b.put_meta(112, 8, 1), "page 1 at the top of the tree"),
        (|b| b.put_meta(120, 8, 1 << 60), "cut short"),
        (|b| b.put(b.leaf(9), 8, 3), "the page's own number"),
        (|b| b.put(b.leaf(9) + 10, 2, 1), "a branch page\n  it wants        a leaf page"),
        (|b| b.put(b.leaf(9) + 12, 2, 21), "a table of nodes up to 21"),
        (|b| b.put(b.leaf(9) + 12, 2, 16), "a table of nodes up to 16"),
        (|b| b.put(b.leaf(9) + 14, 2, 5000), "nodes from 5000"),
        (|b| b.put(b.leaf(9) + 18, 2, 4090), "a node at byte 4090"),
        (|b| b.put(b.leaf(9) + 18, 2, 20), "a node at byte 20"),
        (|b| b.put(b.node(b.leaf(9), 1) + 4, 2, 4), "flags 0x0004"),
        (|b| b.put(b.node(b.leaf(9), 1) + 6, 2, 4000), "a key of 4000 bytes"),
        (|b| b.put(b.node(b.leaf(9), 1), 4, 4000), "a value of 4000 bytes"),
        (|b| b.put(b.node(b.leaf(9), 1) + 8, 1, 0), "a key that does not come after the one before it"),
        (|b| b.put(b.leaf(9) + 18, 2, b.number(b.leaf(9) + 16, 2) as u64), "a key that does not come after"),
        (|b| b.put(b.node(b.root(), 9), 4, b.leaf(8) as u64 / 4096), "a page that is used at two places"),
        (|b| b.put(b.node(b.root(), 9), 4, b.root() as u64 / 4096), "a page that is used at two places"),
        (|b| b.put(b.node(b.root(), 9) + 4, 2, 1), "below it"),
    ];
    let large: &[(Damage, &str)] = &[
        (|b| b.put(b.node(b.leaf(1), 1) + 16, 8, 1 << 40), "a value of 3 pages from page 1099511627776 on"),
        (|b| b.put(b.node(b.leaf(1), 1) + 3, 1, 1), "a value of 4099 pages from"),
        (|b| b.put(b.node(b.leaf(1), 1) + 16, 8, b.large(b.leaf(1), 0) as u64 / 4096), "used at two places"),
        (
            |b| b.put(b.node(b.leaf(1), 1) + 16, 8, b.leaf(0) as u64 / 4096),
            "a leaf page\n  it wants        an overflow page",
        ),
        (|b| b.put(b.large(b.leaf(1), 1), 8, 0), "the number 0\n  it wants        the page's own number"),
        (|b| b.put(b.large(b.leaf(1), 1) + 10, 2, 2), "a leaf page\n  it wants        an overflow page"),
        (|b| b.put(b.large(b.leaf(1), 1) + 12, 4, 2), "2 pages\n  it wants        3 pages at least"),
    ];
    for (size, cases) in [(1000, small), (10_000, large)] {
        let (_folder, path, _db) = made(300, size);
        let whole = fs::read(path.join("data.mdb")).unwrap();
        assert!(everything(&path).is_ok());
        for (damage, words) in cases {
            let mut bytes = Bytes(whole.clone());
            damage(&mut bytes);
            fs::write(path.join("data.mdb"), bytes.0).unwrap();
            let page = everything(&path).err().unwrap_or_else(|| panic!("nobody noticed: {words}")).to_string();
            assert!(page.contains(words), "{words} is not in {page}");
        }
    }
}
