//! `Chain`: the engine of recognised networks; buffers for the whole job, a written-out backward, threads of its own.
//!
//! The flat vectors of parameters and velocity are read and written in place, so that they are always up to date, may
//! be changed by others between steps, and a snapshot may be resumed by either engine.

use super::{
    address::start,
    contract::{Engine, EngineOptions},
    kernels::{Buffers, Job, Level, MutPtr, PARTS, Shape, Share, Task, Update, described},
    recognise,
    surroundings::Surroundings,
    team::Team,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Mode, Network},
    optim::{Optimizer, OptimizerSpec, Sgd},
};

/// The shapes of a batch that the network's own modules have accepted, and the shape of their output.
struct Accepted {
    input: Vec<i64>,
    target: Vec<i64>,
    output: Vec<i64>,
}

/// The fast engine.
pub(super) struct Chain {
    network: Network,
    shape: Shape,
    size_average: bool,
    optimizer: Sgd,
    buffers: Buffers,
    team: Team,
    level: Level,
    accepted: Vec<Accepted>,
    losses: Vec<f64>,
    /// Where evaluations write: fresh memory for each batch would have to be cleared by the system.
    output: Option<tch::Tensor>,
}

impl Chain {
    /// # Errors
    /// When the system gives no thread, or a batch does not fit into the memory.
    pub(super) fn new(network: Network, shape: Shape, spec: &OptimizerSpec, options: &EngineOptions) -> Result<Chain> {
        let team = Team::new(options.threads.clamp(1, PARTS))
            .map_err(|error| Error::new(Kind::Io, "cannot start a thread").with_cause(error.to_string()))?;
        Ok(Chain {
            size_average: recognise::criterion(&network).is_some_and(|mse| mse.size_average),
            buffers: Buffers::new(&shape, options.batch_size, team.members())?,
            optimizer: Sgd::new(spec),
            level: options.level.unwrap_or_else(Level::detect),
            accepted: Vec::new(),
            losses: Vec::new(),
            output: None,
            network,
            shape,
            team,
        })
    }

    /// The shape of the output. The first batch of a shape runs through the network's own modules, which refuse it
    /// with their own words when it does not fit.
    fn accept(&mut self, input: &tch::Tensor, target: &tch::Tensor) -> Result<Vec<i64>> {
        let (input_size, target_size) = (input.size(), target.size());
        if let Some(known) = self.accepted.iter().find(|a| a.input == input_size && a.target == target_size) {
            return Ok(known.output.clone());
        }
        let _guard = tch::no_grad_guard();
        let mut cx = Context::new(Mode::Evaluate);
        let output = self.network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx)?;
        let _ = self.network.loss(&output, &Activity::Tensor(target.shallow_clone()), &mut cx)?;
        let output = output.tensor()?.size();
        self.accepted.push(Accepted { input: input_size, target: target_size, output: output.clone() });
        Ok(output)
    }

    /// The batch as contiguous f32 rows of the processor; the target is the input again when it is the same memory.
    fn rows(&self, input: &tch::Tensor, target: &tch::Tensor) -> Result<(tch::Tensor, tch::Tensor)> {
        let usual = |t: &tch::Tensor| -> Result<tch::Tensor> {
            if t.kind() == tch::Kind::Float && t.device() == tch::Device::Cpu && t.is_contiguous() {
                return Ok(t.shallow_clone());
            }
            Ok(t.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Float)?.f_contiguous()?)
        };
        let rows = usual(input)?;
        let same = input.data_ptr() == target.data_ptr()
            && input.numel() == target.numel()
            && input.kind() == target.kind()
            && target.is_contiguous()
            && input.is_contiguous()
            && self.shape.inputs() == self.shape.outputs();
        let target = if same { rows.shallow_clone() } else { usual(target)? };
        Ok((rows, target))
    }

    /// Lets the team do a job.
    fn run(&mut self, job: Job) {
        let (level, shape, buffers, threads) = (self.level, &self.shape, &self.buffers, self.team.members());
        #[expect(unsafe_code, reason = "the kernels work on libtorch's memory")]
        self.team.run(&|thread, barrier| {
            let share = Share { shape, buffers, job: &job, thread, threads, barrier };
            // SAFETY: `job` points into contiguous f32 tensors that the caller holds for this call and whose sizes
            // `accept` and `recognise` checked; the team's threads share them as `Share` wants; nobody else has them.
            unsafe { level.run(&share) }
        });
    }

    fn samples(&self, rows: &tch::Tensor) -> usize {
        rows.numel() / self.shape.inputs()
    }

    /// What the summed squared error is divided by.
    fn divisor(&self, samples: usize) -> f64 {
        if self.size_average { (samples * self.shape.outputs()) as f64 } else { 1.0 }
    }
}

