//! Looking at a network without data: its printed form and the table of its layers.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{
    file_settings::file_settings, gradients::gradients, heard::Heard, observer::Observer, panic, prepare::RecordFacts,
    sample_shape::SampleShape,
};
use crate::{
    data::{Dataset, sample, shape_text},
    error::{Error, Kind, Result},
    frontend::{LabelShape, NetworkFile, NetworkParams, Purpose, Ready, Source},
    inspect::network::{NetworkSummary, fixed_input, summarize},
    nn::{Activity, Context, Mode, Network},
};

/// What is known about the data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CheckRequest {
    /// Shape of one sample, channels first.
    pub input_shape: Option<SampleShape>,
    /// A dataset folder to take shape and number of classes from; it counts more than `input_shape`.
    pub dataset: Option<PathBuf>,
    /// Number of classes (`params.nclasses`); by default the dataset's.
    pub nclasses: Option<i64>,
    /// Batch size that shapes, operations and memory are for.
    pub batch: i64,
    /// Compare the gradients that code of the file computes with finite differences.
    pub gradients: bool,
}

impl Default for CheckRequest {
    fn default() -> CheckRequest {
        CheckRequest { input_shape: None, dataset: None, nclasses: None, batch: 1, gradients: false }
    }
}

/// The shape of a sample, where it is known, and where from, in words.
struct Sample {
    shape: Option<Vec<i64>>,
    source: String,
}

/// Runs the network file and describes its network, layer by layer.
///
/// # Errors
/// When the file does not load, or a layer refuses the shape: its error page. A wrong gradient is no error here: its page
/// stands in the summary.
pub fn check(file: Source, request: &CheckRequest, observer: &mut dyn Observer) -> Result<NetworkSummary> {
    let heard = Heard::new();
    let found = panic::guarded(|| {
        if request.batch < 1 || request.nclasses.is_some_and(|classes| classes < 1) {
            return Err(Error::new(Kind::Usage, "batch size and number of classes are 1 at least"));
        }
        let (mut sample, classes, labels) = given(request)?;
        let nclasses = request.nclasses.or(classes);
        let input_shape = sample.shape.as_deref().and_then(|shape| <[i64; 3]>::try_from(shape).ok());
        let params = NetworkParams { nclasses, ngpus: 0, input_shape, labels };
        let mut takes_sample = false;
        let loaded = match NetworkFile::load(file.clone(), &params, heard.output(), 1) {
            Err(page) if sample.shape.is_none() => {
                let loaded = with_run_s_sample(file, params, page, &heard)?;
                observer.warning(&format!(
                    "the file needs the images' shape: it is shown for the {} of the built-in sample, which `run` takes too; \
                     give --input-shape or --dataset",
                    shape_text(sample::SHAPE)
                ));
                takes_sample = true;
                sample = Sample { shape: Some(sample::SHAPE.to_vec()), source: "that of the built-in sample".into() };
                loaded
            }
            loaded => loaded?,
        };
        loaded.warnings().iter().for_each(|sentence| observer.warning(sentence));
        let Ready { network, label_hook, .. } = loaded.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu)?;
        if let (Some([_, height, width]), Some(crop)) = (sample.shape.as_deref_mut(), loaded.settings().croplen) {
            (*height, *width) = (crop, crop);
            sample.source += &format!(", cropped to {crop}");
        }
        if sample.shape.is_none() {
            sample = match fixed_input(&network) {
                Some((shape, source)) => Sample { shape: Some(shape), source },
                None => Sample {
                    shape: None,
                    source: "shapes are unknown: give --input-shape 1x28x28 or --dataset DIR".into(),
                },
            };
        }
        if nclasses.is_none() && !takes_sample && label_hook.is_none() && network.scores().is_some() {
            observer.warning(
                "params.nclasses is nil: a network that asks for it is shown as without classes; give --nclasses N",
            );
        }
        if let Some(shape) = &sample.shape {
            two_samples(&network, shape, label_hook.is_some())?;
        }
        let batch = sample.shape.as_deref().map(|shape| [&[request.batch], shape].concat());
        let settings = file_settings(&loaded);
        let mut summary = summarize(&network, loaded.printed(), batch.as_deref(), sample.source, settings)?;
        if request.gradients {
            summary.gradients = Some(gradients(&loaded, sample.shape.as_deref())?);
        }
        Ok(summary)
    });
    heard.tell_all(observer);
    found
}

/// The file once more with what `run` tells it where no dataset is named; the first page where that fails as well.
fn with_run_s_sample(file: Source, params: NetworkParams, page: Error, heard: &Heard) -> Result<NetworkFile> {
    // What does not end, or is no program at all, is no question of shapes.
    if matches!(page.kind(), Kind::Limit | Kind::Interrupted | Kind::Usage) {
        return Err(page);
    }
    heard.forget();
    let nclasses = params.nclasses.or(Some(sample::CLASSES));
    let params = NetworkParams { nclasses, input_shape: Some(sample::SHAPE), ..params };
    NetworkFile::load(file, &params, heard.output(), 1).map_err(|_| page)
}

