//! Damaged records, mean images, IDX files, pictures and HDF5 files.

use std::io::{Cursor, Write};

use digits::data::{Encoding, Image, Mean, datum};
use flate2::{Compression, write::GzEncoder};
use image::{DynamicImage, ImageFormat};

use crate::{
    mutate::below,
    parsers,
    target::{Answer, Target, file, folder},
};

fn picture(width: usize, height: usize, channels: usize) -> Image {
    let pixels = (0..width * height * channels).map(|i| (i * 37 % 256) as u8).collect();
    Image { width, height, channels, pixels }
}

#[test]
fn damaged_records_get_a_page() {
    let encoded = |channels, encoding| datum::encode(&picture(9, 7, channels), 5, encoding).unwrap();
    let whole = [
        encoded(1, Encoding::None),
        encoded(3, Encoding::None),
        encoded(3, Encoding::Png),
        encoded(1, Encoding::Jpg),
        datum::encode_floats([1, 1, 20], &[0.5; 20]),
    ];
    Target { name: "Datum", test: "data::damaged_records_get_a_page", inputs: 12_000, memory: 64 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::datum(bytes)));
}

#[test]
fn damaged_mean_images_get_a_page() {
    let folder = folder();
    let means = [[1, 5, 6], [3, 4, 4]].map(|shape: [i64; 3]| {
        let mean = Mean { shape, values: (0..shape.iter().product()).map(|i| i as f32).collect() };
        let path = folder.path().join("mean.binaryproto");
        mean.write(&path).unwrap();
        std::fs::read(path).unwrap()
    });
    Target { name: "mean", test: "data::damaged_mean_images_get_a_page", inputs: 12_000, memory: 64 << 20 }
        .run_on(&means, &mut |bytes| Answer::of(parsers::mean(bytes)));
}

#[test]
fn damaged_archives_of_arrays_get_a_page() {
    let whole = [zip::CompressionMethod::Stored, zip::CompressionMethod::Deflated].map(|method| {
        let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, shape) in [("a.npy", "2, 3"), ("b.npy", "6,")] {
            archive.start_file(name, zip::write::FileOptions::default().compression_method(method)).unwrap();
            let header = format!("{{'descr': '<u2', 'fortran_order': False, 'shape': ({shape}), }}\n");
            let length = (header.len() as u16).to_le_bytes();
            archive.write_all(&[b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), &[7; 12]].concat()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    });
    Target { name: "npz", test: "data::damaged_archives_of_arrays_get_a_page", inputs: 12_000, memory: 64 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::npz(bytes)));
}

#[test]
fn damaged_texts_get_a_page() {
    let whole = [b"1,\"a \"\"b\"\"\",c\r\n2,d\n1,\"e\nf\"\n".to_vec(), b"\xef\xbb\xbfspam;x,y\nham,z\n".to_vec()];
    Target { name: "texts", test: "data::damaged_texts_get_a_page", inputs: 12_000, memory: 64 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::texts(bytes)));
}

#[test]
fn odd_class_folders_become_datasets_or_get_a_page() {
    let test = "data::odd_class_folders_become_datasets_or_get_a_page";
    Target { name: "folders", test, inputs: 1500, memory: 64 << 20 }.run(
        &mut |random| {
            let length = 3 * (1 + below(random, 40));
            (0..length).map(|_| random.bits() as u8).collect()
        },
        &mut |bytes| Answer::of(parsers::folders(bytes)),
    );
}

#[test]
fn damaged_idx_files_get_a_page() {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 3][..], &[7; 9 * 12]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 9][..], &[3; 9]].concat();
    let packed = |bytes: &[u8]| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    };
    let whole = [images.clone(), packed(&images), labels.clone(), packed(&labels)];
    Target { name: "IDX", test: "data::damaged_idx_files_get_a_page", inputs: 12_000, memory: 64 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::idx(bytes, &images, &labels)));
}

#[test]
fn damaged_pictures_get_a_page() {
    let mut whole = Vec::new();
    for channels in [1, 3] {
        let image = picture(19, 13, channels);
        let (width, height) = (19, 13);
        let dynamic = match channels {
            1 => DynamicImage::ImageLuma8(image::GrayImage::from_raw(width, height, image.pixels.clone()).unwrap()),
            _ => DynamicImage::ImageRgb8(image::RgbImage::from_raw(width, height, image.pixels.clone()).unwrap()),
        };
        for format in [
            ImageFormat::Png,
            ImageFormat::Jpeg,
            ImageFormat::Bmp,
            ImageFormat::Pnm,
            ImageFormat::Gif,
            ImageFormat::Tiff,
            ImageFormat::WebP,
        ] {
            let mut bytes = Cursor::new(Vec::new());
            let picture = if format == ImageFormat::Gif { dynamic.to_rgba8().into() } else { dynamic.clone() };
            picture.write_to(&mut bytes, format).unwrap();
            whole.push(bytes.into_inner());
        }
        whole.push(image.encode(Encoding::Png).unwrap());
    }
    Target { name: "pictures", test: "data::damaged_pictures_get_a_page", inputs: 3000, memory: 700 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::pictures(bytes)));
}

#[test]
fn damaged_mat_files_get_a_page() {
    let whole = ["plain", "packed"].map(|name| file(&format!("tests/golden/mat/{name}.mat")));
    Target { name: "MAT", test: "data::damaged_mat_files_get_a_page", inputs: 10_000, memory: 700 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::mat(bytes)));
}

/// A file of two kilobytes can hold 2^32 of them.
#[test]
fn records_without_numbers_get_a_page() {
    let sizes = |sizes: [u64; 4]| sizes.map(u64::to_le_bytes).concat();
    let mut bytes = file("tests/fuzz/seeds/plain.h5");
    let (whole, none) = (sizes([5, 1, 3, 4]), sizes([5, 0, 3, 4]));
    let places: Vec<usize> =
        bytes.windows(32).enumerate().filter(|(_, part)| *part == whole).map(|(at, _)| at).collect();
    assert!(!places.is_empty());
    places.into_iter().for_each(|at| bytes[at..at + 32].copy_from_slice(&none));
    let page = parsers::hdf5(&bytes).unwrap_err().to_string();
    assert!(page.contains("a number a record at least"), "{page}");
}

#[test]
fn damaged_hdf5_files_get_a_page() {
    let whole = ["plain", "gzip", "contiguous"].map(|name| file(&format!("tests/fuzz/seeds/{name}.h5")));
    Target { name: "HDF5", test: "data::damaged_hdf5_files_get_a_page", inputs: 3000, memory: 1200 << 20 }
        .run_on(&whole, &mut |bytes| Answer::of(parsers::hdf5(bytes)));
}
