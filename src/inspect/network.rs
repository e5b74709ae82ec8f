//! What `check` says about a network: layers with output shapes, parameters, operations, memory; totals; settings.

use std::{collections::HashSet, fmt::Write};

use serde::Serialize;

use super::{
    gradients,
    numbers::{bytes, grouped, operations},
};
use crate::{
    error::Result,
    nn::{Activity, CheckedGradients, Context, Mode, Network, Node, Observer, Shape},
};

/// One module.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayerSummary {
    /// Path as in Lua, `2.1`; empty for the root.
    pub path: String,
    /// As it prints; a container by its class.
    pub module: String,
    /// Whether it only holds others.
    pub container: bool,
    /// Shape of its output, `[1, 300]`, or `{[1, 300], [1, 5]}` for a table; absent when shapes are unknown.
    pub output: Option<String>,
    /// Its own learned numbers, those that it shares with another module included.
    pub parameters: i64,
    /// Floating point operations of one forward pass of the batch, a multiply-add counted as two.
    pub flops: Option<u64>,
    /// Bytes of its output that are not already another module's (a view costs nothing).
    pub memory_bytes: Option<u64>,
    /// `file:line` that built it.
    pub place: Option<String>,
}

/// The sums below the table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Learned numbers, shared ones once.
    pub parameters: i64,
    /// Of these, numbers in modules that accumulate no gradient.
    pub frozen: i64,
    /// Bytes of the parameters.
    pub parameter_bytes: u64,
    /// Operations of one forward pass of the batch.
    pub flops: Option<u64>,
    /// Bytes of all activations of the batch.
    pub activation_bytes: Option<u64>,
    /// About what training needs with this batch: parameters, gradients and momentum, activations and their gradients.
    pub training_bytes: Option<u64>,
}

/// What the file says besides the network; all optional in DIGITS.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FileSettings {
    /// `trainBatchSize`
    pub train_batch_size: Option<i64>,
    /// `validationBatchSize`
    pub validation_batch_size: Option<i64>,
    /// `croplen`, pixels.
    pub croplen: Option<i64>,
    /// Whether there is a `labelHook`.
    pub label_hook: bool,
    /// Whether there is a `fineTuneHook`.
    pub fine_tune_hook: bool,
}

/// The whole answer of `check`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NetworkSummary {
    /// The network as Torch prints it.
    pub printed: String,
    /// The criterion as it prints.
    pub criterion: String,
    /// Shape of the batch the shapes are for, `[n, c, h, w]`; absent when unknown.
    pub input: Option<Vec<i64>>,
    /// Where the input shape comes from, in words.
    pub input_source: String,
    /// One row a module, a container before its children, as in the printed network.
    pub layers: Vec<LayerSummary>,
    /// The sums.
    pub totals: Totals,
    /// Batch sizes, crop, hooks.
    pub settings: FileSettings,
    /// Gradients of the user's code against finite differences, where that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gradients: Option<Vec<CheckedGradients>>,
}

/// Sends a batch of ones of shape `input` through the network in evaluation mode and describes every module;
/// without `input` the columns that depend on shapes stay empty.
///
/// # Errors
/// The error page of the first module that refuses the shape.
pub fn summarize(
    network: &Network,
    printed: String,
    input: Option<&[i64]>,
    input_source: String,
    settings: FileSettings,
) -> Result<NetworkSummary> {
    let mut seen = Measurer::default();
    if let Some(size) = input {
        let ones = tch::Tensor::f_ones(size, (network.kind, network.device))?;
        seen.keep(&ones);
        let batch = Activity::from(ones);
        tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate).observed(&mut seen)))?;
    }
    let known = input.is_some();
    let list = &network.parameters.list;
    let layers: Vec<LayerSummary> = network
        .root
        .walk()
        .into_iter()
        .map(|node| {
            let measured = seen.modules.iter().find(|m| m.path == node.path);
            LayerSummary {
                path: node.path.clone(),
                module: node.label.clone(),
                container: !node.module.children().is_empty(),
                output: measured.map(|m| m.output.to_string()),
                parameters: node
                    .parameters
                    .iter()
                    .filter_map(|&i| list.get(i))
                    .map(|p| p.size.iter().product::<i64>())
                    .sum(),
                flops: measured.map(|m| m.flops),
                memory_bytes: measured.map(|m| m.bytes),
                place: node.origin.as_ref().map(ToString::to_string),
            }
        })
        .collect();

    let element = match network.kind {
        tch::Kind::Double => 8,
        tch::Kind::Half => 2,
        _ => 4,
    };
    let parameters = network.parameters.count();
    let parameter_bytes = parameters as u64 * element;
    let activation_bytes = known.then(|| seen.modules.iter().map(|m| m.bytes).sum());
    let totals = Totals {
        parameters,
        frozen: list.iter().filter(|p| !p.learns).map(|p| p.size.iter().product::<i64>()).sum(),
        parameter_bytes,
        flops: known.then(|| seen.modules.iter().map(|m| m.flops).sum()),
        activation_bytes,
        training_bytes: activation_bytes.map(|activations: u64| 3 * parameter_bytes + 2 * activations),
    };
    let criterion = network.criterion_label.clone();
    let input = input.map(<[i64]>::to_vec);
    Ok(NetworkSummary { printed, criterion, input, input_source, layers, totals, settings, gradients: None })
}

