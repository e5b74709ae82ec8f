//! What a `build` read in a field, to be compared with what stands there later.

use mlua::Value as LuaValue;

use crate::{frontend::lua::tensor, torch::Tensor};

/// The value of a field as it was when a `build` read it.
pub(super) enum Seen {
    Nil,
    Flag(bool),
    Number(f64),
    Text(Box<[u8]>),
    /// Only where it lies, which is all that a view of it depends on.
    Layout(Tensor, u64),
    /// The numbers of a storage, such as the sizes of `nn.Reshape`.
    Numbers(Vec<f64>),
}

/// Numbers of a storage that are looked at again before each call, at most.
const MOST_NUMBERS: i64 = 16;

impl Seen {
    /// `None` for values that can change without being replaced.
    pub(super) fn of(value: &LuaValue) -> Option<Seen> {
        Some(match value {
            LuaValue::Nil => Seen::Nil,
            LuaValue::Boolean(flag) => Seen::Flag(*flag),
            LuaValue::Integer(number) => Seen::Number(*number as f64),
            LuaValue::Number(number) => Seen::Number(*number),
            LuaValue::String(text) => Seen::Text(text.as_bytes().as_ref().into()),
            LuaValue::UserData(_) => Seen::Numbers(numbers_in(value)?),
            _ => return None,
        })
    }

    pub(super) fn is_still(&self, value: &LuaValue) -> bool {
        match (self, value) {
            (Seen::Nil, LuaValue::Nil) => true,
            (Seen::Flag(old), LuaValue::Boolean(new)) => old == new,
            // By their bits: 0 and -0 are two numbers here.
            (Seen::Number(old), LuaValue::Integer(new)) => old.to_bits() == (*new as f64).to_bits(),
            (Seen::Number(old), LuaValue::Number(new)) => old.to_bits() == new.to_bits(),
            (Seen::Text(old), LuaValue::String(new)) => **old == *new.as_bytes(),
            (Seen::Numbers(old), LuaValue::UserData(_)) => numbers_in(value).is_some_and(|new| new == *old),
            (Seen::Layout(old, version), LuaValue::UserData(data)) => {
                data.borrow::<tensor::LuaTensor>().is_ok_and(|new| new.0.same(old) && new.0.version() == *version)
            }
            _ => false,
        }
    }
}

/// The numbers of a short storage in the processor's memory.
fn numbers_in(value: &LuaValue) -> Option<Vec<f64>> {
    let storage = tensor::storage_from_lua(value)?;
    let is_short = storage.len() <= MOST_NUMBERS && !storage.tensor_type().cuda;
    is_short.then(|| (0..storage.len()).map(|at| storage.get(at).ok()).collect())?
}
