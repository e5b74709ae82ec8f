//! Test One: one image through the network, every module's activation and weights with statistics and pictures.
//!
//! Source: DIGITS `digits/tools/torch/test.lua` (which modules, in which order), `digits/model/tasks/torch_train.py`
//! `infer_one_image` (what is dropped, skipped and shown). Ours besides: the code, the comparison with the input,
//! and pictures of `nn.Linear` weights, which DIGITS leaves out.

use super::{
    code, layer,
    output_kind::OutputKind,
    output_view::{Order, Output, OutputView, Pixels},
    picture::Picture,
    predictions, reconstruction,
    report::{About, Layer, TestOne},
    seen::Seen,
    shown::Shown,
    statistics::Statistics,
    values::{ends, of_output, values, without_batch},
    wanted_view, weights,
};
use crate::{
    error::Result,
    nn::{Activity, Context, Mode, Network, Node, Observer, Parameter},
};

/// What is tested: a network and one image, before and after preprocessing.
pub struct Subject<'a> {
    /// The network, with the snapshot's weights in it.
    pub network: &'a Network,
    /// The image after resizing and cropping, before the mean: `[c, h, w]`, 0..255, any element type.
    pub original: &'a tch::Tensor,
    /// What the network gets: `[c, h, w]`, the mean subtracted.
    pub input: &'a tch::Tensor,
    /// Whether what the loss compares the output with is the input.
    pub target_is_input: bool,
    /// What the output is shown as; what it is when not given.
    pub view: Option<OutputKind>,
    /// How an image is shown.
    pub pixels: Pixels,
    /// How its numbers lie.
    pub order: Order,
    /// The right class of each pixel, row after row, where a label image is known.
    pub truth: Option<Vec<Option<usize>>>,
    /// Class labels; empty when there are none.
    pub labels: &'a [String],
    /// How many of the likeliest classes are listed.
    pub top: usize,
    /// The page's title, such as the image's file name.
    pub title: String,
    /// Labelled facts for the top of the page: job, snapshot, network file, device.
    pub facts: Vec<(String, String)>,
}

/// Runs the network on the image in evaluation mode and gathers everything.
///
/// # Errors
/// When a module refuses the image (the page of that module), or libtorch cannot copy a tensor to the processor.
pub fn run(subject: &Subject<'_>) -> Result<TestOne> {
    let network = subject.network;
    let size = subject.input.size();
    let input = values(subject.input)?;
    let original = values(subject.original)?;

    let mut seen = Collector::default();
    let batch: Activity = subject.input.f_to_kind(network.kind)?.f_to_device(network.device)?.f_unsqueeze(0)?.into();
    let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate).observed(&mut seen)))?;

    let mut layers = Vec::new();
    let mut activations = Vec::new();
    for (module, outputs) in &seen.modules {
        for (i, tensor) in outputs.iter().enumerate() {
            let label = &module.label;
            let name = if outputs.len() == 1 { label.clone() } else { format!("{label}.{}", i + 1) };
            let (shape, values) = (without_batch(tensor.size()), values(tensor)?);
            let file = module.file_name(layers.len(), "activations");
            let alt = format!("Activations of {name} as a colour map");
            layers.push(Layer {
                path: module.path.clone(),
                name: name.clone(),
                about: About::Activations,
                statistics: Statistics::of(&shape, &values),
                learned_parameters: None,
                picture: layer::picture(&shape, &values).map(|picture| Shown { file, alt, picture }),
                note: None,
            });
            activations.push((module.path.clone(), name, shape, values));
        }
        let own: Vec<&Parameter> = module.parameters.iter().filter_map(|&i| network.parameters.list.get(i)).collect();
        let learned: i64 = own.iter().map(|p| p.size.iter().product::<i64>()).sum();
        for parameter in own.iter().filter(|p| !p.name.ends_with("bias")) {
            layers.push(weights::row(module, parameter, learned, &size, layers.len())?);
        }
    }

    let (last_shape, last) = of_output(&output)?;
    let kind =
        wanted_view::chosen(subject.view, network, [&size, &last_shape], subject.order, subject.target_is_input)?;
    let scores = network.scores().filter(|_| kind == OutputKind::Classes);
    let image = Picture::image(&size, &original, 0.0, 255.0).unwrap_or_else(|| Picture::filled(1, 1, [255; 3]));
    let view = OutputView::of(&Output {
        kind,
        shape: &last_shape,
        values: &last,
        image: &image,
        labels: subject.labels,
        truth: subject.truth.as_deref(),
        pixels: subject.pixels,
        order: subject.order,
    });
    let [lo, hi] = ends(&input);
    let shown = |file: &str, alt: &str, picture: Option<Picture>| Shown {
        file: file.into(),
        alt: alt.into(),
        picture: picture.unwrap_or_else(|| Picture::filled(1, 1, [255; 3])).magnified(),
    };
    Ok(TestOne {
        title: subject.title.clone(),
        facts: subject.facts.clone(),
        original: shown("original.png", "The original image", Picture::image(&size, &original, 0.0, 255.0)),
        normalized: shown(
            "normalized.png",
            "The image after mean subtraction, darkest value black, brightest white",
            Picture::image(&size, &input, lo, hi),
        ),
        input: Statistics::of(&size, &input),
        code: code::narrowest(
            activations.iter().map(|(p, n, s, v)| (p.as_str(), n.as_str(), s.as_slice(), v.as_slice())),
            input.len(),
            last.len(),
        ),
        layers,
        kind,
        view: view.filter(|_| !last.is_empty()),
        reconstruction: Some(&last)
            .filter(|_| kind == OutputKind::Reconstruction)
            .and_then(|last| reconstruction::compare(&size, &original, &input, last)),
        predictions: scores
            .map_or_else(Vec::new, |scores| predictions::likeliest(&last, scores, subject.labels, subject.top)),
        learned_parameters: network.parameters.count(),
    })
}

