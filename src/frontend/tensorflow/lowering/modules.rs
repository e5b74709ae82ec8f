//! A chain of layers as modules of `nn` on planes-first images: the very modules that the Lua form of the network has.
//!
//! TensorFlow's features of an image lie row by row with the planes innermost, ours plane by plane. Between images and a
//! matrix the order of features is a matter of the matrix's layout only, so nothing is moved at run time.

use std::rc::Rc;

use super::{
    chain::{Link, Step},
    object::Object,
    parameters::Made,
};
use crate::{
    error::Result,
    frontend::tensorflow::state::Graph,
    nn::{
        FileLayout, Node, Value,
        dataflow::{Padding, Unary, Window},
    },
    torch::{Element, TensorType},
};

/// Rows, columns and planes.
type Image = [i64; 3];

/// What flows between two steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    /// Images.
    Image(Image),
    /// Features; with the image whose order, plane by plane, they are in where it differs from TensorFlow's.
    Flat(i64, Option<Image>),
}

/// A step with what it needs to become a module.
struct Planned {
    step: Step,
    operation: usize,
    before: Flow,
    after: Flow,
}

/// The modules in order and the layout of each variable; `None` when the order of features cannot be kept.
pub(super) struct Plan {
    steps: Vec<Planned>,
    pub(super) layouts: Vec<(usize, FileLayout)>,
}

fn moves(image: Image) -> Option<Image> {
    (image[2] > 1 && image[0] * image[1] > 1).then_some(image)
}

/// A plan for this chain over images of these rows, columns and planes.
pub(super) fn plan(graph: &Graph, links: &[Link], image: Image) -> Option<Plan> {
    let mut flow = Flow::Image(image);
    let mut steps: Vec<Planned> = Vec::new();
    for link in links {
        let before = flow;
        let sizes = || link.dims.0.iter().skip(1).copied().collect::<Option<Vec<i64>>>();
        flow = match (&link.step, before) {
            (Step::Scale(_) | Step::Function(_) | Step::Dropout(_), flow) => flow,
            (Step::Softmax, Flow::Flat(n, None)) => Flow::Flat(n, None),
            (Step::Convolution { .. }, Flow::Image(_)) => Flow::Image(sizes()?.try_into().ok()?),
            (Step::MaxPool { kernel, window } | Step::AvgPool { kernel, window }, Flow::Image(image)) => {
                if !pools_alike(image, *kernel, window) {
                    return None;
                }
                Flow::Image(sizes()?.try_into().ok()?)
            }
            (Step::Linear { .. }, Flow::Flat(..)) => Flow::Flat(*sizes()?.first()?, None),
            (Step::Reshape(to), flow) => match (to.as_slice(), flow) {
                (&[n], Flow::Image(image)) => Flow::Flat(n, moves(image)),
                (&[n], Flow::Flat(..)) => {
                    if let Flow::Flat(_, order) = flow {
                        Flow::Flat(n, order)
                    } else {
                        return None;
                    }
                }
                (&[h, w, c], Flow::Image(image)) => {
                    if image != [h, w, c] && (moves(image).is_some() || moves([h, w, c]).is_some()) {
                        return None;
                    }
                    Flow::Image([h, w, c])
                }
                (&[h, w, c], Flow::Flat(n, order)) => {
                    let wanted = moves([h, w, c]);
                    if order != wanted && !arrange(&mut steps, wanted.filter(|_| order.is_none())?, n) {
                        return None;
                    }
                    Flow::Image([h, w, c])
                }
                _ => return None,
            },
            _ => return None,
        };
        steps.push(Planned { step: link.step.clone(), operation: link.operation, before, after: flow });
    }
    if matches!(flow, Flow::Flat(_, Some(_))) {
        return None;
    }
    let mut layouts = Vec::new();
    for planned in &steps {
        layouts.extend(planned.layouts(graph)?);
    }
    let mut seen: Vec<usize> = layouts.iter().map(|(index, _)| *index).collect();
    seen.sort_unstable();
    seen.dedup();
    (seen.len() == layouts.len()).then_some(Plan { steps, layouts })
}

/// Lets the last matrix give its outputs in the order of `image`'s planes. False when a step behind it minds.
fn arrange(steps: &mut [Planned], image: Image, n: i64) -> bool {
    for planned in steps.iter_mut().rev() {
        if planned.after != Flow::Flat(n, None) {
            return false;
        }
        planned.after = Flow::Flat(n, Some(image));
        match planned.step {
            Step::Linear { .. } => return true,
            Step::Scale(_) | Step::Function(_) | Step::Dropout(_) | Step::Reshape(_) => {
                if planned.before != Flow::Flat(n, None) {
                    return false;
                }
                planned.before = Flow::Flat(n, Some(image));
            }
            _ => return false,
        }
    }
    false
}

