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
    Engine, EngineOptions,
    autograd::Autograd,
    kernels::{self, Level, MutPtr, Update, lanes},
    surroundings,
    team::Team,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Network},
    optim::{Gradient, Optimizer, Sgd},
};
use plan::{Buffers, Loss, Plan};
use run::{Job, Part, Taking, Target, Task};

/// The fast engine, on top of the general one.
pub(super) struct Panels {
    general: Autograd,
    plan: Plan,
    /// `[c, h, w]`
    sample: Vec<i64>,
    /// Of one output, without the batch dimension.
    output: Vec<i64>,
    buffers: Buffers,
    team: Team,
    level: Level,
    labels: Vec<usize>,
    losses: Vec<f64>,
}

impl Panels {
    /// The engine when the network is one of its kind; else the general one back.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub(super) fn new(general: Autograd, options: &EngineOptions) -> Result<std::result::Result<Panels, Autograd>> {
        let Some(sample) = &options.sample else { return Ok(Err(general)) };
        let Some((plan, output)) = recognise::plan(general.network(), sample) else { return Ok(Err(general)) };
        let team = Team::new(options.threads.max(1))
            .map_err(|error| Error::new(Kind::Io, "cannot start a thread").with_cause(error.to_string()))?;
        if team.members() > 1 {
            // libtorch's own threads would compete with the team for the cores.
            tch::set_num_threads(1);
        }
        surroundings::return_large_blocks();
        Ok(Ok(Panels {
            buffers: Buffers::new(&plan, options.batch_size),
            general,
            plan,
            sample: sample.clone(),
            output,
            team,
            level: options.level.unwrap_or_else(Level::detect),
            labels: Vec::new(),
            losses: Vec::new(),
        }))
    }

    /// The batch as contiguous f32 rows; `None` when it is not as planned.
    fn rows(&self, input: &tch::Tensor) -> Option<tch::Tensor> {
        let size = input.size();
        let planned = size.len() == 4 && size[0] > 0 && size[1..] == self.sample[..];
        (planned && input.kind() == tch::Kind::Float && input.device() == tch::Device::Cpu)
            .then(|| input.f_contiguous().ok())
            .flatten()
    }

    /// The target values as contiguous f32; `None` when they are not as planned.
    fn values(&self, n: usize, target: &Activity) -> Option<tch::Tensor> {
        let Activity::Tensor(target) = target else { return None };
        let planned = target.numel() == n * self.plan.outputs() && target.device() == tch::Device::Cpu;
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
        let classes = self.plan.outputs() as i64;
        self.labels
            .extend(labels.iter().filter(|label| (1..=classes).contains(*label)).map(|&label| label as usize - 1));
        self.labels.len() == n
    }

    /// What the summed loss is divided by.
    fn divisor(&self, n: usize) -> f64 {
        let each = if self.plan.loss == Loss::Mse { self.plan.outputs() } else { 1 };
        if self.plan.size_average { (n * each) as f64 } else { 1.0 }
    }

    /// Lets the team do samples `first..first + n`; gives their summed loss.
    fn run(
        &mut self,
        input: &tch::Tensor,
        values: Option<&tch::Tensor>,
        (first, n): (usize, usize),
        task: Task,
    ) -> f64 {
        let (inputs, outputs) = (self.plan.inputs(), self.plan.outputs());
        let target = match values {
            Some(values) => Target::Values(MutPtr(start(values).0.wrapping_add(first * outputs))),
            None => Target::Labels(&self.labels[first..first + n]),
        };
        let input = MutPtr(start(input).0.wrapping_add(first * inputs));
        let parameters = start(&self.general.network().parameters.flat.view());
        let job = Job { n, input, target, parameters, task };
        let (level, plan, buffers, threads) = (self.level, &self.plan, &self.buffers, self.team.members());
        #[expect(unsafe_code, reason = "the kernels work on libtorch's memory")]
        self.team.run(&|thread, barrier| {
            let part = Part { plan, buffers, job: &job, thread, threads, barrier };
            // SAFETY: `job` points into contiguous f32 tensors that the caller holds for this call and whose sizes
            // `rows`, `values` and `recognise` checked; the team's threads share them as `Part::run` wants.
            unsafe { dispatch(level, &part) }
        });
        self.buffers.loss(n)
    }

    /// What is to be done with gradients at this step.
    fn learn(&mut self, rate: f64) -> Result<(Taking, bool)> {
        let flat = self.general.network().parameters.flat.view();
        let Some(sgd) = sgd(self.general.optimizer()) else {
            return Ok((Taking::Store(start(&self.general.network().parameters.grad.view())), false));
        };
        let velocity = sgd.velocity(&flat)?.map_or(MutPtr(std::ptr::null_mut()), start);
        let coming = sgd.coming(rate);
        let update = Update {
            decay: coming.decay as f32,
            keep: coming.keep as f32,
            take: coming.take as f32,
            rate: coming.rate as f32,
            velocity,
            loss_scale: 0.0,
        };
        Ok((Taking::Sgd(kernels::Sgd { update, parameters: start(&flat) }), true))
    }
}

