//! `run --profile`: two files in the job's folder, which say what a step costs and is made of, and the same weights.

use std::fs;

use crate::job::well;

#[test]
fn a_profile_has_the_steps_that_it_tells_of_and_changes_no_number() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("net.lua"),
        "local net = nn.Sequential():add(nn.View(784)):add(nn.Linear(784, 10)):add(nn.LogSoftMax())\n\
         return {model = net, loss = nn.ClassNLLCriterion(), trainBatchSize = 128}",
    )
    .unwrap();
    let run = |words: &str| well(folder.path(), words);
    let text = run("run net.lua --job seen --epochs 1 --autograd --device cpu --profile 12");
    assert!(text.contains("a step takes") && text.contains("mean of 12"), "{text}");
    assert!(!text.contains("gpuGetDeviceCount"), "libtorch's profiler keeps to itself: {text}");
    let read = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(folder.path().join("seen/profile").join(name)).unwrap()).unwrap()
    };
    let summary = read("summary.json");
    assert_eq!(
        (&summary["steps"], &summary["batch_size"], &summary["engine"]),
        (&12.into(), &128.into(), &"autograd".into())
    );
    assert!(summary["seconds_a_step"].as_f64().unwrap() > 0.0 && summary["peak_memory"].is_null(), "{summary}");
    let trace = read("trace.json");
    let events = trace["traceEvents"].as_array().unwrap();
    let named = |name: &str| events.iter().filter(|event| event["name"] == name).count();
    assert_eq!((named("step"), named("aten::addmm"), named("aten::log_softmax")), (5, 5, 5));

    run("run net.lua --job unseen --epochs 1 --autograd --device cpu");
    let weights = |job: &str| fs::read(folder.path().join(job).join("snapshots/snapshot_1.safetensors")).unwrap();
    assert_eq!(tail(&weights("seen")), tail(&weights("unseen")));

    // A run that is over before is told so.
    let text = run("run net.lua --job short --epochs 1 --autograd --device cpu --profile 500");
    assert!(text.contains("no profile was made: it takes 515 steps, and the run had fewer"), "{text}");
    assert!(!folder.path().join("short/profile").exists());
}

/// A safetensors file without its header, which names the job.
fn tail(file: &[u8]) -> &[u8] {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    &file[8 + length..]
}
