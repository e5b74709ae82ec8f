//! `Synchronised`: a step of several processes. Each differentiates its part of the batch, the gradients are summed, and every
//! rank makes the same update.
//!
//! One vector travels: the gradient, by how much the running statistics changed, the loss, and what is to be decided. Every
//! rank takes part in every sum, also one without samples or with an error, so that none waits for another.

use std::rc::Rc;

use super::{
    autograd::Autograd,
    contract::Engine,
    surroundings::{LargeBlocks, Surroundings},
    whole::whole,
};
use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, BatchReduction, Context, Mode, Network},
    optim::{Gradient, Optimizer, OptimizerSpec},
    train::ranks::{Ranks, Wishes},
};

/// What follows gradient and statistics: the loss, whether a rank failed, and the wishes.
const TAIL: i64 = 5;

/// libtorch's differentiation, over several processes.
pub(super) struct Synchronised {
    inner: Autograd,
    ranks: Rc<Ranks>,
    reduction: BatchReduction,
    /// What travels.
    vector: tch::Tensor,
    /// Length of the gradient in it.
    length: i64,
    /// The running statistics before the step, one after another; all ranks have the same.
    statistics: tch::Tensor,
    losses: Vec<f64>,
}

/// What a rank makes of its part of a batch.
struct Own {
    /// Gradients in pieces; none without samples.
    pieces: Vec<tch::Tensor>,
    /// What it adds to the loss of the batch.
    loss: Option<tch::Tensor>,
}

/// Whose error it is.
enum Failed {
    /// This rank's: the others do not know of it yet.
    Own(Error),
    /// All ranks have it.
    Shared(Error),
}

impl Synchronised {
    /// With a fresh optimiser.
    pub(super) fn new(network: Network, spec: &OptimizerSpec, ranks: Rc<Ranks>) -> Result<Synchronised> {
        let inner = Autograd::new(network, spec)?;
        let network = &inner.network;
        let length = match &inner.turns {
            Some(turns) => turns.sizes(network).iter().map(|size| size.iter().product::<i64>()).sum(),
            None => network.parameters.count(),
        };
        let like = (network.kind, network.device);
        let count: i64 = statistics(network).map(|buffer| buffer.numel() as i64).sum();
        let vector = tch::Tensor::f_zeros([length + count + TAIL], like)?;
        let statistics = tch::Tensor::f_zeros([count], like)?;
        let reduction = network.criterion.reduction();
        Ok(Synchronised { inner, ranks, reduction, vector, length, statistics, losses: Vec::new() })
    }

