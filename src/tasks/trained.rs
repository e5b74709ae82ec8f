//! `Trained`: a job opened for testing: its network with a snapshot's weights, and its way of preparing images.

use std::{
    cell::{OnceCell, RefCell},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    inference::input_file,
    kept::{self, Kept},
    likeness::Likeness,
    options::RunOptions,
    prepare::{self, OpenedDataset},
    settings::RunSettings,
    snapshot_choice::SnapshotChoice,
};
use crate::{
    data::{self, DataLoader, LoaderOptions, Planes, Preprocess, Records, Resize, Scratch, Target, shape_text},
    error::{Error, Kind, Result},
    frontend::{NetworkFile, Output, Purpose, Ready, Settings},
    inspect::output_kind::OutputKind,
    job::{JobRecord, JobView},
    nn::{Activity, Context, LabelHook, Mode, Network, Phase},
    torch::device::{self, DeviceChoice},
    train::{Snapshot, Stop, Targets},
};

/// Batches of a database: inputs `[n, c, h, w]` after preprocessing, with targets after the label hook.
pub(super) type Batches<'a> = Box<dyn Iterator<Item = Result<(tch::Tensor, Activity)>> + 'a>;

/// A job, its snapshot, and everything that a test needs of them.
pub(super) struct Trained {
    network: Network,
    /// The network with its loss, where it is another one than that for looking at images.
    judged: OnceCell<Network>,
    loaded: NetworkFile,
    snapshot: Snapshot,
    labels: Vec<String>,
    facts: Vec<(String, String)>,
    notes: Vec<String>,
    likeness: Likeness,
    preprocess: Preprocess,
    resize: Resize,
    /// Whether the records are texts.
    texts: bool,
    batch_size: usize,
    is_classification: bool,
    target_is_input: bool,
    targets: RefCell<Targets>,
    /// The job's own image databases with their label databases.
    own: Vec<(PathBuf, PathBuf)>,
}

impl Trained {
    /// Opens the job in `path` with the chosen snapshot, on a device.
    ///
    /// # Errors
    /// When job, snapshot or dataset cannot be read, the network file does not run any more, or the device is not there.
    pub(super) fn open(path: &Path, choice: SnapshotChoice, device: DeviceChoice) -> Result<Trained> {
        let device = device::resolve(device)?;
        let view = JobView::open(path)?;
        let record = view.record()?;
        let snapshot_path = snapshot_path(&view, choice)?;
        let (snapshot, note) = Snapshot::read(&snapshot_path)?;
        let options = options_of(&record)?;
        let (kept, notes) = match Kept::read(path)? {
            Some(kept) => (kept, Vec::new()),
            None => of_dataset(path, &record)?,
        };
        let source = kept::source(&view, &record)?;
        let records = kept.facts();
        let (settings, mut loaded) = prepare::run_file(source, &options, device, records, Output::silent())?;
        loaded.fine_tune()?;
        let Ready { network, label_hook, .. } = loaded.lower(Purpose::Inference, settings.kind(), device.device())?;
        snapshot.restore_weights(&network)?;
        let crop = settings.cut();
        let subtract = settings.subtract_mean;
        let augment = data::Augment::default();
        let preprocess = Preprocess::new(kept.shape, subtract, kept.mean.as_ref(), crop, augment)?;
        let is_input = is_input(label_hook.as_ref(), !kept.label_databases.is_empty());
        let mut targets = for_tests(label_hook);
        let target_is_input = is_input && follows_input(&mut targets, preprocess.output_shape(), network.kind);
        let shown = snapshot_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let facts = vec![
            ("job".into(), path.display().to_string()),
            ("network".into(), record.network.name.clone()),
            ("dataset".into(), record.dataset.path.clone()),
            ("snapshot".into(), format!("{shown}, step {}", note.position.iteration)),
        ];
        Ok(Trained {
            network,
            judged: OnceCell::new(),
            snapshot,
            labels: kept.labels,
            facts,
            notes,
            likeness: Likeness::new(kept.range),
            preprocess,
            resize: kept.resize,
            texts: kept.texts,
            batch_size: settings.validation_batch_size as usize,
            is_classification: records.classes.is_some(),
            target_is_input,
            own: kept.label_databases,
            targets: RefCell::new(targets),
            loaded,
        })
    }

