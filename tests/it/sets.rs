//! Small data sets for tests of training: pixels and labels into LMDB folders, the mean beside them.

use std::{
    fs,
    path::{Path, PathBuf},
};

use digits::data::{
    Mean, Records, Values,
    datum::{encode_floats, proto::Datum},
    lmdb::Writer,
    sample,
};
use prost::Message;

/// A repeatable stream of random numbers.
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Noise {
        Noise(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// 0 to `end`, without `end`.
    pub(crate) fn below(&mut self, end: u32) -> u32 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        ((self.0 >> 33) % u64::from(end)) as u32
    }

    /// −0.5 to 0.5
    pub(crate) fn centred(&mut self) -> f32 {
        self.below(1 << 24) as f32 / (1 << 24) as f32 - 0.5
    }
}

/// What the label database says about a record.
pub(crate) enum Label {
    /// Nothing: the record's own integer counts.
    Class(i32),
    /// Numbers.
    Numbers(Vec<f32>),
    /// A grey image of the record's size.
    Image(Vec<u8>),
}

/// A record: planes in red, green, blue order, and its label.
pub(crate) type Made = (Vec<u8>, Label);

/// Writes `train_db`, `train_labels` (unless labels are classes), `mean.binaryproto` and `labels.txt` below `folder`;
/// answers the arguments that name them. The same records validate.
pub(crate) fn write(folder: &Path, shape: [i64; 3], classes: usize, records: &[Made]) -> Vec<String> {
    let [c, h, w] = shape;
    let datum = |planes: i64, data: Option<Vec<u8>>, label: i32| Datum {
        channels: Some(planes as i32),
        height: Some(h as i32),
        width: Some(w as i32),
        data,
        label: Some(label),
        ..Datum::default()
    };
    let mut images = Writer::create(&folder.join("train_db")).unwrap();
    let mut labels = None;
    let mut sum = vec![0f64; (c * h * w) as usize];
    for (i, (pixels, label)) in records.iter().enumerate() {
        assert_eq!(pixels.len(), sum.len());
        sum.iter_mut().zip(pixels).for_each(|(sum, &pixel)| *sum += f64::from(pixel));
        let key = format!("{i:08}").into_bytes();
        // Three raw channels are stored as blue, green, red.
        let stored: Vec<u8> = match c {
            3 => pixels.chunks((h * w) as usize).rev().flatten().copied().collect(),
            _ => pixels.clone(),
        };
        let class = if let Label::Class(class) = label { *class } else { 0 };
        images.put(key.clone(), datum(c, Some(stored), class).encode_to_vec()).unwrap();
        let value = match label {
            Label::Class(_) => continue,
            Label::Numbers(numbers) => encode_floats([1, 1, numbers.len() as i64], numbers),
            Label::Image(pixels) => datum(1, Some(pixels.clone()), 0).encode_to_vec(),
        };
        labels.get_or_insert_with(|| Writer::create(&folder.join("train_labels")).unwrap()).put(key, value).unwrap();
    }
    images.finish().unwrap();
    let values = sum.iter().map(|sum| (sum / records.len() as f64).round() as f32).collect();
    Mean { shape, values }.write(&folder.join("mean.binaryproto")).unwrap();
    let mut arguments = vec!["--train-db", "train_db", "--val-db", "train_db", "--mean", "mean.binaryproto"];
    if let Some(labels) = labels {
        labels.finish().unwrap();
        arguments.extend(["--train-labels-db", "train_labels", "--val-labels-db", "train_labels"]);
    }
    if classes > 0 {
        let names: String = (0..classes).map(|class| format!("class {class}\n")).collect();
        fs::write(folder.join("labels.txt"), names).unwrap();
        arguments.extend(["--labels", "labels.txt"]);
    }
    arguments.into_iter().map(str::to_string).collect()
}

/// The first `count` digits of the built-in sample.
pub(crate) fn digits(folder: &Path, count: u64) -> Vec<(Vec<u8>, i32)> {
    let dir: PathBuf = sample::ensure(&folder.join("sample")).unwrap();
    let records = Records::open(&dir.join("train_db"), None).unwrap();
    let labels = records.labels().unwrap();
    (0..count)
        .map(|i| match records.get(i).unwrap().image.values {
            Values::Bytes(pixels) => (pixels, labels[i as usize]),
            Values::Floats(_) => panic!("digits are bytes"),
        })
        .collect()
}

/// `count` coloured pictures of `classes` kinds: stripes whose direction and width tell the class.
pub(crate) fn stripes(count: usize, classes: u32, side: usize) -> Vec<Made> {
    let mut noise = Noise::new(7);
    (0..count)
        .map(|i| {
            let class = i as u32 % classes;
            let period = side as u32 / (4 + 2 * (class / 2));
            let (phase, colour) = (noise.below(period), [0, 1, 2].map(|_| 100 + noise.below(130)));
            let mut pixels = Vec::with_capacity(3 * side * side);
            for plane in colour {
                for y in 0..side as u32 {
                    for x in 0..side as u32 {
                        let along = if class.is_multiple_of(2) { x } else { y };
                        let lit = ((along + phase) / (period / 2).max(1)).is_multiple_of(2);
                        pixels.push((if lit { plane } else { 20 } + noise.below(20)) as u8);
                    }
                }
            }
            (pixels, Label::Class(class as i32))
        })
        .collect()
}
