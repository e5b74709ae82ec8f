//! `FileLayout`: how a parameter's numbers lie in files, where that is not how its module has them.

use crate::error::Result;

/// An order of dims, and sizes on both sides. TensorFlow's kernels are `[kh, kw, in, out]`, a module's `[out, in, kh, kw]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLayout {
    /// The file's sizes.
    pub dims: Vec<i64>,
    /// The same, a dim of features taken apart into rows, columns and planes.
    pub split: Vec<i64>,
    /// The order in which the module has these dims.
    pub order: Vec<i64>,
    /// The module's sizes.
    pub size: Vec<i64>,
}

impl FileLayout {
    /// The same on both sides.
    #[must_use]
    pub fn same(dims: &[i64]) -> FileLayout {
        let order = (0..dims.len() as i64).collect();
        FileLayout { dims: dims.to_vec(), split: dims.to_vec(), order, size: dims.to_vec() }
    }

    /// A file's value as the module has it.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn to_module(&self, value: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(value.f_reshape(&self.split[..])?.f_permute(&self.order[..])?.f_reshape(&self.size[..])?)
    }

    /// A module's value as files have it.
    ///
    /// # Errors
    /// When the sizes do not fit.
    pub fn to_file(&self, value: &tch::Tensor) -> Result<tch::Tensor> {
        let ordered: Vec<i64> = self.order.iter().map(|&dim| self.split[dim as usize]).collect();
        let mut back = vec![0; self.order.len()];
        self.order.iter().enumerate().for_each(|(at, &dim)| back[dim as usize] = at as i64);
        Ok(value.f_reshape(ordered)?.f_permute(back)?.f_reshape(&self.dims[..])?.f_contiguous()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_layout_can_be_undone() {
        // A matrix behind images of 2 rows, 3 columns, 4 planes: [24, 5] becomes [5, planes·rows·columns].
        let layout =
            FileLayout { dims: vec![24, 5], split: vec![2, 3, 4, 5], order: vec![3, 2, 0, 1], size: vec![5, 24] };
        let value = tch::Tensor::arange(120, (tch::Kind::Float, tch::Device::Cpu)).view([24, 5]);
        let own = layout.to_module(&value).unwrap();
        // Row 1, column 2, plane 3 in TensorFlow's order is feature (1·3 + 2)·4 + 3; here 3·6 + 1·3 + 2.
        assert_eq!(own.double_value(&[4, 23]), value.double_value(&[23, 4]));
        assert_eq!(own.double_value(&[1, 3 * 6 + 5]), value.double_value(&[5 * 4 + 3, 1]));
        assert_eq!(layout.to_file(&own).unwrap(), value);
    }
}
