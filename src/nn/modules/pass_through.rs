//! Modules whose output is their input, tensor or table: `Identity` and modules that only mattered to Torch7's memory.
//!
//! Torch7: `nn/Identity.lua`, `Contiguous.lua`, `Copy.lua` (its types are the network's own here).

use crate::{
    error::Result,
    nn::{Activity, Arg, ArgKind, Context, Missing, Module, Probe, Spec, optional, set_arguments},
};

const COPY_ARGS: &[Arg] = &[
    optional("intype", ArgKind::Any, Missing::Nil),
    optional("outtype", ArgKind::Any, Missing::Nil),
    optional("forceCopy", ArgKind::Any, Missing::Nil),
    optional("dontCast", ArgKind::Any, Missing::Nil),
];

macro_rules! row {
    ($class:literal, $args:expr) => {
        Spec {
            args: $args,
            init: Some(|args, fields, _| args.names().try_for_each(|name| set_arguments(args, fields, &[name]))),
            ..Spec::module(&[$class], |_| Ok(Box::new(PassThrough)), Probe::module("", "torch.randn(2, 4)"))
        }
    };
}

/// The classes.
pub const SPECS: &[Spec] = &[row!("nn.Identity", &[]), row!("nn.Contiguous", &[]), row!("nn.Copy", COPY_ARGS)];

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
