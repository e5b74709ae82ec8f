//! `RunSettings`: what holds in a run: the user's options before the network file's numbers before DIGITS' defaults, which
//! stand here and nowhere else. Written into `job.json` as `settings`, under the names of [`RunOptions`].

use std::path::PathBuf;

use serde::Serialize;

use super::options::{self, RunOptions};
use crate::{
    data::{Augment, Flip, LoaderOptions, Order, QuarterTurn, Subtract},
    error::Result,
    frontend::{Language, Settings},
    optim::{
        OptimizerSpec,
        schedule::{Policy, PolicySettings, Schedule},
    },
    train::Interval,
};

/// The settings of a run; `None` only where there is no default, or it is not a number: the meaning of each is that of its
/// namesake in [`RunOptions`].
#[derive(Debug, Clone, PartialEq, Serialize)]
#[expect(missing_docs, reason = "each other field is described in RunOptions")]
pub struct RunSettings {
    pub dataset: Option<PathBuf>,
    pub train_db: Option<PathBuf>,
    pub val_db: Option<PathBuf>,
    pub train_labels_db: Option<PathBuf>,
    pub val_labels_db: Option<PathBuf>,
    pub mean: Option<PathBuf>,
    pub labels: Option<PathBuf>,
    pub weights: Option<PathBuf>,
    pub subtract_mean: Subtract,
    pub shuffle: Order,
    /// MiB
    pub memory: u64,

    pub epochs: u64,
    pub batch_size: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shares: Option<u64>,
    pub validation_batch_size: u64,
    pub seed: u64,
    pub validation_interval: f64,
    pub snapshot_interval: Interval,
    pub keep: Option<u64>,
    pub early_stop: Option<u64>,
    pub tensorboard: bool,
    pub profile: Option<u64>,
    pub device: String,
    pub threads: Option<u64>,
    pub double: bool,
    pub autograd: bool,
    pub tf32: bool,
    pub tf_regularize: bool,
    pub tf_across_epochs: bool,
    /// The network file's, which decides whose solver is meant.
    #[serde(skip)]
    pub language: Language,

    pub solver: String,
    pub lr: f64,
    pub lr_policy: String,
    /// These five: `None` where the policy has no such setting, or takes Torch's own.
    pub lr_step: Option<f64>,
    pub lr_steps: Option<Vec<f64>>,
    pub lr_gamma: Option<f64>,
    pub lr_power: Option<f64>,
    pub lr_decay: Option<f64>,
    pub momentum: f64,
    pub weight_decay: f64,

    pub crop: Option<i64>,
    /// The network file's, which counts without `crop` and leaves `params.inputShape` as it is.
    pub croplen: Option<i64>,
    pub aug_flip: Flip,
    pub aug_quad_rot: QuarterTurn,
    pub aug_rot: f64,
    pub aug_scale: f64,
    pub aug_noise: f64,
    pub aug_hsv_h: f64,
    pub aug_hsv_s: f64,
    pub aug_hsv_v: f64,
    pub aug_contrast: f64,
    pub aug_whitening: bool,
}

/// Bytes.
const MIB: u64 = 1 << 20;

/// DIGITS' settings of a learning rate policy.
#[derive(Default)]
struct PolicyDefaults {
    step: Option<f64>,
    steps: Option<Vec<f64>>,
    gamma: Option<f64>,
    power: Option<f64>,
}

impl PolicyDefaults {
    fn of(policy: &str) -> PolicyDefaults {
        let none = PolicyDefaults::default();
        match policy {
            "step" => PolicyDefaults { step: Some(33.0), gamma: Some(0.1), ..none },
            "sigmoid" => PolicyDefaults { step: Some(50.0), gamma: Some(0.1), ..none },
            "multistep" => PolicyDefaults { steps: Some(vec![50.0, 85.0]), gamma: Some(0.5), ..none },
            "exp" => PolicyDefaults { gamma: Some(0.95), ..none },
            "inv" => PolicyDefaults { gamma: Some(0.1), power: Some(0.5), ..none },
            "poly" => PolicyDefaults { power: Some(3.0), ..none },
            _ => none,
        }
    }
}

