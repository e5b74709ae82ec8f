//! Tables taken apart and put together: select, narrow, reverse, flatten, zip entries; split and join tensors.
//!
//! Torch7: `nn/SelectTable.lua`, `NarrowTable.lua`, `FlattenTable.lua`, `ZipTable.lua`, `ZipTableOneToMany.lua`,
//! `SplitTable.lua`, `JoinTable.lua`; `dpnn/ReverseTable.lua`. Positions are 1-based, negative from the end.

use super::concat::join;
use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, alike},
        fields::{Fields, Value},
        init::set_arguments,
        layout::axis,
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{Arg, ArgKind, Missing, Probe, Spec, optional, required},
    },
};

const PAIR: &str = "{torch.randn(2, 3), torch.rand(2, 3)}";
const DIMS: &[Arg] = &[required("dimension", ArgKind::Int), optional("nInputDims", ArgKind::Int, Missing::Nil)];

macro_rules! row {
    ($class:literal, $args:expr, $print:expr, $probe:expr, $build:expr) => {
        Spec {
            args: $args,
            init: Some(|args, fields, _| {
                // Tables from birth, as in Torch7: it writes into them.
                if !matches!($class, "nn.SplitTable") {
                    fields.set("gradInput", Value::List(vec![]))?;
                }
                if matches!($class, "nn.NarrowTable" | "nn.FlattenTable" | "nn.ZipTable" | "nn.ZipTableOneToMany") {
                    fields.set("output", Value::List(vec![]))?;
                }
                if matches!($class, "nn.JoinTable") {
                    fields.set("size", Value::Sizes(vec![]))?;
                }
                args.names().try_for_each(|name| set_arguments(args, fields, &[name]))
            }),
            print: $print,
            // Entries are handed on; only JoinTable makes a new tensor.
            looks_at_input: !matches!($class.as_bytes(), b"nn.JoinTable"),
            ..Spec::module(&[$class], |builder| Ok(Box::new($build(builder.fields())?)), $probe)
        }
    };
}

fn quiet(_: &dyn Fields) -> Result<String> {
    Ok(String::new())
}

fn dims(fields: &dyn Fields) -> Result<(i64, Option<i64>)> {
    let input_dims = match fields.get("nInputDims")? {
        Value::Nil => None,
        _ => Some(fields.int("nInputDims")?),
    };
    Ok((fields.int("dimension")?, input_dims))
}

/// The classes.
pub const SPECS: &[Spec] = &[
    row!(
        "nn.SelectTable",
        &[required("index", ArgKind::Any)],
        |f| Ok(match f.get("index")? {
            Value::Text(key) => format!("({key})"),
            _ => format!("({})", f.int("index")?),
        }),
        Probe::module("-1", PAIR),
        |f: &dyn Fields| Ok::<_, Error>(Entries::Select(
            f.int("index").map_err(|error| error.with_help("tables of a network are lists here: select by number"))?
        ))
    ),
    row!(
        "nn.NarrowTable",
        &[required("offset", ArgKind::Int), optional("length", ArgKind::Int, Missing::Number(1.0))],
        quiet,
        Probe::module("1, 2", PAIR),
        |f: &dyn Fields| Ok::<_, Error>(Entries::Narrow(f.int("offset")?, f.int_or("length", 1)?))
    ),
    row!("nn.FlattenTable", &[], quiet, Probe::module("", PAIR), |_| Ok::<_, Error>(Entries::Flatten)),
    row!("nn.ReverseTable", &[], quiet, Probe::module("", PAIR), |_| Ok::<_, Error>(Entries::Reverse)),
    row!(
        "nn.ZipTable",
        &[],
        quiet,
        Probe::module("", "{{torch.randn(2), torch.randn(2)}, {torch.rand(3), torch.rand(3)}}"),
        |_| Ok::<_, Error>(Entries::Zip)
    ),
    row!(
        "nn.ZipTableOneToMany",
        &[],
        quiet,
        Probe::module("", "{torch.randn(2), {torch.rand(3), torch.rand(3)}}"),
        |_| Ok::<_, Error>(Entries::ZipOneToMany)
    ),
    row!("nn.SplitTable", DIMS, quiet, Probe::module("2", "torch.randn(2, 3)"), |f: &dyn Fields| {
        let (dim, input_dims) = dims(f)?;
        Ok::<_, Error>(Entries::Split(dim, input_dims))
    }),
    row!("nn.JoinTable", DIMS, quiet, Probe::module("2", PAIR), |f: &dyn Fields| {
        let (dim, input_dims) = dims(f)?;
        Ok::<_, Error>(Entries::Join(dim, input_dims))
    }),
];

