//! DIGITS' forms of new datasets and models.

use std::sync::Arc;

use serde_json::{Value, json};

use super::fields::Fields;
use crate::{
    error::{Error, Kind},
    studio::{
        app::App,
        check::SHIPPED,
        datasets::form::NewDataset,
        jobs::create::{NewJob, form_of},
        refusal::{Answer, Refusal},
        unreadable,
    },
    tasks::RunOptions,
};

/// A classification dataset: of a folder or of text files.
///
/// # Errors
/// 400 for what is wrong with the fields.
pub(crate) fn classification_dataset(fields: &Fields) -> Answer<NewDataset> {
    let text = |name: &str| fields.text(name).map(String::from);
    let percent = |name: &str, default: f64| fields.number::<f64>(name).map(|value| value.unwrap_or(default));
    let encoding = fields.text("encoding").unwrap_or("png");
    let mut form = json!({
        "name": fields.required("dataset_name")?,
        "width": fields.number::<i64>("resize_width")?.unwrap_or(256),
        "height": fields.number::<i64>("resize_height")?.unwrap_or(256),
        "channels": fields.number::<i64>("resize_channels")?.unwrap_or(3),
        "resize": fields.text("resize_mode").unwrap_or("squash"),
        "encoding": encoding,
    });
    let method = fields.text("method").unwrap_or("folder");
    let more = match method {
        "folder" => json!({
            "kind": "folder",
            "folder": fields.required("folder_train")?,
            "val_folder": text("folder_val").filter(|_| fields.is_on("has_val_folder")),
            "test_folder": text("folder_test").filter(|_| fields.is_on("has_test_folder")),
            "val_percent": percent("folder_pct_val", 25.0)?,
            "test_percent": percent("folder_pct_test", 0.0)?,
            "min_per_class": fields.number::<u64>("folder_train_min_per_class")?.unwrap_or(2),
            "max_per_class": fields.number::<u64>("folder_train_max_per_class")?,
        }),
        "textfile" => {
            let list = |part: &str, uses: bool| {
                let sent = fields.file(&format!("textfile_{part}"));
                sent.or_else(|| text(&format!("textfile_local_{part}"))).filter(|_| uses)
            };
            let needed = |part: &str| {
                let name = format!("textfile_{part}");
                list(part, true).map_or_else(|| fields.required(&name).map(String::from), Ok)
            };
            let (val, test) = (fields.is_on("textfile_use_val"), fields.is_on("textfile_use_test"));
            json!({
                "kind": "lists",
                "train": needed("train_images")?,
                "train_folder": text("textfile_train_folder"),
                "val": list("val_images", val), "val_folder": text("textfile_val_folder"),
                "test": list("test_images", test), "test_folder": text("textfile_test_folder"),
                "labels": needed("labels_file")?,
                "shuffle": fields.text("textfile_shuffle").is_none() || fields.is_on("textfile_shuffle"),
            })
        }
        other => {
            return Err(Refusal::usage(format!("the method '{other}' is not part of digits-rs: folder or textfile")));
        }
    };
    merge(&mut form, more);
    read(form)
}

/// A dataset of prebuilt databases.
///
/// # Errors
/// 400 for what is wrong with the fields.
pub(crate) fn generic_dataset(fields: &Fields) -> Answer<NewDataset> {
    read(json!({
        "name": fields.required("dataset_name")?,
        "kind": "generic",
        "train_db": fields.required("prebuilt_train_images")?,
        "train_labels_db": fields.text("prebuilt_train_labels"),
        "val_db": fields.text("prebuilt_val_images"),
        "val_labels_db": fields.text("prebuilt_val_labels"),
        "mean": fields.text("prebuilt_mean_file"),
    }))
}

/// Fields that DIGITS calls otherwise.
const THEIRS: [(&str, &str); 2] = [("resize", "resize_mode"), ("name", "dataset_name")];

fn read(form: Value) -> Answer<NewDataset> {
    serde_json::from_value(form).map_err(|cause| {
        let words = cause.to_string();
        let theirs = words.split_once(": ").and_then(|(ours, rest)| {
            let (_, theirs) = THEIRS.iter().find(|(name, _)| *name == ours)?;
            Some(format!("{theirs}: {rest}"))
        });
        unreadable::field(&theirs.unwrap_or(words)).into()
    })
}

fn merge(form: &mut Value, more: Value) {
    for (name, value) in more.as_object().cloned().unwrap_or_default() {
        form[name] = value;
    }
}

