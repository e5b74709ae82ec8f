//! Picking and placing by index or mask: `index`, `gather`, `scatter`, `maskedFill` …

use crate::frontend::lua::tensor::{
    call::{Answer, Call},
    indexing::{mask_for, masked_copy},
    refusal::{checked, misfit},
    row::{Results, Row},
};

fn extent(call: &Call, dim: i64) -> i64 {
    call.tensor(0).size()[dim as usize]
}

/// The 0-based indices of argument `at`, a vector, inside dimension `dim` of argument 0.
fn vector(call: &Call, at: usize, dim: i64) -> mlua::Result<tch::Tensor> {
    if call.tensor(at).dim() != 1 {
        return Err(misfit(format!("index is supposed to be a vector, not {:?}", call.tensor(at).size())));
    }
    call.indices(at, extent(call, dim))
}

/// Slices of argument 3 shaped to go to the indexed places of argument 0.
fn slices(call: &Call, dim: i64, count: i64) -> mlua::Result<tch::Tensor> {
    let mut size = call.tensor(0).size();
    size[dim as usize] = count;
    if call.tensor(3).numel() != size.iter().product::<i64>() {
        return Err(misfit(format!("the source has sizes {:?}, {size:?} are wanted", call.tensor(3).size())));
    }
    checked(call.view(3).f_reshape(size))
}

pub(super) fn rows() -> Vec<Row> {
    use Results::{None as Plain, One};
    vec![
        Row::new("index", One, &["tiL"], |call| {
            let dim = call.dim(1, 0)?;
            Ok(Answer::Tensor(checked(call.view(0).f_index_select(dim, &vector(call, 2, dim)?))?))
        }),
        Row::new("indexCopy", Plain, &["tiLt"], |call| {
            let dim = call.dim(1, 0)?;
            let index = vector(call, 2, dim)?;
            let source = slices(call, dim, index.size()[0])?;
            let _ = checked(call.view(0).f_index_copy_(dim, &index, &source))?;
            Ok(Answer::Same)
        }),
        Row::new("indexAdd", Plain, &["tiLt"], |call| {
            let dim = call.dim(1, 0)?;
            let index = vector(call, 2, dim)?;
            let source = slices(call, dim, index.size()[0])?;
            let _ = checked(call.view(0).f_index_add_(dim, &index, &source))?;
            Ok(Answer::Same)
        }),
        Row::new("indexFill", Plain, &["tiLn"], |call| {
            let dim = call.dim(1, 0)?;
            let _ = checked(call.view(0).f_index_fill_(dim, &vector(call, 2, dim)?, call.scalar(3)))?;
            Ok(Answer::Same)
        }),
        Row::new("gather", One, &["tiL"], |call| {
            let dim = call.dim(1, 0)?;
            Ok(Answer::Tensor(checked(call.view(0).f_gather(dim, &call.indices(2, extent(call, dim))?, false))?))
        }),
        Row::new("scatter", Plain, &["tiLt", "tiLn"], |call| {
            let dim = call.dim(1, 0)?;
            let index = call.indices(2, extent(call, dim))?;
            let _ = match call.form {
                0 => checked(call.view(0).f_scatter_(dim, &index, &call.view(3)))?,
                _ => checked(call.view(0).f_scatter_value_(dim, &index, call.scalar(3)))?,
            };
            Ok(Answer::Same)
        }),
        Row::new("scatterAdd", Plain, &["tiLt"], |call| {
            let dim = call.dim(1, 0)?;
            let index = call.indices(2, extent(call, dim))?;
            let _ = checked(call.view(0).f_scatter_add_(dim, &index, &call.view(3)))?;
            Ok(Answer::Same)
        }),
        Row::new("maskedSelect", One, &["tB"], |call| {
            let mask = mask_for(call.tensor(0), call.tensor(1))?;
            Ok(Answer::Tensor(checked(call.view(0).f_masked_select(&mask))?))
        }),
        Row::new("maskedFill", Plain, &["tBn"], |call| {
            let mask = mask_for(call.tensor(0), call.tensor(1))?;
            let _ = checked(call.view(0).f_masked_fill_(&mask, call.scalar(2)))?;
            Ok(Answer::Same)
        }),
        Row::new("maskedCopy", Plain, &["tBt"], |call| {
            let mask = mask_for(call.tensor(0), call.tensor(1))?;
            masked_copy(call.tensor(0), &mask, call.tensor(2))?;
            Ok(Answer::Same)
        }),
    ]
}
