//! Each feature (plane) to mean 0 and variance 1 over the batch, then scaled and moved: `[n, f]`, `[n, f, h, w]`,
//! `[n, f, t, h, w]`; without the batch dim in evaluation only.
//!
//! Torch7: `nn/BatchNormalization.lua`, `SpatialBatchNormalization.lua`, `VolumetricBatchNormalization.lua`. weight is
//! drawn from **U(0, 1)**, bias is 0. `running = momentum·batch + (1 − momentum)·running`, its variance unbiased. A
//! training batch of one sample is normalised by the running statistics and leaves them alone.

use std::cell::RefCell;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::{set_arguments, set_parameters},
        module::{Context, Module},
        refusals::{missing, size_mismatch},
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{Generator, Tensor},
};

const ARGS: &[Arg] = &[
    required("nOutput", ArgKind::Int),
    optional("eps", ArgKind::Number, Missing::Number(1e-5)),
    optional("momentum", ArgKind::Number, Missing::Number(0.1)),
    optional("affine", ArgKind::Bool, Missing::Bool(true)),
];

macro_rules! row {
    ($rank:literal, $input:literal, $($class:literal),+) => {
        Spec {
            args: ARGS,
            init: Some(init),
            reset: Some(reset),
            print: |fields| describe(fields, $rank),
            buffers: &["save_mean", "save_std"],
            ..Spec::module(&[$($class),+], |builder| build(builder, $rank), Probe::module("3", $input))
        }
    };
}

/// `nn.BatchNormalization(nOutput[, eps=1e-5, momentum=0.1, affine=true])`, and for images and volumes.
pub const SPECS: &[Spec] = &[
    row!(2, "torch.randn(4, 3)", "nn.BatchNormalization", "cudnn.BatchNormalization"),
    row!(4, "torch.randn(3, 3, 2, 2)", "nn.SpatialBatchNormalization", "cudnn.SpatialBatchNormalization"),
    row!(5, "torch.randn(2, 3, 2, 1, 2)", "nn.VolumetricBatchNormalization", "cudnn.VolumetricBatchNormalization"),
];

/// Normalisation by batch statistics.
pub struct BatchNormalization {
    /// Rank of a batch.
    rank: usize,
    /// `[f]`; `None` when not affine.
    pub weight: Option<tch::Tensor>,
    /// As `weight`.
    pub bias: Option<tch::Tensor>,
    /// `[f]`, updated by training passes.
    pub running_mean: tch::Tensor,
    /// As `running_mean`.
    pub running_var: tch::Tensor,
    momentum: f64,
    /// Added to the variance.
    pub eps: f64,
    /// Means and 1 / √(variances + eps) of the last batch that normalised itself, `[f]` each.
    batch: RefCell<Option<[tch::Tensor; 2]>>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    let features = args.int("nOutput");
    if features < 1 {
        return Err(Error::new(
            Kind::Argument,
            format!("#1 (nOutput) to {}: a number of features above 0 expected, got {features}", fields.class()),
        ));
    }
    set_arguments(args, fields, &["eps", "momentum", "affine"])?;
    fields.set("train", Value::Bool(true))?;
    for name in ["running_mean", "running_var"] {
        fields.set(name, Tensor::zeros(fields.tensor_type(), &[features])?.into())?;
    }
    if args.truthy("affine") {
        set_parameters(fields, &[("weight", "gradWeight", &[features]), ("bias", "gradBias", &[features])])?;
    }
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, _stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    if let Some(weight) = fields.tensor("weight")? {
        weight.fill_from(|block| block.fill_with(|| generator.uniform(0.0, 1.0)))?;
    }
    for (name, value) in [("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)] {
        if let Some(tensor) = fields.tensor(name)? {
            let _ = tensor.view().f_fill_(value)?;
        }
    }
    Ok(())
}

fn describe(fields: &dyn Fields, rank: usize) -> Result<String> {
    let features = fields.tensor("running_mean")?.map_or(0, |mean| mean.numel());
    Ok(format!(" ({rank}D) ({features})"))
}

fn build(builder: &mut dyn Builder, rank: usize) -> Result<Box<dyn Module>> {
    let (weight, bias) = (builder.parameter("weight")?, builder.parameter("bias")?);
    let running_mean = builder.buffer("running_mean")?.ok_or_else(|| missing(builder.fields(), "running_mean"))?;
    let running_var = builder.buffer("running_var")?.ok_or_else(|| missing(builder.fields(), "running_var"))?;
    let fields = builder.fields();
    Ok(Box::new(BatchNormalization {
        rank,
        weight,
        bias,
        running_mean,
        running_var,
        momentum: fields.number_or("momentum", 0.1)?,
        eps: fields.number_or("eps", 1e-5)?,
        batch: RefCell::default(),
    }))
}

impl Module for BatchNormalization {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let size = x.size();
        let features = self.running_mean.numel() as i64;
        let has_batch = size.len() == self.rank;
        let is_sample = size.len() + 1 == self.rank && !cx.is_training();
        let plane = if has_batch { size.get(1) } else { size.first() };
        if !(has_batch || is_sample) || plane != Some(&features) {
            let behind = ["", "", "", "", ", h, w", ", t, h, w"][self.rank];
            let error = size_mismatch(input, format!("[n, {features}{behind}]"));
            return Err(match plane {
                Some(got) if has_batch => {
                    error.with_help(format!("make its number of features {got}, that of the module before it"))
                }
                _ => error.with_help("nn.BatchNormalization is for vectors, nn.SpatialBatchNormalization for images"),
            });
        }
        let batch = if is_sample { x.f_unsqueeze(0)? } else { x.shallow_clone() };
        let uses_batch = cx.is_training() && size[0] > 1;
        // A replayed pass needs the batch statistics only; the running ones have counted this batch already.
        let keeps_running = uses_batch && cx.replays();
        let running = |tensor| if keeps_running { None } else { Some(tensor) };
        let (weight, bias) = (self.weight.as_ref(), self.bias.as_ref());
        let (mean, var) = (running(&self.running_mean), running(&self.running_var));
        let y = if uses_batch && batch.device() == tch::Device::Cpu {
            // What `batch_norm` does on a processor, with the statistics that it drops.
            let (y, mean, deviation) = batch.f_native_batch_norm(weight, bias, mean, var, true, self.momentum, self.eps)?;
            self.batch.replace(Some([mean.f_detach()?, deviation.f_detach()?]));
            y
        } else {
            batch.f_batch_norm(weight, bias, mean, var, uses_batch, self.momentum, self.eps, true)?
        };
        Ok(if is_sample { y.f_squeeze_dim(0)? } else { y }.into())
    }

