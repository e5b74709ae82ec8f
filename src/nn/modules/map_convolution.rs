//! Convolutions with a table of connections: kernel k sees input plane `connTable[k][1]` and adds to output plane
//! `connTable[k][2]`. `[n, in, h, w]` → `[n, out, h', w']`, the batch optional.
//!
//! Torch7: `nn/SpatialConvolutionMap.lua`, `SpatialFullConvolutionMap.lua` (transposed): weight `[k, kH, kW]`, bias
//! `[out]`, both from U(±1/√(kW·kH·connections of the output plane)). Tables: `nn.tables.full(in, out)`, `oneToOne(n)`,
//! `random(in, out, each)`.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::{Activity, Shape},
        fields::Fields,
        init::{set_arguments, set_parameters},
        layout::planes,
        module::{Context, Module},
        refusals::{missing, size_mismatch},
        spec::{Arg, ArgKind, Args, Builder, Missing, Probe, Spec, optional, required},
        window::{IMAGE, extents},
    },
    torch::{Generator, memory, rows::whole_numbers},
};

const ARGS: &[Arg] = &[
    required("conMatrix", ArgKind::Tensor),
    required("kW", ArgKind::Int),
    required("kH", ArgKind::Int),
    optional("dW", ArgKind::Int, Missing::Number(1.0)),
    optional("dH", ArgKind::Int, Missing::Number(1.0)),
];

const TABLE: &str = "torch.Tensor{{1, 1}, {2, 1}, {2, 2}, {1, 3}}, 2, 3, 1, 1";

/// `nn.SpatialConvolutionMap(conMatrix, kW, kH[, dW=1, dH=1])`, `nn.SpatialFullConvolutionMap(…)`
pub const SPECS: &[Spec] = &[
    Spec {
        args: ARGS,
        init: Some(init),
        reset: Some(reset),
        ..Spec::module(
            &["nn.SpatialConvolutionMap"],
            |b| build(b, false),
            Probe::module(TABLE, "torch.randn(2, 2, 4, 3)"),
        )
    },
    Spec {
        args: ARGS,
        init: Some(init),
        reset: Some(reset),
        ..Spec::module(
            &["nn.SpatialFullConvolutionMap"],
            |b| build(b, true),
            Probe::module(TABLE, "torch.randn(2, 2, 2, 3)"),
        )
    },
];

/// A convolution of which only some pairs of planes are connected.
pub struct MapConvolution {
    /// `[k, kH, kW]`
    weight: tch::Tensor,
    bias: Option<tch::Tensor>,
    /// Position of each kernel in the list of all pairs of planes.
    pairs: tch::Tensor,
    input_planes: i64,
    output_planes: i64,
    stride: Vec<i64>,
    is_transposed: bool,
}

/// The table as pairs (from, to), 1-based.
fn connections(fields: &dyn Fields) -> Result<Vec<(i64, i64)>> {
    let table = fields.tensor("connTable")?.ok_or_else(|| missing(fields, "connTable"))?;
    let size = table.size();
    let rows = whole_numbers(&table.view())?;
    if size.len() != 2 || size[1] != 2 || rows.iter().any(|&plane| plane < 1) {
        return Err(Error::new(
            Kind::Argument,
            format!("#1 (conMatrix) to {}: rows of two plane numbers", fields.class()),
        )
        .with_fact("it has the size", format!("{size:?}"))
        .with_help("make it with nn.tables.full(nin, nout), nn.tables.oneToOne(n) or nn.tables.random(nin, nout, n)"));
    }
    Ok(rows.chunks(2).map(|row| (row[0], row[1])).collect())
}

fn init(args: &Args<'_>, fields: &dyn Fields, generator: &mut Generator) -> Result<()> {
    set_arguments(args, fields, &["kW", "kH", "dW", "dH"])?;
    fields.set("connTable", args.value("conMatrix").clone())?;
    let rows = connections(fields)?;
    let output = rows.iter().map(|row| row.1).max().unwrap_or(0);
    fields.set("nInputPlane", rows.iter().map(|row| row.0).max().unwrap_or(0).into())?;
    fields.set("nOutputPlane", output.into())?;
    let size = [rows.len() as i64, args.int("kH"), args.int("kW")];
    set_parameters(fields, &[("weight", "gradWeight", &size), ("bias", "gradBias", &[output])])?;
    reset(fields, None, generator)
}

fn reset(fields: &dyn Fields, stdv: Option<f64>, generator: &mut Generator) -> Result<()> {
    let rows = connections(fields)?;
    let area = (fields.int("kW")? * fields.int("kH")?).max(0);
    let planes = fields.int("nOutputPlane")?.max(0).max(rows.iter().map(|row| row.1).max().unwrap_or(0));
    memory::check_values(planes, "a number for each output plane")?;
    memory::check_values(area.saturating_mul(rows.len() as i64), "the weight")?;
    let mut fan_in = vec![0i64; planes as usize];
    for (_, to) in &rows {
        fan_in[*to as usize - 1] += 1;
    }
    let limit = |to: i64| match stdv {
        Some(stdv) => stdv * 3f64.sqrt(),
        None => 1.0 / ((area * fan_in[to as usize - 1]) as f64).sqrt(),
    };
    if let Some(weight) = fields.tensor("weight")? {
        let mut numbers = Vec::with_capacity(rows.len() * area as usize);
        for &(_, to) in &rows {
            numbers.extend((0..area).map(|_| generator.uniform(-limit(to), limit(to))));
        }
        weight.copy_from(&tch::Tensor::f_from_slice(&numbers)?)?;
    }
    if let Some(bias) = fields.tensor("bias")? {
        let numbers: Vec<f64> = (1..=fan_in.len() as i64).map(|to| generator.uniform(-limit(to), limit(to))).collect();
        bias.copy_from(&tch::Tensor::f_from_slice(&numbers)?)?;
    }
    Ok(())
}

