//! `Places`: where the values of a database lie in its file.

/// Where a value lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Its first byte in the file.
    pub(super) offset: u64,
    /// Its bytes.
    pub(super) length: u32,
}

/// The place of every value, in key order: 8 bytes a value, 12 when their lengths differ.
#[derive(Default)]
pub(super) struct Places {
    parts: Vec<Part>,
    count: u64,
}

/// Some values that follow each other.
struct Part {
    /// The number of the first of them.
    first: u64,
    offsets: Vec<u64>,
    lengths: Lengths,
}

enum Lengths {
    /// All have this one.
    One(u32),
    Each(Vec<u32>),
}

impl Places {
    /// Of no value yet; with room for `count`, when there is memory for them.
    pub(super) fn with_capacity(count: usize) -> Places {
        let mut offsets = Vec::new();
        let _ = offsets.try_reserve_exact(count); // it grows as it is filled
        Places { parts: vec![Part { first: 0, offsets, lengths: Lengths::One(0) }], count: 0 }
    }

    /// How many values.
    pub(super) fn len(&self) -> u64 {
        self.count
    }

    /// Adds the place of the next value.
    pub(super) fn push(&mut self, place: Place) {
        if self.parts.is_empty() {
            *self = Places::with_capacity(0);
        }
        let part = self.parts.last_mut().expect("there is one now");
        part.push(place);
        self.count += 1;
    }

    /// Adds the places of another walk after these.
    pub(super) fn append(&mut self, other: Places) {
        for mut part in other.parts {
            part.first = self.count;
            self.count += part.offsets.len() as u64;
            self.parts.push(part);
        }
    }

    /// The place of value `at`; none beyond the last.
    pub(super) fn get(&self, at: u64) -> Option<Place> {
        let after = self.parts.partition_point(|part| part.first <= at);
        let part = self.parts.get(after.checked_sub(1)?)?;
        part.get(usize::try_from(at - part.first).ok()?)
    }
}

impl Part {
    fn push(&mut self, place: Place) {
        match &mut self.lengths {
            one if self.offsets.is_empty() => *one = Lengths::One(place.length),
            Lengths::One(one) if *one == place.length => {}
            Lengths::One(one) => {
                let mut each = Vec::new();
                let _ = each.try_reserve_exact(self.offsets.capacity()); // it grows as it is filled
                each.resize(self.offsets.len(), *one);
                each.push(place.length);
                self.lengths = Lengths::Each(each);
            }
            Lengths::Each(each) => each.push(place.length),
        }
        self.offsets.push(place.offset);
    }

    fn get(&self, at: usize) -> Option<Place> {
        let offset = *self.offsets.get(at)?;
        let length = match &self.lengths {
            Lengths::One(one) => *one,
            Lengths::Each(each) => *each.get(at)?,
        };
        Some(Place { offset, length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_one_length_and_of_several_are_found() {
        for lengths in [&[3u32, 3, 3][..], &[1, 1, 2, 0, 5], &[4, 4, 1, 1], &[0], &[]] {
            let wanted: Vec<Place> =
                lengths.iter().zip(0..).map(|(&length, i)| Place { offset: 1 << (40 - i), length }).collect();
            let mut places = Places::with_capacity(lengths.len());
            wanted.iter().for_each(|&place| places.push(place));
            let found = |places: &Places| (0..places.len()).map(|at| places.get(at)).collect::<Option<Vec<_>>>();
            assert_eq!(found(&places).as_ref(), Some(&wanted));
            assert_eq!(places.get(places.len()), None);

            let mut both = Places::default();
            both.append(places);
            let mut more = Places::default();
            wanted.iter().rev().for_each(|&place| more.push(place));
            both.append(more);
            let twice: Vec<Place> = wanted.iter().chain(wanted.iter().rev()).copied().collect();
            assert_eq!(found(&both), Some(twice));
            assert_eq!(both.get(both.len()), None);
        }
    }
}
