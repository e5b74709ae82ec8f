//! Chains of layers give the numbers of the dataflow program that the same graph becomes when it is no chain.

use super::*;
use crate::{
    frontend::tensorflow::{
        layers::{self, Layer},
        losses, ops,
        scopes::Opened,
        state::Feed,
    },
    nn::{
        Activity, Context, Mode,
        dataflow::{Binary, DType, Dims, Padding, Unary, Window},
    },
};

const SIZE: [i64; 3] = [9, 7, 3];

fn window(stride: i64, padding: Padding) -> Window {
    Window { stride: [stride; 2], dilation: [1; 2], padding }
}

/// One stage: images of three planes through convolutions, pools, a dropout and matrices.
fn stage(
    graph: &Graph,
    name: &str,
    reuse: bool,
    build: &dyn Fn(&Graph, Symbol, bool) -> Symbol,
    classes: bool,
) -> Tower {
    let _stage = graph.name_scope(name);
    let dims = Dims(vec![None, Some(SIZE[0]), Some(SIZE[1]), Some(SIZE[2])]);
    let images = graph.placeholder(Feed::Images, DType::Float32, dims, "x").unwrap();
    let labels = graph.placeholder(Feed::Labels, DType::Int64, Dims(vec![None]), "y").unwrap();
    let (scope, _guard) = graph.open_variable_scope(&Opened::Named("model"), None).unwrap();
    if reuse {
        scope.reuse_variables();
    }
    let output = build(graph, images, name == "train");
    let loss = if classes {
        losses::classification_loss(graph, output, labels).unwrap()
    } else {
        losses::mse_loss(graph, output, images).unwrap()
    };
    Tower {
        images,
        labels: Some(labels),
        outputs: vec![output],
        losses: vec![(loss, None)],
        reported: vec![],
        updates: vec![],
        scalars: vec![],
        views: vec![],
    }
}

fn in_scope<T>(graph: &Graph, name: &str, f: impl FnOnce() -> T) -> T {
    let (_, _guard) = graph.open_variable_scope(&Opened::Named(name), None).unwrap();
    f()
}

fn dense(graph: &Graph, x: Symbol, name: &str, outputs: i64, relu: bool) -> Symbol {
    let activation = |x: Symbol| ops::unary(graph, Unary::Relu, x, None);
    let layer = Layer { activation: if relu { Some(&activation) } else { None }, ..Layer::plain() };
    in_scope(graph, name, || layers::fully_connected(graph, x, outputs, &layer).unwrap())
}

fn classifier(graph: &Graph, images: Symbol, training: bool) -> Symbol {
    let scaled = ops::scaled(graph, images, 0.5).unwrap();
    let mut x = scaled;
    for (name, filters, padding, pool) in
        [("conv1", 4, Padding::Same, Padding::Same), ("conv2", 5, Padding::Valid, Padding::Valid)]
    {
        x = in_scope(graph, name, || {
            layers::conv2d(graph, x, filters, [2, 3], window(1, padding), &Layer::plain()).unwrap()
        });
        x = layers::pool(graph, x, [2, 2], window(if name == "conv1" { 2 } else { 1 }, pool), true, None).unwrap();
    }
    x = layers::flatten(graph, x).unwrap();
    x = dense(graph, x, "fc1", 11, true);
    x = layers::dropout(graph, x, 1.0, training, None).unwrap();
    dense(graph, x, "fc2", 6, false)
}

fn autoencoder(graph: &Graph, images: Symbol, _: bool) -> Symbol {
    let x = layers::flatten(graph, images).unwrap();
    let x = dense(graph, x, "fc1", 10, true);
    let x = dense(graph, x, "fc2", SIZE.iter().product(), false);
    ops::reshape(graph, x, &[-1, SIZE[0], SIZE[1], SIZE[2]], None).unwrap()
}

/// Loss, output and the gradient of every variable in TensorFlow's layout.
fn pass(lowered: &Lowered, mode: Mode) -> (f64, tch::Tensor, Vec<tch::Tensor>) {
    let network = &lowered.network;
    tch::manual_seed(4);
    let x = tch::Tensor::randn([5, SIZE[2], SIZE[0], SIZE[1]], (tch::Kind::Double, tch::Device::Cpu));
    let classes = tch::Tensor::from_slice(&[1.0, 6.0, 2.0, 3.0, 3.0]);
    let target: Activity = if lowered.target_is_input { x.shallow_clone() } else { classes }.into();
    let mut cx = Context::new(mode).towards(&target);
    let output = network.forward(&x.into(), &mut cx).unwrap();
    let loss = network.loss(&output, &target, &mut cx).unwrap();
    network.backward(&loss, cx.take_cuts()).unwrap();
    let list = &network.parameters.list;
    let gradient = list.iter().map(|parameter| match &parameter.layout {
        Some(layout) => layout.to_file(&parameter.grad).unwrap(),
        None => parameter.grad.shallow_clone(),
    });
    (loss.double_value(&[]), output.tensor().unwrap().detach(), gradient.collect())
}

