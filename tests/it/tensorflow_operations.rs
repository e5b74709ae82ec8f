//! TensorFlow's operations against numbers of TensorFlow itself (`tests/golden/tensorflow/ops.json`), and their gradients
//! against finite differences.

use std::rc::Rc;

use digits::{
    frontend::tensorflow::{
        Feed, Graph, Initializer, Opened, Regularizer, Symbol, Tower, VariableRequest,
        layers::{self, BatchNorm},
        losses, lower, ops,
    },
    nn::{
        Context, Mode, Network,
        dataflow::{
            Array, Binary, DType, Dims, Labels, Loss, Normalization, Padding, Pointwise, Reduce, Reduction, Resize,
            ResizeMethod, Unary, Window, Windowed,
        },
    },
};
use serde_json::Value as Json;

type Made = digits::error::Result<Vec<Symbol>>;

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().unwrap().iter().map(|n| n.as_f64().unwrap()).collect()
}

fn integers(json: &Json) -> Vec<i64> {
    json.as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect()
}

/// The inputs of a case as variables of a graph, and what else it says.
struct Case<'a> {
    graph: Graph,
    json: &'a Json,
}

impl Case<'_> {
    fn input(&self, name: &str) -> Symbol {
        let input = &self.json["inputs"][name];
        let values = Initializer::Constant(Rc::new(numbers(&input["data"])));
        let request =
            VariableRequest { initializer: Some(values), ..VariableRequest::new(name, &integers(&input["shape"])) };
        self.graph.get_variable(&request).unwrap()
    }

    fn arg(&self, name: &str) -> &Json {
        &self.json["args"][name]
    }

    fn int(&self, name: &str) -> i64 {
        self.arg(name).as_i64().unwrap()
    }

    fn labels(&self) -> Symbol {
        let labels = numbers(self.arg("y"));
        let count = labels.len() as i64;
        self.graph.constant(labels, &[count], DType::Int64, None).unwrap()
    }

    fn window(&self) -> Window {
        let padding = if self.arg("padding") == "SAME" { Padding::Same } else { Padding::Valid };
        Window { stride: [self.int("stride"); 2], dilation: [1; 2], padding }
    }

    /// The results of the operation that the case names.
    fn make(&self) -> Made {
        let g = &self.graph;
        let one = |symbol| Ok(vec![symbol]);
        match self.json["op"].as_str().unwrap() {
            "conv2d" => one(ops::conv2d(g, self.input("x"), self.input("w"), self.window(), None)?),
            "conv2d_transpose" => {
                let size = integers(self.arg("output"));
                let sizes = ops::sizes(g, &[1, size[0], size[1], 3])?;
                one(g.add(Windowed::Transposed(self.window()), &[self.input("x"), self.input("w"), sizes], None)?)
            }
            pool @ ("max_pool" | "avg_pool") => {
                let kernel = [self.int("kernel"); 2];
                one(layers::pool(g, self.input("x"), kernel, self.window(), pool == "max_pool", None)?)
            }
            "flatten" => one(layers::flatten(g, self.input("x"))?),
            "xavier limit" => {
                // Where the distribution ends, seen from a large draw.
                let limit = |dims: &[i64]| {
                    let (a, b) = digits::frontend::tensorflow::initializers::fans_of(dims);
                    (6.0 / (a + b)).sqrt()
                };
                let limits = [limit(&[784, 300]), limit(&[5, 5, 1, 20]), limit(&[5, 5, 20, 50]), limit(&[16])];
                one(g.constant(limits.to_vec(), &[4], DType::Float32, None)?)
            }
            "l2_regularizer" => {
                let scale = self.arg("scale").as_f64().unwrap();
                one(Regularizer::L2(scale).penalty(g, self.input("w"))?.unwrap())
            }
            "digits.classification_loss" => one(losses::classification_loss(g, self.input("pred"), self.labels())?),
            "digits.classification_accuracy" => {
                one(losses::classification_accuracy(g, self.input("pred"), self.labels())?)
            }
            "digits.classification_accuracy_top_n" => {
                one(losses::classification_accuracy_top_n(g, self.input("pred"), self.labels(), self.int("n"))?)
            }
            "digits.mse_loss" => one(losses::mse_loss(g, self.input("a"), self.input("b"))?),
            "digits.constrastive_loss" => {
                one(losses::constrastive_loss(g, self.input("a"), self.input("b"), self.input("y"), 1.0)?)
            }
            "sigmoid_cross_entropy_with_logits" => {
                one(g.add(Loss::SigmoidCrossEntropy, &[self.input("z"), self.input("x")], None)?)
            }
            "batch_norm, training" => {
                let x = self.input("x");
                let (_, _guard) = g.open_variable_scope(&Opened::Named("b"), None)?;
                let fused = self.arg("fused") == true;
                let settings =
                    BatchNorm { decay: 0.9, epsilon: 1e-5, scale: true, updates: true, fused, ..BatchNorm::default() };
                let y = layers::batch_norm(g, x, &settings)?;
                // The moving statistics are looked at after the pass.
                one(y)
            }
            "resize_bilinear" => {
                let size = ops::sizes(g, &integers(self.arg("size")))?;
                let resize = Resize { method: ResizeMethod::Bilinear, align_corners: false };
                one(g.add(resize, &[self.input("x"), size], None)?)
            }
            "moments" => {
                let (mean, variance) = ops::moments(g, self.input("x"), &integers(self.arg("axes")), true, None)?;
                Ok(vec![mean, variance])
            }
            "local_response_normalization" => {
                let planes = Normalization::Planes { radius: 5, bias: 1.0, alpha: 1.0, beta: 0.5 };
                one(g.add(planes, &[self.input("x")], None)?)
            }
            "elementwise" => self.elementwise(self.input("x")),
            "histogram_fixed_width" => {
                let range = g.constant(numbers(self.arg("range")), &[2], DType::Float32, None)?;
                one(g.add(Reduction::Histogram(self.int("nbins"), DType::Int32), &[self.input("x"), range], None)?)
            }
            "one_hot, concat, transpose, split" => {
                let indices = g.constant(vec![1.0, 7.0], &[2], DType::Int32, None)?;
                let hot = Array::OneHot { depth: 3, on: 1.0, off: 0.0, axis: None, dtype: DType::Float32 };
                let x = self.input("x");
                let mut all = vec![g.add(hot, &[indices], None)?];
                all.push(ops::concat(g, &[x, x], 1, None)?);
                all.push(ops::transpose(g, x, None, None)?);
                all.extend(ops::split(g, x, &[1, 1, 1], 1, None)?);
                Ok(all)
            }
            other => panic!("no case for {other}"),
        }
    }

    fn elementwise(&self, x: Symbol) -> Made {
        let g = &self.graph;
        let number = |value| ops::scalar(g, value, DType::Float32);
        let times = |factor| ops::scaled(g, x, factor);
        Ok(vec![
            ops::binary(g, Binary::Maximum, x, times(0.2)?, None)?,
            ops::unary(g, Unary::Elu, x, None)?,
            ops::unary(g, Unary::Softplus, x, None)?,
            ops::unary(g, Unary::Relu6, times(5.0)?, None)?,
            ops::unary(g, Unary::LeakyRelu(0.2), x, None)?,
            ops::cast(g, times(3.0)?, DType::Int32, None)?,
            ops::binary(g, Binary::FloorDiv, x, number(0.7)?, None)?,
            ops::binary(g, Binary::FloorMod, x, number(0.7)?, None)?,
        ])
    }
}

