//! Networks: those that ship, checks of pasted text, previews of a run.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    app::App,
    blocking::in_place,
    body::Body,
    child::question::Question,
    jobs::create::CHECK,
    jobs::create::named,
    rate_curve,
    refusal::{Answer, Refusal, RefusalBody},
};
use crate::{
    frontend::{self, Source},
    tasks::{RunOptions, RunSettings, check::CheckRequest as TaskRequest},
};

/// A network file that ships.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct NetworkFile {
    /// `autoencoder`
    name: String,
    /// For people.
    title: String,
    /// `lua` or `python`.
    language: String,
    /// What it is for.
    task: String,
    /// The input it asks for; null takes any.
    input: Option<String>,
    /// The file.
    text: String,
}

/// The files that ship.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Networks {
    /// By name.
    networks: Vec<NetworkFile>,
}

/// Name, title, task, input, text.
pub(crate) const SHIPPED: [(&str, &str, &str, Option<&str>, &str); 15] = [
    (
        "autoencoder.lua",
        "Autoencoder",
        "image to image",
        Some("1 × 28 × 28 grey"),
        include_str!("../../networks/autoencoder.lua"),
    ),
    ("lenet.lua", "LeNet", "classification", Some("28 × 28"), include_str!("../../networks/lenet.lua")),
    (
        "lenet-plain.lua",
        "LeNet, plain",
        "classification",
        Some("28 × 28"),
        include_str!("../../networks/lenet-plain.lua"),
    ),
    ("alexnet.lua", "AlexNet", "classification", Some("256 × 256"), include_str!("../../networks/alexnet.lua")),
    ("googlenet.lua", "GoogLeNet", "classification", Some("256 × 256"), include_str!("../../networks/googlenet.lua")),
    (
        "binary-segmentation.lua",
        "Binary segmentation",
        "image to image",
        None,
        include_str!("../../networks/binary-segmentation.lua"),
    ),
    ("regression.lua", "Regression", "numbers", None, include_str!("../../networks/regression.lua")),
    ("siamese.lua", "Siamese", "similarity", Some("2 × 28 × 28"), include_str!("../../networks/siamese.lua")),
    (
        "fine-tuning.lua",
        "Fine tuning",
        "classification",
        Some("28 × 28"),
        include_str!("../../networks/fine-tuning.lua"),
    ),
    (
        "autoencoder.py",
        "Autoencoder (TensorFlow)",
        "image to image",
        Some("1 × 28 × 28 grey"),
        include_str!("../../networks/autoencoder.py"),
    ),
    ("lenet.py", "LeNet (TensorFlow)", "classification", Some("28 × 28"), include_str!("../../networks/lenet.py")),
    (
        "binary-segmentation.py",
        "Binary segmentation (TensorFlow)",
        "image to image",
        None,
        include_str!("../../networks/binary-segmentation.py"),
    ),
    ("regression.py", "Regression (TensorFlow)", "numbers", None, include_str!("../../networks/regression.py")),
    (
        "siamese.py",
        "Siamese (TensorFlow)",
        "similarity",
        Some("3 × 28 × 28"),
        include_str!("../../networks/siamese.py"),
    ),
    (
        "gan.py",
        "Adversarial pair (TensorFlow)",
        "image to image",
        Some("28 × 28"),
        include_str!("../../networks/gan.py"),
    ),
];

/// The network files that ship, with their text.
#[utoipa::path(get, path = "/api/networks", tag = "networks", responses((status = 200, body = Networks)))]
pub(crate) async fn networks() -> Json<Networks> {
    let file = |(name, title, task, input, text): (&str, &str, &str, Option<&str>, &str)| NetworkFile {
        name: name.trim_end_matches(".lua").into(),
        title: title.into(),
        language: if name.ends_with(".py") { "python" } else { "lua" }.into(),
        task: task.into(),
        input: input.map(String::from),
        text: text.into(),
    };
    Json(Networks { networks: SHIPPED.into_iter().map(file).collect() })
}

/// A module that the editor completes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ModuleInfo {
    /// `nn.Linear`
    name: String,
    /// With its arguments.
    signature: String,
    /// In a sentence.
    summary: String,
}

/// What the editor completes.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Modules {
    /// By name.
    modules: Vec<ModuleInfo>,
}

/// The modules of nn.
#[utoipa::path(get, path = "/api/modules", tag = "networks", responses((status = 200, body = Modules)))]
pub(crate) async fn modules() -> Json<Modules> {
    let modules = crate::tasks::look::modules();
    let info = |(name, signature, summary): (String, String, String)| ModuleInfo { name, signature, summary };
    Json(Modules { modules: modules.into_iter().map(info).collect() })
}

/// Text to check.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct CheckRequest {
    /// The network file.
    text: String,
    /// `lua` or `python`.
    #[serde(default)]
    language: String,
    /// What the file is called.
    #[serde(default)]
    file: String,
    /// A dataset's id.
    #[serde(default)]
    dataset: Option<String>,
    /// The square cut from each image.
    #[serde(default)]
    crop: Option<i64>,
    /// The batch that sums are for; the file's when not given.
    #[serde(default)]
    batch_size: Option<i64>,
    /// Also compare the gradients of modules and criteria written in Lua with finite differences: `gradients` of the reply.
    #[serde(default)]
    gradients: bool,
}

/// Checks a network file in a process of its own; a broken one is an answer too.
#[utoipa::path(post, path = "/api/check", tag = "networks", request_body = CheckRequest,
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn check(State(app): State<Arc<App>>, Body(request): Body<CheckRequest>) -> Answer<Json<Value>> {
    answer(&app, request).await.map(Json)
}

