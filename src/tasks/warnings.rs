//! What a run's settings make of little use: said before it begins, and it begins all the same.

use super::{options::RunOptions, prepare::OpenedDataset, settings::RunSettings};
use crate::{
    data::{Augment, Flip, Target, shape_text},
    train::Plan,
};

/// Sentences about the settings of a run, for options as they were given, where it begins; `learning` parameters learn, and
/// the device is CUDA's or not.
pub(super) fn of(
    given: Option<&RunOptions>,
    settings: &RunSettings,
    plan: &Plan,
    opened: &OpenedDataset,
    (learning, is_cuda): (usize, bool),
) -> Vec<String> {
    let mut found = Vec::new();
    let mut say = |sentence: String| found.push(sentence);
    if learning == 0 {
        say("the network has no parameter that learns: its loss will stay where it is".into());
    } else if settings.lr == 0.0 {
        say("the learning rate is 0: nothing is learned".into());
    }
    let (batch, records) = (plan.batch_size, plan.records);
    if batch > records {
        say(format!(
            "the batch size of {batch} is larger than the {records} train records: an epoch is one step; give a smaller --batch-size"
        ));
    } else if plan.steps_of(0) == 1 {
        say(format!("an epoch is one step of {records} records: a smaller --batch-size gives more steps"));
    }
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get) as u64;
    if let Some(threads) = settings.threads.filter(|threads| *threads > processors) {
        say(format!(
            "--threads {threads} is more than this machine's {processors} processors: that is slower, not faster"
        ));
    }
    if settings.tf32 && !is_cuda {
        say("--tf32 has no effect: the run computes on the processor".into());
    }
    given.into_iter().flat_map(|given| without_effect(given, settings, opened)).for_each(&mut say);
    if changes_labels(&settings.augment(), settings)
        && let Some([label, image]) = labels_of_another_size(opened)
    {
        say(format!(
            "crop, flips and rotations change the images alone: the label images of {label} are not moved with images of {image}; train without them, or make labels of the images' size"
        ));
    }
    found
}

/// Options that were given and change nothing beside the others.
fn without_effect(given: &RunOptions, settings: &RunSettings, opened: &OpenedDataset) -> Vec<String> {
    let policy = settings.lr_policy.as_str();
    let solver = settings.solver.as_str();
    let [channels, height, width] = opened.dataset.shape;
    let has_val = opened.dataset.val().is_some();
    let of_policy =
        |flag: &str, policies: &str| format!("{flag} has no effect with --lr-policy {policy}: it is for {policies}");
    let is_of = |policies: &[&str]| policies.contains(&policy);
    let hue = [given.aug_hsv_h, given.aug_hsv_s, given.aug_hsv_v].iter().flatten().any(|sigma| *sigma > 0.0);
    let checks = [
        (given.lr_step.is_some() && !is_of(&["step", "sigmoid"]), of_policy("--lr-step", "step and sigmoid")),
        (given.lr_steps.is_some() && !is_of(&["multistep"]), of_policy("--lr-steps", "multistep")),
        (
            given.lr_gamma.is_some() && !is_of(&["step", "multistep", "exp", "inv", "sigmoid"]),
            of_policy("--lr-gamma", "step, multistep, exp, inv and sigmoid"),
        ),
        (given.lr_power.is_some() && !is_of(&["inv", "poly"]), of_policy("--lr-power", "inv and poly")),
        (given.lr_decay.is_some() && !is_of(&["torch_sgd"]), of_policy("--lr-decay", "torch_sgd")),
        (
            given.momentum.is_some() && !["sgd", "nag", "nesterov"].contains(&solver),
            format!("--momentum has no effect with --solver {solver}: it is for sgd and nag"),
        ),
        (
            hue && channels != 3,
            format!("hue, saturation and value are for colour: these images have {channels} channel(s)"),
        ),
        (
            given.crop.is_some_and(|side| side >= height && side >= width),
            format!("--crop has no effect: the images are {width}x{height}"),
        ),
        (
            given.early_stop.is_some() && (!has_val || settings.validation_interval == 0.0),
            "--early-stop has no effect without validations".into(),
        ),
        (
            given.validation_interval.is_some_and(|interval| interval > 0.0) && !has_val,
            "--validation-interval has no effect: the dataset has no validation records".into(),
        ),
        (
            given.mean.is_some() && settings.subtract_mean == crate::data::Subtract::None,
            "--mean has no effect with --subtract-mean none".into(),
        ),
    ];
    checks.into_iter().filter_map(|(is_so, sentence)| is_so.then_some(sentence)).collect()
}

/// Whether what is done to an image moves its pixels.
fn changes_labels(augment: &Augment, settings: &RunSettings) -> bool {
    let still = Augment::default();
    augment.flip != Flip::default()
        || augment.quarter_turn != still.quarter_turn
        || augment.rotate > 0.0
        || augment.scale > 0.0
        || settings.cut().is_some()
}

/// The sizes of label images and of images, where they differ: labels of the images' size are moved with them.
fn labels_of_another_size(opened: &OpenedDataset) -> Option<[String; 2]> {
    let records = opened.dataset.train().filter(|records| records.label_folder().is_some())?;
    let sample = records.get(0).ok()?;
    let Target::Planes(label) = sample.target else { return None };
    let (label, image) = (label.shape, sample.image.shape);
    let is_other_image = label[1] > 1 && label[2] > 1 && label[1..] != image[1..];
    is_other_image.then(|| [label, image].map(shape_text))
}
