//! `run --tensorboard`: TensorBoard's own reader finds curves, weights, images and the network, also after a stop and a
//! resume, each step once.

use std::fs;

use serde_json::Value;

use crate::{
    job::{NETWORK, well, workshop},
    python::python,
};

/// The steps of a tag's values.
fn steps(values: &Value) -> Vec<u64> {
    let step = |value: &Value| value["step"].as_u64().or(value[0].as_u64()).unwrap();
    values.as_array().unwrap().iter().map(step).collect()
}

#[test]
fn tensorboard_reads_what_a_run_and_its_resume_wrote() {
    let folder = workshop();
    let quick = "--batch-size 500 --device cpu --threads 1";
    let text = well(folder.path(), &format!("run net.lua --tensorboard --epochs 2 --job j {quick}"));
    assert!(text.contains("tensorboard --logdir j/tensorboard"), "{text}");
    // One epoch back, and on: what the first sitting said of the second epoch counts no longer.
    well(folder.path(), "run --resume j --from-snapshot 1 --epochs 3 --device cpu --threads 1");
    let place = folder.path().join("j/tensorboard");
    let files = fs::read_dir(&place).unwrap().count();
    assert_eq!(files, 2, "a file a sitting");
    let Some(found) = python("tensorboard_read.py", &[place.to_str().unwrap()]) else { return };
    let found: Value = serde_json::from_str(&found).unwrap();
    let metrics = fs::read_to_string(folder.path().join("j/metrics.jsonl")).unwrap();
    let events: Vec<Value> = metrics.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (kind, tag) in [("validation", "loss/validation"), ("train", "loss/train"), ("epoch", "loss/train_epoch")] {
        let of_kind = events.iter().filter(|event| event["event"] == kind);
        let wanted: Vec<(u64, f64)> =
            of_kind.map(|event| (event["iteration"].as_u64().unwrap(), event["loss"].as_f64().unwrap())).collect();
        let points = found["scalars"][tag].as_array().unwrap();
        assert_eq!(steps(&found["scalars"][tag]), wanted.iter().map(|point| point.0).collect::<Vec<_>>(), "{tag}");
        for (point, (_, loss)) in points.iter().zip(&wanted) {
            assert!((point[1].as_f64().unwrap() / loss - 1.0).abs() < 1e-6, "{tag}: {point} {loss}");
        }
    }
    assert_eq!(found["scalars"]["learning_rate"][0][1].as_f64().map(|rate| rate as f32), Some(0.01));
    let of_weights = &found["histograms"]["weights/3.weight"];
    assert_eq!(steps(of_weights), [16, 32, 48]);
    for histogram in of_weights.as_array().unwrap() {
        assert_eq!((histogram["num"].as_f64(), histogram["counted"].as_f64()), (Some(9408.0), Some(9408.0)));
    }
    let input = &found["images"]["input/0"];
    assert!(input.as_array().is_some_and(|all| !all.is_empty()), "{found}");
    assert_eq!(input[0]["size"], serde_json::json!([28, 28]));
    // A digit of the sample is dark on white, or the other way round: neither grey nor empty.
    let reconstructions = &found["images"]["reconstruction/0"];
    assert_eq!(steps(reconstructions), [0, 16, 32, 48]);
    let (seen, made) = (input[0]["mean"].as_f64().unwrap(), reconstructions[3]["mean"].as_f64().unwrap());
    assert!((seen - made).abs() < 40.0 && (5.0..250.0).contains(&seen), "{seen} {made}");
    let text = found["texts"]["network/file"][0].as_str().unwrap();
    assert_eq!(text.lines().map(|line| &line[4..]).collect::<Vec<_>>(), NETWORK.lines().collect::<Vec<_>>());
    assert!(found["texts"]["network/printed"][0].as_str().unwrap().contains("nn.Linear(784 -> 12)"));
    assert_eq!(found["plugins"]["network/printed"], "text");
}

#[test]
fn a_classifier_has_curves_of_its_accuracy_and_a_run_without_the_option_writes_nothing() {
    let folder = workshop();
    let network = "return function() return { model = nn.Sequential():add(nn.MulConstant(0.004))\n\
                   :add(nn.View(-1):setNumInputDims(3)):add(nn.Linear(784, 10)):add(nn.LogSoftMax()) } end\n";
    fs::write(folder.path().join("c.lua"), network).unwrap();
    let quick = "--epochs 1 --batch-size 500 --device cpu --threads 1";
    well(folder.path(), &format!("run c.lua --job without {quick}"));
    assert!(!folder.path().join("without/tensorboard").exists());
    well(folder.path(), &format!("run c.lua --tensorboard --job j {quick}"));
    let place = folder.path().join("j/tensorboard");
    let Some(found) = python("tensorboard_read.py", &[place.to_str().unwrap()]) else { return };
    let found: Value = serde_json::from_str(&found).unwrap();
    let last = |tag: &str| found["scalars"][tag].as_array().unwrap().last().unwrap()[1].as_f64().unwrap();
    assert!((0.1..=1.0).contains(&last("accuracy/validation")), "{found}");
    assert!(last("accuracy_top5/validation") >= last("accuracy/validation"));
    assert!(found["images"]["reconstruction/0"].is_null(), "{}", found["images"]);
}
