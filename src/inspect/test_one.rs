//! Test One: one image through the network, every module's activation and weights with statistics and pictures.
//!
//! Source: DIGITS `digits/tools/torch/test.lua` (which modules, in which order), `digits/model/tasks/torch_train.py`
//! `infer_one_image` (what is dropped, skipped and shown). Ours besides: the code, the comparison with the input,
//! and pictures of `nn.Linear` weights, which DIGITS leaves out.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::{
    bars,
    code::{self, Code},
    layer, page,
    picture::Picture,
    predictions::{self, Prediction, Scores},
    raster,
    reconstruction::{self, Reconstruction},
    statistics::Statistics,
    weights,
};
use crate::{
    error::{Error, Result},
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
    /// Class labels; empty when there are none.
    pub labels: &'a [String],
    /// How many of the likeliest classes are listed.
    pub top: usize,
    /// The page's title, such as the image's file name.
    pub title: String,
    /// Labelled facts for the top of the page: job, snapshot, network file, device.
    pub facts: Vec<(String, String)>,
}

/// Whether a row shows what a module made or what it learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Its output for this image.
    Activations,
    /// Its weights.
    Weights,
}

/// A picture and the file it goes into, below the report's folder.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Shown {
    /// Relative path, such as `layers/03-linear-weights.png`.
    pub file: String,
    /// Its content in words.
    pub alt: String,
    /// The pixels.
    #[serde(skip)]
    pub picture: Picture,
}

/// One row of the layer list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// The module's path as in Lua, `2.1`.
    pub path: String,
    /// The module as it prints, `nn.Linear(300 -> 50)`; `.1`, `.2` … for the entries of a table.
    pub name: String,
    /// Activations or weights.
    pub about: About,
    /// Shape, mean, deviation, histogram.
    pub statistics: Statistics,
    /// Learned numbers of the module, biases included; on rows of weights.
    pub learned_parameters: Option<i64>,
    /// The picture; `None` where there is nothing to draw.
    pub picture: Option<Shown>,
    /// What the picture shows when DIGITS would not show it so.
    pub note: Option<String>,
}

/// The whole answer; serialises to `report.json` without the pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestOne {
    /// Title of the page.
    pub title: String,
    /// Labelled facts.
    pub facts: Vec<(String, String)>,
    /// The image before preprocessing.
    pub original: Shown,
    /// The image after mean subtraction, darkest value black and brightest white.
    pub normalized: Shown,
    /// Shape, mean and deviation of what the network got.
    pub input: Statistics,
    /// Every module in the order of execution; a module's weights follow its activations.
    pub layers: Vec<Layer>,
    /// The narrowest place, when the network narrows and widens again.
    pub code: Option<Code>,
    /// The comparison, when the output has the input's size.
    pub reconstruction: Option<Reconstruction>,
    /// The likeliest classes, when the network is a classifier.
    pub predictions: Vec<Prediction>,
    /// All learned numbers; shared ones count once.
    pub learned_parameters: i64,
}

