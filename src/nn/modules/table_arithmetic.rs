//! Arithmetic between the entries of a table, all of one shape: sums, products, differences, largest and smallest.
//!
//! Torch7: `nn/CAddTable.lua`, `CSubTable.lua`, `CMulTable.lua`, `CDivTable.lua`, `CMaxTable.lua`, `CMinTable.lua` (of
//! equal numbers the earlier entry counts), `CAddTensorTable.lua`.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, alike},
        fields::Value,
        init::set_arguments,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Missing, Probe, Spec, optional},
    },
    torch::direct::are_alike,
};

type Function = fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor>;

/// The gradients by two entries, from that of the result.
type Gradients = fn(&tch::Tensor, [&tch::Tensor; 2]) -> Result<[tch::Tensor; 2]>;

/// Both again, into tensors that are there: the result of two entries, the gradients by them.
#[derive(Clone, Copy)]
struct IntoTensors {
    function: fn([&tch::Tensor; 2], &tch::Tensor) -> Result<tch::Tensor>,
    gradients: fn(&tch::Tensor, [&tch::Tensor; 2], [&tch::Tensor; 2]) -> Result<()>,
}

/// A function of two tensors, folded over a table.
pub struct TableArithmetic {
    function: Function,
    /// In closed form, for a table of two entries of one size.
    gradients: Option<Gradients>,
    into: Option<IntoTensors>,
    /// Whether exactly two entries are wanted.
    takes_two: bool,
}

const INPLACE: &[Arg] = &[optional("inplace", ArgKind::Any, Missing::Bool(false))];
const THREE: &str = "{torch.randn(2, 3), torch.rand(2, 3), torch.Tensor{{1, 2, -3}, {4, 5, -6}}}";
const TWO: &str = "{torch.randn(2, 3), torch.Tensor{{1, 2, -3}, {4, 5, -6}}}";

