//! Puts pooled values back to where their maxima were; zeros elsewhere. Shapes: `[n, c, h', w']` → `[n, c, h, w]`.
//!
//! Torch7: `nn/SpatialMaxUnpooling.lua`, `VolumetricMaxUnpooling.lua`: constructed with the pooling module, whose
//! indices and input extents of the last pass it reads. The window must not overlap (kernel = stride).

use std::rc::Rc;

use super::max_pooling::MaxPooling;
use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        layout::planes,
        module::{Context, Module, Node},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

/// `nn.SpatialMaxUnpooling(pooling)`, `nn.VolumetricMaxUnpooling(pooling)`; their constructors, which keep a module
/// in a field, are in the Lua prelude.
pub const SPECS: &[Spec] = &[
    Spec::module(
        &["nn.SpatialMaxUnpooling"],
        build,
        Probe::module("nn.SpatialMaxPooling(2, 2)", "torch.randn(1, 2, 2, 2)"),
    ),
    Spec::module(
        &["nn.VolumetricMaxUnpooling"],
        build,
        Probe::module("nn.VolumetricMaxPooling(2, 2, 2)", "torch.randn(1, 2, 2, 2, 2)"),
    ),
];

/// The inverse of a pooling module.
pub struct MaxUnpooling {
    pooling: Rc<Node>,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(MaxUnpooling { pooling: builder.child("pooling")? }))
}

impl Module for MaxUnpooling {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let module: &dyn std::any::Any = &*self.pooling.module;
        let pooling = module.downcast_ref::<MaxPooling>().ok_or_else(|| {
            Error::new(Kind::Network, format!("an unpooling module cannot undo {}", self.pooling.label))
                .with_help("give it the nn.SpatialMaxPooling or nn.VolumetricMaxPooling of the same network")
        })?;
        if pooling.kernel != pooling.stride {
            return Err(Error::new(Kind::Network, "the windows of the pooling module overlap or leave gaps")
                .with_help("give the pooling module the same kernel size and stride"));
        }
        let pooled = pooling.pooled.borrow();
        let pooled = pooled.as_ref().ok_or_else(|| {
            Error::new(Kind::Network, "the pooling module has not run yet")
                .with_help("put the pooling module in front of its unpooling module in the same network")
        })?;
        let x = planes(input, pooled.extents.len(), None)?;
        if x.size() != pooled.indices.size() {
            return Err(size_mismatch(input, format!("the pooling module's output size {:?}", pooled.indices.size())));
        }
        Ok(match pooled.extents.len() {
            2 => x.f_max_unpool2d(&pooled.indices, &pooled.extents)?,
            _ => x.f_max_unpool3d(&pooled.indices, &pooled.extents, &pooling.stride, &pooling.padding)?,
        }
        .into())
    }
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use super::*;
    use crate::nn::{
        Mode,
        testing::{Built, assert_close, container, numbers, object, tensor},
    };

    #[test]
    fn values_return_to_their_places() {
        let pooling = Rc::new(object("nn.SpatialMaxPooling", [2i64, 1]));
        let unpooling = container("nn.SpatialMaxUnpooling", vec![]).with_child("pooling", pooling.clone());
        let mut built = Built::default();
        let (pool, unpool) = (built.node(&pooling).unwrap(), built.node(&unpooling).unwrap());
        let mut cx = Context::new(Mode::Train);
        let x = tensor(&[1, 1, 4], &[1.0, 5.0, 7.0, 2.0]).into();
        let y = unpool.forward(&pool.forward(&x, &mut cx).unwrap(), &mut cx).unwrap();
        assert_close(&numbers(y.tensor().unwrap()), &[0.0, 5.0, 7.0, 0.0]);
        assert!(
            container("nn.SpatialMaxUnpooling", vec![])
                .with_child("pooling", Rc::new(object("nn.SpatialMaxPooling", [2i64, 1])))
                .forward(Mode::Train, tensor(&[1, 1, 2], &[1.0, 2.0]))
                .is_err()
        );
    }
}
