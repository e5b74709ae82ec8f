//! `RunOptions`: what a user asks for in a run. Every option is an `Option`: what was asked for can so be distinguished
//! from a default, which a resume needs. [`RunSettings`](super::RunSettings) are what comes of them.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::{
    data::{Flip, Order, QuarterTurn, Subtract},
    error::{Error, Kind, Result},
    train::Interval,
};

/// The options of a run, under the names of `settings` in `job.json`. `None` is the default of
/// [`RunSettings`](super::RunSettings).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RunOptions {
    /// Dataset folder; the built-in sample of MNIST when neither it nor `train_db` is given.
    pub dataset: Option<PathBuf>,
    /// Train images: an LMDB of Datum records, used in place.
    pub train_db: Option<PathBuf>,
    /// Validation images.
    pub val_db: Option<PathBuf>,
    /// Labels of the train images, when they are in a database of their own.
    pub train_labels_db: Option<PathBuf>,
    /// Labels of the validation images.
    pub val_labels_db: Option<PathBuf>,
    /// Mean image (`mean.binaryproto`).
    pub mean: Option<PathBuf>,
    /// Class names, one a line: makes the task a classification.
    pub labels: Option<PathBuf>,
    /// The weights to start from: a snapshot (`.safetensors`), a job folder (its best snapshot), or Torch7's `.t7`.
    pub weights: Option<PathBuf>,
    /// What is subtracted from each image.
    pub subtract_mean: Option<Subtract>,
    /// Order of the train records in an epoch.
    pub shuffle: Option<Order>,
    /// Decoded images to keep in memory, MiB.
    pub memory: Option<u64>,

    /// Passes over the train records.
    pub epochs: Option<u64>,
    /// Images a step; the network file's when not given.
    pub batch_size: Option<u64>,
    /// Parts of `batch_size` images that make a step together: as many as there are processes when a run begins. Set when
    /// it begins, so that it goes on with the same batches in any number of processes; 1 when not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<u64>,
    /// Images a validation step; `batch_size`, or the network file's, when not given.
    pub validation_batch_size: Option<u64>,
    /// Every random number follows from it.
    pub seed: Option<u64>,
    /// Epochs between validations, may be a fraction; 0 is never.
    pub validation_interval: Option<f64>,
    /// Between snapshots, in epochs (0 is only at the end) or minutes.
    pub snapshot_interval: Option<Interval>,
    /// Keep the best snapshot and this many of the last; all when not given.
    pub keep: Option<u64>,
    /// Stop after this many validations in a row without a lower loss; never when not given.
    pub early_stop: Option<u64>,
    /// Also write event files that TensorBoard shows, into `tensorboard/` in the job's folder.
    pub tensorboard: bool,
    /// Time this many steps, then record five with libtorch's profiler, into `profile/` in the job's folder; no profile when
    /// not given.
    pub profile: Option<u64>,
    /// `auto`, `cpu`, `cuda` or `cuda:N`.
    pub device: Option<String>,
    /// Processor threads of the computation; as many as are useful on this machine when not given.
    pub threads: Option<u64>,
    /// Numbers of 64 bits instead of 32.
    pub double: bool,
    /// Always differentiate with libtorch, also where a faster written-out step exists.
    pub autograd: bool,
    /// On a CUDA device products of 32 bits round their inputs to TF32: faster, and only three digits are sure.
    pub tf32: bool,
    /// Regularisation losses of a TensorFlow file have gradients; in DIGITS they are reported only.
    pub tf_regularize: bool,
    /// Batches run across the borders of epochs, and each validation goes on where the last one stopped, as in DIGITS'
    /// TensorFlow tool.
    pub tf_across_epochs: bool,

    /// The optimiser: `sgd`, `nag`, `adagrad`, `rmsprop`, `adadelta` or `adam`; with a TensorFlow file one of
    /// [`TENSORFLOW_SOLVERS`](crate::optim::TENSORFLOW_SOLVERS).
    pub solver: Option<String>,
    /// Base learning rate.
    pub lr: Option<f64>,
    /// The policy's name, one of [`Policy::NAMES`](crate::optim::schedule::Policy::NAMES).
    pub lr_policy: Option<String>,
    /// Step, sigmoid: percent of all iterations.
    pub lr_step: Option<f64>,
    /// Multistep: rising percentages.
    pub lr_steps: Option<Vec<f64>>,
    /// Step, multistep, exp, inv, sigmoid.
    pub lr_gamma: Option<f64>,
    /// Inv, poly.
    pub lr_power: Option<f64>,
    /// Torch_sgd: decay an iteration.
    pub lr_decay: Option<f64>,
    /// Momentum of sgd and nag; sgd's dampening is the same number, as in Torch. With a TensorFlow file that of momentum and
    /// rmsprop.
    pub momentum: Option<f64>,
    /// L2 penalty on every parameter.
    pub weight_decay: Option<f64>,

    /// Side of the square cut from each image, in pixels: at random in training, the middle in validation.
    pub crop: Option<i64>,
    /// Mirror train images at random.
    pub aug_flip: Option<Flip>,
    /// Turn train images by quarter turns at random.
    pub aug_quad_rot: Option<QuarterTurn>,
    /// Rotate by up to this many degrees either way.
    pub aug_rot: Option<f64>,
    /// Standard deviation of the scale, 0.1 is about 10 %.
    pub aug_scale: Option<f64>,
    /// Standard deviation of noise, as a share of 255.
    pub aug_noise: Option<f64>,
    /// Standard deviation of the hue.
    pub aug_hsv_h: Option<f64>,
    /// Standard deviation of the saturation.
    pub aug_hsv_s: Option<f64>,
    /// Standard deviation of the value.
    pub aug_hsv_v: Option<f64>,
    /// Contrast, in DIGITS' TensorFlow tool; see `Augment`.
    pub aug_contrast: Option<f64>,
    /// Whitening, likewise.
    pub aug_whitening: Option<bool>,
}

