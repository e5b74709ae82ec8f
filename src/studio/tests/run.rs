//! Carries tests out, and gives their results the form that the page draws.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    kept::KeptTest,
    layers,
    listed::Listed,
    request::{DatabaseRef, ImageRef, ManyImages, OneImage, SnapshotRef, TestRequest, TopImages, What, WholeDatabase},
};
use crate::{
    error::{Error, Kind},
    job::{JobView, Stamp},
    studio::{
        app::App,
        blocking::{blocking, in_place},
        child::{
            Wall,
            question::{Question, Reply},
        },
        datasets::{index::split_folder, scan::percent},
        error_page::ErrorPage,
        refusal::{Answer, Refusal},
    },
    tasks::{
        SnapshotChoice,
        inference::{
            DEVICE, DatabaseRequest, ExamineRequest, Examined, ImageChoice, ListRequest, MOST_WORST, TopRequest,
        },
    },
};

/// One image may take so long.
const ONE: Duration = Duration::from_secs(60);
/// A database may take so long.
const MANY: Duration = Duration::from_secs(24 * 3600);

/// Begins a test; one image is waited for.
///
/// # Errors
/// What is wrong with the request, or the page of an image that cannot be tested.
pub(crate) async fn begin(app: &Arc<App>, request: TestRequest) -> Answer<KeptTest> {
    let (app_of, request_of) = (Arc::clone(app), request.clone());
    let (test, question) = blocking(move || prepare(&app_of, request_of)).await?;
    let id = test.id.clone();
    in_place(|| app.tests.keep(test.clone()));
    let begun = Instant::now();
    if matches!(request.what, What::One(_)) {
        let app_of = Arc::clone(app);
        let asked = tokio::spawn(async move { app_of.tester.ask::<Value>(&question, ONE).await });
        let found = asked.await.map_err(|_| Refusal::usage("the test was ended"))?;
        let result = found.map_err(Refusal::from).and_then(|found| one(&id, &request, found));
        let result = result.inspect_err(|_| drop(in_place(|| app.tests.forget(&id))))?;
        finish(app, &id, begun, Ok(result));
    } else {
        let app = Arc::clone(app);
        tokio::spawn(many(app, test, question, begun));
    }
    app.tests.get(&id)
}

/// The test as it begins, and what its process is asked.
fn prepare(app: &App, request: TestRequest) -> Answer<(KeptTest, Question)> {
    let job = app.jobs.folder(&request.job).ok_or_else(|| Refusal::not_found("job", &request.job))?;
    let view = JobView::open(&job)?;
    let (choice, snapshot) = snapshot(&view, &request.snapshot)?;
    let id = app.tests.fresh_id();
    let folder = app.uploads.folder().join("tests").join(&id);
    std::fs::create_dir_all(&folder).map_err(|source| Error::io("make the folder", &folder, &source))?;
    let asked = question(app, &request, &job, choice, &folder);
    let (question, title) = asked.inspect_err(|_| drop(std::fs::remove_dir_all(&folder)))?;
    let test = KeptTest {
        id,
        request,
        state: "running",
        progress: (0, 0),
        snapshot,
        title,
        created: Stamp::now().rfc3339(),
        milliseconds: 0.0,
        result: Value::Null,
        error: Value::Null,
        folder,
        stop: Arc::default(),
    };
    Ok((test, question))
}

async fn many(app: Arc<App>, test: KeptTest, question: Question, begun: Instant) {
    let worker = app.worker(Wall::Test);
    let tell = |done: u64, total: u64| {
        app.tests.change(&test.id, |test| test.progress = (done, total));
        say(&app, &test.id);
    };
    let told = |reply: &Reply| {
        if let Reply::Progress { done, total, .. } = reply {
            tell(*done, *total);
        }
    };
    let asked = tokio::select! {
        asked = worker.ask_raw(&question, MANY, told) => asked,
        () = test.stop.notified() => Err(ErrorPage::of(&Error::new(Kind::Interrupted, "the test was stopped"))),
    };
    drop(worker);
    let seconds = begun.elapsed().as_secs_f64();
    let result = match (asked, &test.request.what) {
        (Ok(found), What::Database(of)) => of_database(&found, &of.database, seconds).map_err(|page| *page),
        (Ok(found), What::Top(of)) => Ok(of_top(&found, &of.database)),
        (Ok(found), _) => Ok(of_list(&test.id, &found)),
        (Err(page), _) => Err(page),
    };
    finish(&app, &test.id, begun, result);
}