impl RunSettings {
    /// What `options` come to with a network file that says `file`; before the file has run, nothing.
    #[must_use]
    pub fn of(options: &RunOptions, file: &Settings) -> RunSettings {
        let of_file = |size: Option<i64>| size.and_then(|size| u64::try_from(size).ok());
        let loader = LoaderOptions::default();
        let size = |given: Option<u64>, size: Option<i64>| given.or(of_file(size)).unwrap_or(loader.batch_size as u64);
        let rule = OptimizerSpec::default();
        let unchanged = Augment::default();
        let lr_policy = options.lr_policy.clone().unwrap_or_else(|| "step".into());
        let policy = PolicyDefaults::of(&lr_policy);
        let RunOptions { dataset, train_db, val_db, train_labels_db, val_labels_db, mean, labels, weights, .. } =
            options.clone();
        RunSettings {
            dataset,
            train_db,
            val_db,
            train_labels_db,
            val_labels_db,
            mean,
            labels,
            weights,
            subtract_mean: options.subtract_mean.unwrap_or_default(),
            shuffle: options.shuffle.unwrap_or_default(),
            memory: options.memory.unwrap_or(loader.memory_budget / MIB),
            epochs: options.epochs.unwrap_or(30),
            batch_size: size(options.batch_size, file.train_batch_size),
            shares: options.shares,
            validation_batch_size: size(
                options.validation_batch_size.or(options.batch_size),
                file.validation_batch_size,
            ),
            seed: options.seed.unwrap_or(1),
            validation_interval: options.validation_interval.unwrap_or(1.0),
            snapshot_interval: options.snapshot_interval.unwrap_or(Interval::Epochs(1.0)),
            keep: options.keep,
            early_stop: options.early_stop,
            tensorboard: options.tensorboard,
            profile: options.profile,
            device: options.device.clone().unwrap_or_else(|| "auto".into()),
            threads: options.threads,
            double: options.double,
            autograd: options.autograd,
            tf32: options.tf32,
            tf_regularize: options.tf_regularize,
            tf_across_epochs: options.tf_across_epochs,
            language: file.language,
            solver: options.solver.clone().unwrap_or_else(|| rule.kind.to_string()),
            lr: options.lr.unwrap_or(0.01),
            lr_policy,
            lr_step: options.lr_step.or(policy.step),
            lr_steps: options.lr_steps.clone().or(policy.steps),
            lr_gamma: options.lr_gamma.or(policy.gamma),
            lr_power: options.lr_power.or(policy.power),
            lr_decay: options.lr_decay,
            momentum: options.momentum.unwrap_or(rule.momentum),
            weight_decay: options.weight_decay.unwrap_or(match file.language {
                Language::Lua => rule.weight_decay,
                Language::Python => 0.0,
            }),
            crop: options.crop,
            croplen: file.croplen,
            aug_flip: options.aug_flip.unwrap_or(unchanged.flip),
            aug_quad_rot: options.aug_quad_rot.unwrap_or(unchanged.quarter_turn),
            aug_rot: options.aug_rot.unwrap_or(unchanged.rotate),
            aug_scale: options.aug_scale.unwrap_or(unchanged.scale),
            aug_noise: options.aug_noise.unwrap_or(unchanged.noise),
            aug_hsv_h: options.aug_hsv_h.unwrap_or(unchanged.hue),
            aug_hsv_s: options.aug_hsv_s.unwrap_or(unchanged.saturation),
            aug_hsv_v: options.aug_hsv_v.unwrap_or(unchanged.value),
            aug_contrast: options.aug_contrast.unwrap_or(unchanged.contrast),
            aug_whitening: options.aug_whitening.unwrap_or(unchanged.whitening),
        }
    }

    /// The options that come to these settings with any network file of the same `croplen`.
    ///
    /// # Errors
    /// As [`RunSettings::to_json`].
    pub(super) fn to_options(&self) -> Result<RunOptions> {
        let mut settings = self.to_json()?;
        options::without_croplen(&mut settings);
        Ok(serde_json::from_value(settings).expect("settings have the names and types of the options"))
    }

    /// `settings` in `job.json`.
    ///
    /// # Errors
    /// `Kind::Usage` when a path is not UTF-8.
    pub fn to_json(&self) -> Result<serde_json::Value> {
        options::to_json(self)
    }

    /// Images a step, in all processes together.
    #[must_use]
    pub fn step_size(&self) -> u64 {
        self.batch_size.saturating_mul(self.shares.unwrap_or(1))
    }

