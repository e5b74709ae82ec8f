//! What a loader promises: order, repeatability, targets, memory that is used again.

use std::{path::Path, sync::atomic::Ordering};

use super::{
    super::{Augment, Image, Subtract, datum, lmdb::Writer},
    *,
};

const SIDE: usize = 6;

/// `count` grey records; pixel j of record i is i·7 + j.
fn make(folder: &Path, count: usize, labels: Option<&Path>) -> Arc<Records> {
    let mut writer = Writer::create(folder).unwrap();
    for i in 0..count {
        let pixels = (0..SIDE * SIDE).map(|j| (i * 7 + j) as u8).collect();
        let image = Image { width: SIDE, height: SIDE, channels: 1, pixels };
        let encoding = if i % 2 == 0 { super::super::Encoding::Png } else { super::super::Encoding::None };
        let value = datum::encode(&image, (i % 10) as i32, encoding).unwrap();
        writer.put(format!("{i:08}").into_bytes(), value).unwrap();
    }
    writer.finish().unwrap();
    if let Some(labels) = labels {
        let mut writer = Writer::create(labels).unwrap();
        for i in 0..count {
            let value = datum::encode_floats([1, 1, 2], &[i as f32, 0.5]);
            writer.put(format!("{i:08}").into_bytes(), value).unwrap();
        }
        writer.finish().unwrap();
    }
    Arc::new(Records::open(folder, labels).unwrap())
}

fn plain() -> Preprocess {
    Preprocess::new([1, 6, 6], Subtract::None, None, None, Augment::default()).unwrap()
}

fn all(loader: &mut DataLoader, epoch: u64, first: u64) -> Vec<(Vec<u64>, Vec<f64>, Vec<f64>)> {
    loader.start(epoch, first).unwrap();
    let mut batches = Vec::new();
    while let Some(batch) = loader.next().unwrap() {
        let values = |tensor: &tch::Tensor| {
            Vec::<f64>::try_from(tensor.to_kind(tch::Kind::Double).contiguous().view(-1)).unwrap()
        };
        assert_eq!(batch.input.size()[0], batch.count as i64);
        batches.push((batch.indices.clone(), values(&batch.input), values(&batch.target)));
    }
    batches
}

#[test]
fn one_and_eight_workers_give_the_same_bits_kept_or_streamed() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 103, None);
    let augment = Augment { noise: 0.1, rotate: 10.0, scale: 0.1, ..Augment::default() };
    let preprocess = Preprocess::new([1, 6, 6], Subtract::None, None, Some(4), augment).unwrap();
    let run = |workers: usize, memory_budget: u64| {
        let options = LoaderOptions {
            batch_size: 8,
            order: Order::Permutation,
            seed: 3,
            train: true,
            workers: Some(workers),
            memory_budget,
            ..LoaderOptions::default()
        };
        let mut loader = DataLoader::new(Arc::clone(&records), preprocess.clone(), options).unwrap();
        assert_eq!(loader.keeps_records(), memory_budget > 0);
        assert_eq!(loader.batches_per_epoch(), 13);
        (all(&mut loader, 1, 0), all(&mut loader, 2, 0))
    };
    let one = run(1, 1 << 30);
    assert_eq!(one.0.len(), 13);
    assert_eq!(one.0[12].0.len(), 7);
    assert_ne!(one.0[0].1, one.1[0].1);
    assert_eq!(one, run(8, 1 << 30));
    assert_eq!(one, run(8, 0));
    let mut seen: Vec<u64> = one.0.iter().flat_map(|batch| batch.0.clone()).collect();
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..103));
}

