//! How much may be asked of a run: each bound once, for the command line, its settings and the studio; and
//! [`RunSettings::check`], which holds a run to them.

use super::settings::RunSettings;
use crate::{
    data::create,
    error::{Error, Kind, Result},
    torch::device::DeviceChoice,
};

/// Passes over the train records; and what is counted in them.
pub const EPOCHS: u64 = 1_000_000;
/// Images a step: with [`EPOCHS`] and records counted in 32 bits, iterations and images stay below 64.
pub const BATCH: u64 = 1_000_000;
/// Threads of the computation.
pub const THREADS: u64 = 1024;
/// Steps that are timed for a profile.
pub const PROFILED: u64 = 1_000_000;
/// Side of an image, pixels.
pub const SIDE: u64 = create::SIDE.unsigned_abs();
/// Jobs of one sweep.
pub const VARIANTS: usize = 100;

impl RunSettings {
    /// Refuses numbers and combinations of databases that no run can have. The command line refuses them with its own
    /// words; another door may not.
    ///
    /// # Errors
    /// `Kind::Usage`; the page names the setting.
    pub fn check(&self) -> Result<()> {
        self.check_data()?;
        let page = |name: &str, value: String, wanted: &str| {
            Err(Error::new(Kind::Usage, format!("{name} is {value}")).with_fact("it must be", wanted))
        };
        let counts = [
            ("epochs", Some(self.epochs), EPOCHS),
            ("batch_size", Some(self.batch_size), BATCH),
            ("batch_size of all processes", Some(self.step_size()), BATCH),
            ("validation_batch_size", Some(self.validation_batch_size), BATCH),
            ("keep", self.keep, EPOCHS),
            ("early_stop", self.early_stop, EPOCHS),
            ("threads", self.threads, THREADS),
            ("profile", self.profile, PROFILED),
            ("crop", self.crop.map(|side| u64::try_from(side).unwrap_or(0)), SIDE),
        ];
        for (name, value, most) in counts {
            if let Some(value) = value.filter(|value| !(1..=most).contains(value)) {
                return page(name, value.to_string(), &format!("a whole number from 1 to {most}"));
            }
        }
        let amounts = [
            ("validation_interval", self.validation_interval),
            ("snapshot_interval", self.snapshot_interval.epochs()),
            ("lr", self.lr),
            ("lr_gamma", self.lr_gamma.unwrap_or(0.0)),
            ("lr_power", self.lr_power.unwrap_or(0.0)),
            ("lr_decay", self.lr_decay.unwrap_or(0.0)),
            ("momentum", self.momentum),
            ("weight_decay", self.weight_decay),
            ("aug_rot", self.aug_rot),
            ("aug_scale", self.aug_scale),
            ("aug_noise", self.aug_noise),
            ("aug_hsv_h", self.aug_hsv_h),
            ("aug_hsv_s", self.aug_hsv_s),
            ("aug_hsv_v", self.aug_hsv_v),
            ("aug_contrast", self.aug_contrast),
        ];
        self.device.parse::<DeviceChoice>()?;
        match amounts.into_iter().find(|(_, value)| !value.is_finite() || *value < 0.0) {
            Some((name, value)) => page(name, value.to_string(), "a finite number of at least 0"),
            None => Ok(()),
        }
    }

    /// Refuses data that is named twice, or belongs to a database that is not named.
    fn check_data(&self) -> Result<()> {
        let needs = |name: &str, needed: &str| {
            Err(Error::new(Kind::Usage, format!("{name} is given without {needed}"))
                .with_help(format!("give {needed} too, or leave {name} out")))
        };
        if self.dataset.is_some() && self.train_db.is_some() {
            return Err(Error::new(Kind::Usage, "dataset and train_db are both given")
                .with_help("name a dataset folder, or the databases"));
        }
        let of_databases = [
            ("val_db", &self.val_db),
            ("train_labels_db", &self.train_labels_db),
            ("mean", &self.mean),
            ("labels", &self.labels),
        ];
        match of_databases.into_iter().find(|(_, path)| path.is_some() && self.train_db.is_none()) {
            Some((name, _)) => needs(name, "train_db"),
            None if self.val_labels_db.is_some() && self.val_db.is_none() => needs("val_labels_db", "val_db"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{frontend::Settings, tasks::RunOptions};

    fn settings(options: &RunOptions) -> RunSettings {
        RunSettings::of(options, &Settings::default())
    }

    #[test]
    fn numbers_that_no_run_can_have_are_a_page() {
        settings(&RunOptions::default()).check().unwrap();
        let none = RunOptions::default;
        for (name, options) in [
            ("epochs", RunOptions { epochs: Some(0), ..none() }),
            ("epochs", RunOptions { epochs: Some(EPOCHS + 1), ..none() }),
            ("epochs", RunOptions { epochs: Some(u64::MAX), ..none() }),
            ("threads", RunOptions { threads: Some(1 << 20), ..none() }),
            ("batch_size", RunOptions { batch_size: Some(0), ..none() }),
            ("crop", RunOptions { crop: Some(-3), ..none() }),
            ("lr", RunOptions { lr: Some(f64::NAN), ..none() }),
            ("aug_rot", RunOptions { aug_rot: Some(-1.0), ..none() }),
        ] {
            let page = settings(&options).check().unwrap_err();
            assert!(page.message().starts_with(&format!("{name} is ")), "{page}");
        }
        settings(&RunOptions { epochs: Some(EPOCHS), ..none() }).check().unwrap();
        for device in ["gpu", "cuda:", "cuda:-1", "cpu\n", ""] {
            let page = settings(&RunOptions { device: Some(device.into()), ..none() }).check().unwrap_err();
            assert_eq!(page.message(), format!("'{}' is not a device", device.escape_debug()));
        }
    }

    #[test]
    fn data_that_is_named_twice_or_belongs_to_no_database_is_a_page() {
        for (options, words) in [
            (r#"{"dataset": "d", "train_db": "t"}"#, "dataset and train_db are both given"),
            (r#"{"val_db": "v"}"#, "val_db is given without train_db"),
            (r#"{"dataset": "d", "val_db": "v"}"#, "val_db is given without train_db"),
            (r#"{"train_labels_db": "l"}"#, "train_labels_db is given without train_db"),
            (r#"{"train_db": "t", "val_labels_db": "l"}"#, "val_labels_db is given without val_db"),
            (r#"{"mean": "m"}"#, "mean is given without train_db"),
            (r#"{"labels": "l"}"#, "labels is given without train_db"),
        ] {
            let page = settings(&serde_json::from_str(options).unwrap()).check().unwrap_err();
            assert_eq!((page.kind(), page.message()), (Kind::Usage, words));
        }
        let whole = r#"{"train_db": "t", "val_db": "v", "train_labels_db": "a", "val_labels_db": "b", "mean": "m"}"#;
        settings(&serde_json::from_str(whole).unwrap()).check().unwrap();
    }
}
