//! The studio's server as its clients see it: a process of the program, HTTP over a real socket.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::studio_server::{Events, Server, root};

const NETWORK: &str = "return function(params)\n\
    local net = nn.Sequential()\n\
    net:add(nn.MulConstant(0.00390625))\n\
    net:add(nn.View(-1):setNumInputDims(3))\n\
    net:add(nn.Linear(784, 8)):add(nn.ReLU())\n\
    net:add(nn.Linear(8, 784)):add(nn.View(1, 28, 28):setNumInputDims(1))\n\
    return { model = net, loss = nn.MSECriterion(), trainBatchSize = 64, validationBatchSize = 100,\n\
        labelHook = function(input) return input end }\nend\n";

fn new_job(epochs: u64, more: &Value) -> Value {
    let mut form = json!({"name": "try", "dataset": "mnist-sample", "text": NETWORK, "language": "lua",
        "file": "network.lua", "options": {"epochs": epochs, "device": "cpu"}, "lr": [0.01], "batch_size": []});
    for (name, value) in more.as_object().into_iter().flatten() {
        form[name] = value.clone();
    }
    form
}

#[test]
fn the_story_of_a_job_from_the_sample_to_a_tested_image() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let datasets = server.get("/api/datasets");
    assert_eq!(datasets["datasets"][0]["id"], "mnist-sample");
    let (status, made) = server.json("POST", "/api/datasets", &json!({"name": "", "kind": "sample"}));
    assert_eq!((status, made["status"].as_str()), (201, Some("Making")), "{made}");
    let dataset = server.until("/api/datasets", |list| list["datasets"][0]["status"] == "Done");
    assert_eq!(dataset["datasets"][0]["train"].as_u64().map(|count| count > 7000), Some(true), "{dataset}");

    let (status, made) = server.json("POST", "/api/jobs", &new_job(2, &json!({})));
    assert_eq!(status, 201, "{made}");
    let id = made["jobs"][0]["id"].as_str().unwrap().to_string();
    let list = server.get("/api/jobs");
    let mut events =
        Events::open(&server, &format!("/api/events?after={}&job={id}", list["cursor"].as_str().unwrap()), None);
    let (_, _, first) = events.next(&["metrics"]);
    assert_eq!(first["events"][0]["event"], "start", "{first}");
    let done = server.until(&format!("/api/jobs/{id}"), |job| job["summary"]["status"] == "Done");
    assert_eq!(done["summary"]["epoch"], 2.0);
    assert_eq!(done["snapshots"].as_array().map(Vec::len), Some(2), "{}", done["snapshots"]);
    assert!(done["command"].as_str().unwrap().contains("--epochs 2"), "{}", done["command"]);
    let metrics = server.get(&format!("/api/jobs/{id}/metrics"));
    // Before the first epoch too, as DIGITS does.
    assert_eq!(metrics["validation"]["epoch"], json!([0.0, 1.0, 2.0]), "{metrics}");
    assert_eq!(metrics["validation"]["loss"].as_array().map(Vec::len), Some(3));
    assert!(server.get(&format!("/api/jobs/{id}/log"))["total"].as_u64().unwrap() > 3);

    let image = json!({"record": {"dataset": "mnist-sample", "split": "val", "index": 3}});
    let request = json!({"job": id, "snapshot": "best", "kind": "one", "image": image, "resize": true, "top": 5});
    let (status, test) = server.json("POST", "/api/tests", &request);
    assert_eq!(status, 201, "{test}");
    assert_eq!((&test["state"], &test["result"]["view"]), (&json!("done"), &json!("reconstruction")), "{test}");
    assert_eq!(test["result"]["code"]["values"].as_array().map(Vec::len), Some(8));
    let (status, head, png) =
        server.send("GET", test["result"]["reconstruction"]["restored"]["picture"].as_str().unwrap(), &[], "");
    assert!(status == 200 && png.starts_with(b"\x89PNG") && head.contains("image/png"), "{head}");
    let layer = server.get(&format!("/api/tests/{}/layers/3", test["id"].as_str().unwrap()));
    assert_eq!(layer["weights"][0]["tiles"], 8, "{layer}");

    // What a test is asked for is done or refused: a view, a list's folder and limit, images outside the allowed folders.
    let shown = json!({"job": id, "snapshot": "best", "kind": "one", "image": image, "view": "numbers"});
    assert_eq!(server.json("POST", "/api/tests", &shown).1["result"]["view"], "numbers");
    let picture = server.send("GET", "/api/records/3/picture?dataset=mnist-sample&split=val", &[], "").2;
    std::fs::create_dir_all(root.join("seen")).unwrap();
    std::fs::write(root.join("seen/three.png"), picture).unwrap();
    std::fs::write(root.join("list.txt"), "three.png\nthree.png\nnone.png\n").unwrap();
    std::fs::write(root.join("outside.txt"), "/etc/hostname\n").unwrap();
    let many = |list: &str, more: Value| {
        let mut request = json!({"job": id, "snapshot": "best", "kind": "many", "list": list});
        more.as_object().unwrap().iter().for_each(|(name, value)| request[name] = value.clone());
        server.json("POST", "/api/tests", &request)
    };
    let rows = |begun: (u16, Value)| {
        assert_eq!(begun.0, 201, "{}", begun.1);
        let address = format!("/api/tests/{}", begun.1["id"].as_str().unwrap());
        server.until(&address, |test| test["state"] == "done")["result"]["rows"].as_array().unwrap().clone()
    };
    let all = rows(many("list.txt", json!({"folder": "seen"})));
    let read =
        |row: &Value| row["error"].is_null() && row["output"].as_array().is_some_and(|output| output.len() == 784);
    assert_eq!(all.iter().map(read).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(rows(many("list.txt", json!({"folder": "seen", "limit": 1}))).len(), 1);
    assert_eq!(rows(many("seen", json!({}))).len(), 1);
    for (list, more, status) in [
        ("outside.txt", json!({}), 403),
        ("list.txt", json!({"folder": "/etc"}), 403),
        ("list.txt", json!({"limit": 0}), 400),
        ("seen", json!({"limit": 1}), 400),
        ("seen", json!({"folder": "seen"}), 400),
    ] {
        let (found, page) = many(list, more.clone());
        assert_eq!(found, status, "{list} {more}: {page}");
    }

    // A stream that was away gets what came since, and nothing twice; of a file that a resume has cut, all of it.
    let (status, _) = server.json("POST", &format!("/api/jobs/{id}/resume"), &json!({"epochs": 3}));
    assert_eq!(status, 202);
    server
        .until(&format!("/api/jobs/{id}"), |job| job["summary"]["status"] == "Done" && job["summary"]["epoch"] == 3.0);
    let from = metrics["cursor"].as_str().unwrap();
    let mut later = Events::open(&server, &format!("/api/events?job={id}&from={from}"), None);
    assert_eq!(later.next(&["rewound", "metrics"]).1, "rewound", "the end of the first run was cut off");
    let (place, _, news) = later.next(&["metrics"]);
    assert_eq!(news["events"][0]["event"], "start", "{news}");
    let lines = std::fs::read_to_string(root.join("jobs").join(&id).join("metrics.jsonl")).unwrap().lines().count();
    assert_eq!(news["events"].as_array().map(Vec::len), Some(lines));
    let resumed = news["events"].as_array().unwrap().iter().position(|event| event["event"] == "resume").unwrap();
    assert_eq!(news["events"][resumed]["seconds"], news["events"][resumed - 1]["seconds"], "a pause does not count");
    let mut again = Events::open(&server, &format!("/api/events?job={id}&from={from}"), Some(&place));
    let (_, name, _) = again.next(&["metrics", "rewound", "detail"]);
    assert_eq!(name, "detail", "nothing twice");

    let (status, refused) = server.json("DELETE", "/api/datasets/mnist-sample", &Value::Null);
    assert_eq!(status, 409, "{refused}");
    // A run says that it has ended a moment before its process lets go of the job.
    let lock = std::fs::File::open(root.join("jobs").join(&id).join("lock")).unwrap();
    lock.lock().unwrap();
    let leaving = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(500));
        drop(lock);
    });
    assert_eq!(server.json("DELETE", &format!("/api/jobs/{id}"), &Value::Null).0, 204);
    assert!(leaving.is_finished(), "the job was deleted while a process held it");
    assert_eq!(std::fs::read_dir(root.join("jobs")).unwrap().count(), 0, "nothing is left of it");
}