#[test]
fn an_epoch_can_begin_in_the_middle_and_be_left() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 50, None);
    let options =
        LoaderOptions { batch_size: 4, order: Order::WithReplacement, seed: 9, train: true, ..Default::default() };
    let mut loader = DataLoader::new(records, plain(), options).unwrap();
    let whole = all(&mut loader, 4, 0);
    loader.start(4, 0).unwrap();
    drop(loader.next().unwrap());
    assert_eq!(all(&mut loader, 4, 5), whole[5..]);
    assert!(all(&mut loader, 4, 13).is_empty());
    assert!(loader.next().unwrap().is_none());
}

#[test]
fn integers_count_from_one_for_classes_and_vectors_stay_flat() {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels");
    let records = make(&folder.path().join("db"), 5, Some(&labels));
    let options = LoaderOptions { batch_size: 4, double: true, ..Default::default() };
    let mut loader = DataLoader::new(records, plain(), options.clone()).unwrap();
    loader.start(1, 0).unwrap();
    let batch = loader.next().unwrap().unwrap();
    assert_eq!(batch.target.size(), [4, 2]);
    assert_eq!(batch.input.kind(), tch::Kind::Double);
    assert_eq!(batch.target.double_value(&[3, 0]), 3.0);
    assert_eq!(batch.input.double_value(&[3, 0, 0, 1]), 22.0);
    drop(batch);

    let records = Arc::new(Records::open(&folder.path().join("db"), None).unwrap());
    for (classification, first) in [(true, 1.0), (false, 0.0)] {
        let options = LoaderOptions { classification, ..options.clone() };
        let mut loader = DataLoader::new(Arc::clone(&records), plain(), options).unwrap();
        let batches = all(&mut loader, 1, 0);
        assert_eq!(batches[0].2, [first, first + 1.0, first + 2.0, first + 3.0]);
    }
}

#[test]
fn memory_is_used_again_and_records_are_decoded_once() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 400, None);
    let options = LoaderOptions { batch_size: 4, ..Default::default() };
    let mut loader = DataLoader::new(records, plain(), options).unwrap();
    let mut places = std::collections::BTreeSet::new();
    for epoch in 1..=3 {
        loader.start(epoch, 0).unwrap();
        while let Some(batch) = loader.next().unwrap() {
            places.insert(batch.input.data_ptr() as usize);
        }
        assert!(loader.shared.cache.complete());
    }
    assert!(places.len() <= 32 + 8 + 1, "{} buffers for 300 batches", places.len());
}

#[test]
fn a_head_start_decodes_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(folder.path(), 40, None);
    let backwards: Vec<u32> = (0..40).rev().collect();
    let cache = RecordCache::new(Arc::clone(&records), &records.get(0).unwrap(), 1 << 20);
    cache.with(7, |_, _| Ok(())).unwrap();
    let next = AtomicUsize::new(0);
    while cache.decode_ahead(&backwards, &next) {
        assert!(next.load(Ordering::Relaxed) <= 40);
    }
    assert!(cache.complete());
    assert!(!RecordCache::new(Arc::clone(&records), &records.get(0).unwrap(), 100).keeps());
}

#[test]
fn records_are_decoded_ahead_while_the_queue_is_full() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(folder.path(), 400, None);
    let options = LoaderOptions { batch_size: 4, order: Order::Permutation, ..Default::default() };
    let mut loader = DataLoader::new(records, plain(), options).unwrap();
    loader.start(1, 0).unwrap();
    // Nobody takes a batch, and 32 of them hold 128 records.
    for _ in 0..1000 {
        if loader.has_all_records() {
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(loader.has_all_records());
    let batches = std::iter::from_fn(|| loader.next().unwrap()).map(|batch| batch.count).sum::<usize>();
    assert_eq!(batches, 400);
}

#[test]
fn small_batches_are_made_further_ahead() {
    assert_eq!([0, 1, 200_000, 500_000, 1 << 20, 64 << 20, 1 << 30].map(ahead), [32, 32, 20, 8, 8, 4, 2]);
}

#[test]
fn a_bad_record_fails_at_its_batch_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("db");
    let mut writer = Writer::create(&path).unwrap();
    for i in 0..20u8 {
        let side = if i == 13 { 5 } else { SIDE };
        let image = Image { width: side, height: side, channels: 1, pixels: vec![i; side * side] };
        let value = datum::encode(&image, 0, super::super::Encoding::None).unwrap();
        writer.put(format!("{i:08}_0").into_bytes(), value).unwrap();
    }
    writer.finish().unwrap();
    let records = Arc::new(Records::open(&path, None).unwrap());
    let options = LoaderOptions { batch_size: 4, ..Default::default() };
    let mut loader = DataLoader::new(records, plain(), options).unwrap();
    loader.start(1, 0).unwrap();
    for _ in 0..3 {
        assert!(loader.next().unwrap().is_some());
    }
    let page = loader.next().err().unwrap().to_string();
    assert!(page.contains("00000013_0") && page.contains("1x5x5") && page.contains("1x6x6"), "{page}");
}

