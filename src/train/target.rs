//! `Targets`: from a batch's labels to what the criterion compares with, through the network file's `labelHook`.
//!
//! The hook is code of the user's, and a batch's memory belongs to the loader, whose threads fill it again: so the hook is
//! given copies, in memory that is only its own. It may change them, keep them, resize their storages.

use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, LabelHook, Phase},
    torch::{Element, Tensor, TensorType},
};

/// Makes targets. Without a hook a batch's labels are its target.
pub struct Targets {
    hook: Option<LabelHook>,
    phase: Phase,
    input: Copied,
    labels: Copied,
}

/// What a hook is given in place of one tensor of the batch: the same handle from batch to batch, as long as the hook leaves
/// its layout alone.
#[derive(Default)]
struct Copied(Option<(Tensor, u64)>);

impl Targets {
    /// With the hook of a network file, if it has one.
    #[must_use]
    pub fn new(hook: Option<LabelHook>) -> Targets {
        Targets { hook, phase: Phase::default(), input: Copied::default(), labels: Copied::default() }
    }

    /// Batches are for this from now on; the hook hears of it.
    pub fn enter(&mut self, phase: Phase) {
        self.phase = phase;
    }

    /// The input and the target for a batch; `input` and `labels` are on the network's device. The input is the batch's own,
    /// or the copy that the hook was given and may have changed.
    ///
    /// # Errors
    /// Those of the hook, and `Kind::Shape` for element types that Torch7 lacks.
    pub fn of(&mut self, input: &tch::Tensor, labels: &tch::Tensor) -> Result<(tch::Tensor, Activity)> {
        let target = match &mut self.hook {
            None | Some(LabelHook::Labels) => labels,
            Some(LabelHook::Input) => input,
            Some(LabelHook::Code(hook)) => {
                let mut hook = |input: &Tensor, labels: &Tensor| hook(self.phase, input, labels);
                return called(&mut hook, &mut self.input, &mut self.labels, input, labels);
            }
        };
        Ok((input.shallow_clone(), Activity::Tensor(target.shallow_clone())))
    }
}

fn called(
    hook: &mut dyn FnMut(&Tensor, &Tensor) -> Result<Activity>,
    for_input: &mut Copied,
    for_labels: &mut Copied,
    input: &tch::Tensor,
    labels: &tch::Tensor,
) -> Result<(tch::Tensor, Activity)> {
    let (given, given_labels) = (for_input.with(input)?, for_labels.with(labels)?);
    // A view stays on the memory, which libtorch keeps, whatever becomes of the handle.
    let seen = given.view();
    let target = hook(&given, &given_labels)?;
    Ok((seen, target))
}

impl Copied {
    /// The handle, holding a copy of `tensor`.
    fn with(&mut self, tensor: &tch::Tensor) -> Result<Tensor> {
        let element = Element::of(tensor.kind()).ok_or_else(|| {
            Error::new(Kind::Shape, format!("labels of type {:?} do not exist in Torch7", tensor.kind()))
        })?;
        let tensor_type = TensorType { element, cuda: tensor.device().is_cuda() };
        if let Some((kept, version)) = &self.0
            && kept.version() == *version
            && kept.tensor_type() == tensor_type
            && kept.size() == tensor.size()
            && kept.storage().is_some_and(|storage| storage.len() == kept.numel())
        {
            kept.copy_from(tensor)?;
            return Ok(kept.clone());
        }
        let made = Tensor::copied(tensor_type, tensor)?;
        self.0 = Some((made.clone(), made.version()));
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::RefCell, rc::Rc};

    use super::*;

    fn batch() -> (tch::Tensor, tch::Tensor) {
        (tch::Tensor::from_slice(&[1f32, 2., 3., 4.]).view([2, 2]), tch::Tensor::from_slice(&[1f32, 2.]))
    }

    #[test]
    fn the_hook_has_memory_of_its_own_and_the_network_sees_what_it_changed() {
        let seen: Rc<RefCell<Vec<Tensor>>> = Rc::default();
        let log = seen.clone();
        let mut targets = Targets::new(Some(LabelHook::Code(Box::new(move |_, input, _| {
            log.borrow_mut().push(input.clone());
            let _ = input.view().f_add_scalar_(1.0)?;
            Ok(input.view().into())
        }))));
        let (buffer, labels) = batch();
        for value in [5.0, 6.0] {
            let _ = buffer.shallow_clone().fill_(value);
            let (input, target) = targets.of(&buffer, &labels).unwrap();
            assert_eq!(target.tensor().unwrap().mean(tch::Kind::Float).double_value(&[]), value + 1.0);
            assert_eq!(target.tensor().unwrap().data_ptr(), input.data_ptr());
            assert_eq!(buffer.mean(tch::Kind::Float).double_value(&[]), value, "the loader's memory");
        }
        assert!(seen.borrow()[0].same(&seen.borrow()[1]));
    }

    #[test]
    fn a_storage_that_the_hook_resizes_is_not_the_loader_s() {
        let mut targets = Targets::new(Some(LabelHook::Code(Box::new(|_, input, labels| {
            input.storage().unwrap().resize(1 << 20).unwrap();
            labels.resize(&[1 << 20]).unwrap();
            Ok(input.view().into())
        }))));
        let (buffer, labels) = batch();
        let before = buffer.data_ptr();
        for _ in 0..3 {
            let (input, target) = targets.of(&buffer, &labels).unwrap();
            assert_eq!(input.size(), [2, 2]);
            assert_eq!(target.tensor().unwrap().sum(tch::Kind::Float).double_value(&[]), 10.0);
            assert!(buffer.data_ptr() == before && input.data_ptr() != before);
        }
    }

    #[test]
    fn without_code_nothing_is_copied() {
        let (input, labels) = batch();
        for (hook, wanted) in [(None, &labels), (Some(LabelHook::Labels), &labels), (Some(LabelHook::Input), &input)] {
            let (same, target) = Targets::new(hook).of(&input, &labels).unwrap();
            assert_eq!(target.tensor().unwrap().data_ptr(), wanted.data_ptr());
            assert_eq!(same.data_ptr(), input.data_ptr());
        }
    }
}
