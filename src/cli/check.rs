//! `digits-rs check FILE`: loads a network file, prints it and the table of its layers, touching no data.

use std::path::{Path, PathBuf};

use crate::{
    data::Dataset,
    error::{Error, Kind, Result},
    frontend::{self, NetworkParams, Source, lua::vm::VmOptions},
    inspect::network::{FileSettings, NetworkSummary, fixed_input, summarize},
    nn::Network,
};

/// Arguments of `check`.
#[derive(Debug, Clone, clap::Args)]
pub struct Check {
    /// The network file, or - for standard input
    pub file: PathBuf,
    /// Shape of one sample, channels first: 1x28x28
    #[arg(long, value_name = "CxHxW", value_parser = parse_shape)]
    pub input_shape: Option<SampleShape>,
    /// A dataset folder to take shape and number of classes from
    #[arg(long, value_name = "DIR", conflicts_with = "input_shape")]
    pub dataset: Option<PathBuf>,
    /// Number of classes (params.nclasses)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..))]
    pub nclasses: Option<i64>,
    /// Batch size that shapes, operations and memory are for
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(i64).range(1..))]
    pub batch: i64,
    /// Print JSON instead of text
    #[arg(long)]
    pub json: bool,
}

/// Runs the command.
///
/// # Errors
/// As [`Check::run`].
pub fn run(args: &Check) -> Result<()> {
    let text = args.run(
        |dir| {
            let dataset = Dataset::open(dir)?;
            let classes = (!dataset.labels.is_empty()).then_some(dataset.labels.len() as i64);
            Ok((dataset.shape.to_vec(), classes))
        },
        |request| {
            let shape = request.input_shape.and_then(|shape| <[i64; 3]>::try_from(shape).ok());
            let params = NetworkParams { nclasses: request.nclasses, ngpus: 0, input_shape: shape };
            let loaded = frontend::load(Source::read(request.file)?, &params, VmOptions::default(), 1)?;
            Ok(Loaded {
                network: loaded.lower(tch::Kind::Float, tch::Device::Cpu)?,
                settings: FileSettings {
                    train_batch_size: loaded.settings.train_batch_size,
                    validation_batch_size: loaded.settings.validation_batch_size,
                    croplen: loaded.settings.croplen,
                    label_hook: loaded.has_label_hook(),
                    fine_tune_hook: loaded.has_fine_tune_hook(),
                },
                printed: loaded.printed,
            })
        },
    )?;
    super::report::line(&text);
    Ok(())
}

/// Sizes of one sample, `[c, h, w]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SampleShape(pub Vec<i64>);

/// What the front end is asked for.
#[derive(Debug)]
pub struct Request<'a> {
    /// The network file.
    pub file: &'a Path,
    /// `params.inputShape`, nil when absent.
    pub input_shape: Option<&'a [i64]>,
    /// `params.nclasses`, nil when absent.
    pub nclasses: Option<i64>,
}

/// What the front end gives: the lowered network, its printed form, and the rest of the returned table.
pub struct Loaded {
    /// The network, on the processor.
    pub network: Network,
    /// As Torch prints it.
    pub printed: String,
    /// Batch sizes, crop, hooks.
    pub settings: FileSettings,
}

impl Check {
    /// The page to print. `dataset` reads sample shape and number of classes from a dataset folder, `load` is the
    /// front end.
    ///
    /// # Errors
    /// When the file does not load, or a layer refuses the shape: its error page.
    pub fn run(
        &self,
        dataset: impl FnOnce(&Path) -> Result<(Vec<i64>, Option<i64>)>,
        load: impl FnOnce(&Request<'_>) -> Result<Loaded>,
    ) -> Result<String> {
        let (mut shape, mut source) = (self.input_shape.clone().map(|s| s.0), "from --input-shape".to_string());
        let mut nclasses = self.nclasses;
        if let Some(dir) = &self.dataset {
            let (sample, classes) = dataset(dir)?;
            (shape, source) = (Some(sample), format!("from {}", dir.display()));
            nclasses = nclasses.or(classes);
        }
        let loaded = load(&Request { file: &self.file, input_shape: shape.as_deref(), nclasses })?;
        if let (Some([_, height, width]), Some(crop)) = (shape.as_deref_mut(), loaded.settings.croplen) {
            (*height, *width) = (crop, crop);
            source += &format!(", cropped to {crop}");
        }
        if shape.is_none() {
            (shape, source) = match fixed_input(&loaded.network) {
                Some((shape, why)) => (Some(shape), why),
                None => (None, "shapes are unknown: give --input-shape 1x28x28 or --dataset DIR".into()),
            };
        }
        let batch = shape.map(|shape| [&[self.batch], shape.as_slice()].concat());
        let summary = summarize(&loaded.network, loaded.printed, batch.as_deref(), source, loaded.settings)?;
        self.render(&summary)
    }

    fn render(&self, summary: &NetworkSummary) -> Result<String> {
        if !self.json {
            return Ok(summary.text());
        }
        serde_json::to_string_pretty(summary).map_err(|source| Error::new(Kind::Io, source.to_string()))
    }
}

fn parse_shape(text: &str) -> Result<SampleShape, String> {
    let sizes: Option<Vec<i64>> =
        text.split(['x', 'X', '×', ',']).map(|part| part.trim().parse().ok().filter(|size| *size > 0)).collect();
    // Larger products are typing errors; they would only exhaust the memory.
    let fits = |sizes: &[i64]| sizes.iter().try_fold(1i64, |n, s| n.checked_mul(*s)).is_some_and(|n| n <= 1 << 28);
    sizes.filter(|sizes| fits(sizes)).map(SampleShape).ok_or_else(|| "write channels, height and width: 1x28x28".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    fn check() -> Check {
        Check { file: "toy.lua".into(), input_shape: None, dataset: None, nclasses: None, batch: 2, json: false }
    }

    fn load(_: &Request<'_>) -> Result<Loaded> {
        Ok(Loaded { network: toy::classifier(), printed: "nn.Sequential".into(), settings: FileSettings::default() })
    }

    #[test]
    fn shapes_come_from_the_option_the_dataset_or_the_first_layer() {
        let no_dataset = |_: &Path| panic!("not asked for");
        let mut args = check();
        assert!(args.run(no_dataset, load).unwrap().contains("input [2, 1, 4, 4], taken from nn.Linear(16 -> 7)"));
        args.input_shape = Some(SampleShape(vec![1, 2, 8]));
        assert!(args.run(no_dataset, load).unwrap().contains("input [2, 1, 2, 8], from --input-shape"));
        let mut args = check();
        args.dataset = Some("mnist".into());
        args.json = true;
        let answer = args
            .run(
                |_| Ok((vec![1, 4, 4], Some(7))),
                |request| {
                    assert_eq!((request.input_shape, request.nclasses), (Some(&[1, 4, 4][..]), Some(7)));
                    load(request)
                },
            )
            .unwrap();
        let json: serde_json::Value = serde_json::from_str(&answer).unwrap();
        assert_eq!(json["totals"]["parameters"], 119);
    }

    #[test]
    fn shapes_are_read_and_nonsense_is_refused() {
        assert_eq!(parse_shape("1x28x28"), Ok(SampleShape(vec![1, 28, 28])));
        for bad in ["", "1x0x3", "1x-2x3", "a", "1xx3", "9999999x9999999x9999999"] {
            assert!(parse_shape(bad).is_err(), "{bad}");
        }
    }
}
