//! `RunOptions`: everything that shapes a run, declared once: the flags of `digits-rs run`, and `settings` in `job.json`.
//!
//! Every option is an `Option`: what the user gave can so be told from a default, which a resume needs.
//! [`RunOptions::with_defaults`] holds the defaults, DIGITS' own.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    data::{Augment, Flip, Order, QuarterTurn, Subtract},
    error::{Error, Kind, Result},
    optim::{
        OptimizerKind, OptimizerSpec,
        schedule::{Policy, PolicySettings, Schedule},
    },
    train::Interval,
};

/// The options of a run.
#[derive(Debug, Clone, Default, PartialEq, clap::Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct RunOptions {
    /// Dataset folder, made by digits-rs dataset or by DIGITS [default: the built-in sample of MNIST]
    #[arg(long, value_name = "DIR", help_heading = "Data", conflicts_with_all = ["train_db", "val_db"])]
    pub(crate) dataset: Option<PathBuf>,
    /// Train images: an LMDB of Datum records, used in place
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    pub(crate) train_db: Option<PathBuf>,
    /// Validation images
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "train_db")]
    pub(crate) val_db: Option<PathBuf>,
    /// Labels of the train images, when they are in a database of their own
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "train_db")]
    pub(crate) train_labels_db: Option<PathBuf>,
    /// Labels of the validation images
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "val_db")]
    pub(crate) val_labels_db: Option<PathBuf>,
    /// Mean image (mean.binaryproto)
    #[arg(long, value_name = "FILE", help_heading = "Data", requires = "train_db")]
    pub(crate) mean: Option<PathBuf>,
    /// Class names, one a line: makes the task a classification
    #[arg(long, value_name = "FILE", help_heading = "Data", requires = "train_db")]
    pub(crate) labels: Option<PathBuf>,
    /// Start from these weights: a snapshot (.safetensors), a job folder (its best snapshot), or Torch7's .t7
    #[arg(long, value_name = "FILE|JOB", help_heading = "Training")]
    pub(crate) weights: Option<PathBuf>,
    /// What to subtract from each image [default: image]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Data")]
    pub(crate) subtract_mean: Option<Subtract>,
    /// Order of the train records in an epoch; with-replacement is DIGITS' shuffle [default: permutation]
    #[arg(long, value_enum, value_name = "ORDER", help_heading = "Data")]
    pub(crate) shuffle: Option<Order>,
    /// Decoded images to keep in memory, MiB; larger sets are read again each epoch [default: 2048]
    #[arg(long, value_name = "MIB", help_heading = "Data")]
    pub(crate) memory: Option<u64>,

    /// Passes over the train records [default: 30]
    #[arg(short, long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: Option<u64>,
    /// Images a step; on the command line a list: see `run::Lists`
    #[arg(skip)]
    pub(crate) batch_size: Option<u64>,
    /// Images a validation step; set by --batch-size or by the network file
    #[arg(skip)]
    pub(crate) validation_batch_size: Option<u64>,
    /// Every random number follows from it [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    pub(crate) seed: Option<u64>,
    /// Epochs between validations, may be a fraction; 0 is never [default: 1]
    #[arg(long, value_name = "EPOCHS", help_heading = "Training", value_parser = not_negative)]
    pub(crate) validation_interval: Option<f64>,
    /// Epochs between snapshots (1, 0.5; 0 is only at the end), or minutes (10m) [default: 1]
    #[arg(long, value_name = "INTERVAL", help_heading = "Training")]
    pub(crate) snapshot_interval: Option<Interval>,
    /// Keep the best snapshot and the last N [default: all]
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) keep: Option<u64>,
    /// Stop after N validations in a row without a lower loss
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) early_stop: Option<u64>,
    /// auto, cpu, cuda or cuda:N [default: auto]
    #[arg(long, value_name = "DEVICE", help_heading = "Training")]
    pub(crate) device: Option<String>,
    /// Processor threads of the computation [default: one a core]
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) threads: Option<u64>,
    /// Numbers of 64 bits instead of 32
    #[arg(long, help_heading = "Training")]
    pub(crate) double: bool,
    /// Always differentiate with libtorch, also where a faster written-out step exists
    #[arg(long, help_heading = "Training")]
    pub(crate) autograd: bool,

    /// sgd, nag (nesterov), adagrad, rmsprop, adadelta or adam, with the rules of Torch's optim [default: sgd]
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    pub(crate) solver: Option<String>,
    /// Base learning rate; on the command line a list: see `run::Lists`
    #[arg(skip)]
    pub(crate) lr: Option<f64>,
    /// fixed, step, multistep, exp, inv, poly, sigmoid or torch_sgd [default: step]
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    pub(crate) lr_policy: Option<String>,
    /// Step, sigmoid: percent of all iterations [default: 33; sigmoid 50]
    #[arg(long, value_name = "PERCENT", help_heading = "Solver", value_parser = not_negative)]
    pub(crate) lr_step: Option<f64>,
    /// Multistep: rising percentages [default: 50,85]
    #[arg(long, value_name = "P,P,…", help_heading = "Solver", value_delimiter = ',', value_parser = not_negative)]
    pub(crate) lr_steps: Option<Vec<f64>>,
    /// Step, multistep, exp, inv, sigmoid [default: 0.1; multistep 0.5; exp 0.95]
    #[arg(long, value_name = "GAMMA", help_heading = "Solver")]
    pub(crate) lr_gamma: Option<f64>,
    /// Inv, poly [default: 0.5; poly 3]
    #[arg(long, value_name = "POWER", help_heading = "Solver")]
    pub(crate) lr_power: Option<f64>,
    /// Torch_sgd: decay an iteration [default: 1e-6]
    #[arg(long, value_name = "DECAY", help_heading = "Solver")]
    pub(crate) lr_decay: Option<f64>,
    /// Momentum of sgd and nag; sgd's dampening is the same number, as in Torch [default: 0.9]
    #[arg(long, value_name = "M", help_heading = "Solver")]
    pub(crate) momentum: Option<f64>,
    /// L2 penalty on every parameter [default: 0.0001]
    #[arg(long, value_name = "W", help_heading = "Solver")]
    pub(crate) weight_decay: Option<f64>,

    /// Side of the square cut from each image: at random in training, the middle in validation
    #[arg(long, value_name = "PIXELS", help_heading = "Augmentation", value_parser = clap::value_parser!(i64).range(1..))]
    pub(crate) crop: Option<i64>,
    /// The network file's `croplen`, which counts without --crop and leaves `params.inputShape` as it is
    #[arg(skip)]
    pub(crate) croplen: Option<i64>,
    /// Mirror train images at random [default: none]
    #[arg(long, value_enum, value_name = "AXES", help_heading = "Augmentation")]
    pub(crate) aug_flip: Option<Flip>,
    /// Turn train images by quarter turns at random [default: none]
    #[arg(long, value_enum, value_name = "TURNS", help_heading = "Augmentation")]
    pub(crate) aug_quad_rot: Option<QuarterTurn>,
    /// Rotate by up to this many degrees either way [default: 0]
    #[arg(long, value_name = "DEGREES", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_rot: Option<f64>,
    /// Standard deviation of the scale, 0.1 is about 10 % [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_scale: Option<f64>,
    /// Standard deviation of noise, as a share of 255 [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_noise: Option<f64>,
    /// Standard deviation of the hue [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_hsv_h: Option<f64>,
    /// Standard deviation of the saturation [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_hsv_s: Option<f64>,
    /// Standard deviation of the value [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    pub(crate) aug_hsv_v: Option<f64>,
}