    /// The gradient of this rank's samples, such that the sum over the ranks is that of the batch.
    fn own(&self, input: &tch::Tensor, target: &Activity) -> Result<Own, Failed> {
        let failure = self.ranks.failure();
        let part = self.ranks.part();
        let network = &self.inner.network;
        let mut cx = Context::new(Mode::Train).private(self.inner.format).towards(target).sharing(part.share());
        let mut forward = || -> Result<Option<Activity>> {
            if part.count == 0 {
                return Ok(None);
            }
            network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx).map(Some)
        };
        let output = failure.and_then(|()| forward());
        let mine = |error: Error| if error.kind() == Kind::Lost { Failed::Shared(error) } else { Failed::Own(error) };
        if self.reduction == BatchReduction::Whole {
            let own = output.map(|output| output.map(|output| (output, target.share())));
            let both = whole(self.ranks.group(), part, own, network.device).map_err(Failed::Shared)?;
            let loss = network.loss(&both.0, &both.1, &mut cx).map_err(mine)?;
            let pieces = if part.count == 0 {
                Vec::new()
            } else {
                network.own_gradients(&loss, cx.take_cuts()).map_err(mine)?.1
            };
            // Every rank has the batch's loss; one adds it.
            let loss = self.ranks.group().is_first().then_some(loss);
            return Ok(Own { pieces, loss });
        }
        let Some(output) = output.map_err(mine)? else { return Ok(Own { pieces: Vec::new(), loss: None }) };
        let mut differentiate = || -> Result<Own> {
            let loss = network.loss(&output, target, &mut cx)?;
            let share = if self.reduction == BatchReduction::Mean { part.share() } else { 1.0 };
            let loss = if share == 1.0 { loss } else { loss.f_mul_scalar(share)? };
            let pieces = match &self.inner.turns {
                Some(turns) => turns.gradients(network, share)?,
                None => network.own_gradients(&loss, cx.take_cuts())?.1,
            };
            Ok(Own { pieces, loss: Some(loss) })
        };
        differentiate().map_err(mine)
    }

    /// Sums what the ranks have, and shares out what they decided.
    fn reduce(&mut self, own: Result<Own, Failed>) -> Result<()> {
        let own = match own {
            Err(Failed::Shared(error)) => return Err(error),
            Err(Failed::Own(error)) => Err(error),
            Ok(own) => Ok(own),
        };
        let filled = own.and_then(|own| self.fill(&own));
        let at = self.vector.numel() as i64 - TAIL;
        let wishes = self.ranks.wishes();
        if filled.is_err() {
            let _ = self.vector.f_zero_()?;
        }
        let flags = [filled.is_err(), wishes.stop, wishes.snapshot, wishes.guard];
        let flags = tch::Tensor::from_slice(&flags.map(|flag| f64::from(u8::from(flag))));
        self.vector.f_narrow(0, at + 1, TAIL - 1)?.f_copy_(&flags)?;
        self.ranks.group().sum(&self.vector)?;
        let tail = self.vector.f_narrow(0, at, TAIL)?.f_to_kind(tch::Kind::Double)?.f_to_device(tch::Device::Cpu)?;
        let tail = Vec::<f64>::try_from(tail)?;
        if tail[1] > 0.0 {
            self.ranks.group().together(filled)?;
            return Err(Error::new(Kind::Lost, "a rank could not make its part of a step"));
        }
        self.ranks.agree(Wishes { stop: tail[2] > 0.0, snapshot: tail[3] > 0.0, guard: tail[4] > 0.0 });
        self.losses.push(tail[0]);
        Ok(())
    }

    /// Writes this rank's numbers into the vector.
    fn fill(&mut self, own: &Own) -> Result<()> {
        let mut next = 0;
        for piece in &own.pieces {
            let length = piece.numel() as i64;
            self.vector.f_narrow(0, next, length)?.f_copy_(&piece.f_detach()?.f_reshape([-1])?)?;
            next += length;
        }
        if next < self.vector.numel() as i64 {
            let _ = self.vector.f_narrow(0, next, self.vector.numel() as i64 - next)?.f_zero_()?;
        }
        let share = self.ranks.part().share();
        if share > 0.0 && self.statistics.numel() > 0 {
            let now = joined(&self.inner.network)?;
            let change = now.f_sub(&self.statistics)?.f_mul_scalar(share)?;
            self.vector.f_narrow(0, self.length, change.numel() as i64)?.f_copy_(&change)?;
        }
        if let Some(loss) = &own.loss {
            let at = self.vector.numel() as i64 - TAIL;
            self.vector.f_narrow(0, at, 1)?.f_copy_(&loss.f_detach()?.f_reshape([1])?)?;
        }
        Ok(())
    }

    /// The running statistics of all samples: what they were, and the mean change.
    fn spread_statistics(&mut self) -> Result<()> {
        let count = self.statistics.numel() as i64;
        if count == 0 {
            return Ok(());
        }
        let change = self.vector.f_narrow(0, self.length, count)?;
        let now = self.statistics.f_add(&change)?;
        put(&self.inner.network, &now)
    }

    /// The update, of a gradient that is the batch's.
    fn learn(&mut self, rate: f64) -> Result<()> {
        let Synchronised { inner, vector, length, .. } = self;
        let gradient = vector.f_narrow(0, 0, *length)?;
        if let Some(turns) = &mut inner.turns {
            let sizes = turns.sizes(&inner.network);
            let lengths: Vec<i64> = sizes.iter().map(|size| size.iter().product()).collect();
            let pieces = gradient.f_split_with_sizes(&lengths[..], 0)?;
            let pieces = pieces.iter().zip(sizes).map(|(piece, size)| Ok(piece.f_reshape(size)?));
            let pieces = pieces.collect::<Result<Vec<_>>>()?;
            return turns.learn(&inner.network, pieces, rate);
        }
        let x = inner.network.parameters.flat.view();
        if x.numel() == 0 {
            return Ok(());
        }
        let gradient = Gradient::of(inner.network.updated_gradients(&gradient)?);
        inner.optimizer.step(&x, &gradient, rate)
    }
}

