//! The k largest values of each feature over time, in their order of time: `[l, f]` → `[k, f]`, the batch optional.
//!
//! Torch7: `nn/TemporalDynamicKMaxPooling.lua`: k = max(minK, ⌈factor · l⌉); field `indices`.

use std::cell::RefCell;

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Fields,
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{Element, Tensor, TensorType},
};

/// `nn.TemporalDynamicKMaxPooling(minK[, factor=0])`
pub const SPEC: Spec = Spec {
    args: &[required("minK", ArgKind::Int), optional("factor", ArgKind::Number, Missing::Number(0.0))],
    init: Some(|args, fields, _| set_arguments(args, fields, &["minK", "factor"])),
    buffers: &["indices"],
    ..Spec::module(&["nn.TemporalDynamicKMaxPooling"], build, Probe::module("2, 0.5", "torch.randn(2, 5, 3)"))
};

/// A choice of steps.
pub struct DynamicKMaxPooling {
    least: i64,
    factor: f64,
    indices: RefCell<Option<tch::Tensor>>,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let (least, factor) = (fields.int("minK")?, fields.number_or("factor", 0.0)?);
    Ok(Box::new(DynamicKMaxPooling { least, factor, indices: RefCell::new(None) }))
}

impl Module for DynamicKMaxPooling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let size = x.size();
        let steps = match size.as_slice() {
            [steps, _] | [_, steps, _] => *steps,
            _ => return Err(size_mismatch(input, "[l, f] or [n, l, f]")),
        };
        let k = self.least.max((self.factor * steps as f64).ceil() as i64);
        if steps < k {
            return Err(size_mismatch(input, format!("at least {k} steps"))
                .with_help("give it longer sequences, or make minK smaller"));
        }
        let dim = x.dim() as i64 - 2;
        let (_, largest) = x.f_detach()?.f_topk(k, dim, true, true)?;
        let (indices, _) = largest.f_sort(dim, false)?;
        let y = x.f_gather(dim, &indices, false)?;
        self.indices.replace(Some(indices));
        Ok(y.into())
    }

    fn save(&self, fields: &dyn Fields) -> Result<()> {
        let indices = self.indices.borrow();
        let Some(indices) = &*indices else { return Ok(()) };
        let long = TensorType { element: Element::Long, cuda: fields.tensor_type().cuda };
        fields.set("indices", Tensor::from_tch(long, &indices.f_add_scalar(1)?)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, tensor},
    };

    #[test]
    fn the_largest_stay_in_order() {
        let pool = object("nn.TemporalDynamicKMaxPooling", [2i64]);
        let (size, y) = pool.eval(tensor(&[4, 1], &[9.0, 1.0, 3.0, 7.0]));
        assert_eq!(size, [2, 1]);
        assert_close(&y, &[9.0, 7.0]);
        assert_close(&pool.numbers("indices"), &[1.0, 4.0]);
        assert!(pool.forward(Mode::Train, tensor(&[1, 1], &[0.0])).is_err());
    }
}
