//! Children one after another; an empty one hands its input on.
//!
//! Torch7: `nn/Sequential.lua`; its table side (add, get, insert, remove, printing) is in the Lua prelude.

use std::{any::Any, rc::Rc};

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        module::{Context, Module, Node},
        modules::threshold::Threshold,
        spec::{Builder, Probe, Spec},
    },
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{
        MemoryFormat, Mode, Observer,
        testing::{Built, numbers, plain, tensor},
    };

    /// A module that gives its own tensor.
    struct Gives(tch::Tensor);

    impl Module for Gives {
        fn forward(&self, _: &Activity, _: &mut Context<'_>) -> Result<Activity> {
            Ok(self.0.shallow_clone().into())
        }

        fn leaves_its_output(&self) -> bool {
            true
        }
    }

    struct Watch;

    impl Observer for Watch {
        fn saw(&mut self, _: &Node, _: &Activity, _: &Activity) {}
    }

    #[test]
    fn a_relu_overwrites_what_was_before_it_only_where_nobody_looks() {
        let relu = Built::default().node(&plain("nn.ReLU")).unwrap();
        let run = |mut cx: Context<'_>| {
            let output = tensor(&[3], &[-1.0, 0.0, 2.0]);
            let gives = Node {
                path: String::new(),
                class: String::new(),
                label: String::new(),
                origin: None,
                parameters: vec![],
                module: Box::new(Gives(output.shallow_clone())),
            };
            let network = Sequential { children: vec![Rc::new(gives), relu.clone()] };
            let positive = network.forward(&output.copy().into(), &mut cx).unwrap();
            assert_eq!(numbers(positive.tensor().unwrap()), [0.0, 0.0, 2.0]);
            numbers(&output)
        };
        let cx = || Context::new(Mode::Evaluate);
        let mut watch = Watch;
        assert_eq!(run(cx()), [-1.0, 0.0, 2.0]);
        assert_eq!(run(cx().private(MemoryFormat::default())), [0.0, 0.0, 2.0]);
        assert_eq!(run(cx().private(MemoryFormat::default()).observed(&mut watch)), [-1.0, 0.0, 2.0]);
    }
}