/// The rule when it is `sgd`, which the kernels fuse into their backward.
fn sgd(optimizer: &mut dyn Optimizer) -> Option<&mut Sgd> {
    (optimizer as &mut dyn Any).downcast_mut()
}

/// The address of a tensor's first element.
fn start(tensor: &tch::Tensor) -> MutPtr {
    MutPtr(tensor.data_ptr().cast())
}

/// # Safety
/// As [`Part::run`]; `level` must be one that the processor has.
#[expect(unsafe_code, reason = "calls of functions compiled for a detected processor")]
unsafe fn dispatch(level: Level, part: &Part<'_>) {
    // SAFETY: the features are there, since `level` is one of the processor's; pointers as the caller promises.
    unsafe {
        match level {
            #[cfg(target_arch = "x86_64")]
            Level::Avx512 => avx512(part),
            #[cfg(target_arch = "x86_64")]
            Level::Avx2 => avx2(part),
            _ => part.run::<lanes::Portable>(),
        }
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
#[expect(unsafe_code, reason = "as `dispatch`")]
unsafe fn avx512(part: &Part<'_>) {
    // SAFETY: this function is compiled for AVX-512.
    unsafe { part.run::<lanes::Avx512>() }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
#[expect(unsafe_code, reason = "as `dispatch`")]
unsafe fn avx2(part: &Part<'_>) {
    // SAFETY: this function is compiled for AVX2 and FMA.
    unsafe { part.run::<lanes::Avx2>() }
}

impl Engine for Panels {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        let rows = self.rows(input);
        let n = rows.as_ref().map_or(0, |rows| rows.numel() / self.plan.inputs());
        let values = if self.plan.loss == Loss::Mse { self.values(n, target) } else { None };
        let is_planned =
            rows.is_some() && (values.is_some() || (self.plan.loss != Loss::Mse && self.read_labels(n, target)));
        let Some(rows) = rows.filter(|_| is_planned) else {
            self.general.step(input, target, rate, seed)?;
            self.losses.extend(self.general.take_losses()?);
            return Ok(());
        };
        if n > self.buffers.capacity {
            self.buffers = Buffers::new(&self.plan, n);
        }
        let flat = self.general.network().parameters.flat.view();
        self.general.optimizer().before_forward(&flat)?;
        let (learn, is_fused) = self.learn(rate)?;
        let doubled = if self.plan.loss == Loss::Mse { 2.0 } else { 1.0 };
        let task = Task::Train(learn, (doubled / self.divisor(n)) as f32);
        let loss = self.run(&rows, values.as_ref(), (0, n), task) / self.divisor(n);
        if is_fused {
            sgd(self.general.optimizer()).expect("`learn` saw it").advance();
        } else {
            let grad = self.general.network().parameters.grad.view();
            self.general.optimizer().step(&flat, &Gradient::whole(&grad), rate)?;
        }
        self.losses.push(loss);
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        Ok(std::mem::take(&mut self.losses))
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        let rows = self.rows(input);
        let n = rows.as_ref().map_or(0, |rows| rows.numel() / self.plan.inputs());
        let values = if self.plan.loss == Loss::Mse { self.values(n, target) } else { None };
        let is_planned =
            rows.is_some() && (values.is_some() || (self.plan.loss != Loss::Mse && self.read_labels(n, target)));
        let Some(rows) = rows.filter(|_| is_planned) else {
            return self.general.evaluate(input, target);
        };
        let size = [&[n as i64], &self.output[..]].concat();
        let output = tch::Tensor::f_empty(size, (tch::Kind::Float, tch::Device::Cpu))?;
        let (mut sum, mut done) = (0.0, 0);
        while done < n {
            let count = self.buffers.capacity.min(n - done);
            let to = MutPtr(start(&output).0.wrapping_add(done * self.plan.outputs()));
            sum += self.run(&rows, values.as_ref(), (done, count), Task::Evaluate(to));
            done += count;
        }
        Ok((sum / self.divisor(n), Activity::Tensor(output)))
    }

    fn network(&self) -> &Network {
        self.general.network()
    }

    fn optimizer_state(&self) -> Vec<(String, tch::Tensor)> {
        self.general.optimizer_state()
    }

    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.general.load_optimizer_state(state)
    }

    fn describe(&self) -> String {
        let (stages, threads) = (self.plan.stages.len(), self.team.members());
        let (s, t) = (if stages == 1 { "" } else { "s" }, if threads == 1 { "" } else { "s" });
        format!("panels ({stages} stage{s}, {}, {threads} thread{t})", self.level.name())
    }
}
