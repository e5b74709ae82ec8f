//! What becomes of records on the way to a network, and of their label images.

use super::*;

fn planes(shape: [i64; 3]) -> Planes {
    let count = shape.iter().product::<i64>();
    Planes { shape, values: Values::Bytes((0..count).map(|i| (i * 3 % 251) as u8).collect()) }
}

fn run<T: Real>(pre: &Preprocess, image: &Planes, draw: Option<Draw>) -> Vec<T> {
    let mut out = vec![T::from_f64(0.0); pre.output_shape().iter().product::<i64>() as usize];
    pre.apply(image, draw, &mut Scratch::default(), &mut out);
    out
}

fn draw(index: u64) -> Option<Draw> {
    Some(Draw { seed: 1, epoch: 1, index })
}

#[test]
fn subtracts_image_pixel_or_nothing() {
    let image = Planes { shape: [1, 1, 2], values: Values::Bytes(vec![10, 20]) };
    let mean = Mean { shape: [1, 1, 2], values: vec![1.0, 2.0] };
    let with = |subtract| Preprocess::new([1, 1, 2], subtract, Some(&mean), None, Augment::default()).unwrap();
    assert_eq!(run::<f32>(&with(Subtract::Image), &image, None), [9.0, 18.0]);
    assert_eq!(run::<f64>(&with(Subtract::Pixel), &image, draw(0)), [8.5, 18.5]);
    assert_eq!(run::<f32>(&with(Subtract::None), &image, None), [10.0, 20.0]);
}

/// Against `tf.image.random_contrast` and `tf.image.per_image_standardization` by hand.
#[test]
fn contrast_keeps_each_channel_s_mean_and_whitening_gives_mean_0_and_variance_1() {
    let image = planes([2, 2, 2]);
    let with = |contrast, whitening| {
        let augment = Augment { contrast, whitening, ..Augment::default() };
        Preprocess::new([2, 2, 2], Subtract::None, None, None, augment).unwrap()
    };
    assert_eq!(run::<f32>(&with(0.8, true), &image, None), [0.0, 3.0, 6.0, 9.0, 12.0, 15.0, 18.0, 21.0]);
    let stretched = run::<f32>(&with(0.8, false), &image, draw(3));
    let factor = (stretched[3] - stretched[0]) / 9.0;
    assert!((0.2..=1.8).contains(&factor) && (factor - 1.0).abs() > 0.01, "{factor}");
    for (i, value) in stretched.iter().enumerate() {
        let (mean, was) = (if i < 4 { 4.5 } else { 16.5 }, 3.0 * i as f32);
        assert!((value - ((was - mean) * factor + mean)).abs() < 1e-4, "{stretched:?}");
    }
    let white = run::<f64>(&with(0.0, true), &image, draw(0));
    let deviation = (9.0 * 63.0f64 / 12.0).sqrt();
    let wanted = |i: usize| (3.0 * i as f64 - 10.5) / deviation;
    assert!(white.iter().enumerate().all(|(i, value)| (value - wanted(i)).abs() < 1e-6), "{white:?}");
    let flat = Planes { shape: [1, 1, 4], values: Values::Bytes(vec![7; 4]) };
    let augment = Augment { whitening: true, ..Augment::default() };
    let plan = Preprocess::new([1, 1, 4], Subtract::None, None, None, augment).unwrap();
    assert_eq!(run::<f32>(&plan, &flat, draw(0)), [0.0; 4]);
}

#[test]
fn the_middle_is_cut_with_an_offset_for_each_side() {
    let shape = [2, 5, 9];
    let pre = Preprocess::new(shape, Subtract::None, None, Some(3), Augment::default()).unwrap();
    let image = planes(shape);
    let Values::Bytes(all) = &image.values else { panic!() };
    let cut = run::<f32>(&pre, &image, None);
    assert_eq!(cut[0], f32::from(all[9 + 3]));
    assert_eq!(cut[9], f32::from(all[45 + 9 + 3]));
    assert_eq!(cut[17], f32::from(all[45 + 3 * 9 + 5]));
}

