//! A whole database through a job's network: the mean loss; of a classifier also its confusion matrix.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    classification, defaults,
    folder::{self, Written},
};
use crate::{
    error::Result,
    inspect::{
        classify::{Classification, Classifier},
        database::{MeanLoss, mean_loss, mean_loss_seen},
        label_image::{PixelCounts, PixelScores},
        output_kind::OutputKind,
    },
    nn::{Activity, Scores},
    tasks::{
        observer::Observer,
        panic,
        snapshot_choice::SnapshotChoice,
        trained::{Trained, pixel_classes},
    },
    torch::device::DeviceChoice,
    train::Stop,
};

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatabaseRequest {
    /// The job directory.
    pub job: PathBuf,
    /// The database: an LMDB of Datum records.
    pub database: PathBuf,
    /// Its labels, when they are in a database of their own; by default the job's, for its own databases.
    #[serde(default)]
    pub labels: Option<PathBuf>,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// How many of the worst images are drawn, [`MOST_WORST`](super::MOST_WORST) at most.
    #[serde(default = "defaults::worst")]
    pub worst: u64,
    /// Where it is computed; the processor when not given.
    #[serde(default = "defaults::device")]
    pub device: DeviceChoice,
    /// Folder for a classifier's page and pictures; by default `test-NAME` inside the job.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DatabaseReport {
    /// The database.
    pub database: PathBuf,
    /// The numbers.
    pub result: DatabaseResult,
    /// Sentences about how the job was opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Page and pictures, of a classifier.
    pub written: Option<Written>,
}

/// The numbers of a database's test.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DatabaseResult {
    /// Of a classifier.
    Classification(Classification),
    /// Of a network that gives scores of classes at each pixel.
    Segmentation(Segmented),
    /// Of any other network.
    MeanLoss(MeanLoss),
}

/// Label images over a database.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segmented {
    /// The loss.
    #[serde(flatten)]
    pub loss: MeanLoss,
    /// Pixel accuracy, intersections over unions, shares.
    pub pixels: PixelScores,
}

