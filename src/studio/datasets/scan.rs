//! What a form of a new dataset would make.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Json, extract::State};
use serde_json::{Value, json};

use super::form::{DatasetForm, NewDataset};
use crate::{
    error::{Error, Kind},
    studio::{
        app::App,
        blocking::in_place,
        body::Body,
        child::question::{MakeDataset, Question},
        error_page::ErrorPage,
        refusal::{Answer, RefusalBody},
    },
};

/// Pixels of the longer side of an image that is shown as it is.
const SHOWN: f64 = 224.0;
/// Images shown.
const SAMPLES: usize = 40;
/// Files left out that are named.
const LEFT_OUT: usize = 200;

/// What a form would make, as far as it is known after a second.
#[utoipa::path(post, path = "/api/datasets/scan", tag = "datasets", request_body = NewDataset,
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn scan(
    State(app): State<Arc<App>>,
    Body(NewDataset { form, .. }): Body<NewDataset>,
) -> Answer<Json<Value>> {
    let begun = Instant::now();
    let mut reply = json!({"complete": true, "seconds": 0.0, "classes": [], "train": 0, "val": 0, "test": 0,
        "left_out_total": 0, "left_out": [], "samples": [], "looked_at": null,
        "databases": [], "fields": {}});
    let mut fields = in_place(|| wrong_paths(&app, &form));
    if fields.is_empty() {
        let request = || form.request(app.datasets.place().join("scan"), &|named| app.named(named));
        match form.leaves_some().and_then(|()| in_place(request)) {
            Err(refusal) => drop(fields.insert(field_of(&form, &refusal.page), *refusal.page)),
            Ok(MakeDataset::Folder(request)) => {
                found(&app, &form, Question::Scan(request), &mut reply, &mut fields).await
            }
            Ok(MakeDataset::Lists(request)) => {
                found(&app, &form, Question::ScanLists(request), &mut reply, &mut fields).await
            }
            Ok(MakeDataset::Pairs(request)) => {
                found(&app, &form, Question::ScanPairs(request), &mut reply, &mut fields).await
            }
            Ok(MakeDataset::Generic(request)) => {
                let databases = [
                    ("train_db", Some(&request.train_db)),
                    ("train_labels_db", request.train_labels_db.as_ref()),
                    ("val_db", request.val_db.as_ref()),
                    ("val_labels_db", request.val_labels_db.as_ref()),
                ];
                let mut found = Vec::new();
                for (field, path) in databases {
                    let Some(path) = path else { continue };
                    let asked: Result<Value, ErrorPage> =
                        app.looker.ask(&Question::Database(path.clone()), Duration::from_secs(20)).await;
                    match asked {
                        Ok(mut database) => {
                            database["field"] = field.into();
                            database["thumbs"] = thumbs(&database);
                            found.push(database);
                        }
                        Err(page) => drop(fields.insert(field.into(), page)),
                    }
                }
                let of = |field: &str| {
                    found.iter().find(|database| database["field"] == field).map(|database| database["records"].clone())
                };
                reply["train"] = of("train_db").unwrap_or(0.into());
                reply["val"] = of("val_db").unwrap_or(0.into());
                reply["databases"] = found.into();
            }
            Ok(MakeDataset::Sample(_)) => {}
        }
    }
    reply["fields"] = serde_json::to_value(fields).unwrap_or_default();
    reply["seconds"] = begun.elapsed().as_secs_f64().into();
    Ok(Json(reply))
}

/// Notes what a look at images found, or its page beside the main field.
async fn found(
    app: &App,
    form: &DatasetForm,
    question: Question,
    reply: &mut Value,
    fields: &mut BTreeMap<String, ErrorPage>,
) {
    let asked: Result<Value, ErrorPage> = app.looker.ask(&question, Duration::from_secs(60)).await;
    let found = match asked {
        Ok(found) => found,
        Err(page) => {
            let field = in_place(|| named_path(app, form, &page)).unwrap_or_else(|| field_of(form, &page));
            return drop(fields.insert(field, page));
        }
    };
    if let Some(field) = form.val_field().filter(|_| found["train"] == 0 && found["val"].as_u64() > Some(0)) {
        let page = Error::new(Kind::Usage, "nothing is left to train on").with_help("take less for validation");
        fields.insert(field.into(), ErrorPage::of(&page));
    }
    reply["looked_at"] = found["looked_at"].clone();
    for name in ["classes", "train", "val", "test"] {
        reply[name] = found[name].clone();
    }
    let rows = |name: &str| found[name].as_array().cloned().unwrap_or_default();
    let of_classes = rows("samples").into_iter().take(SAMPLES).map(|sample| sample_of(app, &sample[0], &sample[1]));
    let of_pairs = rows("pairs").into_iter().map(|pair| {
        let (mut shown, label) =
            (sample_of(app, &pair["input"], &Value::Null), sample_of(app, &pair["label"], &Value::Null));
        shown["label_picture"] = format!("{}&of=label", label["picture"].as_str().unwrap_or_default()).into();
        shown
    });
    reply["samples"] = in_place(|| of_classes.chain(of_pairs).collect());
    let left_out = rows("left_out");
    reply["left_out_total"] = left_out.len().into();
    let shown = left_out.iter().take(LEFT_OUT).map(|row| json!({"file": row["image"], "reason": row["reason"]}));
    reply["left_out"] = shown.collect();
}

