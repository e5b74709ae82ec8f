//! A linear layer of sparse inputs: rows `(index, value)`, `[nnz, 2]` → `[out]`; a table of these, or `[n, nnz, 2]`, →
//! `[n, out]`.
//!
//! Torch7: `nn/SparseLinear.lua`: weight `[out, in]` from U(±1/√in), bias a millionth of that. The gradient of the input
//! and the updates of the seen columns are in the Lua prelude.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::{set_parameters, uniform_reset},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::Generator,
};

/// `nn.SparseLinear(inputSize, outputSize[, doGradInput=false])`
pub const SPEC: Spec = Spec {
    args: &[
        required("inputSize", ArgKind::Int),
        required("outputSize", ArgKind::Int),
        optional("doGradInput", ArgKind::Bool, Missing::Bool(false)),
    ],
    init: Some(init),
    reset: Some(reset),
    ..Spec::module(
        &["nn.SparseLinear"],
        build,
        Probe::module("5, 3", "{torch.Tensor{{1, 0.5}, {4, -2}}, torch.Tensor{{2, 1}}}"),
    )
};

/// A linear layer that sees some of its inputs.
pub struct SparseLinear {
    weight: tch::Tensor,
    bias: tch::Tensor,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    let (input, output) = (args.int("inputSize"), args.int("outputSize"));
    fields.set("weightDecay", Value::Number(0.0))?;
    fields.set("doGradInput", Value::Bool(args.truthy("doGradInput")))?;
    fields.set("gradInput", Value::List(vec![]))?;
    set_parameters(fields, &[("weight", "gradWeight", &[output, input]), ("bias", "gradBias", &[output])])?;
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let inputs = fields.tensor("weight")?.and_then(|weight| weight.size().last().copied()).unwrap_or(1);
    uniform_reset(fields, &["weight", "bias"], stdv, 1.0 / (inputs as f64).sqrt(), generator)?;
    if let Some(bias) = fields.tensor("bias")? {
        let _ = bias.view().f_mul_scalar_(1e-6)?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[2])?;
    let bias = builder.learned("bias", &[1])?;
    Ok(Box::new(SparseLinear { weight, bias }))
}

impl SparseLinear {
    /// The output for the rows of one sample.
    fn sample(&self, input: &Activity, rows: &tch::Tensor) -> Result<tch::Tensor> {
        let size = rows.size();
        if !matches!(size.as_slice(), [_, 2]) {
            return Err(size_mismatch(input, "[nnz, 2]: rows of index and value, or a table of such tensors"));
        }
        let index = rows.f_select(1, 0)?.f_detach()?.f_round()?.f_to_kind(tch::Kind::Int64)?;
        let columns = self.weight.size()[1];
        if index.device() == tch::Device::Cpu && index.numel() > 0 {
            let (least, most) = (index.f_min()?.f_int64_value(&[])?, index.f_max()?.f_int64_value(&[])?);
            if least < 1 || most > columns {
                let wrong = if least < 1 { least } else { most };
                return Err(Error::new(Kind::Shape, format!("index {wrong} is not within 1 to {columns}"))
                    .with_help("indices are counted from 1; make inputSize the largest that can come"));
            }
        }
        let seen = self.weight.f_index_select(1, &index.f_sub_scalar(1)?)?;
        let values = rows.f_select(1, 1)?.f_to_kind(self.weight.kind())?;
        Ok(seen.f_mv(&values)?.f_add(&self.bias)?)
    }
}

impl Module for SparseLinear {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let samples: Vec<tch::Tensor> = match input {
            Activity::Tensor(rows) if rows.dim() == 2 => return Ok(self.sample(input, rows)?.into()),
            Activity::Tensor(batch) if batch.dim() == 3 => {
                (0..batch.size()[0]).map(|i| self.sample(input, &batch.f_select(0, i)?)).collect::<Result<_>>()?
            }
            other => other.table()?.iter().map(|rows| self.sample(input, rows.tensor()?)).collect::<Result<_>>()?,
        };
        if samples.is_empty() {
            return Ok(self.bias.shallow_clone().into());
        }
        Ok(tch::Tensor::f_stack(&samples, 0)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, object, tensor},
    };

    #[test]
    fn only_named_columns_count() {
        let linear = object("nn.SparseLinear", [3i64, 1]);
        linear.get_tensor("weight").copy_from(&tensor(&[3], &[1.0, 10.0, 100.0])).unwrap();
        linear.get_tensor("bias").copy_from(&tensor(&[1], &[0.5])).unwrap();
        let rows = || tensor(&[2, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert_close(&linear.eval(rows()).1, &[402.5]);
        let batch = Activity::Table(vec![rows().into(), tensor(&[1, 2], &[2.0, 1.0]).into()]);
        assert_close(&linear.eval(batch).1, &[402.5, 10.5]);
        let error = linear.forward(Mode::Train, tensor(&[1, 2], &[4.0, 1.0])).unwrap_err();
        assert_eq!(error.message(), "index 4 is not within 1 to 3");
    }
}
