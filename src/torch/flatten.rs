//! `flatten`: gathers tensors into one vector and re-points them into it (`getParameters`, spec section 1.4).

use std::collections::HashMap;

use super::{memory, storage::Storage, tensor::Tensor, types::TensorType};
use crate::error::{Error, Kind, Result};

/// Moves the elements of all `tensors` into one new 1-D tensor and makes each of them a view of it. Tensors that
/// shared memory share it afterwards; memory that none of them covers is left out.
///
/// Source: Torch7 `nn/Module.lua`, `Module.flatten`.
///
/// # Errors
/// When types differ, or a tensor would not be compact after the gathering ("Cannot gather …").
pub fn flatten(tensors: &[Tensor], tensor_type: TensorType) -> Result<Tensor> {
    // 1. One block for each distinct storage, in order of first appearance.
    let mut blocks: Vec<Storage> = Vec::new();
    let mut starts: HashMap<usize, i64> = HashMap::new();
    let mut total = 0;
    for tensor in tensors {
        if tensor.tensor_type() != tensor_type {
            return Err(Error::new(
                Kind::Argument,
                format!(
                    "parameters of different types cannot be flattened: {tensor_type} and {}",
                    tensor.tensor_type()
                ),
            )
            .with_help("convert the whole network first, for example net:float()"));
        }
        if let Some(storage) = tensor.storage() {
            // Its storage may have been made shorter since.
            let reach = tensor.reach();
            if reach > storage.len() {
                return Err(Error::new(
                    Kind::Argument,
                    format!(
                        "a tensor reaches to element {reach} of a storage of size {}: it cannot be flattened",
                        storage.len()
                    ),
                ));
            }
            if tensor.numel() > reach {
                return Err(not_compact());
            }
            if starts.contains_key(&storage.address()) {
                continue;
            }
            starts.insert(storage.address(), total);
            total += storage.len();
            blocks.push(storage);
        }
    }
    let start_of = |storage: &Storage| starts.get(&storage.address()).copied().unwrap_or(0);

    // 2. Mark what the tensors cover; the rest are holes.
    memory::check_values(total, "the flat vector of the parameters")?;
    let mut covered = vec![false; usize::try_from(total).unwrap_or(0)];
    for tensor in tensors {
        if let Some(storage) = tensor.storage() {
            let base = start_of(&storage) + tensor.offset();
            if tensor.is_contiguous() {
                covered[base as usize..(base + tensor.numel()) as usize].fill(true);
            } else {
                for_each_element(&tensor.size(), &tensor.stride(), |at| covered[(base + at) as usize] = true);
            }
        }
    }
    let mut position = Vec::with_capacity(covered.len());
    let mut kept = 0i64;
    for &is_covered in &covered {
        position.push(kept);
        kept += i64::from(is_covered);
    }
    if kept == 0 {
        return Ok(Tensor::empty(tensor_type));
    }

    // 3. Gather the covered elements, block by block.
    let options = (tensor_type.element.kind(), tensor_type.device());
    let parts: Vec<tch::Tensor> = blocks.iter().map(Storage::flat).collect();
    let all = tch::Tensor::f_cat(&parts, 0)?;
    let gathered = if kept == total {
        all
    } else {
        let index: Vec<i64> = (0..total).filter(|&at| covered[at as usize]).collect();
        all.f_index_select(0, &tch::Tensor::from_slice(&index).f_to_device(options.1)?)?
    };
    let storage = Storage::from_tch(tensor_type, &gathered.f_contiguous()?)?;

    // 4. Re-point. A tensor whose elements no longer keep their distances has holes inside: not compact.
    for tensor in tensors {
        let Some(old) = tensor.storage() else { continue };
        let base = start_of(&old) + tensor.offset();
        let (size, stride) = (tensor.size(), tensor.stride());
        let first = position[base as usize];
        // What lies in one piece is covered in one piece.
        let mut compact = true;
        if !tensor.is_contiguous() {
            for_each_element(&size, &stride, |at| compact &= position[(base + at) as usize] == first + at);
        }
        if !compact {
            return Err(not_compact());
        }
        tensor.set(Some(storage.clone()), first, &size, &stride)?;
    }
    Tensor::on(storage, 0, &[kept], &[1])
}

fn not_compact() -> Error {
    Error::new(Kind::Argument, "Cannot gather tensors that are not compact")
}

/// Calls `visit` with the distance from the first element, for each element in order.
fn for_each_element(size: &[i64], stride: &[i64], mut visit: impl FnMut(i64)) {
    if size.is_empty() {
        return;
    }
    let mut index = vec![0; size.len()];
    loop {
        visit(index.iter().zip(stride).map(|(i, s)| i * s).sum());
        let Some(d) = (0..size.len()).rev().find(|&d| index[d] + 1 < size[d]) else { return };
        index[d] += 1;
        index[d + 1..].fill(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(size: &[i64], value: f64) -> Tensor {
        let t = Tensor::zeros(TensorType::FLOAT, size).unwrap();
        let _ = t.view().fill_(value);
        t
    }

    #[test]
    fn shared_tensors_are_counted_once_and_stay_shared() {
        let a = filled(&[2, 3], 1.0);
        let b = filled(&[4], 2.0);
        let tied = Tensor::empty(TensorType::FLOAT);
        tied.set_to(&a).unwrap();
        let flat = flatten(&[a.clone(), b.clone(), tied.clone()], TensorType::FLOAT).unwrap();
        assert_eq!(flat.size(), [10]);
        let _ = flat.view().fill_(5.0);
        for t in [&a, &b, &tied] {
            assert_eq!(t.view().max().double_value(&[]), 5.0);
        }
        assert!(tied.storage().unwrap().same(&a.storage().unwrap()));
    }

    #[test]
    fn holes_are_squeezed_out() {
        let storage =
            Storage::from_tch(TensorType::FLOAT, &tch::Tensor::from_slice(&[0f32, 1., 2., 3., 4., 5.])).unwrap();
        let a = Tensor::on(storage.clone(), 0, &[2], &[1]).unwrap();
        let b = Tensor::on(storage, 4, &[2], &[1]).unwrap();
        let flat = flatten(&[a.clone(), b.clone()], TensorType::FLOAT).unwrap();
        assert_eq!(Vec::<f32>::try_from(flat.view()).unwrap(), [0., 1., 4., 5.]);
        assert_eq!(b.offset(), 2);
    }

    #[test]
    fn a_tensor_with_a_hole_inside_is_refused() {
        let storage = Storage::zeros(TensorType::FLOAT, 6).unwrap();
        let every_other = Tensor::on(storage, 0, &[3], &[2]).unwrap();
        assert!(flatten(&[every_other], TensorType::FLOAT).is_err());
    }
}