    /// The network file; a Lua model holds the snapshot's weights.
    pub(super) fn loaded(&self) -> &NetworkFile {
        &self.loaded
    }

    /// The snapshot's weights.
    pub(super) fn weights(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Crop alone: what a person sees of an image.
    fn without_mean(&self) -> Result<Preprocess> {
        let own = &self.preprocess;
        Preprocess::new(own.input_shape(), data::Subtract::None, None, own.crop, data::Augment::default())
    }

    /// `[c, h, w]` of what the network sees.
    pub(super) fn shape(&self) -> [i64; 3] {
        self.preprocess.output_shape()
    }

    /// What is subtracted from a sample that is cut out already, `[c, h, w]`; none when nothing is.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub(super) fn subtracted(&self) -> Result<Option<tch::Tensor>> {
        let tensor = |values: Vec<f32>| Ok(tch::Tensor::f_from_slice(&values)?.f_view(self.preprocess.output_shape())?);
        self.preprocess.subtracted().map(tensor).transpose()
    }

    fn loader(&self, records: Arc<Records>) -> Result<DataLoader> {
        let options = LoaderOptions {
            batch_size: self.batch_size,
            classification: self.is_classification,
            double: self.network.kind == tch::Kind::Double,
            ..LoaderOptions::default()
        };
        DataLoader::new(records, self.preprocess.clone(), options)
    }

    /// The network with its loss, for images whose labels are known.
    ///
    /// # Errors
    /// When it cannot be lowered.
    pub(super) fn judged(&self) -> Result<&Network> {
        if matches!(self.loaded, NetworkFile::Lua(_)) {
            return Ok(&self.network);
        }
        if let Some(known) = self.judged.get() {
            return Ok(known);
        }
        let made = self.loaded.lower(Purpose::Training, self.network.kind, self.network.device)?.network;
        self.snapshot.restore_weights(&made)?;
        Ok(self.judged.get_or_init(|| made))
    }

    /// Whether its records are texts, which text files are too.
    pub(super) fn reads_texts(&self) -> bool {
        self.texts
    }

    /// The network for looking at images.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Whether what the loss compares the output with is the input.
    pub(super) fn target_is_input(&self) -> bool {
        self.target_is_input
    }

    /// What the network's output is.
    ///
    /// # Errors
    /// When the network refuses an input of its own job's shape.
    pub(super) fn output_kind(&self) -> Result<OutputKind> {
        let shape = self.shape();
        let options = (self.network.kind, self.network.device);
        // No zeros: characters and rows of tables count from 1.
        let any = tch::Tensor::f_ones([1, shape[0], shape[1], shape[2]], options)?;
        let output = tch::no_grad(|| self.network.forward(&any.into(), &mut Context::new(Mode::Evaluate)))?;
        let size = match &output {
            Activity::Tensor(output) => output.size(),
            Activity::Table(_) => Vec::new(),
        };
        let size = if size.first() == Some(&1) { &size[1..] } else { &size[..] };
        Ok(OutputKind::of(&self.network, &shape, size, self.target_is_input))
    }

    /// The right class of each pixel, from 0, that a record's target says, row after row; none where that is no label image.
    ///
    /// # Errors
    /// Those of the label hook.
    pub(super) fn pixel_classes(&self, input: &tch::Tensor, target: &Target) -> Result<Option<Vec<Option<usize>>>> {
        let Target::Planes(planes) = target else { return Ok(None) };
        let first = f32::from(u8::from(self.is_classification));
        let ([c, h, w], labels) = self.label_values(planes);
        let labels: Vec<f32> = labels.into_iter().map(|value| value + first).collect();
        let labels = tch::Tensor::f_from_slice(&labels)?.f_view([1, c, h, w])?.f_to_kind(self.network.kind)?;
        let (_, target) = self.targets.borrow_mut().of(&input.f_unsqueeze(0)?, &labels)?;
        let Activity::Tensor(target) = target else { return Ok(None) };
        pixel_classes(&target, self.first_class(), self.ignored()).map(Some)
    }

