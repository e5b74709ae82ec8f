//! What the page draws of one tested image, layer by layer.

use std::path::Path;

use serde_json::{Value, json};

use crate::{
    inspect::{output_kind::OutputKind, output_view::Rectangle},
    studio::refusal::{Answer, Refusal},
    tasks::inference::{Examined, ExaminedLayer, KeptValues},
};

/// The test's result; layers are opened one by one.
pub(crate) fn page(id: &str, examined: &Examined, source: &str) -> Value {
    let [height, width] = examined.size;
    let picture = |name: &str, alt: &str| json!({"picture": format!("/api/tests/{id}/pictures/{name}"), "width": width, "height": height, "alt": alt});
    let reconstruction = examined.reconstruction.as_ref().map(|errors| {
        json!({"output": picture("output", "what the network made"), "restored": picture("restored", "the same with the mean added back"),
            "difference": picture("difference", "output minus input"), "largest_error": errors.largest_error,
            "mean_squared_error": errors.mean_squared_error, "root_mean_squared_error": errors.root_mean_squared_error,
            "mean_absolute_error": errors.mean_absolute_error, "error_of_the_mean": errors.error_of_the_mean})
    });
    let rows: Vec<Value> = examined
        .layers
        .iter()
        .filter_map(|layer| {
            let node = examined.graph.nodes.iter().find(|node| node.id == layer.id)?;
            let activations = layer.activations.as_ref()?;
            let map = (activations.tiles > 0).then(|| map(id, layer.id, activations));
            Some(json!({"id": layer.id, "path": node.path, "name": node.label, "class": node.class, "line": node.line,
                "statistics": activations.statistics, "map": map, "learned_parameters": node.parameters}))
        })
        .collect();
    let predictions: Vec<Value> = examined
        .predictions
        .iter()
        .map(|(class, label, probability)| json!({"class": class, "label": label, "probability": probability}))
        .collect();
    let label_image = examined.label_image.as_ref().map(|labels| {
        let drawn = picture("labels", "the likeliest class at each pixel");
        let truth = labels.right.map(|_| picture("truth", "the right class at each pixel"));
        json!({"labels": drawn, "truth": truth, "legend": labels.legend, "right": labels.right})
    });
    let image = match examined.output_shape.as_slice() {
        [_, height, width] if examined.view == OutputKind::Image => Some(json!({"width": width, "height": height,
            "picture": format!("/api/tests/{id}/pictures/output"), "alt": "the output, its smallest value black"})),
        _ => None,
    };
    let wanted = examined.wanted.map(|[height, width]| {
        json!({"width": width, "height": height, "picture": format!("/api/tests/{id}/pictures/wanted"),
            "alt": "the image that the record wants"})
    });
    let boxes: Option<Vec<Value>> = examined.boxes.as_ref().map(|boxes| {
        let one = |found: &Rectangle| {
            let [left, top, right, bottom] = found.sides;
            json!({"left": left, "top": top, "right": right, "bottom": bottom, "confidence": found.confidence})
        };
        boxes.iter().map(one).collect()
    });
    let is_numbers = reconstruction.is_none()
        && predictions.is_empty()
        && label_image.is_none()
        && image.is_none()
        && boxes.is_none();
    let numbers =
        is_numbers.then(|| json!([{"name": "output", "shape": examined.output_shape, "values": examined.output}]));
    json!({"kind": "one", "view": if is_numbers { "numbers".into() } else { json!(examined.view) },
        "size": examined.size, "channels": examined.channels, "source": source, "truth": examined.truth,
        "original": picture("original", "the image"), "normalized": picture("normalized", "the image as the network gets it"),
        "range": examined.range, "code": examined.code, "reconstruction": reconstruction, "predictions": predictions,
        "label_image": label_image, "image": image, "wanted": wanted, "boxes": boxes, "numbers": numbers, "layers": rows, "graph": examined.graph,
        "learned_parameters": examined.learned_parameters})
}

fn map(id: &str, node: usize, kept: &KeptValues) -> Value {
    let (height, width) = match kept.shape.as_slice() {
        [.., height, width] if kept.shape.len() > 2 => (*height, *width),
        _ => (1, kept.tiles as i64),
    };
    json!({"picture": format!("/api/tests/{id}/layers/{node}/map?of={}", kept.name), "width": width, "height": height,
        "alt": format!("{} of layer {node}", kept.name)})
}

/// What opening a layer loads.
pub(crate) fn detail(id: &str, layer: &ExaminedLayer, parameters: i64, most: usize) -> Value {
    let drawn = |kept: &KeptValues| (kept.tiles > 0).then(|| map(id, layer.id, kept));
    let weights: Vec<Value> = layer
        .weights
        .iter()
        .map(|kept| {
            json!({"name": kept.name, "statistics": kept.statistics, "map": drawn(kept), "note": kept.note,
                "tiles": kept.tiles, "tiles_shown": kept.tiles.min(most), "scale": kept.scale})
        })
        .collect();
    json!({"id": layer.id, "activations": layer.activations.as_ref().and_then(drawn), "weights": weights,
        "learned_parameters": parameters})
}

/// What a test kept.
///
/// # Errors
/// 404 when it was no test of one image.
pub(crate) fn read(folder: &Path) -> Answer<Examined> {
    let bytes = std::fs::read(folder.join("examined.json")).unwrap_or_default();
    serde_json::from_slice(&bytes).map_err(|_| Refusal::not_found("layer of this test", "examined.json"))
}