fn finish(app: &App, id: &str, begun: Instant, result: Result<Value, ErrorPage>) {
    app.tests.change(id, |test| {
        test.milliseconds = (begun.elapsed().as_secs_f64() * 1000.0).round();
        match result {
            Ok(result) => {
                (test.state, test.result) = ("done", result);
                test.progress = (test.progress.1.max(1), test.progress.1.max(1));
            }
            Err(page) => (test.state, test.error) = ("failed", serde_json::to_value(page).unwrap_or_default()),
        }
    });
    say(app, id);
}

fn say(app: &App, id: &str) {
    if let Ok(test) = app.tests.get(id) {
        let (done, total) = test.progress;
        let body = json!({"id": id, "job": test.request.job, "state": test.state, "done": done, "total": total});
        app.bus.say("test", id, &body);
    }
}

fn snapshot(view: &JobView, wanted: &SnapshotRef) -> Answer<(SnapshotChoice, (f64, bool))> {
    let best = view.best()?.map(|best| best.epoch);
    let all = view.snapshots()?;
    let last = all.last().map(|snapshot| snapshot.epoch);
    let epoch = match wanted {
        SnapshotRef::Epoch(epoch) => view.snapshot_of(*epoch)?.epoch,
        SnapshotRef::Word(word) if word == "last" => last.unwrap_or(0.0),
        SnapshotRef::Word(word) if word == "best" => best.or(last).unwrap_or(0.0),
        SnapshotRef::Word(word) => {
            return Err(Refusal::usage(format!("'{word}' is no snapshot: best, last or an epoch")));
        }
    };
    if all.is_empty() {
        return Err(Refusal::conflict("the job holds no snapshot yet: let it train to the end of its first epoch"));
    }
    Ok((SnapshotChoice::Epoch(epoch), (epoch, best == Some(epoch))))
}

fn question(
    app: &App,
    request: &TestRequest,
    job: &Path,
    snapshot: SnapshotChoice,
    out: &Path,
) -> Answer<(Question, String)> {
    let (job, out) = (job.to_path_buf(), out.to_path_buf());
    Ok(match &request.what {
        What::One(OneImage { image, resize, view, top }) => {
            let (image, title) = match image {
                ImageRef::Upload(id) => {
                    let sent = app.uploads.file(id)?;
                    (ImageChoice::File(sent.path), sent.name)
                }
                ImageRef::Path(path) => (ImageChoice::File(app.roots.resolve(path)?), name(path)),
                ImageRef::Record(record) => {
                    let database = database(app, &record.database)?;
                    (ImageChoice::Record { database, index: record.index }, format!("record {}", record.index))
                }
            };
            let (resize, view, top) = (*resize, *view, *top);
            (Question::Examine(ExamineRequest { job, image, resize, view, snapshot, top, out }), title)
        }
        What::Many(ManyImages { list, folder, limit, top }) => {
            let title = match list.strip_prefix("upload:") {
                Some(id) => app.uploads.file(id)?.name,
                None => name(list),
            };
            let list = Listed { list, folder: folder.as_deref(), limit: *limit }.prepare(app, &out)?;
            let request =
                ListRequest { job, list, snapshot, top: *top, worst: MOST_WORST, device: DEVICE, out: Some(out) };
            (Question::TestList(request), title)
        }
        What::Database(WholeDatabase { database: of, labels_path }) => {
            let labels = labels_path
                .as_deref()
                .filter(|path| !path.is_empty())
                .map(|path| app.roots.resolve(path))
                .transpose()?;
            let database = database(app, of)?;
            let title = database_title(app, of, &database);
            (
                Question::TestDatabase(DatabaseRequest {
                    job,
                    database,
                    labels,
                    snapshot,
                    worst: MOST_WORST,
                    device: DEVICE,
                    out: Some(out),
                }),
                title,
            )
        }
        What::Top(TopImages { database: of, count }) => {
            let database = database(app, of)?;
            let title = database_title(app, of, &database);
            let count = (*count).clamp(1, 100) as usize;
            (Question::Top(TopRequest { job, database, snapshot, count }), title)
        }
    })
}

