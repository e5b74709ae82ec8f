//! Dims in another order, named by letters: `nn.Convert('bchw', 'bhwc')`; `'bf'` flattens each sample.
//!
//! Torch7: `nn/Convert.lua`: b batch, c planes, h w images, d depth, t time, f features. A shape without b gets one in
//! front; an input that lacks the batch dim gets it for the conversion and loses it again.

use crate::{
    error::{Error, Kind, Result},
    nn::{
        activity::Activity,
        fields::{Fields, Value},
        module::{Context, Module},
        refusals::size_mismatch,
        spec::{ArgKind, Args, Builder, Missing, Probe, Spec, optional},
    },
    torch::Generator,
};

/// `nn.Convert([inputShape, outputShape])`
pub const SPEC: Spec = Spec {
    args: &[optional("inputShape", ArgKind::Text, Missing::Nil), optional("outputShape", ArgKind::Text, Missing::Nil)],
    init: Some(init),
    ..Spec::module(&["nn.Convert"], build, Probe::module("'bchw', 'hwcb'", "torch.randn(2, 3, 2, 2)"))
};

/// A change of the dims' order.
pub struct Convert {
    input: String,
    output: String,
    kind: tch::Kind,
}

fn init(args: &Args<'_>, fields: &dyn Fields, _: &mut Generator) -> Result<()> {
    let text = |name: &str| match args.value(name) {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let (input, output) = (text("inputShape"), text("outputShape"));
    if input.is_none() && output.is_some() {
        return Err(Error::new(Kind::Argument, "Expecting non-nil arg 1 when arg 2 is provided"));
    }
    let input = input.unwrap_or_else(|| "b*".into());
    let output = output.unwrap_or_else(|| input.clone());
    let batched = |shape: String| if shape.contains('b') { shape } else { format!("b{shape}") };
    let (input, output) = (batched(input), batched(output));
    if (input == "b*") != (output == "b*") {
        return Err(Error::new(Kind::Argument, "Both or neither shapes must be b*"));
    }
    let dims = |shape: &str| if shape == "b*" { -1 } else { shape.len() as i64 };
    fields.set("nInputDim", dims(&input).into())?;
    fields.set("nOutputDim", dims(&output).into())?;
    fields.set("inputShape", Value::Text(input))?;
    fields.set("outputShape", Value::Text(output))
}

fn build(builder: &mut dyn Builder) -> Result<Box<dyn Module>> {
    let fields = builder.fields();
    let text = |name: &str| match fields.get(name)? {
        Value::Text(text) => Ok(text),
        other => Err(Error::new(Kind::Network, format!("field '{name}' must be a string, not {}", other.type_name()))),
    };
    let kind = fields.tensor_type().element.kind();
    Ok(Box::new(Convert { input: text("inputShape")?, output: text("outputShape")?, kind }))
}

impl Convert {
    /// 0-based dim of a letter in the input.
    fn dim(&self, letter: char) -> Option<i64> {
        self.input.find(letter).map(|at| at as i64)
    }

    fn converted(&self, x: &tch::Tensor) -> Result<tch::Tensor> {
        let unknown = || {
            Error::new(Kind::Shape, format!("Unrecognized conversion of shape {} to {}", self.input, self.output))
                .with_help("the letters of both shapes must be the same, or the second one 'bf', 'b' or 'bt'")
        };
        let order: Option<Vec<i64>> = self.output.chars().map(|letter| self.dim(letter)).collect();
        if let (Some(order), true) = (order, self.input.len() == self.output.len()) {
            return Ok(x.f_permute(order)?);
        }
        let batch = self.dim('b').ok_or_else(unknown)?;
        let samples = x.size()[batch as usize];
        match (self.input.as_str(), self.output.as_str()) {
            ("bt" | "tb", "bf") => Err(unknown()),
            (_, "bf") | ("b", "bt") => Ok(x.f_transpose(0, batch)?.f_reshape([samples, -1])?),
            ("bt" | "tb", "b") => Ok(x.f_select(1 - batch, 0)?),
            ("bf" | "fb", "b") if x.size()[(1 - batch) as usize] == 1 => Ok(x.f_select(1 - batch, 0)?),
            _ => Err(unknown()),
        }
    }
}

impl Module for Convert {
    fn forward(&self, input: &Activity, _cx: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?.f_to_kind(self.kind)?;
        if self.input == "b*" {
            return Ok(x.into());
        }
        let missing = self.input.len() as i64 - x.dim() as i64;
        if !(0..=1).contains(&missing) {
            return Err(size_mismatch(input, format!("{} dimensions: {}", self.input.len(), self.input)));
        }
        if missing == 0 {
            return Ok(self.converted(&x)?.into());
        }
        let y = self.converted(&x.f_unsqueeze(self.dim('b').unwrap_or(0))?)?;
        Ok(y.f_squeeze_dim(self.output.find('b').unwrap_or(0) as i64)?.into())
    }
}

#[cfg(test)]
mod tests {
    use crate::nn::{
        Mode, Value,
        testing::{Object, object, randn, try_object},
    };

    fn convert(from: &str, to: &str) -> Object {
        object("nn.Convert", [Value::Text(from.into()), Value::Text(to.into())])
    }

    #[test]
    fn letters_move_and_samples_flatten() {
        assert_eq!(convert("bchw", "chwb").eval(randn(&[8, 3, 5, 4])).0, [3, 5, 4, 8]);
        assert_eq!(convert("chw", "hwc").eval(randn(&[3, 5, 4])).0, [5, 4, 3]);
        assert_eq!(convert("bchw", "bf").eval(randn(&[8, 3, 5, 4])).0, [8, 60]);
        assert_eq!(convert("chw", "f").eval(randn(&[3, 5, 4])).0, [60]);
        assert_eq!(convert("bt", "b").eval(randn(&[3, 5])).0, [3]);
        assert!(convert("bchw", "bt").forward(Mode::Train, randn(&[1, 1, 1, 1])).is_err());
        assert!(convert("bchw", "bf").forward(Mode::Train, randn(&[1, 1])).is_err());
        assert!(try_object("nn.Convert", vec![Value::Nil, Value::Text("bf".into())]).is_err());
    }
}