#[test]
fn random_crops_reach_every_offset_and_repeat() {
    let shape = [1, 4, 4];
    let pre = Preprocess::new(shape, Subtract::None, None, Some(3), Augment::default()).unwrap();
    let image = planes(shape);
    let mut firsts: Vec<i64> = (0..100).map(|i| run::<f64>(&pre, &image, draw(i))[0] as i64).collect();
    firsts.sort_unstable();
    firsts.dedup();
    assert_eq!(firsts, [0, 3, 12, 15]);
    assert_eq!(run::<f32>(&pre, &image, draw(5)), run::<f32>(&pre, &image, draw(5)));
}

#[test]
fn the_augmented_path_without_effect_equals_the_fast_one() {
    // Pure noise of size zero is "no augmentation"; a tiny one takes the other path.
    let shape = [3, 6, 6];
    let mean = Mean { shape, values: vec![7.0; 108] };
    let quiet = Augment { noise: 1e-12, ..Augment::default() };
    let fast = Preprocess::new(shape, Subtract::Image, Some(&mean), None, Augment::default()).unwrap();
    let slow = Preprocess::new(shape, Subtract::Image, Some(&mean), None, quiet).unwrap();
    let image = planes(shape);
    assert_eq!(run::<f32>(&fast, &image, draw(1)), run::<f32>(&slow, &image, draw(1)));
}

#[test]
fn a_label_image_goes_where_its_image_goes() {
    let augment =
        Augment { flip: Flip::FlipLrUd, quarter_turn: QuarterTurn::RotAll, rotate: 20.0, ..Augment::default() };
    let pre = Preprocess::new([1, 8, 8], Subtract::None, None, Some(5), augment).unwrap();
    let classes = Planes { shape: [1, 8, 8], values: Values::Bytes((0..64).map(|i| i / 24).collect()) };
    assert_eq!(pre.label_shape(classes.shape), Some([1, 5, 5]));
    assert_eq!(pre.label_shape([1, 1, 2]), None);
    let mut scratch = Scratch::default();
    let (mut image, mut label) = (vec![0f32; 25], vec![0f32; 25]);
    let mut all = std::collections::HashSet::new();
    for index in 0..60 {
        let placement = pre.apply_to(classes.pixels(), draw(index), &mut scratch, &mut image);
        pre.apply_to_label(&classes, placement, &mut scratch, &mut label);
        // The image is a mixture near the borders of classes; the label is the class that weighs most there.
        assert!(label.iter().all(|class| class.fract() == 0.0), "{label:?}");
        assert!(image.iter().zip(&label).all(|(a, b)| (a - b).abs() <= 0.76), "{image:?}\n{label:?}");
        all.insert(format!("{label:?}"));
    }
    assert!(all.len() > 20, "{} placements", all.len());
    // Flips and turns alone move both bit for bit.
    let augment = Augment { rotate: 0.0, ..augment };
    let pre = Preprocess::new([1, 8, 8], Subtract::None, None, Some(5), augment).unwrap();
    for index in 0..20 {
        let placement = pre.apply_to(classes.pixels(), draw(index), &mut scratch, &mut image);
        pre.apply_to_label(&classes, placement, &mut scratch, &mut label);
        assert_eq!(image, label);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let shape = [1, 4, 6];
    let refused = |subtract, mean: Option<&Mean>, crop, augment: Augment| {
        Preprocess::new(shape, subtract, mean, crop, augment).unwrap_err().to_string()
    };
    let small = Mean { shape: [1, 2, 2], values: vec![0.0; 4] };
    let none = Augment::default;
    assert!(refused(Subtract::Image, Some(&small), None, none()).contains("1x2x2"));
    assert!(refused(Subtract::Pixel, None, None, none()).contains("has none"));
    assert!(refused(Subtract::None, None, Some(5), none()).contains("1 to 4"));
    let turn = Augment { quarter_turn: QuarterTurn::Rot90, ..none() };
    assert!(refused(Subtract::None, None, None, turn).contains("square"));
    let hue = Augment { hue: 0.1, ..none() };
    assert!(refused(Subtract::None, None, None, hue).contains("3 channels"));
}
