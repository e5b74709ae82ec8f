//! `Place`: what a tensor handle looks at, kept to be compared with what it, or another one, looks at later.

use super::{layout::Layout, storage::Storage, tensor::Tensor};

/// What a handle looked at. Handles of one place have the same elements in the same sizes, whatever these are by then: a storage
/// that grows keeps the views that were made of it.
#[derive(Debug)]
pub struct Place {
    handle: Tensor,
    layout: Layout,
}

impl Place {
    /// What `tensor` looks at now.
    #[must_use]
    pub fn of(tensor: &Tensor) -> Place {
        Place { handle: tensor.clone(), layout: tensor.look(Layout::copy) }
    }

    /// Whether `tensor` looks at this. The handle itself is asked for its version alone.
    #[must_use]
    pub fn is_of(&self, tensor: &Tensor) -> bool {
        let is_it = tensor.same(&self.handle);
        tensor.look(|layout| (is_it && layout.version == self.layout.version) || layout.is_like(&self.layout))
    }

    /// Elements of the storage, which this holds.
    #[must_use]
    pub fn held(&self) -> i64 {
        self.layout.storage.as_ref().map_or(0, Storage::len)
    }

    /// Whether its elements lie in the storage of `other`.
    #[must_use]
    pub fn shares_storage(&self, other: &Place) -> bool {
        matches!((&self.layout.storage, &other.layout.storage), (Some(a), Some(b)) if a.same(b))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::TensorType;

    #[test]
    fn a_place_knows_its_handles() {
        let whole = Tensor::from_values(TensorType::FLOAT, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
        let row = whole.select(0, 1).unwrap();
        let place = Place::of(&row);
        assert!(
            place.is_of(&row) && place.is_of(&whole.select(0, 1).unwrap()) && place.shares_storage(&Place::of(&whole))
        );
        assert!(!place.is_of(&whole) && !place.is_of(&whole.select(0, 0).unwrap()));
        assert!(!place.is_of(&Tensor::from_values(TensorType::FLOAT, &[3], &[4.0, 5.0, 6.0]).unwrap()));
        let other = whole.select(0, 1).unwrap();
        row.resize(&[100]).unwrap();
        assert!(!place.is_of(&row) && place.is_of(&other), "the storage has moved, the place has not");
        row.set_to(&other).unwrap();
        assert!(place.is_of(&row) && place.held() > 3);
    }
}
