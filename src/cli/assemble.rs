//! `assemble`: the picture in `lib.rs` as code: network file and dataset in, everything a `Trainer` needs out.

use std::{
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use super::{head_start, options::RunOptions, weights};
use crate::{
    data::{self, DataLoader, Dataset, HeadStart, LoaderOptions, Order, Parts, Place, Preprocess, Records},
    error::{Error, Kind, Result},
    frontend::{self, NetworkParams, Source, lua::vm::VmOptions},
    job::JobDir,
    optim::schedule::Schedule,
    torch::{
        device::{self, DeviceChoice},
        on_one_thread, start_up,
    },
    train::{
        BatchSource, Finish, LabelHook, Plan, Position, Stop, Targets, TrainBatch, TrainObserver, Trainer,
        engine::{self, Engine, EngineOptions},
    },
};

/// Where the built-in sample of MNIST is unpacked when no dataset is named.
const SAMPLE: &str = "datasets/mnist-sample";

/// A run that is ready to begin.
pub(super) struct Run {
    /// The options with everything filled in.
    pub(super) options: RunOptions,
    /// The numbers for the loop.
    pub(super) plan: Plan,
    /// Network and optimiser.
    pub(super) engine: Box<dyn Engine>,
    /// The network as Torch prints it, and its criterion.
    pub(super) printed: String,
    /// One line about it.
    pub(super) title: String,
    /// Where the data lies.
    pub(super) dataset_path: String,
    /// Changes when the data does.
    pub(super) fingerprint: String,
    /// What became of the weights that `--weights` named, in lines to print.
    pub(super) transfer: Option<String>,
    train: Loaded,
    validation: Option<Loaded>,
    hook: Option<LabelHook>,
    schedule: Schedule,
}

/// A dataset, and the network file that has run for it.
pub(super) struct Prepared {
    /// The options with what the file says filled in: batch sizes and crop.
    pub(super) options: RunOptions,
    /// Where the data lies.
    pub(super) dataset_path: String,
    /// The data.
    pub(super) dataset: Dataset,
    /// Who is decoding it already.
    pub(super) head_start: Option<HeadStart>,
    /// The file's table, not lowered yet.
    pub(super) loaded: frontend::Loaded,
    /// Where the network will live.
    pub(super) device: tch::Device,
    /// The number of classes, for a classification.
    pub(super) classes: Option<i64>,
}

/// Reads the dataset and runs the network file.
pub(super) fn prepare(source: Source, mut options: RunOptions) -> Result<Prepared> {
    let choice: DeviceChoice = options.device.as_deref().unwrap_or("auto").parse()?;
    let device = device::resolve(choice)?; // before anything else asks libtorch
    start_up::give_back_pages();
    let (dataset, dataset_path, head_start) = open_ahead(&options)?;
    let classes = (!dataset.labels.is_empty()).then_some(dataset.labels.len() as i64);
    let [channels, height, width] = dataset.shape;
    let params = NetworkParams {
        nclasses: classes,
        ngpus: i64::from(device.is_cuda()),
        input_shape: Some(options.crop.map_or(dataset.shape, |crop| [channels, crop.min(height), crop.min(width)])),
    };
    let loaded = on_one_thread(|| frontend::load(source, &params, VmOptions::default(), seed(&options)))?;
    let size = |given: Option<u64>, file: Option<i64>| given.or(file.and_then(|n| u64::try_from(n).ok())).unwrap_or(16);
    let given = options.batch_size;
    options.validation_batch_size =
        Some(size(options.validation_batch_size.or(given), loaded.settings.validation_batch_size));
    options.batch_size = Some(size(given, loaded.settings.train_batch_size));
    options.croplen = loaded.settings.croplen;
    Ok(Prepared { options, dataset_path, dataset, head_start, loaded, device, classes })
}

impl Prepared {
    /// The records to train on.
    pub(super) fn records(&self) -> Result<Arc<Records>> {
        self.dataset.train().ok_or_else(|| {
            Error::new(Kind::Data, format!("{} has no train records", self.dataset_path))
                .with_help("name a dataset with a train_db")
        })
    }

    /// f32 or f64.
    pub(super) fn kind(&self) -> tch::Kind {
        if self.options.double { tch::Kind::Double } else { tch::Kind::Float }
    }
}

/// Whether the weights that `--weights` names are still to be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The run begins.
    Fresh,
    /// A snapshot of the job follows and holds all weights.
    FromSnapshot,
}