impl Engine for Chain {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, _seed: u64) -> Result<()> {
        let target = target.tensor()?;
        self.accept(input, target)?;
        let (input, target) = self.rows(input, target)?;
        let n = self.samples(&input);
        if n > self.buffers.capacity {
            self.buffers = Buffers::new(&self.shape, n, self.team.members())?;
        }
        let flat = self.network.parameters.flat.view();
        let numbers = self.shape.numbers();
        let velocity = match self.optimizer.velocity(&flat)? {
            Some(velocity) => start(velocity, numbers)?,
            None => MutPtr(std::ptr::null_mut()),
        };
        let coming = self.optimizer.coming(rate);
        let update = Update {
            decay: coming.decay as f32,
            keep: coming.keep as f32,
            take: coming.take as f32,
            rate: coming.rate as f32,
            velocity,
            loss_scale: (2.0 / self.divisor(n)) as f32,
        };
        let (inputs, outputs) = (n * self.shape.inputs(), n * self.shape.outputs());
        let (input, target, parameters) = (start(&input, inputs)?, start(&target, outputs)?, start(&flat, numbers)?);
        self.run(Job { n, input, target, parameters, task: Task::Train(update) });
        self.optimizer.advance();
        self.losses.push(self.buffers.squared_error() / self.divisor(n));
        Ok(())
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        Ok(std::mem::take(&mut self.losses))
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        let target = target.tensor()?;
        let size = self.accept(input, target)?;
        let (input, target) = self.rows(input, target)?;
        let output = match self.output.take().filter(|kept| kept.size() == size) {
            Some(kept) => kept,
            None => tch::Tensor::f_empty(size, (tch::Kind::Float, tch::Device::Cpu))?,
        };
        self.output = Some(output.shallow_clone());
        let flat = self.network.parameters.flat.view();
        let (n, inputs, outputs) = (self.samples(&input), self.shape.inputs(), self.shape.outputs());
        let parameters = start(&flat, self.shape.numbers())?;
        let (input, target, output_start) =
            (start(&input, n * inputs)?, start(&target, n * outputs)?, start(&output, n * outputs)?);
        let mut sum = 0.0;
        let mut done = 0;
        while done < n {
            let count = self.buffers.capacity.min(n - done);
            // Blocks of the batch lie one after another in all three tensors.
            let at = |start: MutPtr, width: usize| MutPtr(start.0.wrapping_add(done * width));
            self.run(Job {
                n: count,
                input: at(input, inputs),
                target: at(target, outputs),
                parameters,
                task: Task::Evaluate(at(output_start, outputs)),
            });
            sum += self.buffers.squared_error();
            done += count;
        }
        Ok((sum / self.divisor(n), Activity::Tensor(output)))
    }

    fn network(&self) -> &Network {
        &self.network
    }

    fn optimizer(&self) -> &dyn Optimizer {
        &self.optimizer
    }

    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        &mut self.optimizer
    }

    fn surroundings(&self) -> Surroundings {
        Surroundings::of_team(self.team.members())
    }

    fn describe(&self) -> String {
        described("chain", (self.shape.layers.len(), "layer"), self.level, self.team.members())
    }
}