/// What may differ when a run goes on: none of these changes the numbers of the steps, but `epochs`, which the user
/// asks for, and `device` and `threads`, which may round differently.
const CHANGEABLE: [&str; 8] =
    ["epochs", "device", "threads", "snapshot_interval", "validation_interval", "keep", "early_stop", "memory"];

pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        Ok(value) => Err(format!("{value} is not a finite number of at least 0")),
        Err(error) => Err(error.to_string()),
    }
}

impl RunOptions {
    /// The defaults filled in, but for those that depend on the network file.
    #[must_use]
    pub(crate) fn with_defaults(mut self) -> RunOptions {
        self.subtract_mean.get_or_insert_default();
        self.shuffle.get_or_insert_default();
        self.memory.get_or_insert(2048);
        self.epochs.get_or_insert(30);
        self.seed.get_or_insert(1);
        self.validation_interval.get_or_insert(1.0);
        self.snapshot_interval.get_or_insert(Interval::Epochs(1.0));
        self.device.get_or_insert_with(|| "auto".into());
        self.solver.get_or_insert_with(|| "sgd".into());
        self.lr.get_or_insert(0.01);
        self.momentum.get_or_insert(0.9);
        self.weight_decay.get_or_insert(1e-4);
        let policy = self.lr_policy.get_or_insert_with(|| "step".into()).clone();
        match policy.as_str() {
            "step" | "sigmoid" => {
                self.lr_step.get_or_insert(if policy == "step" { 33.0 } else { 50.0 });
                self.lr_gamma.get_or_insert(0.1);
            }
            "multistep" => {
                self.lr_steps.get_or_insert_with(|| vec![50.0, 85.0]);
                self.lr_gamma.get_or_insert(0.5);
            }
            "exp" => drop(self.lr_gamma.get_or_insert(0.95)),
            "inv" => {
                self.lr_gamma.get_or_insert(0.1);
                self.lr_power.get_or_insert(0.5);
            }
            "poly" => drop(self.lr_power.get_or_insert(3.0)),
            _ => {}
        }
        self
    }