/// Reads the dataset, runs the network file, lowers the network, makes loaders and engine.
pub(super) fn assemble(source: Source, options: RunOptions, start: Start) -> Result<Run> {
    let (optimizer, schedule) = (options.optimizer()?, options.schedule()?);
    let mut prepared = prepare(source, options)?;
    let records = prepared.records()?;
    let transfer = match prepared.options.weights.clone().filter(|_| start == Start::Fresh) {
        Some(path) => Some(weights::load(&mut prepared, &path)?),
        None => {
            prepared.loaded.fine_tune()?;
            None
        }
    };
    let kind = prepared.kind();
    let Prepared { options, dataset_path, dataset, head_start, loaded, device, classes } = prepared;
    let network = on_one_thread(|| loaded.lower(kind, device))?;
    let transfer = transfer.map(|transfer| transfer.summary(&network)).transpose()?;
    let (batch_size, validation_size) = (options.batch_size.unwrap_or(16), options.validation_batch_size.unwrap_or(16));
    let seed = seed(&options);
    let count = network.parameters.count();
    let default = EngineOptions::default();
    if let Some(threads) = options.threads.and_then(|threads| i32::try_from(threads).ok()) {
        tch::set_num_threads(threads);
    }
    let engine = engine::engine(
        network,
        &optimizer,
        &EngineOptions {
            batch_size: batch_size as usize,
            threads: options.threads.map_or(default.threads, |threads| threads as usize),
            force_autograd: options.autograd,
            sample: Some(options.crop.map_or(dataset.shape, |crop| [dataset.shape[0], crop, crop]).to_vec()),
            level: None,
        },
    )?;

    let subtract = options.subtract_mean.unwrap_or_default();
    let head_start = head_start.map(Arc::new);
    let loaded_from = |records: Arc<Records>, train: bool| -> Result<Loaded> {
        let augment = if train { options.augment() } else { data::Augment::default() };
        let preprocess = Preprocess::new(dataset.shape, subtract, dataset.mean.as_ref(), options.cut(), augment)?;
        // Bytes are for a bus; the processor's own loader threads do all of the plan.
        let rest = if device.is_cuda() { preprocess.rest(train, kind, device)? } else { None };
        let finish = rest.map(|rest| Rc::new(move |bytes: &tch::Tensor| rest.of(bytes)) as Finish);
        let loader = LoaderOptions {
            batch_size: (if train { batch_size } else { validation_size }) as usize,
            order: if train { order(&options) } else { Order::Sequential },
            seed,
            classification: classes.is_some(),
            double: options.double,
            bytes: finish.is_some(),
            memory_budget: memory_budget(&options),
            cache: head_start.as_deref().and_then(|head_start| head_start.cache(&records)),
            train,
            workers: None,
        };
        let head_start = head_start.clone();
        Ok(Loaded { loader: DataLoader::new(records, preprocess, loader)?, finish, head_start })
    };
    let plan = Plan {
        epochs: options.epochs.unwrap_or(30),
        records: nonempty(&records)?,
        batch_size,
        seed,
        validation_interval: options.validation_interval.unwrap_or(1.0),
        snapshot_interval: options.snapshot_interval.unwrap_or(crate::train::Interval::Epochs(1.0)),
        keep: options.keep.map(|keep| keep as usize),
        patience: options.early_stop,
        classes,
    };
    let train = loaded_from(records, true)?;
    let validation = dataset.val().map(|records| loaded_from(records, false)).transpose()?;
    let title = format!(
        "{}: {count} parameters, {}, batch size {batch_size}, {} on {}",
        loaded.source.name,
        loaded.criterion_printed.trim_end(),
        engine.describe(),
        if device.is_cuda() { "CUDA" } else { "the processor" },
    );
    Ok(Run {
        plan,
        engine,
        printed: format!("{}\n{}", loaded.printed.trim_end(), loaded.criterion_printed.trim_end()),
        title,
        dataset_path,
        fingerprint: dataset.fingerprint()?,
        transfer,
        train,
        validation,
        hook: loaded.label_hook(),
        schedule,
        options,
    })
}

