//! Many image files, named in a text file, through a job's network: DIGITS' "Classify Many" and "Top N".

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{
    classification, defaults,
    folder::{self, Written},
    label_view::{self, LabelView},
    listing::{self, Entry, Listing, NotTested},
};
use crate::{
    error::{Error, Kind, Result},
    inspect::{
        classify::{Classification, Classifier},
        csv::quoted,
        label_image::{self, PixelCounts, PixelScores},
        output_kind::OutputKind,
        picture::Picture,
        predictions::{Prediction, likeliest},
        values::values,
    },
    job,
    nn::{Activity, Context, Mode, Scores},
    tasks::{observer::Observer, panic, snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
    train::Stop,
};

/// Images that go through the network at once.
const BATCH: usize = 32;

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListRequest {
    /// The job directory.
    pub job: PathBuf,
    /// The text file: a path a line, perhaps followed by its class (number from 0, or name).
    pub list: PathBuf,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// How many of the likeliest classes are listed for each image.
    #[serde(default = "defaults::top")]
    pub top: u64,
    /// How many of the worst images are drawn, [`MOST_WORST`](super::MOST_WORST) at most.
    #[serde(default = "defaults::worst")]
    pub worst: u64,
    /// Where it is computed; the processor when not given.
    #[serde(default = "defaults::device")]
    pub device: DeviceChoice,
    /// Folder for the table and the page; by default `test-NAME` inside the job.
    #[serde(default)]
    pub out: Option<PathBuf>,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListReport {
    /// The text file.
    pub list: PathBuf,
    /// Images that went through the network, in the list's order.
    pub tested: Vec<ListedImage>,
    /// Sentences about how the job was opened.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// Images that cannot be read, and what the list or the folder names that is none.
    pub not_tested: Vec<NotTested>,
    /// Images that were tested without their class, which is none of the job's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unknown_classes: Vec<NotTested>,
    /// Of label images: the share of each class among all pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixels: Option<PixelScores>,
    /// The file of all answers: `predictions.csv` of a classifier, else `outputs.jsonl`.
    pub table: PathBuf,
    /// Of a classifier with a list that names classes.
    pub classification: Option<Classification>,
    /// Its page and pictures.
    pub written: Option<Written>,
}

/// One image of a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedImage {
    /// The file.
    pub image: PathBuf,
    /// The right class, from 0, where the list names it.
    pub class: Option<usize>,
    /// Of a classifier the likeliest classes, the likeliest first; else none.
    pub predictions: Vec<Prediction>,
    /// The numbers that the network gave, where they are no scores of classes.
    pub output: Option<Vec<f32>>,
    /// Of a label image: its classes, and its pictures' names in the folder of the table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_image: Option<ListedLabels>,
}

/// The label image that a network gave.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ListedLabels {
    /// The classes, the largest first.
    #[serde(flatten)]
    pub view: LabelView,
    /// The classes' colours, and the same over the image.
    pub pictures: [String; 2],
}

/// Runs the images of the list through the network. `observer` sees the stage and its images.
///
/// # Errors
/// When job, snapshot or list cannot be read, no image can, they do not fit the network, or the folder cannot be
/// written; `Kind::Interrupted` when `stop` is asked for.
pub fn list(request: &ListRequest, observer: &mut dyn Observer, stop: &Stop) -> Result<ListReport> {
    panic::guarded(|| {
        let worst = classification::worst(request.worst)?;
        run(&Trained::open(&request.job, request.snapshot, request.device)?, request, worst, observer, stop)
    })
}

