//! `Targets`: from a batch's labels to what the criterion compares with, through the network file's `labelHook`.

use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, LabelHook},
    torch::{Element, Tensor, TensorType},
};

/// Makes targets. Without a hook a batch's labels are its target.
pub struct Targets {
    hook: Option<LabelHook>,
    /// Torch7 handles on the loader's recycled buffers, so that a batch costs no new handle.
    handles: Handles,
}

#[derive(Default)]
struct Handles(Vec<Handle>);

struct Handle {
    address: usize,
    size: Vec<i64>,
    tensor: Tensor,
}

/// More buffers than a loader recycles; a source that gives a new buffer each time drops the oldest handle.
const HANDLES: usize = 8;

impl Targets {
    /// With the hook of a network file, if it has one.
    #[must_use]
    pub fn new(hook: Option<LabelHook>) -> Targets {
        Targets { hook, handles: Handles::default() }
    }

    /// The target for a batch; `input` and `labels` are on the network's device.
    ///
    /// # Errors
    /// Those of the hook, and `Kind::Shape` for element types that Torch7 lacks.
    pub fn of(&mut self, input: &tch::Tensor, labels: &tch::Tensor) -> Result<Activity> {
        match &mut self.hook {
            None => Ok(Activity::Tensor(labels.shallow_clone())),
            Some(hook) => hook(&self.handles.on(input)?, &self.handles.on(labels)?),
        }
    }
}

impl Handles {
    /// A handle on `tensor`'s memory; the last one made for this memory when the hook left its layout alone.
    fn on(&mut self, tensor: &tch::Tensor) -> Result<Tensor> {
        let element = Element::of(tensor.kind()).ok_or_else(|| {
            Error::new(Kind::Shape, format!("labels of type {:?} do not exist in Torch7", tensor.kind()))
        })?;
        let tensor_type = TensorType { element, cuda: tensor.device().is_cuda() };
        // A handle keeps its memory alive, so an address in the list cannot have been given to another tensor.
        let (address, size) = (tensor.data_ptr() as usize, tensor.size());
        let known = self.0.iter().find(|h| h.address == address && h.size == size && h.tensor.size() == size);
        if let Some(handle) = known.filter(|h| h.tensor.tensor_type() == tensor_type && h.tensor.is_contiguous()) {
            return Ok(handle.tensor.clone());
        }
        let handle = Tensor::from_tch(tensor_type, tensor)?;
        // On an accelerator each batch has new memory: keeping handles would only keep memory.
        if !tensor_type.cuda && tensor.is_contiguous() {
            if self.0.len() == HANDLES {
                self.0.remove(0);
            }
            self.0.push(Handle { address, size, tensor: handle.clone() });
        }
        Ok(handle)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hook_sees_the_batch_itself_through_one_handle_per_buffer() {
        let seen: std::rc::Rc<std::cell::RefCell<Vec<Tensor>>> = std::rc::Rc::default();
        let log = seen.clone();
        let mut targets = Targets::new(Some(Box::new(move |input, _| {
            log.borrow_mut().push(input.clone());
            Ok(input.view().into())
        })));
        let buffer = tch::Tensor::from_slice(&[1f32, 2., 3., 4.]).view([2, 2]);
        let labels = tch::Tensor::from_slice(&[1f32, 2.]);
        for value in [5.0, 6.0] {
            let _ = buffer.shallow_clone().fill_(value);
            let target = targets.of(&buffer, &labels).unwrap();
            assert_eq!(target.tensor().unwrap().mean(tch::Kind::Float).double_value(&[]), value);
        }
        assert!(seen.borrow()[0].same(&seen.borrow()[1]));
    }

    #[test]
    fn without_a_hook_the_labels_are_the_target() {
        let labels = tch::Tensor::from_slice(&[1f32, 2.]);
        let target = Targets::new(None).of(&labels, &labels).unwrap();
        assert_eq!(target.tensor().unwrap().data_ptr(), labels.data_ptr());
    }
}
