//! `conv2`, `xcorr2`, `conv3`, `xcorr3`: convolution and correlation of images and volumes with kernels.
//!
//! With d = 2 or 3 dimensions of space: `x[…]`, `k[…]` of rank d: one image. Both of rank d + 1: plane i with kernel i.
//! `x[p, …]` with `k[q, p, …]`: `[q, …]`, summed over the planes. `'V'` keeps where the kernel lies inside (the default),
//! `'F'` all where it touches. Convolution flips the kernel, correlation does not.

use tch::Tensor as Tch;

use crate::frontend::lua::{
    machine::limits,
    tensor::{
        call::{Answer, Call},
        refusal::{checked, misfit, refuse},
        row::{Results, Row},
    },
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
        (0, 0) => (
            checked(checked(x.f_unsqueeze(0))?.f_unsqueeze(0))?,
            checked(checked(k.f_unsqueeze(0))?.f_unsqueeze(0))?,
            1,
        ),
        (1, 1) if x.size()[0] == k.size()[0] => (checked(x.f_unsqueeze(0))?, checked(k.f_unsqueeze(1))?, x.size()[0]),
        (1, 2) if x.size()[0] == k.size()[1] => (checked(x.f_unsqueeze(0))?, k.shallow_clone(), 1),
        _ => return unfit(),
    };
    let extent: Vec<i64> = k.size()[2..].to_vec();
    let full = kind == "F";
    // One pass over the image for each place of each kernel.
    let taps = k.size()[1] as f64 * extent.iter().map(|&kernel| kernel as f64).product::<f64>();
    let grown =
        |(&image, &kernel): (&i64, &i64)| (if full { image + kernel - 1 } else { image - kernel + 1 }).max(1) as f64;
    let pass = k.size()[0] as f64 * x.size()[2..].iter().zip(&extent).map(grown).product::<f64>();
    limits::afford(call.lua, taps * (4e-6 + pass * 1e-10), "this convolution")?;
    if !full && x.size()[2..].iter().zip(&extent).any(|(image, kernel)| image < kernel) {
        return unfit();
    }
    let axes: Vec<i64> = (2..2 + space as i64).collect();
    let k = if flip { checked(k.f_flip(&axes[..]))? } else { k };
    let x = if full { checked(x.f_constant_pad_nd(&padding(&extent)[..]))? } else { x };
    let found = correlate(call, &x, &k, space, groups)?;
    Ok(Answer::Tensor(if planes == 0 { checked(found.f_squeeze_dim(0))? } else { found }))
}

/// libtorch names the last dimension first, and both its sides.
fn padding(extent: &[i64]) -> Vec<i64> {
    extent.iter().rev().flat_map(|kernel| [kernel - 1, kernel - 1]).collect()
}

/// `[1, planes, …]` with `[out, planes / groups, …]`: `[out, …]`, where the kernel lies inside.
///
/// One place of the kernel after the other, multiplication and addition apart: each element is then the same sum in the
/// same order whatever the shape around it, which libtorch's convolutions do not promise and Torch7's did.
fn correlate(call: &Call, x: &Tch, k: &Tch, space: usize, groups: i64) -> mlua::Result<Tch> {
    let (x, out) = (checked(x.f_squeeze_dim(0))?, k.size()[0]);
    let each = k.size()[1];
    let extent = k.size()[2..].to_vec();
    let inside: Vec<i64> = x.size()[1..].iter().zip(&extent).map(|(image, kernel)| image - kernel + 1).collect();
    let found = checked(Tch::f_zeros([&[out], &inside[..]].concat(), (x.kind(), x.device())))?;
    let column: Vec<i64> = std::iter::once(out).chain(vec![1; space]).collect();
    for plane in 0..each {
        // Of each output its own group's plane: one for all, or one for each.
        let source = if groups == 1 { checked(x.f_narrow(0, plane, 1))? } else { x.shallow_clone() };
        for tap in 0..extent.iter().product::<i64>() {
            limits::look(call.lua)?;
            let (mut window, mut left, mut weight) = (source.shallow_clone(), tap, checked(k.f_select(1, plane))?);
            for dim in (0..space).rev() {
                let at = left % extent[dim];
                left /= extent[dim];
                window = checked(window.f_narrow(dim as i64 + 1, at, inside[dim]))?;
                weight = checked(weight.f_narrow(dim as i64 + 1, at, 1))?;
            }
            let part = checked(window.f_mul(&checked(weight.f_reshape(&column[..]))?))?;
            let _ = checked(found.shallow_clone().f_add_(&part))?;
        }
    }
    Ok(found)
}

pub(super) fn rows() -> Vec<Row> {
    [("conv2", 2, true), ("xcorr2", 2, false), ("conv3", 3, true), ("xcorr3", 3, false)]
        .into_iter()
        .map(|(name, space, flip)| Row::new(name, Results::One, &["tts?"], move |call| convolve(call, space, flip)))
        .collect()
}
