//! What the `loadcaffe` package does in Rust: the numbers of a trained Caffe network, by the names of its layers.
//!
//! Source: Caffe's `caffe.proto`. The layers themselves are made in `prelude/packages/loadcaffe.lua` from the network's text.

use mlua::{Lua, Table};
use prost::Message;

use super::files;
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{machine::error::raise, tensor},
    torch::{Element, Tensor, TensorType},
};

#[expect(unreachable_pub, reason = "made from proto/caffe_net.proto")]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/caffe_net.rs"));
}

const FLOAT: TensorType = TensorType { element: Element::Float, cuda: false };

/// The functions for the prelude.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let caffe = lua.create_table()?;
    caffe.raw_set(
        "blobs",
        lua.create_function(|lua, name: String| {
            let bytes = files::read_weights(lua, &name)?;
            let layers = layers(&bytes).map_err(|page| raise(page.with_fact("in the file", name)))?;
            let found = lua.create_table()?;
            for (layer, blobs) in layers {
                let tensors = lua.create_table()?;
                for blob in blobs {
                    tensors.raw_push(tensor::to_lua(lua, Tensor::from_tch(FLOAT, &blob).map_err(raise)?)?)?;
                }
                found.raw_set(layer, tensors)?;
            }
            Ok(found)
        })?,
    )?;
    caffe.raw_set("text", lua.create_function(|lua, name: String| lua.create_string(files::read(lua, &name)?))?)?;
    Ok(caffe)
}

/// The blobs of each layer that has some; `[n, c, h, w]` where the file has the older form of a shape.
fn layers(bytes: &[u8]) -> Result<Vec<(String, Vec<tch::Tensor>)>> {
    let damaged = |why: String| {
        Error::new(Kind::Data, "this is not a trained network of Caffe's")
            .with_cause(why)
            .with_help("give the .caffemodel that Caffe has written; the .prototxt is the first argument")
    };
    let net = proto::NetParameter::decode(bytes).map_err(|e| damaged(e.to_string()))?;
    let old = net.layers.into_iter().map(|layer| (layer.name, layer.blobs));
    let all = old.chain(net.layer.into_iter().map(|layer| (layer.name, layer.blobs)));
    let mut found = Vec::new();
    for (name, blobs) in all.filter(|(_, blobs)| !blobs.is_empty()) {
        let name = name.unwrap_or_default();
        let blobs: Result<Vec<tch::Tensor>> = blobs
            .into_iter()
            .map(|blob| {
                let dims: Vec<i64> = match &blob.shape {
                    Some(shape) => shape.dim.clone(),
                    None => {
                        [blob.num, blob.channels, blob.height, blob.width].map(|d| i64::from(d.unwrap_or(0))).into()
                    }
                };
                let values = match blob.data.as_slice() {
                    [] => blob.double_data.iter().map(|&value| value as f32).collect(),
                    _ => blob.data,
                };
                let count = dims.iter().try_fold(1i64, |n, &d| if d >= 0 { n.checked_mul(d) } else { None });
                if count != i64::try_from(values.len()).ok() {
                    return Err(damaged(format!("layer {name} has {} numbers for a shape of {dims:?}", values.len())));
                }
                Ok(tch::Tensor::f_from_slice(&values)?.f_view(dims.as_slice())?)
            })
            .collect();
        found.push((name.clone(), blobs?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_network_give_their_blobs_and_damage_is_a_page() {
        let new = proto::BlobProto {
            shape: Some(proto::BlobShape { dim: vec![2, 3] }),
            data: (0..6u8).map(f32::from).collect(),
            ..Default::default()
        };
        let old = proto::BlobProto {
            num: Some(1),
            channels: Some(1),
            height: Some(1),
            width: Some(2),
            double_data: vec![0.5, 1.5],
            ..Default::default()
        };
        let net = proto::NetParameter {
            name: Some("toy".into()),
            layers: vec![proto::V1LayerParameter { name: Some("old".into()), blobs: vec![old] }],
            layer: vec![proto::LayerParameter { name: Some("new".into()), blobs: vec![new.clone()] }],
        };
        let found = layers(&net.encode_to_vec()).unwrap();
        let sizes: Vec<(&str, Vec<i64>)> = found.iter().map(|(name, blobs)| (name.as_str(), blobs[0].size())).collect();
        assert_eq!(sizes, [("old", vec![1, 1, 1, 2]), ("new", vec![2, 3])]);
        let short = proto::BlobProto { data: vec![1.0], ..new };
        let wrong = proto::LayerParameter { name: Some("short".into()), blobs: vec![short] };
        let net = proto::NetParameter { layer: vec![wrong], ..Default::default() };
        assert!(layers(&net.encode_to_vec()).unwrap_err().to_string().contains("layer short has 1 numbers"));
        assert!(layers(b"name: \"text\"").is_err());
    }
}
