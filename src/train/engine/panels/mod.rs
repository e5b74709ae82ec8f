//! `Panels`: the engine of small convolutional networks; sixteen samples side by side, buffers for the whole job, a
//! written-out backward, threads of its own. Any rule of the optimiser; SGD is fused.
//!
//! **In:** a network that `recognise` knows, batches of its images. **Out:** what [`Engine`] promises. **Never:** a
//! batch that is not as planned: it goes to the general engine, which also says what is wrong with it.
//!
//! The layout is the chain's (`kernels/mod.rs`): a panel holds sixteen samples side by side, so that a convolution is
//! the same register tile as a matrix product, at addresses that jump from row to row. Each output number is one chain
//! of multiply-adds in a fixed order: the same bits for any number of threads.

mod convolution;
mod linear;
mod loss;
mod plan;
mod pool;
mod recognise;
mod run;

use std::any::Any;

use super::{
    address::start,
    autograd::Autograd,
    contract::{Engine, EngineOptions},
    kernels::{self, Level, MutPtr, Update, described},
    surroundings::Surroundings,
    team::Team,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Network},
    optim::{Gradient, Optimizer, Sgd},
};
use plan::{Buffers, Loss, PanelPlan};
use run::{Job, Part, Taking, Target, Task};

/// A network that the kernels can train, and for which samples.
pub(super) struct Planned {
    plan: PanelPlan,
    /// `[c, h, w]`
    sample: Vec<i64>,
    /// Of one output, without the batch dimension.
    output: Vec<i64>,
}

/// The plan for `network`, when it is of this engine's kind and a sample's shape is known.
pub(super) fn planned(network: &Network, options: &EngineOptions) -> Option<Planned> {
    let sample = options.sample.clone()?;
    let (plan, output) = recognise::plan(network, &sample)?;
    Some(Planned { plan, sample, output })
}

/// A batch that is as planned.
struct Batch {
    n: usize,
    rows: tch::Tensor,
    /// The target's values; none where it is classes, which [`Panels::labels`] holds then.
    values: Option<tch::Tensor>,
}

/// The fast engine, on top of the general one.
pub(super) struct Panels {
    general: Autograd,
    planned: Planned,
    buffers: Buffers,
    team: Team,
    level: Level,
    labels: Vec<usize>,
    losses: Vec<f64>,
}

impl Panels {
    /// The engine of a network that is as planned; `general` runs it where a batch is not.
    ///
    /// # Errors
    /// When the system gives no thread, or a batch does not fit into the memory.
    pub(super) fn new(general: Autograd, planned: Planned, options: &EngineOptions) -> Result<Panels> {
        let team = Team::new(options.threads.max(1))
            .map_err(|error| Error::new(Kind::Io, "cannot start a thread").with_cause(error.to_string()))?;
        Ok(Panels {
            buffers: Buffers::new(&planned.plan, options.batch_size)?,
            general,
            planned,
            team,
            level: options.level.unwrap_or_else(Level::detect),
            labels: Vec::new(),
            losses: Vec::new(),
        })
    }

    /// The batch as contiguous f32 rows; `None` when it is not as planned.
    fn rows(&self, input: &tch::Tensor) -> Option<tch::Tensor> {
        let size = input.size();
        let planned = size.len() == 4 && size[0] > 0 && size[1..] == self.planned.sample[..];
        (planned && input.kind() == tch::Kind::Float && input.device() == tch::Device::Cpu)
            .then(|| input.f_contiguous().ok())
            .flatten()
    }

    /// The target values as contiguous f32; `None` when they are not as planned.
    fn values(&self, n: usize, target: &Activity) -> Option<tch::Tensor> {
        let Activity::Tensor(target) = target else { return None };
        let planned = target.numel() == n * self.planned.plan.outputs() && target.device() == tch::Device::Cpu;
        planned.then(|| target.f_to_kind(tch::Kind::Float).and_then(|target| target.f_contiguous()).ok()).flatten()
    }

    /// Reads the classes, from 0; false when one is not as planned.
    fn read_labels(&mut self, n: usize, target: &Activity) -> bool {
        self.labels.clear();
        let Activity::Tensor(target) = target else { return false };
        if target.numel() != n || target.device() != tch::Device::Cpu {
            return false;
        }
        let labels = target.f_reshape([n as i64]).and_then(|t| t.f_to_kind(tch::Kind::Int64));
        let Ok(labels) = labels.and_then(Vec::<i64>::try_from) else { return false };
        let classes = self.planned.plan.outputs() as i64;
        self.labels
            .extend(labels.iter().filter(|label| (1..=classes).contains(*label)).map(|&label| label as usize - 1));
        self.labels.len() == n
    }

    /// The batch, and its classes in [`Panels::labels`]; `None` when it is not as planned.
    fn batch(&mut self, input: &tch::Tensor, target: &Activity) -> Option<Batch> {
        let rows = self.rows(input)?;
        let n = rows.numel() / self.planned.plan.inputs();
        let values = match self.planned.plan.loss {
            Loss::Mse => Some(self.values(n, target)?),
            Loss::ClassNll { .. } => {
                self.read_labels(n, target).then_some(())?;
                None
            }
        };
        Some(Batch { n, rows, values })
    }