impl Planned {
    /// The layout of the step's variables.
    fn layouts(&self, graph: &Graph) -> Option<Vec<(usize, FileLayout)>> {
        let dims = |index: usize| graph.with(|state| state.variables[index].dims.clone());
        Some(match &self.step {
            Step::Linear { weights, bias } => {
                let &[inputs, outputs] = dims(*weights).as_slice() else { return None };
                let (split_in, order_in): (Vec<i64>, Vec<i64>) = match self.before {
                    Flow::Flat(n, Some([h, w, c])) if n == inputs => (vec![h, w, c], vec![2, 0, 1]),
                    Flow::Flat(n, None) if n == inputs => (vec![inputs], vec![0]),
                    _ => return None,
                };
                let (split_out, order_out): (Vec<i64>, Vec<i64>) = match self.after {
                    Flow::Flat(_, Some([h, w, c])) => (vec![h, w, c], vec![2, 0, 1]),
                    _ => (vec![outputs], vec![0]),
                };
                let shifted = order_out.iter().map(|dim| dim + split_in.len() as i64);
                let order = shifted.chain(order_in).collect();
                let split = [split_in, split_out.clone()].concat();
                let mut all = vec![(
                    *weights,
                    FileLayout { dims: vec![inputs, outputs], split, order, size: vec![outputs, inputs] },
                )];
                if let Some(bias) = bias {
                    all.push((
                        *bias,
                        FileLayout { dims: vec![outputs], split: split_out, order: order_out, size: vec![outputs] },
                    ));
                }
                all
            }
            Step::Convolution { weights, bias, .. } => {
                let &[h, w, planes, filters] = dims(*weights).as_slice() else { return None };
                let layout = FileLayout {
                    dims: vec![h, w, planes, filters],
                    split: vec![h, w, planes, filters],
                    order: vec![3, 2, 0, 1],
                    size: vec![filters, planes, h, w],
                };
                let mut all = vec![(*weights, layout)];
                all.extend(bias.map(|bias| (bias, FileLayout::same(&[filters]))));
                all
            }
            _ => Vec::new(),
        })
    }
}

impl Plan {
    /// The constructors of the modules in Lua.
    ///
    /// # Errors
    /// When a module cannot be built.
    pub(super) fn in_torch(&self, made: &Made, element: Element) -> Result<Vec<String>> {
        let tensor_type = TensorType { element, cuda: false };
        let mut lines = Vec::new();
        for planned in &self.steps {
            for (object, _) in planned.objects(made, tensor_type)? {
                lines.push(object.in_torch());
            }
        }
        Ok(lines)
    }

    /// The root of the network.
    ///
    /// # Errors
    /// When a module cannot be built.
    pub(super) fn build(&self, graph: &Graph, made: &Made, element: Element, cuda: bool) -> Result<Rc<Node>> {
        let tensor_type = TensorType { element, cuda };
        let mut children = Vec::new();
        for planned in &self.steps {
            for (object, parameters) in planned.objects(made, tensor_type)? {
                let path = (children.len() + 1).to_string();
                let class = crate::nn::Fields::class(&object);
                let (module, printed) = object.build()?;
                let operation = graph.with(|state| state.operations[planned.operation].clone());
                let label = format!("{}: {printed}", layer_name(&operation.name));
                children.push(Rc::new(Node { path, class, label, origin: operation.origin, parameters, module }));
            }
        }
        let (module, class) = Object::new("nn.Sequential", tensor_type).holding(children).build()?;
        let (path, origin, parameters) = (String::new(), None, Vec::new());
        Ok(Rc::new(Node { path, label: class.clone(), class, origin, parameters, module }))
    }
}

/// `train/model/fc1/BiasAdd` without the stage and the operation: `model/fc1`; the operation stays where it has no scope
/// of its own.
pub(in crate::frontend::tensorflow) fn layer_name(operation: &str) -> String {
    let inner = operation.split_once('/').map_or(operation, |(_, rest)| rest);
    match inner.rsplit_once('/') {
        Some((scope, _)) if scope.contains('/') => scope.to_string(),
        _ => inner.to_string(),
    }
}