/// A sample shape `[c, h, w]` (or `[n]`) that the first layers fix, with the words that say why: a network that
/// begins, behind views and scalings, with `nn.Linear` takes exactly that many values. Each guess is proved by a
/// forward pass of ones; `None` when nothing fixes the size (a convolution takes any).
#[must_use]
pub fn fixed_input(network: &Network) -> Option<(Vec<i64>, String)> {
    let walk = network.root.walk();
    let first = walk.iter().find(|node| !node.parameters.is_empty())?;
    let weight = network.parameters.list.get(*first.parameters.first()?)?;
    let &[_, features] = weight.size.as_slice() else { return None };
    if !first.class.contains("Linear") {
        return None;
    }
    let side = |pixels: i64| Some((pixels as f64).sqrt().round() as i64).filter(|s| s * s == pixels);
    let square = side(features).map(|s| vec![1, s, s]);
    let color = (features % 3 == 0).then(|| side(features / 3)).flatten().map(|s| vec![3, s, s]);
    let guesses = [square, color, Some(vec![features]), Some(vec![1, 1, features])];
    let fits = |shape: &Vec<i64>| {
        let size = [&[1], shape.as_slice()].concat();
        let ones = tch::Tensor::f_ones(&size[..], (network.kind, network.device)).ok()?;
        tch::no_grad(|| network.forward(&ones.into(), &mut Context::new(Mode::Evaluate))).ok()
    };
    let shape = guesses.into_iter().flatten().find(|shape| fits(shape).is_some())?;
    Some((shape, format!("taken from {}, the first layer with weights", first.label)))
}

struct Measured {
    path: String,
    output: Shape,
    flops: u64,
    bytes: u64,
}

/// Holds every output until the pass is over, so that an address stands for one tensor.
#[derive(Default)]
struct Measurer {
    modules: Vec<Measured>,
    known: HashSet<usize>,
    kept: Vec<tch::Tensor>,
}

impl Measurer {
    /// Bytes of a tensor, 0 when its memory is already counted.
    fn keep(&mut self, tensor: &tch::Tensor) -> u64 {
        let fresh = self.known.insert(tensor.data_ptr() as usize);
        self.kept.push(tensor.shallow_clone());
        if fresh { tensor.numel() as u64 * tensor.kind().elt_size_in_bytes() as u64 } else { 0 }
    }
}

impl Observer for Measurer {
    fn saw(&mut self, node: &Node, input: &Activity, output: &Activity) {
        let (output_shape, flops) = (output.shape(), node.module.flops(&input.shape(), &output.shape()));
        let bytes = output.tensors().into_iter().map(|tensor| self.keep(tensor)).sum();
        match self.modules.iter_mut().find(|m| m.path == node.path) {
            // A module that runs more than once (a shared branch) adds up; its last shape is shown.
            Some(again) => {
                again.flops += flops;
                again.bytes += bytes;
                again.output = output_shape;
            }
            None => self.modules.push(Measured { path: node.path.clone(), output: output_shape, flops, bytes }),
        }
    }
}

