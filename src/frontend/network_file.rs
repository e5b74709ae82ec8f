//! `NetworkFile`: a network file of either language that has run, as the tasks behind the doors use it.

use super::{
    lua::{LabelHook, Loaded, Settings},
    tensorflow_file::{Purpose, TensorflowFile},
};
use crate::{error::Result, nn::Network};

/// A file that has run.
pub enum NetworkFile {
    /// DIGITS' Torch7 form.
    Lua(Box<Loaded>),
    /// DIGITS' TensorFlow form.
    Tensorflow(Box<TensorflowFile>),
}

/// A network, and how the target of a batch is made from its labels.
pub struct Ready {
    /// The network.
    pub network: Network,
    /// Makes targets; without it the labels are the target.
    pub label_hook: Option<LabelHook>,
}

impl NetworkFile {
    /// The network on `device`, its floats of type `kind`.
    ///
    /// # Errors
    /// When it cannot be lowered; the page names the line.
    pub fn lower(&self, purpose: Purpose, kind: tch::Kind, device: tch::Device) -> Result<Ready> {
        match self {
            NetworkFile::Lua(file) => Ok(Ready { network: file.lower(kind, device)?, label_hook: file.label_hook() }),
            NetworkFile::Tensorflow(file) => {
                let lowered = file.lower(purpose, kind, device)?;
                let label_hook = lowered.target_is_input.then_some(LabelHook::Input);
                Ok(Ready { network: lowered.network, label_hook })
            }
        }
    }

    /// Batch sizes and crop that the file asks for; a TensorFlow file asks for none.
    #[must_use]
    pub fn settings(&self) -> Settings {
        match self {
            NetworkFile::Lua(file) => file.settings,
            NetworkFile::Tensorflow(_) => Settings::default(),
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
}
