//! `Likeness`: whether what a job is given to test is like what it learned from. Answers are given all the same, with a remark.

use std::{cell::OnceCell, path::Path};

use super::inference::is_array;
use crate::{
    data::{Planes, Values, labels_around},
    inspect::values::ends,
};

/// Numbers that reach so many times further than the records' are of another scale.
const FURTHER: f32 = 4.0;
/// And those of which the records' reach so many times further: 0 to 1 instead of 0 to 255, not a dark image.
const NEARER: f32 = 100.0;

/// Compares what a job is given with what it learned from.
#[derive(Debug)]
pub(super) struct Likeness {
    /// The lowest and the highest number of the job's records, where they are known.
    range: Option<[f32; 2]>,
    /// About the first array whose numbers are of another scale, or no numbers.
    numbers: OnceCell<String>,
    /// About the first database whose classes are not the job's.
    classes: OnceCell<String>,
}

impl Likeness {
    /// Of a job whose records lie in this range.
    pub(super) fn new(range: Option<[f32; 2]>) -> Likeness {
        Likeness { range, numbers: OnceCell::new(), classes: OnceCell::new() }
    }

    /// What was found: a sentence of each kind.
    pub(super) fn remarks(&self) -> impl Iterator<Item = &String> {
        self.numbers.get().into_iter().chain(self.classes.get())
    }

    /// Looks at a file's numbers, which are the writer's own where it is an array.
    pub(super) fn see_file(&self, path: &Path, planes: &Planes) {
        let Values::Floats(values) = &planes.values else { return };
        if is_array(path)
            && let Some(found) = of_numbers(values, self.range)
        {
            let _ = self.numbers.set(format!("{} holds {found}", path.display())); // the first one counts
        }
    }

    /// Looks at the classes of the dataset around a database, which may have other names or another order.
    pub(super) fn see_database(&self, db: &Path, own: &[String]) {
        let Some(there) = labels_around(db).filter(|there| !own.is_empty() && there != own) else { return };
        let differs = |class: &usize| there.get(*class) != own.get(*class);
        let first = (0..there.len().max(own.len())).find(differs).unwrap_or(0);
        let name = |labels: &[String]| labels.get(first).map_or_else(|| "none".into(), |name| format!("\"{name}\""));
        // The first one counts.
        let _ = self.classes.set(format!(
            "the classes around {} are not the job's: class {first} is {} there and {} here; labels are compared by number",
            db.display(),
            name(&there),
            name(own)
        ));
    }
}

/// What is odd about the numbers of an array; nothing where they are as the records' are.
fn of_numbers(values: &[f32], records: Option<[f32; 2]>) -> Option<String> {
    let strange = values.iter().filter(|value| !value.is_finite()).count();
    if strange > 0 {
        return Some(format!("{strange} numbers that are NaN or infinite: what comes of them means nothing"));
    }
    let reach = |values: &[f32]| values.iter().fold(0f32, |most, value| most.max(value.abs()));
    let [low, high] = records?;
    let (here, there) = (reach(values), reach(&[low, high]));
    if here == 0.0 || there == 0.0 || (here <= FURTHER * there && there <= NEARER * here) {
        return None;
    }
    let [lowest, highest] = ends(values);
    // Grey images of 16 bits are 0 to 255 in steps of 1/257.
    let is_deep = highest > 255.0 && highest <= 65_535.0 && low >= 0.0 && high <= 255.0;
    let way = if is_deep { " (pixels of 16 bits divided by 257)" } else { "" };
    Some(format!(
        "numbers from {lowest} to {highest} where those of the job that were looked at have {low} to {high}: they are taken as they are; give them in the records' scale{way}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_another_scale_are_noted_and_dark_images_are_not() {
        let pixels = Some([0.0, 255.0]);
        assert_eq!(of_numbers(&[0.0, 200.0], pixels), None);
        assert_eq!(of_numbers(&[0.0, 5.0], pixels), None, "a dark image");
        assert_eq!(of_numbers(&[0.0; 4], pixels), None);
        assert_eq!(of_numbers(&[9e9], None), None, "jobs of before do not know");
        let deep = of_numbers(&[0.0, 51_400.0], pixels).unwrap();
        assert!(deep.contains("0 to 51400") && deep.contains("divided by 257"), "{deep}");
        let small = of_numbers(&[0.0, 1.0], pixels).unwrap();
        assert!(small.contains("0 to 1 ") && !small.contains("257"), "{small}");
        assert!(of_numbers(&[f32::NAN, 1.0], pixels).unwrap().starts_with("1 numbers that are NaN"));
    }

    #[test]
    fn another_order_of_the_classes_is_noted() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("labels.txt"), "cat\ndog\n").unwrap();
        let db = dir.path().join("val_db");
        std::fs::create_dir(&db).unwrap();
        let seen = |own: &[&str]| {
            let likeness = Likeness::new(None);
            likeness.see_database(&db, &own.iter().map(ToString::to_string).collect::<Vec<_>>());
            likeness.remarks().cloned().collect::<Vec<_>>()
        };
        assert!(seen(&["cat", "dog"]).is_empty() && seen(&[]).is_empty());
        assert!(seen(&["dog", "cat"])[0].contains("class 0 is \"cat\" there and \"dog\" here"));
        assert!(seen(&["cat", "dog", "emu"])[0].contains("class 2 is none there"));
    }
}