impl NetworkSummary {
    /// The page that `check` prints: the network, the table, the sums, the settings; no trailing newline.
    #[must_use]
    pub fn text(&self) -> String {
        let mut page = format!("Network\n\n{}\n\nLayers", self.printed.trim_end());
        let _ = match &self.input {
            Some(input) => write!(page, " (input {input:?}, {})\n\n", self.input_source),
            None => write!(page, " ({})\n\n", self.input_source),
        };
        page += &self.table();
        let t = &self.totals;
        let mut lines = vec![("parameters", format!("{} ({})", grouped(t.parameters), bytes(t.parameter_bytes)))];
        if t.frozen > 0 {
            lines.push(("of these frozen", grouped(t.frozen)));
        }
        let batch = self.input.as_ref().and_then(|input| input.first()).copied().unwrap_or(1);
        let each = format!("for a batch of {batch}");
        lines.extend(
            t.flops.map(|flops| ("operations", format!("{} forward, {each}", spaced(&operations(flops), "FLOP")))),
        );
        lines.extend(t.activation_bytes.map(|count| ("activations", format!("{} {each}", bytes(count)))));
        lines.extend(t.training_bytes.map(|count| {
            ("training needs", format!("about {} {each} (gradients and momentum included)", bytes(count)))
        }));
        page += "\nTotals\n\n";
        push_lines(&mut page, &lines);

        let s = &self.settings;
        let or_none = |value: Option<i64>| value.map_or("not set".to_string(), |v| v.to_string());
        let yes = |flag: bool| if flag { "yes" } else { "no" }.to_string();
        page += "\nSettings\n\n";
        push_lines(
            &mut page,
            &[
                ("criterion", self.criterion.clone()),
                ("train batch", or_none(s.train_batch_size)),
                ("validation batch", or_none(s.validation_batch_size)),
                ("croplen", or_none(s.croplen)),
                ("labelHook", yes(s.label_hook)),
                ("fineTuneHook", yes(s.fine_tune_hook)),
            ],
        );
        if let Some(checked) = &self.gradients {
            page += &format!("\nGradients\n\n{}", gradients::table(checked));
        }
        page.trim_end().to_string()
    }

    /// The aligned table; containers are indented lines without sums of their own.
    fn table(&self) -> String {
        let mut rows: Vec<[String; 6]> =
            vec![["", "module", "output", "parameters", "FLOP", "memory"].map(String::from)];
        for layer in &self.layers {
            let depth = if layer.path.is_empty() { 0 } else { layer.path.split('.').count() };
            let number = |n: u64| if n == 0 { "·".to_string() } else { operations(n) };
            rows.push([
                if layer.path.is_empty() { "model".into() } else { layer.path.clone() },
                format!("{:indent$}{}", "", layer.module, indent = 2 * depth.saturating_sub(1)),
                layer.output.as_deref().map_or("?".into(), shortened),
                if layer.parameters == 0 { "·".into() } else { grouped(layer.parameters) },
                match (layer.container, layer.flops) {
                    (true, None | Some(0)) => "·".into(),
                    (_, flops) => flops.map_or("?".into(), number),
                },
                match (layer.container, layer.memory_bytes) {
                    (true, None | Some(0)) => "·".into(),
                    (_, Some(0)) => "·".into(),
                    (_, count) => count.map_or("?".into(), bytes),
                },
            ]);
        }
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: [usize; 6] = std::array::from_fn(width);
        let mut text = String::new();
        for (i, row) in rows.iter().enumerate() {
            let mut line = String::from(" ");
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                let _ = if column < 3 { write!(line, " {cell:<width$} ") } else { write!(line, " {cell:>width$} ") };
            }
            text += line.trim_end();
            text.push('\n');
            if i == 0 {
                let _ = writeln!(text, "  {}", "─".repeat(widths.iter().sum::<usize>() + 2 * 5));
            }
        }
        text
    }
}

/// Tensors of a table that a cell shows.
const TENSORS: usize = 4;

