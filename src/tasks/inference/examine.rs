//! One image through a job's network, with every layer's values kept in files, to be drawn when somebody looks.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    defaults, folder,
    label_view::{self, LabelView},
    wanted_image,
};
use crate::{
    data::Target,
    error::{Error, Kind, Result},
    input::{self, Form},
    inspect::{
        graph::{self, Graph},
        output_kind::OutputKind,
        output_view::{Order, Rectangle},
        picture::Picture,
        predictions::{Prediction, likeliest},
        reconstruction,
        statistics::Statistics,
        value_map::{self, Colors, Ground, Tiles},
        values::{ends, of_output, values, without_batch},
        wanted_view,
    },
    job,
    nn::{Activity, Context, Mode, Node, Observer},
    tasks::{snapshot_choice::SnapshotChoice, trained::Trained},
    torch::device::DeviceChoice,
};

/// Where the image comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImageChoice {
    /// An image file.
    File(PathBuf),
    /// A record of a database, from 0.
    Record {
        /// The database.
        database: PathBuf,
        /// Which.
        index: u64,
    },
}

/// What is looked into.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExamineRequest {
    /// The job's folder.
    pub job: PathBuf,
    /// The image.
    pub image: ImageChoice,
    /// Whether an image file is fitted as the dataset's were; otherwise it keeps its size.
    #[serde(default = "fitted")]
    pub resize: bool,
    /// What the output is shown as; what it is when not given.
    #[serde(default)]
    pub view: Option<OutputKind>,
    /// Which snapshot.
    #[serde(default)]
    pub snapshot: SnapshotChoice,
    /// How many of the likeliest classes are listed.
    #[serde(default = "defaults::top")]
    pub top: u64,
    /// The folder for values and pictures.
    pub out: PathBuf,
}

fn fitted() -> bool {
    true
}

/// Values kept in `values/NAME.f32`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct KeptValues {
    /// `activations`, `weight`, `bias`.
    pub name: String,
    /// As they are drawn.
    pub shape: Vec<i64>,
    /// The value drawn in full colour.
    pub scale: f32,
    /// Tiles in all; 0 where there is no picture.
    pub tiles: usize,
    /// What the picture shows, in words.
    pub note: Option<String>,
    /// As they are.
    pub statistics: serde_json::Value,
}

/// One layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExaminedLayer {
    /// The graph's node.
    pub id: usize,
    /// What it made; nothing of a table.
    pub activations: Option<KeptValues>,
    /// What it learned.
    pub weights: Vec<KeptValues>,
}

/// How well an output repeats the input, in grey levels.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each is described in inspect::reconstruction")]
pub struct Errors {
    pub largest_error: f64,
    pub mean_squared_error: f64,
    pub root_mean_squared_error: f64,
    pub mean_absolute_error: f64,
    pub error_of_the_mean: f64,
}

/// The narrowest place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExaminedCode {
    /// The graph's node.
    pub id: usize,
    /// The module as it prints.
    pub name: String,
    /// Its values.
    pub values: Vec<f32>,
}

/// What came of it; the pictures are `original.png`, `normalized.png` and, of a reconstruction, `output.png` and
/// `restored.png` in the folder.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Examined {
    /// How it is shown.
    pub view: OutputKind,
    /// Height and width of the image.
    pub size: [i64; 2],
    /// 1 or 3, or any other.
    pub channels: i64,
    /// The record's label.
    pub truth: Option<String>,
    /// Values drawn black and white in `normalized.png`.
    pub range: [f32; 2],
    /// Epoch of the snapshot.
    pub code: Option<ExaminedCode>,
    /// Of a reconstruction.
    pub reconstruction: Option<Errors>,
    /// Of a classifier.
    pub predictions: Vec<(usize, String, f64)>,
    /// Of a label image: its pictures are `labels.png` and, where the right one is known, `truth.png`.
    pub label_image: Option<LabelView>,
    /// Height and width of the image that the record wants, where that is one of values to repeat: `wanted.png`.
    #[serde(default)]
    pub wanted: Option<[i64; 2]>,
    /// Of boxes: in pixels of the image.
    #[serde(default)]
    pub boxes: Option<Vec<Rectangle>>,
    /// The output, 4,096 numbers at most.
    pub output: Vec<f32>,
    /// Its shape.
    pub output_shape: Vec<i64>,
    /// Every layer.
    pub layers: Vec<ExaminedLayer>,
    /// What flows between them.
    pub graph: Graph,
    /// All learned numbers.
    pub learned_parameters: i64,
    /// Job, network, dataset, snapshot.
    pub facts: Vec<(String, String)>,
}