/// What may differ when a run goes on: none of these changes the numbers of the steps, but `epochs`, which the user
/// asks for, and `device` and `threads`, which may round differently.
const CHANGEABLE: [&str; 10] = [
    "epochs",
    "device",
    "threads",
    "snapshot_interval",
    "validation_interval",
    "keep",
    "early_stop",
    "memory",
    "tensorboard",
    "profile",
];

/// Where the data lies: it may have moved. That it is the same data, its fingerprint says.
pub(super) const PLACES: [&str; 7] =
    ["dataset", "train_db", "val_db", "train_labels_db", "val_labels_db", "mean", "labels"];

/// Whether a setting is the path of a file or folder, which each machine may have elsewhere.
#[must_use]
pub fn names_file(setting: &str) -> bool {
    PLACES.contains(&setting) || setting == "weights"
}

impl RunOptions {
    /// Paths made independent of the folder that the program was started in.
    ///
    /// # Errors
    /// When a path is empty.
    pub fn with_absolute_paths(mut self) -> Result<RunOptions> {
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

    /// The options of a stored run (`settings` in `job.json`) with what `given` changes.
    ///
    /// # Errors
    /// `Kind::Usage` when `given` asks for another value of something that must stay or for a path that is no text,
    /// `Kind::Job` when the stored ones are damaged.
    pub fn resumed(stored: &serde_json::Value, given: &RunOptions) -> Result<RunOptions> {
        RunOptions::resumed_by(1, stored, given)
    }

    /// As [`RunOptions::resumed`], where the run goes on in so many processes: `--batch-size` is each one's share.
    ///
    /// # Errors
    /// Those of [`RunOptions::resumed`].
    pub fn resumed_by(processes: u64, stored: &serde_json::Value, given: &RunOptions) -> Result<RunOptions> {
        let damaged = |cause: String| Error::new(Kind::Job, "the settings in job.json are damaged").with_cause(cause);
        if !stored.is_object() {
            return Err(damaged(format!("they are no object: {stored}")));
        }
        let mut merged = stored.clone();
        let has_same_steps = has_same_steps(stored, given, processes);
        let (given, given_shares) = (to_json(given)?, given.shares);
        for (key, value) in given.as_object().into_iter().flatten() {
            let old = &merged[key];
            if has_same_steps && STEP.contains(&key.as_str()) {
                continue;
            }
            if value.is_null() || *value == serde_json::Value::Bool(false) || value == old {
                continue;
            }
            if !CHANGEABLE.contains(&key.as_str()) && !PLACES.contains(&key.as_str()) {
                let flag = flag(key);
                let page = Error::new(Kind::Usage, format!("{flag} cannot change when a run goes on"));
                if key == "shares" {
                    return Err(page
                        .with_fact("the run has", step_text(stored))
                        .with_fact("it would have", format!("batches of {}", stored["batch_size"]))
                        .with_help(format!(
                            "leave {flag} out: the run goes on with the same batches in any number of processes"
                        )));
                }
                let (has, wants, help) = if key == "batch_size" {
                    let wanted = serde_json::json!({"batch_size": value, "shares": given_shares.unwrap_or(processes)});
                    let whole = step_size(stored);
                    let help = format!(
                        "leave {flag} out, say the whole batch (--batch-size {whole} --global-batch), or start a new run"
                    );
                    (step_text(stored), step_text(&wanted), help)
                } else {
                    let help = format!("leave {flag} out, or start a new run");
                    (as_written(key, old, "none"), as_written(key, value, "none"), help)
                };
                return Err(page.with_fact("the run has", has).with_fact("the command line", wants).with_help(help));
            }
            merged[key] = value.clone();
        }
        without_croplen(&mut merged);
        serde_json::from_value(merged).map_err(|cause| damaged(cause.to_string()))
    }
}

/// What makes the batch of a step.
const STEP: [&str; 2] = ["batch_size", "shares"];

/// Whether `given` says of the batch of a step what the run has, be it in other words: 2 x 12 is `--batch-size 24 --global-batch`,
/// or `--batch-size 24` of one process.
fn has_same_steps(stored: &serde_json::Value, given: &RunOptions, processes: u64) -> bool {
    let number = |name: &str| stored[name].as_u64();
    let own = given.shares.or(given.batch_size.map(|_| processes));
    let (Some(batch), Some(own)) = (number("batch_size"), own) else { return false };
    let step = batch.saturating_mul(number("shares").unwrap_or(1));
    given.batch_size.unwrap_or(batch).saturating_mul(own) == step
}

/// Samples in the batch of a step.
fn step_size(stored: &serde_json::Value) -> u64 {
    let number = |name: &str| stored[name].as_u64().unwrap_or(1);
    number("batch_size").saturating_mul(number("shares"))
}

/// The batch of a step: `batches of 24 (2 x 12)`.
fn step_text(stored: &serde_json::Value) -> String {
    let number = |name: &str| stored[name].as_u64().unwrap_or(1);
    match (number("batch_size"), number("shares")) {
        (batch, 1) => format!("batches of {batch}"),
        (batch, shares) => format!("batches of {} ({shares} x {batch})", step_size(stored)),
    }
}

/// An option as the command line has it.
pub(super) fn flag(name: &str) -> String {
    if name == "shares" { "--global-batch".into() } else { format!("--{}", name.replace('_', "-")) }
}

/// The value of option `name` as the command line has it; `nothing` where there is none.
pub(super) fn as_written(name: &str, value: &serde_json::Value, nothing: &str) -> String {
    match value {
        serde_json::Value::Null => nothing.into(),
        serde_json::Value::Bool(is_on) => if *is_on { "given" } else { "not given" }.into(),
        // A number of parts, which the command line has no word for.
        serde_json::Value::Number(_) if name == "shares" => "given".into(),
        serde_json::Value::Number(number) => number.to_string().trim_end_matches(".0").to_string(),
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Array(values) => {
            values.iter().map(|value| as_written(name, value, nothing)).collect::<Vec<_>>().join(",")
        }
        other @ serde_json::Value::Object(_) => other.to_string(),
    }
}

/// Settings in JSON without what the network file alone says, which no options have.
pub(super) fn without_croplen(settings: &mut serde_json::Value) {
    if let Some(settings) = settings.as_object_mut() {
        settings.remove("croplen");
    }
}

/// Options or settings as `job.json` and `sweep.json` keep them.
///
/// # Errors
/// `Kind::Usage` when a path among them is not UTF-8.
pub(super) fn to_json(options: &impl Serialize) -> Result<serde_json::Value> {
    serde_json::to_value(options).map_err(|cause| {
        Error::new(Kind::Usage, "an option cannot be written into a job's settings")
            .with_cause(cause.to_string())
            .with_help("rename the file or folder so that its path is UTF-8")
    })
}