    /// Paths made independent of the folder that the program was started in.
    ///
    /// # Errors
    /// When a path is empty.
    pub(crate) fn with_absolute_paths(mut self) -> Result<RunOptions> {
        let paths = [
            &mut self.dataset,
            &mut self.train_db,
            &mut self.val_db,
            &mut self.train_labels_db,
            &mut self.val_labels_db,
            &mut self.mean,
            &mut self.labels,
            &mut self.weights,
        ];
        for path in paths.into_iter().flatten() {
            *path = std::path::absolute(&*path).map_err(|source| Error::io("find", path, &source))?;
        }
        Ok(self)
    }

    /// The settings of a stored run with what `given` changes.
    ///
    /// # Errors
    /// `Kind::Usage` when `given` asks for another value of something that must stay.
    pub(crate) fn resumed(stored: &serde_json::Value, given: &RunOptions) -> Result<RunOptions> {
        let damaged = |cause: serde_json::Error| {
            Error::new(Kind::Job, "the settings in job.json are damaged").with_cause(cause.to_string())
        };
        let mut merged = stored.clone();
        let given = serde_json::to_value(given).expect("options are plain values");
        for (key, value) in given.as_object().into_iter().flatten() {
            let old = &merged[key];
            if value.is_null() || *value == serde_json::Value::Bool(false) || value == old {
                continue;
            }
            if !CHANGEABLE.contains(&key.as_str()) {
                let flag = key.replace('_', "-");
                return Err(Error::new(Kind::Usage, format!("--{flag} cannot change when a run goes on"))
                    .with_fact("the run has", old.to_string())
                    .with_fact("the command line", value.to_string())
                    .with_help(format!("leave --{flag} out, or start a new run")));
            }
            merged[key] = value.clone();
        }
        serde_json::from_value(merged).map_err(damaged)
    }

    /// The optimiser.
    ///
    /// # Errors
    /// When there is none of that name.
    pub(crate) fn optimizer(&self) -> Result<OptimizerSpec> {
        let default = OptimizerSpec::default();
        Ok(OptimizerSpec {
            kind: self.solver.as_deref().map_or(Ok(OptimizerKind::Sgd), str::parse)?,
            momentum: self.momentum.unwrap_or(default.momentum),
            weight_decay: self.weight_decay.unwrap_or(default.weight_decay),
            ..default
        })
    }

    /// The learning rate and its policy.
    ///
    /// # Errors
    /// When there is none of that name, or it lacks a setting.
    pub(crate) fn schedule(&self) -> Result<Schedule> {
        let name = self.lr_policy.as_deref().unwrap_or("step");
        let one = self.lr_step.map(|step| vec![step]);
        let steps = if name == "multistep" { self.lr_steps.clone() } else { one.or_else(|| self.lr_steps.clone()) };
        let settings = PolicySettings {
            gamma: self.lr_gamma,
            power: self.lr_power,
            steps: steps.unwrap_or_default(),
            decay: self.lr_decay,
        };
        Ok(Schedule { base: self.lr.unwrap_or(0.01), policy: Policy::named(name, &settings)? })
    }

    /// The crop in force.
    #[must_use]
    pub(crate) fn cut(&self) -> Option<i64> {
        self.crop.or(self.croplen)
    }

    /// The random changes of train images.
    #[must_use]
    pub(crate) fn augment(&self) -> Augment {
        Augment {
            flip: self.aug_flip.unwrap_or_default(),
            quarter_turn: self.aug_quad_rot.unwrap_or_default(),
            rotate: self.aug_rot.unwrap_or(0.0),
            scale: self.aug_scale.unwrap_or(0.0),
            noise: self.aug_noise.unwrap_or(0.0),
            hue: self.aug_hsv_h.unwrap_or(0.0),
            saturation: self.aug_hsv_s.unwrap_or(0.0),
            value: self.aug_hsv_v.unwrap_or(0.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_policy_has_digits_defaults() {
        for name in Policy::NAMES {
            let options = RunOptions { lr_policy: Some(name.into()), ..RunOptions::default() }.with_defaults();
            options.schedule().unwrap();
        }
        let default = RunOptions::default().with_defaults().schedule().unwrap();
        assert_eq!(default, Schedule { base: 0.01, policy: Policy::Step { gamma: 0.1, steps: vec![33.0] } });
    }

    #[test]
    fn a_resume_takes_more_epochs_but_no_other_rate() {
        let stored = serde_json::to_value(RunOptions::default().with_defaults()).unwrap();
        let more = RunOptions { epochs: Some(60), lr: Some(0.01), ..RunOptions::default() };
        assert_eq!(RunOptions::resumed(&stored, &more).unwrap().epochs, Some(60));
        let other = RunOptions { lr: Some(0.1), ..RunOptions::default() };
        let page = RunOptions::resumed(&stored, &other).unwrap_err();
        assert_eq!(page.message(), "--lr cannot change when a run goes on");
    }
}
