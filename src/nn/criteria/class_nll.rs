//! `−Σ w_t · x_t / Σ w_t`: the log-probability of the right class. `x` `[c]` or `[n, c]`, target: classes from 1.
//!
//! Torch7: `nn/ClassNLLCriterion.lua`; without `sizeAverage` the sum is not divided. Targets equal to `ignoreIndex`
//! count nothing, and where no class of a batch has a weight the loss is 0. DIGITS' default loss.

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        fields::Fields,
        init::set_arguments,
        layout::from_one,
        module::{BatchReduction, Context, Criterion},
        refusals::{check_classes, size_mismatch},
        scores::Scores,
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::{
        Generator,
        direct::{are_alike, is_floating, sizes},
        rows::{mark, whole_numbers},
    },
};

const ARGS: &[Arg] = &[
    optional("weights", ArgKind::Tensor, Missing::Nil),
    optional("sizeAverage", ArgKind::Bool, Missing::Bool(true)),
    optional("ignoreIndex", ArgKind::Int, Missing::Number(-100.0)),
];

/// `nn.ClassNLLCriterion([weights, sizeAverage=true, ignoreIndex=-100])`
pub const SPEC: Spec = Spec {
    args: ARGS,
    init: Some(init),
    ..Spec::criterion(
        &["nn.ClassNLLCriterion"],
        build,
        Probe::criterion("", "torch.randn(3, 4)", "torch.LongTensor{4, 1, 2}"),
    )
};

/// Negative log-likelihood of classes.
pub struct ClassNll {
    /// `[c]`
    pub weights: Option<tch::Tensor>,
    /// Divide by the number of samples.
    pub size_average: bool,
    /// As targets give it, 1-based.
    pub ignore_index: i64,
}

pub(super) fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["weights", "sizeAverage", "ignoreIndex"])
}

impl ClassNll {
    /// The criterion that these fields describe.
    pub(super) fn read(builder: &mut dyn Builder) -> Result<ClassNll> {
        let fields = builder.fields();
        let weights = fields.tensor("weights")?.map(|weights| weights.view());
        let ignore_index = fields.int_or("ignoreIndex", -100)?;
        Ok(ClassNll { weights, size_average: fields.truthy("sizeAverage")?, ignore_index })
    }

    /// Weights and targets that count nothing change what is divided by.
    pub(super) fn of_batch(&self) -> BatchReduction {
        match &self.weights {
            _ if !self.size_average => BatchReduction::Sum,
            None if self.ignore_index < 1 => BatchReduction::Mean,
            _ => BatchReduction::Whole,
        }
    }

    /// The classes of `[n, c]` on the processor, from 0, where all count alike and each is one.
    fn plain_places(&self, x: &tch::Tensor, target: &tch::Tensor) -> Result<Option<Vec<i64>>> {
        let Some([n, classes]) = sizes(x) else { return Ok(None) };
        let is_plain = self.weights.is_none() && !(1..=classes).contains(&self.ignore_index);
        if !is_plain || !is_floating(x) || x.device() != tch::Device::Cpu || n == 0 || target.numel() as i64 != n {
            return Ok(None);
        }
        from_one(target, classes)
    }

    /// The loss of log-probabilities `x`: `[c]`, `[n, c]`, or `[n, c, h, w]` with targets `[n, h, w]`.
    pub(super) fn loss(&self, input: &Activity, x: &tch::Tensor, target: &tch::Tensor) -> Result<tch::Tensor> {
        let reduction = if self.size_average { tch::Reduction::Mean } else { tch::Reduction::Sum };
        if let Some(places) = self.plain_places(x, target)? {
            let places = tch::Tensor::f_from_slice(&places)?;
            return Ok(x.f_nll_loss_nd::<tch::Tensor>(&places, None, reduction, self.ignore_index - 1)?);
        }
        let size = x.size();
        let (batch, classes) = match size.as_slice() {
            [classes] => (vec![], *classes),
            [n, classes, rest @ ..] => ([&[*n], rest].concat(), *classes),
            [] => return Err(size_mismatch(input, "[c] or [n, c]")),
        };
        // Without a batch the first class counts, as in Torch7.
        let target = match batch.as_slice() {
            [] if target.numel() > 1 => &target.f_reshape([-1])?.f_narrow(0, 0, 1)?,
            _ => target,
        };
        if target.numel() as i64 != batch.iter().product::<i64>() {
            let rows = batch.iter().product::<i64>();
            let given = target.numel() as i64;
            let page = size_mismatch(input, format!("one class for each sample, {rows} in all"));
            return Err(if (1..rows).contains(&given) && rows % given == 0 {
                page.with_fact("classes given", given.to_string()).with_help(
                    "the network makes several rows of each sample: look for an nn.View or nn.Reshape that names fewer numbers than a sample has",
                )
            } else {
                page.with_help("nn.ClassNLLCriterion is for classification; for images as targets use nn.MSECriterion")
            });
        }
        if let Some(weights) = &self.weights
            && weights.numel() as i64 != classes
        {
            return Err(size_mismatch(input, format!("{} classes, one for each of its weights", weights.numel())));
        }
        let target = target.f_to_kind(tch::Kind::Int64)?.f_to_device(x.device())?.f_reshape(&batch[..])?;
        // On a CUDA device the look at the labels would wait for the device, so it is made on the processor only.
        if x.device() == tch::Device::Cpu && target.numel() > 0 {
            let labels = whole_numbers(&target)?;
            let counted = || labels.iter().copied().filter(|&label| label != self.ignore_index);
            let (Some(least), Some(most)) = (counted().min(), counted().max()) else {
                return Ok(x.f_sum(x.kind())?.f_mul_scalar(0.0)?);
            };
            check_classes((least, most), 1, classes)?;
        }
        let places = target.f_add_scalar(-1)?;
        let weights = self.weights.as_ref().map(|w| w.f_to_device(x.device())?.f_to_kind(x.kind())).transpose()?;
        let reduced = |reduction| x.f_nll_loss_nd(&places, weights.as_ref(), reduction, self.ignore_index - 1);
        Ok(match &weights {
            Some(weights) if self.size_average => {
                let of_each = weights.f_index_select(0, &places.f_clamp(0, classes - 1)?.f_reshape([-1])?)?;
                let counted = target.f_ne(self.ignore_index)?.f_reshape([-1])?;
                let total = of_each.f_mul(&counted)?.f_sum(x.kind())?;
                // libtorch's mean is 0 / 0 where nothing has a weight. Nobody looks at the total: a device would be waited for.
                let divisor = total.f_add(&total.f_eq(0.0)?)?;
                reduced(tch::Reduction::Sum)?.f_div(&divisor)?
            }
            _ => reduced(reduction)?,
        })
    }
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Criterion>> {
    Ok(Box::new(ClassNll::read(builder)?))
}

impl Criterion for ClassNll {
    fn reduction(&self) -> BatchReduction {
        self.of_batch()
    }

