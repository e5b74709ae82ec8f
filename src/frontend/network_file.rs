//! `NetworkFile`: a network file of either language that has run, as the tasks behind the doors use it: the one way in.

use std::{path::PathBuf, rc::Rc};

use super::{
    language::Language,
    lua::{
        self, LabelHook, Loaded,
        vm::{Output, VmOptions},
    },
    python::Options,
    settings::Settings,
    source::{LabelShape, NetworkParams, Source},
    tensorflow_file::{self, Purpose, TensorflowFile},
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Network, ScalarsOf, ViewsOf},
};

/// A file that has run.
pub enum NetworkFile {
    /// DIGITS' Torch7 form.
    Lua(Box<Loaded>),
    /// DIGITS' TensorFlow form.
    Tensorflow(Box<TensorflowFile>),
}

/// A network, and what belongs to a batch of it.
pub struct Ready {
    /// The network.
    pub network: Network,
    /// The criterion as it prints.
    pub criterion: String,
    /// Makes targets; without it the labels are the target.
    pub label_hook: Option<LabelHook>,
    /// `tf.summary.scalar`; `None` where the file has none.
    pub scalars: Option<ScalarsOf>,
    /// `tf.summary.image` and `tf.summary.histogram`; `None` where the file has none.
    pub views: Option<ViewsOf>,
}

/// Whether a page of a Python file may come of images whose shape is not known: of a size that is None, or of `?`.
fn wants_sizes(page: &Error) -> bool {
    let facts = page.facts().iter().map(|(_, value)| value.as_str());
    let mut words = facts.chain(page.causes().iter().map(String::as_str)).chain([page.message()]);
    words.any(|text| text.contains("None") || text.contains('?') || text.contains("must be known"))
}

impl NetworkFile {
    /// Runs a file of either language with these parameters; initial weights are drawn from `seed`. What the file prints,
    /// now and later, goes to `output`.
    ///
    /// # Errors
    /// A page for the file's author.
    pub fn load(source: Source, params: &NetworkParams, output: Output, seed: u64) -> Result<NetworkFile> {
        match source.language() {
            Language::Lua => {
                let options = VmOptions { output, ..VmOptions::default() };
                lua::load(source, params, options, seed).map(|file| NetworkFile::Lua(Box::new(file)))
            }
            Language::Python => {
                let run = |labels: LabelShape, output: Output| {
                    let params = NetworkParams { labels, ..params.clone() };
                    let options = Options { print: Rc::new(move |line| output.line(line)), ..Options::default() };
                    tensorflow_file::load(source.clone(), &params, options, seed)
                };
                let file = match params.labels {
                    // Labels may be numbers or images; what does not end, ends with neither.
                    LabelShape::Unknown => run(LabelShape::Scalar, output).or_else(|page| match page.kind() {
                        Kind::Limit => Err(page),
                        _ => run(LabelShape::Image(None), Output::silent()).map_err(|_| page),
                    }),
                    known => run(known, output),
                };
                let file = file.map_err(|page| match params.input_shape {
                    None if wants_sizes(&page) => page.with_fact(
                        "the images",
                        "their shape is not known: give --input-shape 1x28x28 or --dataset DIR",
                    ),
                    _ => page,
                });
                file.map(|file| NetworkFile::Tensorflow(Box::new(file)))
            }
        }
    }

    /// The network on `device`, its floats of type `kind`. A Lua file's is the same for every purpose.
    ///
    /// # Errors
    /// When it cannot be lowered; the page names the line.
    pub fn lower(&self, purpose: Purpose, kind: tch::Kind, device: tch::Device) -> Result<Ready> {
        match self {
            NetworkFile::Lua(file) => Ok(Ready {
                network: file.lower(kind, device)?,
                criterion: file.criterion_printed.clone(),
                label_hook: file.label_hook(),
                scalars: None,
                views: None,
            }),
            NetworkFile::Tensorflow(file) => {
                let lowered = file.lower(purpose, kind, device)?;
                let label_hook = lowered.target_is_input.then_some(LabelHook::Input);
                let summaries = Rc::new(lowered.summaries);
                let (of_scalars, of_views) = (Rc::clone(&summaries), Rc::clone(&summaries));
                let scalars = summaries
                    .has_scalars()
                    .then(|| -> ScalarsOf { Box::new(move |x, y, output| of_scalars.scalars(x, y, output)) });
                let views = summaries.has_views().then(|| -> ViewsOf { Box::new(move |x, y| of_views.views(x, y)) });
                let criterion = lowered.network.criterion_label.clone();
                Ok(Ready { network: lowered.network, criterion, label_hook, scalars, views })
            }
        }
    }

