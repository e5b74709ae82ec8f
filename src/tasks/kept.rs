//! `Kept`: what a job keeps of its dataset and of its network file's folder, so that tests and exports need neither.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::prepare::RecordFacts;
use crate::{
    data::{Dataset, Mean, Resize},
    error::{Error, Kind, Result},
    frontend::{LabelShape, Source},
    input::{self, Form},
    inspect::values::ends,
    job::{self, JobRecord, JobView, file},
};

/// Records whose numbers are looked at.
const LOOKED_AT: u64 = 16;

/// What inference needs to know of a dataset. The mean image lies beside it, the network file's neighbours in `beside/`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept {
    /// `[c, h, w]` of a record, before cropping.
    pub(super) shape: [i64; 3],
    /// How images of another shape are fitted.
    pub(super) resize: Resize,
    /// The classes' names; empty when there are none.
    pub(super) labels: Vec<String>,
    /// Image databases that have a database of labels, which follows.
    pub(super) label_databases: Vec<(PathBuf, PathBuf)>,
    /// What the labels are.
    #[serde(default)]
    pub(super) label_shape: LabelShape,
    /// Whether the records are texts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) texts: bool,
    /// The lowest and the highest number of some of its records; jobs of before do not know them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) range: Option<[f32; 2]>,
    /// Whether there is a mean image.
    pub(super) has_mean: bool,
    #[serde(skip)]
    pub(super) mean: Option<Mean>,
}

impl Kept {
    /// Of an open dataset.
    ///
    /// # Errors
    /// When its first record cannot be read.
    pub(super) fn of(dataset: &Dataset) -> Result<Kept> {
        let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
        let splits = [dataset.train(), dataset.val()].into_iter().flatten();
        let pairs = splits.filter_map(|split| Some((absolute(split.folder()), absolute(split.label_folder()?))));
        Ok(Kept {
            shape: dataset.shape,
            resize: dataset.resize(),
            labels: dataset.labels.clone(),
            label_databases: pairs.collect(),
            label_shape: RecordFacts::of(dataset)?.labels,
            texts: dataset.manifest.as_ref().is_some_and(|manifest| manifest.texts),
            range: range(dataset)?,
            has_mean: dataset.mean.is_some(),
            mean: dataset.mean.clone(),
        })
    }

    /// What a network file is told of the records.
    pub(super) fn facts(&self) -> RecordFacts {
        let classes = (!self.labels.is_empty()).then_some(self.labels.len() as i64);
        RecordFacts { shape: self.shape, classes, labels: self.label_shape }
    }

    /// Whether the job in this folder keeps it; jobs of before did not.
    pub(super) fn is_in(job: &Path) -> bool {
        job.join(file::PREPROCESSING).is_file()
    }

    /// That of the job in this folder; none when it keeps none.
    ///
    /// # Errors
    /// When it is damaged.
    pub(super) fn read(job: &Path) -> Result<Option<Kept>> {
        if !Kept::is_in(job) {
            return Ok(None);
        }
        let path = job.join(file::PREPROCESSING);
        let mut kept: Kept = job::read_json(&path)?;
        // Names of classes were the lines of a file.
        if let Some(label) = kept.labels.iter().find(|label| label.contains(['\n', '\r'])) {
            return Err(job::damaged(&path, format!("the label {label:?} has more than one line")));
        }
        if kept.has_mean {
            let path = job.join(file::MEAN);
            let mean = Mean::read(&path)?;
            mean.check(kept.shape).map_err(|page| page.with_fact("in", path.display().to_string()))?;
            kept.mean = Some(mean);
        }
        Ok(Some(kept))
    }

    /// Writes it into a job's folder; `preprocessing.json` comes last and so stands for the whole.
    ///
    /// # Errors
    /// When the disk refuses, or a path is not UTF-8.
    pub(super) fn write(&self, job: &Path) -> Result<()> {
        if let Some(mean) = &self.mean {
            job::replace(&job.join(file::MEAN), &mean.to_bytes())?;
        }
        let text = serde_json::to_string_pretty(self).map_err(|cause| {
            Error::new(Kind::Usage, "a path of the dataset cannot be written down").with_cause(cause.to_string())
        })?;
        job::replace(&job.join(file::PREPROCESSING), (text + "\n").as_bytes())
    }
}

/// The lowest and the highest number of some records, spread over all of them.
fn range(dataset: &Dataset) -> Result<Option<[f32; 2]>> {
    let Some(records) = dataset.train() else { return Ok(None) };
    let count = records.len();
    let looked_at = count.min(LOOKED_AT);
    let mut of_each = Vec::new();
    for part in 0..looked_at {
        of_each.extend(ends(&records.get(part * count / looked_at)?.image.values.to_floats()));
    }
    let found = ends(&of_each);
    Ok((found[0] <= found[1]).then_some(found))
}

/// Copies files that the network file has read from beside it, each given with its place below `beside/`.
///
/// # Errors
/// When one cannot be read or written.
pub(super) fn keep_beside(job: &Path, files: &[(PathBuf, PathBuf)]) -> Result<()> {
    let beside = job.join(file::BESIDE);
    for (below, from) in files {
        let to = beside.join(below);
        if from == &to {
            continue;
        }
        let bytes = input::read(from, Form::Image)?;
        if std::fs::read(&to).is_ok_and(|kept| kept == bytes) {
            continue;
        }
        let folder = to.parent().unwrap_or(&beside);
        std::fs::create_dir_all(folder).map_err(|source| Error::io("make the folder", folder, &source))?;
        job::replace(&to, &bytes)?;
    }
    Ok(())
}

/// A job's network file, whose neighbours are those that the job keeps; of a job that keeps none, those of the folder that
/// the file was read from.
///
/// # Errors
/// When it cannot be read, or was changed since.
pub(super) fn source(view: &JobView, record: &JobRecord) -> Result<Source> {
    let beside = view.path().join(file::BESIDE);
    let folder = if beside.is_dir() { Some(beside) } else { record.network.folder.clone() };
    Ok(Source::of_job(&record.network.name, view.trained_network(record)?, folder.as_deref()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_several_lines_is_a_damage() {
        let job = tempfile::tempdir().unwrap();
        let kept = Kept {
            shape: [1, 2, 2],
            resize: Resize::default(),
            labels: vec!["cat".into(), "dog".into()],
            label_databases: vec![],
            label_shape: LabelShape::default(),
            texts: false,
            range: None,
            has_mean: false,
            mean: None,
        };
        kept.write(job.path()).unwrap();
        assert_eq!(Kept::read(job.path()).unwrap(), Some(kept));
        let path = job.path().join(file::PREPROCESSING);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("dog", "d\\nog")).unwrap();
        let page = Kept::read(job.path()).unwrap_err().to_string();
        assert!(page.contains("preprocessing.json is damaged") && page.contains(r#""d\nog""#), "{page}");
    }
}
