//! A network file in DIGITS' TensorFlow form through the program, as a user meets it: run, check, resume, test, export,
//! fine-tuning, sweep, pasted text, and the pages of what goes wrong.

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Output, Stdio},
};

use digits::{
    job::{EventKind, JobView, Status},
    train::Snapshot,
};
use serde_json::Value as Json;

use crate::job::{printed as run, program, workshop};

/// A classifier with dropout, so that noise is part of what must repeat, regularised, with a number to log.
const CLASSIFIER: &str = r#"from model import Tower
from utils import model_property
import tensorflow as tf
import tensorflow.contrib.slim as slim
import utils as digits

class UserModel(Tower):

    @model_property
    def inference(self):
        x = slim.flatten(self.x * 0.00390625)
        with slim.arg_scope([slim.fully_connected], weights_regularizer=slim.l2_regularizer(0.01)):
            x = slim.fully_connected(x, 12, scope='fc1')
            x = slim.dropout(x, 0.8, is_training=self.is_training, scope='do1')
            return slim.fully_connected(x, self.nclasses, activation_fn=None, scope='LAST')

    @model_property
    def loss(self):
        accuracy = digits.classification_accuracy(self.inference, self.y)
        self.summaries.append(tf.summary.scalar(accuracy.op.name, accuracy))
        return digits.classification_loss(self.inference, self.y)
"#;

fn arguments(folder: &Path, line: &str) -> Output {
    program(folder, &line.split(' ').collect::<Vec<_>>()).output().unwrap()
}

