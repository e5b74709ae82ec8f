//! Modules whose output is their input, tensor or table: `Identity` and modules that only mattered to Torch7's memory.
//!
//! Torch7: `nn/Identity.lua`, `Contiguous.lua`, `Copy.lua` (its types are the network's own here).

use crate::{
    error::Result,
    nn::{
        activity::Activity,
        module::{Context, Module},
        spec::{Probe, Spec},
    },
};

const fn row(classes: &'static [&'static str]) -> Spec {
    Spec::module(classes, |_| Ok(Box::new(PassThrough)), Probe::module("", "torch.randn(2, 4)"))
}

/// The classes; what they do to tensor objects when called from Lua is in the prelude (`plumbing.lua`).
pub const SPECS: &[Spec] = &[
    Spec { init: Some(|_, _, _| Ok(())), ..row(&["nn.Identity"]) },
    Spec { init: Some(|_, _, _| Ok(())), ..row(&["nn.Contiguous"]) },
    row(&["nn.Copy"]),
];

/// y = x
pub struct PassThrough;

impl Module for PassThrough {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        Ok(input.share())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Activity, Mode,
        testing::{plain, randn},
    };

    #[test]
    fn tables_pass() {
        let table = Activity::Table(vec![randn(&[2]).into(), randn(&[3]).into()]);
        let shape = table.shape();
        assert_eq!(plain("nn.Identity").forward(Mode::Train, table).unwrap().shape(), shape);
    }
}
