//! The messages of `proto/tensorboard.proto`, generated.
#![expect(unreachable_pub, clippy::enum_variant_names, reason = "generated; the fields are TensorFlow's")]

include!(concat!(env!("OUT_DIR"), "/tensorboard.rs"));
