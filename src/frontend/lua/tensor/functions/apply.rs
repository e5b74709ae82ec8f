//! `apply`, `map`, `map2`: a Lua function on each element.

use mlua::{Function, Value};

use crate::{
    frontend::lua::machine::limits,
    frontend::lua::tensor::{
        call::{Answer, Call},
        form,
        refusal::{checked, misfit, refuse},
        row::{Results, Row},
    },
    torch::Tensor,
};

/// Calls the function with the elements at each place of all tensors; a number it answers replaces the first one.
fn run(call: &Call, tensors: usize) -> mlua::Result<Answer> {
    let Value::Function(function) = call.value(tensors) else { return Err(refuse("a function is wanted")) };
    let own = call.tensor(0);
    limits::afford(call.lua, own.numel() as f64 * 3e-8, "calling a function on each element")?;
    let others = (1..tensors).map(|at| checked(call.tensor(at).values())).collect::<mlua::Result<Vec<_>>>()?;
    if others.iter().any(|values| values.len() as i64 != own.numel()) {
        return Err(misfit("inconsistent tensor size: map wants tensors of equal numbers of elements"));
    }
    let mut values = checked(own.values())?;
    for (at, value) in values.iter_mut().enumerate() {
        let extra: Vec<f64> = others.iter().map(|other| other[at]).collect();
        if let Some(replaced) = one(&function, *value, &extra)? {
            *value = replaced;
        }
    }
    if own.dim() > 0 {
        let changed = checked(Tensor::from_values(own.tensor_type(), &own.size(), &values))?;
        checked(own.copy_from(&changed.view()))?;
    }
    Ok(Answer::Same)
}

fn one(function: &Function, value: f64, extra: &[f64]) -> mlua::Result<Option<f64>> {
    let answer = match extra {
        [] => function.call::<Value>(value)?,
        [a] => function.call::<Value>((value, *a))?,
        [a, b, ..] => function.call::<Value>((value, *a, *b))?,
    };
    match &answer {
        Value::Nil => Ok(None),
        other => form::number(other)
            .map(Some)
            .ok_or_else(|| refuse(format!("the function must return a number or nil, not a {}", form::word(other)))),
    }
}

pub(super) fn rows() -> Vec<Row> {
    vec![
        Row::new("apply", Results::None, &["tf"], |call| run(call, 1)).method(),
        Row::new("map", Results::None, &["ttf"], |call| run(call, 2)).method(),
        Row::new("map2", Results::None, &["tttf"], |call| run(call, 3)).method(),
    ]
}
