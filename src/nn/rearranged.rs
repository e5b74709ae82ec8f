//! `Rearranged`: the last tensor that a pass laid out anew in memory, so that branches behind one module share the copy.

use crate::error::Result;

/// A tensor and its copy in another arrangement.
struct Pair {
    original: tch::Tensor,
    copy: tch::Tensor,
}

/// What one pass has rearranged last.
#[derive(Default)]
pub(super) struct Rearranged {
    last: Option<Pair>,
}

impl Rearranged {
    /// As [`super::Context::rearranged`].
    ///
    /// # Errors
    /// When `arrange` fails.
    pub(super) fn of(
        &mut self,
        x: &tch::Tensor,
        arrange: impl FnOnce(&tch::Tensor) -> Result<tch::Tensor>,
    ) -> Result<tch::Tensor> {
        if x.requires_grad() {
            return arrange(x);
        }
        // The original is held, so that no other tensor lies at its address.
        let is_original = |last: &Pair| {
            last.original.data_ptr() == x.data_ptr()
                && last.original.size() == x.size()
                && last.original.stride() == x.stride()
                && last.original.kind() == x.kind()
        };
        if let Some(last) = self.last.as_ref().filter(|last| is_original(last)) {
            return Ok(last.copy.shallow_clone());
        }
        let copy = arrange(x)?;
        self.last = Some(Pair { original: x.shallow_clone(), copy: copy.shallow_clone() });
        Ok(copy)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_tensor_is_arranged_once() {
        let float = (tch::Kind::Float, tch::Device::Cpu);
        let (x, other) = (tch::Tensor::rand([2, 3], float), tch::Tensor::rand([2, 3], float));
        let learned = x.detach().set_requires_grad(true);
        let mut rearranged = Rearranged::default();
        let mut arranged = 0;
        let mut arrange = |x: &tch::Tensor| {
            let copy = |x: &tch::Tensor| {
                arranged += 1;
                Ok(x.copy())
            };
            rearranged.of(x, copy).unwrap()
        };
        for tensor in [&x, &x, &other, &x, &learned, &learned] {
            assert_eq!(arrange(tensor), *tensor);
        }
        assert_eq!(arranged, 5, "the second time is the first one's copy, but for tensors with a history");
    }
}
