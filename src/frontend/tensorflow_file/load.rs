//! `load`: runs the file, makes its `UserModel` once a stage, and reads inference, loss and summaries.
//!
//! Source of the contract: DIGITS `tools/tensorflow/main.py` and `model.py` (spec section 6).

use std::{cell::Cell, rc::Rc, time::Instant};

use super::{
    bound::OrRaise,
    convert, gradients,
    library::{Library, library},
    objects::{SummaryValue, Tensor, Tf},
    untaught,
};
use crate::{
    error::{Error, Kind, Result},
    frontend::{
        LabelShape, NetworkParams, Source,
        python::{Arguments, Interpreter, Options, Outcome, Raised, Value},
        tensorflow::{self, Feed, GradientChange, Graph, Lowered, Opened, Reuse, Summary, SummaryKind, Symbol, Tower},
    },
    nn::{
        Network,
        dataflow::{DType, Dims, Labels, Loss},
    },
};

const SHAPE: &str = "a TensorFlow network file defines\n  class UserModel(Tower):\n    @model_property\n    def inference(self): \
                     …\n    @model_property\n    def loss(self): …";

/// What a network is lowered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Training with validation: the stages `train` and `val`.
    Training,
    /// The same, and regularisation losses have gradients; in DIGITS they are reported only.
    RegularizedTraining,
    /// Looking at images without labels: the stage `inf`.
    Inference,
}

/// What one stage gave.
struct Stage {
    tower: Tower,
    summaries: Vec<Summary>,
}

/// A TensorFlow network file that has run.
pub struct TensorflowFile {
    graph: Graph,
    train: Stage,
    val: Stage,
    /// The page where the file cannot look at such images: DIGITS builds this stage for a test only.
    inf: Result<Stage>,
    labels: Labels,
    /// What is worth a warning although the file runs.
    warnings: Vec<String>,
    /// The file, as given.
    pub source: Source,
    /// How long the file ran, in seconds.
    pub seconds: f64,
}

