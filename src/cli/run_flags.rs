//! The flags of `digits-rs run` that shape a run: one for each of [`RunOptions`] but the few that a flag cannot give.

use std::path::PathBuf;

use crate::{
    data::{Flip, Order, QuarterTurn, Subtract},
    tasks::{RunOptions, bounds},
    train::Interval,
};

/// The flags.
#[derive(Debug, clap::Args)]
pub(super) struct RunFlags {
    /// Dataset folder, made by digits-rs dataset or by DIGITS [default: the built-in sample of MNIST]
    #[arg(long, value_name = "DIR", help_heading = "Data", conflicts_with_all = ["train_db", "val_db"])]
    dataset: Option<PathBuf>,
    /// Train images: an LMDB of Datum records, used in place
    #[arg(long, value_name = "DIR", help_heading = "Data")]
    train_db: Option<PathBuf>,
    /// Validation images
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "train_db")]
    val_db: Option<PathBuf>,
    /// Labels of the train images, when they are in a database of their own
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "train_db")]
    train_labels_db: Option<PathBuf>,
    /// Labels of the validation images
    #[arg(long, value_name = "DIR", help_heading = "Data", requires = "val_db")]
    val_labels_db: Option<PathBuf>,
    /// Mean image (mean.binaryproto)
    #[arg(long, value_name = "FILE", help_heading = "Data", requires = "train_db")]
    mean: Option<PathBuf>,
    /// Class names, one a line: makes the task a classification
    #[arg(long, value_name = "FILE", help_heading = "Data", requires = "train_db")]
    labels: Option<PathBuf>,
    /// Start from these weights: a snapshot (.safetensors), a job folder (its best snapshot), or Torch7's .t7
    #[arg(long, value_name = "FILE|JOB", help_heading = "Training")]
    weights: Option<PathBuf>,
    /// What to subtract from each image [default: image]
    #[arg(long, value_enum, value_name = "WHAT", help_heading = "Data")]
    subtract_mean: Option<Subtract>,
    /// Order of the train records in an epoch; with-replacement is DIGITS' shuffle [default: permutation]
    #[arg(long, value_enum, value_name = "ORDER", help_heading = "Data")]
    shuffle: Option<Order>,
    /// Decoded images to keep in memory, MiB; larger sets are read again each epoch [default: 2048]
    #[arg(long, value_name = "MIB", help_heading = "Data")]
    memory: Option<u64>,

    /// Passes over the train records [default: 30]
    #[arg(short, long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..=bounds::EPOCHS))]
    epochs: Option<u64>,
    /// Every random number follows from it [default: 1]
    #[arg(long, value_name = "N", help_heading = "Training")]
    seed: Option<u64>,
    /// Epochs between validations, may be a fraction; 0 is never [default: 1]
    #[arg(long, value_name = "EPOCHS", help_heading = "Training", value_parser = not_negative)]
    validation_interval: Option<f64>,
    /// Epochs between snapshots (1, 0.5; 0 is only at the end), or minutes (10m) [default: 1]
    #[arg(long, value_name = "INTERVAL", help_heading = "Training")]
    snapshot_interval: Option<Interval>,
    /// Keep the best snapshot and the last N [default: all]
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..=bounds::EPOCHS))]
    keep: Option<u64>,
    /// Stop after N validations in a row without a lower loss
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..=bounds::EPOCHS))]
    early_stop: Option<u64>,
    /// Also write event files for TensorBoard, into tensorboard/ in the job's folder
    #[arg(long, help_heading = "Training")]
    tensorboard: bool,
    /// Time N steps, then record five with libtorch's profiler, into profile/ in the job's folder
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..=bounds::PROFILED))]
    profile: Option<u64>,
    /// auto, cpu, cuda or cuda:N [default: auto]
    #[arg(long, value_name = "DEVICE", help_heading = "Training")]
    device: Option<String>,
    /// Processor threads of the computation [default: one a core]
    #[arg(long, value_name = "N", help_heading = "Training", value_parser = clap::value_parser!(u64).range(1..=bounds::THREADS))]
    threads: Option<u64>,
    /// Numbers of 64 bits instead of 32
    #[arg(long, help_heading = "Training")]
    double: bool,
    /// Always differentiate with libtorch, also where a faster written-out step exists
    #[arg(long, help_heading = "Training")]
    autograd: bool,
    /// On CUDA round the inputs of products to TF32: faster, and only three digits are sure
    #[arg(long, help_heading = "Training")]
    tf32: bool,
    /// Regularisation losses of a TensorFlow file have gradients; DIGITS only adds them to the loss that it logs
    #[arg(long, help_heading = "Training")]
    tf_regularize: bool,
    /// Batches run across the borders of epochs, and each validation goes on where the last one stopped, as in DIGITS'
    /// TensorFlow tool; without it every epoch sees each record once, and every validation the same batches
    #[arg(long, help_heading = "Training")]
    tf_across_epochs: bool,

    /// sgd, nag (nesterov), adagrad, rmsprop, adadelta or adam, with the rules of Torch's optim; with a TensorFlow file
    /// sgd, momentum, adagrad, adadelta, adam, ftrl or rmsprop, with TensorFlow's [default: sgd]
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    solver: Option<String>,
    /// fixed, step, multistep, exp, inv, poly, sigmoid or torch_sgd [default: step]
    #[arg(long, value_name = "NAME", help_heading = "Solver")]
    lr_policy: Option<String>,
    /// Step, sigmoid: percent of all iterations [default: 33; sigmoid 50]
    #[arg(long, value_name = "PERCENT", help_heading = "Solver", value_parser = not_negative)]
    lr_step: Option<f64>,
    /// Multistep: rising percentages [default: 50,85]
    #[arg(long, value_name = "P,P,…", help_heading = "Solver", value_delimiter = ',', value_parser = not_negative)]
    lr_steps: Option<Vec<f64>>,
    /// Step, multistep, exp, inv, sigmoid [default: 0.1; multistep 0.5; exp 0.95]
    #[arg(long, value_name = "GAMMA", help_heading = "Solver", value_parser = not_negative)]
    lr_gamma: Option<f64>,
    /// Inv, poly [default: 0.5; poly 3]
    #[arg(long, value_name = "POWER", help_heading = "Solver", value_parser = not_negative)]
    lr_power: Option<f64>,
    /// Torch_sgd: decay an iteration [default: 1e-6]
    #[arg(long, value_name = "DECAY", help_heading = "Solver", value_parser = not_negative)]
    lr_decay: Option<f64>,
    /// Momentum of sgd and nag; sgd's dampening is the same number, as in Torch; with a TensorFlow file of momentum and
    /// rmsprop [default: 0.9]
    #[arg(long, value_name = "M", help_heading = "Solver", value_parser = not_negative)]
    momentum: Option<f64>,
    /// L2 penalty on every parameter [default: 0.0001; with a TensorFlow file 0]
    #[arg(long, value_name = "W", help_heading = "Solver", value_parser = not_negative)]
    weight_decay: Option<f64>,

    /// Side of the square cut from each image: at random in training, the middle in validation
    #[arg(long, value_name = "PIXELS", help_heading = "Augmentation", value_parser = clap::value_parser!(i64).range(1..=bounds::SIDE as i64))]
    crop: Option<i64>,
    /// Mirror train images at random [default: none]
    #[arg(long, value_enum, value_name = "AXES", help_heading = "Augmentation")]
    aug_flip: Option<Flip>,
    /// Turn train images by quarter turns at random [default: none]
    #[arg(long, value_enum, value_name = "TURNS", help_heading = "Augmentation")]
    aug_quad_rot: Option<QuarterTurn>,
    /// Rotate by up to this many degrees either way [default: 0]
    #[arg(long, value_name = "DEGREES", help_heading = "Augmentation", value_parser = not_negative)]
    aug_rot: Option<f64>,
    /// Standard deviation of the scale, 0.1 is about 10 % [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    aug_scale: Option<f64>,
    /// Standard deviation of noise, as a share of 255 [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    aug_noise: Option<f64>,
    /// Standard deviation of the hue [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    aug_hsv_h: Option<f64>,
    /// Standard deviation of the saturation [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    aug_hsv_s: Option<f64>,
    /// Standard deviation of the value [default: 0]
    #[arg(long, value_name = "SIGMA", help_heading = "Augmentation", value_parser = not_negative)]
    aug_hsv_v: Option<f64>,
    /// Multiply the contrast by up to this much more or less than 1, at most 1 [default: 0]
    #[arg(long, value_name = "SHARE", help_heading = "Augmentation", value_parser = not_negative)]
    aug_contrast: Option<f64>,
    /// Give each train image mean 0 and variance 1; validation and tests see it as it is, as in DIGITS
    #[arg(long, help_heading = "Augmentation")]
    aug_whitening: bool,
}