    fn forward(&self, input: &Activity, target: &Activity, _cx: &mut Context<'_>) -> Result<tch::Tensor> {
        let x = input.tensor()?;
        if !matches!(x.dim(), 1 | 2) {
            return Err(
                size_mismatch(input, "[c] or [n, c]").with_help("end the network with nn.LogSoftMax on vectors")
            );
        }
        self.loss(input, x, target.tensor()?)
    }

    /// Of `[n, c]` on the processor, where all classes count alike.
    fn input_gradient(&self, input: &Activity, target: &Activity) -> Result<Option<Activity>> {
        let Activity::Tensor(x) = input else { return Ok(None) };
        let gradient = tch::Tensor::f_empty(x.size(), (x.kind(), x.device()))?;
        Ok(self.input_gradient_into(input, target, &gradient)?.then(|| gradient.into()))
    }

    fn input_gradient_into(&self, input: &Activity, target: &Activity, out: &tch::Tensor) -> Result<bool> {
        let (Activity::Tensor(x), Activity::Tensor(target)) = (input, target) else { return Ok(false) };
        let Some(places) = (if are_alike(x, out) { self.plain_places(x, target)? } else { None }) else {
            return Ok(false);
        };
        let each = if self.size_average { -1.0 / places.len() as f64 } else { -1.0 };
        Ok(mark(out, &places, each))
    }

    fn scores(&self) -> Option<Scores> {
        Some(Scores::Logarithms)
    }

    fn ignored(&self) -> Option<i64> {
        Some(self.ignore_index)
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        nn::{
            Value,
            testing::{assert_close, object, plain, tensor},
        },
        torch::{Tensor, TensorType},
    };

    #[test]
    fn classes_count_from_one_and_weights_average() {
        let x = || tensor(&[2, 2], &[-1.0, -2.0, -3.0, -4.0]);
        let target = || tensor(&[2], &[2.0, 1.0]);
        assert_close(&[plain("nn.ClassNLLCriterion").loss(x(), target()).unwrap()], &[2.5]);
        let weights = Tensor::from_tch(TensorType::DOUBLE, &tensor(&[2], &[1.0, 3.0])).unwrap();
        let weighted = object("nn.ClassNLLCriterion", [Value::Tensor(weights)]);
        assert_close(&[weighted.loss(x(), target()).unwrap()], &[(3.0 * 2.0 + 3.0) / 4.0]);
        let weights = Tensor::from_tch(TensorType::DOUBLE, &tensor(&[2], &[0.0, 3.0])).unwrap();
        let one = object("nn.ClassNLLCriterion", [Value::Tensor(weights)]);
        assert_close(&[one.loss(x(), target()).unwrap()], &[2.0]);
        // A batch of classes without a weight, which 0 / 0 would end.
        assert_close(&[one.loss(x(), tensor(&[2], &[1.0, 1.0])).unwrap()], &[0.0]);
        let sum = object("nn.ClassNLLCriterion", [Value::Nil, Value::Bool(false)]);
        assert_close(&[sum.loss(x(), target()).unwrap()], &[5.0]);
        assert_close(&[sum.loss(tensor(&[2], &[-1.0, -2.0]), tensor(&[1], &[2.0])).unwrap()], &[2.0]);
    }

    #[test]
    fn a_label_outside_the_classes_is_named() {
        let loss = plain("nn.ClassNLLCriterion").loss(tensor(&[1, 2], &[0.0, 0.0]), tensor(&[1], &[3.0]));
        assert_eq!(loss.unwrap_err().message(), "target 3 is no class from 1 to 2");
        let ignored = plain("nn.ClassNLLCriterion").loss(tensor(&[1, 2], &[-7.0, 0.0]), tensor(&[1], &[-100.0]));
        assert_close(&[ignored.unwrap()], &[0.0]);
    }
}
