//! The command line that makes the same dataset.

use std::path::{Path, PathBuf};

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    error::{shell_path, shell_word},
    studio::child::question::MakeDataset,
};

/// Settings whose words are no path.
const WORDS: [&str; 3] = ["size", "resize", "encoding"];
/// What is not asked for where another setting takes its place: the command line refuses the two together, and the maker
/// reads the second alone.
const INSTEAD: [(&str, &str); 3] =
    [("val_percent", "val_folder"), ("val_percent", "val_inputs"), ("test_percent", "test_folder")];
/// What only label images of classes have.
const OF_CLASSES: [&str; 2] = ["class_names", "colors"];

/// `digits-rs dataset folder photos --out …`: every setting of the request that differs from the defaults, each word as a shell
/// reads it. Nothing of a request that no command line makes.
#[must_use]
pub(crate) fn command(request: &MakeDataset) -> String {
    match request {
        MakeDataset::Folder(request) => line("folder", Some("folder"), request),
        MakeDataset::Lists(request) => line("lists", None, request),
        MakeDataset::Pairs(request) => line("pairs", None, request),
        MakeDataset::Generic(request) => line("generic", None, request),
        MakeDataset::Sample(_) => String::new(),
    }
}

/// A folder beside this one that is not there yet: what exists is not made again.
#[must_use]
pub(crate) fn free_beside(folder: &Path) -> PathBuf {
    let numbered = |number: u32| {
        let mut name = folder.as_os_str().to_os_string();
        name.push(format!("-{number}"));
        PathBuf::from(name)
    };
    (2..1000).map(numbered).find(|beside| !beside.exists()).unwrap_or_else(|| folder.to_path_buf())
}

/// The command of one kind; the setting `bare` stands without a flag.
fn line<T: Serialize + DeserializeOwned>(kind: &str, bare: Option<&str>, request: &T) -> String {
    let settings = typed(request);
    let of = |name: &str| settings.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let of_classes = of("labels_are").is_some();
    let mut words = vec![format!("digits-rs dataset {kind}")];
    words.extend(bare.and_then(of).and_then(Value::as_str).map(|path| shell_path(Path::new(path))));
    for (name, value) in &settings {
        let replaced = INSTEAD.iter().any(|(percent, folder)| name == percent && of(folder).is_some());
        let idle = OF_CLASSES.contains(&name.as_str()) && !of_classes;
        if replaced || idle || Some(name.as_str()) == bare {
            continue;
        }
        let flag = format!("--{}", name.replace('_', "-"));
        words.push(match value {
            // Label images hold values to repeat unless they are said to hold classes.
            _ if name == "labels_are" => "--classes".into(),
            Value::String(word) if WORDS.contains(&name.as_str()) => format!("{flag} {}", shell_word(word)),
            Value::String(path) => format!("{flag} {}", shell_path(Path::new(path))),
            other => format!("{flag} {other}"),
        });
    }
    words.join(" ")
}

/// Each setting that is not its default, parts of a part beside the others: leaving it out makes another request, or none.
fn typed<T: Serialize + DeserializeOwned>(request: &T) -> Vec<(String, Value)> {
    let whole = serde_json::to_value(request).unwrap_or_default();
    let is_needed = |less: Value| {
        let read = serde_json::from_value::<T>(less).ok().and_then(|read| serde_json::to_value(read).ok());
        read.as_ref() != Some(&whole)
    };
    let mut settings = Vec::new();
    for (name, value) in whole.as_object().into_iter().flatten() {
        let Value::Object(inner) = value else {
            let mut less = whole.clone();
            less.as_object_mut().map(|fields| fields.remove(name));
            settings.extend(is_needed(less).then(|| (name.clone(), value.clone())));
            continue;
        };
        for (part, value) in inner {
            let mut less = whole.clone();
            less[name].as_object_mut().map(|fields| fields.remove(part));
            settings.extend(is_needed(less).then(|| (part.clone(), value.clone())));
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tasks::dataset::{FolderRequest, ImageOptions};

    #[test]
    fn only_what_differs_is_typed_and_words_are_quoted() {
        let mut request = FolderRequest::new("my photos".into(), ImageOptions::new("-out".into()));
        let of = |request: &FolderRequest| command(&MakeDataset::Folder(request.clone()));
        assert_eq!(of(&request), "digits-rs dataset folder 'my photos' --out ./-out");
        request.images.seed = 7;
        request.val_percent = 12.5;
        assert_eq!(of(&request), "digits-rs dataset folder 'my photos' --out ./-out --seed 7 --val-percent 12.5");
        request.val_folder = Some("more".into());
        assert!(!of(&request).contains("--val-percent"), "the folder takes its place: {}", of(&request));
    }

    #[test]
    fn a_command_makes_a_folder_that_is_not_there() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("set-2")).unwrap();
        assert_eq!(free_beside(&dir.path().join("set")), dir.path().join("set-3"));
    }
}
