//! `Places`: where the values of a mapped database lie.

/// Address and length of every value, in key order: 8 bytes a value, 12 when their lengths differ.
pub(super) struct Places {
    addresses: Vec<usize>,
    lengths: Lengths,
}

enum Lengths {
    /// All have this one.
    One(u32),
    Each(Vec<u32>),
}

impl Places {
    /// Of no value yet; with room for `count`.
    pub(super) fn with_capacity(count: usize) -> Places {
        Places { addresses: Vec::with_capacity(count), lengths: Lengths::One(0) }
    }

    /// The place of the next value.
    pub(super) fn push(&mut self, value: &[u8]) {
        // LMDB's values have less than 4 GiB (MAXDATASIZE in mdb.c).
        let length = value.len() as u32;
        match &mut self.lengths {
            one if self.addresses.is_empty() => *one = Lengths::One(length),
            Lengths::One(one) if *one == length => {}
            Lengths::One(one) => {
                let mut each = Vec::with_capacity(self.addresses.capacity());
                each.resize(self.addresses.len(), *one);
                each.push(length);
                self.lengths = Lengths::Each(each);
            }
            Lengths::Each(each) => each.push(length),
        }
        self.addresses.push(value.as_ptr() as usize);
    }

    /// Address and length of value `at`.
    pub(super) fn get(&self, at: usize) -> Option<(usize, usize)> {
        let length = match &self.lengths {
            Lengths::One(one) => *one,
            Lengths::Each(each) => *each.get(at)?,
        };
        Some((*self.addresses.get(at)?, length as usize))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_length_and_of_several_are_found() {
        let bytes = [0; 10];
        for ends in [vec![3, 6, 9], vec![1, 2, 4, 4, 9], vec![4, 8, 9, 10], vec![0], vec![]] {
            let mut places = Places::with_capacity(ends.len());
            let values: Vec<&[u8]> =
                (0..ends.len()).map(|i| &bytes[if i == 0 { 0 } else { ends[i - 1] }..ends[i]]).collect();
            values.iter().for_each(|value| places.push(value));
            for (at, value) in values.iter().enumerate() {
                assert_eq!(places.get(at), Some((value.as_ptr() as usize, value.len())));
            }
            assert_eq!(places.get(ends.len()), None);
        }
    }
}