impl RunFlags {
    /// The options that they give: all but base rate and batch size, which are lists on the command line.
    pub(super) fn into_options(self) -> RunOptions {
        let RunFlags {
            dataset,
            train_db,
            val_db,
            train_labels_db,
            val_labels_db,
            mean,
            labels,
            weights,
            subtract_mean,
            shuffle,
            memory,
            epochs,
            seed,
            validation_interval,
            snapshot_interval,
            keep,
            early_stop,
            tensorboard,
            profile,
            device,
            threads,
            double,
            autograd,
            tf32,
            tf_regularize,
            tf_across_epochs,
            solver,
            lr_policy,
            lr_step,
            lr_steps,
            lr_gamma,
            lr_power,
            lr_decay,
            momentum,
            weight_decay,
            crop,
            aug_flip,
            aug_quad_rot,
            aug_rot,
            aug_scale,
            aug_noise,
            aug_hsv_h,
            aug_hsv_s,
            aug_hsv_v,
            aug_contrast,
            aug_whitening,
        } = self;
        RunOptions {
            dataset,
            train_db,
            val_db,
            train_labels_db,
            val_labels_db,
            mean,
            labels,
            weights,
            subtract_mean,
            shuffle,
            memory,
            epochs,
            batch_size: None,
            shares: None,
            validation_batch_size: None,
            seed,
            validation_interval,
            snapshot_interval,
            keep,
            early_stop,
            tensorboard,
            profile,
            device,
            threads,
            double,
            autograd,
            tf32,
            tf_regularize,
            tf_across_epochs,
            solver,
            lr: None,
            lr_policy,
            lr_step,
            lr_steps,
            lr_gamma,
            lr_power,
            lr_decay,
            momentum,
            weight_decay,
            crop,
            aug_flip,
            aug_quad_rot,
            aug_rot,
            aug_scale,
            aug_noise,
            aug_hsv_h,
            aug_hsv_s,
            aug_hsv_v,
            aug_contrast,
            aug_whitening: aug_whitening.then_some(true),
        }
    }
}

/// A finite number of at least 0.
pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() && value >= 0.0 => Ok(value),
        Ok(_) => Err("it must be a finite number of at least 0".into()),
        Err(error) => Err(error.to_string()),
    }
}
