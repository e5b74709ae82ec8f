//! `Store`: what a form of storage can do for [`super::Records`].

use std::{borrow::Cow, path::Path};

use crate::{data::record::Sample, error::Result};

/// Where records lie.
pub(super) trait Store: Send + Sync {
    fn len(&self) -> u64;
    fn shape(&self) -> [i64; 3];
    fn place(&self) -> &Path;
    fn label_place(&self) -> Option<&Path>;
    fn disk_size(&self) -> u64;
    fn key(&self, index: u64) -> Result<Cow<'_, [u8]>>;
    /// All keys in order, in one go.
    fn keys(&self) -> Result<Vec<Vec<u8>>> {
        (0..self.len()).map(|index| Ok(self.key(index)?.into_owned())).collect()
    }
    fn get(&self, index: u64) -> Result<Sample>;
    /// Starts reading a record that is going to be wanted.
    fn read_ahead(&self, _index: u64) {}
    fn labels(&self) -> Result<Vec<i32>>;
    fn fingerprint(&self, all: &mut blake3::Hasher, ends: &mut blake3::Hasher) -> Result<()>;
}
