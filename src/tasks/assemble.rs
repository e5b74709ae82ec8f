//! `assemble`: the picture in `architecture.md` as code: network file and dataset in, everything a `Trainer` needs out.

use std::{path::PathBuf, rc::Rc};

use super::{
    heard::Heard,
    kept::Kept,
    loaders::{self, Loaders},
    observer::Observer,
    options::RunOptions,
    prepare::{self, OpenedDataset, Prepared},
    settings::RunSettings,
    warnings, weights,
};
use crate::{
    data::{Fingerprint, HeadStart, Records},
    error::{Error, Kind, Result},
    frontend::{Purpose, Ready, Settings, Source},
    job::JobDir,
    nn::{LabelHook, Network, ScalarsOf, ViewsOf},
    optim::schedule::Schedule,
    torch::on_one_thread,
    train::{
        Plan, Position, Ranks, RunRecord, Stop, Targets, TrainObserver, Trainer,
        engine::{self, Engine, EngineOptions, Surroundings},
    },
};

/// A run that is ready to begin.
pub(super) struct Run {
    /// The settings in force.
    pub(super) settings: RunSettings,
    /// The numbers for the loop.
    pub(super) plan: Plan,
    /// Network and optimiser.
    pub(super) engine: Box<dyn Engine>,
    /// The network as Torch prints it, and its criterion.
    pub(super) printed: String,
    /// The criterion as it prints.
    pub(super) criterion: String,
    /// One line about it.
    pub(super) title: String,
    /// Where the data lies.
    pub(super) dataset_path: String,
    /// Changes when the data does.
    pub(super) fingerprint: Fingerprint,
    /// What the job keeps of the dataset.
    pub(super) kept: Kept,
    /// What is subtracted from a validation image, `[c, h, w]`; none when nothing is, or TensorBoard is not written for.
    pub(super) subtracted: Option<Vec<f32>>,
    /// Which files beside the network file it has read, by now.
    pub(super) read_files: Box<dyn Fn() -> Vec<(PathBuf, PathBuf)>>,
    /// What became of the weights that the settings name, in lines to print.
    pub(super) transfer: Option<String>,
    /// Sentences about settings of little use.
    pub(super) warnings: Vec<String>,
    /// Whether its loss should fall: something learns, and there are no losses that work against each other.
    pub(super) should_fall: bool,
    loaders: Loaders,
    hook: Option<LabelHook>,
    scalars: Option<ScalarsOf>,
    views: Option<ViewsOf>,
    schedule: Schedule,
    /// The processes that train together, where there are several.
    pub(super) ranks: Option<Rc<Ranks>>,
}

/// Whether the weights that the settings name are still to be loaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// The run begins.
    Fresh,
    /// A snapshot of the job follows and holds all weights.
    FromSnapshot,
}