/// A model.
///
/// # Errors
/// 400 for what is wrong with the fields.
pub(crate) fn model(app: &Arc<App>, fields: &Fields) -> Answer<NewJob> {
    if let Some(framework) = fields.text("framework").filter(|framework| *framework != "torch") {
        return Err(Refusal::usage(format!("the framework '{framework}' is not part of digits-rs: torch is")));
    }
    let policy = fields.text("lr_policy").unwrap_or("step");
    let of_policy = |names: &[(&str, &str)], suffix: &str| -> Answer<Option<f64>> {
        let known = names.iter().find(|(name, _)| *name == policy);
        known.map_or(Ok(None), |(_, field)| fields.number::<f64>(&format!("lr_{field}{suffix}")))
    };
    let steps = fields.numbers::<f64>("lr_multistep_values")?;
    let hue = fields.is_on("aug_hsv_use");
    let percent = |name: &str| fields.number::<f64>(name);
    let options = json!({
        "epochs": fields.number::<u64>("train_epochs")?,
        "snapshot_interval": fields.text("snapshot_interval"),
        "validation_interval": fields.number::<f64>("val_interval")?,
        "seed": fields.number::<u64>("random_seed")?,
        "solver": fields.text("solver_type").map(solver),
        "lr_policy": policy,
        "lr_step": match policy { "step" => percent("lr_step_size")?, "sigmoid" => percent("lr_sigmoid_step")?, _ => None },
        "lr_steps": (policy == "multistep" && !steps.is_empty()).then_some(steps),
        "lr_gamma": of_policy(&[("step", "step"), ("multistep", "multistep"), ("exp", "exp"), ("inv", "inv"), ("sigmoid", "sigmoid")], "_gamma")?,
        "lr_power": of_policy(&[("inv", "inv"), ("poly", "poly")], "_power")?,
        "subtract_mean": fields.text("use_mean"),
        "crop": fields.number::<i64>("crop_size")?,
        "aug_flip": fields.text("aug_flip"),
        "aug_quad_rot": fields.text("aug_quad_rot"),
        "aug_rot": percent("aug_rot")?,
        "aug_scale": percent("aug_scale")?,
        "aug_noise": percent("aug_noise")?,
        "aug_hsv_h": if hue { percent("aug_hsv_h")?.or(Some(0.02)) } else { None },
        "aug_hsv_s": if hue { percent("aug_hsv_s")?.or(Some(0.04)) } else { None },
        "aug_hsv_v": if hue { percent("aug_hsv_v")?.or(Some(0.06)) } else { None },
        "aug_contrast": percent("aug_contrast")?,
        "aug_whitening": fields.is_on("aug_whitening").then_some(true),
        "shuffle": fields.text("shuffle").filter(|_| !fields.is_on("shuffle")).map(|_| "sequential"),
    });
    let mut options: RunOptions =
        serde_json::from_value(options).map_err(|cause| unreadable::field(&cause.to_string()))?;
    let (text, file, weights) = network(app, fields)?;
    options.weights = weights;
    Ok(NewJob {
        name: fields.required("model_name")?.to_string(),
        group: fields.text("group_name").map(String::from),
        dataset: Some(fields.required("dataset")?.to_string()),
        text,
        language: "lua".into(),
        file,
        options,
        lr: fields.numbers("learning_rate")?,
        batch_size: fields.numbers("batch_size")?,
    })
}

fn solver(name: &str) -> String {
    match name.to_ascii_lowercase().as_str() {
        "nesterov" => "nag".into(),
        other => other.into(),
    }
}

/// The text of a network that a form chooses, its name, and the weights to start from.
fn network(app: &App, fields: &Fields) -> Answer<(String, String, Option<std::path::PathBuf>)> {
    let custom = fields.text("custom_network");
    let method = fields.text("method").unwrap_or(if custom.is_some() { "custom" } else { "standard" });
    match method {
        "custom" => {
            let weights = fields.text("custom_network_snapshot").map(std::path::PathBuf::from);
            Ok((fields.required("custom_network")?.to_string(), "network.lua".into(), weights))
        }
        "standard" => {
            standard(fields.text("standard_networks").unwrap_or("alexnet")).map(|(text, file)| (text, file, None))
        }
        "previous" => {
            let id = fields.required("previous_networks")?;
            let form = form_of(app, id)?;
            let epoch = fields.number::<f64>(&format!("{id}-snapshot"))?.filter(|epoch| *epoch > 0.0);
            let folder = app.jobs.folder(id);
            let weights =
                epoch.zip(folder).map(|(epoch, folder)| folder.join(format!("snapshots/snapshot_{epoch}.safetensors")));
            Ok((form.text, form.file, weights))
        }
        other => {
            Err(Refusal::usage(format!("the method '{other}' is not part of digits-rs: standard, previous or custom")))
        }
    }
}

/// A network that ships.
///
/// # Errors
/// 404 when there is none of that name.
pub(crate) fn standard(name: &str) -> Answer<(String, String)> {
    let file = format!("{name}.lua");
    let known = SHIPPED.into_iter().find(|(shipped, ..)| *shipped == file);
    known.map(|(shipped, .., text)| (text.to_string(), shipped.to_string())).ok_or_else(|| {
        let page = Error::new(Kind::Usage, format!("there is no standard network '{name}'"));
        Refusal::new(axum::http::StatusCode::NOT_FOUND, &page)
    })
}
