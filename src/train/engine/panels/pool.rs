//! Padding and max pooling on panels, forward and backward.
#![expect(unsafe_code, reason = "loops over pointers into the buffers; the contract is `Part::run`'s")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

use std::ops::Range;

use super::plan::{Stage, Window};
use crate::train::engine::kernels::lanes::Lanes;

/// Planes `planes` of one panel: the largest of each window.
///
/// # Safety
/// `x` must be a panel of the stage's input that is finished, `y` one of its output, whose planes `planes` no other
/// thread uses.
#[inline(always)]
pub(super) unsafe fn forward<R: Lanes>(
    stage: &Stage,
    window: Window,
    planes: Range<usize>,
    x: *const f32,
    y: *mut f32,
) {
    each_window(stage, window, planes, |at, first| {
        let mut most = R::load(x.add(first));
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                most = most.larger(R::load(x.add(first + 16 * (ky * stage.input.w + kx))));
            }
        }
        let most = if stage.relu { most.relu() } else { most };
        most.store(y.add(at));
    });
}

/// Planes `planes` of one panel: each window's gradient goes to the first of its largest, gated by the ReLU that made the input.
///
/// # Safety
/// `x`, `y` and `delta` must be panels of the stage's input, output and its gradient that are finished, `to` one of
/// the input's gradient, whose planes `planes` no other thread uses.
#[inline(always)]
pub(super) unsafe fn backward<R: Lanes>(
    stage: &Stage,
    window: Window,
    planes: Range<usize>,
    gated: bool,
    (x, y): (*const f32, *const f32),
    (delta, to): (*const f32, *mut f32),
) {
    // Windows side by side write each cell once; cells between or shared by windows start from zero.
    let covers = window.kernel == window.stride
        && stage.output.h * window.kernel[0] == stage.input.h
        && stage.output.w * window.kernel[1] == stage.input.w;
    if !covers {
        let area = 16 * stage.input.h * stage.input.w;
        std::ptr::write_bytes(to.add(planes.start * area), 0, planes.len() * area);
    }
    each_window(stage, window, planes, |at, first| {
        let mut rest = R::load(delta.add(at));
        let y = R::load(y.add(at));
        for ky in 0..window.kernel[0] {
            for kx in 0..window.kernel[1] {
                let cell = first + 16 * (ky * stage.input.w + kx);
                let x = R::load(x.add(cell));
                // After a ReLU of its own the output differs from its window's largest only where nothing flows.
                let (hit, left) = rest.split(x, y);
                rest = left;
                let hit = if gated { hit.gated(x) } else { hit };
                let sum = if covers { hit } else { R::splat(1.0).mul_add(hit, R::load(to.add(cell))) };
                sum.store(to.add(cell));
            }
        }
    });
}

/// Calls `each` with the place of every output and the place of its window's first cell.
#[inline(always)]
fn each_window(stage: &Stage, window: Window, planes: Range<usize>, mut each: impl FnMut(usize, usize)) {
    let (from, to, stride) = (stage.input, stage.output, window.stride);
    for c in planes {
        for oy in 0..to.h {
            for ox in 0..to.w {
                let start = (c * from.h + oy * stride[0]) * from.w + ox * stride[1];
                each(16 * ((c * to.h + oy) * to.w + ox), 16 * start);
            }
        }
    }
}

/// Planes `planes` of one panel, with zeros around them.
///
/// # Safety
/// `x` must be a panel of the stage's input that is finished, `y` one of its output, whose planes `planes` no other
/// thread uses.
pub(super) unsafe fn pad(stage: &Stage, edge: [usize; 2], planes: Range<usize>, x: *const f32, y: *mut f32) {
    each_row(stage, edge, planes, |inner, outer, len| std::ptr::copy_nonoverlapping(x.add(inner), y.add(outer), len));
}

/// Planes `planes` of one panel: the gradient without what fell on the zeros, gated by the ReLU that made the input.
///
/// # Safety
/// `delta` and `gate` must be panels of the output's gradient and of the input that are finished, `to` one of the
/// input's gradient, whose planes `planes` no other thread uses.
#[inline(always)]
pub(super) unsafe fn unpad<R: Lanes>(
    stage: &Stage,
    edge: [usize; 2],
    planes: Range<usize>,
    gate: Option<*const f32>,
    delta: *const f32,
    to: *mut f32,
) {
    each_row(stage, edge, planes, |inner, outer, len| {
        for i in (0..len).step_by(16) {
            let g = R::load(delta.add(outer + i));
            let g = match gate {
                Some(gate) => g.gated(R::load(gate.add(inner + i))),
                None => g,
            };
            g.store(to.add(inner + i));
        }
    });
}

/// Calls `each` with the place of every row in the planes and in the padded planes, and its length.
#[inline(always)]
fn each_row(stage: &Stage, [top, left]: [usize; 2], planes: Range<usize>, mut each: impl FnMut(usize, usize, usize)) {
    let (from, to) = (stage.input, stage.output);
    for c in planes {
        for y in 0..from.h {
            each(16 * (c * from.h + y) * from.w, 16 * ((c * to.h + y + top) * to.w + left), 16 * from.w);
        }
    }
}
