//! Reading and writing one element of processor memory: the one place that touches raw tensor memory.

use super::types::Element;

/// The element at `position` of a contiguous 1-D processor tensor of this element type.
///
/// `Storage` checks `position` against the longest the buffer has been before it calls this, and never passes `Half`
/// or a CUDA buffer.
#[expect(unsafe_code, reason = "a call into libtorch for each t[i] would cost twenty times as much")]
pub(super) fn read(buffer: &tch::Tensor, element: Element, position: i64) -> f64 {
    let (data, at) = (buffer.data_ptr(), position as usize);
    // SAFETY: `data` is the first byte of a live libtorch storage that is aligned for its elements and has room for
    // every position up to the longest the buffer has been (libtorch keeps memory on shrinking); `at` is below that.
    unsafe {
        match element {
            Element::Byte => f64::from(*data.cast::<u8>().add(at)),
            Element::Char => f64::from(*data.cast::<i8>().add(at)),
            Element::Short => f64::from(*data.cast::<i16>().add(at)),
            Element::Int => f64::from(*data.cast::<i32>().add(at)),
            Element::Long => *data.cast::<i64>().add(at) as f64,
            Element::Float => f64::from(*data.cast::<f32>().add(at)),
            Element::Double => *data.cast::<f64>().add(at),
            Element::Half => unreachable!("halves go through libtorch"),
        }
    }
}

/// Writes the element at `position`; the same conditions as for [`read`].
#[expect(unsafe_code, reason = "a call into libtorch for each t[i] = x would cost twenty times as much")]
pub(super) fn write(buffer: &mut tch::Tensor, element: Element, position: i64, value: f64) {
    let (data, at) = (buffer.data_ptr(), position as usize);
    let whole = value as i64;
    // SAFETY: as in `read`; nobody holds a Rust reference into libtorch's memory.
    unsafe {
        match element {
            Element::Byte => *data.cast::<u8>().add(at) = whole as u8,
            Element::Char => *data.cast::<i8>().add(at) = whole as i8,
            Element::Short => *data.cast::<i16>().add(at) = whole as i16,
            Element::Int => *data.cast::<i32>().add(at) = whole as i32,
            Element::Long => *data.cast::<i64>().add(at) = whole,
            Element::Float => *data.cast::<f32>().add(at) = value as f32,
            Element::Double => *data.cast::<f64>().add(at) = value,
            Element::Half => unreachable!("halves go through libtorch"),
        }
    }
}
