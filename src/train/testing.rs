//! For tests: a small noisy network on the real engine, made-up records, and a job in a temporary folder.

use std::{cell::Cell, path::Path, rc::Rc, time::Duration};

use super::{
    BatchSource, Finish, Interval, Plan, Position, RunRecord, Silent, Snapshot, Stop, Targets, TrainBatch,
    TrainObserver, Trainer,
    engine::{Engine, EngineOptions, Surroundings, engine},
};
use crate::{
    error::Result,
    job::JobDir,
    nn::{Activity, Context, Criterion, Module, Network, Node, Parameter, Parameters},
    optim::{Optimizer, OptimizerSpec},
    torch::{Tensor, TensorType},
};

/// Records of the made-up set; 23 = 5 batches of 4 and one of 3.
pub(super) const RECORDS: u64 = 23;
const BATCH: u64 = 4;
const WIDTH: i64 = 3;

/// y = w·x + noise in training; above the limit the output is infinite, as an overflow would be. The noise follows
/// from the step's seed alone: libtorch's generator is shared with the tests that run beside this one.
struct Noisy {
    weight: tch::Tensor,
    limit: f64,
    seed: Rc<Cell<u64>>,
}

impl Module for Noisy {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let mut y = x.f_mul(&self.weight)?;
        if cx.is_training() {
            y = y.f_add_scalar((self.seed.get() % 1000) as f64 / 5000.0)?;
        }
        let is_over = self.weight.abs().max().double_value(&[]) > self.limit;
        Ok(if is_over { y.f_mul_scalar(f64::INFINITY)? } else { y }.into())
    }
}

struct Row(Vec<Rc<Node>>);

impl Module for Row {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        self.0.iter().try_fold(input.share(), |activity, node| node.forward(&activity, cx))
    }
    fn children(&self) -> Vec<&Node> {
        self.0.iter().map(Rc::as_ref).collect()
    }
}

struct Squares;

impl Criterion for Squares {
    fn forward(&self, input: &Activity, target: &Activity, _: &mut Context<'_>) -> Result<tch::Tensor> {
        Ok(input.tensor()?.f_sub(target.tensor()?)?.f_square()?.f_mean(tch::Kind::Float)?)
    }
}

/// Two noisy layers; the second one overflows when its weight is above `limit`.
pub(super) fn noisy_engine(limit: f64) -> Box<dyn Engine> {
    noisy(limit, i64::MAX)
}

/// The same where the memory is full with batches of more than `room` samples.
pub(super) fn cramped_engine(room: i64) -> Box<dyn Engine> {
    noisy(f64::MAX, room)
}

fn noisy(limit: f64, room: i64) -> Box<dyn Engine> {
    let seed = Rc::new(Cell::new(0));
    let options = EngineOptions { force_autograd: true, ..EngineOptions::default() };
    let inner = engine(network(limit, &seed), &OptimizerSpec::default(), &options).unwrap();
    Box::new(Seeded { inner, seed, room })
}

/// Lets the network see the step's seed.
struct Seeded {
    inner: Box<dyn Engine>,
    seed: Rc<Cell<u64>>,
    room: i64,
}

impl Engine for Seeded {
    fn step(&mut self, input: &tch::Tensor, target: &Activity, rate: f64, seed: u64) -> Result<()> {
        self.seed.set(seed);
        if input.size()[0] > self.room {
            return Err(tch::TchError::Torch("CUDA out of memory. Tried to allocate 2.00 GiB.".into()).into());
        }
        self.inner.step(input, target, rate, seed)
    }
    fn take_losses(&mut self) -> Result<Vec<f64>> {
        self.inner.take_losses()
    }
    fn evaluate(&mut self, input: &tch::Tensor, target: &Activity) -> Result<(f64, Activity)> {
        self.inner.evaluate(input, target)
    }
    fn network(&self) -> &Network {
        self.inner.network()
    }
    fn optimizer(&self) -> &dyn Optimizer {
        self.inner.optimizer()
    }
    fn optimizer_mut(&mut self) -> &mut dyn Optimizer {
        self.inner.optimizer_mut()
    }
    fn surroundings(&self) -> Surroundings {
        self.inner.surroundings()
    }
    fn fits(&mut self, input: &tch::Tensor, target: &Activity) -> Option<bool> {
        if input.size()[0] > self.room { Some(false) } else { self.inner.fits(input, target) }
    }
    fn describe(&self) -> String {
        self.inner.describe()
    }
}

