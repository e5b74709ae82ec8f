//! `sort`, `topk`, `kthvalue`, `median`, `mode`: values with their 1-based indices, along the last dimension by default.

use crate::frontend::lua::tensor::{
    call::{Answer, Call},
    refusal::{checked, refuse},
    row::{Results, Row},
};

fn extent(call: &Call, dim: i64) -> i64 {
    call.tensor(0).size()[dim as usize]
}

fn rank_inside(k: i64, extent: i64) -> mlua::Result<i64> {
    if (1..=extent).contains(&k) {
        Ok(k)
    } else {
        Err(refuse(format!("selected index {k} out of range of dimension of size {extent}")))
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("sort", Results::Indexed, &["ti?b?"], |call| {
            let (values, indices) = checked(call.view(0).f_sort_stable(true, call.dim(1, 0)?, call.flag(2)))?;
            Ok(Answer::Indexed(values, indices))
        }),
        Row::new("topk", Results::Indexed, &["ti?i?b?b?"], |call| {
            let dim = call.dim(2, 0)?;
            let k = rank_inside(call.number_or(1, 1.0) as i64, extent(call, dim))?;
            let (values, indices) = checked(call.view(0).f_topk(k, dim, call.flag(3), call.flag(4)))?;
            Ok(Answer::Indexed(values, indices))
        }),
        Row::new("kthvalue", Results::Indexed, &["tii?"], |call| {
            let dim = call.dim(2, 0)?;
            let k = rank_inside(call.int(1), extent(call, dim))?;
            let (values, indices) = checked(call.view(0).f_kthvalue(k, dim, true))?;
            Ok(Answer::Indexed(values, indices))
        }),
        // The lower of the two middle values.
        Row::new("median", Results::Indexed, &["ti?"], |call| {
            let dim = call.dim(1, 0)?;
            let (values, indices) = checked(call.view(0).f_kthvalue((extent(call, dim) + 1) / 2, dim, true))?;
            Ok(Answer::Indexed(values, indices))
        }),
        Row::new("mode", Results::Indexed, &["ti?"], |call| {
            let (x, dim) = (call.view(0), call.dim(1, 0)?);
            let (values, _) = checked(x.f_mode(dim, true))?;
            // Its last place; libtorch names any.
            let mut along = vec![1; x.dim()];
            along[dim as usize] = extent(call, dim);
            let places = checked(tch::Tensor::f_arange(extent(call, dim), (tch::Kind::Int64, x.device())))?;
            let places = checked(checked(x.f_eq_tensor(&values))?.f_mul(&checked(places.f_view(&along[..]))?))?;
            let (indices, _) = checked(places.f_max_dim(dim, true))?;
            Ok(Answer::Indexed(values, indices))
        }),
    ]
}
