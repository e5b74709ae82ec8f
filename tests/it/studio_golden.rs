//! What the routes of the studio answer, word for word: a folder that is always the same, and one file a route below
//! `tests/golden/studio`. `BLESS=1 cargo test --test it studio_golden` rewrites them; the diff is then reviewed by eye.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};

use crate::studio_server::{Server, root};

const NETWORK: &str = "return function(params)\n    local net = nn.Sequential()\n    net:add(nn.View(-1):setNumInputDims(3))\n    \
                       net:add(nn.Linear(784, 10)):add(nn.LogSoftMax())\n    return { model = net, loss = nn.ClassNLLCriterion(), \
                       trainBatchSize = 64, validationBatchSize = 32 }\nend\n";

/// A finished job of three steps, as a run writes it.
fn job(root: &Path) {
    let folder = root.join("jobs/20260101-000000-abcd");
    fs::create_dir_all(folder.join("snapshots")).unwrap();
    fs::write(folder.join("network.lua"), NETWORK).unwrap();
    fs::write(folder.join("log.txt"), "2026-01-01 00:00:00 [INFO ] one\n2026-01-01 00:00:01 [INFO ] two\n").unwrap();
    let settings = json!({"dataset": "datasets/mnist-sample", "epochs": 2, "lr": 0.01, "lr_policy": "step", "solver": "sgd",
        "device": "cpu", "seed": 7, "batch_size": 64});
    let record = json!({"id": "20260101-000000-abcd", "status": "Done", "created": "2026-01-01T00:00:00+00:00",
        "started": "2026-01-01T00:00:00+00:00", "finished": "2026-01-01T00:00:04+00:00",
        "network": {"name": "net.lua", "blake3": "b", "folder": null}, "dataset": {"path": "datasets/mnist-sample", "fingerprint": "f"},
        "seed": 7, "settings": settings, "program": "digits-rs 0.1.0", "libtorch": "2.11.0+cpu", "error": null});
    fs::write(folder.join("job.json"), record.to_string()).unwrap();
    let line = |event: Value| format!("{event}\n");
    let mut lines = line(json!({"event": "start", "epoch": 0.0, "iteration": 0, "time": 1767225600.0}));
    for (step, loss) in [(1u64, 2.5), (2, 1.25), (3, 0.625)] {
        lines +=
            &line(json!({"event": "train", "epoch": step as f64 / 2.0, "iteration": step, "loss": loss, "lr": 0.01,
            "images_per_second": 1000.0, "data_wait": 0.5, "time": 1767225600.0 + step as f64}));
    }
    lines += &line(
        json!({"event": "validation", "epoch": 2.0, "iteration": 4, "loss": 0.5, "accuracy": 0.75, "time": 1767225604.0}),
    );
    lines += &line(json!({"event": "end", "epoch": 2.0, "iteration": 4, "time": 1767225604.0}));
    fs::write(folder.join("metrics.jsonl"), lines).unwrap();
}

/// What differs from machine to machine and from run to run becomes a word.
fn masked(value: &mut Value, root: &str) {
    match value {
        Value::String(text) => {
            *text = text.replace(root, "ROOT");
            if let Some((address, _)) = text.split_once("&v=") {
                *text = address.to_string();
            }
        }
        Value::Array(values) => values.iter_mut().for_each(|value| masked(value, root)),
        Value::Object(fields) => {
            for (name, value) in fields.iter_mut() {
                let varies =
                    ["cursor", "milliseconds", "memory_bytes", "version", "seconds", "bytes", "disk_bytes", "time"];
                let of_now = ["created", "submitted"].contains(&name.as_str())
                    && !value.as_str().is_some_and(|text| text.starts_with("2026-01-01"));
                if of_now || varies.contains(&name.as_str()) && (value.is_number() || value.is_string()) {
                    *value = format!("<{name}>").into();
                } else {
                    masked(value, root);
                }
            }
        }
        _ => {}
    }
}

