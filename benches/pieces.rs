//! The pieces around a step: LMDB read, decode, batch fill, optimiser, lowering, labelHook.
//!
//! `cargo bench --bench pieces`. The records are the sample of MNIST that ships with the program.

use std::{hint::black_box, sync::Arc};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use digits::{
    data::{
        Augment, DataLoader, Dataset, Encoding, Image, LoaderOptions, Order, Preprocess, Records, Scratch, Subtract,
        datum, lmdb::Database, sample,
    },
    frontend::{
        NetworkParams, Source,
        lua::{load, vm::VmOptions},
    },
    optim::{Gradient, OptimizerKind, OptimizerSpec},
    train::Targets,
};

fn records(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("a folder for the sample");
    let dataset = Dataset::open(&sample::ensure(&folder.path().join("sample")).expect("the sample unpacks"));
    let dataset = dataset.expect("the sample opens");
    let records: Arc<Records> = dataset.train().expect("it has train records");
    let database = Database::open(records.folder()).expect("it opens");
    let encoded: Vec<Vec<u8>> =
        (0..64).map(|i| database.value(i, &mut Vec::new()).expect("it reads").expect("it is there").to_vec()).collect();
    let preprocess = Preprocess::new(dataset.shape, Subtract::Image, dataset.mean.as_ref(), None, Augment::default());
    let preprocess = preprocess.expect("the mean fits");
    let shape = dataset.shape.iter().product::<i64>() as usize;

    let mut group = criterion.benchmark_group("64 records");
    group.bench_function("LMDB, random order", |b| {
        let places: Vec<u64> = (0..64).map(|i| i * 37 % records.len()).collect();
        let mut buffer = Vec::new();
        b.iter(|| places.iter().for_each(|&place| drop(black_box(database.value(place, &mut buffer)))));
    });
    group.bench_function("decode", |b| {
        b.iter(|| encoded.iter().for_each(|bytes| drop(black_box(datum::decode(bytes)))));
    });
    let images: Vec<Image> = encoded
        .iter()
        .map(|bytes| Image::from_planes(&datum::decode(bytes).expect("it decodes").0).expect("grey pixels"))
        .collect();
    group.bench_function("encode as PNG", |b| {
        b.iter(|| images.iter().for_each(|image| drop(black_box(image.encode(Encoding::Png)))));
    });
    group.bench_function("decode PNG", |b| {
        let files: Vec<_> = images.iter().map(|image| image.encode(Encoding::Png).expect("it encodes")).collect();
        b.iter(|| files.iter().for_each(|file| drop(black_box(Image::decode(file)))));
    });
    group.bench_function("less the mean, into a batch", |b| {
        let images: Vec<_> = encoded.iter().map(|bytes| datum::decode(bytes).expect("it decodes").0).collect();
        let (mut batch, mut scratch) = (vec![0f32; 64 * shape], Scratch::default());
        b.iter(|| {
            for (image, out) in images.iter().zip(batch.chunks_exact_mut(shape)) {
                preprocess.apply(image, None, &mut scratch, out);
            }
        });
    });
    group.bench_function("through the loader, kept in memory", |b| {
        let options = LoaderOptions { batch_size: 64, order: Order::Permutation, ..LoaderOptions::default() };
        let mut loader = DataLoader::new(records.clone(), preprocess.clone(), options).expect("it is ready");
        let mut epoch = 0;
        b.iter(|| {
            if loader.next().expect("it reads").is_none() {
                epoch += 1;
                loader.start(epoch, 0).expect("it starts");
            }
        });
    });
    group.finish();
}

fn optimizers(criterion: &mut Criterion) {
    let vector = || tch::Tensor::rand([501_834], (tch::Kind::Float, tch::Device::Cpu));
    let mut group = criterion.benchmark_group("optimiser, 501,834 parameters");
    for kind in OptimizerKind::ALL {
        let mut rule = OptimizerSpec { kind, ..OptimizerSpec::default() }.build().expect("the defaults are right");
        let (x, g) = (vector(), Gradient::whole(&vector()));
        group.bench_function(kind.name(), |b| b.iter(|| rule.step(&x, &g, 1e-6).expect("they fit")));
    }
    group.finish();
}

fn lua(criterion: &mut Criterion) {
    let params = NetworkParams { input_shape: Some([1, 28, 28]), nclasses: Some(10), ..NetworkParams::default() };
    let loaded =
        |text: &str| load(Source::pasted("net.lua", text), &params, VmOptions::default(), 1).expect("it loads");
    let (autoencoder, lenet) = (include_str!("../networks/autoencoder.lua"), include_str!("../networks/lenet.lua"));
    criterion.bench_function("run lenet.lua", |b| b.iter(|| loaded(lenet)));
    criterion.bench_function("lower LeNet", |b| {
        let lower = |file: digits::frontend::Loaded| file.lower(tch::Kind::Float, tch::Device::Cpu).expect("it lowers");
        b.iter_batched(|| loaded(lenet), lower, BatchSize::PerIteration);
    });
    criterion.bench_function("labelHook", |b| {
        let text = autoencoder.replace("return input\n", "return input:view(-1, 784)\n");
        let mut targets = Targets::new(loaded(&text).label_hook());
        let batch = tch::Tensor::zeros([64, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu));
        let labels = tch::Tensor::zeros([64], (tch::Kind::Float, tch::Device::Cpu));
        b.iter(|| targets.of(&batch, &labels).expect("it gives the input"));
    });
}

criterion_group!(benches, records, optimizers, lua);
criterion_main!(benches);
