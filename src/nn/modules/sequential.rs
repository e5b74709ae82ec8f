//! Children one after another; an empty one hands its input on.
//!
//! Torch7: `nn/Sequential.lua`; its table side (add, get, insert, remove, printing) is in the Lua prelude.

use std::rc::Rc;

use crate::{
    error::Result,
    nn::{Activity, Builder, Context, Module, Node, Probe, Spec},
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
        for child in &self.children {
            activity = child.forward(&activity, cx)?;
        }
        Ok(activity)
    }

    fn children(&self) -> Vec<&Node> {
        self.children.iter().map(Rc::as_ref).collect()
    }
}
