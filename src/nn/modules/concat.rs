//! The same input through every child, outputs joined along one dim; `DepthConcat` pads the other dims with zeros.
//!
//! Torch7: `nn/Concat.lua`, `nn/DepthConcat.lua` (smaller outputs are centred); their table side is in the Lua prelude.

use std::rc::Rc;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        layout::axis,
        module::{Context, Module, Node},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

/// `nn.Concat(dimension)`, `nn.DepthConcat(dimension)`
pub const SPECS: &[Spec] = &[
    Spec::module(&["nn.Concat"], |b| build(b, false), Probe::module("2", "torch.randn(2, 4)")),
    Spec::module(&["nn.DepthConcat"], |b| build(b, true), Probe::module("2", "torch.randn(2, 4)")),
];

/// Branches that are joined.
pub struct Concat {
    children: Vec<Rc<Node>>,
    /// 1-based.
    pub dimension: i64,
    /// Whether smaller outputs are centred among zeros.
    pub pads: bool,
}

fn build(builder: &mut dyn Builder, pads: bool) -> Result<Box<dyn Module>> {
    let children = builder.children()?;
    Ok(Box::new(Concat { children, dimension: builder.fields().int("dimension")?, pads }))
}

/// `x` with zeros around it, so that every dim but `dim` has the extents of `size`.
fn centred(x: &tch::Tensor, dim: usize, size: &[i64]) -> Result<tch::Tensor> {
    let mut pad = Vec::with_capacity(2 * size.len());
    for d in (0..size.len()).rev() {
        let room = if d == dim { 0 } else { size[d] - x.size()[d] };
        pad.extend([room / 2, room - room / 2]);
    }
    Ok(x.f_pad(pad, "constant", 0.0)?)
}

impl Module for Concat {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let outputs: Vec<Activity> = self.children.iter().map(|c| c.forward(input, cx)).collect::<Result<_>>()?;
        let tensors: Vec<&tch::Tensor> = outputs.iter().map(Activity::tensor).collect::<Result<_>>()?;
        let Some(first) = tensors.first() else {
            return Err(Error::new(Kind::Network, "it has no branches").with_help("add modules to it with :add(…)"));
        };
        let dim = axis(&outputs[0], first.dim(), self.dimension, None)?;
        join(&outputs, &tensors, dim as usize, self.pads)
    }

    fn children(&self) -> Vec<&Node> {
        self.children.iter().map(Rc::as_ref).collect()
    }
}

/// Joins tensors along a 0-based dim, after checking that the other extents agree.
pub(super) fn join(outputs: &[Activity], tensors: &[&tch::Tensor], dim: usize, pads: bool) -> Result<Activity> {
    let sizes: Vec<Vec<i64>> = tensors.iter().map(|t| t.size()).collect();
    let fits = |a: &[i64], b: &[i64]| {
        a.len() == b.len() && (pads || a.iter().zip(b).enumerate().all(|(d, (a, b))| d == dim || a == b))
    };
    if let Some(i) = sizes.iter().position(|size| !fits(size, &sizes[0])) {
        let wanted = format!("the same extents in every dimension but {}, as {:?} has", dim + 1, sizes[0]);
        return Err(size_mismatch(&outputs[i], wanted)
            .with_fact("entry", (i + 1).to_string())
            .with_help("make the branches pad and step alike, or use nn.DepthConcat, which fills with zeros"));
    }
    if !pads {
        return Ok(tch::Tensor::f_cat(tensors, dim as i64)?.into());
    }
    let largest: Vec<i64> = (0..sizes[0].len()).map(|d| sizes.iter().map(|size| size[d]).max().unwrap_or(0)).collect();
    let padded: Vec<tch::Tensor> = tensors.iter().map(|t| centred(t, dim, &largest)).collect::<Result<_>>()?;
    Ok(tch::Tensor::f_cat(&padded, dim as i64)?.into())
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{assert_close, container, object, plain, randn, tensor},
    };

    #[test]
    fn branches_are_joined_and_their_gradients_summed() {
        let children = || vec![plain("nn.Identity"), object("nn.MulConstant", [2.0])];
        let concat = container("nn.Concat", children()).with("dimension", 2i64);
        let (size, y) = concat.eval(tensor(&[2, 1], &[1.0, 2.0]));
        assert_eq!(size, [2, 2]);
        assert_close(&y, &[1.0, 2.0, 2.0, 4.0]);
        assert_close(&concat.gradient(&tensor(&[1, 1], &[0.0])), &[3.0]);
    }

    #[test]
    fn depth_concat_centres_the_smaller_ones() {
        let children = vec![plain("nn.Identity"), object("nn.SpatialMaxPooling", [2i64, 2, 1, 1])];
        let concat = container("nn.DepthConcat", children).with("dimension", 1i64);
        let (size, y) = concat.eval(tensor(&[1, 2, 2], &[1.0, 2.0, 3.0, 4.0]));
        assert_eq!(size, [2, 2, 2]);
        assert_close(&y, &[1.0, 2.0, 3.0, 4.0, 4.0, 0.0, 0.0, 0.0]);
    }

    #[test]
    fn unequal_branches_are_named() {
        let children = vec![plain("nn.Identity"), object("nn.Narrow", [1i64, 1, 1])];
        let concat = container("nn.Concat", children).with("dimension", 2i64);
        let page = concat.forward(Mode::Train, randn(&[2, 3])).unwrap_err().to_string();
        assert!(page.contains("entry           2"), "{page}");
    }
}
