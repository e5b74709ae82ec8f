//! The messages of `proto/tensorboard.proto`, generated.
#![expect(unreachable_pub, reason = "generated; the fields are TensorFlow's")]

include!(concat!(env!("OUT_DIR"), "/tensorboard.rs"));