/// The folder of a database that a client names.
fn database(app: &App, of: &DatabaseRef) -> Answer<PathBuf> {
    match of {
        DatabaseRef::Path { path } => app.roots.resolve(path),
        DatabaseRef::Split { dataset, split } => {
            let folder = app.datasets.folder(dataset).ok_or_else(|| Refusal::not_found("dataset", dataset))?;
            split_folder(&folder, split).ok_or_else(|| Refusal::not_found("split", split))
        }
    }
}

/// `mnist, validation`, or the last part of a path.
fn database_title(app: &App, of: &DatabaseRef, database: &Path) -> String {
    let DatabaseRef::Split { dataset, split } = of else { return name(&database.display().to_string()) };
    let known = app.datasets.summary(dataset).map_or_else(|| dataset.clone(), |dataset| dataset.name);
    let split = match split.as_str() {
        "val" => "validation",
        other => other,
    };
    format!("{known}, {split}")
}

fn name(path: &str) -> String {
    path.rsplit('/').next().unwrap_or(path).to_string()
}

/// What the page draws of one image.
fn one(id: &str, request: &TestRequest, found: Value) -> Answer<Value> {
    let examined: Examined = serde_json::from_value(found)
        .map_err(|cause| Error::new(Kind::Io, "the result cannot be read").with_cause(cause.to_string()))?;
    let source = match &request.what {
        What::One(OneImage { image: ImageRef::Record(record), .. }) => match &record.database {
            DatabaseRef::Split { split, .. } => format!("record {} of {split}", record.index),
            DatabaseRef::Path { path } => format!("record {} of {}", record.index, name(path)),
        },
        What::One(OneImage { image: ImageRef::Upload(_), .. }) => "uploaded".into(),
        _ => "a file".into(),
    };
    Ok(layers::page(id, &examined, &source))
}

fn of_database(found: &Value, database: &DatabaseRef, seconds: f64) -> Result<Value, Box<ErrorPage>> {
    let (result, of) = (&found["result"], address(database));
    let picture = |index: &Value| format!("/api/records/{index}/picture?{of}");
    let per_second = |images: &Value| images.as_f64().unwrap_or(0.0) / seconds.max(1e-3);
    let losses = |kind: &str, found: &Value| {
        let worst = found["spread"]["worst"].as_array().into_iter().flatten().map(|worst| {
            json!({"index": worst[0], "key": worst[0].to_string(), "loss": worst[1], "picture": picture(&worst[0])})
        });
        json!({"kind": kind, "loss": found["loss"], "loss_unit": "loss", "images": found["images"],
            "images_per_second": per_second(&found["images"]), "statistics": found["spread"]["statistics"],
            "worst": worst.collect::<Vec<_>>()})
    };
    if result["mean_loss"].is_object() {
        return Ok(losses("loss", &result["mean_loss"]));
    }
    if result["segmentation"].is_object() {
        let found = &result["segmentation"];
        let mut shown = losses("segmentation", found);
        for name in ["pixel_accuracy", "mean_iou", "known_pixels", "classes"] {
            shown[name] = found["pixels"][name].clone();
        }
        return Ok(shown);
    }
    if !result["classification"].is_object() {
        // A form of answer that nobody has given a page: said, and not drawn as what it is not.
        let page = Error::new(Kind::Io, "the test gave an answer that the studio has no form for");
        return Err(Box::new(ErrorPage::of(&page)));
    }
    let mut shown = classification(&result["classification"], seconds);
    for answer in shown["answers"].as_array_mut().into_iter().flatten() {
        answer["picture"] = picture(&answer["index"]).into();
        answer["key"] = answer["index"].to_string().into();
    }
    Ok(shown)
}

fn of_top(found: &Value, database: &DatabaseRef) -> Value {
    let of = address(database);
    let classes: Vec<Value> = found["classes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|class| {
            let images = class["images"].as_array().into_iter().flatten().map(|image| {
                json!({"index": image["index"], "key": image["index"].to_string(), "right": image["right"], "answer": image["answer"],
                    "chance_of_answer": image["chance"],
                    "picture": format!("/api/records/{}/picture?{of}", image["index"])})
            });
            json!({"class": class["class"], "label": class["label"], "images": images.collect::<Vec<_>>()})
        })
        .collect();
    json!({"kind": "top", "images": found["images"], "classes": classes})
}

/// A database as the end of an address.
fn address(database: &DatabaseRef) -> String {
    match database {
        DatabaseRef::Split { dataset, split } => format!("dataset={}&split={}", percent(dataset), percent(split)),
        DatabaseRef::Path { path } => format!("path={}", percent(path)),
    }
}