/// Runs a network file with these parameters; initial weights are drawn from `seed`.
///
/// # Errors
/// A page for the file's author: syntax and exceptions with their line, a class that is no network, a limit that was
/// reached.
pub fn load(source: Source, params: &NetworkParams, options: Options, seed: u64) -> Result<TensorflowFile> {
    let start = Instant::now();
    let graph = Graph::new(seed);
    let shared = Tf::new(graph.clone());
    // The class is built once a stage; what it prints is heard once, as its author wrote it.
    let (is_heard, print) = (Rc::new(Cell::new(true)), Rc::clone(&options.print));
    let heard = Rc::clone(&is_heard);
    let print = Rc::new(move |line: &str| {
        if heard.get() {
            print(line)
        }
    });
    let python = Rc::new(Interpreter::new(Options { print, ..options }, Vec::new()));
    shared.set_python(&python);
    let Library { modules, tf, slim, digits, tower, model_property } = python.guard(|| library(&shared))?;
    for (name, module) in &modules {
        python.add_module(module.clone());
        python.add_alias(name, module);
    }
    python.define("tf", Value::Module(tf));
    python.define("slim", Value::Module(slim));
    python.define("digits", Value::Module(digits));
    python.define("Tower", tower);
    python.define("model_property", model_property);
    python.run(&source.name, &source.text)?;
    let Some(class) = python.global("UserModel") else {
        return Err(Error::new(Kind::Network, format!("{} defines no class UserModel", source.name)).with_help(SHAPE));
    };
    let form = match (params.labels, params.nclasses) {
        (LabelShape::Image(Some(shape)), _) => Labels::Images(shape),
        (LabelShape::Image(None), _) => Labels::AnyImages,
        (LabelShape::Scalar | LabelShape::Unknown, Some(classes)) => Labels::ClassesFromOne(classes),
        (LabelShape::Scalar | LabelShape::Unknown, None) => Labels::Whole,
    };
    let builder = Builder { tf: &shared, python: &python, class, params };
    let train = builder.stage("train", true)?;
    let first = graph.variable_count();
    is_heard.set(false);
    let (val, inf) = (builder.stage("val", false), builder.stage("inf", false));
    is_heard.set(true);
    let val = val?;
    Ok(TensorflowFile {
        warnings: untaught::sentences(&graph, &val.tower, first),
        graph,
        train,
        val,
        inf,
        labels: form,
        source,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Losses, each with the variables that it teaches; `None` for all.
type Losses = Vec<(Symbol, Option<Vec<Symbol>>)>;

/// What a model's properties gave.
struct Read {
    outputs: Vec<Symbol>,
    losses: Losses,
    reported: Vec<Symbol>,
    updates: Vec<Vec<GradientChange>>,
    summaries: Vec<Summary>,
}

struct Builder<'a> {
    tf: &'a Rc<Tf>,
    python: &'a Interpreter,
    class: Value,
    params: &'a NetworkParams,
}

impl Builder<'_> {
    /// Builds one tower, as DIGITS does: the constructor in the stage's scope of names, inference in the variable scope
    /// `model`, the loss in `model` with reuse on.
    fn stage(&self, stage: &str, training: bool) -> Result<Stage> {
        let graph = &self.tf.graph;
        let inference = stage == "inf";
        // Each stage starts with TensorFlow's outermost scopes; later ones find the variables of the first.
        let root = graph.variable_scope();
        let reuse = (stage != "train").then_some(Reuse::Reuse);
        let (_, _root) = graph.open_variable_scope(&Opened::Again(&root), reuse)?;
        let _stage = graph.name_scope(&format!("{stage}/"));
        let [c, h, w] = self.params.input_shape.map_or([None; 3], |shape| shape.map(Some));
        let images = graph.placeholder(Feed::Images, DType::Float32, Dims(vec![None, h, w, c]), "x")?;
        let labels = if inference { None } else { Some(self.labels(graph)?) };
        let size = |extent: Option<i64>| extent.map_or(Value::None, Value::Int);
        let read = self.python.guard(|| {
            let y = labels.map_or(Value::None, |labels| self.tf.value(labels));
            let arguments = Arguments::of(vec![
                self.tf.value(images),
                y,
                Value::list(vec![size(h), size(w), size(c)]),
                Value::Int(self.params.nclasses.unwrap_or(0)),
                Value::Bool(training),
                Value::Bool(inference),
            ]);
            let model = self.python.call(&self.class, arguments)?;
            self.read(&model, stage, inference)
        });
        graph.set_origin(None);
        let Read { outputs, losses, reported, updates, summaries } = read?;
        let is_scalar = |summary: &&Summary| summary.kind == SummaryKind::Scalar;
        let scalars = summaries.iter().filter(is_scalar).map(|summary| (summary.tag.clone(), summary.value)).collect();
        let is_view = |summary: &&Summary| matches!(summary.kind, SummaryKind::Image(_) | SummaryKind::Histogram);
        let views = summaries.iter().filter(is_view).cloned().collect();
        Ok(Stage { tower: Tower { images, labels, outputs, losses, reported, updates, scalars, views }, summaries })
    }

    fn labels(&self, graph: &Graph) -> Result<Symbol> {
        match self.params.labels {
            LabelShape::Scalar | LabelShape::Unknown => {
                graph.placeholder(Feed::Labels, DType::Int64, Dims(vec![None]), "y")
            }
            LabelShape::Image(shape) => {
                let [c, h, w] = shape.map_or([None; 3], |shape| shape.map(Some));
                graph.placeholder(Feed::Labels, DType::Float32, Dims(vec![None, h, w, c]), "y")
            }
        }
    }

    /// Inference, losses, what the reported loss holds besides, and summaries.
    fn read(&self, model: &Value, stage: &str, inference: bool) -> Outcome<Read> {
        let graph = &self.tf.graph;
        let (scope, _model) = graph.open_variable_scope(&Opened::Named("model"), None).or_raise()?;
        let output = self.part(model, "inference")?;
        let mut outputs = self.symbols(&output).map_err(|raised| {
            self.python.answered("inference", raised.with_help("inference returns a tensor, or a list"))
        })?;
        if let (true, [logits], Some(classes)) = (inference, outputs.as_slice(), self.params.nclasses) {
            outputs = vec![self.chances(*logits, classes).or_raise()?];
        }
        scope.reuse_variables();
        let (mut losses, mut reported, mut updates) = (Vec::new(), Vec::new(), Vec::new());
        if !inference {
            let _loss = graph.name_scope("loss");
            let value = self.part(model, "loss")?;
            graph.set_origin(self.python.returned_from("loss"));
            losses = self.losses(&value).map_err(|raised| self.python.answered("loss", raised))?;
            let entries = graph.collection("losses", Some(&format!("{stage}/")));
            reported = entries.into_iter().filter(|entry| graph.dims(*entry).rank() == 0).collect();
            if stage == "train" {
                for (loss, variables) in &losses {
                    graph.check_teaches(*loss, variables.as_deref())?;
                }
                updates = gradients::updates(self.tf, self.python, (&self.class, model), &losses)?;
            }
        }
        let mut summaries = Vec::new();
        if let Some(list) = self.python.find_attribute(model, "summaries")?.and_then(|list| list.as_items()) {
            for summary in list.iter().filter_map(Value::as_native::<SummaryValue>) {
                summaries.extend(summary.0.iter().filter_map(|&index| graph.summary(index)));
            }
        }
        Ok(Read { outputs, losses, reported, updates, summaries })
    }

    /// Scores of classes as probabilities, as DIGITS' tool shows them; what is no row of scores, or is probabilities already,
    /// stays as it is.
    fn chances(&self, output: Symbol, classes: i64) -> Result<Symbol> {
        let graph = &self.tf.graph;
        let is_row = matches!(*graph.dims(output).0.as_slice(), [_, Some(columns)] if columns == classes);
        if !is_row || tensorflow::are_chances(graph, output) {
            return Ok(output);
        }
        graph.add(Loss::Softmax(1), &[output], Some("softmax"))
    }

    /// A property of the model, or a method that takes nothing (a forgotten decorator).
    fn part(&self, model: &Value, name: &str) -> Outcome<Value> {
        let Some(value) = self.python.find_attribute(model, name)? else {
            return Err(Raised::value_error(format!("UserModel has no {name}")).with_help(SHAPE));
        };
        match value {
            Value::Method(_) => self.python.call(&value, Arguments::default()),
            Value::None => {
                let raised = Raised::value_error(format!("UserModel.{name} gives None"));
                Err(self.python.answered(name, raised.with_help(format!("end {name} with `return …`"))))
            }
            value => Ok(value),
        }
    }

    fn symbols(&self, value: &Value) -> Outcome<Vec<Symbol>> {
        match value.as_items() {
            Some(items) if items.iter().any(|item| item.as_native::<Tensor>().is_some()) => {
                items.iter().map(|item| convert::symbol(self.tf, item, None)).collect()
            }
            _ => Ok(vec![convert::symbol(self.tf, value, None)?]),
        }
    }

    fn losses(&self, value: &Value) -> Outcome<Losses> {
        let loss = |value: &Value| -> Outcome<Symbol> {
            let loss = convert::symbol(self.tf, value, None)?;
            self.tf.graph.check_loss(loss)?;
            Ok(loss)
        };
        let Some(items) = value.as_items() else { return Ok(vec![(loss(value)?, None)]) };
        let wrong = || {
            Raised::type_error("loss gives a tensor, or a list of {'loss': tensor, 'vars': variables}")
                .with_help("return [{'loss': d_loss, 'vars': d_vars}, {'loss': g_loss, 'vars': g_vars}]")
        };
        if items.is_empty() {
            return Err(Raised::value_error("loss gives an empty list: there is nothing to train")
                .with_help("return the loss: a tensor of one number"));
        }
        let mut losses = Vec::new();
        for item in &items {
            let Value::Dict(dict) = item else { return Err(wrong()) };
            let entry = |name: &str| self.python.dict_get(dict, &Value::str(name));
            let loss = loss(&entry("loss")?.ok_or_else(wrong)?)?;
            let variables = entry("vars")?.and_then(|vars| vars.as_items()).ok_or_else(wrong)?;
            let variables = variables.iter().map(|one| convert::symbol(self.tf, one, None)).collect::<Outcome<_>>()?;
            losses.push((loss, Some(variables)));
        }
        Ok(losses)
    }
}

impl TensorflowFile {
    /// The network on `device`, its floats of type `kind`.
    ///
    /// # Errors
    /// When it does not fit into memory, or a loss teaches what is no variable.
    pub fn lower(&self, purpose: Purpose, kind: tch::Kind, device: tch::Device) -> Result<Lowered> {
        let regularized = purpose == Purpose::RegularizedTraining;
        let evaluate = match purpose {
            Purpose::Training | Purpose::RegularizedTraining => &self.val.tower,
            Purpose::Inference => &self.looking()?.tower,
        };
        tensorflow::lower(&self.graph, &self.train.tower, evaluate, self.labels, regularized, (kind, device))
    }

    fn looking(&self) -> Result<&Stage> {
        self.inf.as_ref().map_err(Clone::clone)
    }

    /// Gives the variables the values that this network has, by name.
    ///
    /// # Errors
    /// When memory is short.
    pub fn begin_with(&self, network: &Network) -> Result<()> {
        for stored in network.parameters.stored() {
            self.graph.set_initial(stored.name, &stored.value()?)?;
        }
        Ok(())
    }

    /// The network for looking at images as the text of a Lua file, whose parameters stand in the same order; `None` where
    /// Torch7 has no modules for it.
    ///
    /// # Errors
    /// When memory is short.
    pub fn in_torch(&self, kind: tch::Kind, device: tch::Device) -> Result<Option<String>> {
        tensorflow::in_torch(&self.graph, &self.train.tower, &self.looking()?.tower, (kind, device))
    }

    /// What is worth a warning although the file runs.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// Name and kind of each summary that the model appended, as validation has them.
    #[must_use]
    pub fn summaries(&self) -> Vec<(String, SummaryKind)> {
        self.val.summaries.iter().map(|summary| (summary.tag.clone(), summary.kind)).collect()
    }

    /// The network's sizes and its layers, one a line.
    #[must_use]
    pub fn printed(&self) -> String {
        tensorflow::printed(&self.graph, &self.train.tower)
    }
}