/// Runs the network on the image in evaluation mode and gathers everything.
///
/// # Errors
/// When a module refuses the image (the page of that module), or libtorch cannot copy a tensor to the processor.
pub fn run(subject: &Subject<'_>) -> Result<TestOne> {
    let network = subject.network;
    let size = subject.input.size();
    let input = numbers(subject.input)?;
    let original = numbers(subject.original)?;

    let mut seen = Collector::default();
    let batch: Activity = subject.input.f_to_kind(network.kind)?.f_to_device(network.device)?.f_unsqueeze(0)?.into();
    let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate).observed(&mut seen)))?;

    let mut layers = Vec::new();
    let mut activations = Vec::new();
    for (node, outputs) in &seen.modules {
        for (i, tensor) in outputs.iter().enumerate() {
            let name = if outputs.len() == 1 { node.label.clone() } else { format!("{}.{}", node.label, i + 1) };
            let (shape, values) = (without_batch(tensor.size()), numbers(tensor)?);
            let file = file_name(layers.len(), node, "activations");
            let alt = format!("Activations of {name} as a colour map");
            layers.push(Layer {
                path: node.path.clone(),
                name: name.clone(),
                about: About::Activations,
                statistics: Statistics::of(&shape, &values),
                learned_parameters: None,
                picture: layer::picture(&shape, &values).map(|picture| Shown { file, alt, picture }),
                note: None,
            });
            activations.push((node.path.clone(), name, shape, values));
        }
        let own: Vec<&Parameter> = node.parameters.iter().filter_map(|&i| network.parameters.list.get(i)).collect();
        let learned: i64 = own.iter().map(|p| p.size.iter().product::<i64>()).sum();
        for parameter in own.iter().filter(|p| !p.name.ends_with("bias")) {
            layers.push(weights::row(node, parameter, learned, &size, layers.len())?);
        }
    }

    let last = match &output {
        Activity::Tensor(tensor) => numbers(tensor)?,
        Activity::Table(_) => Vec::new(),
    };
    let scores = Scores::of(network).filter(|_| last.len() > 1 && last.len() != input.len());
    let (lo, hi) = (min(&input), max(&input));
    let shown = |file: &str, alt: &str, picture: Option<Picture>| Shown {
        file: file.into(),
        alt: alt.into(),
        picture: enlarged(&picture.unwrap_or_else(|| Picture::filled(1, 1, [255; 3]))),
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
        reconstruction: reconstruction::compare(&size, &original, &input, &last),
        predictions: scores
            .map_or_else(Vec::new, |scores| predictions::likeliest(&last, scores, subject.labels, subject.top)),
        learned_parameters: network.parameters.count(),
    })
}

impl TestOne {
    /// Writes `index.html`, `report.json`, the pictures, and `layers/` into `dir`, which is made when it is not
    /// there. Returns what was written, the page first.
    ///
    /// # Errors
    /// When the folder cannot be made or written to.
    pub fn write(&self, dir: &Path) -> Result<Vec<PathBuf>> {
        let mut files: Vec<(String, Vec<u8>)> = vec![
            ("index.html".into(), page::html(self)?.into_bytes()),
            (
                "report.json".into(),
                serde_json::to_vec_pretty(self).map_err(|e| Error::new(crate::error::Kind::Data, e.to_string()))?,
            ),
        ];
        for shown in
            [&self.original, &self.normalized].into_iter().chain(self.layers.iter().filter_map(|l| l.picture.as_ref()))
        {
            files.push((shown.file.clone(), shown.picture.png()?));
        }
        if let Some(r) = &self.reconstruction {
            let [input, output, restored, difference] = [&r.input, &r.output, &r.restored, &r.difference].map(enlarged);
            let beside = Picture::beside(&[self.original.picture.clone(), restored.clone(), difference.clone()], 12);
            for (name, picture) in [
                ("input.png", input),
                ("output.png", output),
                ("reconstruction.png", restored),
                ("difference.png", difference),
                ("beside.png", beside),
            ] {
                files.push((name.into(), picture.png()?));
            }
        }
        if let Some(code) = &self.code {
            let svg = bars::svg(&code.values, "code");
            // The bars follow the page's text colour; a file of its own gets a white ground.
            let opaque = svg.replacen('\n', "\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", 1);
            files.push(("code.png".into(), raster::png(&opaque, 2.0)?));
        }
        let layers = dir.join("layers");
        std::fs::create_dir_all(&layers).map_err(|source| Error::io("make the folder", &layers, &source))?;
        files
            .into_iter()
            .map(|(name, bytes)| {
                let path = dir.join(name);
                std::fs::write(&path, bytes).map_err(|source| Error::io("write", &path, &source))?;
                Ok(path)
            })
            .collect()
    }
}

/// What is kept of a node once the forward pass has moved on.
pub(super) struct Place {
    pub(super) path: String,
    pub(super) class: String,
    pub(super) label: String,
    parameters: Vec<usize>,
}