fn classification(result: &Value, seconds: f64) -> Value {
    let images = result["images"].as_f64().unwrap_or(0.0);
    // Of many classes the matrix is a list of its counts: the sums stand beside it.
    let of_class = result["classes"].as_array().into_iter().flatten();
    let all: u64 = of_class.filter_map(|class| class["records"].as_u64()).sum();
    let right = (result["accuracy"].as_f64().unwrap_or(0.0) * all as f64).round() as u64;
    json!({"kind": "classification", "accuracy": result["accuracy"], "accuracy_top5": result["accuracy_top5"],
        "loss": result["loss"], "images": images, "images_per_second": images / seconds.max(1e-3),
        "labels": result["confusion"]["labels"], "counts": result["confusion"]["counts"], "classes": result["classes"],
        "wrong": all.saturating_sub(right),
        "answers": result["worst"]})
}

fn of_list(id: &str, found: &Value) -> Value {
    let list = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let (tested, not_tested) = (list("tested"), list("not_tested"));
    let file = |row: &Value| row["image"].as_str().unwrap_or_default().to_string();
    let labels = &found["classification"]["confusion"]["labels"];
    let right = |row: &Value| {
        let class = row["class"].as_u64()?;
        Some(labels[class as usize].as_str().map_or_else(|| class.to_string(), String::from))
    };
    let label_image = |labels: &Value| {
        let [drawn, over] = [0, 1].map(|at| {
            let name = labels["pictures"][at].as_str().unwrap_or_default();
            format!("/api/tests/{id}/pictures/{}", percent(name.trim_end_matches(".png")))
        });
        json!({"labels": drawn, "overlay": over, "legend": labels["legend"]})
    };
    let of_tested = tested.iter().map(|row| {
        let picture =
            format!("/api/pictures/resized?file={}&width=56&height=56&channels=3&resize=crop", percent(&file(row)));
        let labels = row.get("label_image").filter(|labels| labels.is_object()).map(label_image);
        json!({"name": name(&file(row)), "picture": picture, "right": right(row),
            "predictions": row["predictions"], "output": row["output"], "label_image": labels, "error": null})
    });
    let of_not_tested = not_tested.iter().map(|row| {
        json!({"name": name(&file(row)), "picture": null, "right": null, "predictions": [], "output": null,
            "label_image": null, "error": row["reason"]})
    });
    let rows: Vec<Value> = of_tested.chain(of_not_tested).collect();
    json!({"kind": "many", "images": rows.len(), "accuracy": found["classification"]["accuracy"],
        "classes": found["pixels"]["classes"], "rows": rows})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_images_are_told_as_such_and_an_unknown_answer_as_an_error() {
        let of = DatabaseRef::Split { dataset: "set".into(), split: "val".into() };
        let pixels =
            json!({"pixel_accuracy": 0.75, "mean_iou": 0.5, "known_pixels": 64, "classes": [{"label": "sky"}]});
        let found = json!({"result": {"segmentation": {"loss": 0.5, "images": 10, "batches": 3, "pixels": pixels,
            "spread": {"statistics": {"min": 0.0}, "worst": [[3, 2.5]]}}}});
        let shown = of_database(&found, &of, 2.0).unwrap();
        assert_eq!((&shown["kind"], &shown["images_per_second"]), (&json!("segmentation"), &json!(5.0)));
        assert_eq!((&shown["pixel_accuracy"], &shown["mean_iou"]), (&json!(0.75), &json!(0.5)));
        assert_eq!(shown["worst"][0]["picture"], "/api/records/3/picture?dataset=set&split=val");
        let page = of_database(&json!({"result": {"another": {}}}), &of, 2.0).unwrap_err();
        assert!(page.message.contains("no form"), "{}", page.message);
    }

    #[test]
    fn each_label_image_of_a_list_has_its_pictures() {
        let row = json!({"image": "/a/b.png", "class": null, "predictions": [], "output": null,
            "label_image": {"legend": [{"name": "sky"}], "pictures": ["0000-b-labels.png", "0000-b-overlay.png"]}});
        let shown = of_list("t1", &json!({"tested": [row], "not_tested": []}));
        let labels = &shown["rows"][0]["label_image"];
        assert_eq!(labels["overlay"], "/api/tests/t1/pictures/0000-b-overlay");
        assert_eq!(labels["legend"][0]["name"], "sky");
    }
}