/// `{[1, 8], [1, 8], …}`: of many tensors the first, and how many more there are.
fn shortened(shape: &str) -> String {
    let count = shape.matches('[').count();
    match shape.match_indices(", [").nth(TENSORS - 2) {
        Some((end, _)) if count > TENSORS => format!("{}, and {} more}}", &shape[..end], count - (TENSORS - 1)),
        _ => shape.to_string(),
    }
}

fn push_lines(page: &mut String, lines: &[(&str, String)]) {
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, value) in lines {
        let _ = writeln!(page, "  {label:<width$}  {value}");
    }
}

/// `320 FLOP`, `1.2 kFLOP`.
fn spaced(number: &str, unit: &str) -> String {
    match number.split_once(' ') {
        Some((value, prefix)) => format!("{value} {prefix}{unit}"),
        None => format!("{number} {unit}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::toy;

    fn summary(input: Option<&[i64]>) -> Result<NetworkSummary> {
        let settings = FileSettings { train_batch_size: Some(64), label_hook: true, ..FileSettings::default() };
        summarize(&toy::classifier(), "nn.Sequential {\n  …\n}\n".into(), input, "given".into(), settings)
    }

    #[test]
    fn a_cell_of_many_tensors_names_the_first() {
        let four = "{[1, 8], [1, 8], {[2], [3]}}";
        assert_eq!(shortened(four), four);
        let many = format!("{{{}}}", vec!["[1, 784]"; 28].join(", "));
        assert_eq!(shortened(&many), "{[1, 784], [1, 784], [1, 784], and 25 more}");
        assert_eq!(shortened("[1, 10]"), "[1, 10]");
    }

    #[test]
    fn every_column_is_right_for_a_small_network() {
        let s = summary(Some(&[2, 1, 4, 4])).unwrap();
        let [root, view, linear, last] = s.layers.as_slice() else { panic!("{:?}", s.layers) };
        assert!(root.container && root.memory_bytes == Some(0) && root.path.is_empty());
        assert_eq!((view.output.as_deref(), view.memory_bytes), (Some("[2, 16]"), Some(0)), "a view costs nothing");
        assert_eq!(
            (linear.parameters, linear.flops, linear.memory_bytes),
            (119, Some(2 * 2 * 16 * 7), Some(2 * 7 * 4))
        );
        assert_eq!((last.module.as_str(), last.place.as_deref()), ("nn.LogSoftMax", Some("toy.lua:4")));
        assert_eq!((s.totals.parameters, s.totals.activation_bytes), (119, Some(112)));
        assert_eq!(s.totals.training_bytes, Some(3 * 119 * 4 + 2 * 112));
    }

    #[test]
    fn the_page_is_aligned_and_says_everything() {
        let text = summary(Some(&[1, 1, 4, 4])).unwrap().text();
        assert!(text.contains("Layers (input [1, 1, 4, 4], given)"), "{text}");
        let table: Vec<&str> =
            text.lines().skip_while(|l| !l.contains("module")).take_while(|l| !l.is_empty()).collect();
        assert_eq!(table.len(), 6, "{text}");
        let ends: Vec<usize> = table.iter().map(|l| l.chars().count()).collect();
        assert!(ends.iter().all(|e| *e == ends[0]), "last column is flush right: {ends:?}\n{text}");
        for words in [
            "criterion         nn.MSECriterion",
            "train batch       64",
            "labelHook         yes",
            "croplen           not set",
        ] {
            assert!(text.contains(words), "{words} in\n{text}");
        }
    }

    #[test]
    fn without_a_shape_its_columns_are_unknown() {
        let s = summary(None).unwrap();
        assert!(s.layers.iter().all(|l| l.output.is_none()) && s.totals.flops.is_none());
        assert!(s.text().contains('?'));
    }

    #[test]
    fn a_first_linear_layer_fixes_the_shape() {
        assert_eq!(fixed_input(&toy::classifier()).unwrap().0, [1, 4, 4]);
        assert!(fixed_input(&toy::Toy::new().relu().finish()).is_none());
    }

    #[test]
    fn a_wrong_size_is_the_error_page_of_its_line() {
        let error = summary(Some(&[1, 1, 5, 5])).unwrap_err().to_string();
        assert!(error.contains("toy.lua:3") && error.contains("[16] or [n, 16]"), "{error}");
    }
}
