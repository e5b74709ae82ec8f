//! `Call`: the matched arguments of one call, as a row's function reads them; `Answer`: what it gives back.

use mlua::{Lua, MultiValue, Value};

use super::{
    form::{Arg, whole},
    refusal::{checked, misfit, refuse},
};
use crate::torch::{
    Element, Tensor, TensorType,
    direct::{are_apart, span, write_below_autograd},
};

/// What a row's function found out.
pub(super) enum Answer {
    /// Elements for the result tensor, or for a new one. New memory, or memory of one of the arguments.
    Tensor(tch::Tensor),
    /// Elements whose memory order is kept when there is no result tensor (LAPACK's columns).
    Several(Vec<tch::Tensor>),
    /// Values, and 0-based indices that become a 1-based `LongTensor`.
    Indexed(tch::Tensor, tch::Tensor),
    /// Values, and 0-based pivots that become a 1-based `IntTensor`.
    Pivoted(tch::Tensor, tch::Tensor),
    Number(f64),
    Flag(bool),
    /// A new handle.
    Handle(Tensor),
    /// The tensor the method was called on, changed in place.
    Same,
    Values(MultiValue),
}

/// A result tensor that may be changed step by step from the first argument to the result, because nothing else that the call
/// reads lies in its memory.
pub(super) struct Start {
    out: tch::Tensor,
    /// Where the first argument lies elsewhere.
    first: Option<tch::Tensor>,
    /// No other argument lies in the result tensor: what reads more than one element for one of the result asks for that.
    pub(super) is_alone: bool,
}

impl Start {
    /// The result tensor, holding the elements of the first argument.
    pub(super) fn begin(&self) -> mlua::Result<tch::Tensor> {
        let mut out = self.out.shallow_clone();
        if let Some(first) = &self.first {
            checked(out.f_copy_(first))?;
        }
        Ok(out)
    }
}

/// Arguments of one call after matching.
pub(super) struct Call<'lua> {
    pub(super) lua: &'lua Lua,
    /// The type that the function works in.
    pub(super) tensor_type: TensorType,
    /// Which form matched.
    pub(super) form: usize,
    /// The result tensors that were handed in, as tensor and as Lua value.
    pub(super) results: Vec<(Tensor, Value)>,
    /// The generator that was handed in.
    pub(super) generator: Option<Value>,
    pub(super) args: Vec<Arg>,
}

