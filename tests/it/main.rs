//! The integration tests: one binary, one file for each subject.

#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test may give up at once, and says what it passes over"
)]

mod answers;
mod architecture;
mod conventions;
mod cuda_kit;
mod custom;
mod data;
mod distributed;
mod endings;
mod engines;
mod errors;
mod fence;
mod first_hours;
mod forms;
mod given;
mod gradients;
mod hdf5;
mod head_start;
mod helps;
mod imports;
mod job;
mod live;
mod look;
mod memory;
mod memory_format;
mod modules;
mod networks;
mod onnx;
mod packages;
mod people;
mod profile;
mod python;
mod reference;
mod resume;
mod scripts;
mod sets;
mod shared_steps;
mod streaming;
mod studio;
mod studio_bounds;
mod studio_datasets;
mod studio_golden;
mod studio_labels;
mod studio_odd;
mod studio_server;
mod studio_walls;
mod tensorboard;
mod tensorflow_files;
mod tensorflow_losses;
mod tensorflow_operations;
mod tensorflow_run;
mod tensorflow_steps;
mod tensorflow_words;
mod th;
mod tool;
mod tree;
mod whole;
