//! Containers that make tables: the same input to every child (`ConcatTable`), entry i to child i (`ParallelTable`),
//! every entry to one child (`MapTable`), slice i to child i with the outputs joined (`Parallel`).
//!
//! Torch7: `nn/ConcatTable.lua`, `ParallelTable.lua`, `MapTable.lua`, `Parallel.lua`; their table side is in the prelude.

use std::rc::Rc;

use super::concat::join;
use crate::{
    error::Result,
    nn::{
        activity::Activity,
        layout::axis,
        module::{Context, Module, Node},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

const TABLE: &str = "{torch.randn(2, 4), torch.randn(2, 4)}";

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec::module(&["nn.ConcatTable"], |b| build(b, Kind::Same), Probe::module("", "torch.randn(2, 4)")),
    Spec::module(&["nn.ParallelTable"], |b| build(b, Kind::EntryByEntry), Probe::module("", TABLE)),
    Spec::module(&["nn.MapTable"], map_table, Probe::module("nn.Linear(4, 3)", TABLE)),
    Spec::module(&["nn.Parallel"], parallel, Probe::module("2, 2", "torch.randn(3, 2, 4)")),
];

/// Which child gets what.
pub enum Kind {
    /// Every child the whole input.
    Same,
    /// Child i entry i.
    EntryByEntry,
    /// 1-based dims: the one that is sliced, and the one of the outputs that is joined.
    Slices(i64, i64),
    /// The one child every entry.
    OneChild,
}

/// Children side by side.
pub struct Branches {
    children: Vec<Rc<Node>>,
    /// Which child gets what.
    pub kind: Kind,
}

fn build(builder: &mut dyn Builder, kind: Kind) -> Result<Box<dyn Module>> {
    Ok(Box::new(Branches { children: builder.children()?, kind }))
}

fn map_table(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let mut children = builder.children()?;
    // Before its first pass a MapTable holds its module in `module` only; later clones share its parameters.
    children.truncate(1);
    if children.is_empty() {
        children.push(builder.child("module")?);
    }
    Ok(Box::new(Branches { children, kind: Kind::OneChild }))
}

fn parallel(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let kind = Kind::Slices(fields.int("inputDimension")?, fields.int("outputDimension")?);
    build(builder, kind)
}

impl Branches {
    fn check_count(&self, input: &Activity, have: usize, of: &str) -> Result<()> {
        let children = self.children.len();
        if have <= children {
            return Ok(());
        }
        Err(size_mismatch(input, format!("at most {children} {of}, one for each of its modules"))
            .with_help(format!("add modules to it until there are {have}")))
    }
}

impl Module for Branches {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let outputs: Vec<Activity> = match self.kind {
            Kind::Same => self.children.iter().map(|child| child.forward(input, cx)).collect::<Result<_>>()?,
            Kind::OneChild => input.table()?.iter().map(|x| self.children[0].forward(x, cx)).collect::<Result<_>>()?,
            Kind::EntryByEntry => {
                let entries = input.table()?;
                if entries.len() < self.children.len() {
                    return Err(size_mismatch(input, format!("a table of {} entries", self.children.len())));
                }
                self.children.iter().zip(entries).map(|(child, x)| child.forward(x, cx)).collect::<Result<_>>()?
            }
            Kind::Slices(from, to) => {
                let x = input.tensor()?;
                let dim = axis(input, x.dim(), from, None)?;
                let count = x.size()[dim as usize];
                self.check_count(input, count as usize, "slices")?;
                let outputs: Vec<Activity> = (0..count)
                    .zip(&self.children)
                    .map(|(i, child)| child.forward(&x.f_select(dim, i)?.into(), cx))
                    .collect::<Result<_>>()?;
                let tensors: Vec<&tch::Tensor> = outputs.iter().map(Activity::tensor).collect::<Result<_>>()?;
                let rank = tensors.first().map_or(0, |t| t.dim());
                let dim = axis(outputs.first().unwrap_or(input), rank, to, None)?;
                return join(&outputs, &tensors, dim as usize, false);
            }
        };
        Ok(Activity::Table(outputs))
    }

    fn children(&self) -> Vec<&Node> {
        self.children.iter().map(Rc::as_ref).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{assert_close, container, numbers, object, plain, randn, tensor},
    };

    fn pair() -> Vec<crate::nn::testing::Object> {
        vec![object("nn.MulConstant", [2.0]), object("nn.AddConstant", [1.0])]
    }

    #[test]
    fn tables_are_made_and_taken() {
        let y = container("nn.ConcatTable", pair()).forward(Mode::Train, tensor(&[1], &[3.0])).unwrap();
        let y: Vec<f64> = y.tensors().into_iter().flat_map(numbers).collect();
        assert_close(&y, &[6.0, 4.0]);
        let table = || Activity::Table(vec![tensor(&[1], &[3.0]).into(), tensor(&[1], &[5.0]).into()]);
        let y = container("nn.ParallelTable", pair()).forward(Mode::Train, table()).unwrap();
        let y: Vec<f64> = y.tensors().into_iter().flat_map(numbers).collect();
        assert_close(&y, &[6.0, 6.0]);
        let y = container("nn.MapTable", pair()).forward(Mode::Train, table()).unwrap();
        let y: Vec<f64> = y.tensors().into_iter().flat_map(numbers).collect();
        assert_close(&y, &[6.0, 10.0]);
        assert!(container("nn.ParallelTable", pair()).forward(Mode::Train, tensor(&[1], &[3.0])).is_err());
    }

    #[test]
    fn parallel_slices_and_joins() {
        let parallel =
            |children| container("nn.Parallel", children).with("inputDimension", 2i64).with("outputDimension", 2i64);
        let (size, y) = parallel(pair()).eval(tensor(&[1, 2, 1], &[3.0, 5.0]));
        assert_eq!(size, [1, 2]);
        assert_close(&y, &[6.0, 6.0]);
        assert!(parallel(vec![plain("nn.Tanh")]).forward(Mode::Train, randn(&[2, 2, 3])).is_err());
    }
}