impl Call<'_> {
    /// Elements of the largest tensor among arguments and results.
    pub(super) fn largest(&self) -> i64 {
        let arguments = self.args.iter().map(|arg| if let Arg::Tensor(tensor, _) = arg { tensor.numel() } else { 0 });
        arguments.chain(self.results.iter().map(|(result, _)| result.numel())).max().unwrap_or(0)
    }

    /// The result tensor that was handed in, where it may be changed in place: it has no gaps and the sizes of the first tensor
    /// among the arguments, which lies there or apart from it, as all others do. Not of types whose numbers wrap or are rounded
    /// in between, and not where a number is beyond the type, which libtorch refuses in the middle.
    fn start(&self) -> Option<Start> {
        let [(result, _)] = &self.results[..] else { return None };
        let most = match self.tensor_type.element {
            Element::Float => f64::from(f32::MAX),
            Element::Double => f64::MAX,
            _ => return None,
        };
        let is_beyond = |arg: &Arg| matches!(arg, Arg::Number(x) if x.is_finite() && x.abs() > most);
        if result.tensor_type() != self.tensor_type || result.dim() == 0 || !result.is_contiguous() {
            return None;
        }
        if self.args.iter().any(is_beyond) {
            return None;
        }
        let out = result.view();
        let place = span(&out);
        let is_there = |tensor: &Tensor| {
            tensor.same(result)
                || tensor.size() == result.size() && tensor.stride() == result.stride() && span(&tensor.view()) == place
        };
        let is_apart = |tensor: &Tensor| are_apart(&span(&tensor.view()), &place);
        let mut tensors =
            self.args.iter().filter_map(|arg| if let Arg::Tensor(tensor, _) = arg { Some(tensor) } else { None });
        let first = tensors.next()?;
        if is_there(first) {
            let others: Vec<&Tensor> = tensors.collect();
            let is_alone = others.iter().all(|other| is_apart(other));
            let is_free = is_alone || others.iter().all(|other| is_there(other) || is_apart(other));
            return is_free.then_some(Start { out, first: None, is_alone });
        }
        let is_free = first.size() == result.size() && is_apart(first) && tensors.all(is_apart);
        is_free.then(|| Start { out, first: Some(first.view()), is_alone: true })
    }

    /// Whether `change` has made the result out of the first argument, in the memory of the result tensor.
    pub(super) fn changed(&self, change: impl FnOnce(&Start) -> mlua::Result<bool>) -> mlua::Result<bool> {
        let Some(start) = self.start() else { return Ok(false) };
        write_below_autograd(&[&start.out], || change(&start))
    }

    /// Argument `at`, a tensor.
    pub(super) fn tensor(&self, at: usize) -> &Tensor {
        match self.args.get(at) {
            Some(Arg::Tensor(tensor, _)) => tensor,
            other => unreachable!("the form has a tensor at {at}, matched {other:?}"),
        }
    }

    /// The elements of argument `at`.
    pub(super) fn view(&self, at: usize) -> tch::Tensor {
        self.tensor(at).view()
    }

    /// The elements of argument `at` in the shape of argument `like`, which has as many.
    pub(super) fn shaped(&self, at: usize, like: usize) -> mlua::Result<tch::Tensor> {
        let (tensor, like) = (self.tensor(at), self.tensor(like));
        if tensor.numel() != like.numel() {
            return Err(misfit(format!(
                "inconsistent tensor size: {:?} and {:?} have different numbers of elements",
                like.size(),
                tensor.size()
            )));
        }
        if tensor.size() == like.size() {
            Ok(tensor.view())
        } else {
            checked(tensor.view().f_reshape(like.view().size()))
        }
    }

    /// Whether an optional argument is there.
    pub(super) fn has(&self, at: usize) -> bool {
        !matches!(self.args.get(at), None | Some(Arg::Missing))
    }

    /// Whether argument `at` is a number.
    pub(super) fn is_number(&self, at: usize) -> bool {
        matches!(self.args.get(at), Some(Arg::Number(_)))
    }

    /// The number at `at`, or `default` when it is missing.
    pub(super) fn number_or(&self, at: usize, default: f64) -> f64 {
        if let Some(Arg::Number(x)) = self.args.get(at) { *x } else { default }
    }

    /// The number at `at`.
    pub(super) fn number(&self, at: usize) -> f64 {
        match self.args.get(at) {
            Some(Arg::Number(x)) => *x,
            other => unreachable!("the form has a number at {at}, matched {other:?}"),
        }
    }

    /// The number at `at` as the type's element: integer types truncate it first.
    pub(super) fn scalar(&self, at: usize) -> tch::Scalar {
        element(self.tensor_type, self.number(at))
    }

    /// The whole number at `at`.
    pub(super) fn int(&self, at: usize) -> i64 {
        whole(self.number(at))
    }

    /// The boolean at `at`, false when it is missing.
    pub(super) fn flag(&self, at: usize) -> bool {
        matches!(self.args.get(at), Some(Arg::Flag(true)))
    }

    /// The sizes at `at`; `[]` when they are missing.
    pub(super) fn sizes(&self, at: usize) -> Vec<i64> {
        if let Some(Arg::Sizes(sizes)) = self.args.get(at) { sizes.clone() } else { vec![] }
    }

    /// The Lua value at `at`, nil when it is missing.
    pub(super) fn value(&self, at: usize) -> Value {
        match self.args.get(at) {
            Some(Arg::Other(value) | Arg::Tensor(_, value)) => value.clone(),
            _ => Value::Nil,
        }
    }

    /// The string at `at`, or `default`.
    pub(super) fn text(&self, at: usize, default: &str) -> String {
        self.value(at).as_string().map_or_else(|| default.to_string(), |text| text.to_string_lossy())
    }

    /// The 1-based dimension at `at` as a 0-based one of tensor `of`; the last dimension when it is missing.
    pub(super) fn dim(&self, at: usize, of: usize) -> mlua::Result<i64> {
        let tensor = self.tensor(of);
        let dim = if self.is_number(at) { self.int(at) - 1 } else { tensor.dim() as i64 - 1 };
        tensor.check_dim(dim).map(|dim| dim as i64).map_err(mlua::Error::external)
    }

    /// 0-based indices from the 1-based ones of argument `at`, all below `limit`.
    pub(super) fn indices(&self, at: usize, limit: i64) -> mlua::Result<tch::Tensor> {
        let index = self.view(at);
        if index.numel() > 0 {
            let (least, most) = (checked(index.f_min())?.int64_value(&[]), checked(index.f_max())?.int64_value(&[]));
            if least < 1 || most > limit {
                let bad = if least < 1 { least } else { most };
                return Err(refuse(format!("index {bad} out of range: it must be between 1 and {limit}")));
            }
        }
        checked(index.f_sub_scalar(1))
    }

    /// Whether the function works on whole numbers.
    pub(super) fn is_whole(&self) -> bool {
        !self.tensor_type.element.is_floating()
    }

    /// Refuses element types that Torch7 has no such function for.
    pub(super) fn floating_only(&self, name: &str) -> mlua::Result<()> {
        if self.is_whole() {
            return Err(refuse(format!("{name} is not there for {}: convert with :double() first", self.tensor_type)));
        }
        Ok(())
    }
}

/// A Lua number as an element of this type.
pub(super) fn element(tensor_type: TensorType, value: f64) -> tch::Scalar {
    match tensor_type.element {
        Element::Byte => tch::Scalar::from(i64::from(value as i64 as u8)),
        Element::Char => tch::Scalar::from(i64::from(value as i64 as i8)),
        Element::Short => tch::Scalar::from(i64::from(value as i64 as i16)),
        Element::Int => tch::Scalar::from(i64::from(value as i64 as i32)),
        Element::Long => tch::Scalar::from(value as i64),
        Element::Half | Element::Float | Element::Double => tch::Scalar::from(value),
    }
}
