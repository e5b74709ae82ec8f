//! How much the studio takes: what is too much, too long or odd is refused at once, in words that say the bound.

use serde_json::{Value, json};

use crate::studio_server::{Server, root};

const NETWORK: &str = "return function() return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(\
                       nn.Linear(784, 10)):add(nn.LogSoftMax()), loss = nn.ClassNLLCriterion(), trainBatchSize = 48 } end\n";

/// A form of a new job with one field of it, or of its options, in another way.
fn job(field: &str, value: Value) -> Value {
    let mut form = json!({"name": "a", "dataset": "mnist-sample", "text": NETWORK, "options": {"device": "cpu"},
        "lr": [], "batch_size": []});
    match field.strip_prefix("options.") {
        Some(option) => form["options"][option] = value,
        None => form[field] = value,
    }
    form
}

#[test]
fn what_no_run_should_have_is_refused_with_its_bound_and_nothing_is_made() {
    let (_dir, root) = root();
    std::fs::create_dir_all(root.join("no-database")).unwrap();
    std::fs::write(root.join("file"), "x").unwrap();
    let server = Server::start(&root, &[]);
    let rates: Vec<f64> = (1..=2999).map(|i| f64::from(i) / 1e4).collect();
    let named = |name: &str, length: usize| job(name, "x".repeat(length).into());
    for (form, status, words) in [
        (job("lr", json!(rates)), 400, "a sweep of 2999 runs"),
        (job("options.epochs", json!(1u64 << 31)), 400, "epochs is 2147483648"),
        (job("options.epochs", json!(1e99)), 422, "options.epochs is 1e+99"),
        (job("options.epochs", json!("many")), 422, "options.epochs is many"),
        (job("options.threads", json!(100_000)), 400, "threads is 100000"),
        (job("batch_size", json!([10_000_000])), 400, "batch_size is 10000000"),
        (named("name", 100_000), 400, "name has 100000 letters"),
        (named("group", 101), 400, "group has 101 letters"),
        (named("file", 5000), 400, "file has 5000 letters"),
        (job("name", json!("a\u{0}b")), 400, "name holds the control character U+0000 at 1"),
        (job("options.device", json!("gpu")), 400, "'gpu' is not a device"),
        (job("options.device", json!("cuda:77")), 422, "there is no device cuda:77 on this machine"),
        (job("dataset", json!("none")), 404, "there is no dataset 'none'"),
        (job("dataset", json!("x".repeat(100_000))), 404, "there is no dataset 'xxx"),
    ] {
        let (found, reply) = server.json("POST", "/api/jobs", &form);
        let message = reply["error"]["message"].as_str().unwrap_or_default();
        assert!(found == status && message.starts_with(words), "{words}: {found} {reply}");
        assert!(reply.to_string().len() < 4000, "{words}: a page repeats all that was sent");
    }
    for options in [
        json!({"dataset": "no-database"}),
        json!({"dataset": "file"}),
        json!({"train_db": "no-database"}),
        json!({"train_db": "file"}),
    ] {
        let mut form = job("options", options.clone());
        form["dataset"] = Value::Null;
        let (status, reply) = server.json("POST", "/api/jobs", &form);
        assert!(status == 422 || status == 400, "{options}: {status} {reply}");
    }
    assert_eq!(server.get("/api/jobs")["jobs"], json!([]));
    assert_eq!(std::fs::read_dir(root.join("jobs")).unwrap().count(), 0);

    let (status, reply) =
        server.json("POST", "/api/datasets", &json!({"kind": "generic", "name": "n".repeat(300), "train_db": "file"}));
    assert_eq!((status, &reply["error"]["message"]), (400, &json!("name has 300 letters")), "{reply}");
    let (status, reply) = server.json("GET", "/api/records?dataset=mnist-sample&split=val&count=many", &Value::Null);
    assert!(status == 400 && reply["error"]["message"] == "count cannot be read", "{status} {reply}");
    let most = &server.get("/api/defaults")["most"];
    assert_eq!((&most["variants"], &most["name"]), (&json!(100), &json!(100)));
}

#[test]
fn a_job_is_named_and_grouped_within_the_same_bounds() {
    let (_dir, root) = root();
    let folder = root.join("jobs/j");
    std::fs::create_dir_all(&folder).unwrap();
    let request = json!({"begin": {"network": {"name": "net.lua", "text": "return 1"}, "options": {}}});
    std::fs::write(folder.join("request.started.json"), request.to_string()).unwrap();
    let server = Server::start(&root, &[]);
    for (change, words) in [
        (json!({"name": "n".repeat(101)}), "name has 101 letters"),
        (json!({"group": "a\nb"}), "group holds the control character U+000A at 1"),
        (json!({"notes": "n".repeat(20_001)}), "notes has 20001 letters"),
    ] {
        let (status, reply) = server.json("PATCH", "/api/jobs/j", &change);
        assert_eq!((status, reply["error"]["message"].as_str()), (400, Some(words)), "{reply}");
    }
    let bulk = json!({"action": "group", "ids": ["j"], "group": "g".repeat(101)});
    assert!(server.json("POST", "/api/jobs/bulk", &bulk).1["failed"][0]["error"]["message"] == "group has 101 letters");
    let kept = server.json("PATCH", "/api/jobs/j", &json!({"name": " two words ", "notes": "a\nb"})).1;
    assert_eq!(kept["name"], "two words", "{kept}");
}