    /// What the summed loss is divided by.
    fn divisor(&self, n: usize) -> f64 {
        let each = if self.planned.plan.loss == Loss::Mse { self.planned.plan.outputs() } else { 1 };
        if self.planned.plan.size_average { (n * each) as f64 } else { 1.0 }
    }

    /// Lets the team do samples `first..first + n`; gives their summed loss.
    ///
    /// # Errors
    /// When a vector is no longer what was planned.
    fn run(&mut self, batch: &Batch, (first, n): (usize, usize), task: Task) -> Result<f64> {
        let (inputs, outputs) = (self.planned.plan.inputs(), self.planned.plan.outputs());
        let target = match &batch.values {
            Some(values) => {
                Target::Values(MutPtr(start(values, (first + n) * outputs)?.0.wrapping_add(first * outputs)))
            }
            None => Target::Labels(&self.labels[first..first + n]),
        };
        let input = MutPtr(start(&batch.rows, (first + n) * inputs)?.0.wrapping_add(first * inputs));
        let parameters = start(&self.general.network().parameters.flat.view(), self.planned.plan.numbers())?;
        let job = Job { n, input, target, parameters, task };
        let (level, plan, buffers, threads) = (self.level, &self.planned.plan, &self.buffers, self.team.members());
        #[expect(unsafe_code, reason = "the kernels work on libtorch's memory")]
        self.team.run(&|thread, barrier| {
            let part = Part { plan, buffers, job: &job, thread, threads, barrier };
            // SAFETY: `job` points into contiguous f32 tensors that the caller holds for this call and whose sizes
            // `batch` and `recognise` checked; the team's threads share them as `Part` wants.
            unsafe { level.run(&part) }
        });
        Ok(self.buffers.loss(n))
    }

    /// What is to be done with gradients at this step.
    fn learn(&mut self, rate: f64) -> Result<(Taking, bool)> {
        let flat = self.general.network().parameters.flat.view();
        let numbers = self.planned.plan.numbers();
        let Some(sgd) = sgd(self.general.optimizer_mut()) else {
            let grad = self.general.network().parameters.grad.view();
            return Ok((Taking::Store(start(&grad, numbers)?), false));
        };
        let velocity = match sgd.velocity(&flat)? {
            Some(velocity) => start(velocity, numbers)?,
            None => MutPtr(std::ptr::null_mut()),
        };
        let coming = sgd.coming(rate);
        let update = Update {
            decay: coming.decay as f32,
            keep: coming.keep as f32,
            take: coming.take as f32,
            rate: coming.rate as f32,
            velocity,
            loss_scale: 0.0,
        };
        Ok((Taking::Sgd(kernels::Sgd { update, parameters: start(&flat, numbers)? }), true))
    }
}

/// The rule when it is `sgd`, which the kernels fuse into their backward.
fn sgd(optimizer: &mut dyn Optimizer) -> Option<&mut Sgd> {
    (optimizer as &mut dyn Any).downcast_mut()
}

impl Engine for Panels {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        let Some(batch) = self.batch(input, target) else {
            self.general.step(input, target, rate, seed)?;
            self.losses.extend(self.general.take_losses()?);
            return Ok(());
        };
        let n = batch.n;
        if n > self.buffers.capacity {
            self.buffers = Buffers::new(&self.planned.plan, n)?;
        }
        let flat = self.general.network().parameters.flat.view();
        self.general.optimizer_mut().before_forward(&flat)?;
        let (learn, is_fused) = self.learn(rate)?;
        let doubled = if self.planned.plan.loss == Loss::Mse { 2.0 } else { 1.0 };
        let task = Task::Train(learn, (doubled / self.divisor(n)) as f32);
        let loss = self.run(&batch, (0, n), task)? / self.divisor(n);
        if is_fused {
            sgd(self.general.optimizer_mut()).expect("`learn` saw it").advance();
        } else {
            let grad = self.general.network().parameters.grad.view();
            self.general.optimizer_mut().step(&flat, &Gradient::whole(&grad), rate)?;
        }
        self.losses.push(loss);
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        Ok(std::mem::take(&mut self.losses))
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        let Some(batch) = self.batch(input, target) else {
            return self.general.evaluate(input, target);
        };
        let n = batch.n;
        let size = [&[n as i64], &self.planned.output[..]].concat();
        let output = tch::Tensor::f_empty(size, (tch::Kind::Float, tch::Device::Cpu))?;
        let (mut sum, mut done) = (0.0, 0);
        while done < n {
            let count = self.buffers.capacity.min(n - done);
            let outputs = self.planned.plan.outputs();
            let to = MutPtr(start(&output, n * outputs)?.0.wrapping_add(done * outputs));
            sum += self.run(&batch, (done, count), Task::Evaluate(to))?;
            done += count;
        }
        Ok((sum / self.divisor(n), Activity::Tensor(output)))
    }

    fn network(&self) -> &Network {
        self.general.network()
    }

    fn optimizer(&self) -> &dyn Optimizer {
        self.general.optimizer()
    }

    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.general.optimizer_mut()
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::of_team(self.team.members())
    }

    fn fits(&mut self, input: &tch::Tensor, target: &Activity) -> Option<bool> {
        self.general.fits(input, target)
    }

    fn describe(&self) -> String {
        described("panels", (self.planned.plan.stages.len(), "stage"), self.level, self.team.members())
    }
}