fn run(
    job: &Trained,
    request: &ListRequest,
    worst: usize,
    observer: &mut dyn Observer,
    stop: &Stop,
) -> Result<ListReport> {
    let list = &request.list;
    let Listing { entries, passed_over, unknown } = listing::read(list, job.labels(), job.reads_texts())?;
    let place = folder::place(request.out.as_deref(), &request.job, list);
    let pictures = (job.output_kind()? == OutputKind::LabelImage).then(|| place.clone());
    let scores = job.network().scores().filter(|_| !job.labels().is_empty() && pictures.is_none());
    let top = classification::top(request.top)?;
    let mut answers = Answers { scores, top, pictures, not_tested: passed_over, ..Answers::default() };
    if let Some(scores) = scores.filter(|_| entries.iter().any(|entry| entry.class.is_some())) {
        answers.classifier =
            Some(Classifier::new(scores, job.labels(), job.labels().len(), worst).leaving_out(job.ignored()));
    }
    answers.gather(job, &entries, observer, stop)?;
    let Answers { tested, not_tested, classifier, pixels, .. } = answers;
    if tested.is_empty() {
        let page = Error::new(Kind::Data, format!("no image of {} can be read", list.display()));
        return Err(not_tested.into_iter().next().map_or(page.clone(), |first| page.with_cause(first.reason)));
    }
    folder::make(&place)?;
    folder::note_subject(&place, list)?;
    let table = write_table(&place, &tested, scores.is_some())?;
    let classification = classifier.map(Classifier::finish);
    let written = classification.as_ref().map(|result| {
        let mut facts = job.facts();
        facts.push(("list".into(), list.display().to_string()));
        classification::write(&place, list, &facts, result, |answer| {
            Ok(job.image(&tested[answer.index as usize].image)?.0)
        })
    });
    let written = written.transpose()?;
    Ok(ListReport {
        list: list.clone(),
        notes: job.notes(),
        tested,
        not_tested,
        unknown_classes: unknown,
        pixels: pixels.map(|counts| counts.scores(job.labels())),
        table,
        classification,
        written,
    })
}

/// What the network said, image after image.
#[derive(Default)]
struct Answers {
    scores: Option<Scores>,
    top: usize,
    tested: Vec<ListedImage>,
    not_tested: Vec<NotTested>,
    classifier: Option<Classifier>,
    /// The folder of label images' pictures.
    pictures: Option<PathBuf>,
    pixels: Option<PixelCounts>,
}

impl Answers {
    fn gather(&mut self, job: &Trained, entries: &[Entry], observer: &mut dyn Observer, stop: &Stop) -> Result<()> {
        observer.stage("images", entries.len() as u64);
        for (chunk, begun) in entries.chunks(BATCH).zip((0u64..).step_by(BATCH)) {
            let (mut inputs, mut these, mut originals) = (Vec::new(), Vec::new(), Vec::new());
            for entry in chunk {
                stop.check("the test")?;
                match job.image(&entry.path) {
                    Ok((original, input)) => {
                        inputs.push(input);
                        these.push(entry);
                        originals.extend(self.pictures.is_some().then_some(original));
                    }
                    Err(page) => {
                        observer.skipped(&entry.path.display().to_string(), page.message());
                        let reason = page.message().to_string();
                        self.not_tested.push(NotTested { image: entry.path.clone(), reason });
                    }
                }
            }
            if !inputs.is_empty() {
                self.answer(job, &inputs, &these, &originals)?;
            }
            observer.done(begun + chunk.len() as u64);
        }
        Ok(())
    }

    /// One batch.
    fn answer(
        &mut self,
        job: &Trained,
        inputs: &[tch::Tensor],
        entries: &[&Entry],
        originals: &[tch::Tensor],
    ) -> Result<()> {
        let outputs = forward(job, inputs)?;
        if let Some(folder) = self.pictures.clone() {
            for ((row, entry), original) in (0..).zip(entries).zip(originals) {
                let listed = self.label_image(job, &folder, entry, &outputs.f_select(0, row)?, original)?;
                self.tested.push(listed);
            }
            return Ok(());
        }
        let outputs = outputs.f_reshape([inputs.len() as i64, -1])?;
        if let Some(classifier) = &mut self.classifier {
            let right: Vec<Option<usize>> = entries.iter().map(|entry| entry.class).collect();
            classifier.count(&outputs.shallow_clone().into(), &right)?;
        }
        for (row, entry) in (0..).zip(entries) {
            let output = values(&outputs.f_select(0, row)?)?;
            let (predictions, output) = match self.scores {
                Some(scores) => (likeliest(&output, scores, job.labels(), self.top), None),
                None => (Vec::new(), Some(output)),
            };
            let (image, class) = (entry.path.clone(), entry.class);
            self.tested.push(ListedImage { image, class, predictions, output, label_image: None });
        }
        Ok(())
    }

