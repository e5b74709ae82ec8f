//! For tests and benches: networks of Linear and ReLU built without a front end, drawn as Torch7 draws them.

use std::rc::Rc;

use crate::{
    error::Result,
    nn::{
        Build, Builder, Criterion, Fields, Module, Network, Node, Parameter, Parameters, Spec,
        criteria::mse::Mse,
        modules::{linear::Linear, mul_constant::MulConstant, sequential, threshold::Threshold, view::View},
    },
    torch::{Generator, Tensor, TensorType},
};

/// A network to be made: `widths` of 3 numbers give two Linears with a ReLU between them.
pub(crate) struct Sample {
    pub(crate) widths: Vec<i64>,
    pub(crate) bias: bool,
    /// Whether a ReLU follows the last Linear too.
    pub(crate) last_relu: bool,
    /// Factor of the MulConstant in front.
    pub(crate) scale: f64,
    pub(crate) size_average: bool,
    pub(crate) seed: u64,
}

impl Sample {
    /// The seed document's autoencoder.
    pub(crate) fn autoencoder() -> Sample {
        Sample::of(&[784, 300, 50, 300, 784])
    }

    /// Linears of these widths, with biases, scaled by 1/256.
    pub(crate) fn of(widths: &[i64]) -> Sample {
        let scale = 0.003_906_25;
        Sample { widths: widths.to_vec(), bias: true, last_relu: false, scale, size_average: true, seed: 1 }
    }

    /// The network: MulConstant, View, Linear, ReLU, …, Linear, View. Input `[n, …]`, output `[n, 1, last width]`.
    pub(crate) fn network(&self, tensor_type: TensorType) -> Network {
        let count: i64 = self.widths.windows(2).map(|w| w[0] * w[1] + if self.bias { w[1] } else { 0 }).sum();
        let flat = Tensor::zeros(tensor_type, &[count]).unwrap();
        let grad = Tensor::zeros(tensor_type, &[count]).unwrap();
        let mut generator = Generator::new(self.seed);
        let (mut list, mut modules): (Vec<Parameter>, Vec<Box<dyn Module>>) = (vec![], vec![]);
        let mut at = 0;
        modules.push(Box::new(MulConstant { constant: self.scale }));
        modules.push(Box::new(View { sizes: vec![self.widths[0]], num_input_dims: None }));
        let last = self.widths.len() - 2;
        for (i, w) in self.widths.windows(2).enumerate() {
            let (inputs, outputs) = (w[0], w[1]);
            let limit = 1.0 / (inputs as f64).sqrt();
            let mut parameter = |field: &str, size: &[i64]| {
                let numel: i64 = size.iter().product();
                let numbers: Vec<f64> = (0..numel).map(|_| generator.uniform(-limit, limit)).collect();
                let part = flat.view().narrow(0, at, numel).view(size);
                part.shallow_clone().copy_(&tch::Tensor::from_slice(&numbers).view(size));
                let leaf = part.detach().set_requires_grad(true);
                list.push(Parameter {
                    name: format!("{}.{field}", modules.len() + 1),
                    size: size.to_vec(),
                    leaf: leaf.shallow_clone(),
                    grad: grad.view().narrow(0, at, numel).view(size),
                    learns: true,
                    is_twin: false,
                    layout: None,
                });
                at += numel;
                leaf
            };
            let weight = parameter("weight", &[outputs, inputs]);
            let bias = self.bias.then(|| parameter("bias", &[outputs]));
            modules.push(Box::new(Linear { weight, bias }));
            if i < last || self.last_relu {
                modules.push(Box::new(Threshold { threshold: 0.0, value: 0.0 }));
            }
        }
        modules.push(Box::new(View { sizes: vec![1, self.widths[last + 1]], num_input_dims: Some(1) }));
        let children = modules.into_iter().enumerate().map(|(i, module)| node((i + 1).to_string(), module)).collect();
        Network {
            root: sequence(children),
            criterion: Box::new(Mse { size_average: self.size_average }),
            criterion_label: "nn.MSECriterion".to_string(),
            criterion_origin: None,
            reported: None,
            gradient_update: None,
            draws: None,
            parameters: Parameters { flat, grad, list, buffers: vec![] },
            kind: tensor_type.element.kind(),
            device: tch::Device::Cpu,
        }
    }
}

/// A node with this path.
pub(crate) fn node(path: String, module: Box<dyn Module>) -> Rc<Node> {
    let (class, label) = (String::new(), String::new());
    Rc::new(Node { path, class, label, origin: None, parameters: vec![], module })
}

/// A Sequential of these.
pub(crate) fn sequence(children: Vec<Rc<Node>>) -> Rc<Node> {
    let spec: &Spec = &sequential::SPEC;
    let Build::Module(build) = spec.build else { unreachable!("nn.Sequential is a module") };
    node(String::new(), build(&mut Children(children)).unwrap())
}

/// A builder that knows children only.
struct Children(Vec<Rc<Node>>);

impl Builder for Children {
    fn fields(&self) -> &dyn Fields {
        unreachable!("nn.Sequential reads no field")
    }
    fn parameter(&mut self, _: &str) -> Result<Option<tch::Tensor>> {
        Ok(None)
    }
    fn buffer(&mut self, _: &str) -> Result<Option<tch::Tensor>> {
        Ok(None)
    }
    fn children(&mut self) -> Result<Vec<Rc<Node>>> {
        Ok(std::mem::take(&mut self.0))
    }
    fn child(&mut self, _: &str) -> Result<Rc<Node>> {
        unreachable!("nn.Sequential has no named child")
    }
    fn criterion(&mut self, _: &str) -> Result<Box<dyn Criterion>> {
        unreachable!("nn.Sequential has no criterion")
    }
    fn criteria(&mut self, _: &str) -> Result<Vec<Box<dyn Criterion>>> {
        Ok(vec![])
    }
}

/// Made-up grey levels minus a mean, −33 to 222, `[n, 1, 1, width]`, different for each `salt`: like digits, mostly
/// dark with a few bright bumps.
pub(crate) fn batch(n: i64, width: i64, salt: i64) -> tch::Tensor {
    let mut generator = Generator::new(1000 + salt.unsigned_abs());
    let mut numbers = vec![0f32; (n * width) as usize];
    for image in numbers.chunks_mut(width as usize) {
        for _ in 0..4 {
            let (centre, radius) = (generator.uniform(0.0, width as f64), generator.uniform(0.01, 0.05) * width as f64);
            let (first, end) = ((centre - radius).max(0.0) as usize, (centre + radius).max(0.0) as usize + 1);
            for (p, grey) in image.iter_mut().enumerate().take(end).skip(first) {
                let bump = 255.0 * (1.0 - ((p as f64 - centre) / radius).powi(2));
                *grey = grey.max(bump as f32);
            }
        }
        image.iter_mut().for_each(|grey| *grey = grey.round() - 33.0);
    }
    tch::Tensor::from_slice(&numbers).view([n, 1, 1, width])
}
