//! The images of a database that a classifier is surest about, class by class: DIGITS' "Top N".

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    error::{Error, Kind, Result},
    inspect::{classify::classes_of, values::values},
    nn::{Activity, Context, Mode},
    tasks::{observer::Observer, snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
    train::Stop,
};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The database.
    pub database: PathBuf,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// Images of each class.
    pub count: usize,
}

/// An image and how sure the network is of it.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Sure {
    /// Of the record, from 0.
    pub index: u64,
    /// Probability of the class, 0 to 1.
    pub chance: f64,
    /// The likeliest class, which may be another.
    pub answer: usize,
    /// The right class, where the record has one.
    pub right: Option<usize>,
}

/// The surest images of one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopClass {
    /// From 0.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// The surest first.
    pub images: Vec<Sure>,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TopReport {
    /// Images looked at.
    pub images: u64,
    /// Every class.
    pub classes: Vec<TopClass>,
}

/// Runs every record through the network. `observer` sees the stage and its records.
///
/// # Errors
/// When the job is no classifier, or the database cannot be read or does not fit.
pub fn top(request: &TopRequest, observer: &mut dyn Observer) -> Result<TopReport> {
    run(&Trained::open(&request.job, request.snapshot, DeviceChoice::Cpu)?, request, observer)
}

fn run(job: &Trained, request: &TopRequest, observer: &mut dyn Observer) -> Result<TopReport> {
    let network = job.network();
    let scores = network.scores().filter(|_| !job.labels().is_empty()).ok_or_else(|| {
        Error::new(Kind::Usage, "the network gives no scores of classes")
            .with_help("this test wants a classifier; test the whole database instead")
    })?;
    let mut classes: Vec<Vec<Sure>> = vec![Vec::new(); job.labels().len()];
    let stop = Stop::default();
    let (all, batches) = job.batches(&request.database, None, &stop)?;
    observer.stage("images", all);
    let mut index = 0;
    for batch in batches {
        let (input, target) = batch?;
        let rows = input.size().first().copied().unwrap_or(0);
        // Labels of another form are no reason to stop here: no image of theirs is called wrong.
        let rights = classes_of(&target, rows).unwrap_or_default();
        let input: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
        let output = tch::no_grad(|| network.forward(&input, &mut Context::new(Mode::Evaluate)))?;
        let output = output.tensor()?.f_reshape([rows, -1])?;
        for row in 0..rows {
            let right = rights.get(row as usize).copied().flatten();
            let chances = scores.probabilities(&values(&output.f_select(0, row)?)?);
            let answer =
                (0..chances.len()).reduce(|best, i| if chances[i] > chances[best] { i } else { best }).unwrap_or(0);
            for (images, &chance) in classes.iter_mut().zip(&chances) {
                images.push(Sure { index, chance, answer, right });
                if images.len() > 8 * request.count.max(16) {
                    keep(images, request.count);
                }
            }
            index += 1;
        }
        observer.done(index);
    }
    let of = |(class, mut images): (usize, Vec<Sure>)| {
        keep(&mut images, request.count);
        TopClass { class, label: job.labels()[class].clone(), images }
    };
    Ok(TopReport { images: index, classes: classes.into_iter().enumerate().map(of).collect() })
}

fn keep(images: &mut Vec<Sure>, count: usize) {
    images.sort_by(|a, b| b.chance.total_cmp(&a.chance).then(a.index.cmp(&b.index)));
    images.truncate(count);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::{
            Encoding, Image, Resize, Silent,
            create::{CreateOptions, create},
            folder::{Item, Lists},
        },
        tasks::{
            observer::Unobserved,
            trained::tests::{AUTOENCODER, CLASSIFIER, trained},
        },
    };

    #[test]
    fn the_surest_images_of_each_class_come_first() {
        let dir = tempfile::tempdir().unwrap();
        let grey = [124u8, 0, 255, 131];
        let item = |index: usize| Item { name: format!("{index}.png"), label: index % 2, index };
        let labels = vec!["dark".into(), "bright".into()];
        let lists = Lists { labels, train: (0..4).map(item).collect(), ..Lists::default() };
        let image = |level: u8| Image { width: 4, height: 4, channels: 1, pixels: vec![level; 16] };
        let load = |item: &Item| Ok(image(grey[item.index]).into());
        let (resize, encoding) = (Resize::Squash, Encoding::None);
        let options = CreateOptions { shape: [1, 4, 4], resize, encoding, seed: 0, shuffle: false };
        create(&dir.path().join("set"), &lists, &load, options, &Silent, &|_| Ok(())).unwrap();
        let (job, database) = (dir.path().to_path_buf(), dir.path().join("set/train_db"));
        let request = TopRequest { job, database, snapshot: SnapshotChoice::Best, count: 2 };
        let found = run(&trained(CLASSIFIER, &["dark", "bright"]), &request, &mut Unobserved).unwrap();
        let indices = |class: usize| found.classes[class].images.iter().map(|sure| sure.index).collect::<Vec<_>>();
        assert_eq!((found.images, indices(0)[0], indices(1)[0]), (4, 1, 2));
        assert!(run(&trained(AUTOENCODER, &[]), &request, &mut Unobserved).is_err());
    }
}