    /// Scores of classes at each pixel, `[c, h, w]`: counted, and drawn into `folder`.
    fn label_image(
        &mut self,
        job: &Trained,
        folder: &Path,
        entry: &Entry,
        output: &tch::Tensor,
        original: &tch::Tensor,
    ) -> Result<ListedImage> {
        let (size, scores) = (output.size(), values(output)?);
        let drawn = label_view::drawn(&size, &scores, job.labels(), None).ok_or_else(|| {
            Error::new(Kind::Shape, "the network's output is no label image").with_fact("it is", format!("{size:?}"))
        })?;
        let counts = self.pixels.get_or_insert_with(|| PixelCounts::new(size[0] as usize));
        counts.add(&drawn.classes, []);
        folder::make(folder)?;
        let original = Picture::image(&original.size(), &values(original)?, 0.0, 255.0);
        let original = original.unwrap_or_else(|| Picture::filled(1, 1, [255; 3]));
        let stem = entry.path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        // Images of one name lie in several folders.
        let name = |what: &str| format!("{:04}-{stem}-{what}.png", self.tested.len());
        let pictures = [name("labels"), name("overlay")];
        job::replace(&folder.join(&pictures[0]), &drawn.labels.png()?)?;
        job::replace(&folder.join(&pictures[1]), &label_image::overlay(&original, &drawn.labels).png()?)?;
        let label_image = Some(ListedLabels { view: drawn.view, pictures });
        let (image, class) = (entry.path.clone(), entry.class);
        Ok(ListedImage { image, class, predictions: Vec::new(), output: None, label_image })
    }
}

/// The outputs of images `[c, h, w]`, `[n, …]`.
fn forward(job: &Trained, inputs: &[tch::Tensor]) -> Result<tch::Tensor> {
    let network = job.network();
    let batch: Activity = tch::Tensor::f_stack(inputs, 0)?.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
    let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate)))?;
    match output {
        Activity::Tensor(output) => Ok(output),
        Activity::Table(_) => {
            Err(Error::new(Kind::Shape, "the network gives a table, which a list cannot be tested with")
                .with_help("test one image: digits-rs test JOB IMAGE"))
        }
    }
}

/// Writes all answers: of a classifier a line for each image and place, else the numbers of each image as JSON.
fn write_table(place: &Path, tested: &[ListedImage], of_classifier: bool) -> Result<PathBuf> {
    let (name, content) = if of_classifier {
        ("predictions.csv", predictions_csv(tested))
    } else {
        let line = |image: &ListedImage| match &image.label_image {
            Some(labels) => serde_json::json!({"image": image.image, "label_image": labels}).to_string(),
            None => serde_json::json!({"image": image.image, "output": image.output}).to_string(),
        };
        ("outputs.jsonl", tested.iter().map(|image| line(image) + "\n").collect())
    };
    let table = place.join(name);
    job::replace(&table, content.as_bytes())?;
    Ok(table)
}

