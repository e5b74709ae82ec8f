//! Row numbers to rows: `[l]` of whole numbers from 1 → `[l, nOutput]`, `[n, l]` → `[n, l, nOutput]`.
//!
//! Torch7: `nn/LookupTable.lua`: weight `[nIndex, nOutput]` from N(0, 1). Rows longer than `maxNorm` are shortened in
//! place before they are used; row `paddingValue` gets no gradient.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        init::{set_arguments, set_parameters},
        layout::from_one,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
    },
    torch::{
        Generator,
        direct::are_alike,
        rows::{add_rows, take_rows, whole_numbers},
    },
};

/// `nn.LookupTable(nIndex, nOutput[, paddingValue=0, maxNorm, normType])`
pub const SPEC: Spec = Spec {
    args: &[
        required("nIndex", ArgKind::Int),
        required("nOutput", ArgKind::Int),
        optional("paddingValue", ArgKind::Int, Missing::Number(0.0)),
        optional("maxNorm", ArgKind::Number, Missing::Nil),
        optional("normType", ArgKind::Number, Missing::Nil),
    ],
    init: Some(init),
    reset: Some(reset),
    ..Spec::module(&["nn.LookupTable"], build, Probe::module("5, 2", "torch.LongTensor{{1, 5}, {3, 3}}"))
};

/// Learned rows.
pub struct LookupTable {
    /// `[rows, out]`
    pub weight: tch::Tensor,
    /// 1-based; 0 for none.
    padding: i64,
    /// Rows are cut to this length when they are looked up.
    pub max_norm: Option<f64>,
    norm_type: f64,
    scales_by_frequency: bool,
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["paddingValue", "maxNorm", "normType"])?;
    set_parameters(fields, &[("weight", "gradWeight", &[args.int("nIndex"), args.int("nOutput")])])?;
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    if let Some(weight) = fields.tensor("weight")? {
        weight.fill_from(|block| block.fill_with(|| generator.normal(0.0, stdv.unwrap_or(1.0))))?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[2])?;
    let fields = builder.fields();
    let max_norm = match fields.get("maxNorm")? {
        Value::Nil => None,
        _ => Some(fields.number("maxNorm")?),
    };
    Ok(Box::new(LookupTable {
        weight,
        padding: fields.int_or("paddingValue", 0)?,
        max_norm,
        norm_type: fields.number_or("normType", 2.0)?,
        scales_by_frequency: fields.truthy("shouldScaleGradByFreq")?,
    }))
}

/// The first of these row numbers, from 1, that a table of so many rows does not have.
fn outside(index: &tch::Tensor, rows: i64) -> Result<Option<i64>> {
    Ok(whole_numbers(index)?.into_iter().find(|number| !(1..=rows).contains(number)))
}

impl LookupTable {
    /// The rows of `x`, from 0, in one list; `None` where a forward pass has more to do than to copy them, or a page for them.
    fn plain_rows(&self, x: &tch::Tensor) -> Result<Option<Vec<i64>>> {
        if self.max_norm.is_some() || !matches!(x.dim(), 1 | 2) || x.device() != tch::Device::Cpu || x.numel() == 0 {
            return Ok(None);
        }
        from_one(x, self.weight.size()[0])
    }
}

impl Module for LookupTable {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        if !matches!(x.dim(), 1 | 2) {
            return Err(size_mismatch(input, "[l] or [n, l], row numbers").with_help("give it vectors of row numbers"));
        }
        let index = x.f_detach()?.f_to_kind(tch::Kind::Int64)?;
        let rows = self.weight.size()[0];
        // On a CUDA device the look at the numbers would wait for the device.
        if x.device() == tch::Device::Cpu
            && let Some(wrong) = outside(&index, rows)?
        {
            return Err(Error::new(Kind::Shape, format!("row {wrong} is not within 1 to {rows}"))
                .with_help("rows are counted from 1; make nIndex the largest number that can come"));
        }
        let index = index.f_sub_scalar(1)?;
        if let Some(max_norm) = self.max_norm {
            let mut rows = self.weight.detach();
            let _ = rows.f_embedding_renorm_(&index.f_reshape([-1])?, max_norm, self.norm_type)?;
        }
        let padding = if self.padding > 0 { self.padding - 1 } else { -1 };
        Ok(tch::Tensor::f_embedding(&self.weight, &index, padding, self.scales_by_frequency, false)?.into())
    }

    fn forward_into(&self, input: &Activity, out: &tch::Tensor) -> Result<bool> {
        let Activity::Tensor(x) = input else { return Ok(false) };
        let width = self.weight.size()[1];
        let fits = out.kind() == self.weight.kind() && out.size() == [&x.size()[..], &[width]].concat();
        let Some(rows) = (if fits { self.plain_rows(x)? } else { None }) else { return Ok(false) };
        Ok(take_rows(out, &self.weight, &rows))
    }

    /// Row numbers have none: zeros of their type.
    fn input_gradient(&self, input: &Activity, _grad: &Activity) -> Result<Option<Activity>> {
        let zeros = |x: &tch::Tensor| Ok(x.f_detach()?.f_zeros_like()?);
        input.map(&mut |x| zeros(x)).map(Some)
    }

    fn input_gradient_into(&self, input: &Activity, _grad: &Activity, out: &Activity) -> Result<bool> {
        let (Activity::Tensor(x), Activity::Tensor(out)) = (input, out) else { return Ok(false) };
        let fits = are_alike(x, out);
        if fits {
            let _ = out.shallow_clone().f_zero_()?;
        }
        Ok(fits)
    }

    /// Only the rows that were looked up are touched.
    fn accumulate(&self, input: &Activity, grad: &Activity, scale: f64, sums: &[tch::Tensor]) -> Result<bool> {
        let (Activity::Tensor(x), Activity::Tensor(g), [sum]) = (input, grad, sums) else { return Ok(false) };
        let width = self.weight.size()[1];
        let is_plain = self.padding <= 0 && !self.scales_by_frequency;
        let fits = g.kind() == self.weight.kind() && g.numel() as i64 == x.numel() as i64 * width;
        // Elsewhere autograd's own forward pass has the page.
        let Some(rows) = (if is_plain && fits { self.plain_rows(x)? } else { None }) else { return Ok(false) };
        Ok(add_rows(sum, g, &rows, scale))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, object, tensor},
    };

    #[test]
    fn rows_count_from_one_and_are_shortened() {
        let table = object("nn.LookupTable", [2.0, 2.0, 0.0, 1.0]);
        table.get_tensor("weight").copy_from(&tensor(&[4], &[0.3, 0.4, 30.0, 40.0])).unwrap();
        let (size, y) = table.eval(tensor(&[1, 2], &[2.0, 1.0]));
        assert_eq!(size, [1, 2, 2]);
        for (got, wanted) in y.iter().zip([0.6, 0.8, 0.3, 0.4]) {
            assert!((got - wanted).abs() < 1e-6);
        }
        let error = table.forward(Mode::Train, tensor(&[1], &[3.0])).unwrap_err();
        assert_eq!(error.message(), "row 3 is not within 1 to 2");
    }

    #[test]
    fn weights_are_normal() {
        let numbers = object("nn.LookupTable", [500i64, 2]).numbers("weight");
        let mean = numbers.iter().sum::<f64>() / 1000.0;
        let square = numbers.iter().map(|x| x * x).sum::<f64>() / 1000.0;
        assert!(mean.abs() < 0.15 && (square - 1.0).abs() < 0.2);
        assert_close(&[object("nn.LookupTable", [500i64, 2]).numbers("weight")[0]], &[numbers[0]]);
    }
}