/// Runs two samples at once: a layer that takes the batch for a part of the sample, such as `nn.View(28, 28)`, does well
/// with one, and `nn.View(-1, 392)` makes two answers of each sample, for which there is one label. A hook may see to that.
fn two_samples(network: &Network, shape: &[i64], has_hook: bool) -> Result<()> {
    let size = [&[2], shape].concat();
    let batch = tch::Tensor::f_zeros(size, (network.kind, network.device))?;
    let run = |input: tch::Tensor| tch::no_grad(|| network.forward(&input.into(), &mut Context::new(Mode::Evaluate)));
    let help = "a layer above takes the batch for a part of the sample: nn.View(-1):setNumInputDims(3) keeps it apart";
    match run(batch.shallow_clone()) {
        Ok(Activity::Tensor(two)) => {
            let Ok(Activity::Tensor(one)) = run(batch.f_narrow(0, 0, 1)?) else { return Ok(()) };
            let (one, two) = (one.size(), two.size());
            let page = |help: &str| {
                Error::new(Kind::Shape, "the output of two samples is not two outputs")
                    .with_fact("of one sample it is", format!("{one:?}"))
                    .with_fact("of two samples", format!("{two:?}"))
                    .with_help(help)
            };
            let has_classes = one.len() == 2 && two.len() == 2 && network.scores().is_some();
            match (one.first(), two.first()) {
                (Some(1), Some(rows)) if *rows != 2 => Err(page(
                    "a layer takes the batch for a part of the sample: look for one that sums, averages or reshapes over the first dimension",
                )),
                (Some(parts), Some(rows)) if has_classes && !has_hook && *parts > 1 && *rows == 2 * parts => Err(page(
                    "a layer cuts a sample into several, each with an answer of its own, for which there is one label: look for an nn.View or nn.Reshape that names fewer numbers than a sample has",
                )),
                _ => Ok(()),
            }
        }
        // What refuses one sample too has its page from the table of layers.
        Err(page) if run(batch.f_narrow(0, 0, 1)?).is_ok() => Err(page
            .with_fact("the batch", "two samples; with one sample alone the network runs")
            .with_better_help(help)),
        _ => Ok(()),
    }
}

/// The sample, the number of classes and the labels that the request knows.
fn given(request: &CheckRequest) -> Result<(Sample, Option<i64>, LabelShape)> {
    let Some(dir) = &request.dataset else {
        let shape = request.input_shape.as_ref().map(|shape| shape.sizes().to_vec());
        return Ok((Sample { shape, source: "from --input-shape".into() }, None, LabelShape::Unknown));
    };
    let RecordFacts { shape, classes, labels } = RecordFacts::of(&Dataset::open(dir)?)?;
    Ok((Sample { shape: Some(shape.to_vec()), source: format!("from {}", dir.display()) }, classes, labels))
}

#[cfg(test)]
mod tests {
    use super::{super::observer::Unobserved, *};
    use crate::data::{
        Encoding, Image, Resize, Silent,
        create::{CreateOptions, create},
        folder::{Item, Lists},
    };

    fn summary(request: &CheckRequest, croplen: &str) -> NetworkSummary {
        let text = format!(
            "return function(params)\n\
             local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(16, params.nclasses or 7))\n\
             return {{ model = net:add(nn.LogSoftMax()), croplen = {croplen} }}\nend\n"
        );
        check(Source::pasted("toy.lua", &text), request, &mut Unobserved).unwrap()
    }

    #[test]
    fn shapes_come_from_the_request_the_dataset_or_the_first_layer() {
        let mut request = CheckRequest { batch: 2, ..CheckRequest::default() };
        let found = summary(&request, "nil");
        assert_eq!(found.input, Some(vec![2, 1, 4, 4]));
        assert!(found.input_source.starts_with("taken from nn.Linear(16 -> 7)"), "{}", found.input_source);
        request.input_shape = Some("1x2x8".parse().unwrap());
        let found = summary(&request, "nil");
        assert_eq!((found.input, found.input_source.as_str()), (Some(vec![2, 1, 2, 8]), "from --input-shape"));
        request.input_shape = Some("1x9x9".parse().unwrap());
        let found = summary(&request, "4");
        assert_eq!(
            (found.input, found.input_source.as_str()),
            (Some(vec![2, 1, 4, 4]), "from --input-shape, cropped to 4")
        );
    }

    #[test]
    fn a_dataset_gives_shape_and_classes() {
        let dir = tempfile::tempdir().unwrap();
        let set = dir.path().join("set");
        let items = vec![Item { name: "0.png".into(), label: 0, index: 0 }];
        let lists = Lists { labels: ["a", "b", "c"].map(String::from).to_vec(), train: items, ..Lists::default() };
        let load = |_: &Item| Ok(Image { width: 4, height: 4, channels: 1, pixels: vec![9; 16] }.into());
        let (resize, encoding) = (Resize::Squash, Encoding::None);
        let options = CreateOptions { shape: [1, 4, 4], resize, encoding, seed: 0, shuffle: false };
        create(&set, &lists, &load, options, &Silent, &|_| Ok(())).unwrap();
        let request: CheckRequest = serde_json::from_value(serde_json::json!({"dataset": set})).unwrap();
        let found = summary(&request, "nil");
        assert_eq!((found.input, found.totals.parameters), (Some(vec![1, 1, 4, 4]), 16 * 3 + 3));
        assert_eq!(found.input_source, format!("from {}", set.display()));
        let wished = CheckRequest { nclasses: Some(5), ..request };
        assert_eq!(summary(&wished, "nil").totals.parameters, 16 * 5 + 5);
    }
}