#[test]
fn routes_answer_as_written_down() {
    let (_dir, root) = root();
    job(&root);
    let server = Server::start(&root, &[]);
    assert_eq!(server.json("POST", "/api/datasets", &json!({"kind": "sample", "name": ""})).0, 201);
    server.until("/api/datasets", |list| list["datasets"][0]["status"] == "Done");
    let id = "20260101-000000-abcd";
    // A process of its own says what the network is; a busy machine lets it wait.
    server.until(&format!("/api/jobs/{id}"), |job| job["loss_unit"] != "loss");
    let get = |name: &'static str, path: String| (name, "GET", path, Value::Null);
    let wrong = NETWORK.replace("784", "783");
    let asked = [
        get("jobs", "/api/jobs".into()),
        get("job", format!("/api/jobs/{id}")),
        get("job-metrics", format!("/api/jobs/{id}/metrics")),
        get("job-log", format!("/api/jobs/{id}/log")),
        get("job-clone", format!("/api/jobs/{id}/clone")),
        get("job-missing", "/api/jobs/none".into()),
        get("job-file-outside", format!("/api/jobs/{id}/files/..%2F..%2Fx")),
        ("job-abort", "POST", format!("/api/jobs/{id}/abort"), json!({})),
        ("bulk", "POST", "/api/jobs/bulk".into(), json!({"action": "abort", "ids": [id, "none"]})),
        get("datasets", "/api/datasets".into()),
        get("dataset", "/api/datasets/mnist-sample".into()),
        ("dataset-in-use", "DELETE", "/api/datasets/mnist-sample".into(), Value::Null),
        ("scan-wrong", "POST", "/api/datasets/scan".into(), json!({"kind": "generic", "train_db": "none"})),
        (
            "scan-database",
            "POST",
            "/api/datasets/scan".into(),
            json!({"kind": "generic", "train_db": "datasets/mnist-sample/train_db"}),
        ),
        get("records", "/api/records?dataset=mnist-sample&split=val&count=2&class=3".into()),
        get("record", "/api/records/3?dataset=mnist-sample&split=val".into()),
        get("outside", "/api/databases?path=%2Fetc".into()),
        get("defaults", "/api/defaults".into()),
        ("check", "POST", "/api/check".into(), json!({"text": NETWORK, "file": "net.lua", "dataset": "mnist-sample"})),
        (
            "check-wrong",
            "POST",
            "/api/check".into(),
            json!({"text": wrong, "file": "net.lua", "dataset": "mnist-sample"}),
        ),
        ("no-json", "POST", "/api/jobs".into(), json!("x")),
        (
            "unknown-field",
            "POST",
            "/api/jobs".into(),
            json!({"text": NETWORK, "dataset": "mnist-sample", "epochs": 3, "lr": [], "batch_size": []}),
        ),
        ("unknown-option", "POST", "/api/jobs".into(), json!({"text": NETWORK, "options": {"epoch": 3}})),
        ("no-method", "DELETE", "/api/jobs".into(), Value::Null),
        get("no-route", "/api/none".into()),
        get("digits-index", "/index.json".into()),
        get("digits-model", format!("/models/{id}.json")),
        get("digits-dataset", "/datasets/mnist-sample.json".into()),
        get("digits-status", format!("/models/{id}/status")),
        get("digits-completed", "/completed_jobs.json".into()),
        get("digits-store", "/store/list".into()),
    ];
    let golden = PathBuf::from("tests/golden/studio");
    let bless = std::env::var_os("BLESS").is_some();
    let place = root.to_str().unwrap().to_string();
    let mut differing = String::new();
    for (name, method, path, body) in asked {
        let (status, mut reply) = server.json(method, &path, &body);
        masked(&mut reply, &place);
        let text = format!("{method} {path}\n{status}\n{}\n", serde_json::to_string_pretty(&reply).unwrap());
        let file = golden.join(format!("{name}.txt"));
        if bless {
            fs::create_dir_all(&golden).unwrap();
            fs::write(&file, &text).unwrap();
        } else if fs::read_to_string(&file).unwrap_or_default() != text {
            let _ = writeln!(differing, "{}:\n{text}", file.display());
        }
    }
    assert!(differing.is_empty(), "replies differ (BLESS=1 accepts them):\n{differing}");
}