    /// The shape `[c, h, w]` and the values of a label image as the loader cuts it: it has the crop of its image.
    pub(super) fn label_values(&self, planes: &Planes) -> ([i64; 3], Vec<f32>) {
        let mut labels = planes.values.to_floats();
        let Some([c, h, w]) = self.preprocess.label_shape(planes.shape) else { return (planes.shape, labels) };
        labels.resize((c * h * w) as usize, 0.0);
        let middle = self.preprocess.middle();
        self.preprocess.apply_to_label(planes, middle, &mut Scratch::default(), &mut labels);
        ([c, h, w], labels)
    }

    /// The number of class 0 in a target: 1 in Torch's form and where the loader counts so; the labels of a TensorFlow file
    /// without named classes begin at 0.
    pub(super) fn first_class(&self) -> i64 {
        i64::from(self.is_classification || matches!(self.loaded, NetworkFile::Lua(_)))
    }

    /// The target that the loss leaves out.
    pub(super) fn ignored(&self) -> Option<i64> {
        self.network.criterion.ignored()
    }

    /// Class labels; empty without.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Labelled facts: job, network file, dataset, snapshot.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        self.facts.clone()
    }

    /// Sentences for the user about how the job was opened and what was given to it.
    pub(super) fn notes(&self) -> Vec<String> {
        self.notes.iter().chain(self.likeness.remarks()).cloned().collect()
    }

    /// An image file, resized and cropped as in training, or an array of the records' size: its pixels, and the same after mean subtraction, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read as an image.
    pub(super) fn image(&self, path: &Path) -> Result<(tch::Tensor, tch::Tensor)> {
        let planes = input_file::planes(path, self.preprocess.input_shape(), Some(self.resize), self.texts)?;
        self.likeness.see_file(path, &planes);
        let pixels = self.without_mean()?;
        Ok((prepared(&pixels, &planes)?, prepared(&self.preprocess, &planes)?))
    }

    /// An image file in its own size, cropped as in training: its pixels, and the same after mean subtraction, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read as an image, has another size than the mean that is subtracted, or is smaller than the crop.
    pub(super) fn image_as_it_is(&self, path: &Path) -> Result<(tch::Tensor, tch::Tensor)> {
        let planes = input_file::planes(path, self.preprocess.input_shape(), None, self.texts)?;
        self.likeness.see_file(path, &planes);
        let own = &self.preprocess;
        let plan = |subtract, mean| Preprocess::new(planes.shape, subtract, mean, own.crop, data::Augment::default());
        let fitted = plan(own.subtract, own.mean.as_ref()).map_err(|page| {
            page.with_help(
                "let the image be fitted, or train with --subtract-mean none, which takes images of any size",
            )
        })?;
        Ok((prepared(&plan(data::Subtract::None, None)?, &planes)?, prepared(&fitted, &planes)?))
    }

    /// The pixels of record `index` (from 0) of a database, as the network sees them but for the mean, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn record(&self, db: &Path, index: u64) -> Result<tch::Tensor> {
        prepared(&self.without_mean()?, &self.fitting(Records::open(db, None)?, db)?.get(index)?.image)
    }

    /// Record `index` (from 0) of a database: its pixels, the same after mean subtraction, and its label.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn sample(&self, db: &Path, index: u64) -> Result<(tch::Tensor, tch::Tensor, Target)> {
        let sample = self.fitting(Records::open(db, self.labels_of(db).as_deref())?, db)?.get(index)?;
        let pixels = prepared(&self.without_mean()?, &sample.image)?;
        Ok((pixels, prepared(&self.preprocess, &sample.image)?, sample.target))
    }

    /// The records, when they have the shape of the job's.
    fn fitting(&self, records: Records, db: &Path) -> Result<Records> {
        if records.shape() == self.preprocess.input_shape() {
            self.likeness.see_database(db, &self.labels);
            return Ok(records);
        }
        Err(Error::new(Kind::Data, format!("the images of {} have another shape", db.display()))
            .with_fact("they are", shape_text(records.shape()))
            .with_fact("the job's are", shape_text(self.preprocess.input_shape())))
    }

    /// The label database of one of the job's own image databases.
    fn labels_of(&self, db: &Path) -> Option<PathBuf> {
        let db = std::path::absolute(db).ok()?;
        self.own.iter().find(|(images, _)| *images == db).map(|(_, labels)| labels.clone())
    }

    /// The number of records of a database (with labels in another one, when given or the job's own), and its batches
    /// in order; an error takes the place of the batch before which `stop` was asked for.
    ///
    /// # Errors
    /// When it cannot be opened, or holds images of another shape.
    pub(super) fn batches<'a>(
        &'a self,
        db: &Path,
        labels: Option<&Path>,
        stop: &'a Stop,
    ) -> Result<(u64, Batches<'a>)> {
        let own = self.labels_of(db);
        let records = Arc::new(self.fitting(Records::open(db, labels.or(own.as_deref()))?, db)?);
        let count = records.len();
        let mut loader = self.loader(records)?;
        loader.start(1, 0)?;
        let batches = std::iter::from_fn(move || match stop.check("the test").and_then(|()| loader.next()) {
            Ok(None) => None,
            Err(error) => Some(Err(error)),
            Ok(Some(batch)) => {
                let both = self.targets.borrow_mut().of(&batch.input, &batch.target);
                // The batch's buffers are recycled once it is dropped: the test keeps copies of its own.
                Some(both.and_then(|(input, target)| Ok((input.copy(), target.map(&mut |tensor| Ok(tensor.copy()))?))))
            }
        });
        Ok((count, Box::new(batches)))
    }
}

