//! The same elements in other sizes, the batch kept: `nn.View(-1):setNumInputDims(3)` makes `[n, c, h, w]` to
//! `[n, c·h·w]`.
//!
//! Torch7: `nn/View.lua`. The batch is what is left of the elements after `sizes` took theirs: with a −1 among the
//! sizes, only dims in front of the last `numInputDims` count as batch.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, gradient_in_sizes_of},
        fields::{Fields, Value},
        layout::{numel, pair},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Probe, Spec, required},
    },
    torch::Generator,
};

/// `nn.View(sizes…)`
pub const SPEC: Spec = Spec {
    args: &[required("sizes", ArgKind::Sizes)],
    init: Some(init),
    print: describe,
    looks_at_input: true,
    looks_at_gradient: true,
    ..Spec::module(&["nn.View"], build, Probe::module("2, 6", "torch.randn(4, 12)"))
};

/// A change of sizes.
pub struct View {
    /// The sizes of one sample; at most one of them is −1.
    pub sizes: Vec<i64>,
    /// Rank of one sample (`setNumInputDims`); dims in front of it are batch.
    pub num_input_dims: Option<i64>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let sizes = args.sizes("sizes");
    if let Some(wrong) = sizes.iter().find(|&&size| size < -1) {
        return Err(Error::new(Kind::Argument, format!("to nn.View: sizes are positive or -1, not {wrong}")));
    }
    if sizes.iter().filter(|&&size| size == -1).count() > 1 {
        return Err(Error::new(
            Kind::Argument,
            format!("to nn.View: only one size can be -1, not {}", pair(&sizes, ", ")),
        )
        .with_help("-1 stands for the size that the number of elements leaves"));
    }
    fields.set("size", sizes.as_slice().into())?;
    fields.set("numElements", Value::from(elements(&sizes)))?;
    fields.set("inferdim", Value::Bool(sizes.contains(&-1)))
}

fn elements(sizes: &[i64]) -> i64 {
    sizes.iter().filter(|&&size| size >= 0).fold(1, |all: i64, &size| all.saturating_mul(size))
}

fn describe(fields: &dyn Fields) -> Result<String> {
    Ok(format!("({})", pair(&fields.ints("size")?, ", ")))
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let num_input_dims = match fields.get("numInputDims")? {
        Value::Nil => None,
        _ => Some(fields.int("numInputDims")?),
    };
    Ok(Box::new(View { sizes: fields.ints("size")?, num_input_dims }))
}

impl View {
    /// The sizes that an input of this size gets; `None` when its elements do not fit.
    #[must_use]
    pub fn output_size(&self, size: &[i64]) -> Option<Vec<i64>> {
        let rank = size.len();
        let sample_dims = self.num_input_dims.map_or(rank, |dims| dims.clamp(0, rank as i64) as usize);
        let (leading, sample) = size.split_at(rank - sample_dims);
        let in_sample = numel(sample);
        let wanted = elements(&self.sizes);
        if wanted == 0 || in_sample % wanted != 0 {
            return None;
        }
        let infers = self.sizes.contains(&-1);
        let batch = if infers { 1 } else { in_sample / wanted } * numel(leading);
        let mut result = Vec::with_capacity(self.sizes.len() + 1);
        let has_leading_dim = self.num_input_dims.is_some() && rank > sample_dims;
        if batch != 1 || has_leading_dim {
            result.push(batch);
        }
        result.extend(self.sizes.iter().map(|&s| if s == -1 { in_sample / wanted } else { s }));
        Some(result)
    }
}

impl Module for View {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let size = x.size();
        let Some(output) = self.output_size(&size) else {
            let (from, to) = (pair(&size, "x"), pair(&self.sizes, "x"));
            let sample = &size[usize::from(size.len() > 1)..];
            return Err(size_mismatch(input, format!("{} elements a sample", elements(&self.sizes)))
                .with_cause(format!("input view ({from}) and desired view ({to}) do not match"))
                .with_help(format!(
                    "one sample has {} elements here: make the sizes of nn.View multiply to that, or use -1 for one of them",
                    numel(sample)
                )));
        };
        // The cheaper call of the two, where it is allowed.
        Ok(if x.is_contiguous() { x.f_view(&output[..])? } else { x.f_reshape(output)? }.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        gradient_in_sizes_of(input, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        Mode,
        testing::{object, randn, try_object},
    };

    fn size_after(sizes: &[i64], dims: Option<i64>, input: &[i64]) -> Option<Vec<i64>> {
        View { sizes: sizes.to_vec(), num_input_dims: dims }.output_size(input)
    }

    #[test]
    fn the_batch_is_what_the_sizes_leave() {
        assert_eq!(size_after(&[784], None, &[64, 1, 28, 28]), Some(vec![64, 784]));
        assert_eq!(size_after(&[784], None, &[1, 1, 28, 28]), Some(vec![784]));
        assert_eq!(size_after(&[784], Some(3), &[1, 1, 28, 28]), Some(vec![1, 784]));
        assert_eq!(size_after(&[-1], Some(3), &[64, 3, 2, 2]), Some(vec![64, 12]));
        assert_eq!(size_after(&[-1], Some(3), &[3, 2, 2]), Some(vec![12]));
        assert_eq!(size_after(&[-1], None, &[64, 3, 2, 2]), Some(vec![768]));
        assert_eq!(size_after(&[1, 28, 28], None, &[64, 784]), Some(vec![64, 1, 28, 28]));
        assert_eq!(size_after(&[2, -1], Some(1), &[5, 8]), Some(vec![5, 2, 4]));
        assert_eq!(size_after(&[-1, 10], None, &[5, 2, 10]), Some(vec![10, 10]));
        assert_eq!(size_after(&[783], None, &[64, 784]), None);
    }

    #[test]
    fn prints_and_refuses() {
        let view = object("nn.View", [3i64, -1]);
        assert_eq!(view.print(), "nn.View(3, -1)");
        assert!(try_object("nn.View", vec![Value::Number(-1.0), Value::Number(-1.0)]).is_err());
        let page = object("nn.View", [5i64]).forward(Mode::Train, randn(&[2, 4])).unwrap_err().to_string();
        assert!(page.contains("input view (2x4) and desired view (5) do not match"), "{page}");
    }
}
