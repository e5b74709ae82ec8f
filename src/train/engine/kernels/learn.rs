//! The SGD step on a few parameters, fused into whatever computed their gradient.
#![expect(unsafe_code, reason = "loads and stores through pointers; the callers state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use super::{job::Update, lanes::Lanes, memory::MutPtr};

/// What is done with a gradient as soon as it is known. A trait, not closures, as [`super::tile::Product`].
pub(in crate::train::engine) trait Learn {
    /// Takes the gradients of the sixteen parameters from `start` on.
    ///
    /// # Safety
    /// The implementor's pointers must be good for these elements, and nobody else may touch them.
    unsafe fn take<R: Lanes>(&self, start: usize, g: R);

    /// [`Learn::take`] for the first `width` of them.
    ///
    /// # Safety
    /// As for `take`.
    unsafe fn take_some<R: Lanes>(&self, start: usize, width: usize, g: R);
}

/// The SGD step on the flat parameters.
#[derive(Debug, Clone, Copy)]
pub(in crate::train::engine) struct Sgd {
    pub(in crate::train::engine) update: Update,
    pub(in crate::train::engine) parameters: MutPtr,
}

impl Learn for Sgd {
    #[inline(always)]
    unsafe fn take<R: Lanes>(&self, start: usize, g: R) {
        let x = self.parameters.0.add(start);
        if self.update.velocity.0.is_null() {
            self.update.moved(R::load(x), g, g).0.store(x);
            return;
        }
        let v = self.update.velocity.0.add(start);
        let (new, velocity) = self.update.moved(R::load(x), g, R::load(v));
        velocity.store(v);
        new.store(x);
    }

    #[inline(always)]
    unsafe fn take_some<R: Lanes>(&self, start: usize, width: usize, g: R) {
        let x = self.parameters.0.add(start);
        let momentum = !self.update.velocity.0.is_null();
        let v = if momentum { self.update.velocity.0.add(start) } else { x };
        let (mut xs, mut vs) = ([0.0f32; 16], [0.0f32; 16]);
        std::ptr::copy_nonoverlapping(x, xs.as_mut_ptr(), width);
        std::ptr::copy_nonoverlapping(v, vs.as_mut_ptr(), width);
        let (new, velocity) = self.update.moved(R::load(xs.as_ptr()), g, R::load(vs.as_ptr()));
        new.store(xs.as_mut_ptr());
        velocity.store(vs.as_mut_ptr());
        if momentum {
            std::ptr::copy_nonoverlapping(vs.as_ptr(), v, width);
        }
        std::ptr::copy_nonoverlapping(xs.as_ptr(), x, width);
    }
}

impl Update {
    /// The new parameters and velocity.
    ///
    /// # Safety
    /// None of its own: it only computes, with R's instructions.
    #[inline(always)]
    unsafe fn moved<R: Lanes>(&self, x: R, g: R, v: R) -> (R, R) {
        let g = R::splat(self.decay).mul_add(x, g);
        // Without decay, the velocity of a weight that gets no gradient fades until it is subnormal, and would stay that.
        let v = if self.velocity.0.is_null() {
            g
        } else {
            R::splat(self.take).mul_add(g, R::splat(self.keep).mul(v)).normal()
        };
        (R::splat(-self.rate).mul_add(v, x), v)
    }
}
