//! Class numbers to rows with a single 1: `[…]` of whole numbers from 1 → `[…, outputSize]`.
//!
//! Torch7: `nn/OneHot.lua`. The gradient of the input is zero.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        init::set_arguments,
        module::{Context, Module},
        spec::{ArgKind, Probe, Spec, required},
    },
};

/// `nn.OneHot(outputSize)`
pub const SPEC: Spec = Spec {
    args: &[required("outputSize", ArgKind::Int)],
    init: Some(|args, fields, _| set_arguments(args, fields, &["outputSize"])),
    ..Spec::module(
        &["nn.OneHot"],
        |b| {
            Ok(Box::new(OneHot {
                classes: b.fields().int("outputSize")?,
                kind: b.fields().tensor_type().element.kind(),
            }))
        },
        Probe::module("3", "torch.LongTensor{3, 1}"),
    )
};

/// An indicator for each class.
pub struct OneHot {
    /// How many classes.
    pub classes: i64,
    /// The output's element type.
    kind: tch::Kind,
}

impl Module for OneHot {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let index = x.f_detach()?.f_to_kind(tch::Kind::Int64)?.f_unsqueeze(-1)?;
        let classes = tch::Tensor::f_arange_start(1, self.classes + 1, (tch::Kind::Int64, x.device()))?;
        // On a CUDA device the look at the numbers would wait for the device.
        if x.device() == tch::Device::Cpu && x.numel() > 0 {
            let (least, most) = (index.f_min()?.f_int64_value(&[])?, index.f_max()?.f_int64_value(&[])?);
            if least < 1 || most > self.classes {
                let wrong = if least < 1 { least } else { most };
                return Err(Error::new(Kind::Shape, format!("index {wrong} is not within 1 to {}", self.classes))
                    .with_help("classes are counted from 1; give nn.OneHot as many outputs as there are classes"));
            }
        }
        Ok(index.f_eq_tensor(&classes)?.f_to_kind(self.kind)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, tensor},
    };

    #[test]
    fn by_hand() {
        let hot = object("nn.OneHot", [3i64]);
        let (size, y) = hot.eval(tensor(&[2], &[3.0, 1.0]));
        assert_eq!(size, [2, 3]);
        assert_close(&y, &[0.0, 0.0, 1.0, 1.0, 0.0, 0.0]);
        let error = hot.forward(Mode::Train, tensor(&[1], &[0.0])).unwrap_err();
        assert_eq!(error.message(), "index 0 is not within 1 to 3");
    }
}
