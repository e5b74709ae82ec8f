//! `{gates, experts}` → Σ gate · expert. Gates `[k]` or `[n, k]`; experts a table of k tensors, or one tensor with a dim
//! of k.
//!
//! Torch7: `nn/MixtureTable.lua`; `dim` is the experts' dim, 1 without and 2 with a batch unless given.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Value,
        init::set_arguments,
        layout::axis,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Builder, Missing, Probe, Spec, optional},
    },
};

/// `nn.MixtureTable([dim])`
pub const SPEC: Spec = Spec {
    args: &[optional("dim", ArgKind::Int, Missing::Nil)],
    init: Some(|args, fields, _| {
        // What Torch7's own code writes into.
        fields.set("gradInput", Value::List(vec![]))?;
        fields.set("size", Value::Sizes(vec![]))?;
        fields.set("size2", Value::Sizes(vec![]))?;
        fields.set("batchSize", Value::Number(0.0))?;
        fields.set("backwardSetup", Value::Bool(false))?;
        set_arguments(args, fields, &["dim"])
    }),
    ..Spec::module(
        &["nn.MixtureTable"],
        build,
        Probe::module("", "{torch.rand(2, 2), {torch.randn(2, 3), torch.randn(2, 3)}}"),
    )
};

/// A weighted sum.
pub struct MixtureTable {
    /// 1-based.
    dim: Option<i64>,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let dim = match fields.get("dim")? {
        Value::Nil => None,
        _ => Some(fields.int("dim")?),
    };
    Ok(Box::new(MixtureTable { dim }))
}

impl Module for MixtureTable {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let wanted = || size_mismatch(input, "{gates [n, k], a table of k tensors or one tensor with a dim of k}");
        let [gates, experts] = input.table()? else { return Err(wanted()) };
        let gates = gates.tensor()?;
        if !matches!(gates.dim(), 1 | 2) {
            return Err(wanted());
        }
        let batch_dims = gates.dim() - 1;
        let experts: Vec<tch::Tensor> = match experts {
            Activity::Table(entries) => {
                entries.iter().map(|entry| Ok(entry.tensor()?.shallow_clone())).collect::<Result<_>>()?
            }
            Activity::Tensor(tensor) => {
                let dim = axis(experts, tensor.dim(), self.dim.unwrap_or(gates.dim() as i64), None)?;
                tensor.f_unbind(dim)?
            }
        };
        if experts.is_empty() || gates.size().last() != Some(&(experts.len() as i64)) {
            return Err(wanted().with_help("let the gater give one number for each expert"));
        }
        let mut sum: Option<tch::Tensor> = None;
        for (gate, expert) in gates.f_unbind(-1)?.iter().zip(&experts) {
            let mut size = vec![1; expert.dim()];
            if batch_dims == 1 {
                if expert.size().first() != gates.size().first() {
                    return Err(wanted());
                }
                size[0] = gates.size()[0];
            }
            let part = expert.f_mul(&gate.f_reshape(size)?)?;
            sum = Some(match sum {
                Some(sum) => sum.f_add(&part)?,
                None => part,
            });
        }
        sum.map(Activity::from).ok_or_else(wanted)
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, plain, tensor},
    };

    #[test]
    fn gates_weigh_experts() {
        let gates = || Activity::Tensor(tensor(&[1, 2], &[0.25, 0.75]));
        let table = Activity::Table(vec![tensor(&[1, 1], &[4.0]).into(), tensor(&[1, 1], &[8.0]).into()]);
        assert_close(&plain("nn.MixtureTable").eval(Activity::Table(vec![gates(), table])).1, &[7.0]);
        let one = || Activity::Tensor(tensor(&[1, 2, 1], &[4.0, 8.0]));
        assert_close(&plain("nn.MixtureTable").eval(Activity::Table(vec![gates(), one()])).1, &[7.0]);
        let three = Activity::Table(vec![tensor(&[1, 3], &[0.0; 3]).into(), one()]);
        assert!(plain("nn.MixtureTable").forward(Mode::Train, three).is_err());
    }
}
