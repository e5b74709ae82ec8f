//! `lt`, `eq` … as masks, and the questions `all`, `any`, `equal`.

use crate::{
    frontend::lua::tensor::{
        call::{Answer, Call},
        refusal::{checked, refuse},
        row::{Results, Row},
    },
    torch::{Element, Tensor, TensorType},
};

type Between = fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>;

const TESTS: &[(&str, Between, Between2)] = &[
    ("lt", tch::Tensor::f_lt_tensor, |x, n| x.f_lt(n)),
    ("le", tch::Tensor::f_le_tensor, |x, n| x.f_le(n)),
    ("gt", tch::Tensor::f_gt_tensor, |x, n| x.f_gt(n)),
    ("ge", tch::Tensor::f_ge_tensor, |x, n| x.f_ge(n)),
    ("eq", tch::Tensor::f_eq_tensor, |x, n| x.f_eq(n)),
    ("ne", tch::Tensor::f_ne_tensor, |x, n| x.f_ne(n)),
];

type Between2 = fn(&tch::Tensor, tch::Scalar) -> Result<tch::Tensor, tch::TchError>;

fn test(call: &Call, tensors: Between, number: Between2) -> mlua::Result<Answer> {
    let x = call.view(0);
    let mask = checked(if call.form == 0 { tensors(&x, &call.shaped(1, 0)?) } else { number(&x, call.scalar(1)) })?;
    match call.results.first() {
        Some(_) => Ok(Answer::Tensor(mask)),
        None => {
            let byte = TensorType { element: Element::Byte, ..call.tensor_type };
            Ok(Answer::Handle(checked(Tensor::from_tch(byte, &mask))?))
        }
    }
}

fn masks_only(call: &Call, name: &str) -> mlua::Result<()> {
    if call.tensor_type.element == Element::Byte {
        return Ok(());
    }
    Err(refuse(format!("{name} can only be called on torch.ByteTensor, not on {}", call.tensor_type)))
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows: Vec<Row> = TESTS
        .iter()
        .map(|&(name, tensors, number)| {
            Row::new(name, Results::Test, &["tt", "tn"], move |call| test(call, tensors, number))
        })
        .collect();
    rows.extend([
        Row::new("all", Results::None, &["t"], |call| {
            masks_only(call, "all")?;
            Ok(Answer::Flag(checked(checked(call.view(0).f_ne(0))?.f_all())?.int64_value(&[]) != 0))
        }),
        Row::new("any", Results::None, &["t"], |call| {
            masks_only(call, "any")?;
            Ok(Answer::Flag(checked(checked(call.view(0).f_ne(0))?.f_any())?.int64_value(&[]) != 0))
        }),
        Row::new("equal", Results::None, &["tt"], |call| {
            let same = call.tensor(0).size() == call.tensor(1).size();
            Ok(Answer::Flag(same && checked(call.view(0).f_equal(&call.view(1)))?))
        }),
    ]);
    rows
}
