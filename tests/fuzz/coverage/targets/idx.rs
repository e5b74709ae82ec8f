//! IDX files, in the place of the images and in that of the labels.
#![no_main]

#[path = "../../parsers.rs"]
mod parsers;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let images = [&[0, 0, 8, 3, 0, 0, 0, 9, 0, 0, 0, 4, 0, 0, 0, 3][..], &[7; 9 * 12]].concat();
    let labels = [&[0, 0, 8, 1, 0, 0, 0, 9][..], &[3; 9]].concat();
    let _ = parsers::idx(bytes, &images, &labels);
});