impl Run {
    /// The trainer, from `position` on.
    pub(super) fn trainer<'a>(
        self,
        job: &'a mut JobDir,
        position: Position,
        observer: &'a mut dyn TrainObserver,
        stop: Stop,
    ) -> Trainer<'a> {
        let schedule = self.schedule;
        Trainer {
            engine: self.engine,
            train: Box::new(self.train),
            validation: self.validation.map(|loaded| Box::new(loaded) as Box<dyn BatchSource>),
            targets: Targets::new(self.hook),
            rate: Box::new(move |t, total| schedule.rate(t, total)),
            plan: self.plan,
            position,
            job,
            observer,
            stop,
        }
    }
}

/// Where the dataset lies that the options name; none for the built-in sample while it is not unpacked.
pub(super) fn place(options: &RunOptions) -> Option<Place> {
    if let Some(train) = &options.train_db {
        return Some(Place::Parts(Parts {
            train: Some(train.clone()),
            train_labels: options.train_labels_db.clone(),
            val: options.val_db.clone(),
            val_labels: options.val_labels_db.clone(),
            mean: options.mean.clone(),
            labels: options.labels.clone(),
        }));
    }
    let sample = || Some(PathBuf::from(SAMPLE)).filter(|path| Dataset::is_at(path));
    options.dataset.clone().or_else(sample).map(Place::Folder)
}

/// Bytes of decoded records that the loaders may keep.
pub(super) fn memory_budget(options: &RunOptions) -> u64 {
    options.memory.unwrap_or(2048) << 20
}

/// The seed of everything random.
pub(super) fn seed(options: &RunOptions) -> u64 {
    options.seed.unwrap_or(1)
}

/// The order of the training records.
pub(super) fn order(options: &RunOptions) -> Order {
    options.shuffle.unwrap_or_default()
}

/// The dataset that the options name, and its path.
pub(super) fn open(options: &RunOptions) -> Result<(Dataset, String)> {
    open_ahead(options).map(|(dataset, path, _)| (dataset, path))
}

/// As [`open`], and who is decoding it already.
fn open_ahead(options: &RunOptions) -> Result<(Dataset, String, Option<HeadStart>)> {
    let place = match place(options) {
        Some(place) => place,
        None => Place::Folder(data::sample::ensure(Path::new(SAMPLE))?),
    };
    let path = match &place {
        Place::Folder(folder) => folder.display().to_string(),
        Place::Parts(parts) => parts.train.as_deref().unwrap_or(Path::new("")).display().to_string(),
    };
    if let Some(head_start) = head_start::take()
        && let Some(dataset) = head_start.dataset(&place)
    {
        return Ok((dataset, path, Some(head_start)));
    }
    Ok((place.open()?, path, None))
}

fn nonempty(records: &Records) -> Result<u64> {
    match records.len() {
        0 => Err(Error::new(Kind::Data, format!("{} holds no record", records.folder().display()))),
        count => Ok(count),
    }
}

/// The loader as the training loop sees it. The loader counts epochs from 1, the loop from 0.
struct Loaded {
    loader: DataLoader,
    /// What the device does with batches of bytes.
    finish: Option<Finish>,
    head_start: Option<Arc<HeadStart>>,
}

impl BatchSource for Loaded {
    fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()> {
        // From here on the loaders' own threads decode what is missing.
        if let Some(head_start) = self.head_start.take() {
            head_start.stop();
        }
        self.loader.start(epoch + 1, first_batch)
    }

    fn next(&mut self) -> Result<Option<TrainBatch>> {
        let finish = self.finish.as_ref();
        Ok(self.loader.next()?.map(|batch| TrainBatch {
            input: batch.input.shallow_clone(),
            finish: finish.filter(|_| batch.input.kind() == tch::Kind::Uint8).cloned(),
            target: batch.target.shallow_clone(),
            count: batch.count as u64,
            wait: batch.wait,
            owner: Some(Box::new(batch)),
        }))
    }
}