/// Runs every record through the network, in evaluation mode. `observer` sees the stage and its records.
///
/// # Errors
/// When job, snapshot or database cannot be read, do not fit the network, or the folder cannot be written;
/// `Kind::Interrupted` when `stop` is asked for.
pub fn database(request: &DatabaseRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<DatabaseReport> {
    panic::guarded(|| {
        let worst = classification::worst(request.worst)?;
        run(&Trained::open(&request.job, request.snapshot, request.device)?, request, worst, observer, stop)
    })
}

fn run(
    job: &Trained,
    request: &DatabaseRequest,
    worst: usize,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<DatabaseReport> {
    let database = request.database.clone();
    if job.output_kind()? == OutputKind::LabelImage {
        let result = segmented(job, request, observer, stop)?;
        return Ok(DatabaseReport {
            database,
            result: DatabaseResult::Segmentation(result),
            notes: job.notes(),
            written: None,
        });
    }
    let network = job.judged()?;
    let Some(scores) = network.scores().filter(|_| !job.labels().is_empty()) else {
        let (all, batches) = job.batches(&database, request.labels.as_deref(), stop)?;
        observer.stage("images", all);
        let result = mean_loss(network, batches, |done| observer.done(done))?;
        let mut notes = job.notes();
        if !job.labels().is_empty() && job.output_kind()? == OutputKind::Numbers {
            notes.push(
                "there are classes but no accuracy: the network gives no scores of them (it does not end in nn.LogSoftMax or \
                 nn.SoftMax, and its loss is none for classes)"
                    .into(),
            );
        }
        return Ok(DatabaseReport { database, result: DatabaseResult::MeanLoss(result), notes, written: None });
    };
    let result = classify(job, request, scores, worst, observer, stop)?;
    let mut facts = job.facts();
    facts.push(("database".into(), database.display().to_string()));
    let place = folder::place(request.out.as_deref(), &request.job, &database);
    let written =
        classification::write(&place, &database, &facts, &result, |answer| job.record(&database, answer.index))?;
    folder::note_subject(&place, &database)?;
    let result = DatabaseResult::Classification(result);
    Ok(DatabaseReport { database, result, notes: job.notes(), written: Some(written) })
}

fn segmented(job: &Trained, request: &DatabaseRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<Segmented> {
    let network = job.judged()?;
    let (all, batches) = job.batches(&request.database, request.labels.as_deref(), stop)?;
    observer.stage("images", all);
    let mut counts: Option<PixelCounts> = None;
    let count = |output: &Activity, target: &Activity| {
        let output = output.tensor()?;
        let counts = counts.get_or_insert_with(|| PixelCounts::new(output.size().get(1).map_or(0, |n| *n as usize)));
        let answers = Vec::<i64>::try_from(output.f_argmax(1, false)?.f_contiguous()?.f_view([-1])?)?;
        let answers: Vec<usize> = answers.into_iter().map(|class| class as usize).collect();
        let right = match target {
            Activity::Tensor(target) if target.numel() == answers.len() => {
                pixel_classes(target, job.first_class(), job.ignored())?
            }
            _ => Vec::new(),
        };
        counts.add(&answers, right);
        Ok(())
    };
    let loss = mean_loss_seen(network, batches, count, |done| observer.done(done))?;
    Ok(Segmented { loss, pixels: counts.unwrap_or_else(|| PixelCounts::new(0)).scores(job.labels()) })
}

fn classify(
    job: &Trained,
    request: &DatabaseRequest,
    scores: Scores,
    worst: usize,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<Classification> {
    let network = job.judged()?;
    let (all, batches) = job.batches(&request.database, request.labels.as_deref(), stop)?;
    observer.stage("images", all);
    let mut classifier = Classifier::new(scores, job.labels(), job.labels().len(), worst).leaving_out(job.ignored());
    let mut done = 0;
    for batch in batches {
        let (input, target) = batch?;
        classifier.add(network, &input, &target)?;
        done += input.size().first().map_or(0, |n| n.unsigned_abs());
        observer.done(done);
    }
    Ok(classifier.finish())
}

#[cfg(test)]
pub(super) mod tests {
    use std::path::Path;

    use super::*;
    use crate::{
        data::{
            Encoding, Image, Resize, Silent,
            create::{CreateOptions, create},
            folder::{Item, Lists},
        },
        error::Kind,
        tasks::trained::tests::{AUTOENCODER, CLASSIFIER, trained},
    };

    #[derive(Default)]
    struct Seen(Vec<(u64, u64)>);

    impl Observer for Seen {
        fn stage(&mut self, _: &str, total: u64) {
            self.0.push((0, total));
        }

        fn done(&mut self, done: u64) {
            let all = self.0[0].1;
            self.0.push((done, all));
        }
    }

    /// Four images, dark ones of class 0 and bright ones of class 1; the last one is bright and called dark.
    pub(in super::super) fn images(folder: &Path) -> PathBuf {
        let grey = [0u8, 200, 255, 250];
        let item = |index: usize, label| Item { name: format!("{index}.png"), label, index };
        let lists = Lists {
            labels: vec!["dark".into(), "bright".into()],
            train: vec![item(0, 0), item(1, 1), item(2, 1), item(3, 0)],
            ..Lists::default()
        };
        let image = |level: u8| Image { width: 4, height: 4, channels: 1, pixels: vec![level; 16] };
        let load = |item: &Item| Ok(image(grey[item.index]).into());
        let (resize, encoding) = (Resize::Squash, Encoding::None);
        let options = CreateOptions { shape: [1, 4, 4], resize, encoding, seed: 0, shuffle: false };
        create(&folder.join("set"), &lists, &load, options, &Silent, &|_| Ok(())).unwrap();
        folder.join("set/train_db")
    }

    fn request(folder: &Path) -> DatabaseRequest {
        let request = serde_json::json!({"job": folder.join("job"), "database": images(folder)});
        serde_json::from_value(request).unwrap()
    }

    #[test]
    fn a_database_gives_its_mean_loss_and_progress() {
        let dir = tempfile::tempdir().unwrap();
        let (request, mut seen) = (request(dir.path()), Seen::default());
        let report = run(&trained(AUTOENCODER, &[]), &request, 4, &mut seen, &Stop::default());
        let DatabaseResult::MeanLoss(result) = report.unwrap().result else { panic!("it has no classes") };
        assert_eq!((result.images, result.batches), (4, 2));
        assert!(result.loss > 0.0 && result.loss.is_finite(), "{}", result.loss);
        assert_eq!(seen.0, [(0, 4), (2, 4), (4, 4)]);
    }

    #[test]
    fn a_classifier_gives_its_matrix_and_the_worst_image_first() {
        let dir = tempfile::tempdir().unwrap();
        let request = request(dir.path());
        let report =
            run(&trained(CLASSIFIER, &["dark", "bright"]), &request, 4, &mut Seen::default(), &Stop::default())
                .unwrap();
        let DatabaseResult::Classification(result) = report.result else { panic!("it is a classifier") };
        assert_eq!((result.images, result.accuracy, result.worst[0].index), (4, 0.75, 3));
        assert_eq!(result.confusion.counts, [[1, 1], [0, 2]]);
        let written = report.written.unwrap();
        assert!(written.page().ends_with("job/test-train_db/index.html") && written.page().is_file());
        assert!(written.files.contains(&"worst.png".to_string()));
    }

    #[test]
    fn label_images_give_their_pixels_and_the_worst_image_too() {
        let dir = tempfile::tempdir().unwrap();
        let (request, mut seen) = (request(dir.path()), Seen::default());
        // The class of an image at each of its pixels.
        let file = "local scores = nn.SpatialConvolution(1, 2, 1, 1)\n\
            scores.weight:copy(torch.Tensor{-1, 1}:viewAs(scores.weight))\n\
            scores.bias:copy(torch.Tensor{100, -100})\n\
            return { model = nn.Sequential():add(scores):add(nn.LogSoftMax()), loss = nn.SpatialClassNLLCriterion(), \
            labelHook = function(_, labels) return labels:view(-1, 1, 1):expand(labels:size(1), 4, 4):contiguous() end }\n";
        let report = run(&trained(file, &["dark", "bright"]), &request, 4, &mut seen, &Stop::default()).unwrap();
        let DatabaseResult::Segmentation(result) = report.result else { panic!("it gives label images") };
        assert_eq!((result.loss.images, result.pixels.pixel_accuracy), (4, Some(0.75)));
        assert_eq!(result.loss.spread.unwrap().worst[0].0, 3, "it is bright and called dark");
        assert_eq!(seen.0, [(0, 4), (2, 4), (4, 4)]);
    }

    #[test]
    fn a_test_that_is_stopped_writes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let request = request(dir.path());
        let stop = Stop::default();
        stop.request();
        for (file, labels) in [(AUTOENCODER, &[][..]), (CLASSIFIER, &["dark", "bright"])] {
            let page = run(&trained(file, labels), &request, 4, &mut Seen::default(), &stop).unwrap_err();
            assert_eq!(page.kind(), Kind::Interrupted);
        }
        assert!(!request.job.exists());
    }

    #[test]
    fn more_images_than_a_sheet_holds_are_refused() {
        assert_eq!(classification::worst(0).unwrap_err().message(), "worst is 0");
        assert_eq!(classification::top(0).unwrap_err().message(), "top is 0");
        let page = classification::worst(defaults::MOST_WORST + 1).unwrap_err();
        assert!(page.to_string().contains("ask for 400 at most"), "{page}");
    }
}