/// Addresses of a database's first pictures.
pub(crate) fn thumbs(database: &Value) -> Value {
    let path = database["path"].as_str().unwrap_or_default();
    let count = database["records"].as_u64().unwrap_or(0).min(8);
    let path: String = percent(path);
    (0..count).map(|index| Value::from(format!("/api/records/{index}/picture?path={path}"))).collect()
}

/// As part of an address.
pub(crate) fn percent(text: &str) -> String {
    let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    text.bytes().map(|byte| if keep(byte) { (byte as char).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn sample_of(app: &App, file: &Value, class: &Value) -> Value {
    let path = file.as_str().unwrap_or_default();
    let size =
        Some(path).filter(|path| app.roots.resolve(path).is_ok()).and_then(|path| image::image_dimensions(path).ok());
    let (width, height) = size.unwrap_or((0, 0));
    // As it is, but no larger than the page shows it.
    let shrink = (f64::from(width.max(height)) / SHOWN).max(1.0);
    let shown = |side: u32| ((f64::from(side) / shrink) as u32).max(1);
    let file = percent(path);
    json!({"file": path, "class": class, "width": width, "height": height, "label_picture": null,
        "picture": format!("/api/pictures/resized?file={file}&width={}&height={}&channels=3&resize=squash",
            shown(width), shown(height))})
}

/// The field that a page begins with; the main one where it names none.
fn field_of(form: &DatasetForm, page: &ErrorPage) -> String {
    let named = page.message.split(' ').next().unwrap_or_default();
    let fields = serde_json::to_value(form).unwrap_or_default();
    if fields.get(named).is_some() { named.into() } else { form.main_field().into() }
}

/// The field whose file or folder a page speaks of: that which the page names itself before those around it.
fn named_path(app: &App, form: &DatasetForm, page: &ErrorPage) -> Option<String> {
    let given = form.paths().into_iter().filter(|(_, path)| !path.trim().is_empty());
    let known: Vec<_> =
        given.filter_map(|(field, path)| Some((field, app.named(path).ok()?.display().to_string()))).collect();
    field_at(&known, page)
}

fn field_at(known: &[(&str, String)], page: &ErrorPage) -> Option<String> {
    let words: Vec<&str> = page.facts.iter().map(|(_, value)| value.as_str()).chain([page.message.as_str()]).collect();
    let names = |path: &str| {
        words.iter().any(|words| {
            let rest = words.split_once(path).map(|(_, rest)| rest);
            rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || "._-".contains(c)))
        })
    };
    let says = |path: &str| words.contains(&path);
    let found = known.iter().filter(|(_, path)| names(path)).max_by_key(|(_, path)| (says(path), path.len()));
    found.map(|(field, _)| (*field).to_string())
}

/// A page for each path that cannot be used.
fn wrong_paths(app: &App, form: &DatasetForm) -> BTreeMap<String, ErrorPage> {
    let main = form.main_field();
    let mut wrong = BTreeMap::new();
    for (field, path) in form.paths() {
        if path.starts_with("upload:") || (path.trim().is_empty() && field != main) {
            continue;
        }
        if let Err(refusal) = app.roots.resolve(path) {
            wrong.insert(field.to_string(), *refusal.page);
        }
    }
    wrong
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_stands_at_the_field_whose_path_it_names() {
        let known = [("inputs", "/d/in"), ("labels", "/d/in/labels"), ("names", "/d/names.txt")];
        let known = known.map(|(field, path)| (field, path.to_string()));
        let of = |message: &str, facts: &[&str]| {
            let page = Error::new(Kind::Data, message);
            let page = facts.iter().fold(page, |page, fact| page.with_fact("in", *fact));
            field_at(&known, &ErrorPage::of(&page))
        };
        assert_eq!(of("/d/names.txt is not text in UTF-8", &[]).as_deref(), Some("names"));
        assert_eq!(of("a colour", &["/d/in/labels/1.png"]).as_deref(), Some("labels"));
        assert_eq!(of("no image", &["/d/in/1.png"]).as_deref(), Some("inputs"));
        assert_eq!(of("a class", &["/d/names.txt", "/d/in/labels/1.png"]).as_deref(), Some("names"));
        assert_eq!(of("no image in /d/in-2", &[]), None);
    }
}