/// Every batch of an epoch as numbers, the rest of the plan done where there is one; and whether bytes came.
fn finished(records: &Arc<Records>, plan: &Preprocess, train: bool, bytes: bool) -> (Vec<tch::Tensor>, bool) {
    let options = LoaderOptions { batch_size: 5, train, bytes, ..Default::default() };
    let rest = plan.rest(train, tch::Kind::Float, tch::Device::Cpu).unwrap().filter(|_| bytes);
    let options = LoaderOptions { bytes: rest.is_some(), ..options };
    let mut loader = DataLoader::new(Arc::clone(records), plan.clone(), options).unwrap();
    loader.start(1, 0).unwrap();
    let (mut inputs, mut came) = (Vec::new(), false);
    while let Some(batch) = loader.next().unwrap() {
        let is_bytes = batch.input.kind() == tch::Kind::Uint8;
        came |= is_bytes;
        inputs.push(if is_bytes { rest.as_ref().unwrap().of(&batch.input).unwrap() } else { batch.input.copy() });
    }
    (inputs, came)
}

#[test]
fn bytes_and_the_rest_on_the_device_are_the_same_bits_as_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 23, None);
    let values = (0..36).map(|i| 0.37 * i as f32 + 100.1).collect();
    let mean = super::super::Mean { shape: [1, 6, 6], values };
    let flip = Augment { flip: super::super::Flip::FlipLr, ..Augment::default() };
    let plan = |subtract, crop, augment| Preprocess::new([1, 6, 6], subtract, Some(&mean), crop, augment).unwrap();
    for (subtract, crop, augment, train, bytes_are_wanted) in [
        (Subtract::Image, None, Augment::default(), true, true),
        (Subtract::Image, Some(3), Augment::default(), false, true),
        (Subtract::Image, Some(3), Augment::default(), true, false),
        (Subtract::Pixel, Some(3), Augment::default(), true, true),
        (Subtract::None, Some(4), Augment::default(), true, true),
        (Subtract::Pixel, None, flip, true, false),
        (Subtract::Pixel, None, flip, false, true),
    ] {
        let plan = plan(subtract, crop, augment);
        let (wanted, _) = finished(&records, &plan, train, false);
        let (inputs, came) = finished(&records, &plan, train, true);
        assert_eq!(came, bytes_are_wanted, "{subtract:?} {crop:?} {train}");
        assert_eq!(inputs.len(), 5);
        for (input, wanted) in inputs.iter().zip(&wanted) {
            assert_eq!(input.kind(), tch::Kind::Float);
            assert!(input.equal(wanted), "{subtract:?} {crop:?} {train}");
        }
    }
}