#[derive(Default)]
struct Collector {
    modules: Vec<(Place, Vec<tch::Tensor>)>,
}

impl Observer for Collector {
    fn saw(&mut self, node: &Node, _input: &Activity, output: &Activity) {
        // DIGITS leaves out every module whose printed text holds "Sequential" or "Parallel", which drops a Concat
        // of Sequentials too; here the module's own class decides (spec section 8, quirk 34).
        if node.class.contains("Sequential") || node.class.contains("Parallel") {
            return;
        }
        let place = Place {
            path: node.path.clone(),
            class: node.class.clone(),
            label: node.label.clone(),
            parameters: node.parameters.clone(),
        };
        self.modules.push((place, output.tensors().into_iter().map(tch::Tensor::shallow_clone).collect()));
    }
}

/// `layers/03-linear-weights.png`.
pub(super) fn file_name(index: usize, node: &Place, kind: &str) -> String {
    let class: String = node
        .class
        .rsplit('.')
        .next()
        .unwrap_or("module")
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
        .collect();
    format!("layers/{:02}-{class}-{kind}.png", index + 1)
}

/// Drops a leading 1, as DIGITS does.
fn without_batch(size: Vec<i64>) -> Vec<i64> {
    match size.as_slice() {
        [1, rest @ ..] if !rest.is_empty() => rest.to_vec(),
        _ => size,
    }
}

pub(super) fn numbers(tensor: &tch::Tensor) -> Result<Vec<f32>> {
    let flat = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Float)?.f_reshape([-1])?;
    Ok(Vec::try_from(flat)?)
}

/// Small images by a whole factor, to at least 200 pixels across where that does not exceed 256.
pub(super) fn enlarged(picture: &Picture) -> Picture {
    picture.enlarged(224usize.div_ceil(picture.width.max(picture.height).max(1)))
}

fn min(values: &[f32]) -> f32 {
    values.iter().copied().filter(|v| v.is_finite()).fold(f32::INFINITY, f32::min)
}

fn max(values: &[f32]) -> f32 {
    values.iter().copied().filter(|v| v.is_finite()).fold(f32::NEG_INFINITY, f32::max)
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
        assert!(page::html(&report).unwrap().contains("label &amp; "));
    }

    #[test]
    fn files_are_written_and_the_page_needs_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let report = test(&toy::autoencoder(), &[]);
        let files = report.write(&dir.path().join("new/folder")).unwrap();
        for file in files.iter().filter(|f| f.extension().is_some_and(|e| e == "png")) {
            let image = image::open(file).unwrap().into_rgb8();
            let first = *image.get_pixel(0, 0);
            assert!(image.pixels().any(|p| *p != first), "{} is blank", file.display());
        }
        let names: Vec<_> = files.iter().map(|f| f.file_name().unwrap().to_str().unwrap()).collect();
        for name in [
            "index.html",
            "report.json",
            "original.png",
            "normalized.png",
            "reconstruction.png",
            "difference.png",
            "beside.png",
            "code.png",
            "02-linear-activations.png",
            "03-linear-weights.png",
        ] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        let page = std::fs::read_to_string(&files[0]).unwrap();
        // The one address on the page is the name of the SVG namespace.
        assert_eq!(page.matches("http").count(), page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
        assert!(!page.contains("<script") && page.contains("&lt;digit&gt;.png"));
        assert_eq!(page.matches("<img").count(), page.matches("alt=\"").count());
        assert!(page.contains("Total learned parameters: <strong>259</strong>"));
        let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&files[1]).unwrap()).unwrap();
        assert_eq!(json["layers"][0]["statistics"]["shape"], serde_json::json!([16]));
    }

    #[test]
    fn an_image_of_another_size_is_the_module_s_error_page() {
        let network = toy::classifier();
        let image = tch::Tensor::zeros([1, 5, 5], (tch::Kind::Float, tch::Device::Cpu));
        let subject = Subject {
            network: &network,
            original: &image,
            input: &image,
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
