//! Variables become parameters of one flat vector, in the layout that the modules want; files keep TensorFlow's.

use std::collections::HashMap;

use crate::{
    error::{Error, Kind, Result},
    frontend::tensorflow::state::Graph,
    nn::{Buffer, FileLayout, Parameter, Parameters},
    torch::{Element, Tensor, TensorType},
};

/// The leaf (or buffer) of each variable, by its number, and its index among the parameters.
pub(super) type Leaves = HashMap<usize, (tch::Tensor, Option<usize>)>;

/// The parameters of a network, and what the modules are built with.
pub(super) struct Made {
    pub(super) parameters: Parameters,
    pub(super) leaves: Leaves,
}

/// Parameters for these variables, by number, in order of creation.
pub(super) fn make(
    graph: &Graph,
    wanted: &[(usize, FileLayout)],
    kind: tch::Kind,
    device: tch::Device,
) -> Result<Made> {
    let element = Element::of(kind).unwrap_or(Element::Float);
    let tensor_type = TensorType { element, cuda: device.is_cuda() };
    let mut wanted = wanted.to_vec();
    wanted.sort_by_key(|(index, _)| *index);
    let known = graph.with(|state| {
        wanted
            .iter()
            .map(|(index, layout)| {
                let variable = &state.variables[*index];
                let initial = variable.initial.shallow_clone();
                (*index, variable.name.clone(), variable.dims.clone(), variable.trainable, initial, layout.clone())
            })
            .collect::<Vec<_>>()
    });
    let learned = known.iter().filter(|(.., trainable, _, _)| *trainable);
    let count: i64 = learned.map(|(_, _, dims, ..)| dims.iter().product::<i64>()).sum();
    let (flat, grad) = if count == 0 {
        (Tensor::empty(tensor_type), Tensor::empty(tensor_type))
    } else {
        (Tensor::zeros(tensor_type, &[count])?, Tensor::zeros(tensor_type, &[count])?)
    };
    let (mut list, mut buffers, mut leaves) = (Vec::new(), Vec::new(), HashMap::new());
    let mut at = 0;
    for (index, name, dims, trainable, initial, layout) in known {
        let value = layout.to_module(&initial)?;
        if trainable {
            let length: i64 = dims.iter().product();
            let part = |whole: &Tensor| Ok::<_, Error>(whole.view().f_narrow(0, at, length)?.f_view(&layout.size[..])?);
            let place = part(&flat)?;
            tch::no_grad(|| place.shallow_clone().f_copy_(&value))?;
            let leaf = place.detach().set_requires_grad(true);
            leaves.insert(index, (leaf.shallow_clone(), Some(list.len())));
            let (size, grad) = (layout.size.clone(), part(&grad)?);
            let files = Some(layout.clone()).filter(|layout| *layout != FileLayout::same(&dims));
            list.push(Parameter { name, size, leaf, grad, learns: true, is_twin: false, layout: files });
            at += length;
        } else {
            let kind = if initial.is_floating_point() { kind } else { initial.kind() };
            let tensor = value.f_to_kind(kind)?.f_to_device(device)?.f_contiguous()?.copy();
            leaves.insert(index, (tensor.shallow_clone(), None));
            buffers.push(Buffer { name, tensor });
        }
    }
    if list.is_empty() && count > 0 {
        return Err(Error::new(Kind::Network, "the network has no parameters"));
    }
    Ok(Made { parameters: Parameters { flat, grad, list, buffers }, leaves })
}