/// Whether what the loss compares with is the input: a hook says so, or there are no other targets than what a hook makes.
pub(super) fn is_input(hook: Option<&LabelHook>, has_label_database: bool) -> bool {
    match hook {
        Some(LabelHook::Input) => true,
        Some(LabelHook::Code(_)) => !has_label_database,
        Some(LabelHook::Labels) | None => false,
    }
}

/// Whether the target of an input is that input, moved and scaled at most: a hook of code may make anything else of it. One
/// that refuses what it is given here is believed.
fn follows_input(targets: &mut Targets, [c, h, w]: [i64; 3], kind: tch::Kind) -> bool {
    let mut compared = || -> Result<bool> {
        let count = c * h * w;
        // Neither of one value nor in order.
        let input = tch::Tensor::f_arange(count, (tch::Kind::Double, tch::Device::Cpu))?.f_mul_scalar(7)?.f_fmod(11)?;
        let input = input.f_to_kind(kind)?.f_view([1, c, h, w])?;
        let label = tch::Tensor::f_ones([1], (kind, tch::Device::Cpu))?;
        let (input, Activity::Tensor(target)) = targets.of(&input, &label)? else { return Ok(false) };
        if target.numel() != input.numel() {
            return Ok(false);
        }
        let plain = |tensor: &tch::Tensor| -> Result<tch::Tensor> {
            let row = tensor.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?;
            let centred = row.f_sub(&row.f_mean(tch::Kind::Double)?)?;
            Ok(centred.f_div(&centred.f_norm()?.f_clamp_min(1e-12)?)?)
        };
        let alike = plain(&input)?.f_dot(&plain(&target)?)?;
        Ok(f64::try_from(alike)?.abs() > 0.999)
    };
    compared().unwrap_or(true)
}

fn for_tests(hook: Option<LabelHook>) -> Targets {
    let mut targets = Targets::new(hook);
    targets.enter(Phase::Validation);
    targets
}

/// The options that the job was begun with.
fn options_of(record: &JobRecord) -> Result<RunOptions> {
    let options = RunOptions::resumed(&record.settings, &RunOptions::default())?;
    let mut options = RunOptions { seed: Some(record.seed), ..options };
    if options.train_db.is_none() {
        // Jobs of before kept the place of the built-in sample here alone.
        options.dataset.get_or_insert_with(|| record.dataset.path.clone().into());
    }
    Ok(options)
}

