//! Variables become parameters of one flat vector, in the layout that the modules want; and the way back for exports.

use std::collections::HashMap;

use crate::{
    error::{Error, Kind, Result},
    frontend::tensorflow::state::Graph,
    nn::{Buffer, Parameter, Parameters},
    torch::{Element, Tensor, TensorType},
};

/// How a variable of TensorFlow's lies in the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// TensorFlow's sizes, a dim of features taken apart into rows, columns and planes.
    pub split: Vec<i64>,
    /// The order in which the network has these dims.
    pub order: Vec<i64>,
    /// The network's sizes.
    pub size: Vec<i64>,
}

impl Layout {
    /// As in TensorFlow.
    #[must_use]
    pub fn same(dims: &[i64]) -> Layout {
        Layout { split: dims.to_vec(), order: (0..dims.len() as i64).collect(), size: dims.to_vec() }
    }

    /// The value as the network has it.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn to_network(&self, value: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(value.f_reshape(&self.split[..])?.f_permute(&self.order[..])?.f_reshape(&self.size[..])?)
    }
}

/// A variable and its place in the network.
#[derive(Debug, Clone)]
pub struct VariableLayout {
    /// TensorFlow's name, such as `model/fc1/weights`; the parameter has it, too.
    pub name: String,
    /// TensorFlow's sizes.
    pub dims: Vec<i64>,
    /// How it lies in the network.
    pub layout: Layout,
}

impl VariableLayout {
    /// A value of the network as TensorFlow has it.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn to_tensorflow(&self, value: &tch::Tensor) -> Result<tch::Tensor> {
        let layout = &self.layout;
        let ordered: Vec<i64> = layout.order.iter().map(|&dim| layout.split[dim as usize]).collect();
        let mut back = vec![0; layout.order.len()];
        layout.order.iter().enumerate().for_each(|(at, &dim)| back[dim as usize] = at as i64);
        Ok(value.f_reshape(ordered)?.f_permute(back)?.f_reshape(&self.dims[..])?.f_contiguous()?)
    }

    /// A value of TensorFlow's as the network has it.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn to_network(&self, value: &tch::Tensor) -> Result<tch::Tensor> {
        self.layout.to_network(value)
    }
}

/// The leaf (or buffer) of each variable, by its number, and its index among the parameters.
pub(super) type Leaves = HashMap<usize, (tch::Tensor, Option<usize>)>;

/// The parameters of a network, and what the modules are built with.
pub(super) struct Made {
    pub(super) parameters: Parameters,
    pub(super) leaves: Leaves,
    pub(super) layouts: Vec<VariableLayout>,
}

/// Parameters for these variables, by number, in order of creation.
pub(super) fn make(graph: &Graph, wanted: &[(usize, Layout)], kind: tch::Kind, device: tch::Device) -> Result<Made> {
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
    let (mut list, mut buffers, mut leaves, mut layouts) = (Vec::new(), Vec::new(), HashMap::new(), Vec::new());
    let mut at = 0;
    for (index, name, dims, trainable, initial, layout) in known {
        let value = layout.to_network(&initial)?;
        if trainable {
            let length: i64 = dims.iter().product();
            let part = |whole: &Tensor| Ok::<_, Error>(whole.view().f_narrow(0, at, length)?.f_view(&layout.size[..])?);
            let place = part(&flat)?;
            tch::no_grad(|| place.shallow_clone().f_copy_(&value))?;
            let leaf = place.detach().set_requires_grad(true);
            leaves.insert(index, (leaf.shallow_clone(), Some(list.len())));
            let (size, grad) = (layout.size.clone(), part(&grad)?);
            list.push(Parameter { name: name.clone(), size, leaf, grad, learns: true, is_twin: false });
            at += length;
        } else {
            let kind = if initial.is_floating_point() { kind } else { initial.kind() };
            let tensor = value.f_to_kind(kind)?.f_to_device(device)?.f_contiguous()?.copy();
            leaves.insert(index, (tensor.shallow_clone(), None));
            buffers.push(Buffer { name: name.clone(), tensor });
        }
        layouts.push(VariableLayout { name, dims, layout });
    }
    if list.is_empty() && count > 0 {
        return Err(Error::new(Kind::Network, "the network has no parameters"));
    }
    Ok(Made { parameters: Parameters { flat, grad, list, buffers }, leaves, layouts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_can_be_undone() {
        // A matrix behind images of 2 rows, 3 columns, 4 planes: [24, 5] becomes [5, planes·rows·columns].
        let layout = Layout { split: vec![2, 3, 4, 5], order: vec![3, 2, 0, 1], size: vec![5, 24] };
        let value = tch::Tensor::arange(120, (tch::Kind::Float, tch::Device::Cpu)).view([24, 5]);
        let place = VariableLayout { name: "w".into(), dims: vec![24, 5], layout };
        let own = place.to_network(&value).unwrap();
        // Row 1, column 2, plane 3 in TensorFlow's order is feature (1·3 + 2)·4 + 3; here 3·6 + 1·3 + 2.
        assert_eq!(own.double_value(&[4, 23]), value.double_value(&[23, 4]));
        assert_eq!(own.double_value(&[1, 3 * 6 + 5]), value.double_value(&[5 * 4 + 3, 1]));
        assert_eq!(place.to_tensorflow(&own).unwrap(), value);
    }
}