impl Planned {
    fn objects(&self, made: &Made, tensor_type: TensorType) -> Result<Vec<(Object, Vec<usize>)>> {
        let object = |class: &'static str| Object::new(class, tensor_type);
        let alone = |object: Object| vec![(object, Vec::new())];
        let learning = |mut object: Object, weights: usize, bias: Option<usize>| -> Result<(Object, Vec<usize>)> {
            let mut own = Vec::new();
            for (name, index) in [("weight", Some(weights)), ("bias", bias)] {
                if let Some((leaf, place)) = index.and_then(|index| made.leaves.get(&index)) {
                    object = object.learning(name, leaf)?;
                    own.extend(*place);
                }
            }
            Ok((object, own))
        };
        Ok(match &self.step {
            Step::Scale(factor) => alone(object("nn.MulConstant").with("constant_scalar", *factor)),
            Step::Function(Unary::Sigmoid) => alone(object("nn.Sigmoid")),
            Step::Function(Unary::Tanh) => alone(object("nn.Tanh")),
            Step::Function(_) => alone(object("nn.ReLU").with("threshold", 0.0).with("val", 0.0)),
            Step::Softmax => alone(object("nn.SoftMax")),
            Step::Dropout(keep) => alone(object("nn.Dropout").with("p", 1.0 - keep).with("v2", true)),
            Step::Reshape(_) => match (self.before, self.after) {
                (Flow::Image(_), Flow::Flat(..)) => {
                    let sizes = Value::Sizes(vec![-1]);
                    alone(object("nn.View").with("size", sizes).with("numInputDims", 3i64))
                }
                (Flow::Flat(..), Flow::Image([h, w, c])) => {
                    let sizes = Value::Sizes(vec![c, h, w]);
                    alone(object("nn.View").with("size", sizes).with("numInputDims", 1i64))
                }
                (Flow::Image(from), Flow::Image([h, w, c])) if from != [h, w, c] => {
                    let sizes = Value::Sizes(vec![c, h, w]);
                    alone(object("nn.View").with("size", sizes).with("numInputDims", 3i64))
                }
                _ => Vec::new(),
            },
            Step::Linear { weights, bias } => vec![learning(object("nn.Linear"), *weights, *bias)?],
            Step::Convolution { weights, bias, window } => {
                let size = made.leaves.get(weights).map(|(leaf, _)| leaf.size()).unwrap_or_default();
                let kernel = [size[2], size[3]];
                let Flow::Image(image) = self.before else { return Ok(Vec::new()) };
                let (mut objects, pads) = bordered(tensor_type, image, kernel, window);
                let convolution = windowed(object("nn.SpatialConvolution"), kernel, window, pads)
                    .with("nInputPlane", size[1])
                    .with("nOutputPlane", size[0]);
                objects.push(learning(convolution, *weights, *bias)?);
                objects
            }
            Step::MaxPool { kernel, window } => {
                let Flow::Image(image) = self.before else { return Ok(Vec::new()) };
                let (pads, ceil) = pooled(image, *kernel, window);
                alone(windowed(object("nn.SpatialMaxPooling"), *kernel, window, pads).with("ceil_mode", ceil))
            }
            Step::AvgPool { kernel, window } => {
                let Flow::Image(image) = self.before else { return Ok(Vec::new()) };
                let (pads, ceil) = pooled(image, *kernel, window);
                let pool = windowed(object("nn.SpatialAveragePooling"), *kernel, window, pads);
                alone(pool.with("ceil_mode", ceil).with("count_include_pad", false).with("divide", true))
            }
        })
    }
}

fn windowed(object: Object, kernel: [i64; 2], window: &Window, pads: [i64; 2]) -> Object {
    object
        .with("kH", kernel[0])
        .with("kW", kernel[1])
        .with("dH", window.stride[0])
        .with("dW", window.stride[1])
        .with("padH", pads[0])
        .with("padW", pads[1])
}

/// A border of zeros where a convolution needs more rows on one side, and the padding that it adds itself.
fn bordered(
    tensor_type: TensorType,
    image: Image,
    kernel: [i64; 2],
    window: &Window,
) -> (Vec<(Object, Vec<usize>)>, [i64; 2]) {
    let [(top, bottom), (left, right)] = [0, 1].map(|dim| window.pads(dim, image[dim], kernel[dim]));
    if top == bottom && left == right {
        return (Vec::new(), [top, left]);
    }
    let border = Object::new("nn.SpatialZeroPadding", tensor_type)
        .with("pad_l", left)
        .with("pad_r", right)
        .with("pad_t", top)
        .with("pad_b", bottom);
    (vec![(border, Vec::new())], [0, 0])
}

/// Padding of a pool, and whether it rounds up: windows that hang over the bottom or the right count what is there.
fn pooled(image: Image, kernel: [i64; 2], window: &Window) -> ([i64; 2], bool) {
    let pads = [0, 1].map(|dim| window.pads(dim, image[dim], kernel[dim]));
    let ceil = window.padding == Padding::Same && pads.iter().any(|(before, behind)| before != behind);
    (pads.map(|(before, _)| before), ceil)
}

/// Whether libtorch's way of rounding up gives TensorFlow's number of windows in both dims.
fn pools_alike(image: Image, kernel: [i64; 2], window: &Window) -> bool {
    let (pads, ceil) = pooled(image, kernel, window);
    (0..2).all(|dim| {
        let room = image[dim] + 2 * pads[dim] - kernel[dim];
        let steps = if ceil {
            (room + window.stride[dim] - 1).div_euclid(window.stride[dim])
        } else {
            room.div_euclid(window.stride[dim])
        };
        steps + 1 == window.count(dim, image[dim], kernel[dim]) && window.dilation[dim] == 1
    })
}