#[test]
fn a_wrong_size_is_marked_on_its_line_and_no_job_is_made() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let wrong = NETWORK.replace("784, 8", "783, 8");
    let request = json!({"text": wrong, "language": "lua", "file": "network.lua", "dataset": "mnist-sample", "crop": null, "batch_size": null});
    let (status, reply) = server.json("POST", "/api/check", &request);
    assert_eq!((status, &reply["ok"]), (200, &json!(false)), "{reply}");
    assert_eq!((&reply["error"]["kind"], &reply["error"]["origin"]["line"]), (&json!("shape"), &json!(5)), "{reply}");
    assert_eq!(reply["error"]["fix"]["new"], "nn.Linear(784, 8)");
    let states: Vec<&str> =
        reply["graph"]["nodes"].as_array().unwrap().iter().map(|node| node["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["ok", "ok", "error", "not_reached", "not_reached", "not_reached"]);
    let (status, refused) = server.json("POST", "/api/jobs", &new_job(1, &json!({"text": wrong})));
    assert_eq!((status, &refused["error"]["kind"]), (422, &json!("shape")), "{refused}");
    assert!(server.get("/api/jobs")["jobs"].as_array().unwrap().is_empty());
    let endless = json!({"text": "while true do end", "language": "lua", "file": "network.lua"});
    let (status, reply) = server.json("POST", "/api/check", &endless);
    assert_eq!((status, &reply["error"]["kind"]), (200, &json!("limit")), "{reply}");
    let good = json!({"text": NETWORK, "language": "lua", "file": "network.lua", "dataset": "mnist-sample"});
    assert_eq!(server.json("POST", "/api/check", &good).1["ok"], true, "the next one is not harmed");
}

#[test]
fn a_training_outlives_a_killed_server_and_one_waits_for_the_other() {
    let (_dir, root) = root();
    let mut server = Server::start(&root, &[]);
    let first =
        server.json("POST", "/api/jobs", &new_job(2000, &json!({}))).1["jobs"][0]["id"].as_str().unwrap().to_string();
    server.until(&format!("/api/jobs/{first}"), |job| {
        job["summary"]["status"] == "Running" && job["summary"]["iteration"].as_u64() > Some(0)
    });
    let second = server.json("POST", "/api/jobs", &new_job(1, &json!({"name": "second"}))).1;
    let second = second["jobs"][0]["id"].as_str().unwrap().to_string();
    let waiting = server.until(&format!("/api/jobs/{second}"), |job| !job["summary"]["queue"].is_null());
    assert_eq!((&waiting["summary"]["status"], &waiting["summary"]["queue"]["place"]), (&json!("Waiting"), &json!(1)));
    server.child.kill().unwrap();
    server.child.wait().unwrap();
    let metrics = root.join("jobs").join(&first).join("metrics.jsonl");
    let before = std::fs::metadata(&metrics).unwrap().len();
    let begun = Instant::now();
    while std::fs::metadata(&metrics).unwrap().len() == before {
        assert!(begun.elapsed() < Duration::from_secs(60), "the training ended with the server");
        std::thread::sleep(Duration::from_millis(50));
    }
    let server = Server::start(&root, &[]);
    let list = server.get("/api/jobs");
    let status =
        |id: &str| list["jobs"].as_array().unwrap().iter().find(|job| job["id"] == id).unwrap()["status"].clone();
    assert_eq!((status(&first), status(&second)), (json!("Running"), json!("Waiting")), "{list}");
    assert_eq!(server.json("POST", &format!("/api/jobs/{first}/abort"), &json!({})).0, 202);
    server.until(&format!("/api/jobs/{first}"), |job| {
        job["summary"]["status"] == "Aborted" && job["summary"]["killed"] == false
    });
    server.until(&format!("/api/jobs/{second}"), |job| job["summary"]["status"] == "Done");
}

#[test]
fn strangers_are_refused() {
    let (dir, root) = root();
    let secret = dir.path().join("secret.txt");
    std::fs::write(&secret, "x").unwrap();
    let server = Server::start(&root, &[]);
    let own = format!("http://{}", server.address);
    let status = |method: &str, path: &str, headers: &[(&str, &str)]| server.send(method, path, headers, "{}").0;
    assert_eq!(status("GET", "/api/jobs", &[("Host", "evil.example")]), 403, "DNS rebinding");
    assert_eq!(status("POST", "/api/jobs/bulk", &[("Origin", "http://evil.example")]), 403);
    assert_eq!(status("GET", "/api/events", &[("Origin", "http://evil.example")]), 403);
    assert_eq!(status("GET", "/api/jobs", &[("Sec-Fetch-Site", "cross-site")]), 403);
    assert_eq!(status("GET", "/api/jobs", &[("Origin", &own)]), 200);
    for path in [secret.to_str().unwrap(), "/etc/passwd", "../secret.txt", "/"] {
        let (status, body) = server.json("GET", &format!("/api/databases?path={path}"), &Value::Null);
        assert_eq!(status, 403, "{path}: {body}");
    }
    let (_, head, _) = server.send("GET", "/", &[("Accept", "text/html")], "");
    assert!(head.to_lowercase().contains("content-security-policy: default-src 'none'; script-src 'self'"), "{head}");

    let (_dir, root) = self::root();
    let guarded = Server::start(&root, &["--token", "s3cret"]);
    assert_eq!(guarded.token.as_deref(), Some("s3cret"));
    let status = |path: &str, headers: &[(&str, &str)]| guarded.send("GET", path, headers, "").0;
    assert_eq!(status("/api/jobs", &[]), 401);
    assert_eq!(status("/index.json", &[]), 401);
    assert_eq!(status("/api/jobs", &[("Cookie", "digits_rs_token=wrong")]), 401);
    assert_eq!(status("/api/jobs", &[("Cookie", "digits_rs_token=s3cret")]), 200);
    let (status, head, _) = guarded.send("GET", "/?token=s3cret", &[("Accept", "text/html")], "");
    assert!((300..400).contains(&status) && head.contains("HttpOnly") && head.contains("SameSite=Strict"), "{head}");
    std::fs::create_dir_all(root.join("jobs/x")).unwrap();
    std::fs::write(root.join("jobs/x/note.txt"), "hidden").unwrap();
    let (_, _, body) = guarded.send("GET", "/files/x/note.txt", &[("Accept", "text/html")], "");
    assert!(!String::from_utf8_lossy(&body).contains("hidden"), "a page, not the file");
    assert_eq!(guarded.json("POST", "/api/login", &json!({"token": "no"})).0, 401);
    assert_eq!(guarded.json("POST", "/api/login", &json!({"token": "s3cret"})).0, 204);
}

#[test]
fn digits_clients_find_their_routes() {
    let (_dir, root) = root();
    let server = Server::start(&root, &["--per-device", "2"]);
    let form = |path: &str, body: &str| {
        let (status, _, reply) =
            server.send("POST", path, &[("Content-Type", "application/x-www-form-urlencoded")], body);
        (status, serde_json::from_slice::<Value>(&reply).unwrap_or(Value::Null))
    };
    let index = server.get("/index.json");
    assert_eq!(index["datasets"][0]["id"], "mnist-sample", "{index}");
    let (status, made) = form(
        "/models/images/generic.json",
        &format!(
            "dataset=mnist-sample&model_name=net&framework=torch&method=custom&train_epochs=1&learning_rate=0.01&lr_policy=fixed&solver_type=SGD&custom_network={}",
            NETWORK.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>()
        ),
    );
    assert_eq!((status, &made["name"]), (200, &json!("net")), "{made}");
    let id = made["id"].as_str().unwrap();
    let (status, wrong) = form("/models/images/generic.json", "dataset=mnist-sample&method=standard");
    assert!(status == 400 && wrong["errors"].is_object(), "{wrong}");
    server.until(&format!("/models/{id}/status"), |job| job["status"] == "Done");
    let model = server.get(&format!("/models/{id}.json"));
    assert_eq!(
        (&model["snapshots"], &model["framework"], &model["dataset_id"]),
        (&json!([1.0]), &json!("torch"), &json!("mnist-sample"))
    );
    let image = root.join("seven.png");
    let (_, _, png) = server.send("GET", "/api/records/3/picture?dataset=mnist-sample&split=val", &[], "");
    std::fs::write(&image, png).unwrap();
    let (status, found) =
        form("/models/images/generic/infer_one.json", &format!("job_id={id}&image_path={}", image.display()));
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["outputs"]["output"][0][0].as_array().map(Vec::len), Some(28), "{found}");
    let (status, curve) =
        form("/models/visualize-lr", "lr_policy=step&learning_rate=0.1,0.01&lr_step_size=33&lr_step_gamma=0.1");
    assert_eq!((status, curve["data"]["columns"][1].as_array().map(Vec::len)), (200, Some(102)), "{curve}");
    assert_eq!(server.get("/completed_jobs.json")["models"][0]["id"], id);
    assert_eq!(form("/store/push?id=3", "").0, 405);
    assert_eq!(server.send("GET", "/store/list", &[], "").0, 501);
    let schema = server.get("/api/openapi.json");
    assert!(schema["paths"]["/api/jobs/{id}/metrics"]["get"].is_object(), "{}", schema["paths"]);
}