fn network(limit: f64, seed: &Rc<Cell<u64>>) -> Network {
    let flat = Tensor::zeros(TensorType::FLOAT, &[2 * WIDTH]).unwrap();
    let grad = Tensor::zeros(TensorType::FLOAT, &[2 * WIDTH]).unwrap();
    let _ = flat.view().fill_(0.5);
    let (mut list, mut nodes) = (vec![], vec![]);
    for i in 0..2 {
        let view = |t: &Tensor| t.view().narrow(0, i * WIDTH, WIDTH);
        let leaf = view(&flat).detach().set_requires_grad(true);
        let (weight, name) = (leaf.shallow_clone(), format!("{}.weight", i + 1));
        list.push(Parameter {
            name,
            size: vec![WIDTH],
            leaf,
            grad: view(&grad),
            learns: true,
            is_twin: false,
            layout: None,
        });
        let limit = if i == 1 { limit } else { f64::MAX };
        nodes.push(node(&(i + 1).to_string(), Box::new(Noisy { weight, limit, seed: seed.clone() })));
    }
    Network {
        root: node("", Box::new(Row(nodes))),
        criterion: Box::new(Squares),
        criterion_label: "Squares".into(),
        criterion_origin: None,
        reported: None,
        gradient_update: None,
        draws: None,
        parameters: Parameters { flat, grad, list, buffers: vec![] },
        kind: tch::Kind::Float,
        device: tch::Device::Cpu,
    }
}

fn node(path: &str, module: Box<dyn Module>) -> Rc<Node> {
    let (class, label) = ("Noisy".to_string(), "Noisy".to_string());
    Rc::new(Node { path: path.into(), class, label, origin: None, parameters: vec![], module })
}

/// Records that are a pure function of (epoch, number); stops or fails where a test wants it.
pub(super) struct MadeUp {
    pub(super) records: u64,
    /// Asks for a stop when this batch (epoch, number) is handed out.
    pub(super) stop_at: Option<(u64, u64, Stop)>,
    pub(super) epoch: u64,
    pub(super) batch: u64,
}

impl MadeUp {
    pub(super) fn new(records: u64) -> MadeUp {
        MadeUp { records, stop_at: None, epoch: 0, batch: 0 }
    }
}

impl BatchSource for MadeUp {
    fn start(&mut self, epoch: u64, first_batch: u64) -> Result<()> {
        (self.epoch, self.batch) = (epoch, first_batch);
        Ok(())
    }

    fn next(&mut self) -> Result<Option<TrainBatch>> {
        let first = self.batch * BATCH;
        if first >= self.records {
            return Ok(None);
        }
        if let Some((epoch, batch, stop)) = &self.stop_at
            && (self.epoch, self.batch) == (*epoch, *batch)
        {
            stop.request();
        }
        let (count, number) = (BATCH.min(self.records - first), self.batch);
        let numbers: Vec<f32> = (0..count * WIDTH as u64)
            .map(|i| ((first * WIDTH as u64 + i) * 31 + self.epoch * 17) as f32 % 7.0 - 3.0)
            .collect();
        self.batch += 1;
        let input = tch::Tensor::from_slice(&numbers).view([count as i64, WIDTH]);
        let target = &input * 2.0;
        // Every other batch comes as bytes.
        let (input, finish) = if self.batch.is_multiple_of(2) {
            let finish = |bytes: &tch::Tensor| Ok(bytes.to_kind(tch::Kind::Float) - 3.0);
            ((input + 3.0).to_kind(tch::Kind::Uint8), Some(Rc::new(finish) as Finish))
        } else {
            (input, None)
        };
        Ok(Some(TrainBatch { input, finish, target, count, total: count, number, wait: Duration::ZERO, owner: None }))
    }
}

pub(super) fn plan() -> Plan {
    Plan {
        epochs: 3,
        records: RECORDS,
        batch_size: BATCH,
        seed: 7,
        validation_interval: 0.5,
        snapshot_interval: Interval::Epochs(0.3),
        keep: None,
        patience: None,
        crosses_epochs: false,
        classes: None,
    }
}

/// A trainer on the made-up set.
pub(super) fn trainer<'a>(job: &'a mut JobDir, plan: Plan, observer: &'a mut Silent) -> Trainer<'a> {
    let observer: &'a mut dyn TrainObserver = observer;
    Trainer {
        engine: noisy_engine(f64::MAX),
        train: Box::new(MadeUp::new(RECORDS)),
        validation: Some(Box::new(MadeUp::new(9))),
        scalars: None,
        views: None,
        targets: Targets::new(None),
        rate: Box::new(|t, total| 0.05 * (1.0 - t as f64 / total as f64)),
        position: Position::start(&plan),
        plan,
        record: RunRecord { job, observer },
        stop: Stop::default(),
        ranks: None,
    }
}

/// The tensors of a snapshot as bytes.
pub(super) fn tensors(path: &Path) -> Vec<u8> {
    let (snapshot, mut note) = Snapshot::read(path).unwrap();
    note.metrics_len = 0; // lines differ in their times
    snapshot.to_bytes(&note).unwrap()
}
