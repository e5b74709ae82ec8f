//! `Engine`: what the trainer may ask of every kind of engine; and how one is wanted.

use super::{kernels::Level, surroundings::Surroundings};
use crate::{
    error::Result,
    nn::{Activity, Network},
    optim::Optimizer,
};

/// What carries out steps on one network. Losses are kept on the device until they are asked for.
pub trait Engine {
    /// One training step: forward, loss, backward, update with learning rate `rate`. `seed` seeds the step's noise
    /// (dropout), so that a step is a pure function of parameters, optimiser state, batch, rate and seed.
    ///
    /// `input` is `[n, c, h, w]`; n may be smaller than the batch size for the last batch of an epoch.
    ///
    /// # Errors
    /// When shapes do not fit or a user's module fails; the parameters are then unchanged.
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()>;

    /// The losses of the steps since the last call, in order. Waits for the device.
    ///
    /// # Errors
    /// When they cannot be read.
    fn take_losses(&mut self) -> Result<Vec<f64>>;

    /// Output and loss of a batch in evaluation mode, without any update and without the [reported](Engine::reported) term.
    /// The loss is read from the device; the next call may use the output's memory again.
    ///
    /// # Errors
    /// When shapes do not fit or a user's module fails.
    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)>;

    /// What the network file adds to the loss that is shown (DIGITS' regularisation losses), of the parameters as they are: the
    /// same for every batch of a validation. 0 where there is nothing.
    ///
    /// # Errors
    /// When libtorch refuses.
    fn reported(&self) -> Result<f64> {
        match self.network().reported_term()? {
            Some(term) => Ok(term.f_double_value(&[0])?),
            None => Ok(0.0),
        }
    }

    /// The network; its flat parameter vector is up to date after every step, and may be written between steps. Its
    /// flat gradient vector is not filled by every engine.
    fn network(&self) -> &Network;

    /// The rule and its state.
    fn optimizer(&self) -> &dyn Optimizer;

    /// The same, to be changed between steps.
    fn optimizer_mut(&mut self) -> &mut dyn Optimizer;

    /// Optimiser state for a snapshot: names and tensors.
    fn optimizer_state(&self) -> Vec<(String, tch::Tensor)> {
        self.optimizer().state()
    }

    /// Restores what `optimizer_state` gave.
    ///
    /// # Errors
    /// When a tensor is missing or has another size.
    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        let parameters = self.network().parameters.flat.view();
        self.optimizer_mut().load(&parameters, state)
    }

    /// What it wants of the process that it runs in; it works without, only slower.
    fn surroundings(&self) -> Surroundings;

    /// Whether a training step of such a batch fits into the memory: a pass without an update, during which running
    /// statistics may move. `None` where that does not tell.
    fn fits(&mut self, _input: &tch::Tensor, _target: &Activity) -> Option<bool> {
        None
    }

    /// A sentence for the log about how steps are carried out from now on, where that has changed; handed out once.
    fn take_notice(&mut self) -> Option<String> {
        None
    }

    /// In words for the log: `autograd`, `chain (4 layers, avx2, 2 threads)`.
    fn describe(&self) -> String;
}

/// How steps are carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineOptions {
    /// The usual number of samples of a batch; larger ones are taken too.
    pub batch_size: usize,
    /// Threads of a step where the engine has its own; the chain has work for two. Results are the same bits for any
    /// number.
    pub threads: usize,
    /// Never use the kernels of our own.
    pub force_autograd: bool,
    /// The shape `[c, h, w]` of a sample, where it is known beforehand: an engine may plan for it.
    pub sample: Option<Vec<i64>>,
    /// The instructions of our own kernels, one of [`Level::available`]; the best when none is named.
    pub level: Option<Level>,
}

impl Default for EngineOptions {
    /// Batches of 64; two threads, or one on a machine with one core.
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        EngineOptions { batch_size: 64, threads: cores.min(2), force_autograd: false, sample: None, level: None }
    }
}
