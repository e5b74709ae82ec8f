//! The program itself: figures, defaults, login.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Json,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    access::COOKIE,
    app::App,
    body::Body,
    jobs::{about, summary::Status},
    machine::Device,
    refusal::{Answer, Refusal, RefusalBody},
};
use crate::{
    error::{Error, Kind},
    frontend,
    tasks::{
        RunOptions, RunSettings, bounds,
        dataset::{FolderRequest, ImageOptions, ListsRequest},
    },
};

/// The program and its machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct Server {
    /// Of the program.
    version: String,
    /// The library that it was built for.
    libtorch: String,
    /// The folder of `--root`, absolute.
    root: String,
    /// Trainings at once on one device.
    per_device: usize,
    /// Trainings now.
    running: usize,
    /// Jobs in the queue.
    waiting: usize,
    /// Logical processors.
    cores: usize,
    /// Share of all cores.
    load: f64,
    /// Bytes.
    memory_used: u64,
    /// Bytes.
    memory_total: u64,
    /// Of all jobs.
    jobs_bytes: u64,
    /// Of all datasets.
    datasets_bytes: u64,
    /// Where the folder lies.
    disk_free: u64,
    /// What computes.
    devices: Vec<Device>,
}

impl Server {
    /// As it is now.
    pub(crate) fn now(app: &App) -> Server {
        let jobs = app.jobs.all();
        let count = |status: Status| jobs.iter().filter(|job| job.status == status).count();
        let figures = app.machine.figures();
        Server {
            version: env!("CARGO_PKG_VERSION").into(),
            libtorch: "2.11.0".into(),
            root: app.root.display().to_string(),
            per_device: app.queue.per_device(),
            running: count(Status::Running),
            waiting: count(Status::Waiting),
            cores: figures.cores,
            load: figures.load,
            memory_used: figures.memory_used,
            memory_total: figures.memory_total,
            jobs_bytes: jobs.iter().map(|job| job.disk_bytes).sum(),
            datasets_bytes: app.datasets.all().iter().map(|dataset| dataset.disk_bytes).sum(),
            disk_free: figures.disk_free,
            devices: figures.devices,
        }
    }
}

/// The program and its machine.
#[utoipa::path(get, path = "/api/server", tag = "program", responses((status = 200, body = Server)))]
pub(crate) async fn server(State(app): State<Arc<App>>) -> Json<Server> {
    Json(Server::now(&app))
}

/// DIGITS' defaults of runs and datasets.
#[utoipa::path(get, path = "/api/defaults", tag = "program", responses((status = 200, body = Object)))]
pub(crate) async fn defaults() -> Json<Value> {
    let of =
        |options: &RunOptions| RunSettings::of(options, &frontend::Settings::default()).to_json().unwrap_or_default();
    let mut run = of(&RunOptions::default());
    // Without a network file nothing is known of these.
    (run["batch_size"], run["validation_batch_size"]) = (Value::Null, Value::Null);
    let mut policies = BTreeMap::new();
    for name in crate::optim::schedule::Policy::NAMES {
        let settings = of(&RunOptions { lr_policy: Some(name.into()), ..RunOptions::default() });
        let own = ["lr_step", "lr_steps", "lr_gamma", "lr_power", "lr_decay"];
        let adds: serde_json::Map<String, Value> = own
            .iter()
            .filter(|key| !settings[**key].is_null())
            .map(|key| ((*key).to_string(), settings[*key].clone()))
            .collect();
        policies.insert(name, adds);
    }
    let solver = |name: &str, title: &str, uses: Value| json!({"name": name, "title": title, "uses": uses});
    let solvers = json!([
        solver("sgd", "SGD", json!(["lr", "momentum"])),
        solver("nag", "Nesterov", json!(["lr", "momentum"])),
        solver("adagrad", "AdaGrad", json!(["lr"])),
        solver("rmsprop", "RMSprop", json!(["lr"])),
        solver("adadelta", "AdaDelta", json!([])),
        solver("adam", "Adam", json!(["lr"])),
    ]);
    let images = ImageOptions::new("".into());
    let image = json!({"width": images.size.width, "height": images.size.height, "channels": images.channels,
        "resize": images.resize, "encoding": images.encoding, "seed": images.seed});
    let with = |more: Value| {
        let mut all = image.clone();
        for (key, value) in more.as_object().into_iter().flatten() {
            all[key] = value.clone();
        }
        all
    };
    let folder = FolderRequest::new("".into(), ImageOptions::new("".into()));
    let lists = ListsRequest::new("".into(), "".into(), ImageOptions::new("".into()));
    let most = json!({"epochs": bounds::EPOCHS, "batch_size": bounds::BATCH, "crop": bounds::SIDE, "side": bounds::SIDE,
        "variants": bounds::VARIANTS, "name": about::NAME, "notes": about::NOTES});
    Json(json!({
        "most": most, "run": run, "policies": policies, "solvers": solvers,
        "folder": with(json!({"kind": "folder", "folder": "", "val_folder": null, "test_folder": null,
            "val_percent": folder.val_percent, "test_percent": folder.test_percent,
            "min_per_class": folder.min_per_class, "max_per_class": folder.max_per_class})),
        "lists": with(json!({"kind": "lists", "train": "", "train_folder": null, "val": null, "val_folder": null,
            "test": null, "test_folder": null, "labels": "", "shuffle": lists.shuffle})),
        "pairs": with(json!({"kind": "pairs", "feature_folder": "", "label_folder": "", "val_feature_folder": null,
            "val_label_folder": null, "val_percent": folder.val_percent, "labels_are": "images", "class_names": null,
            "color_map_file": null})),
    }))
}

/// What a person knows.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct Login {
    /// The token that the program printed.
    token: String,
}

/// Trades the token for the cookie.
#[utoipa::path(post, path = "/api/login", tag = "program", request_body = Login,
    responses((status = 204), (status = 401, body = RefusalBody), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn login(State(app): State<Arc<App>>, Body(login): Body<Login>) -> Answer<Response> {
    if !app.access.is_token(&login.token) {
        let page = Error::new(Kind::Usage, "this is not the token")
            .with_help("it stands in the link that the program printed");
        return Err(Refusal::new(StatusCode::UNAUTHORIZED, &page));
    }
    Ok((StatusCode::NO_CONTENT, cookie(&login.token)).into_response())
}

/// The header that sets the cookie.
pub(crate) fn cookie(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict; Max-Age=31536000");
    if let Ok(value) = HeaderValue::from_str(&value) {
        headers.insert(header::SET_COOKIE, value);
    }
    headers
}