fn both_ways(build: &dyn Fn(&Graph, Symbol, bool) -> Symbol, classes: bool) -> [Lowered; 2] {
    [false, true].map(|general| {
        let graph = Graph::new(5);
        let mut train = stage(&graph, "train", false, build, classes);
        let val = stage(&graph, "val", true, build, classes);
        if general {
            // A reported term keeps the stages from being a chain; here it is nothing.
            train.reported.push(ops::scalar(&graph, 0.0, DType::Float32).unwrap());
        }
        lower(&graph, &train, &val, Labels::ClassesFromOne(1), false, (tch::Kind::Double, tch::Device::Cpu)).unwrap()
    })
}

fn compare(build: &dyn Fn(&Graph, Symbol, bool) -> Symbol, classes: bool, modules: &[&str]) {
    let [layered, general] = both_ways(build, classes);
    let found: Vec<&str> = layered.network.root.walk()[1..].iter().map(|node| node.class.as_str()).collect();
    assert_eq!(found, modules);
    assert_eq!(general.network.root.class, "tf.Graph");
    for mode in [Mode::Train, Mode::Evaluate] {
        let ((a, x, g), (b, y, h)) = (pass(&layered, mode), pass(&general, mode));
        assert!((a - b).abs() < 1e-12 * b.abs(), "{a} and {b}");
        assert!((x - y).abs().max().double_value(&[]) < 1e-12);
        for (g, h) in g.iter().zip(&h) {
            assert_eq!(g.size(), h.size());
            assert!((g - h).abs().max().double_value(&[]) < 1e-11);
        }
    }
}

#[test]
fn a_convolutional_classifier_is_the_lua_form_s_modules() {
    let convolution = "nn.SpatialConvolution";
    let pool = "nn.SpatialMaxPooling";
    // The first kernel has two rows: SAME puts the odd row at the bottom.
    let classes = [
        "nn.MulConstant",
        "nn.SpatialZeroPadding",
        convolution,
        pool,
        convolution,
        pool,
        "nn.View",
        "nn.Linear",
        "nn.ReLU",
        "nn.Dropout",
        "nn.Linear",
    ];
    compare(&classifier, true, &classes);
}

#[test]
fn images_of_several_planes_are_flattened_and_made_again() {
    compare(&autoencoder, false, &["nn.View", "nn.Linear", "nn.ReLU", "nn.Linear", "nn.View"]);
    let [layered, _] = both_ways(&autoencoder, false);
    assert!(layered.target_is_input);
    let labels: Vec<String> = layered.network.root.walk()[1..].iter().map(|node| node.label.clone()).collect();
    assert_eq!(labels[1], "model/fc1: nn.Linear(189 -> 10)");
    let names: Vec<&str> = layered.network.parameters.named().into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["model/fc1/weights", "model/fc1/biases", "model/fc2/weights", "model/fc2/biases"]);
}

#[test]
fn features_that_stay_in_another_order_are_no_chain() {
    let flat = |graph: &Graph, images: Symbol, _: bool| {
        let flat = layers::flatten(graph, images).unwrap();
        let x = ops::unary(graph, Unary::Relu, flat, None).unwrap();
        let sum = ops::binary(graph, Binary::Add, x, flat, None).unwrap();
        ops::reshape(graph, sum, &[-1, SIZE[0], SIZE[1], SIZE[2]], None).unwrap()
    };
    let graph = Graph::new(1);
    let (train, val) = (stage(&graph, "train", false, &flat, false), stage(&graph, "val", true, &flat, false));
    let lowered = lower(&graph, &train, &val, Labels::Whole, false, (tch::Kind::Double, tch::Device::Cpu)).unwrap();
    assert_eq!(lowered.network.root.class, "tf.Graph");
    let (loss, output, _) = pass(&lowered, Mode::Evaluate);
    assert_eq!(output.size(), [5, SIZE[2], SIZE[0], SIZE[1]]);
    // max(x, 0) + x compared with x: the mean of max(x, 0)².
    let wanted = {
        tch::manual_seed(4);
        let x = tch::Tensor::randn([5, SIZE[2], SIZE[0], SIZE[1]], (tch::Kind::Double, tch::Device::Cpu));
        x.relu().square().mean(tch::Kind::Double).double_value(&[])
    };
    assert!((loss - wanted).abs() < 1e-12);
}