/// A rearrangement of a table's entries.
pub enum Entries {
    /// One entry.
    Select(i64),
    /// Entries from an offset on, as many as the second number.
    Narrow(i64, i64),
    /// All tensors in one list.
    Flatten,
    /// Last entry first.
    Reverse,
    /// `{{a1, a2}, {b1, b2}}` → `{{a1, b1}, {a2, b2}}`
    Zip,
    /// `{x, {a, b}}` → `{{x, a}, {x, b}}`
    ZipOneToMany,
    /// A tensor to its slices along a dim; that dim is removed.
    Split(i64, Option<i64>),
    /// Tensors joined along a dim.
    Join(i64, Option<i64>),
}

impl Entries {
    /// The dim that an input is split along, and the gradients of its slices, where there is one of the slice's size and
    /// type for each.
    fn slices<'a>(&self, input: &Activity, grad: &'a Activity) -> Result<Option<(i64, Vec<&'a tch::Tensor>)>> {
        let (Entries::Split(dim, input_dims), Activity::Tensor(x), Activity::Table(parts)) = (self, input, grad) else {
            return Ok(None);
        };
        let dim = axis(input, x.dim(), *dim, *input_dims)?;
        let Ok(parts) = parts.iter().map(Activity::tensor).collect::<Result<Vec<_>>>() else { return Ok(None) };
        let mut size = x.size();
        let count = size.remove(dim as usize);
        let fits = |part: &&tch::Tensor| part.kind() == x.kind() && part.size() == size;
        let fit = x.is_floating_point() && parts.len() as i64 == count && parts.iter().all(fits);
        Ok(fit.then_some((dim, parts)))
    }
}

