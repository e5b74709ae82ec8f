//! The same elements in other sizes: `[n, …]` → `[n, sizes…]`, or `[…]` → `[sizes…]`.
//!
//! Torch7: `nn/Reshape.lua`. Without `batchMode` the input is one sample when its elements are exactly those of
//! `sizes` and its first dim is not 1.

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

/// `nn.Reshape(sizes…[, batchMode])`
pub const SPEC: Spec = Spec {
    args: &[required("sizes", ArgKind::Rest)],
    init: Some(init),
    print: describe,
    looks_at_input: true,
    looks_at_gradient: true,
    ..Spec::module(&["nn.Reshape"], build, Probe::module("2, 3", "torch.randn(4, 6)"))
};

/// A change of sizes that leaves the first dim alone.
pub struct Reshape {
    /// The sizes of one sample.
    pub sizes: Vec<i64>,
    /// Whether inputs have a batch dim: always, never, or to be guessed.
    pub batch_mode: Option<bool>,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let mut given = args.rest("sizes").to_vec();
    if let Some(&Value::Bool(batch_mode)) = given.last() {
        fields.set("batchMode", Value::Bool(batch_mode))?;
        given.pop();
    }
    if let [Value::List(list)] = given.as_slice() {
        given = list.clone();
    }
    let wrong = given.iter().position(|v| !matches!(v, Value::Number(_)));
    if let Some(at) = wrong.or(given.is_empty().then_some(0)) {
        let message = given.get(at).unwrap_or(&Value::Nil).misfit(
            &format!("#{} (sizes) to nn.Reshape", at + 1),
            "numbers, or one LongStorage,",
        );
        return Err(Error::new(Kind::Argument, message).with_fact("usage", "nn.Reshape(sizes…[, batchMode])"));
    }
    let sizes: Vec<i64> =
        given.iter().filter_map(|v| if let Value::Number(n) = v { Some(*n as i64) } else { None }).collect();
    fields.set("size", sizes.as_slice().into())?;
    fields.set("nelement", Value::from(numel(&sizes)))?;
    let with_batch: Vec<i64> = std::iter::once(0).chain(sizes).collect();
    fields.set("batchsize", with_batch.as_slice().into())
}

fn describe(fields: &dyn Fields) -> Result<String> {
    Ok(format!("({})", pair(&fields.ints("size")?, "x")))
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let batch_mode = match fields.get("batchMode")? {
        Value::Nil => None,
        _ => Some(fields.truthy("batchMode")?),
    };
    Ok(Box::new(Reshape { sizes: fields.ints("size")?, batch_mode }))
}

impl Reshape {
    /// The sizes that an input of this size gets; `None` when its elements do not fit.
    #[must_use]
    pub fn output_size(&self, size: &[i64]) -> Option<Vec<i64>> {
        let wanted = numel(&self.sizes);
        let given = numel(size);
        let is_sample = match self.batch_mode {
            Some(batch) => !batch,
            None => given == wanted && size.first() != Some(&1),
        };
        let mut output = self.sizes.clone();
        if !is_sample {
            output.insert(0, *size.first()?);
        }
        let product = numel(&output);
        let fits = if product < 0 { given % product == 0 } else { product == given };
        fits.then_some(output)
    }
}

impl Module for Reshape {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let Some(output) = self.output_size(&x.size()) else {
            let wanted = numel(&self.sizes);
            return Err(size_mismatch(input, format!("{wanted} elements, or [n, …] with {wanted} elements a sample"))
                .with_help("make the sizes of nn.Reshape multiply to the elements of one sample"));
        };
        Ok(x.f_reshape(output)?.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        gradient_in_sizes_of(input, grad)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::testing::{object, try_object};

    fn size_after(sizes: &[i64], batch_mode: Option<bool>, input: &[i64]) -> Option<Vec<i64>> {
        Reshape { sizes: sizes.to_vec(), batch_mode }.output_size(input)
    }

    #[test]
    fn guesses_the_batch() {
        assert_eq!(size_after(&[6], None, &[2, 3]), Some(vec![6]));
        assert_eq!(size_after(&[6], None, &[1, 2, 3]), Some(vec![1, 6]));
        assert_eq!(size_after(&[6], None, &[4, 2, 3]), Some(vec![4, 6]));
        assert_eq!(size_after(&[6], Some(true), &[2, 3]), None);
        assert_eq!(size_after(&[2, 3], Some(true), &[1, 6]), Some(vec![1, 2, 3]));
        assert_eq!(size_after(&[6], Some(false), &[1, 2, 3]), Some(vec![6]));
    }

    #[test]
    fn the_last_argument_may_be_the_batch_mode() {
        let args = vec![Value::Number(2.0), Value::Number(3.0), Value::Bool(true)];
        let reshape = try_object("nn.Reshape", args).unwrap();
        assert_eq!(reshape.print(), "nn.Reshape(2x3)");
        assert_eq!(object("nn.Reshape", [Value::List(vec![Value::Number(4.0)])]).print(), "nn.Reshape(4)");
        assert!(try_object("nn.Reshape", vec![]).is_err());
    }
}