    /// The optimiser.
    ///
    /// # Errors
    /// When there is none of that name.
    pub fn optimizer(&self) -> Result<OptimizerSpec> {
        if self.language == Language::Python {
            let rule = OptimizerSpec::tensorflow(&self.solver, self.momentum)?;
            return Ok(OptimizerSpec { weight_decay: self.weight_decay, ..rule });
        }
        Ok(OptimizerSpec {
            kind: self.solver.parse()?,
            momentum: self.momentum,
            weight_decay: self.weight_decay,
            ..OptimizerSpec::default()
        })
    }

    /// The learning rate and its policy.
    ///
    /// # Errors
    /// When there is none of that name, or it lacks a setting.
    pub fn schedule(&self) -> Result<Schedule> {
        let one = self.lr_step.map(|step| vec![step]);
        let is_list = self.lr_policy == "multistep";
        let steps = if is_list { self.lr_steps.clone() } else { one.or_else(|| self.lr_steps.clone()) };
        let settings = PolicySettings {
            gamma: self.lr_gamma,
            power: self.lr_power,
            steps: steps.unwrap_or_default(),
            decay: self.lr_decay,
        };
        Ok(Schedule { base: self.lr, policy: Policy::named(&self.lr_policy, &settings)? })
    }

    /// The side of the square that is cut out: the user's, or the network file's.
    #[must_use]
    pub fn cut(&self) -> Option<i64> {
        self.crop.or(self.croplen)
    }

    /// The random changes of train images.
    #[must_use]
    pub fn augment(&self) -> Augment {
        Augment {
            flip: self.aug_flip,
            quarter_turn: self.aug_quad_rot,
            rotate: self.aug_rot,
            scale: self.aug_scale,
            noise: self.aug_noise,
            hue: self.aug_hsv_h,
            saturation: self.aug_hsv_s,
            value: self.aug_hsv_v,
            contrast: self.aug_contrast,
            whitening: self.aug_whitening,
        }
    }

    /// Bytes of decoded records that the loaders may keep.
    #[must_use]
    pub fn memory_budget(&self) -> u64 {
        self.memory.saturating_mul(MIB)
    }

