//! Modules around one other module: they hand the input to it (`Decorator`, `DontCast`, `GPU`, `Profile`, `NaN`), or
//! fold leading dims into one around it (`Bottle`).
//!
//! Torch7: `nn/Decorator.lua`, `DontCast.lua`, `GPU.lua`, `Profile.lua`, `NaN.lua`, `Bottle.lua`; their table side is in
//! the Lua prelude. A network here has one type and one device, so casts and moves have nothing to do.

use std::rc::Rc;

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        module::{Context, Module, Node},
        refusals::size_mismatch,
        spec::{Builder, Probe, Spec},
    },
};

const PROBE: Probe = Probe::module("nn.Linear(4, 3)", "torch.randn(2, 4)");

/// The classes.
pub const SPECS: &[Spec] = &[
    Spec::module(&["nn.Decorator"], decorator, PROBE),
    Spec::module(&["nn.DontCast"], decorator, PROBE),
    Spec::module(&["nn.GPU"], decorator, Probe::module("nn.Linear(4, 3), 1", "torch.randn(2, 4)")),
    Spec::module(&["nn.Profile"], decorator, PROBE),
    Spec::module(&["nn.NaN"], decorator, PROBE),
    Spec::module(&["nn.Bottle"], bottle, Probe::module("nn.Linear(4, 3)", "torch.randn(2, 5, 4)")),
];

/// One module within another.
pub struct Decorator {
    child: Rc<Node>,
    /// For `Bottle`, the rank that the child takes.
    pub input_dims: Option<usize>,
}

fn only_child(builder: &mut dyn Builder) -> Result<Rc<Node>> {
    let child = builder.children()?.into_iter().next();
    child.ok_or_else(|| Error::new(Kind::Network, format!("{} has lost its module", builder.fields().class())))
}

fn decorator(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    Ok(Box::new(Decorator { child: only_child(builder)?, input_dims: None }))
}

fn bottle(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let child = only_child(builder)?;
    Ok(Box::new(Decorator { child, input_dims: Some(builder.fields().int_or("nInputDim", 2)?.max(1) as usize) }))
}

impl Module for Decorator {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        let Some(rank) = self.input_dims else { return self.child.forward(input, cx) };
        let x = input.tensor()?;
        let size = x.size();
        if size.len() < rank {
            return Err(size_mismatch(input, format!("at least {rank} dimensions")));
        }
        let (batch, sample) = size.split_at(size.len() - rank + 1);
        if batch.len() == 1 {
            return self.child.forward(input, cx);
        }
        let folded = [&[batch.iter().product()], sample].concat();
        let output = self.child.forward(&x.f_reshape(folded)?.into(), cx)?;
        let y = output.tensor()?;
        let unfolded = [batch, &y.size()[1..]].concat();
        Ok(y.f_reshape(unfolded)?.into())
    }

    fn children(&self) -> Vec<&Node> {
        vec![&self.child]
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode,
        testing::{container, object, randn},
    };

    #[test]
    fn a_bottle_folds_and_unfolds() {
        let bottle = container("nn.Bottle", vec![object("nn.Linear", [4i64, 3])]);
        assert_eq!(bottle.eval(randn(&[2, 5, 4])).0, [2, 5, 3]);
        assert_eq!(bottle.eval(randn(&[5, 4])).0, [5, 3]);
        assert!(bottle.forward(Mode::Train, randn(&[4])).is_err());
    }
}