/// What a job of before, which kept nothing of its dataset, needs of it: read from the dataset, with sentences that say so.
pub(super) fn of_dataset(job: &Path, record: &JobRecord) -> Result<(Kept, Vec<String>)> {
    let settings = RunSettings::of(&options_of(record)?, &Settings::default());
    let opened = OpenedDataset::as_it_is(&settings, None)?;
    let mut notes = vec![format!(
        "{} keeps no mean, labels and sizes of its own: they were read from {}",
        job.display(),
        opened.path
    )];
    if !opened.dataset.fingerprint()?.is(&record.dataset.fingerprint) {
        notes.push(format!("{} has changed since the job was trained: answers may be wrong", opened.path));
    }
    Ok((Kept::of(&opened.dataset)?, notes))
}

/// Classes from 0 of a target whose class 0 is `first`; what is below, or what the loss leaves out, is no class.
///
/// # Errors
/// When libtorch refuses.
pub(super) fn pixel_classes(target: &tch::Tensor, first: i64, ignored: Option<i64>) -> Result<Vec<Option<usize>>> {
    let numbers = target.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Int64)?.f_contiguous()?.f_view([-1])?;
    let class = |number: i64| usize::try_from(number - first).ok().filter(|_| Some(number) != ignored);
    Ok(Vec::<i64>::try_from(numbers)?.into_iter().map(class).collect())
}

/// One record after preprocessing, `[c, h, w]`.
fn prepared(preprocess: &Preprocess, planes: &Planes) -> Result<tch::Tensor> {
    let shape = preprocess.output_shape();
    let mut values = vec![0f32; shape.iter().product::<i64>() as usize];
    preprocess.apply(planes, None, &mut Scratch::default(), &mut values);
    Ok(tch::Tensor::f_from_slice(&values)?.f_view(shape)?)
}

fn snapshot_path(view: &JobView, choice: SnapshotChoice) -> Result<PathBuf> {
    let all = view.snapshots()?;
    match choice {
        SnapshotChoice::Best => view.default_snapshot(),
        SnapshotChoice::Last => match all.into_iter().next_back() {
            Some(last) => Ok(last.path),
            None => view.default_snapshot(),
        },
        SnapshotChoice::Epoch(wanted) => {
            let found = view.snapshot_of(wanted).map(|found| found.path);
            found.map_err(|page| page.with_better_help("name one of these epochs, or best, or last"))
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::frontend::{NetworkParams, Source};

    /// Sixteen grey pixels to three numbers and back.
    pub(crate) const AUTOENCODER: &str = "local net = nn.Sequential()\n\
        net:add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, 3)):add(nn.Linear(3, 16)):add(nn.View(1, 4, 4))\n\
        return { model = net, loss = nn.MSECriterion(), labelHook = function(input) return input end }\n";

    /// Sixteen grey pixels to the logarithms of two chances: the class of the first pixel's half of the grey levels.
    pub(crate) const CLASSIFIER: &str = "local net = nn.Sequential()\n\
        local linear = nn.Linear(16, 2)\n\
        linear.weight:zero()\n\
        linear.weight[2][1] = 1\n\
        linear.bias:copy(torch.Tensor{127.5, 0})\n\
        net:add(nn.View(-1):setNumInputDims(3)):add(linear):add(nn.LogSoftMax())\n\
        return { model = net }\n";

    /// A job of this network file for images `[1, 4, 4]`, built without its folder.
    pub(crate) fn trained(file: &str, labels: &[&str]) -> Trained {
        let source = Source::pasted("toy.lua", file);
        let loaded = NetworkFile::load(source, &NetworkParams::default(), Output::silent(), 1).unwrap();
        let ready = loaded.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).unwrap();
        let subtract = data::Subtract::None;
        Trained {
            network: ready.network,
            judged: OnceCell::new(),
            snapshot: Snapshot { weights: vec![], optimizer: vec![] },
            labels: labels.iter().map(ToString::to_string).collect(),
            facts: vec![("job".into(), "toy".into())],
            notes: vec![],
            likeness: Likeness::new(None),
            preprocess: Preprocess::new([1, 4, 4], subtract, None, None, data::Augment::default()).unwrap(),
            resize: Resize::Squash,
            texts: false,
            batch_size: 2,
            is_classification: !labels.is_empty(),
            target_is_input: is_input(ready.label_hook.as_ref(), false),
            targets: RefCell::new(Targets::new(ready.label_hook)),
            own: vec![],
            loaded,
        }
    }
}
