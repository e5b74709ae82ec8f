//! `Autograd`: runs any network, differentiated by libtorch.

use super::{
    contract::Engine,
    crowd::Crowd,
    surroundings::{LargeBlocks, Surroundings},
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Mode, Network},
    optim::{Gradient, Optimizer},
};

/// The general engine.
pub(super) struct Autograd {
    network: Network,
    optimizer: Box<dyn Optimizer>,
    /// Scalars on the device, not read yet.
    losses: Vec<tch::Tensor>,
    crowd: Crowd,
}

impl Autograd {
    pub(super) fn new(network: Network, optimizer: Box<dyn Optimizer>) -> Autograd {
        Autograd { network, optimizer, losses: Vec::new(), crowd: Crowd::new() }
    }

    /// Loss and gradient; parameters are not changed.
    fn differentiate(&self, input: &tch::Tensor, target: &Activity) -> Result<(tch::Tensor, Gradient)> {
        let mut cx = Context::new(Mode::Train).private();
        let output = self.network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx)?;
        let loss = self.network.loss(&output, target, &mut cx)?;
        let gradient = Gradient::of(self.network.gradients(&loss, cx.take_cuts())?);
        Ok((loss.f_detach()?, gradient))
    }
}

impl Engine for Autograd {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        // Always, since a network does not tell whether it draws noise; it costs a few microseconds.
        tch::manual_seed(seed.cast_signed());
        self.crowd.look();
        let x = self.network.parameters.flat.view();
        let learns = x.numel() > 0;
        if learns {
            self.optimizer.before_forward(&x)?;
        }
        let (loss, gradient) = match self.differentiate(input, target) {
            Ok(both) => both,
            Err(error) => {
                if learns {
                    self.optimizer.abandon(&x)?;
                }
                return Err(error);
            }
        };
        if learns {
            self.optimizer.step(&x, &gradient, rate)?;
        }
        self.losses.push(loss);
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        if self.losses.is_empty() {
            return Ok(Vec::new());
        }
        let scalars = self.losses.iter().map(|loss| Ok(loss.f_reshape([1])?)).collect::<Result<Vec<_>>>()?;
        let all = tch::Tensor::f_cat(&scalars, 0)?.f_to_kind(tch::Kind::Double)?;
        self.losses.clear();
        Ok(Vec::try_from(all)?)
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.crowd.look();
        let _guard = tch::no_grad_guard();
        let mut cx = Context::new(Mode::Evaluate).private();
        let output = self.network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx)?;
        let loss = self.network.loss(&output, target, &mut cx)?;
        if loss.numel() != 1 {
            return Err(Error::new(Kind::Shape, format!("the loss is not one number but {:?}", loss.size())));
        }
        Ok((loss.f_reshape([1])?.f_double_value(&[0])?, output))
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn optimizer(&self) -> &dyn Optimizer {
        &*self.optimizer
    }

    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        &mut *self.optimizer
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings { libtorch_threads: None, large_blocks: LargeBlocks::Keep }
    }

    fn describe(&self) -> String {
        "autograd".to_string()
    }
}
