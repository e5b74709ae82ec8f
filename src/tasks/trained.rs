//! `Trained`: a job opened for testing: its network with a snapshot's weights, and its way of preparing images.

use std::{
    cell::{OnceCell, RefCell},
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    options::RunOptions,
    prepare::{self, OpenedDataset, Prepared},
    settings::RunSettings,
    snapshot_choice::SnapshotChoice,
};
use crate::{
    data::{self, DataLoader, LoaderOptions, Planes, Preprocess, Records, Resize, Scratch, image::Image, shape_text},
    error::{Error, Kind, Result},
    frontend::{NetworkFile, Purpose, Ready, Settings, Source},
    job::JobView,
    nn::{Activity, Network},
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
    preprocess: Preprocess,
    resize: Resize,
    batch_size: usize,
    is_classification: bool,
    targets: RefCell<Targets>,
    /// The job's own image databases with their label databases.
    own: Vec<(PathBuf, PathBuf)>,
}

impl Trained {
    /// Opens the job in `path` with the chosen snapshot, on the processor.
    ///
    /// # Errors
    /// When job, snapshot or dataset cannot be read, or the network file does not run any more.
    pub(super) fn open(path: &Path, choice: SnapshotChoice) -> Result<Trained> {
        let view = JobView::open(path)?;
        let record = view.record()?;
        let snapshot_path = snapshot_path(&view, choice)?;
        let (snapshot, note) = Snapshot::read(&snapshot_path)?;
        let options = RunOptions::resumed(&record.settings, &RunOptions::default())?;
        let mut options = RunOptions { seed: Some(record.seed), ..options };
        if options.train_db.is_none() {
            // Jobs of before kept the place of the built-in sample here alone.
            options.dataset.get_or_insert_with(|| record.dataset.path.clone().into());
        }
        let device = device::resolve(DeviceChoice::Cpu)?;
        let source = Source::of_job(&record.network.name, view.network()?, record.network.folder.as_deref());
        let settings = RunSettings::of(&options, &Settings::before(&source));
        let opened = OpenedDataset::as_it_is(&settings, None)?;
        let mut prepared = prepare::prepare(source, &options, device, opened)?;
        prepared.loaded.fine_tune()?;
        let (kind, device) = (prepared.settings.kind(), prepared.device.device());
        let Ready { network, label_hook, .. } = prepared.loaded.lower(Purpose::Inference, kind, device)?;
        snapshot.restore_weights(&network)?;
        let Prepared { settings, opened, loaded, classes, .. } = prepared;
        let dataset = opened.dataset;
        let labels_of_databases = own_labels(&settings);
        let crop = settings.cut();
        let subtract = settings.subtract_mean;
        let augment = data::Augment::default();
        let preprocess = Preprocess::new(dataset.shape, subtract, dataset.mean.as_ref(), crop, augment)?;
        let shown = snapshot_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let facts = vec![
            ("job".into(), path.display().to_string()),
            ("network".into(), record.network.name.clone()),
            ("dataset".into(), opened.path),
            ("snapshot".into(), format!("{shown}, step {}", note.position.iteration)),
        ];
        Ok(Trained {
            network,
            judged: OnceCell::new(),
            snapshot,
            labels: dataset.labels.clone(),
            facts,
            preprocess,
            resize: dataset.resize(),
            batch_size: settings.validation_batch_size as usize,
            is_classification: classes.is_some(),
            own: labels_of_databases,
            targets: RefCell::new(Targets::new(label_hook)),
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
        if self.preprocess.mean.is_none() {
            return Ok(None);
        }
        let shape = self.preprocess.input_shape();
        let black = vec![0; shape.iter().product::<i64>() as usize];
        let prepared = prepared(&self.preprocess, &Planes { shape, values: data::Values::Bytes(black) })?;
        Ok(Some(prepared.f_neg()?))
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

    /// The network for looking at images.
    pub(super) fn network(&self) -> &Network {
        &self.network
    }

    /// Class labels; empty without.
    pub(super) fn labels(&self) -> &[String] {
        &self.labels
    }

    /// Labelled facts: job, network file, dataset, snapshot.
    pub(super) fn facts(&self) -> Vec<(String, String)> {
        self.facts.clone()
    }

    /// An image file, resized and cropped as in training: its pixels, and the same after mean subtraction, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read as an image.
    pub(super) fn image(&self, path: &Path) -> Result<(tch::Tensor, tch::Tensor)> {
        let [channels, height, width] = self.preprocess.input_shape();
        // The noise of `fill` is the same for every test of one image.
        let mut noise = data::Random::new(&[0]);
        let planes = Image::open(path)?
            .with_channels(channels as usize)
            .resized(width as usize, height as usize, self.resize, &mut noise)?
            .to_planes();
        let pixels = self.without_mean()?;
        Ok((prepared(&pixels, &planes)?, prepared(&self.preprocess, &planes)?))
    }

    /// The pixels of record `index` (from 0) of a database, as the network sees them but for the mean, `[c, h, w]`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn record(&self, db: &Path, index: u64) -> Result<tch::Tensor> {
        prepared(&self.without_mean()?, &Records::open(db, None)?.get(index)?.image)
    }

    /// Record `index` (from 0) of a database: its pixels, the same after mean subtraction, and its label.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn sample(&self, db: &Path, index: u64) -> Result<(tch::Tensor, tch::Tensor, data::Target)> {
        let sample = Records::open(db, self.labels_of(db).as_deref())?.get(index)?;
        let pixels = prepared(&self.without_mean()?, &sample.image)?;
        Ok((pixels, prepared(&self.preprocess, &sample.image)?, sample.target))
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
        let known = || {
            let db = std::path::absolute(db).ok()?;
            self.own.iter().find(|(images, _)| *images == db).map(|(_, labels)| labels.as_path())
        };
        let records = Arc::new(Records::open(db, labels.or_else(known))?);
        if records.shape() != self.preprocess.input_shape() {
            return Err(Error::new(Kind::Data, format!("the images of {} have another shape", db.display()))
                .with_fact("they are", shape_text(records.shape()))
                .with_fact("the job's are", shape_text(self.preprocess.input_shape())));
        }
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

/// The job's image databases that have a label database.
fn own_labels(options: &RunSettings) -> Vec<(PathBuf, PathBuf)> {
    let pairs = [(&options.train_db, &options.train_labels_db), (&options.val_db, &options.val_labels_db)];
    pairs.into_iter().filter_map(|(images, labels)| Some((images.clone()?, labels.clone()?))).collect()
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
        SnapshotChoice::Epoch(wanted) => view.snapshot_of(wanted).map(|found| found.path),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::frontend::NetworkParams;

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
        let loaded = NetworkFile::load(source, &NetworkParams::default(), 1).unwrap();
        let ready = loaded.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).unwrap();
        let subtract = data::Subtract::None;
        Trained {
            network: ready.network,
            judged: OnceCell::new(),
            snapshot: Snapshot { weights: vec![], optimizer: vec![] },
            labels: labels.iter().map(ToString::to_string).collect(),
            facts: vec![("job".into(), "toy".into())],
            preprocess: Preprocess::new([1, 4, 4], subtract, None, None, data::Augment::default()).unwrap(),
            resize: Resize::Squash,
            batch_size: 2,
            is_classification: !labels.is_empty(),
            targets: RefCell::new(Targets::new(ready.label_hook)),
            own: vec![],
            loaded,
        }
    }
}
