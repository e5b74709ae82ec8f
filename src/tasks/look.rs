//! A network file as an editor wants it: its graph and sums as far as they are known, and the page of what is wrong.

use serde::Serialize;

use super::{
    check::CheckRequest, file_settings::file_settings, gradients::gradients, prepare::RecordFacts, trained::is_input,
};
use crate::{
    data::{Dataset, Preprocess},
    error::{Error, Kind, Result},
    frontend::{LabelShape, NetworkFile, NetworkParams, Output, Purpose, Ready, Source},
    inspect::{
        graph::{self, Graph},
        network::{FileSettings, Totals, fixed_input, summarize},
        output_kind::OutputKind,
    },
    nn::{self, CheckedGradients, Network, Spec},
};

/// A network file as far as it could be followed.
#[derive(Debug, Default, Serialize)]
pub struct Look {
    /// What is wrong; nothing when the file is good.
    #[serde(skip)]
    pub error: Option<Error>,
    /// The network as Torch prints it.
    pub printed: String,
    /// The criterion as it prints.
    pub criterion: Option<String>,
    /// The layers.
    pub graph: Option<Graph>,
    /// The sums, for the batch.
    pub totals: Option<Totals>,
    /// The batch that the sums are for.
    pub batch_size: i64,
    /// What the file says besides the network.
    pub settings: Option<FileSettings>,
    /// What its output is.
    pub output: Option<OutputKind>,
    /// Gradients of the file's own code against finite differences, where that was asked for; the page of the first wrong
    /// one is `error`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradients: Option<Vec<CheckedGradients>>,
}

/// Follows the file as far as it goes.
#[must_use]
pub fn look(file: Source, request: &CheckRequest, crop: Option<i64>) -> Look {
    let mut found = Look { batch_size: request.batch, ..Look::default() };
    found.error = follow(file, request, crop, &mut found).err();
    found
}

fn follow(file: Source, request: &CheckRequest, crop: Option<i64>, found: &mut Look) -> Result<()> {
    if request.batch < 1 || crop.is_some_and(|side| side < 1) {
        return Err(Error::new(Kind::Usage, "batch size and crop are 1 at least"));
    }
    let (mut shape, classes, labels) = data(request)?;
    cut(&mut shape, crop)?;
    let nclasses = request.nclasses.or(classes);
    let params = NetworkParams { nclasses, ngpus: 0, input_shape: shape, labels };
    let loaded = NetworkFile::load(file, &params, Output::silent(), 1)?;
    found.printed = loaded.printed();
    let settings = file_settings(&loaded);
    cut(&mut shape, settings.croplen.filter(|_| crop.is_none()))?;
    found.settings = Some(settings.clone());
    if let Some(batch) = settings.train_batch_size.filter(|_| request.batch == 1) {
        found.batch_size = batch.max(1);
    }
    let Ready { network, label_hook, .. } = loaded.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu)?;
    found.criterion = Some(network.criterion_label.clone());
    let sample = shape.map(|shape| shape.to_vec()).or_else(|| fixed_input(&network).map(|(shape, _)| shape));
    let (graph, refused) = graph::trace(&network, sample.as_deref())?;
    let has_label_database = matches!(labels, LabelShape::Image(_));
    found.output = output_kind(&network, &graph, is_input(label_hook.as_ref(), has_label_database));
    found.graph = Some(graph);
    if let Some(page) = refused {
        return Err(page);
    }
    let batch = sample.as_deref().map(|sample| [&[found.batch_size], sample].concat());
    found.totals = Some(summarize(&network, loaded.printed(), batch.as_deref(), String::new(), settings)?.totals);
    if request.gradients {
        let checked = gradients(&loaded, sample.as_deref())?;
        let wrong = checked.iter().find_map(|checked| checked.page.clone());
        found.gradients = Some(checked);
        return wrong.map_or(Ok(()), Err);
    }
    Ok(())
}

