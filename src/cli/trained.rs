//! `Trained`: a job opened for testing: its network with a snapshot's weights, and its way of preparing images.

use std::{
    cell::RefCell,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    assemble,
    options::RunOptions,
    test::{Batches, Choice, Opened},
};
use crate::{
    data::{
        self, DataLoader, LoaderOptions, Order, Planes, Preprocess, Records, Resize, Scratch, datum::shape_text,
        image::Image,
    },
    error::{Error, Kind, Result},
    frontend::{self, NetworkParams, Source, lua::vm::VmOptions},
    job::JobView,
    nn::Network,
    train::{Snapshot, Targets},
};

/// A job, its snapshot, and everything that a test needs of them.
pub(super) struct Trained {
    network: Network,
    labels: Vec<String>,
    facts: Vec<(String, String)>,
    preprocess: Preprocess,
    resize: Resize,
    batch_size: usize,
    is_classification: bool,
    targets: RefCell<Targets>,
}

impl Trained {
    /// Opens the job in `path` with the chosen snapshot, on the processor.
    pub(super) fn open(path: &Path, choice: Choice) -> Result<Trained> {
        let view = JobView::open(path)?;
        let record = view.record()?;
        let snapshot_path = snapshot_path(&view, choice)?;
        let (snapshot, note) = Snapshot::read(&snapshot_path)?;
        let options = RunOptions::resumed(&record.settings, &RunOptions::default())?;
        let (dataset, dataset_path) = assemble::open(&options)?;

        let is_classification = !dataset.labels.is_empty();
        let [channels, height, width] = dataset.shape;
        let crop = options.crop;
        let params = NetworkParams {
            nclasses: is_classification.then_some(dataset.labels.len() as i64),
            ngpus: 0,
            input_shape: Some(crop.map_or(dataset.shape, |crop| [channels, crop.min(height), crop.min(width)])),
        };
        let source = Source { text: view.network()?, ..Source::pasted(&record.network.name, "") };
        let mut loaded = frontend::load(source, &params, VmOptions::default(), record.seed)?;
        loaded.fine_tune()?;
        let kind = if options.double { tch::Kind::Double } else { tch::Kind::Float };
        let network = loaded.lower(kind, tch::Device::Cpu)?;
        snapshot.restore_weights(&network)?;
        let subtract = options.subtract_mean.unwrap_or_default();
        let augment = data::Augment::default();
        let preprocess = Preprocess::new(dataset.shape, subtract, dataset.mean.as_ref(), crop, augment)?;
        let shown = snapshot_path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let facts = vec![
            ("job".into(), path.display().to_string()),
            ("network".into(), record.network.name.clone()),
            ("dataset".into(), dataset_path),
            ("snapshot".into(), format!("{shown}, step {}", note.position.iteration)),
        ];
        Ok(Trained {
            network,
            labels: dataset.labels.clone(),
            facts,
            preprocess,
            resize: dataset.resize(),
            batch_size: options.validation_batch_size.unwrap_or(16) as usize,
            is_classification,
            targets: RefCell::new(Targets::new(loaded.label_hook())),
        })
    }

    fn loader(&self, records: Arc<Records>) -> Result<DataLoader> {
        let options = LoaderOptions {
            batch_size: self.batch_size,
            order: Order::Sequential,
            seed: 0,
            classification: self.is_classification,
            double: self.network.kind == tch::Kind::Double,
            memory_budget: 2 << 30,
            train: false,
            workers: None,
        };
        DataLoader::new(records, self.preprocess.clone(), options)
    }
}

impl Opened for Trained {
    fn network(&self) -> &Network {
        &self.network
    }

    fn labels(&self) -> &[String] {
        &self.labels
    }

    fn facts(&self) -> Vec<(String, String)> {
        self.facts.clone()
    }

    fn image(&self, path: &Path) -> Result<(tch::Tensor, tch::Tensor)> {
        let [channels, height, width] = self.preprocess.input_shape();
        // The noise of `fill` is the same for every test of one image.
        let mut noise = data::Random::new(&[0]);
        let planes = Image::open(path)?
            .with_channels(channels as usize)
            .resized(width as usize, height as usize, self.resize, &mut noise)?
            .to_planes();
        let pixels = Preprocess::new(
            self.preprocess.input_shape(),
            data::Subtract::None,
            None,
            self.preprocess.crop,
            data::Augment::default(),
        )?;
        Ok((prepared(&pixels, &planes)?, prepared(&self.preprocess, &planes)?))
    }

    fn batches<'a>(&'a self, db: &Path) -> Result<(u64, Batches<'a>)> {
        let records = Arc::new(Records::open(db, None)?);
        if records.shape() != self.preprocess.input_shape() {
            return Err(Error::new(Kind::Data, format!("the images of {} have another shape", db.display()))
                .with_fact("they are", shape_text(records.shape()))
                .with_fact("the job's are", shape_text(self.preprocess.input_shape())));
        }
        let count = records.len();
        let mut loader = self.loader(records)?;
        loader.start(1, 0)?;
        let batches = std::iter::from_fn(move || match loader.next() {
            Ok(None) => None,
            Err(error) => Some(Err(error)),
            Ok(Some(batch)) => {
                let target = self.targets.borrow_mut().of(&batch.input, &batch.target);
                // The batch's buffers are recycled once it is dropped: the test keeps copies of its own.
                Some(target.and_then(|target| Ok((batch.input.copy(), target.map(&mut |tensor| Ok(tensor.copy()))?))))
            }
        });
        Ok((count, Box::new(batches)))
    }
}

/// One record after preprocessing, `[c, h, w]`.
fn prepared(preprocess: &Preprocess, planes: &Planes) -> Result<tch::Tensor> {
    let shape = preprocess.output_shape();
    let mut values = vec![0f32; shape.iter().product::<i64>() as usize];
    preprocess.apply(planes, None, &mut Scratch::default(), &mut values);
    Ok(tch::Tensor::f_from_slice(&values)?.f_view(shape)?)
}

fn snapshot_path(view: &JobView, choice: Choice) -> Result<PathBuf> {
    let all = view.snapshots()?;
    match choice {
        Choice::Best => view.default_snapshot(),
        Choice::Last => match all.into_iter().next_back() {
            Some(last) => Ok(last.path),
            None => view.default_snapshot(),
        },
        Choice::Epoch(wanted) => {
            let epochs: Vec<String> = all.iter().map(|snapshot| snapshot.epoch.to_string()).collect();
            all.into_iter().find(|snapshot| (snapshot.epoch - wanted).abs() < 1e-6).map(|found| found.path).ok_or_else(
                || {
                    Error::new(Kind::Job, format!("there is no snapshot of epoch {wanted}"))
                        .with_fact("there are", epochs.join(", "))
                        .with_help("name one of these epochs, or best, or last")
                },
            )
        }
    }
}
