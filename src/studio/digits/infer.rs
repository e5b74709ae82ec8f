//! DIGITS' routes that test a model.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Request, State},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::{Map, Value, json};

use super::{
    fields::Fields,
    shapes::{DigitsRefusal, nested, not_here},
};
use crate::studio::{
    app::App,
    blocking::in_place,
    refusal::{Answer, Refusal},
    tests::{
        layers,
        request::{ImageRef, ManyImages, OneImage, SnapshotRef, TestRequest, What},
        run,
    },
};

/// `classify_one`, `classify_many`, `infer_one`, `infer_many`, with or without `.json`.
pub(crate) async fn infer(
    State(app): State<Arc<App>>,
    Path((_, action)): Path<(String, String)>,
    request: Request,
) -> Result<Response, DigitsRefusal> {
    let fields = Fields::of(&app, request).await?;
    let action = action.trim_end_matches(".json");
    let one = match action {
        "classify_one" | "infer_one" => true,
        "classify_many" | "infer_many" => false,
        "top_n" => return Ok(not_here("the page of the best images", "POST /api/tests with kind top")),
        "infer_db" => return Ok(not_here("a reply with every record's output", "POST /api/tests with kind database")),
        "infer_extension" => return Ok(not_here("a data extension", "infer_one and infer_many take images")),
        _ => return Err(Refusal::not_found("route", action).into()),
    };
    let job = fields.required("job_id")?.to_string();
    let snapshot = match fields.number::<f64>("snapshot_epoch")? {
        Some(epoch) => SnapshotRef::Epoch(epoch),
        None => SnapshotRef::Word("last".into()),
    };
    let what = if one {
        let image = match (fields.file("image_file"), fields.text("image_path")) {
            (Some(upload), _) => ImageRef::Upload(upload.trim_start_matches("upload:").to_string()),
            (None, Some(path)) => ImageRef::Path(path.to_string()),
            (None, None) => return Err(Refusal::usage("image_path or image_file is required").into()),
        };
        What::One(OneImage { image, resize: !fields.is_on("dont_resize"), view: None, top: 5 })
    } else {
        let list = fields.file("image_list").ok_or_else(|| Refusal::usage("image_list is required"))?;
        What::Many(ManyImages {
            list,
            folder: fields.text("image_folder").map(String::from),
            limit: fields.number("num_test_images")?,
            top: 5,
        })
    };
    let begun = run::begin(&app, TestRequest { job, snapshot, what }).await.map_err(failed)?;
    let mut test = begun;
    while test.state == "running" {
        tokio::time::sleep(Duration::from_millis(50)).await;
        test = app.tests.get(&test.id)?;
    }
    if test.state == "failed" {
        let page = serde_json::from_value(test.error.clone()).ok();
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        return Err(page.map_or_else(|| Refusal::conflict("the test failed"), |page| Refusal { status, page }).into());
    }
    let classifies = action.starts_with("classify");
    let reply = match (one, classifies) {
        (true, true) => json!({"predictions": percent(&test.result["predictions"])}),
        (true, false) => json!({"outputs": {"output": [in_place(|| output(&test.folder))?]}}),
        (false, true) => json!({"classifications": rows(&test.result, &|row| percent(&row["predictions"]))}),
        (false, false) => json!({"outputs": rows(&test.result, &|row| json!({"output": row["output"]}))}),
    };
    Ok(Json(reply).into_response())
}

/// DIGITS answers 500 when an inference fails, 404 for a job that is not there.
fn failed(refusal: Refusal) -> Refusal {
    let status = if refusal.status == StatusCode::UNPROCESSABLE_ENTITY {
        StatusCode::INTERNAL_SERVER_ERROR
    } else {
        refusal.status
    };
    Refusal { status, ..refusal }
}

/// `[[label, percent], …]`
fn percent(predictions: &Value) -> Value {
    let one = |p: &Value| json!([p["label"], (p["probability"].as_f64().unwrap_or(0.0) * 10_000.0).round() / 100.0]);
    predictions.as_array().into_iter().flatten().map(one).collect()
}

fn rows(result: &Value, of: &dyn Fn(&Value) -> Value) -> Value {
    let rows = result["rows"].as_array().into_iter().flatten();
    let named = rows.map(|row| (row["name"].as_str().unwrap_or_default().to_string(), of(row)));
    Value::Object(named.collect::<Map<String, Value>>())
}

/// The output of a test of one image, as nested as its shape is.
fn output(folder: &std::path::Path) -> Answer<Value> {
    let examined = layers::read(folder)?;
    let values: Vec<Value> = examined.output.into_iter().map(Value::from).collect();
    Ok(nested(&examined.output_shape, &values))
}