impl Module for Entries {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        if let Entries::Split(dim, input_dims) = *self {
            let x = input.tensor()?;
            let dim = axis(input, x.dim(), dim, input_dims)?;
            // One operation for all slices: its gradient is written once, not added up from one tensor for each slice.
            return Ok(Activity::Table(x.f_unbind(dim)?.into_iter().map(Activity::from).collect()));
        }
        let entries = input.table()?;
        let count = entries.len() as i64;
        let outside = |what: String| {
            size_mismatch(input, what).with_help("entries are counted from 1; negative numbers count from the end")
        };
        Ok(match *self {
            Entries::Select(index) => {
                let at = if index < 0 { count + index } else { index - 1 };
                let entry = usize::try_from(at).ok().and_then(|at| entries.get(at));
                entry.ok_or_else(|| outside(format!("a table that has an entry {index}")))?.share()
            }
            Entries::Narrow(offset, length) => {
                let start = if offset < 0 { count + offset } else { offset - 1 };
                let length = if length < 0 { count - start + length + 1 } else { length };
                if start < 0 || length < 1 || start >= count {
                    return Err(outside(format!("a table of at least {} entries", start.max(0) + 1)));
                }
                // A length that runs past the end takes what there is, as Torch7's loop does.
                let range = start as usize..(start + length).min(count) as usize;
                Activity::Table(entries[range].iter().map(Activity::share).collect())
            }
            Entries::Flatten => {
                Activity::Table(input.tensors().into_iter().map(|t| t.shallow_clone().into()).collect())
            }
            Entries::Reverse => Activity::Table(entries.iter().rev().map(Activity::share).collect()),
            Entries::Zip => {
                let rows: Vec<&[Activity]> = entries.iter().map(Activity::table).collect::<Result<_>>()?;
                let length = rows.first().map_or(0, |row| row.len());
                if rows.iter().any(|row| row.len() != length) {
                    return Err(size_mismatch(input, "tables of equal length"));
                }
                let column = |i: usize| Activity::Table(rows.iter().map(|row| row[i].share()).collect());
                Activity::Table((0..length).map(column).collect())
            }
            Entries::ZipOneToMany => {
                let [one, many] = entries else { return Err(size_mismatch(input, "{a value, a table}")) };
                let pair = |entry: &Activity| Activity::Table(vec![one.share(), entry.share()]);
                Activity::Table(many.table()?.iter().map(pair).collect())
            }
            Entries::Join(dim, input_dims) => {
                let tensors: Vec<&tch::Tensor> = entries.iter().map(Activity::tensor).collect::<Result<_>>()?;
                let Some(first) = tensors.first() else {
                    return Err(Error::new(Kind::Shape, "an empty table has nothing to join"));
                };
                let dim = axis(input, first.dim(), dim, input_dims)?;
                join(entries, &tensors, dim as usize, false)?
            }
            Entries::Split(..) => unreachable!("handled above: it takes a tensor"),
        })
    }

    fn input_gradient(&self, input: &Activity, grad: &Activity) -> Result<Option<Activity>> {
        let Some((dim, parts)) = self.slices(input, grad)? else { return Ok(None) };
        Ok(Some(tch::Tensor::f_stack(&parts, dim)?.into()))
    }

    fn input_gradient_into(&self, input: &Activity, grad: &Activity, out: &Activity) -> Result<bool> {
        let (Some((dim, parts)), Some((_, out))) = (self.slices(input, grad)?, alike(input, out)) else {
            return Ok(false);
        };
        // A slice at a time: libtorch's stack looks at all parts several times over.
        for (i, part) in parts.into_iter().enumerate() {
            out.f_select(dim, i as i64)?.f_copy_(part)?;
        }
        Ok(true)
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, object, plain, randn, tensor},
    };

    fn table(sizes: &[&[i64]]) -> Activity {
        Activity::Table(sizes.iter().map(|size| randn(size).into()).collect())
    }

    fn shape_after(object: &crate::nn::testing::Object, input: Activity) -> String {
        object.forward(Mode::Train, input).unwrap().shape().to_string()
    }

    #[test]
    fn entries_move() {
        let three = || table(&[&[1], &[2], &[3]]);
        assert_eq!(shape_after(&object("nn.SelectTable", [-1i64]), three()), "[3]");
        assert_eq!(shape_after(&object("nn.NarrowTable", [2i64, 2]), three()), "{[2], [3]}");
        assert_eq!(shape_after(&plain("nn.ReverseTable"), three()), "{[3], [2], [1]}");
        let nested = Activity::Table(vec![three(), randn(&[4]).into()]);
        assert_eq!(shape_after(&plain("nn.FlattenTable"), nested), "{[1], [2], [3], [4]}");
        let two = Activity::Table(vec![table(&[&[1], &[2]]), table(&[&[3], &[4]])]);
        assert_eq!(shape_after(&plain("nn.ZipTable"), two), "{{[1], [3]}, {[2], [4]}}");
        let many = Activity::Table(vec![randn(&[9]).into(), table(&[&[1], &[2]])]);
        assert_eq!(shape_after(&plain("nn.ZipTableOneToMany"), many), "{{[9], [1]}, {[9], [2]}}");
        assert!(object("nn.SelectTable", [4i64]).forward(Mode::Train, three()).is_err());
        assert_eq!(shape_after(&object("nn.NarrowTable", [3i64, 2]), three()), "{[3]}");
        assert!(object("nn.NarrowTable", [4i64, 1]).forward(Mode::Train, three()).is_err());
    }

    #[test]
    fn split_and_join_are_inverse_but_for_the_dim() {
        let split = object("nn.SplitTable", [1i64, 1]);
        assert_eq!(shape_after(&split, randn(&[4, 2]).into()), "{[4], [4]}");
        let join = object("nn.JoinTable", [1i64]);
        let parts = Activity::Table(vec![tensor(&[1], &[1.0]).into(), tensor(&[2], &[2.0, 3.0]).into()]);
        assert_close(&join.eval(parts).1, &[1.0, 2.0, 3.0]);
    }
}