/// A network whose output is these values and whose loss is Σ output·(1, 2, 3 … / 7), of those that have a gradient.
fn network(graph: &Graph, outputs: Vec<Symbol>) -> Network {
    let images = graph.placeholder(Feed::Images, DType::Float32, Dims(vec![None]), "x").unwrap();
    let mut sum = ops::scalar(graph, 0.0, DType::Float32).unwrap();
    for &output in outputs.iter().filter(|&&output| graph.dtype(output).is_float()) {
        let size = graph.dims(output).all().unwrap();
        let count: i64 = size.iter().product();
        let weights = (0..count).map(|i| (i + 1) as f64 / 7.0).collect();
        let weights = graph.constant(weights, &size, DType::Float32, None).unwrap();
        let product = ops::binary(graph, Binary::Mul, output, weights, None).unwrap();
        let part = ops::reduce(graph, Reduce::Sum, product, None, false, None).unwrap();
        sum = ops::binary(graph, Binary::Add, sum, part, None).unwrap();
    }
    let tower = Tower {
        images,
        labels: None,
        outputs,
        losses: vec![(sum, None)],
        reported: vec![],
        updates: vec![],
        scalars: vec![],
        views: vec![],
    };
    lower(graph, &tower, &tower, Labels::Whole, false, (tch::Kind::Double, tch::Device::Cpu)).unwrap().network
}

/// Output and loss of a training pass.
fn pass(network: &Network) -> (Vec<tch::Tensor>, tch::Tensor) {
    let nothing: digits::nn::Activity = tch::Tensor::zeros([1], (tch::Kind::Double, tch::Device::Cpu)).into();
    let mut cx = Context::new(Mode::Train).towards(&nothing);
    let output = network.forward(&nothing, &mut cx).unwrap();
    let loss = network.loss(&output, &nothing, &mut cx).unwrap();
    // What the rest of the program sees has the planes in front.
    let last = |x: &tch::Tensor| if x.dim() == 4 { x.permute([0, 2, 3, 1]) } else { x.shallow_clone() };
    (output.tensors().into_iter().map(last).collect(), loss)
}

