//! `Reported`: an engine whose losses get the network's reported term (DIGITS' regularisation losses) when they are read.
//!
//! The engines know the user's loss only. Beside libtorch's own step the term of every step is computed. Our kernels are
//! done before that would be: there the term, which changes slowly, is computed when losses are taken and laid on a line
//! between the last time and this one, so that the mean over a line of the log is right up to the bend of the curve.

use super::{contract::Engine, surroundings::Surroundings};
use crate::{
    error::Result,
    nn::{Activity, Network},
    optim::Optimizer,
};

struct Reported {
    engine: Box<dyn Engine>,
    pace: Pace,
}

/// When the term is computed.
enum Pace {
    /// Before every step: scalars on the device, not read yet.
    EveryStep(Vec<tch::Tensor>),
    /// When losses are taken: the value of the last time.
    EveryLine(Option<f64>),
}

/// The engine, with the network's reported term added to its losses where there is one. `fast` engines compute it seldom.
pub(super) fn reported(engine: Box<dyn Engine>, fast: bool) -> Box<dyn Engine> {
    if engine.network().reported.is_none() {
        return engine;
    }
    let pace = if fast { Pace::EveryLine(None) } else { Pace::EveryStep(Vec::new()) };
    Box::new(Reported { engine, pace })
}

impl Engine for Reported {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        if let Pace::EveryLine(Some(_)) = self.pace {
            return self.engine.step(input, target, rate, seed);
        }
        let term = self.network().reported_term()?;
        self.engine.step(input, target, rate, seed)?;
        match &mut self.pace {
            Pace::EveryStep(terms) => terms.extend(term),
            Pace::EveryLine(before) => *before = term.map(|term| term.f_double_value(&[0])).transpose()?,
        }
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        let mut losses = self.engine.take_losses()?;
        let now = match &self.pace {
            Pace::EveryLine(_) => self.reported()?,
            Pace::EveryStep(_) => 0.0,
        };
        match &mut self.pace {
            Pace::EveryStep(terms) => {
                if !terms.is_empty() {
                    let all = Vec::<f64>::try_from(tch::Tensor::f_cat(terms, 0)?.f_to_kind(tch::Kind::Double)?)?;
                    losses.iter_mut().zip(all).for_each(|(loss, term)| *loss += term);
                    terms.clear();
                }
            }
            Pace::EveryLine(before) => {
                let (start, steps) = (before.replace(now).unwrap_or(now), losses.len() as f64);
                for (i, loss) in losses.iter_mut().enumerate() {
                    // The term before step i, as TensorFlow computes it with the step's own loss.
                    *loss += start + (now - start) * i as f64 / steps;
                }
            }
        }
        Ok(losses)
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.engine.evaluate(input, target)
    }

    fn network(&self) -> &Network {
        self.engine.network()
    }

    fn optimizer(&self) -> &dyn Optimizer {
        self.engine.optimizer()
    }

    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.engine.optimizer_mut()
    }

    fn optimizer_state(&self) -> Vec<(String, tch::Tensor)> {
        self.engine.optimizer_state()
    }

    fn surroundings(&self) -> Surroundings {
        self.engine.surroundings()
    }

    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        match &mut self.pace {
            Pace::EveryStep(terms) => terms.clear(),
            Pace::EveryLine(before) => *before = None,
        }
        self.engine.load_optimizer_state(state)
    }

    fn fits(&mut self, input: &tch::Tensor, target: &Activity) -> Option<bool> {
        self.engine.fits(input, target)
    }

    fn take_notice(&mut self) -> Option<String> {
        self.engine.take_notice()
    }

    fn describe(&self) -> String {
        self.engine.describe()
    }
}