/// A job that stays open for more images.
pub struct OpenJob(Trained);

impl OpenJob {
    /// Opens it.
    ///
    /// # Errors
    /// When job or snapshot cannot be read, or the network file does not run any more.
    pub fn open(job: &Path, snapshot: SnapshotChoice) -> Result<OpenJob> {
        Trained::open(job, snapshot, DeviceChoice::Cpu).map(OpenJob)
    }

    /// Sends an image through the network and keeps all values in the request's folder.
    ///
    /// # Errors
    /// When the image cannot be read or does not fit the network, or the folder cannot be written.
    pub fn examine(&self, request: &ExamineRequest) -> Result<Examined> {
        examine(&self.0, request)
    }
}

fn examine(job: &Trained, request: &ExamineRequest) -> Result<Examined> {
    let network = job.network();
    let (original, input, target) = match &request.image {
        ImageChoice::File(path) => {
            let (original, input) = if request.resize { job.image(path)? } else { job.image_as_it_is(path)? };
            (original, input, None)
        }
        ImageChoice::Record { database, index } => {
            let (original, input, target) = job.sample(database, *index)?;
            (original, input, Some(target))
        }
    };
    let truth = target.as_ref().and_then(|target| label(target, job.labels()));
    let size = input.size();
    let (graph, _) = graph::trace(network, Some(&size))?;
    let mut seen = Collector::default();
    let batch: Activity = input.f_to_kind(network.kind)?.f_to_device(network.device)?.f_unsqueeze(0)?.into();
    let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate).observed(&mut seen)))?;
    let (output_shape, output) = of_output(&output)?;
    let keeper = Keeper::new(&request.out)?;
    let (mut layers, mut narrow) = (Vec::new(), Vec::new());
    for (i, module) in seen.0.iter().enumerate() {
        let id = i + 1;
        let activations = match &module.output {
            Some((shape, values)) => {
                narrow.push((id, module.label.clone(), shape.clone(), values.clone()));
                Some(keeper.keep(&format!("{id}-activations"), "activations", shape, shape, values, None)?)
            }
            None => None,
        };
        let mut weights = Vec::new();
        for parameter in module.parameters.iter().filter_map(|&i| network.parameters.list.get(i)) {
            let name = parameter.name.rsplit('.').next().unwrap_or("weight");
            let numbers = values(&parameter.leaf)?;
            let (shape, drawn, note) = tiles(&parameter.size, module, &size, numbers);
            weights.push(keeper.keep(&format!("{id}-{name}"), name, &parameter.size, &shape, &drawn, note)?);
        }
        layers.push(ExaminedLayer { id, activations, weights });
    }
    let (input_values, original_values) = (values(&input)?, values(&original)?);
    let range = ends(&input_values);
    keeper.picture("original", Picture::image(&size, &original_values, 0.0, 255.0))?;
    keeper.picture("normalized", Picture::image(&size, &input_values, range[0], range[1]))?;
    let shapes: [&[i64]; 2] = [&size, &output_shape];
    let view = wanted_view::chosen(request.view, network, shapes, Order::Chw, job.target_is_input())?;
    let compared = Some(&output).filter(|_| view == OutputKind::Reconstruction);
    let compared = compared.and_then(|output| reconstruction::compare(&size, &original_values, &input_values, output));
    if let Some(r) = &compared {
        keeper.picture("output", Some(r.output.clone()))?;
        keeper.picture("restored", Some(r.restored.clone()))?;
        let difference: Vec<f32> = output.iter().zip(&input_values).map(|(output, input)| output - input).collect();
        keeper.keep("difference", "difference", &size, &size, &difference, None)?;
    } else if matches!(view, OutputKind::Image) {
        keeper.picture("output", Picture::stretched(&output_shape, &output))?;
    }
    let right = target.as_ref().map(|target| job.pixel_classes(&input, target)).transpose()?.flatten();
    let labels = (view == OutputKind::LabelImage)
        .then(|| label_view::drawn(&output_shape, &output, job.labels(), right.as_deref()));
    let label_image = labels.flatten().map(|drawn| {
        keeper.picture("labels", Some(drawn.labels))?;
        drawn.truth.map(|truth| keeper.picture("truth", Some(truth))).transpose()?;
        Ok::<_, Error>(drawn.view)
    });
    let label_image = label_image.transpose()?;
    let wanted = match &target {
        Some(Target::Planes(planes)) if label_image.is_none() && !job.target_is_input() => {
            wanted_image::drawn(job, planes)
        }
        _ => None,
    };
    let wanted = wanted.map(|(size, picture)| keeper.picture("wanted", Some(picture)).map(|()| size)).transpose()?;
    let boxes = if view == OutputKind::Boxes { Rectangle::all(&output_shape, &output) } else { None };
    let scores = network.scores().filter(|_| view == OutputKind::Classes);
    let top = usize::try_from(request.top).unwrap_or(usize::MAX);
    let predictions = scores.map_or_else(Vec::new, |scores| likeliest(&output, scores, job.labels(), top));
    let examined = Examined {
        view,
        size: [size.get(1).copied().unwrap_or(1), size.get(2).copied().unwrap_or(1)],
        channels: size.first().copied().unwrap_or(1),
        truth,
        range,
        code: code(narrow, input_values.len(), output.len()),
        reconstruction: compared.map(|r| Errors {
            largest_error: r.largest_error,
            mean_squared_error: r.mean_squared_error,
            root_mean_squared_error: r.root_mean_squared_error,
            mean_absolute_error: r.mean_absolute_error,
            error_of_the_mean: r.error_of_the_mean,
        }),
        predictions: predictions
            .into_iter()
            .map(|Prediction { class, label, probability }| (class, label, probability))
            .collect(),
        label_image,
        wanted,
        boxes,
        output: output.into_iter().take(4096).collect(),
        output_shape,
        layers,
        graph,
        learned_parameters: network.parameters.count(),
        facts: job.facts().into_iter().chain(job.notes().into_iter().map(|note| ("note".into(), note))).collect(),
    };
    let text = serde_json::to_vec(&examined).map_err(|cause| Error::new(Kind::Io, cause.to_string()))?;
    job::replace(&request.out.join("examined.json"), &text)?;
    Ok(examined)
}

