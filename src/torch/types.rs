//! `TensorType`: the sixteen tensor types of Torch7, by name, element and device.

use std::fmt;

/// What one element of a tensor is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// u8
    Byte,
    /// i8
    Char,
    /// i16
    Short,
    /// i32
    Int,
    /// i64
    Long,
    /// f16: storage and copies only, as in Torch7
    Half,
    /// f32
    Float,
    /// f64, Torch7's default
    Double,
}

impl Element {
    /// Every element type, in the order of Torch7's documentation.
    pub const ALL: [Element; 8] = [
        Element::Byte,
        Element::Char,
        Element::Short,
        Element::Int,
        Element::Long,
        Element::Half,
        Element::Float,
        Element::Double,
    ];

    /// libtorch's name for it.
    #[must_use]
    pub fn kind(self) -> tch::Kind {
        match self {
            Element::Byte => tch::Kind::Uint8,
            Element::Char => tch::Kind::Int8,
            Element::Short => tch::Kind::Int16,
            Element::Int => tch::Kind::Int,
            Element::Long => tch::Kind::Int64,
            Element::Half => tch::Kind::Half,
            Element::Float => tch::Kind::Float,
            Element::Double => tch::Kind::Double,
        }
    }

    /// The element type of a libtorch tensor; `None` for kinds that Torch7 lacks (bool, bfloat16, complex …).
    #[must_use]
    pub fn of(kind: tch::Kind) -> Option<Element> {
        Element::ALL.into_iter().find(|element| element.kind() == kind)
    }

    /// Size of one element in bytes.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Element::Byte | Element::Char => 1,
            Element::Short | Element::Half => 2,
            Element::Int | Element::Float => 4,
            Element::Long | Element::Double => 8,
        }
    }

    /// Whether maths functions such as `exp` exist for it.
    #[must_use]
    pub fn is_floating(self) -> bool {
        matches!(self, Element::Half | Element::Float | Element::Double)
    }

    /// `Byte`, `Float` …: the middle of the class names.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Element::Byte => "Byte",
            Element::Char => "Char",
            Element::Short => "Short",
            Element::Int => "Int",
            Element::Long => "Long",
            Element::Half => "Half",
            Element::Float => "Float",
            Element::Double => "Double",
        }
    }
}

/// A tensor class of Torch7: an element type, on the processor or on a CUDA device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TensorType {
    /// What one element is.
    pub element: Element,
    /// Whether its class is one of `torch.Cuda…Tensor`. Without a GPU such tensors live on the processor.
    pub cuda: bool,
}

impl TensorType {
    /// `torch.FloatTensor`, what DIGITS sets as the default before it loads a network.
    pub const FLOAT: TensorType = TensorType { element: Element::Float, cuda: false };
    /// `torch.DoubleTensor`, Torch7's own default.
    pub const DOUBLE: TensorType = TensorType { element: Element::Double, cuda: false };
    /// `torch.LongTensor`, the type of indices.
    pub const LONG: TensorType = TensorType { element: Element::Long, cuda: false };
    /// `torch.ByteTensor`, the type of masks.
    pub const BYTE: TensorType = TensorType { element: Element::Byte, cuda: false };

    /// Every type, processor types first.
    pub fn all() -> impl Iterator<Item = TensorType> {
        [false, true]
            .into_iter()
            .flat_map(|cuda| Element::ALL.into_iter().map(move |element| TensorType { element, cuda }))
    }

    /// The type with this class name (`torch.FloatTensor`) or storage class name (`torch.FloatStorage`).
    #[must_use]
    pub fn named(name: &str) -> Option<TensorType> {
        let stem = name.strip_prefix("torch.")?;
        let stem = stem.strip_suffix("Tensor").or_else(|| stem.strip_suffix("Storage"))?;
        if stem == "Cuda" {
            return Some(TensorType { element: Element::Float, cuda: true });
        }
        let (cuda, word) = stem.strip_prefix("Cuda").map_or((false, stem), |word| (true, word));
        let element = Element::ALL.into_iter().find(|element| element.word() == word)?;
        (!cuda || element != Element::Float).then_some(TensorType { element, cuda })
    }

    /// `torch.FloatTensor`, `torch.CudaTensor`, `torch.CudaLongTensor` …
    #[must_use]
    pub fn tensor_name(self) -> String {
        format!("torch.{}Tensor", self.stem())
    }

    /// `torch.FloatStorage`, `torch.CudaStorage` …
    #[must_use]
    pub fn storage_name(self) -> String {
        format!("torch.{}Storage", self.stem())
    }

    /// The device its tensors live on: CUDA 0 where the type says so and a device is there.
    #[must_use]
    pub fn device(self) -> tch::Device {
        if self.cuda { tch::Device::cuda_if_available() } else { tch::Device::Cpu }
    }

    fn stem(self) -> String {
        match (self.cuda, self.element) {
            (false, element) => element.word().to_string(),
            (true, Element::Float) => "Cuda".to_string(),
            (true, element) => format!("Cuda{}", element.word()),
        }
    }
}

impl fmt::Display for TensorType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.tensor_name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        for t in TensorType::all() {
            assert_eq!(TensorType::named(&t.tensor_name()), Some(t));
            assert_eq!(TensorType::named(&t.storage_name()), Some(t));
        }
        assert_eq!(TensorType { element: Element::Float, cuda: true }.tensor_name(), "torch.CudaTensor");
        for no_type in ["torch.Tensor", "torch.CudaFloatTensor", "FloatTensor", "torch.FloatTensors", "torch.float"] {
            assert_eq!(TensorType::named(no_type), None, "{no_type}");
        }
    }
}