/// The shape of a sample once a square is cut from it: a run refuses one that is larger, and so does this.
fn cut(shape: &mut Option<[i64; 3]>, crop: Option<i64>) -> Result<()> {
    let (Some(whole), Some(side)) = (shape.as_mut(), crop) else { return Ok(()) };
    Preprocess::check_crop(*whole, crop)?;
    (whole[1], whole[2]) = (side, side);
    Ok(())
}

/// Shape of a sample, number of classes and labels, as the dataset says.
fn data(request: &CheckRequest) -> Result<(Option<[i64; 3]>, Option<i64>, LabelShape)> {
    match &request.dataset {
        Some(folder) => {
            let RecordFacts { shape, classes, labels } = RecordFacts::of(&Dataset::open(folder)?)?;
            Ok((Some(shape), classes, labels))
        }
        None => {
            let given = request.input_shape.as_ref().map(|shape| shape.sizes().to_vec());
            Ok((given.and_then(|shape| <[i64; 3]>::try_from(shape).ok()), None, LabelShape::Unknown))
        }
    }
}

/// What the last layer's output is; nothing when it was not reached.
fn output_kind(network: &Network, graph: &Graph, target_is_input: bool) -> Option<OutputKind> {
    Some(OutputKind::of(network, graph.input.as_ref()?, graph.nodes.last()?.output.as_ref()?, target_is_input))
}

/// The classes of modules and criteria that a file may name: each with its arguments and what it is.
#[must_use]
pub fn modules() -> Vec<(String, String, String)> {
    let info = |spec: &Spec| {
        let name = spec.classes.first().copied().unwrap_or_default().to_string();
        let signature = nn::signature(&name, spec.args);
        let what = if name.ends_with("Criterion") { "criterion" } else { "module" };
        (name, signature, what.to_string())
    };
    let mut found: Vec<_> = nn::specs().map(info).collect();
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(features: i64) -> Look {
        let text = format!(
            "return function(params)\n\
             local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))\n\
             net:add(nn.Linear({features}, 7)):add(nn.LogSoftMax())\n\
             return {{ model = net, trainBatchSize = 8 }}\nend\n"
        );
        let request = CheckRequest { input_shape: Some("1x4x4".parse().unwrap()), ..CheckRequest::default() };
        look(Source::pasted("toy.lua", &text), &request, None)
    }

    #[test]
    fn a_good_file_has_everything() {
        let found = seen(16);
        assert!(found.error.is_none());
        assert_eq!((found.output, found.batch_size), (Some(OutputKind::Classes), 8));
        assert_eq!(found.totals.unwrap().parameters, 119);
    }

    #[test]
    fn a_wrong_size_has_its_page_and_the_graph_up_to_there() {
        let found = seen(15);
        assert_eq!(found.error.unwrap().origin().unwrap().line, 3);
        assert_eq!(found.graph.unwrap().nodes.len(), 3);
        assert!(found.totals.is_none() && !found.printed.is_empty());
    }

    #[test]
    fn a_crop_that_is_larger_than_the_images_is_refused() {
        let text =
            |croplen: &str| format!("return {{ model = nn.Sequential():add(nn.View(-1)), croplen = {croplen} }}\n");
        let of = |croplen: &str, crop| {
            let request = CheckRequest { input_shape: Some("1x4x5".parse().unwrap()), ..CheckRequest::default() };
            look(Source::pasted("toy.lua", &text(croplen)), &request, crop).error.map(|page| page.message().to_string())
        };
        let refused = Some("a crop of 5 pixels does not fit the images".to_string());
        assert_eq!([of("nil", Some(5)), of("5", None)], [refused.clone(), refused]);
        assert_eq!([of("nil", Some(4)), of("5", Some(4))], [None, None]);
    }

    #[test]
    fn text_that_is_no_lua_has_its_page_alone() {
        let found = look(Source::pasted("toy.lua", "return ("), &CheckRequest::default(), None);
        assert!(found.error.is_some() && found.graph.is_none());
    }
}