/// The map of values that [`OpenJob::examine`] kept in `folder` under `name`, as a PNG.
///
/// # Errors
/// When there are none.
pub fn draw(folder: &Path, name: &str, kept: &KeptValues, most: usize, colors: Colors, on: Ground) -> Result<Vec<u8>> {
    value_map::png(&kept.shape, &read(folder, name)?, most, colors, on)
}

/// The values that were kept under `name`.
///
/// # Errors
/// When there are none.
pub fn read(folder: &Path, name: &str) -> Result<Vec<f32>> {
    let path = folder.join("values").join(format!("{name}.f32"));
    let bytes = input::read(&path, Form::Weights)?;
    Ok(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])).collect())
}

/// Where values and pictures go.
struct Keeper<'a>(&'a Path);

impl<'a> Keeper<'a> {
    fn new(folder: &'a Path) -> Result<Keeper<'a>> {
        folder::make(&folder.join("values"))?;
        Ok(Keeper(folder))
    }

    fn keep(
        &self,
        file: &str,
        name: &str,
        own: &[i64],
        shape: &[i64],
        values: &[f32],
        note: Option<String>,
    ) -> Result<KeptValues> {
        let bytes: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let path = self.0.join("values").join(format!("{file}.f32"));
        std::fs::write(&path, bytes).map_err(|source| Error::io("write", &path, &source))?;
        let statistics = serde_json::to_value(Statistics::of(own, values))
            .map_err(|cause| Error::new(Kind::Io, cause.to_string()))?;
        let tiles = Tiles::of(shape).map_or(0, |tiles| tiles.count);
        let scale = value_map::reach(values);
        Ok(KeptValues { name: name.into(), shape: shape.to_vec(), scale, tiles, note, statistics })
    }

    fn picture(&self, name: &str, picture: Option<Picture>) -> Result<()> {
        let picture = picture.unwrap_or_else(|| Picture::filled(1, 1, [255; 3]));
        let path = self.0.join(format!("{name}.png"));
        std::fs::write(&path, picture.png()?).map_err(|source| Error::io("write", &path, &source))
    }
}

/// A layer that has run.
struct Ran {
    class: String,
    label: String,
    parameters: Vec<usize>,
    kernels: Option<Vec<i64>>,
    output: Option<(Vec<i64>, Vec<f32>)>,
}

#[derive(Default)]
struct Collector(Vec<Ran>);

impl Observer for Collector {
    fn saw(&mut self, node: &Node, _input: &Activity, output: &Activity) {
        if !node.module.children().is_empty() {
            return;
        }
        let output = match output {
            Activity::Tensor(tensor) => values(tensor).ok().map(|values| (without_batch(tensor.size()), values)),
            Activity::Table(_) => None,
        };
        self.0.push(Ran {
            class: node.class.clone(),
            label: node.label.clone(),
            parameters: node.parameters.clone(),
            kernels: node.module.kernels().map(<[i64]>::to_vec),
            output,
        });
    }
}

fn label(target: &Target, labels: &[String]) -> Option<String> {
    match target {
        Target::Label(class) => {
            let name = usize::try_from(*class).ok().and_then(|at| labels.get(at).cloned());
            Some(name.unwrap_or_else(|| class.to_string()))
        }
        Target::Planes(_) => None,
    }
}

/// Of equally narrow ones the last is the code: what the decoder receives.
fn code(layers: Vec<(usize, String, Vec<i64>, Vec<f32>)>, input: usize, output: usize) -> Option<ExaminedCode> {
    let narrow =
        layers.into_iter().filter(|(_, _, shape, values)| shape.len() == 1 && values.len() < input.min(output));
    let best = narrow.reduce(|best, next| if next.3.len() <= best.3.len() { next } else { best });
    best.map(|(id, name, _, values)| ExaminedCode { id, name, values })
}

/// Weights as they are drawn: rows of a linear layer that look at the image, and columns that paint one, as images.
fn tiles(size: &[i64], module: &Ran, image: &[i64], values: Vec<f32>) -> (Vec<i64>, Vec<f32>, Option<String>) {
    let pixels: i64 = image.iter().product();
    let plain = image.first() == Some(&1);
    let as_tiles =
        |count: i64| if plain { vec![count, image[1], image[2]] } else { vec![count, image[0] * image[1], image[2]] };
    match (size, &module.kernels) {
        ([_, _], Some(kernels)) => (kernels.clone(), values, None),
        ([rows, columns], None) if module.class.contains("Linear") && image.len() == 3 && *columns == pixels => {
            let note = format!("each tile: what one of the {rows} outputs looks for in the image");
            (as_tiles(*rows), values, Some(note))
        }
        ([rows, columns], None) if module.class.contains("Linear") && image.len() == 3 && *rows == pixels => {
            let (r, c) = (*rows as usize, *columns as usize);
            let turned =
                (0..c).flat_map(|column| (0..r).map(move |row| row * c + column)).map(|at| values[at]).collect();
            let note = format!("each tile: what one of the {columns} inputs paints into the image");
            (as_tiles(*columns), turned, Some(note))
        }
        ([rows, _], None) if module.class.contains("Linear") => {
            (size.to_vec(), values, Some(format!("one row for each of the {rows} outputs")))
        }
        _ => (size.to_vec(), values, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Image,
        tasks::trained::tests::{AUTOENCODER, CLASSIFIER, trained},
    };

    fn examined(file: &str, labels: &[&str]) -> (tempfile::TempDir, Examined) {
        asked(file, labels, &serde_json::json!({}))
    }

    fn asked(file: &str, labels: &[&str], more: &serde_json::Value) -> (tempfile::TempDir, Examined) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("seven.png");
        Image { width: 4, height: 4, channels: 1, pixels: (0..16).collect() }.save_png(&path).unwrap();
        let mut request =
            serde_json::json!({"job": dir.path(), "image": {"file": path}, "out": dir.path().join("out")});
        more.as_object().unwrap().iter().for_each(|(name, value)| request[name] = value.clone());
        let request = serde_json::from_value(request).unwrap();
        let examined = examine(&trained(file, labels), &request).unwrap();
        (dir, examined)
    }

    #[test]
    fn an_autoencoder_has_its_code_its_errors_and_values_to_draw() {
        let (dir, found) = examined(AUTOENCODER, &[]);
        assert_eq!((found.view, found.size, found.layers.len()), (OutputKind::Reconstruction, [4, 4], 4));
        assert_eq!(found.code.as_ref().map(|code| (code.id, code.values.len())), Some((2, 3)));
        assert!(found.reconstruction.is_some());
        let out = dir.path().join("out");
        let weight = &found.layers[1].weights[0];
        assert_eq!((weight.name.as_str(), weight.shape.as_slice(), weight.tiles), ("weight", &[3, 4, 4][..], 3));
        assert!(draw(&out, "2-weight", weight, 160, Colors::Diverging, Ground::Dark).unwrap().starts_with(b"\x89PNG"));
        for name in ["original", "normalized", "output", "restored"] {
            assert!(out.join(format!("{name}.png")).is_file(), "{name}");
        }
    }

    #[test]
    fn a_classifier_has_its_likeliest_classes() {
        let (_dir, found) = examined(CLASSIFIER, &["dark", "bright"]);
        assert_eq!((found.view, found.predictions[0].1.as_str()), (OutputKind::Classes, "dark"));
        assert!(found.code.is_none());
    }

    #[test]
    fn rows_of_a_shown_output_are_boxes_on_the_image() {
        let file = "local linear = nn.Linear(16, 10)\n\
            linear.weight:zero()\n\
            linear.bias:copy(torch.Tensor{1, 0, 3, 2, 0.75, 0, 0, 0, 0, 0})\n\
            local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(linear):add(nn.View(2, 5))\n\
            return { model = net, loss = nn.MSECriterion() }\n";
        let (_dir, plain) = examined(file, &[]);
        assert_eq!((plain.view, plain.boxes), (OutputKind::Numbers, None));
        let (_dir, found) = asked(file, &[], &serde_json::json!({"view": "boxes"}));
        let one = Rectangle { sides: [1.0, 0.0, 3.0, 2.0], confidence: Some(0.75) };
        assert_eq!((found.view, found.boxes), (OutputKind::Boxes, Some(vec![one])));
    }

    #[test]
    fn an_image_that_is_not_fitted_keeps_its_size() {
        let any = "return { model = nn.Sequential():add(nn.SpatialConvolution(1, 1, 1, 1)) }\n";
        let size = |resize: bool| {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("wide.png");
            Image { width: 6, height: 5, channels: 1, pixels: vec![9; 30] }.save_png(&path).unwrap();
            let request =
                serde_json::json!({"job": dir.path(), "image": {"file": path}, "out": dir.path(), "resize": resize});
            examine(&trained(any, &[]), &serde_json::from_value(request).unwrap()).unwrap().size
        };
        assert_eq!((size(true), size(false)), ([4, 4], [5, 6]));
    }
}
