//! Tables: their entries rearranged (which costs no operator), split, joined, added; and identities.

use super::{
    super::{
        graph::{Value, int},
        shapes::Dim,
    },
    site::{Site, axis, refused, unknown},
};
use crate::{
    error::{Error, Kind, Result},
    nn::modules::{
        gradient_rule::{L1Penalty, Scaled},
        pass_through::PassThrough,
        table_arithmetic::TableArithmetic,
        table_entries::Entries,
    },
};

/// Entry `index` (1-based, negative from the end) of `count`.
fn place(index: i64, count: usize) -> Result<usize> {
    let at = if index < 0 { count as i64 + index } else { index - 1 };
    usize::try_from(at)
        .ok()
        .filter(|&at| at < count)
        .ok_or_else(|| Error::new(Kind::Shape, format!("there is no entry {index} in a table of {count}")))
}

pub(super) fn entries(module: &Entries, site: Site<'_>) -> Result<Value> {
    if let Entries::Split(dimension, input_dims) = *module {
        let dims = site.step.input.dims()?;
        let axis = axis(dims.len(), dimension, input_dims)?;
        let Dim::Fixed(count) = dims[axis] else {
            return Err(refused(site.class, "along the batch").with_help("let it split the samples"));
        };
        let x = site.input.tensor()?;
        let slice = |i| {
            let index = site.graph.int(i);
            Value::from(site.graph.node("Gather", &[x, &index], vec![int("axis", axis as i64)]))
        };
        return Ok(Value::Table((0..count).map(slice).collect()));
    }
    let table = site.input.table()?;
    Ok(match *module {
        Entries::Split(..) => unreachable!("handled above"),
        Entries::Select(index) => table[place(index, table.len())?].clone(),
        Entries::Narrow(offset, length) => {
            let start = place(offset, table.len())?;
            let length = if length < 0 { table.len() as i64 - start as i64 + length + 1 } else { length };
            let end = (start + usize::try_from(length).unwrap_or(0)).min(table.len());
            Value::Table(table.get(start..end).map(<[Value]>::to_vec).unwrap_or_default())
        }
        Entries::Flatten => {
            Value::Table(site.input.tensors().iter().map(|name| Value::from(name.to_string())).collect())
        }
        Entries::Reverse => Value::Table(table.iter().rev().cloned().collect()),
        Entries::Zip => {
            let rows: Vec<&[Value]> = table.iter().map(Value::table).collect::<Result<_>>()?;
            let length = rows.iter().map(|row| row.len()).min().unwrap_or(0);
            let column = |i: usize| Value::Table(rows.iter().map(|row| row[i].clone()).collect());
            Value::Table((0..length).map(column).collect())
        }
        Entries::ZipOneToMany => {
            let [one, many] = table else { return Err(unknown(site.class)) };
            let pair = |entry: &Value| Value::Table(vec![one.clone(), entry.clone()]);
            Value::Table(many.table()?.iter().map(pair).collect())
        }
        Entries::Join(dimension, input_dims) => {
            let axis = axis(site.step.output.rank()?, dimension, input_dims)?;
            let names: Vec<&str> = table.iter().map(Value::tensor).collect::<Result<_>>()?;
            site.graph.node("Concat", &names, vec![int("axis", axis as i64)]).into()
        }
    })
}

/// By class: the module itself holds nothing but its function.
pub(super) fn arithmetic(_: &TableArithmetic, site: Site<'_>) -> Result<Value> {
    let operator = match site.class {
        "nn.CAddTable" => "Add",
        "nn.CSubTable" => "Sub",
        "nn.CMulTable" => "Mul",
        "nn.CDivTable" => "Div",
        "nn.CMaxTable" => "Max",
        "nn.CMinTable" => "Min",
        _ => return Err(unknown(site.class)),
    };
    let mut entries = site.input.table()?.iter();
    let Some(first) = entries.next() else { return Err(unknown(site.class)) };
    let mut result = first.tensor()?.to_string();
    for entry in entries {
        result = site.graph.node(operator, &[&result, entry.tensor()?], vec![]);
    }
    Ok(result.into())
}

pub(super) fn pass_through(_: &PassThrough, site: Site<'_>) -> Result<Value> {
    Ok(site.input.clone())
}

/// Its rule concerns gradients only.
pub(super) fn scaled(_: &Scaled, site: Site<'_>) -> Result<Value> {
    Ok(site.input.clone())
}

/// Its penalty concerns gradients only.
pub(super) fn penalty(_: &L1Penalty, site: Site<'_>) -> Result<Value> {
    Ok(site.input.clone())
}