fn build(builder: &mut dyn Builder, is_transposed: bool) -> Result<Box<dyn Module>> {
    let weight = builder.learned("weight", &[3])?;
    let bias = builder.parameter("bias")?;
    let fields = builder.fields();
    let (input_planes, output_planes) = (fields.int("nInputPlane")?, fields.int("nOutputPlane")?);
    let place = |(from, to): (i64, i64)| match is_transposed {
        true => (from - 1) * output_planes + to - 1,
        false => (to - 1) * input_planes + from - 1,
    };
    let pairs: Vec<i64> = connections(fields)?.into_iter().map(place).collect();
    Ok(Box::new(MapConvolution {
        pairs: tch::Tensor::f_from_slice(&pairs)?.f_to_device(weight.device())?,
        weight,
        bias,
        input_planes,
        output_planes,
        stride: extents(fields, IMAGE, "d", 1)?,
        is_transposed,
    }))
}

impl Module for MapConvolution {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = planes(input, 2, None)?;
        // As in Torch7, planes behind the last one that the table names are passed over.
        let at = x.dim() - 3;
        let x = match x.size()[at] > self.input_planes {
            true => x.f_narrow(at as i64, 0, self.input_planes)?,
            false => planes(input, 2, Some(self.input_planes))?.shallow_clone(),
        };
        let (count, height, width) = self.weight.size3()?;
        let size = x.size();
        let is_small = size[size.len() - 2] < height || size[size.len() - 1] < width;
        if is_small && !self.is_transposed {
            return Err(size_mismatch(input, format!("images of at least {height}x{width} pixels")));
        }
        // All pairs of planes, zero where there is no connection.
        let (options, pairs) = ((self.weight.kind(), self.weight.device()), self.input_planes * self.output_planes);
        let kernels = tch::Tensor::f_zeros([pairs, height * width], options)?.f_index_add(
            0,
            &self.pairs,
            &self.weight.f_reshape([count, height * width])?,
        )?;
        let bias = self.bias.as_ref();
        Ok(if self.is_transposed {
            let kernels = kernels.f_view([self.input_planes, self.output_planes, height, width])?;
            x.f_conv_transpose2d(&kernels, bias, &self.stride, [0, 0], [0, 0], 1, [1, 1])?
        } else {
            let kernels = kernels.f_view([self.output_planes, self.input_planes, height, width])?;
            x.f_conv2d(&kernels, bias, &self.stride, [0, 0], [1, 1], 1)?
        }
        .into())
    }

    fn flops(&self, input: &Shape, output: &Shape) -> u64 {
        let (planes, of) = match self.is_transposed {
            true => (self.input_planes, input.numel()),
            false => (self.output_planes, output.numel()),
        };
        (of / planes.max(1) * self.weight.numel() as i64 * 2) as u64
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        nn::{
            Value,
            testing::{assert_close, object, tensor, try_object},
        },
        torch::{Tensor, TensorType},
    };

    fn table(rows: &[f64]) -> Value {
        let table = tensor(&[rows.len() as i64 / 2, 2], rows);
        Value::Tensor(Tensor::from_tch(TensorType::DOUBLE, &table).unwrap())
    }

    #[test]
    fn only_connected_planes_count() {
        let args = |class: &str| object(class, [table(&[1.0, 1.0, 2.0, 2.0, 1.0, 2.0]), 1i64.into(), 1i64.into()]);
        for class in ["nn.SpatialConvolutionMap", "nn.SpatialFullConvolutionMap"] {
            let map = args(class);
            map.get_tensor("weight").copy_from(&tensor(&[3], &[1.0, 10.0, 100.0])).unwrap();
            map.get_tensor("bias").copy_from(&tensor(&[2], &[0.5, 0.25])).unwrap();
            assert_close(&map.eval(tensor(&[2, 1, 1], &[2.0, 3.0])).1, &[2.5, 230.25]);
            // A random table may not name the last planes.
            assert_close(&map.eval(tensor(&[3, 1, 1], &[2.0, 3.0, 7.0])).1, &[2.5, 230.25]);
        }
    }

    #[test]
    fn a_table_has_two_columns() {
        let wrong = Value::Tensor(Tensor::from_tch(TensorType::DOUBLE, &tensor(&[2], &[1.0, 1.0])).unwrap());
        let args = vec![wrong, 1i64.into(), 1i64.into()];
        assert!(try_object("nn.SpatialConvolutionMap", args).is_err());
    }
}
