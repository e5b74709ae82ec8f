//! The command that the studio's page of a dataset copies, read by the command line again.

use std::collections::BTreeSet;

use clap::Parser;
use serde_json::{Value, json};

use super::{Command, DatasetArgs};
use crate::studio::{child::question::MakeDataset, datasets::command::command};

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    args: DatasetArgs,
}

/// Fields of the requests and another value than the default of each, for every kind; the needed ones first.
fn changed(kind: &str) -> (Value, Value) {
    let images = json!({"size": "8x9", "channels": 1, "resize": "fill", "encoding": "none", "seed": u64::MAX});
    let (needed, mut more) = match kind {
        "folder" => (
            json!({"folder": "my photos", "images": {"out": "set"}}),
            json!({"val_folder": "v", "test_folder": "it's", "val_percent": 12.5, "test_percent": 1e-7,
                "min_per_class": 5, "max_per_class": 6}),
        ),
        "lists" => (
            json!({"train": "a t.txt", "labels": "l.txt", "images": {"out": "set"}}),
            json!({"train_folder": "a b", "val": "v.txt", "val_folder": "v", "test": "t.txt", "test_folder": "t",
                "shuffle": false}),
        ),
        "pairs" => (
            json!({"inputs": "in", "labels": "out", "images": {"out": "set"}}),
            json!({"val_inputs": "vi", "val_labels": "vl", "val_percent": 3.0, "labels_are": "classes",
                "class_names": "n.txt", "colors": "c.txt"}),
        ),
        _ => (
            json!({"train_db": "db", "out": "set"}),
            json!({"train_labels_db": "a", "val_db": "b", "val_labels_db": "c", "mean": "m", "labels": "l.txt"}),
        ),
    };
    if kind != "generic" {
        more["images"] = images;
    }
    (needed, more)
}

fn typed(request: &MakeDataset) -> MakeDataset {
    let line = command(request).replacen("digits-rs dataset", r"printf '%s\0'", 1);
    let said = std::process::Command::new("bash").arg("-c").arg(&line).output().unwrap().stdout;
    let said = String::from_utf8(said).unwrap();
    let words = std::iter::once("dataset").chain(said.trim_end_matches('\0').split('\0'));
    match Line::try_parse_from(words).unwrap_or_else(|error| panic!("{line}: {error}")).args.command {
        Command::Folder(args) => MakeDataset::Folder(args.request()),
        Command::Lists(args) => MakeDataset::Lists(args.request()),
        Command::Pairs(args) => MakeDataset::Pairs(args.request()),
        Command::Generic(args) => MakeDataset::Generic(args.request()),
        _ => panic!("{line}"),
    }
}

#[test]
fn the_command_that_the_studio_copies_asks_for_the_same_dataset_whatever_its_settings() {
    for kind in ["folder", "lists", "pairs", "generic"] {
        let (needed, more) = changed(kind);
        let read = |fields: &Value| -> MakeDataset { serde_json::from_value(json!({kind: fields})).unwrap() };
        let json = |request: &MakeDataset| serde_json::to_value(request).unwrap()[kind].clone();
        assert_eq!(json(&typed(&read(&needed))), json(&read(&needed)), "{kind}: the defaults");
        // No field of the type is left out of the list above.
        let count = |value: &Value| value.as_object().map_or(0, |fields| fields.len());
        let whole = json(&read(&needed));
        let named: BTreeSet<&String> =
            needed.as_object().unwrap().keys().chain(more.as_object().unwrap().keys()).collect();
        assert_eq!(named.len(), count(&whole), "{kind}: {whole}");
        assert_eq!(count(&more["images"]), count(&whole["images"]).saturating_sub(1), "{kind}: {whole}");
        // What needs another setting, or takes the place of one, goes with it.
        let company = |name: &str| match (kind, name) {
            ("lists", "val_folder") => vec!["val"],
            ("lists", "test_folder") => vec!["test"],
            ("pairs", "val_inputs") => vec!["val_labels"],
            ("pairs", "val_labels") => vec!["val_inputs"],
            ("pairs", "class_names" | "colors") => vec!["labels_are"],
            ("generic", "val_labels_db") => vec!["val_db"],
            _ => vec![],
        };
        for name in more.as_object().unwrap().keys().filter(|name| *name != "images") {
            let mut fields = needed.clone();
            for name in company(name).into_iter().chain([name.as_str()]) {
                fields[name] = more[name].clone();
            }
            assert_eq!(json(&typed(&read(&fields))), json(&read(&fields)), "{kind}: {name}");
        }
        for (name, value) in more["images"].as_object().into_iter().flatten() {
            let mut fields = needed.clone();
            fields["images"][name] = value.clone();
            assert_eq!(json(&typed(&read(&fields))), json(&read(&fields)), "{kind}: {name}");
        }
    }
}