/// Reads the dataset, runs the network file, lowers the network, makes engine and loaders, for one process or for one of
/// `ranks`. The observer hears what the engine wants of the process.
pub(super) fn assemble(
    source: Source,
    options: &RunOptions,
    (start, ranks): (Start, Option<&Rc<Ranks>>),
    head_start: Option<HeadStart>,
    heard: &Heard,
    observer: &mut dyn Observer,
) -> Result<Run> {
    let options = &prepare::with_sample(options.clone());
    let before = RunSettings::of(options, &Settings::before(&source));
    before.optimizer()?; // a page about the command line comes before any work
    before.schedule()?;
    let mut prepared = {
        let local_rank = ranks.map_or(0, |ranks| ranks.group().place().local_rank);
        let device = prepare::device(&before, local_rank)?;
        prepare::prepare(source, options, device, OpenedDataset::open(&before, head_start)?, heard.output())?
    };
    let records = prepared.opened.train()?;
    let weights = prepared.settings.weights.clone().filter(|_| start == Start::Fresh);
    let transfer = match weights {
        Some(path) => Some(weights::load(&mut prepared, &path)?),
        None => {
            prepared.loaded.fine_tune()?;
            None
        }
    };
    let Prepared { settings, opened, loaded, device, classes } = prepared;
    let purpose = if settings.tf_regularize { Purpose::RegularizedTraining } else { Purpose::Training };
    let ready = on_one_thread(|| loaded.lower(purpose, settings.kind(), device.device()))?;
    let Ready { network, criterion, label_hook, scalars, views } = ready;
    let transfer = transfer.map(|transfer| transfer.summary(&network)).transpose()?;
    let parameters = network.parameters.count();
    let learning = network.parameters.list.iter().filter(|parameter| parameter.learns).count();
    let of_train = loaders::of_train(&settings, &opened)?;
    let engine = match ranks {
        None => engine_for(network, &settings, (of_train.output_shape(), records.len()))?,
        Some(ranks) => engine::synchronised(network, &settings.optimizer()?, Rc::clone(ranks))?,
    };
    let threads = settings.threads.and_then(|threads| i32::try_from(threads).ok());
    let wanted = engine.surroundings();
    // Threads of our own engines are asked for elsewhere, what several processes share out is a proposal.
    let libtorch_threads =
        if ranks.is_some() { threads.or(wanted.libtorch_threads) } else { wanted.libtorch_threads.or(threads) };
    observer.surroundings(&Surroundings { libtorch_threads, ..wanted });
    // Where the target is the input there are no right answers to count.
    let classes = classes.filter(|_| !matches!(label_hook, Some(LabelHook::Input)));
    let plan = plan_of(&settings, &records, classes)?;
    let shown = settings.tensorboard.then(|| loaders::of_validation(&settings, &opened)).transpose()?;
    let subtracted = shown.and_then(|plan| plan.subtracted());
    Ok(Run {
        warnings: {
            let given = (start == Start::Fresh).then_some(options);
            let of_settings = warnings::of(given, &settings, &plan, &opened, (learning, device.is_cuda()));
            [loaded.warnings(), &of_settings].concat()
        },
        should_fall: learning > 0 && settings.lr != 0.0 && engine.network().criterion.taught().is_empty(),
        plan,
        title: format!(
            "{}: {parameters} parameters, {}, batch size {}, {} on {device}{}",
            loaded.name(),
            criterion.trim_end(),
            match settings.shares.filter(|shares| *shares > 1) {
                Some(shares) => format!("{} ({shares} x {})", settings.step_size(), settings.batch_size),
                None => settings.batch_size.to_string(),
            },
            engine.describe(),
            if settings.tf32 && device.is_cuda() { " in TF32" } else { "" },
        ),
        printed: format!("{}\n{}", loaded.printed().trim_end(), criterion.trim_end()),
        criterion: criterion.trim_end().to_string(),
        dataset_path: opened.path.clone(),
        fingerprint: opened.dataset.fingerprint()?,
        kept: Kept::of(&opened.dataset)?,
        subtracted,
        read_files: loaded.read_files(),
        transfer,
        hook: label_hook,
        scalars,
        views,
        schedule: settings.schedule()?,
        engine,
        loaders: loaders::loaders_for(&settings, opened, of_train, device, ranks.map(|ranks| ranks.group().place()))?,
        settings,
        ranks: ranks.cloned(),
    })
}

/// The engine for so many records that are samples of `sample`, `[c, h, w]`: as they reach the network, crop included.
fn engine_for(network: Network, settings: &RunSettings, (sample, records): ([i64; 3], u64)) -> Result<Box<dyn Engine>> {
    let default = EngineOptions::default();
    let options = EngineOptions {
        batch_size: loaders::borders(settings, true).largest_batch(settings.step_size(), records).max(1) as usize,
        threads: settings.threads.map_or(default.threads, |threads| threads as usize),
        force_autograd: settings.autograd,
        sample: Some(sample.to_vec()),
        level: None,
    };
    engine::engine(network, &settings.optimizer()?, &options)
}