    /// The type of all numbers: f32 or f64.
    #[must_use]
    pub fn kind(&self) -> tch::Kind {
        if self.double { tch::Kind::Double } else { tch::Kind::Float }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Kind;

    fn settings(options: &RunOptions) -> RunSettings {
        RunSettings::of(options, &Settings::default())
    }

    #[test]
    fn every_policy_has_digits_defaults() {
        for name in Policy::NAMES {
            let options = RunOptions { lr_policy: Some(name.into()), ..RunOptions::default() };
            settings(&options).schedule().unwrap();
        }
        let default = settings(&RunOptions::default()).schedule().unwrap();
        assert_eq!(default, Schedule { base: 0.01, policy: Policy::Step { gamma: 0.1, steps: vec![33.0] } });
    }

    #[test]
    fn a_resume_takes_more_epochs_but_no_other_rate() {
        let stored = settings(&RunOptions::default()).to_json().unwrap();
        let more = RunOptions { epochs: Some(60), lr: Some(0.01), ..RunOptions::default() };
        assert_eq!(RunOptions::resumed(&stored, &more).unwrap().epochs, Some(60));
        let other = RunOptions { lr: Some(0.1), ..RunOptions::default() };
        let page = RunOptions::resumed(&stored, &other).unwrap_err();
        assert_eq!(page.message(), "--lr cannot change when a run goes on");
        assert_eq!(RunOptions::resumed(&serde_json::json!(3), &more).unwrap_err().kind(), Kind::Job);
    }

    #[test]
    fn a_resume_compares_batches_as_the_user_writes_them() {
        let begun = |batch, shares| {
            settings(&RunOptions { batch_size: Some(batch), shares, ..RunOptions::default() }).to_json().unwrap()
        };
        let whole = |batch_size| RunOptions { batch_size, shares: Some(1), ..RunOptions::default() };
        // One process, and the same in other words.
        assert_eq!(RunOptions::resumed(&begun(24, None), &whole(None)).unwrap().batch_size, Some(24));
        assert_eq!(RunOptions::resumed(&begun(24, Some(1)), &whole(Some(24))).unwrap().shares, Some(1));
        let same = RunOptions::resumed(&begun(12, Some(2)), &whole(Some(24))).unwrap();
        assert_eq!((same.batch_size, same.shares), (Some(12), Some(2)));
        let page = RunOptions::resumed(&begun(12, Some(2)), &whole(None)).unwrap_err().to_string();
        assert!(page.contains("--global-batch cannot change when a run goes on"), "{page}");
        assert!(page.contains("batches of 24 (2 x 12)") && page.contains("batches of 12\n"), "{page}");
        // A share of each of so many processes.
        let each = |batch_size| RunOptions { batch_size: Some(batch_size), ..RunOptions::default() };
        for (processes, batch_size) in [(1, 24), (2, 12), (3, 8), (3, 12)] {
            let same = RunOptions::resumed_by(processes, &begun(12, Some(2)), &each(batch_size)).unwrap();
            assert_eq!((same.batch_size, same.shares), (Some(12), Some(2)));
        }
        assert!(RunOptions::resumed_by(3, &begun(12, Some(2)), &each(24)).is_err());
        let other = RunOptions { batch_size: Some(6), ..RunOptions::default() };
        let page = RunOptions::resumed(&begun(12, Some(2)), &other).unwrap_err().to_string();
        assert!(page.contains("batches of 24 (2 x 12)"), "{page}");
        let steps = RunOptions { lr_steps: Some(vec![50.0, 62.5]), ..RunOptions::default() };
        let page = RunOptions::resumed(&begun(12, None), &steps).unwrap_err().to_string();
        assert!(page.contains("the run has       none\n  the command line  50,62.5"), "{page}");
    }

    #[test]
    fn the_user_counts_before_the_file_and_the_file_before_digits() {
        let sizes = |given: Option<u64>, train: Option<i64>, validation: Option<i64>| {
            let file = Settings { train_batch_size: train, validation_batch_size: validation, ..Settings::default() };
            let settings = RunSettings::of(&RunOptions { batch_size: given, ..RunOptions::default() }, &file);
            (settings.batch_size, settings.validation_batch_size)
        };
        assert_eq!(sizes(None, None, None), (16, 16));
        assert_eq!(sizes(None, Some(64), Some(32)), (64, 32));
        assert_eq!(sizes(None, Some(64), None), (64, 16));
        assert_eq!(sizes(Some(8), Some(64), Some(32)), (8, 8));
    }

    /// `job.json` is read as options: a field of the one is a field of the other, in the same order, but for `croplen`.
    #[test]
    fn settings_have_the_names_of_the_options_and_read_back() {
        let names = |value: serde_json::Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>();
        let all = settings(&RunOptions { lr_policy: Some("poly".into()), keep: Some(2), ..RunOptions::default() });
        let mut of_settings = names(all.to_json().unwrap());
        of_settings.retain(|name| name != "croplen");
        assert_eq!(of_settings, names(serde_json::to_value(RunOptions::default()).unwrap()));
        assert!(serde_json::from_str::<RunOptions>(r#"{"croplen": 24}"#).is_err(), "only a network file says it");
        assert_eq!(settings(&all.to_options().unwrap()), all);
    }

    #[test]
    fn a_path_that_is_no_text_is_a_page() {
        use std::os::unix::ffi::OsStringExt as _;
        let dataset = Some(std::ffi::OsString::from_vec(b"/data/\xff".to_vec()).into());
        let options = RunOptions { dataset, ..RunOptions::default() };
        assert_eq!(settings(&options).to_json().unwrap_err().kind(), Kind::Usage);
        let stored = settings(&RunOptions::default()).to_json().unwrap();
        assert_eq!(RunOptions::resumed(&stored, &options).unwrap_err().kind(), Kind::Usage);
    }

    /// As versions before this one wrote it: augmentation that was not asked for is null.
    #[test]
    fn the_settings_of_an_older_job_are_read() {
        let mut stored = settings(&RunOptions::default()).to_json().unwrap();
        for name in ["aug_flip", "aug_quad_rot", "aug_rot", "aug_scale", "aug_noise"] {
            stored[name] = serde_json::Value::Null;
        }
        let options = RunOptions::resumed(&stored, &RunOptions::default()).unwrap();
        assert_eq!(settings(&options), settings(&RunOptions::default()));
    }
}