#[test]
fn a_batch_with_a_record_of_numbers_comes_as_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = Writer::create(folder.path()).unwrap();
    for i in 0..10u8 {
        let image = Image { width: SIDE, height: SIDE, channels: 1, pixels: vec![i; SIDE * SIDE] };
        let value = match i {
            7 => datum::encode_floats([1, SIDE as i64, SIDE as i64], &[0.5; SIDE * SIDE]),
            _ => datum::encode(&image, 0, super::super::Encoding::None).unwrap(),
        };
        writer.put(vec![b'0' + i], value).unwrap();
    }
    writer.finish().unwrap();
    let records = Arc::new(Records::open(folder.path(), None).unwrap());
    let (inputs, came) = finished(&records, &plain(), false, true);
    assert!(came);
    assert_eq!(inputs[1].get(2).double_value(&[0, 0, 0]), 0.5);
    assert_eq!(inputs[1].get(3).double_value(&[0, 0, 0]), 8.0);
}

#[test]
fn wrong_plans_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 5, None);
    let other = Preprocess::new([1, 5, 5], Subtract::None, None, None, Augment::default()).unwrap();
    assert!(DataLoader::new(Arc::clone(&records), other, LoaderOptions::default()).is_err());
    let options = LoaderOptions { batch_size: 0, ..Default::default() };
    assert!(DataLoader::new(records, plain(), options).is_err());
}

#[test]
fn label_images_are_flipped_and_cut_with_their_images() {
    let folder = tempfile::tempdir().unwrap();
    let (images, labels) = (folder.path().join("db"), folder.path().join("labels"));
    make(&images, 12, None);
    let mut writer = Writer::create(&labels).unwrap();
    for i in 0..12usize {
        // The label of a pixel is the pixel's own value.
        let pixels = (0..SIDE * SIDE).map(|j| (i * 7 + j) as u8).collect();
        let image = Image { width: SIDE, height: SIDE, channels: 1, pixels };
        writer
            .put(format!("{i:08}").into_bytes(), datum::encode(&image, 0, super::super::Encoding::Png).unwrap())
            .unwrap();
    }
    writer.finish().unwrap();
    let records = Arc::new(Records::open(&images, Some(&labels)).unwrap());
    let augment = Augment { flip: super::super::Flip::FlipLrUd, ..Augment::default() };
    let run = |train: bool, crop: Option<i64>, bytes: bool, classification: bool| {
        let preprocess = Preprocess::new([1, 6, 6], Subtract::None, None, crop, augment).unwrap();
        let options = LoaderOptions { batch_size: 12, train, bytes, classification, ..LoaderOptions::default() };
        let mut loader = DataLoader::new(Arc::clone(&records), preprocess, options).unwrap();
        let shape = loader.target_shape().to_vec();
        let (_, images, labels) = all(&mut loader, 1, 0).remove(0);
        (shape, images, labels)
    };
    for crop in [None, Some(4)] {
        let side = crop.unwrap_or(6);
        let (shape, images, labels) = run(true, crop, false, false);
        assert_eq!((shape, &images), (vec![1, side, side], &labels));
        let (_, still, labels) = run(false, crop, true, false);
        assert_eq!(still, labels);
        assert_ne!(still, images, "training moves something");
        let (_, images, labels) = run(true, crop, false, true);
        assert!(images.iter().zip(&labels).all(|(image, label)| image + 1.0 == *label), "classes count from 1");
    }
}

#[test]
fn a_record_of_a_class_without_a_name_is_a_page() {
    let folder = tempfile::tempdir().unwrap();
    let records = make(&folder.path().join("db"), 12, None);
    let options = LoaderOptions { classification: true, named_classes: Some(9), ..LoaderOptions::default() };
    let mut loader = DataLoader::new(Arc::clone(&records), plain(), options.clone()).unwrap();
    loader.start(1, 0).unwrap();
    let page = loader.next().err().unwrap().to_string();
    assert!(page.contains("class 9 has no name") && page.contains("00000009"), "{page}");
    let mut loader = DataLoader::new(records, plain(), LoaderOptions { named_classes: Some(10), ..options }).unwrap();
    loader.start(1, 0).unwrap();
    assert!(loader.next().is_ok());
}
