//! Images and kernels laid out with their planes last give the numbers of Torch7's order, and leave what is saved in it.

use digits::{
    frontend::{NetworkParams, Source, lua::load},
    nn::{Activity, Context, MemoryFormat, Mode, Network},
};

use crate::tree;

/// A network file of the repository for images of `[c, h, w]`.
fn network(file: &str, shape: [i64; 3]) -> Network {
    let source = Source::read(&tree::root().join(file)).unwrap();
    let params = NetworkParams { nclasses: Some(4), input_shape: Some(shape), ..NetworkParams::default() };
    let loaded = load(source, &params, Default::default(), 1).unwrap();
    loaded.lower(tch::Kind::Float, tch::Device::Cpu).unwrap()
}

/// Loss and gradient of a training pass.
fn pass(network: &Network, format: MemoryFormat, input: &tch::Tensor, labels: &Activity) -> (f64, Vec<tch::Tensor>) {
    tch::manual_seed(3); // the same dropout
    let mut cx = Context::new(Mode::Train).private(format).towards(labels);
    let output = network.forward(&Activity::Tensor(input.shallow_clone()), &mut cx).unwrap();
    let loss = network.loss(&output, labels, &mut cx).unwrap();
    let gradients = network.gradients(&loss, cx.take_cuts()).unwrap();
    (loss.double_value(&[]), gradients)
}

#[test]
fn planes_last_gives_the_same_loss_and_gradient_and_leaves_parameters_in_torch7_s_order() {
    for (file, shape) in [
        ("networks/lenet.lua", [1, 28, 28]),
        ("networks/alexnet-small.lua", [3, 32, 32]),
        ("tests/cuda/resnet-18.lua", [3, 224, 224]),
    ] {
        let network = network(file, shape);
        tch::manual_seed(1);
        let input = tch::Tensor::randn([2, shape[0], shape[1], shape[2]], (tch::Kind::Float, tch::Device::Cpu)) * 40.0;
        let labels: Activity = tch::Tensor::from_slice(&[1f32, 4.0]).into();
        let (wanted, first) = pass(&network, MemoryFormat::PlanesFirst, &input, &labels);
        for format in [MemoryFormat::ImagesPlanesLast, MemoryFormat::PlanesLast] {
            let (loss, gradients) = pass(&network, format, &input, &labels);
            assert!((loss - wanted).abs() < 1e-4 * wanted.abs(), "{file} in {format:?}: {loss}, not {wanted}");
            assert_eq!(first.len(), gradients.len());
            for (index, (got, wanted)) in gradients.iter().zip(&first).enumerate() {
                assert!(got.is_contiguous() && got.size() == wanted.size(), "{file}, piece {index} in {format:?}");
                let (apart, scale) = ((got - wanted).norm().double_value(&[]), wanted.norm().double_value(&[]));
                // Batch normalisation over two samples of one pixel each amplifies rounding.
                assert!(apart <= 2e-2 * scale + 1e-5, "{file}, piece {index} in {format:?}: {apart} of {scale}");
            }
        }
        for parameter in &network.parameters.list {
            assert!(parameter.leaf.is_contiguous(), "{file}: {} keeps its order", parameter.name);
        }
    }
}

#[test]
fn a_format_is_seen_in_memory_and_only_in_private_passes() {
    use digits::nn::{arranged, arranged_kernels};
    let images = tch::Tensor::ones([2, 3, 4, 5], (tch::Kind::Float, tch::Device::Cpu));
    for (format, images_last, kernels_last) in [
        (MemoryFormat::PlanesFirst, false, false),
        (MemoryFormat::ImagesPlanesLast, true, false),
        (MemoryFormat::PlanesLast, true, true),
    ] {
        let mut cx = Context::new(Mode::Train).private(format);
        let last = [60, 1, 15, 3];
        let (seen, kernels) = (arranged(&images, &mut cx).unwrap(), arranged_kernels(images.copy(), &cx).unwrap());
        assert_eq!((seen.stride() == last, kernels.stride() == last), (images_last, kernels_last), "{format:?}");
        assert_eq!(seen.size(), [2, 3, 4, 5]);
    }
    let mut open = Context::new(Mode::Train);
    assert!(arranged(&images, &mut open).unwrap().is_contiguous(), "a pass that is looked into keeps Torch7's strides");
    assert_eq!(MemoryFormat::fastest(tch::Kind::Float, tch::Device::Cpu), MemoryFormat::ImagesPlanesLast);
    assert_eq!(MemoryFormat::fastest(tch::Kind::Double, tch::Device::Cpu), MemoryFormat::PlanesFirst);
    assert_eq!(MemoryFormat::fastest(tch::Kind::Float, tch::Device::Cuda(0)), MemoryFormat::PlanesFirst);
}
