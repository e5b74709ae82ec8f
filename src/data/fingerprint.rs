//! `Fingerprint`: by which a run knows its dataset again.

/// Bytes of a database's values that are read for it, from the first record on: all of a small database, and of a large one so much
/// that opening it does not take long.
pub(super) const READ: u64 = 16 << 20;

/// By which a run knows its dataset again: a hash of counts, file sizes, records, mean and labels. Of a database larger than
/// 16 MiB the records in the first 16 MiB and the last one count; what is changed in between without another length is not seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint {
    word: String,
    /// Of the first and last records alone, as jobs before this one kept it.
    of_ends: String,
}

impl Fingerprint {
    pub(super) fn of(all: &blake3::Hasher, ends: &blake3::Hasher) -> Fingerprint {
        let word = |hash: &blake3::Hasher| hash.finalize().to_hex()[..32].to_string();
        Fingerprint { word: word(all), of_ends: word(ends) }
    }

    /// In a word, for a job's record.
    #[must_use]
    pub fn word(&self) -> &str {
        &self.word
    }

    /// Whether a job's record names this dataset.
    #[must_use]
    pub fn is(&self, noted: &str) -> bool {
        noted == self.word || noted == self.of_ends
    }
}
