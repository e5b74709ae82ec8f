//! `Parameters`: everything a network learns, in one flat vector, with a flat vector of gradients beside it.

use super::file_layout::FileLayout;
use crate::{error::Result, torch::Tensor};

/// One parameter of one module: a view of the flat vector and a leaf of libtorch's graph.
#[derive(Debug)]
pub struct Parameter {
    /// Path and field: `3.weight`.
    pub name: String,
    /// Sizes.
    pub size: Vec<i64>,
    /// The differentiable leaf, on the flat vector's memory.
    pub leaf: tch::Tensor,
    /// The matching view of the flat gradient vector.
    pub grad: tch::Tensor,
    /// False when its module does not accumulate gradients (a frozen layer): its gradient stays zero.
    pub learns: bool,
    /// True when `leaf` is the one of an earlier parameter: modules that share a weight share its leaf, so that libtorch
    /// sums its gradient up.
    pub is_twin: bool,
    /// How files have it, where that is not how its module does.
    pub layout: Option<FileLayout>,
}

/// A parameter or buffer as files have it.
#[derive(Debug)]
pub struct Stored<'a> {
    /// Its name.
    pub name: &'a str,
    tensor: tch::Tensor,
    layout: Option<&'a FileLayout>,
}

/// A tensor that is state but not learned, such as `running_mean`; saved with the parameters.
#[derive(Debug)]
pub struct Buffer {
    /// Path and field: `2.running_mean`.
    pub name: String,
    /// The memory the module updates.
    pub tensor: tch::Tensor,
}

/// All parameters and buffers of a network.
#[derive(Debug)]
pub struct Parameters {
    /// 1-D: every learned number once, in the order of `getParameters`.
    pub flat: Tensor,
    /// 1-D: the gradients, aligned with `flat`.
    pub grad: Tensor,
    /// The parameters in the order of the network. Shared ones (a cloned branch) appear once for each module.
    pub list: Vec<Parameter>,
    /// The buffers in the order of the network.
    pub buffers: Vec<Buffer>,
}

impl Parameters {
    /// Number of learned numbers.
    #[must_use]
    pub fn count(&self) -> i64 {
        self.flat.numel()
    }

    /// The leaves that want a gradient, each once, and the views their gradients are added to.
    pub(super) fn learning(&self) -> impl Iterator<Item = &Parameter> {
        self.list.iter().filter(|parameter| parameter.learns && !parameter.is_twin)
    }

    /// Indices into `list`, each leaf once, in the order of the flat vector, when every leaf is a contiguous part of it of
    /// its own and together they are all of it: no two overlap.
    #[must_use]
    pub fn in_order(&self) -> Option<Vec<usize>> {
        let starts: Vec<usize> = self.list.iter().map(|parameter| parameter.leaf.data_ptr() as usize).collect();
        let mut order: Vec<usize> = (0..self.list.len()).filter(|&i| !self.list[i].is_twin).collect();
        order.sort_by_key(|&i| starts[i]);
        let flat = self.flat.view();
        let mut next = flat.data_ptr() as usize;
        for &i in &order {
            let leaf = &self.list[i].leaf;
            if starts[i] != next || !leaf.is_contiguous() || leaf.kind() != flat.kind() {
                return None;
            }
            next += leaf.numel() * leaf.kind().elt_size_in_bytes();
        }
        (next - flat.data_ptr() as usize == flat.numel() * flat.kind().elt_size_in_bytes()).then_some(order)
    }

    /// Sets every gradient to zero.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn zero_grad(&self) -> Result<()> {
        if self.count() > 0 {
            let _ = self.grad.view().f_zero_()?;
        }
        Ok(())
    }

    /// Everything a snapshot must hold, as files have it: parameters first, then buffers.
    #[must_use]
    pub fn stored(&self) -> Vec<Stored<'_>> {
        let learned = self.list.iter();
        let learned = learned.map(|p| Stored { name: &p.name, tensor: p.leaf.detach(), layout: p.layout.as_ref() });
        let state =
            self.buffers.iter().map(|b| Stored { name: &b.name, tensor: b.tensor.shallow_clone(), layout: None });
        learned.chain(state).collect()
    }

    /// Name and tensor of the same, as the modules have it.
    #[must_use]
    pub fn named(&self) -> Vec<(&str, tch::Tensor)> {
        let learned = self.list.iter().map(|p| (p.name.as_str(), p.leaf.detach()));
        let state = self.buffers.iter().map(|b| (b.name.as_str(), b.tensor.shallow_clone()));
        learned.chain(state).collect()
    }
}

impl Stored<'_> {
    /// Its sizes in files.
    #[must_use]
    pub fn size(&self) -> Vec<i64> {
        self.layout.map_or_else(|| self.tensor.size(), |layout| layout.dims.clone())
    }

    /// A copy of its value for a file.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn value(&self) -> Result<tch::Tensor> {
        let value = match self.layout {
            Some(layout) => layout.to_file(&self.tensor)?,
            None => self.tensor.shallow_clone(),
        };
        let mut copy = value.f_empty_like()?;
        copy.f_copy_(&value)?;
        Ok(copy)
    }

    /// Puts a file's value of its sizes into the network.
    ///
    /// # Errors
    /// When it has other sizes.
    pub fn put(&self, value: &tch::Tensor) -> Result<()> {
        tch::no_grad(|| {
            match self.layout {
                Some(layout) => self.tensor.shallow_clone().f_copy_(&layout.to_module(value)?),
                None => self.tensor.shallow_clone().f_copy_(value),
            }
            .map_err(Into::into)
        })
    }
}