async fn answer(app: &Arc<App>, request: CheckRequest) -> Answer<Value> {
    let begun = Instant::now();
    let known = in_place(|| app.check_request(request.dataset.as_deref()));
    let batch = request.batch_size.unwrap_or(1);
    let asked = TaskRequest { batch, gradients: request.gradients, ..known };
    let name = if request.file.is_empty() { "network.lua" } else { &request.file };
    let name = named(name, &request.language, &request.text);
    let question = Question::Check { source: Source::pasted(&name, &request.text), request: asked, crop: request.crop };
    // A question that the page has given up before its turn is never asked; one that is asked is answered to its end, and
    // its process stays.
    let turn = app.checker.turn().await;
    let checker = Arc::clone(app);
    let asked = tokio::spawn(async move { checker.checker.ask_in::<Value>(turn, &question, CHECK).await });
    let mut reply = match asked.await {
        Ok(Ok(reply)) => reply,
        Ok(Err(page)) => json!({"error": page, "printed": "", "criterion": null, "graph": null, "totals": null,
            "batch_size": 1, "settings": null, "output": null}),
        Err(_) => return Err(Refusal::usage("the check was ended")),
    };
    reply["ok"] = reply["error"].is_null().into();
    reply["milliseconds"] = (begun.elapsed().as_secs_f64() * 1000.0).round().into();
    Ok(reply)
}

/// What is asked about learning rates.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct RateRequest {
    /// A dataset's id.
    #[serde(default)]
    dataset: Option<String>,
    /// The flags of `digits-rs run`.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: RunOptions,
    /// Base rates.
    #[serde(default)]
    lr: Vec<f64>,
    /// Images a step.
    #[serde(default)]
    batch_size: Option<u64>,
}

/// A curve.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RateCurve {
    /// The base rate.
    base: f64,
    /// Epoch, rate; upright steps are two points.
    points: Vec<[f64; 2]>,
}

/// The rates over a run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct RateReply {
    /// Of one epoch.
    iterations_per_epoch: u64,
    /// Of the run.
    iterations: u64,
    /// Of the run.
    epochs: u64,
    /// One for each base rate.
    curves: Vec<RateCurve>,
}

/// The learning rate over a run.
#[utoipa::path(post, path = "/api/preview/lr", tag = "networks", request_body = RateRequest,
    responses((status = 200, body = RateReply), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn rates(State(app): State<Arc<App>>, Body(request): Body<RateRequest>) -> Answer<Json<RateReply>> {
    let options = RunOptions { batch_size: request.batch_size.or(request.options.batch_size), ..request.options };
    let settings = RunSettings::of(&options, &frontend::Settings::default());
    settings.check()?;
    let known = request.dataset.as_deref().and_then(|id| app.datasets.summary(id));
    let records = known.map_or(7500, |dataset| if dataset.train > 0 { dataset.train } else { 7500 });
    let per_epoch = records.div_ceil(settings.batch_size.max(1));
    let total = per_epoch.saturating_mul(settings.epochs);
    let bases = if request.lr.is_empty() { vec![settings.lr] } else { request.lr };
    let mut curves = Vec::new();
    for base in bases.into_iter().take(12) {
        if !base.is_finite() || base < 0.0 {
            return Err(Refusal::usage(format!("lr is {base}: it must be a finite number of at least 0")));
        }
        let schedule = RunSettings { lr: base, ..settings.clone() }.schedule()?;
        curves.push(RateCurve { base, points: rate_curve::points(&schedule, total, settings.epochs as f64) });
    }
    Ok(Json(RateReply { iterations_per_epoch: per_epoch, iterations: total, epochs: settings.epochs, curves }))
}

/// What is asked about augmentation.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct AugmentationRequest {
    /// A dataset's id.
    dataset: String,
    /// The flags of `digits-rs run`.
    #[serde(default)]
    #[schema(value_type = Object)]
    options: RunOptions,
    /// Pictures, 24 at most.
    count: usize,
}

/// What the loader makes of one record, as `data:` URLs of PNG.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct AugmentationReply {
    /// The record before.
    input: String,
    /// After.
    pictures: Vec<String>,
    /// Height and width.
    size: [i64; 2],
}

/// What the loader makes of one record.
#[utoipa::path(post, path = "/api/preview/augmentation", tag = "networks", request_body = AugmentationRequest,
    responses((status = 200, body = AugmentationReply), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn augmentation(
    State(app): State<Arc<App>>,
    Body(request): Body<AugmentationRequest>,
) -> Answer<Json<AugmentationReply>> {
    let known =
        app.datasets.summary(&request.dataset).ok_or_else(|| Refusal::not_found("dataset", &request.dataset))?;
    let folder: PathBuf = app.datasets.place().join(&request.dataset);
    if !in_place(|| folder.is_dir()) {
        return Err(Refusal::conflict(format!("the dataset '{}' is not made yet", known.name)));
    }
    let count = request.count.clamp(1, 24) as u64;
    let options = RunOptions { dataset: Some(folder), train_db: None, ..request.options };
    let question = Question::Augmentation { options: Box::new(options), count };
    let made: Value = app.looker.ask(&question, Duration::from_secs(20)).await?;
    let list = |name: &str| made[name].as_array().cloned().unwrap_or_default();
    let url = |png: &Value| format!("data:image/png;base64,{}", png.as_str().unwrap_or_default());
    let [_, height, width] = known.shape.unwrap_or([1, 28, 28]);
    let pictures = list("pictures").iter().map(url).collect();
    Ok(Json(AugmentationReply { input: url(&made["input"]), pictures, size: [height, width] }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shipped_network_has_text() {
        assert!(SHIPPED.iter().all(|(_, _, _, _, text)| text.contains("return")));
    }
}