#[derive(Default)]
struct Collector {
    modules: Vec<(Seen, Vec<tch::Tensor>)>,
}

impl Observer for Collector {
    fn saw(&mut self, node: &Node, _input: &Activity, output: &Activity) {
        // DIGITS leaves out every module whose printed text holds "Sequential" or "Parallel", which drops a Concat
        // of Sequentials too; here the module's own class decides (spec section 8, quirk 34).
        if node.class.contains("Sequential") || node.class.contains("Parallel") {
            return;
        }
        self.modules.push((Seen::of(node), output.tensors().into_iter().map(tch::Tensor::shallow_clone).collect()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    fn test(network: &Network, labels: &[String]) -> TestOne {
        let original = tch::Tensor::arange(16, (tch::Kind::Float, tch::Device::Cpu)).view([1, 4, 4]) * 16.0;
        let input = &original - 120.0;
        let subject = Subject {
            network,
            original: &original,
            input: &input,
            target_is_input: true,
            view: None,
            pixels: Pixels::default(),
            order: Order::default(),
            truth: None,
            labels,
            top: 5,
            title: "<digit>.png".into(),
            facts: vec![("snapshot".into(), "epoch 3".into())],
        };
        run(&subject).unwrap()
    }

    #[test]
    fn every_module_has_its_row_and_containers_none() {
        let report = test(&toy::autoencoder(), &[]);
        let rows: Vec<(String, About)> = report.layers.iter().map(|l| (l.path.clone(), l.about)).collect();
        let expected = [1, 2, 20, 3, 4, 40, 5, 6, 60, 7, 70, 8].map(|n: i32| match n {
            10.. => ((n / 10).to_string(), About::Weights),
            _ => (n.to_string(), About::Activations),
        });
        assert_eq!(rows, expected);
        assert_eq!(report.layers[1].statistics.shape, [6]);
        assert_eq!(report.layers[2].learned_parameters, Some(16 * 6 + 6));
        assert_eq!(report.learned_parameters, 102 + 21 + 24 + 112);
        assert_eq!(report.layers[11].statistics.shape, [1, 4, 4], "only the batch is dropped");
    }

    #[test]
    fn the_code_and_the_error_are_those_of_the_pass() {
        let network = toy::autoencoder();
        let report = test(&network, &[]);
        let code = report.code.as_ref().unwrap();
        assert_eq!((code.path.as_str(), code.values.len()), ("5", 3));
        let x = (tch::Tensor::arange(16, (tch::Kind::Float, tch::Device::Cpu)) * 16.0 - 120.0).view([1, 1, 4, 4]);
        let output = network.forward(&x.shallow_clone().into(), &mut Context::new(Mode::Evaluate)).unwrap();
        let loss = network.loss(&output, &x.into(), &mut Context::new(Mode::Evaluate)).unwrap().double_value(&[]);
        let error = report.reconstruction.as_ref().unwrap().mean_squared_error;
        assert!((error / loss - 1.0).abs() < 1e-6, "{error} and {loss}");
        assert!(report.predictions.is_empty());
    }

    #[test]
    fn a_classifier_names_its_five_best() {
        let labels: Vec<String> = (0..7).map(|i| format!("label & {i}")).collect();
        let report = test(&toy::classifier(), &labels);
        assert!(report.code.is_none() && report.reconstruction.is_none());
        assert_eq!(report.predictions.len(), 5);
        let sum: f64 = report.predictions.iter().map(|p| p.probability).sum();
        assert!((0.9..=1.000_001).contains(&sum), "{sum}");
        assert!(crate::inspect::page::html(&report).unwrap().contains("label &amp; "));
    }

    #[test]
    fn an_image_of_another_size_is_the_module_s_error_page() {
        let network = toy::classifier();
        let image = tch::Tensor::zeros([1, 5, 5], (tch::Kind::Float, tch::Device::Cpu));
        let subject = Subject {
            network: &network,
            original: &image,
            input: &image,
            target_is_input: false,
            view: None,
            pixels: Pixels::default(),
            order: Order::default(),
            truth: None,
            labels: &[],
            top: 5,
            title: String::new(),
            facts: vec![],
        };
        let error = run(&subject).unwrap_err().to_string();
        assert!(
            error.contains("toy.lua:3") && error.contains("[1, 25]") && error.contains("nn.Linear(16 -> 7)"),
            "{error}"
        );
    }
}