/// The numbers for the loop.
fn plan_of(settings: &RunSettings, records: &Records, classes: Option<i64>) -> Result<Plan> {
    if records.len() == 0 {
        return Err(Error::new(Kind::Data, format!("{} holds no record", records.folder().display())));
    }
    Ok(Plan {
        epochs: settings.epochs,
        records: records.len(),
        batch_size: settings.step_size(),
        seed: settings.seed,
        validation_interval: settings.validation_interval,
        snapshot_interval: settings.snapshot_interval,
        keep: settings.keep.map(|keep| keep as usize),
        patience: settings.early_stop,
        crosses_epochs: settings.tf_across_epochs,
        classes,
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
        let (schedule, Loaders { train, validation }) = (self.schedule, self.loaders);
        Trainer {
            engine: self.engine,
            train,
            validation,
            targets: Targets::new(self.hook),
            scalars: self.scalars,
            views: self.views,
            rate: Box::new(move |t, total| schedule.rate(t, total)),
            plan: self.plan,
            position,
            record: RunRecord { job, observer },
            stop,
            ranks: self.ranks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{data::sample, train::engine::LargeBlocks};

    /// A small convolutional network for images of 24 pixels, cut out of the sample's 28.
    fn network(croplen: &str) -> Source {
        Source::pasted(
            "net.lua",
            &format!(
                "local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.SpatialConvolution(1, 4, 5, 5))\n\
                 net:add(nn.SpatialMaxPooling(2, 2)):add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(400, 10))\n\
                 net:add(nn.LogSoftMax())\n\
                 return {{ model = net, trainBatchSize = 8 {croplen} }}"
            ),
        )
    }

    /// Keeps what the engine wants.
    #[derive(Default)]
    struct Wishes(Vec<Surroundings>);

    impl Observer for Wishes {
        fn surroundings(&mut self, wanted: &Surroundings) {
            self.0.push(*wanted);
        }
    }

    fn assembled(croplen: &str, options: RunOptions) -> (Run, Surroundings) {
        let folder = tempfile::tempdir().unwrap();
        let dataset = sample::ensure(&folder.path().join("sample")).unwrap();
        let options = RunOptions { dataset: Some(dataset), device: Some("cpu".into()), ..options };
        let mut wishes = Wishes::default();
        let run = assemble(network(croplen), &options, (Start::Fresh, None), None, &Heard::new(), &mut wishes).unwrap();
        assert_eq!(wishes.0.len(), 1);
        (run, wishes.0[0])
    }

    #[test]
    fn a_crop_of_the_file_and_one_of_the_command_line_choose_the_same_engine() {
        let (file, _) = assembled(", croplen = 24", RunOptions::default());
        let (line, _) = assembled("", RunOptions { crop: Some(24), ..RunOptions::default() });
        assert!(file.engine.describe().starts_with("panels"), "{}", file.engine.describe());
        assert_eq!(file.engine.describe(), line.engine.describe());
    }

    #[test]
    fn the_process_is_left_as_it_is_and_the_observer_hears_what_the_engine_wants() {
        let before = tch::get_num_threads();
        tch::set_num_threads(3);
        let options = RunOptions { threads: Some(2), ..RunOptions::default() };
        let (_, wanted) = assembled(", croplen = 24", options.clone());
        assert_eq!(wanted, Surroundings { libtorch_threads: Some(1), large_blocks: LargeBlocks::Return });
        let (_, wanted) = assembled(", croplen = 24", RunOptions { autograd: true, ..options });
        assert_eq!(wanted, Surroundings { libtorch_threads: Some(2), large_blocks: LargeBlocks::Keep });
        let (_, wanted) = assembled(", croplen = 24", RunOptions { autograd: true, ..RunOptions::default() });
        assert_eq!(wanted, Surroundings { libtorch_threads: None, large_blocks: LargeBlocks::Keep });
        assert_eq!(tch::get_num_threads(), 3);
        tch::set_num_threads(before);
    }
}