    /// Lets every network that is lowered from now on begin with the values of this one, lowered from this file. A Lua
    /// file's objects share their memory with its networks and have them already.
    ///
    /// # Errors
    /// When memory is short.
    pub fn begin_with(&self, network: &Network) -> Result<()> {
        match self {
            NetworkFile::Lua(_) => Ok(()),
            NetworkFile::Tensorflow(file) => file.begin_with(network),
        }
    }

    /// Runs a Lua file's `fineTuneHook`, which may replace the network; a TensorFlow file has none.
    ///
    /// # Errors
    /// When the hook fails or gives no module.
    pub fn fine_tune(&mut self) -> Result<()> {
        match self {
            NetworkFile::Lua(file) => file.fine_tune(),
            NetworkFile::Tensorflow(_) => Ok(()),
        }
    }

    /// Whether it has a `labelHook` and a `fineTuneHook`.
    #[must_use]
    pub fn hooks(&self) -> [bool; 2] {
        match self {
            NetworkFile::Lua(file) => [file.has_label_hook(), file.has_fine_tune_hook()],
            NetworkFile::Tensorflow(_) => [false; 2],
        }
    }

    /// Answers at any later time which files beside the network file it has read: each with its place below the folder. A
    /// TensorFlow file reads none.
    #[must_use]
    pub fn read_files(&self) -> Box<dyn Fn() -> Vec<(PathBuf, PathBuf)>> {
        match self {
            NetworkFile::Lua(file) => file.read_files(),
            NetworkFile::Tensorflow(_) => Box::new(Vec::new),
        }
    }

    /// What is worth a warning although the file runs.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        match self {
            NetworkFile::Lua(_) => &[],
            NetworkFile::Tensorflow(file) => file.warnings(),
        }
    }

    /// Batch sizes and crop that the file asks for; a TensorFlow file asks for none.
    #[must_use]
    pub fn settings(&self) -> Settings {
        match self {
            NetworkFile::Lua(file) => file.settings,
            NetworkFile::Tensorflow(_) => Settings { language: Language::Python, ..Settings::default() },
        }
    }

    /// The file's name, as given.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            NetworkFile::Lua(file) => &file.source.name,
            NetworkFile::Tensorflow(file) => &file.source.name,
        }
    }

    /// The network in its own form's words.
    #[must_use]
    pub fn printed(&self) -> String {
        match self {
            NetworkFile::Lua(file) => file.printed.clone(),
            NetworkFile::Tensorflow(file) => file.printed(),
        }
    }

    /// The model as a `.t7` stream, binary or ASCII. `network` holds the weights, lowered from this file for looking at
    /// images.
    ///
    /// # Errors
    /// When an object of the model cannot be written, or Torch7 has no modules for the network.
    pub fn t7(&self, network: &Network, ascii: bool) -> Result<Vec<u8>> {
        let file = match self {
            NetworkFile::Lua(file) => return file.t7(ascii),
            NetworkFile::Tensorflow(file) => file,
        };
        let text = file.in_torch(network.kind, network.device)?.ok_or_else(|| {
            Error::new(Kind::Usage, "this network cannot be written as a .t7 file")
                .with_cause("it is no chain of layers that Torch7's nn has, on images with planes in front")
                .with_help("export it as onnx, or its weights as safetensors")
        })?;
        let source = Source::pasted(&file.source.name, &text);
        let said = lua::load(source, &NetworkParams::default(), VmOptions::default(), 1)?;
        // Lowering shares the memory of the Lua objects.
        let own = said.lower(network.kind, network.device)?;
        for (into, from) in own.parameters.list.iter().zip(&network.parameters.list) {
            tch::no_grad(|| into.leaf.shallow_clone().f_copy_(&from.leaf.f_reshape(into.leaf.size())?))?;
        }
        said.t7(ascii)
    }
}
