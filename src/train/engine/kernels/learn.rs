//! The SGD step on a few parameters, fused into whatever computed their gradient.
#![expect(unsafe_code, reason = "loads and stores through pointers; the callers state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use super::{Update, lanes::Lanes};

impl Update {
    /// SGD on the `width` parameters from `start` on, whose gradients are the first lanes of `g`.
    ///
    /// # Safety
    /// `parameters` and the velocity must be good for these elements, and nobody else may touch them.
    #[inline(always)]
    pub(in crate::train::engine) unsafe fn learn<R: Lanes>(
        &self,
        parameters: *mut f32,
        start: usize,
        width: usize,
        g: R,
    ) {
        let x = parameters.add(start);
        let momentum = !self.velocity.0.is_null();
        let v = if momentum { self.velocity.0.add(start) } else { x };
        if width == 16 {
            let (new, velocity) = self.moved(R::load(x), g, R::load(v));
            if momentum {
                velocity.store(v);
            }
            new.store(x);
            return;
        }
        let (mut xs, mut vs) = ([0.0f32; 16], [0.0f32; 16]);
        std::ptr::copy_nonoverlapping(x, xs.as_mut_ptr(), width);
        std::ptr::copy_nonoverlapping(v, vs.as_mut_ptr(), width);
        let (new, velocity) = self.moved(R::load(xs.as_ptr()), g, R::load(vs.as_ptr()));
        new.store(xs.as_mut_ptr());
        velocity.store(vs.as_mut_ptr());
        if momentum {
            std::ptr::copy_nonoverlapping(vs.as_ptr(), v, width);
        }
        std::ptr::copy_nonoverlapping(xs.as_ptr(), x, width);
    }

    /// Fetches sixteen parameters from `start` on and their velocity.
    ///
    /// # Safety
    /// None beyond the arithmetic of addresses.
    #[inline(always)]
    pub(super) unsafe fn prefetch<R: Lanes>(&self, parameters: *mut f32, start: usize) {
        R::prefetch(parameters.wrapping_add(start));
        R::prefetch(self.velocity.0.wrapping_add(start));
    }

    #[inline(always)]
    unsafe fn moved<R: Lanes>(&self, x: R, g: R, v: R) -> (R, R) {
        let g = R::splat(self.decay).mul_add(x, g);
        let v = if self.velocity.0.is_null() { g } else { R::splat(self.take).mul_add(g, R::splat(self.keep).mul(v)) };
        (R::splat(-self.rate).mul_add(v, x), v)
    }
}