/// The page of a command that must fail.
fn page(folder: &Path, line: &str) -> String {
    let output = arguments(folder, line);
    assert!(!output.status.success(), "{line}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The weights and the optimiser's state of the last snapshot, in bits.
fn state(job: &Path) -> Vec<(String, Vec<i64>, Vec<u32>)> {
    let last = JobView::open(job).unwrap().snapshots().unwrap().pop().unwrap();
    let (snapshot, _) = Snapshot::read(&last.path).unwrap();
    let all = snapshot.weights.iter().chain(&snapshot.optimizer).filter(|(_, t)| t.kind() == tch::Kind::Float);
    let bits = |t: &tch::Tensor| Vec::<f32>::try_from(t.reshape([-1])).unwrap().into_iter().map(f32::to_bits).collect();
    all.map(|(name, t)| (name.clone(), t.size(), bits(t))).collect()
}

#[test]
fn a_python_file_goes_the_whole_way() {
    let folder = workshop();
    let folder = folder.path();
    fs::write(folder.join("net.py"), CLASSIFIER).unwrap();
    let printed = run(folder, "run net.py --epochs 2 --job j --solver rmsprop --lr 0.003 --device cpu");
    assert!(printed.contains("digits.classification_loss: nn.CrossEntropyCriterion"), "{printed}");
    assert!(!folder.join("j/network.lua").exists());
    assert_eq!(fs::read_to_string(folder.join("j/network.py")).unwrap(), CLASSIFIER);
    let view = JobView::open(&folder.join("j")).unwrap();
    let record = view.record().unwrap();
    assert_eq!((record.status, record.settings["weight_decay"].as_f64()), (Status::Done, Some(0.0)));
    let events = view.events().unwrap();
    let last = events.iter().rev().find(|event| event.event == EventKind::Validation).unwrap();
    let (ours, file_s) = (last.accuracy.unwrap(), last.scalars["accuracy"]);
    // The file's is a mean over batches, and the last batch is smaller.
    assert!(ours > 0.8 && (ours - file_s).abs() < 0.01, "{ours} {file_s}");
    assert!(events.iter().any(|event| event.event == EventKind::Train && event.scalars.contains_key("accuracy")));
    assert!(fs::read_to_string(folder.join("j/log.txt")).unwrap().contains("model/fc1"));

    // The second epoch once more, from the snapshot of the first: the same bits.
    let whole = state(&folder.join("j"));
    assert!(whole.iter().any(|(name, ..)| name == "rms"), "TensorFlow's rule");
    run(folder, "run --resume j --from-snapshot 1 --device cpu");
    assert!(state(&folder.join("j")) == whole, "a resume ends in other bits");

    let tested = run(folder, "test j --db datasets/mnist-sample/val_db --snapshot last --json");
    let tested: Json = serde_json::from_str(&tested).unwrap();
    let result = &tested["result"]["classification"];
    let result = serde_json::json!({"accuracy": result["accuracy"], "loss": result["loss"]});
    assert!((result["accuracy"].as_f64().unwrap() - ours).abs() < 1e-9, "{result}");
    assert!(
        (result["loss"].as_f64().unwrap() - last.loss.unwrap()).abs() < 0.02,
        "regularisation is in both: {tested}"
    );

    run(folder, "export j");
    let bytes = fs::read(folder.join("j/model.safetensors")).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let header: Json = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    assert_eq!(header["model/fc1/weights"]["shape"], serde_json::json!([784, 12]), "TensorFlow's name and layout");
    run(folder, "export j --format onnx");
    run(folder, "export j --format t7");
    let script = "local net = torch.load('j/model.t7'); net:evaluate()\n\
                  print(torch.type(net:get(6)), net:forward(torch.ones(2, 1, 28, 28):float()):sum())";
    fs::write(folder.join("look.lua"), script).unwrap();
    let printed = run(folder, "th --trusted look.lua");
    let (class, sum) = printed.trim().split_once('\t').unwrap();
    assert_eq!(class, "nn.SoftMax");
    assert!((sum.trim().parse::<f64>().unwrap() - 2.0).abs() < 1e-5, "{printed}");

    // Another last layer upon the first of that job, by the variables' names.
    fs::write(folder.join("tuned.py"), CLASSIFIER.replace("LAST", "other")).unwrap();
    let printed =
        run(folder, "run tuned.py --weights j/snapshots/snapshot_2.safetensors --epochs 1 --job k --lr 0 --device cpu");
    assert!(printed.contains("loaded   model/fc1/weights [784, 12]"), "{printed}");
    assert!(printed.contains("new      model/other/biases [10]"), "{printed}");
    let (first, tuned) = (state(&folder.join("j")), state(&folder.join("k")));
    let of = |all: &[(String, Vec<i64>, Vec<u32>)]| all.iter().find(|one| one.0 == "model/fc1/weights").cloned();
    assert_eq!(of(&tuned), of(&first), "the rate was 0");
}

#[test]
fn pasted_text_is_told_by_its_words_and_a_sweep_keeps_the_language() {
    let folder = workshop();
    let folder = folder.path();
    let mut check = program(folder, &["check", "-", "--input-shape", "1x28x28", "--nclasses", "10"]);
    let mut check = check.stdin(Stdio::piped()).spawn().unwrap();
    check.stdin.take().unwrap().write_all(CLASSIFIER.as_bytes()).unwrap();
    let output = check.wait_with_output().unwrap();
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("[?, 28, 28, 1] -> [?, 10]") && printed.contains("<stdin>:13"), "{printed}");

    fs::write(folder.join("net.py"), CLASSIFIER).unwrap();
    let printed = run(folder, "run net.py --epochs 1 --lr 0.01,0.1 --solver momentum --job s --device cpu");
    assert!(printed.contains("lr0.1") && folder.join("s/network.py").exists(), "{printed}");
    assert!(folder.join("s/lr0.1/network.py").exists());
    assert!(run(folder, "run --resume s --device cpu").contains("is done already"));
}

/// A chain of known layers whose loss is none of DIGITS'.
const OWN_LOSS: &str = r#"
class UserModel(Tower):
    @model_property
    def inference(self):
        x = slim.flatten(self.x * 0.00390625)
        return slim.fully_connected(x, 1, activation_fn=None, scope='fc')

    @model_property
    def loss(self):
        return tf.reduce_mean(tf.abs(tf.reshape(self.inference, [-1]) - tf.to_float(self.y)))
"#;

#[test]
fn a_loss_of_the_file_s_own_is_tested_against_the_labels() {
    let folder = workshop();
    fs::write(folder.path().join("own.py"), OWN_LOSS).unwrap();
    let trained = run(folder.path(), "run own.py --epochs 1 --solver adam --lr 0.001 --job own --device cpu");
    let logged = fs::read_to_string(folder.path().join("own/metrics.jsonl")).unwrap();
    let wanted = logged.lines().rev().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let wanted =
        wanted.filter(|event| event["event"] == "validation").find_map(|event| event["loss"].as_f64()).unwrap();
    let tested = run(folder.path(), "test own --db datasets/mnist-sample --json");
    let report: serde_json::Value = serde_json::from_str(&tested).unwrap();
    let loss = report["result"]["mean_loss"]["loss"].as_f64().unwrap_or_else(|| panic!("{tested}"));
    assert!((loss - wanted).abs() <= 1e-5 * wanted, "{loss}, not {wanted}: {trained}");
    // One image is looked into as what the network gives: a number, not a picture of the input.
    let one = run(folder.path(), "test own --db datasets/mnist-sample --record 3 --json");
    let report: serde_json::Value = serde_json::from_str(&one).unwrap();
    assert_eq!(report["result"]["kind"], "numbers", "{one}");
}

#[test]
fn regularisation_may_be_part_of_the_gradient() {
    let folder = workshop();
    let folder = folder.path();
    fs::write(folder.join("net.py"), CLASSIFIER.replace("0.01", "10.0")).unwrap();
    let norm = |job: &str| -> f64 {
        let all = state(&folder.join(job));
        let (_, _, bits) = all.into_iter().find(|(name, ..)| name == "model/fc1/weights").unwrap();
        bits.into_iter().map(|bits| f64::from(f32::from_bits(bits)).powi(2)).sum()
    };
    run(folder, "run net.py --epochs 1 --lr 0.001 --job plain --device cpu");
    run(folder, "run net.py --epochs 1 --lr 0.001 --job within --tf-regularize --device cpu");
    assert!(norm("within") < 0.5 * norm("plain"), "{} {}", norm("within"), norm("plain"));
}

#[test]
fn batches_may_run_across_the_borders_of_epochs() {
    let folder = workshop();
    let folder = folder.path();
    fs::write(folder.join("net.py"), CLASSIFIER).unwrap();
    let line = "run net.py --lr 0.001 --solver momentum --device cpu --batch-size 900 --snapshot-interval 0.4";
    run(folder, &format!("{line} --epochs 2 --job across --tf-across-epochs"));
    let view = JobView::open(&folder.join("across")).unwrap();
    let events = view.events().unwrap();
    let records: u64 = 7_500;
    let of = |kind: EventKind| events.iter().filter(move |event| event.event == kind);
    // 15,000 records in batches of 900; kept apart, two epochs would have 9 steps each.
    assert_eq!(events.last().unwrap().iteration, (2 * records).div_ceil(900), "{:?}", events.last());
    let ends: Vec<(f64, u64)> = of(EventKind::Epoch).map(|event| (event.epoch, event.iteration)).collect();
    assert_eq!(ends, [(1.0, 9), (2.0, 17)]);
    let validated: Vec<f64> = of(EventKind::Validation).map(|event| event.epoch).collect();
    assert_eq!(validated, [0.0, 1.0, 2.0]);
    // A resume from the middle of an epoch meets the same batches and the same validation records.
    let losses = |events: &[digits::job::Event]| -> Vec<(f64, Option<u64>)> {
        let seen = events.iter().filter(|event| event.event == EventKind::Validation);
        seen.map(|event| (event.epoch, event.loss.map(f64::to_bits))).collect()
    };
    let whole = (state(&folder.join("across")), losses(&events));
    let middle = view.snapshots().unwrap().iter().map(|file| file.epoch).find(|epoch| epoch.fract() != 0.0).unwrap();
    run(folder, &format!("run --resume across --from-snapshot {middle} --device cpu"));
    let again = JobView::open(&folder.join("across")).unwrap().events().unwrap();
    assert!((state(&folder.join("across")), losses(&again)) == whole, "a resume from {middle} ends in other bits");

    // The last batch was a short one: it would no longer be the last.
    let longer = page(folder, "run --resume across --epochs 3 --device cpu");
    assert!(longer.contains("cannot go on to more epochs") && longer.contains("--from-snapshot"), "{longer}");
    run(folder, &format!("{line} --epochs 2 --job apart"));
    assert_eq!(JobView::open(&folder.join("apart")).unwrap().events().unwrap().last().unwrap().iteration, 18);
}

#[test]
fn images_and_histograms_of_summaries_are_pictures_of_the_job() {
    let folder = workshop();
    let folder = folder.path();
    let more = "        self.summaries.append(tf.summary.image('seen/x', self.x, max_outputs=2))\n        \
                self.summaries.append(tf.summary.histogram('logits', self.inference))\n        \
                tf.summary.image('never', self.x, collections=['summaries'])\n        \
                tf.summary.FileWriter('elsewhere').add_summary(None, 0)\n        return digits";
    fs::write(folder.join("net.py"), CLASSIFIER.replace("        return digits", more)).unwrap();
    run(folder, "run net.py --epochs 1 --batch-size 500 --job j --tensorboard --device cpu");
    let mut files: Vec<String> = fs::read_dir(folder.join("j/summaries"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(files, ["logits.svg", "seen_x.png"]);
    assert!(!folder.join("elsewhere").exists());
    // Two digits of 28 pixels, four times as large, and what is between them.
    let picture = image::open(folder.join("j/summaries/seen_x.png")).unwrap();
    assert_eq!((picture.width(), picture.height()), (228, 112));
    let svg = fs::read_to_string(folder.join("j/summaries/logits.svg")).unwrap();
    assert!(svg.contains("Histogram of logits: 5000 values"), "{svg}");
    let events = fs::read_dir(folder.join("j/tensorboard")).unwrap().next().unwrap().unwrap().path();
    let bytes = fs::read(events).unwrap();
    let holds = |tag: &str| bytes.windows(tag.len()).filter(|part| *part == tag.as_bytes()).count();
    // Once before and once after the epoch.
    assert_eq!((holds("seen/x/image/0"), holds("seen/x/image/1"), holds("seen/x/image/2")), (2, 2, 0));
    assert_eq!((holds("never/image"), holds("accuracy/validation") > 0), (0, true));
}

#[test]
fn what_cannot_be_is_a_page() {
    let folder = workshop();
    let folder = folder.path();
    fs::write(folder.join("net.py"), CLASSIFIER).unwrap();
    let refused = page(folder, "run net.py --solver adagradda");
    assert!(refused.contains("it never ran"), "{refused}");
    let solvers = page(folder, "run net.py --solver nag");
    assert!(solvers.contains("choose one of sgd, momentum") && !solvers.contains("adagradda"), "{solvers}");
    assert!(page(folder, "run net.lua --solver ftrl").contains("there is no optimizer 'ftrl'"));
    fs::write(folder.join("wrong.py"), CLASSIFIER.replace("fully_connected(x, 12", "fuly_connected(x, 12")).unwrap();
    let wrong = page(folder, "run wrong.py");
    assert!(wrong.contains("wrong.py:13") && wrong.contains("fully_connected"), "{wrong}");
    // Without a shape a file that needs one is shown for the sample's images, as a run takes them.
    let unknown = arguments(folder, "check net.py");
    let (out, err) = (String::from_utf8_lossy(&unknown.stdout), String::from_utf8_lossy(&unknown.stderr));
    assert!(unknown.status.success() && out.contains("[?, 28, 28, 1] -> [?, 10]"), "{out}{err}");
    assert!(err.contains("it is shown for the 1x28x28 of the built-in sample"), "{err}");
    fs::write(
        folder.join("other.py"),
        CLASSIFIER
            .replace("slim.flatten(self.x * 0.00390625)", "tf.reshape(self.x, [-1, self.input_shape[0] * 5 // 3, 7])"),
    )
    .unwrap();
    let unknown = page(folder, "check other.py");
    assert!(unknown.contains("their shape is not known: give --input-shape"), "{unknown}");
    let mean = CLASSIFIER.replace("slim.flatten(self.x * 0.00390625)", "tf.reduce_mean(self.x, [1, 2])");
    fs::write(folder.join("mean.py"), mean).unwrap();
    run(folder, "run mean.py --epochs 1 --job m --device cpu --batch-size 500");
    assert!(page(folder, "export m --format t7").contains("cannot be written as a .t7 file"));
}
