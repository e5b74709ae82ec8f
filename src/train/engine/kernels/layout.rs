//! From rows of samples to panels, and from panels to strips (see `kernels/mod.rs`).
#![expect(unsafe_code, reason = "copies through pointers; the callers state why they are good")]
#![expect(unsafe_op_in_unsafe_fn, reason = "the functions are made of such operations")]

/// `filled` rows of `features` numbers to one panel; the columns of missing samples become 0.
///
/// # Safety
/// Both must be good for their size.
#[inline(always)]
pub(in crate::train::engine) unsafe fn to_panel(rows: *const f32, features: usize, filled: usize, panel: *mut f32) {
    for k0 in (0..features).step_by(16) {
        let width = (features - k0).min(16);
        if filled == 16 && width == 16 {
            let mut block = [[0.0f32; 16]; 16];
            for (i, row) in block.iter_mut().enumerate() {
                *row = rows.add(i * features + k0).cast::<[f32; 16]>().read_unaligned();
            }
            panel.add(16 * k0).cast::<[[f32; 16]; 16]>().write(transposed(&block));
        } else {
            for k in k0..k0 + width {
                for i in 0..16 {
                    *panel.add(16 * k + i) = if i < filled { *rows.add(i * features + k) } else { 0.0 };
                }
            }
        }
    }
}

#[inline(always)]
fn transposed(block: &[[f32; 16]; 16]) -> [[f32; 16]; 16] {
    std::array::from_fn(|k| std::array::from_fn(|i| block[i][k]))
}

/// `width` rows of sixteen, transposed; the missing columns of the result become 0.
///
/// # Safety
/// `from` must be good for `width` rows, `to` for sixteen.
#[inline(always)]
pub(in crate::train::engine) unsafe fn transpose(from: *const f32, width: usize, to: *mut f32) {
    let mut block = [[0.0f32; 16]; 16];
    for (k, row) in block.iter_mut().enumerate().take(width) {
        *row = from.add(16 * k).cast::<[f32; 16]>().read();
    }
    to.cast::<[[f32; 16]; 16]>().write(transposed(&block));
}
