//! `conv2`, `xcorr2`, `conv3`, `xcorr3`: convolution and correlation of images and volumes with kernels.
//!
//! With d = 2 or 3 dimensions of space: `x[…]`, `k[…]` of rank d: one image. Both of rank d + 1: plane i with kernel i.
//! `x[p, …]` with `k[q, p, …]`: `[q, …]`, summed over the planes. `'V'` keeps where the kernel lies inside (the default),
//! `'F'` all where it touches. Convolution flips the kernel, correlation does not.

use super::{
    call::{Answer, Call, said},
    misfit, refuse,
    row::{Results, Row},
};

fn convolve(call: &Call, space: usize, flip: bool) -> mlua::Result<Answer> {
    call.floating_only("convolution")?;
    let (x, k) = (call.view(0), call.view(1));
    let kind = call.text(2, "V");
    if kind != "V" && kind != "F" {
        return Err(refuse(format!("convolution type {kind:?}: 'V' (valid) or 'F' (full) is wanted")));
    }
    let (planes, kernels) = (x.dim() as i64 - space as i64, k.dim() as i64 - space as i64);
    let unfit = || Err(misfit(format!("cannot convolve {:?} with kernels {:?}", x.size(), k.size())));
    // [1, planes, …] with [out, planes / groups, …].
    let (x, k, groups) = match (planes, kernels) {
        (0, 0) => (said(said(x.f_unsqueeze(0))?.f_unsqueeze(0))?, said(said(k.f_unsqueeze(0))?.f_unsqueeze(0))?, 1),
        (1, 1) if x.size()[0] == k.size()[0] => (said(x.f_unsqueeze(0))?, said(k.f_unsqueeze(1))?, x.size()[0]),
        (1, 2) if x.size()[0] == k.size()[1] => (said(x.f_unsqueeze(0))?, k.shallow_clone(), 1),
        _ => return unfit(),
    };
    let extent: Vec<i64> = k.size()[2..].to_vec();
    let full = kind == "F";
    if !full && x.size()[2..].iter().zip(&extent).any(|(image, kernel)| image < kernel) {
        return unfit();
    }
    let axes: Vec<i64> = (2..2 + space as i64).collect();
    let k = if flip { said(k.f_flip(&axes[..]))? } else { k };
    let padding: Vec<i64> = extent.iter().map(|kernel| if full { kernel - 1 } else { 0 }).collect();
    let ones = vec![1i64; space];
    let found = said(if space == 2 {
        x.f_conv2d(&k, None::<&tch::Tensor>, &ones[..], &padding[..], &ones[..], groups)
    } else {
        x.f_conv3d(&k, None::<&tch::Tensor>, &ones[..], &padding[..], &ones[..], groups)
    })?;
    let found = said(found.f_squeeze_dim(0))?;
    Ok(Answer::Tensor(if planes == 0 { said(found.f_squeeze_dim(0))? } else { found }))
}

pub(super) fn rows() -> Vec<Row> {
    [("conv2", 2, true), ("xcorr2", 2, false), ("conv3", 3, true), ("xcorr3", 3, false)]
        .into_iter()
        .map(|(name, space, flip)| Row::new(name, Results::One, &["tts?"], move |call| convolve(call, space, flip)))
        .collect()
}
