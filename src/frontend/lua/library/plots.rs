//! What the `gnuplot` package does in Rust: a picture of the numbers that `prelude/packages/gnuplot.lua` has gathered.

use std::fs;

use mlua::{Lua, Table, Value};

use super::files;
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{machine::error::raise, tensor},
    inspect::{
        plot::{Axis, Look, Map, Plot, Series},
        raster,
    },
    torch::Tensor,
};

/// Points of one picture, at most: 100 for each of its pixels' columns and more.
const MOST: usize = 1 << 20;

/// The functions for the prelude.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let plots = lua.create_table()?;
    plots.raw_set(
        "write",
        lua.create_function(|lua, (name, plot): (String, Table)| {
            files::allow(lua, "writing a plot")?;
            let svg = read(&plot)?.svg();
            let is_png = name.to_lowercase().ends_with(".png");
            let bytes = if is_png { raster::png(&svg, 1.0).map_err(raise)? } else { svg.into_bytes() };
            fs::write(&name, bytes).map_err(|source| raise(Error::io("write", name.as_ref(), &source)))
        })?,
    )?;
    Ok(plots)
}

fn read(plot: &Table) -> mlua::Result<Plot> {
    let axis = |name: &str| {
        let axis: Table = plot.raw_get(name)?;
        let label = axis.raw_get::<Option<String>>("label")?.unwrap_or_default();
        let ends = [axis.raw_get("from")?, axis.raw_get("to")?];
        Ok::<_, mlua::Error>(Axis { label, ends, log: axis.raw_get("log")? })
    };
    let series: Vec<Table> = plot.raw_get("series")?;
    let series = series.iter().map(read_series).collect::<mlua::Result<Vec<Series>>>()?;
    if series.iter().map(|series| series.points.len()).sum::<usize>() > MOST {
        let page = Error::new(Kind::Limit, "the plot has too many points to be seen")
            .with_fact("it takes", format!("{MOST} at most"))
            .with_help("plot every hundredth of them");
        return Err(raise(page));
    }
    let map = match plot.raw_get::<Value>("map")? {
        Value::Nil => None,
        values => {
            let numbers = numbers(&values)?;
            let view = numbers.view();
            let [rows, columns] = <[i64; 2]>::try_from(view.size()).map_err(|_| no_numbers())?;
            let size = [rows, columns].map(|side| side.max(0) as usize);
            let is_coloured = plot.raw_get("coloured")?;
            Some(Map { size, values: floats(&view).map_err(raise)?, is_coloured })
        }
    };
    let title = plot.raw_get::<Option<String>>("title")?.unwrap_or_default();
    Ok(Plot { title, x: axis("x")?, y: axis("y")?, has_grid: plot.raw_get("grid")?, series, map })
}

/// Columns `[n, 2]`, of arrows `[n, 4]`, as points.
fn read_series(series: &Table) -> mlua::Result<Series> {
    let values: Value = series.raw_get("columns")?;
    let columns = numbers(&values)?;
    let view = columns.view();
    let width = view.size().get(1).map_or(1, |width| (*width).max(1) as usize);
    let numbers = floats(&view).map_err(raise)?;
    let at = |row: &[f64], i: usize| row.get(i).copied().unwrap_or(0.0);
    let points = numbers.chunks_exact(width).map(|row| [at(row, 0), at(row, 1), at(row, 2), at(row, 3)]).collect();
    let look = match series.raw_get::<String>("look")?.as_str() {
        "points" => Look::Points,
        "linespoints" => Look::LinePoints,
        "steps" => Look::Steps,
        "impulses" => Look::Impulses,
        "boxes" => Look::Bars,
        "vectors" => Look::Arrows,
        _ => Look::Line,
    };
    Ok(Series { name: series.raw_get::<Option<String>>("name")?.unwrap_or_default(), points, look })
}

/// The tensor that the package has put together.
fn numbers(value: &Value) -> mlua::Result<Tensor> {
    tensor::from_lua(value).ok_or_else(no_numbers)
}

fn no_numbers() -> mlua::Error {
    raise(
        Error::new(Kind::Argument, "a plot wants tensors of numbers")
            .with_help("draw with gnuplot.plot or gnuplot.imagesc"),
    )
}

fn floats(numbers: &tch::Tensor) -> Result<Vec<f64>> {
    Ok(Vec::<f64>::try_from(numbers.f_to_kind(tch::Kind::Double)?.f_contiguous()?.f_view([-1])?)?)
}
