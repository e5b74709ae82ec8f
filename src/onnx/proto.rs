//! The messages of `proto/onnx.proto`, generated.
#![expect(unreachable_pub, reason = "generated; the fields are those of the ONNX standard")]

include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