/// The running statistics: buffers of the network's own type.
fn statistics(network: &Network) -> impl Iterator<Item = &tch::Tensor> {
    network.parameters.buffers.iter().map(|buffer| &buffer.tensor).filter(|tensor| tensor.kind() == network.kind)
}

fn joined(network: &Network) -> Result<tch::Tensor> {
    let all = statistics(network).map(|buffer| Ok(buffer.f_detach()?.f_reshape([-1])?));
    Ok(tch::Tensor::f_cat(&all.collect::<Result<Vec<_>>>()?, 0)?)
}

fn put(network: &Network, values: &tch::Tensor) -> Result<()> {
    let lengths: Vec<i64> = statistics(network).map(|buffer| buffer.numel() as i64).collect();
    for (buffer, piece) in statistics(network).zip(values.f_split_with_sizes(&lengths[..], 0)?) {
        buffer.f_detach()?.f_copy_(&piece.f_reshape(buffer.size())?)?;
    }
    Ok(())
}

impl Engine for Synchronised {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        tch::manual_seed(self.ranks.seed(seed).cast_signed());
        self.inner.crowd.look();
        if self.statistics.numel() > 0 {
            self.statistics.f_copy_(&joined(&self.inner.network)?)?;
        }
        let x = self.inner.network.parameters.flat.view();
        let looks_ahead = x.numel() > 0 && self.inner.turns.is_none();
        if looks_ahead {
            self.inner.optimizer.before_forward(&x)?;
        }
        let own = self.own(input, target);
        if let Err(error) = self.reduce(own) {
            if looks_ahead {
                self.inner.optimizer.abandon(&x)?;
            }
            return Err(error);
        }
        self.spread_statistics()?;
        self.learn(rate)
    }

    fn take_losses(&mut self) -> Result<Vec<f64>> {
        Ok(std::mem::take(&mut self.losses))
    }

    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.inner.evaluate(input, target)
    }

    fn network(&self) -> &Network {
        &self.inner.network
    }

    fn optimizer(&self) -> &dyn Optimizer {
        self.inner.optimizer()
    }

    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.inner.optimizer_mut()
    }

    /// The processors of a machine are shared out among its ranks, unless the user has done so.
    fn surroundings(&self) -> Surroundings {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let ranks = self.ranks.group().place().local_size.filter(|ranks| *ranks > 1);
        let shared = ranks.filter(|_| std::env::var_os("OMP_NUM_THREADS").is_none());
        let threads = shared.and_then(|ranks| i32::try_from((cores / ranks).max(1)).ok());
        Surroundings { libtorch_threads: threads, large_blocks: LargeBlocks::Keep }
    }

    fn optimizer_state(&self) -> Vec<(String, tch::Tensor)> {
        self.inner.optimizer_state()
    }

    fn load_optimizer_state(&mut self, state: &[(String, tch::Tensor)]) -> Result<()> {
        self.inner.load_optimizer_state(state)
    }

    fn describe(&self) -> String {
        format!("autograd of {} processes", self.ranks.group().size())
    }
}