#[test]
fn every_case_gives_tensorflow_s_numbers() {
    let golden: Json = serde_json::from_str(include_str!("../golden/tensorflow/ops.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 44);
    for json in cases {
        let case = Case { graph: Graph::new(1), json };
        let what = format!("{} {}", json["op"], json["args"]);
        let outputs = case.make().unwrap_or_else(|page| panic!("{what}: {page}"));
        let network = network(&case.graph, outputs);
        let (made, _) = pass(&network);
        let buffers = network.parameters.buffers.iter().map(|buffer| buffer.tensor.shallow_clone());
        let wanted = json["outputs"].as_array().unwrap();
        let made: Vec<tch::Tensor> = made.into_iter().chain(buffers).collect();
        assert_eq!(made.len(), wanted.len(), "{what}");
        for (made, wanted) in made.iter().zip(wanted) {
            assert_eq!(made.size(), integers(&wanted["shape"]), "{what}");
            let got = Vec::<f64>::try_from(made.to_kind(tch::Kind::Double).contiguous().view([-1])).unwrap();
            for (got, wanted) in got.iter().zip(numbers(&wanted["data"])) {
                assert!((got - wanted).abs() <= 1e-5 * wanted.abs().max(1.0), "{what}: {got}, not {wanted}");
            }
        }
    }
}

#[test]
fn gradients_are_the_slopes_of_the_loss() {
    let golden: Json = serde_json::from_str(include_str!("../golden/tensorflow/ops.json")).unwrap();
    let mut compared = 0;
    for json in golden["cases"].as_array().unwrap() {
        let case = Case { graph: Graph::new(1), json };
        let what = format!("{} {}", json["op"], json["args"]);
        let network = network(&case.graph, case.make().unwrap());
        let flat = network.parameters.flat.view();
        let (_, loss) = pass(&network);
        if !loss.requires_grad() {
            continue;
        }
        network.backward(&loss, vec![]).unwrap();
        let gradient = network.parameters.grad.view().copy();
        for i in 0..flat.numel() as i64 {
            let moved = |by: f64| {
                let _ = tch::no_grad(|| flat.get(i).f_add_scalar_(by).unwrap());
                tch::no_grad(|| pass(&network).1.double_value(&[]))
            };
            let step = 1e-6;
            let (above, below) = (moved(step), moved(-2.0 * step));
            moved(step);
            let (slope, got) = ((above - below) / (2.0 * step), gradient.double_value(&[i]));
            assert!((slope - got).abs() <= 2e-5 * slope.abs().max(1.0), "{what}, number {i}: {got}, not {slope}");
            compared += 1;
        }
    }
    assert!(compared > 1500, "{compared}");
}

/// Operations without a case of their own, by hand.
#[test]
fn small_truths() {
    let graph = Graph::new(1);
    let g = &graph;
    let row = |values: &[f64]| g.constant(values.to_vec(), &[values.len() as i64], DType::Float32, None).unwrap();
    let value = |symbol: Symbol| {
        let value = g.evaluate(symbol).unwrap().to_kind(tch::Kind::Double);
        (value.size(), Vec::<f64>::try_from(value.contiguous().view([-1])).unwrap())
    };
    let x = row(&[1.0, 2.0, 3.0]);
    let mirrored = Array::Pad { paddings: vec![(2, 1)], mode: digits::nn::dataflow::PadMode::Reflect };
    assert_eq!(value(g.add(mirrored, &[x], None).unwrap()).1, [3.0, 2.0, 1.0, 2.0, 3.0, 2.0]);
    let mirrored = Array::Pad { paddings: vec![(2, 1)], mode: digits::nn::dataflow::PadMode::Symmetric };
    assert_eq!(value(g.add(mirrored, &[x], None).unwrap()).1, [2.0, 1.0, 1.0, 2.0, 3.0, 3.0]);
    let tiled = g.add(Array::Tile, &[x, ops::sizes(g, &[2]).unwrap()], None).unwrap();
    assert_eq!(value(tiled).1, [1.0, 2.0, 3.0, 1.0, 2.0, 3.0]);
    let bits = g.add(Pointwise::Binary(Binary::Greater), &[x, row(&[2.0])], None).unwrap();
    assert_eq!(g.dtype(bits), DType::Bool);
    let chosen = g.add(Pointwise::Select, &[bits, x, row(&[9.0, 9.0, 9.0])], None).unwrap();
    assert_eq!(value(chosen).1, [9.0, 9.0, 3.0]);
    let stacked = ops::stack(g, &[x, x], 1, None).unwrap();
    assert_eq!(value(stacked), (vec![3, 2], vec![1.0, 1.0, 2.0, 2.0, 3.0, 3.0]));
    assert_eq!(value(ops::unstack(g, stacked, 0, None).unwrap()[2]).1, [3.0, 3.0]);
    let unit = ops::l2_normalize(g, row(&[3.0, 4.0]), None, 1e-12, None).unwrap();
    assert!(value(unit).1.iter().zip([0.6, 0.8]).all(|(a, b)| (a - b).abs() < 1e-6));
    let halves = [1.5, 2.5, -0.5].map(|v| value(ops::unary(g, Unary::Round, row(&[v]), None).unwrap()).1[0]);
    assert_eq!(halves, [2.0, 2.0, 0.0]);
    let page = ops::binary(g, Binary::Add, x, g.constant(vec![1.0], &[3], DType::Int32, None).unwrap(), None);
    assert!(page.unwrap_err().to_string().contains("tensors of different types: float32 and int32"));
}