macro_rules! row {
    ($class:literal, $args:expr, $takes_two:literal, $function:expr, $gradients:expr) => {
        row!($class, $args, $takes_two, $function, $gradients, None)
    };
    ($class:literal, $args:expr, $takes_two:literal, $function:expr, $gradients:expr, $into:expr) => {
        Spec {
            args: $args,
            init: Some(|args, fields, _| {
                fields.set("gradInput", Value::List(vec![]))?;
                args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
            }),
            ..Spec::module(
                &[$class],
                |_| {
                    Ok(Box::new(TableArithmetic {
                        function: $function,
                        gradients: $gradients,
                        into: $into,
                        takes_two: $takes_two,
                    }))
                },
                Probe::module("", if $takes_two { TWO } else { THREE }),
            )
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.CAddTable",
        INPLACE,
        false,
        |a, b| Ok(a.f_add(b)?),
        Some(|g, _| Ok([g.shallow_clone(), g.shallow_clone()])),
        Some(IntoTensors {
            function: |[a, b], y| Ok(a.f_add_out(y, b)?),
            gradients: |g, _, outs| outs.into_iter().try_for_each(|out| Ok(out.shallow_clone().f_copy_(g)?)),
        })
    ),
    row!(
        "nn.CMulTable",
        &[],
        false,
        |a, b| Ok(a.f_mul(b)?),
        Some(|g, [a, b]| Ok([g.f_mul(b)?, g.f_mul(a)?])),
        Some(IntoTensors {
            function: |[a, b], y| Ok(a.f_mul_out(y, b)?),
            gradients: |g, [a, b], [by_a, by_b]| {
                let _ = (g.f_mul_out(by_a, b)?, g.f_mul_out(by_b, a)?);
                Ok(())
            },
        })
    ),
    row!("nn.CSubTable", &[], true, |a, b| Ok(a.f_sub(b)?), Some(|g, _| Ok([g.shallow_clone(), g.f_neg()?]))),
    row!("nn.CDivTable", &[], true, |a, b| Ok(a.f_div(b)?), None),
    row!("nn.CMaxTable", &[], false, |a, b| Ok(b.f_where_self(&b.f_gt_tensor(a)?, a)?), None),
    row!("nn.CMinTable", &[], false, |a, b| Ok(b.f_where_self(&b.f_lt_tensor(a)?, a)?), None),
    Spec {
        init: Some(|_, _, _| Ok(())),
        ..Spec::module(
            &["nn.CAddTensorTable"],
            |_| Ok(Box::new(AddToEach)),
            Probe::module("", "{torch.randn(3), {torch.rand(3), torch.rand(3)}}"),
        )
    },
];

/// `b` in the sizes of `a`: as everywhere in Torch7, an equal number of elements is enough.
fn sized_as(input: &Activity, a: &tch::Tensor, b: &tch::Tensor) -> Result<tch::Tensor> {
    if a.size() == b.size() {
        return Ok(b.shallow_clone());
    }
    if a.numel() == b.numel() {
        return Ok(b.f_reshape(a.size())?);
    }
    Err(Error::new(Kind::Shape, "the entries of the table have different sizes")
        .with_fact("it was given", input.shape())
        .with_help("let every branch give the same size; nn.JoinTable joins tensors of different sizes"))
}

impl Module for TableArithmetic {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let entries = input.table()?;
        if entries.is_empty() || (self.takes_two && entries.len() != 2) {
            let wanted = if self.takes_two { "a table of two tensors" } else { "a table of tensors" };
            return Err(size_mismatch(input, wanted));
        }
        let first = entries[0].tensor()?;
        let mut result = first.shallow_clone();
        for entry in &entries[1..] {
            let x = sized_as(input, first, entry.tensor()?)?;
            result = (self.function)(&result, &x)?;
        }
        Ok(result.into())
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let (Some(gradients), Activity::Table(entries)) = (self.gradients, input) else { return Ok(None) };
        let [a, b] = &entries[..] else { return Ok(None) };
        let (Some((a, g)), Some((b, _))) = (alike(a, grad), alike(b, grad)) else { return Ok(None) };
        Ok(Some(Activity::Table(gradients(g, [a, b])?.map(Activity::from).into())))
    }

    fn forward_into(&self, input: &Activity, out: &tch::Tensor) -> Result<bool> {
        let (Some(into), Activity::Table(entries)) = (self.into, input) else { return Ok(false) };
        let fits = |entry: &Activity| matches!(entry, Activity::Tensor(x) if are_alike(x, out));
        let [Activity::Tensor(first), Activity::Tensor(second), rest @ ..] = &entries[..] else { return Ok(false) };
        if !entries.iter().all(fits) {
            return Ok(false);
        }
        let mut sum = (into.function)([first, second], out)?;
        for entry in rest {
            sum = (into.function)([&sum, entry.tensor()?], out)?;
        }
        Ok(true)
    }

    fn input_gradient_into(&self, input: &Activity, grad: &Activity, out: &Activity) -> Result<bool> {
        let (Some(into), Activity::Table(entries), Activity::Table(outs)) = (self.into, input, out) else {
            return Ok(false);
        };
        let ([a, b], [by_a, by_b]) = (&entries[..], &outs[..]) else { return Ok(false) };
        let (Some((a, g)), Some((b, _))) = (alike(a, grad), alike(b, grad)) else { return Ok(false) };
        let (Some((by_a, _)), Some((by_b, _))) = (alike(by_a, grad), alike(by_b, grad)) else { return Ok(false) };
        (into.gradients)(g, [a, b], [by_a, by_b])?;
        Ok(true)
    }
}

/// `{x, {a, b}}` → `{a + x, b + x}`
pub struct AddToEach;

impl Module for AddToEach {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let [x, table] = input.table()? else {
            return Err(size_mismatch(input, "{a tensor, a table of tensors}"));
        };
        let x = x.tensor()?;
        table.map(&mut |entry| Ok(entry.f_add(&sized_as(input, entry, x)?)?))
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, plain, tensor},
    };

    fn table(entries: &[&[f64]]) -> Activity {
        Activity::Table(entries.iter().map(|e| tensor(&[e.len() as i64], e).into()).collect())
    }

    #[test]
    fn by_hand() {
        let input = || table(&[&[1.0, 6.0], &[2.0, 3.0]]);
        for (class, wanted) in [
            ("nn.CAddTable", [3.0, 9.0]),
            ("nn.CSubTable", [-1.0, 3.0]),
            ("nn.CMulTable", [2.0, 18.0]),
            ("nn.CDivTable", [0.5, 2.0]),
            ("nn.CMaxTable", [2.0, 6.0]),
            ("nn.CMinTable", [1.0, 3.0]),
        ] {
            assert_close(&plain(class).eval(input()).1, &wanted);
        }
        assert!(plain("nn.CAddTable").forward(Mode::Train, table(&[&[1.0], &[1.0, 2.0]])).is_err());
        assert!(plain("nn.CSubTable").forward(Mode::Train, table(&[&[1.0]])).is_err());
    }
}
