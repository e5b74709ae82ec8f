//! The random numbers of a network file's own code: each step's are those of its seed.

use mlua::Lua;

use crate::{
    error::Result,
    frontend::lua::{
        machine::{error::OrPage, stdlib::random_seed},
        tensor,
    },
    nn::Draws,
    torch::Generator,
};

/// A step's numbers, torch's and those of `math.random`, are those of its seed alone, so that a run that was stopped draws what
/// it would have drawn.
///
/// # Errors
/// When the machine was not furnished.
pub(in crate::frontend::lua) fn draws(lua: &Lua) -> Result<Draws> {
    let (generator, random_seed) = (tensor::generator(lua), random_seed(lua).or_page(lua)?);
    Ok(Box::new(move |seed| {
        let fresh = Generator::new(seed);
        // Lua's own function, which takes any number.
        let _ = random_seed.call::<()>(fresh.clone().random());
        *generator.borrow_mut() = fresh;
    }))
}
