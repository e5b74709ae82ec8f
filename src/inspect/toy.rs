//! Networks for this folder's tests, built in Rust: fixed weights, no Lua.

use std::rc::Rc;

use crate::{
    error::{Origin, Result},
    nn::{
        Activity, Context, Criterion, Module, Network, Node, Parameter, Parameters, Shape,
        modules::{
            linear::Linear,
            soft_max::{Kind, Of, SoftMax},
        },
        size_mismatch,
    },
    torch::{Tensor, TensorType},
};

struct Chain(Vec<Rc<Node>>);

impl Module for Chain {
    fn forward(&self, input: &Activity, cx: &mut Context<'_>) -> Result<Activity> {
        self.0.iter().try_fold(input.share(), |activity, child| child.forward(&activity, cx))
    }

    fn children(&self) -> Vec<&Node> {
        self.0.iter().map(Rc::as_ref).collect()
    }
}

struct Pointwise(fn(&tch::Tensor) -> tch::Tensor);

impl Module for Pointwise {
    fn forward(&self, input: &Activity, _: &mut Context<'_>) -> Result<Activity> {
        Ok((self.0)(input.tensor()?).into())
    }

    fn flops(&self, _: &Shape, output: &Shape) -> u64 {
        output.numel() as u64
    }
}

/// `[n, …]` to `[n, sizes…]`; the product must fit.
struct View(Vec<i64>);

impl Module for View {
    fn forward(&self, input: &Activity, _: &mut Context<'_>) -> Result<Activity> {
        let x = input.tensor()?;
        let n = x.size().first().copied().unwrap_or(1);
        let size = [&[n], self.0.as_slice()].concat();
        let fits = self.0.contains(&-1) || size.iter().product::<i64>() == x.numel() as i64;
        if !fits {
            return Err(size_mismatch(input, format!("{size:?}")));
        }
        Ok(x.f_reshape(size)?.into())
    }
}

struct MeanSquares;

impl Criterion for MeanSquares {
    fn forward(&self, input: &Activity, target: &Activity, _: &mut Context<'_>) -> Result<tch::Tensor> {
        Ok(input.tensor()?.f_mse_loss(&target.tensor()?.f_view_as(input.tensor()?)?, tch::Reduction::Mean)?)
    }
}

/// Adds modules one after another and gathers their parameters.
pub(crate) struct Toy {
    children: Vec<Rc<Node>>,
    parameters: Vec<Parameter>,
}

impl Toy {
    pub(crate) fn new() -> Toy {
        Toy { children: vec![], parameters: vec![] }
    }

    fn add(mut self, class: &str, label: &str, module: Box<dyn Module>, parameters: Vec<usize>) -> Toy {
        let path = (self.children.len() + 1).to_string();
        let line = self.children.len() as u32 + 2;
        let origin = Some(Origin { file: "toy.lua".into(), line, text: format!("net:add({label})").into() });
        let node = Node { path, class: class.into(), label: label.into(), origin, parameters, module };
        self.children.push(Rc::new(node));
        self
    }

    /// Weight `[out, in]` with element (o, i) = ((o·7 + i·3) mod 11 − 5) / 10, bias o / 10.
    pub(crate) fn linear(mut self, input: i64, output: i64) -> Toy {
        let weight: Vec<f32> =
            (0..output * input).map(|at| ((at / input * 7 + at % input * 3) % 11 - 5) as f32 / 10.0).collect();
        let bias: Vec<f32> = (0..output).map(|o| o as f32 / 10.0).collect();
        let weight = tch::Tensor::from_slice(&weight).view([output, input]);
        let bias = tch::Tensor::from_slice(&bias);
        let module = Linear { weight: weight.shallow_clone(), bias: Some(bias.shallow_clone()) };
        let first = self.parameters.len();
        let path = self.children.len() + 1;
        for (field, tensor) in [("weight", weight), ("bias", bias)] {
            self.parameters.push(Parameter {
                name: format!("{path}.{field}"),
                size: tensor.size(),
                grad: tensor.zeros_like(),
                leaf: tensor,
                learns: true,
                is_twin: false,
                layout: None,
            });
        }
        self.add("nn.Linear", &format!("nn.Linear({input} -> {output})"), Box::new(module), vec![first, first + 1])
    }

    pub(crate) fn relu(self) -> Toy {
        self.add("nn.ReLU", "nn.ReLU", Box::new(Pointwise(tch::Tensor::relu)), vec![])
    }

    pub(crate) fn log_softmax(self) -> Toy {
        let module = SoftMax { kind: Kind::Logarithm, of: Of::Samples };
        self.add("nn.LogSoftMax", "nn.LogSoftMax", Box::new(module), vec![])
    }

    pub(crate) fn view(self, size: &[i64]) -> Toy {
        let words = size.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
        self.add("nn.View", &format!("nn.View({words})"), Box::new(View(size.to_vec())), vec![])
    }

    pub(crate) fn finish(self) -> Network {
        let parts: Vec<tch::Tensor> = self.parameters.iter().map(|p| p.leaf.flatten(0, -1)).collect();
        let flat = if parts.is_empty() {
            Tensor::empty(TensorType::FLOAT)
        } else {
            Tensor::from_tch(TensorType::FLOAT, &tch::Tensor::cat(&parts, 0)).unwrap()
        };
        let grad = Tensor::zeros(TensorType::FLOAT, &flat.size()).unwrap();
        let root = Node {
            path: String::new(),
            class: "nn.Sequential".into(),
            label: "nn.Sequential".into(),
            origin: None,
            parameters: vec![],
            module: Box::new(Chain(self.children)),
        };
        Network {
            root: Rc::new(root),
            criterion: Box::new(MeanSquares),
            criterion_label: "nn.MSECriterion".into(),
            criterion_origin: None,
            reported: None,
            gradient_update: None,
            draws: None,
            parameters: Parameters { flat, grad, list: self.parameters, buffers: vec![] },
            kind: tch::Kind::Float,
            device: tch::Device::Cpu,
        }
    }
}

/// 1 × 4 × 4 → 16 → 6 → 3 → 6 → 16 → 1 × 4 × 4.
pub(crate) fn autoencoder() -> Network {
    Toy::new().view(&[-1]).linear(16, 6).relu().linear(6, 3).relu().linear(3, 6).linear(6, 16).view(&[1, 4, 4]).finish()
}

/// 1 × 4 × 4 → 16 → 7 log-probabilities.
pub(crate) fn classifier() -> Network {
    Toy::new().view(&[-1]).linear(16, 7).log_softmax().finish()
}