fn predictions_csv(tested: &[ListedImage]) -> String {
    let mut csv = "image,place,class,label,probability\n".to_string();
    for image in tested {
        let path = quoted(&image.image.display().to_string());
        for (i, p) in image.predictions.iter().enumerate() {
            let _ = writeln!(csv, "{path},{},{},{},{:.6}", i + 1, p.class, quoted(&p.label), p.probability);
        }
    }
    csv
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Image,
        tasks::{
            observer::Unobserved,
            trained::tests::{AUTOENCODER, CLASSIFIER, trained},
        },
    };

    /// Runs a list of a dark, a missing and a bright image.
    fn test(file: &str, labels: &[&str], lines: &str) -> (tempfile::TempDir, Result<ListReport>) {
        test_until(file, labels, lines, &Stop::default())
    }

    fn test_until(file: &str, labels: &[&str], lines: &str, stop: &Stop) -> (tempfile::TempDir, Result<ListReport>) {
        let dir = tempfile::tempdir().unwrap();
        for (name, grey) in [("dark, \"old\".png", 0u8), ("bright.png", 255)] {
            let image = Image { width: 4, height: 4, channels: 1, pixels: vec![grey; 16] };
            image.save_png(&dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("list.txt"), lines).unwrap();
        let request = serde_json::json!({"job": dir.path(), "list": dir.path().join("list.txt"), "top": 1});
        let report = run(&trained(file, labels), &serde_json::from_value(request).unwrap(), 4, &mut Unobserved, stop);
        (dir, report)
    }

    #[test]
    fn classes_are_counted_where_the_list_names_them_and_fields_are_quoted() {
        let lines = "dark, \"old\".png 0\nmissing.png 1\nbright.png 0\nbright.png\n";
        let (dir, report) = test(CLASSIFIER, &["dim \"dull\"", "bright"], lines);
        let report = report.unwrap();
        let classes: Vec<Option<usize>> = report.tested.iter().map(|image| image.class).collect();
        assert_eq!(classes, [Some(0), Some(0), None]);
        let result = report.classification.unwrap();
        assert_eq!((result.images, result.accuracy, result.confusion.total()), (3, 0.5, 2));
        assert_eq!(report.not_tested.len(), 1);
        assert!(report.written.unwrap().page().is_file());
        let csv = std::fs::read_to_string(report.table).unwrap();
        let path = dir.path().display();
        assert_eq!(
            csv,
            format!(
                "image,place,class,label,probability\n\
                 \"{path}/dark, \"\"old\"\".png\",1,0,\"dim \"\"dull\"\"\",1.000000\n\
                 \"{path}/bright.png\",1,1,\"bright\",1.000000\n\
                 \"{path}/bright.png\",1,1,\"bright\",1.000000\n"
            )
        );
    }

    #[test]
    fn a_network_without_classes_gives_its_numbers() {
        let (_dir, report) = test(AUTOENCODER, &[], "bright.png\nbright.png\n");
        let report = report.unwrap();
        assert!(report.classification.is_none() && report.written.is_none());
        assert_eq!(report.tested[1].output.as_ref().map(Vec::len), Some(16));
        let lines = std::fs::read_to_string(&report.table).unwrap();
        assert!(report.table.ends_with("test-list/outputs.jsonl") && lines.lines().count() == 2, "{lines}");
    }

    #[test]
    fn a_network_of_pixel_classes_gives_shares_and_pictures_of_each_image() {
        let file = "local net = nn.Sequential():add(nn.SpatialConvolution(1, 2, 1, 1))\n\
            net:get(1).weight:copy(torch.Tensor{-1, 1}):resize(2, 1, 1, 1); net:get(1).bias:copy(torch.Tensor{100, -100})\n\
            net:add(nn.SpatialLogSoftMax())\n\
            return { model = net, loss = nn.SpatialClassNLLCriterion() }\n";
        let (dir, report) = test(file, &["dark", "bright"], "bright.png\nbright.png\ndark, \"old\".png\n");
        let report = report.unwrap();
        let shown = |at: usize| {
            let labels = report.tested[at].label_image.as_ref().unwrap();
            (labels.view.legend[0].name.as_str(), labels.view.legend[0].share)
        };
        assert_eq!((shown(0), shown(2)), (("bright", 1.0), ("dark", 1.0)));
        let shares: Vec<f64> = report.pixels.unwrap().classes.iter().map(|class| class.share).collect();
        assert_eq!(shares, [1.0 / 3.0, 2.0 / 3.0]);
        let pictures = &report.tested[1].label_image.as_ref().unwrap().pictures;
        assert_eq!(pictures[0], "0001-bright-labels.png");
        assert!(pictures.iter().all(|name| dir.path().join("test-list").join(name).is_file()));
        let lines = std::fs::read_to_string(&report.table).unwrap();
        assert!(lines.lines().count() == 3 && lines.contains("\"share\":1.0"), "{lines}");
    }

    #[test]
    fn a_list_that_is_stopped_writes_nothing() {
        let stop = Stop::default();
        stop.request();
        let (dir, report) = test_until(AUTOENCODER, &[], "bright.png\n", &stop);
        assert_eq!(report.unwrap_err().kind(), Kind::Interrupted);
        assert!(!dir.path().join("test-list").exists());
    }

    #[test]
    fn a_list_of_which_nothing_can_be_read_is_a_page() {
        let (_dir, report) = test(AUTOENCODER, &[], "missing.png\n");
        assert!(report.unwrap_err().message().contains("no image of "));
        let (_dir, report) = test(AUTOENCODER, &[], "# nothing\n");
        assert!(report.unwrap_err().message().contains("names no image"));
    }
}
