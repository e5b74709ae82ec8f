//! `Autograd`: runs any network, differentiated by libtorch.

use std::rc::Rc;

use super::{
    contract::Engine,
    crowd::Crowd,
    surroundings::{LargeBlocks, Surroundings},
    turns::Turns,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Cut, MemoryFormat, Mode, Network},
    optim::{Gradient, Optimizer, OptimizerSpec},
};

/// The general engine.
pub(super) struct Autograd {
    pub(super) network: Rc<Network>,
    pub(super) optimizer: Box<dyn Optimizer>,
    /// Where several losses teach parameters of their own, the optimiser's place is taken by these.
    pub(super) turns: Option<Turns>,
    /// On the device, not read yet: scalars, or vectors of them.
    losses: Vec<tch::Tensor>,
    pub(super) crowd: Crowd,
    /// How its passes lay images and kernels out.
    pub(super) format: MemoryFormat,
    /// Why its steps are not captured, on a device where they could be.
    remark: Option<String>,
}

impl Autograd {
    /// With a fresh optimiser.
    pub(super) fn new(network: Network, spec: &OptimizerSpec) -> Result<Autograd> {
        let optimizer = spec.build_for(network.device)?;
        Autograd::with(network, spec, optimizer)
    }

    /// With this rule, which is `spec`'s, in a form of its own.
    pub(super) fn with(network: Network, spec: &OptimizerSpec, optimizer: Box<dyn Optimizer>) -> Result<Autograd> {
        let turns = Turns::of(&network, spec)?;
        let format = MemoryFormat::fastest(network.kind, network.device);
        let (network, crowd) = (Rc::new(network), Crowd::new());
        Ok(Autograd { network, optimizer, turns, losses: Vec::new(), crowd, format, remark: None })
    }

    /// The network, to be shared with work that is captured.
    pub(super) fn shared(&self) -> Rc<Network> {
        self.network.clone()
    }

    /// Notes losses, one or a vector of them, of steps that others took.
    pub(super) fn note(&mut self, losses: tch::Tensor) {
        self.losses.push(losses);
    }

    /// Says why its steps are not captured.
    pub(super) fn remarking(self, why: String) -> Autograd {
        Autograd { remark: Some(why), ..self }
    }
}

/// Loss of a training pass, and the cuts of its graph.
fn pass(
    network: &Network,
    format: MemoryFormat,
    input: &tch::Tensor,
    target: &Activity,
) -> Result<(tch::Tensor, Vec<Cut>)> {
    let mut cx = Context::new(Mode::Train).private(format).towards(target);
    let output = network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx)?;
    let loss = network.loss(&output, target, &mut cx)?;
    Ok((loss, cx.take_cuts()))
}

/// Loss and gradient; parameters are not changed.
pub(super) fn differentiate(
    network: &Network,
    format: MemoryFormat,
    input: &tch::Tensor,
    target: &Activity,
) -> Result<(tch::Tensor, Gradient)> {
    let (loss, cuts) = pass(network, format, input, target)?;
    let gradient = Gradient::of(network.gradients(&loss, cuts)?);
    Ok((loss.f_detach()?, gradient))
}

impl Engine for Autograd {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        // Always, since a network does not tell whether it draws noise; it costs a few microseconds.
        tch::manual_seed(seed.cast_signed());
        self.crowd.look();
        if self.turns.is_some() {
            let (loss, _) = pass(&self.network, self.format, input, target)?;
            let loss = loss.f_detach()?;
            if let Some(turns) = &mut self.turns {
                turns.step(&self.network, rate)?;
            }
            self.losses.push(loss);
            return Ok(());
        }
        let x = self.network.parameters.flat.view();
        let learns = x.numel() > 0;
        if learns {
            self.optimizer.before_forward(&x)?;
        }
        let (loss, gradient) = match differentiate(&self.network, self.format, input, target) {
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
        let scalars = self.losses.iter().map(|loss| Ok(loss.f_reshape([-1])?)).collect::<Result<Vec<_>>>()?;
        let all = tch::Tensor::f_cat(&scalars, 0)?.f_to_kind(tch::Kind::Double)?;
        self.losses.clear();
        Ok(Vec::try_from(all)?)
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.crowd.look();
        let _guard = tch::no_grad_guard();
        let mut cx = Context::new(Mode::Evaluate).private(self.format).towards(target);
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

    fn optimizer_state(&self) -> Vec<(String, tch::Tensor)> {
        match &self.turns {
            Some(turns) => turns.state(),
            None => self.optimizer.state(),
        }
    }

    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        if let Some(turns) = &mut self.turns {
            return turns.load(&self.network, state);
        }
        self.optimizer.load(&self.network.parameters.flat.view(), state)
    }

    fn fits(&mut self, input: &tch::Tensor, target: &Activity) -> Option<bool> {
        let x = self.network.parameters.flat.view();
        // A first step would make the rule's state.
        let state = if x.numel() > 0 { self.optimizer.device_update(&x).map(drop) } else { Ok(()) };
        match state.and_then(|()| differentiate(&self.network, self.format, input, target)) {
            Ok(_) => Some(true),
            Err(error) => error.is_out_of_memory().then_some(false),
        }
    }

    fn describe(&self) -> String {
        match &self.remark {
            Some(why) => format!("autograd, steps are not captured ({why})"),
            None => "autograd".to_string(),
        }
    }
}
