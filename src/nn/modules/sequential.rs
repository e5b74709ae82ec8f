//! Children one after another; an empty one hands its input on.
//!
//! Torch7: `nn/Sequential.lua`; its table side (add, get, insert, remove, printing) is in the Lua prelude.

use std::{any::Any, rc::Rc};

use crate::{
    error::Result,
    nn::{Activity, Builder, Context, Module, Node, Probe, Spec, modules::threshold::Threshold},
};

/// `nn.Sequential()`
pub const SPEC: Spec = Spec::module(&["nn.Sequential"], build, Probe::module("", "torch.randn(2, 4)"));

/// A chain of modules.
pub struct Sequential {
    children: Vec<Rc<Node>>,
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(Sequential { children: builder.children()? }))
}

impl Module for Sequential {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let mut activity = input.share();
        let mut is_spare = false;
        for child in &self.children {
            activity = match (&activity, (&*child.module as &dyn Any).downcast_ref::<Threshold>()) {
                (Activity::Tensor(x), Some(threshold)) if is_spare && cx.is_private() && threshold.is_relu() => {
                    x.shallow_clone().f_relu_()?.into()
                }
                _ => child.forward(&activity, cx)?,
            };
            is_spare = child.module.leaves_its_output();
        }
        Ok(activity)
    }

    fn children(&self) -> Vec<&Node> {
        self.children.iter().map(Rc::as_ref).collect()
    }
}