    fn leaves_its_output(&self) -> bool {
        true
    }

    /// `save_mean` and `save_std`, which holds reciprocals; on a processor only, for cuDNN keeps them to itself.
    fn save(&self, fields: &dyn Fields) -> Result<()> {
        if let Some(batch) = &*self.batch.borrow() {
            for (name, tensor) in ["save_mean", "save_std"].into_iter().zip(batch) {
                fields.set(name, Tensor::from_tch(fields.tensor_type(), tensor)?.into())?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        Mode,
        testing::{Built, assert_close, numbers, object, randn, tensor},
    };

    #[test]
    fn training_normalises_by_the_batch_and_moves_the_running_statistics() {
        let norm = object("nn.BatchNormalization", [1.0, 0.0, 0.5]);
        assert!((0.0..1.0).contains(&norm.numbers("weight")[0]));
        let _ = norm.get_tensor("weight").view().fill_(1.0);
        let x = || tensor(&[2, 1], &[1.0, 5.0]);
        let y = norm.forward(Mode::Train, x()).unwrap();
        assert_close(&numbers(y.tensor().unwrap()), &[-1.0, 1.0]);
        assert_close(&norm.numbers("running_mean"), &[1.5]);
        assert_close(&norm.numbers("running_var"), &[0.5 * 8.0 + 0.5]);
        assert_close(&norm.numbers("save_mean"), &[3.0]);
        assert_close(&norm.numbers("save_std"), &[0.5]);
        assert_close(&norm.eval(tensor(&[1], &[1.5])).1, &[0.0]);
        let node = Built::default().node(&norm).unwrap();
        let again = node.forward(&x().into(), &mut Context::new(Mode::Train).replaying()).unwrap();
        assert_close(&numbers(again.tensor().unwrap()), &[-1.0, 1.0]);
        assert_close(&norm.numbers("running_mean"), &[1.5]);
    }

    #[test]
    fn one_sample_uses_and_leaves_the_running_statistics() {
        let norm = object("nn.SpatialBatchNormalization", [1.0, 0.0, 0.5]).with("weight", Value::Nil);
        let y = norm.forward(Mode::Train, tensor(&[1, 1, 1, 2], &[3.0, 5.0])).unwrap();
        assert_close(&numbers(y.tensor().unwrap()), &[3.0, 5.0]);
        assert_close(&norm.numbers("running_mean"), &[0.0]);
        assert_eq!(norm.print(), "nn.SpatialBatchNormalization (4D) (1)");
    }

    #[test]
    fn refuses_other_features_and_samples_in_training() {
        let norm = object("nn.BatchNormalization", [3i64]);
        assert!(norm.forward(Mode::Train, randn(&[2, 4])).is_err());
        assert!(norm.forward(Mode::Train, randn(&[3])).is_err());
        let page = norm.forward(Mode::Train, randn(&[2, 3, 4, 4])).unwrap_err().to_string();
        assert!(page.contains("[n, 3]"), "{page}");
    }
}
