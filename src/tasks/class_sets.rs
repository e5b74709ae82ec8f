//! `ClassSet`: which classes the pixels of a label image are of.

use rayon::prelude::*;

use crate::{
    data::{Planes, Records, Target, Values},
    error::Result,
};

/// Classes from 0 to 255, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct ClassSet([u64; 4]);

impl ClassSet {
    /// The classes of a label image; of numbers that are no classes nothing.
    fn of(planes: &Planes) -> ClassSet {
        let mut set = ClassSet::default();
        match &planes.values {
            Values::Bytes(bytes) => bytes.iter().for_each(|class| set.add(*class)),
            Values::Floats(values) => {
                let class =
                    |value: &f32| (value.fract() == 0.0 && (0.0..256.0).contains(value)).then_some(*value as u8);
                values.iter().filter_map(class).for_each(|class| set.add(class));
            }
        }
        set
    }

    fn add(&mut self, class: u8) {
        self.0[usize::from(class / 64)] |= 1 << (class % 64);
    }

    /// Whether a pixel is of the class.
    pub(super) fn holds(self, class: i32) -> bool {
        u8::try_from(class).is_ok_and(|class| self.0[usize::from(class / 64)] >> (class % 64) & 1 == 1)
    }
}

/// Those of every record.
///
/// # Errors
/// When one cannot be read.
pub(super) fn of(records: &Records) -> Result<Vec<ClassSet>> {
    let one = |index: u64| match records.get(index)?.target {
        Target::Planes(planes) => Ok(ClassSet::of(&planes)),
        Target::Label(class) => {
            let mut set = ClassSet::default();
            u8::try_from(class).into_iter().for_each(|class| set.add(class));
            Ok(set)
        }
    };
    (0..records.len()).into_par_iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_classes_of_bytes_and_of_whole_numbers_are_seen() {
        let of = |values| ClassSet::of(&Planes { shape: [1, 1, 4], values });
        let seen = of(Values::Bytes(vec![0, 3, 3, 255]));
        assert_eq!([0, 1, 3, 255, 256, -1].map(|class| seen.holds(class)), [true, false, true, true, false, false]);
        assert_eq!(seen, of(Values::Floats(vec![0.0, 3.0, 1.5, 255.0])));
    }
}
