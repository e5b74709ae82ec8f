//! What a newcomer tried on the studio: odd files, odd names, servers that were killed, figures of what has ended.

use std::{
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    process::Command,
};

use serde_json::{Value, json};

use crate::studio_server::{Server, image, root};

const NETWORK: &str = "return function() return { model = nn.Sequential():add(nn.View(-1):setNumInputDims(3)):add(\
                       nn.Linear(784, 10)):add(nn.LogSoftMax()), loss = nn.ClassNLLCriterion(), trainBatchSize = 48, \
                       validationBatchSize = 32 } end\n";

fn job(more: &Value) -> Value {
    let mut form = json!({"name": "a", "dataset": "mnist-sample", "text": NETWORK, "options": {"device": "cpu", "epochs": 1},
        "lr": [], "batch_size": []});
    more.as_object().into_iter().flatten().for_each(|(name, value)| form[name] = value.clone());
    form
}

fn made(server: &Server, more: &Value) -> String {
    let (status, made) = server.json("POST", "/api/jobs", &job(more));
    assert_eq!(status, 201, "{made}");
    made["jobs"][0]["id"].as_str().unwrap().to_string()
}

/// The words that a shell makes of a command line.
fn words(command: &str) -> Vec<String> {
    let line = command.replacen("digits-rs", r"printf '%s\0'", 1);
    let output = Command::new("bash").arg("-c").arg(&line).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.trim_end_matches('\0').split('\0').map(String::from).collect()
}

#[test]
fn a_job_shows_what_was_asked_of_it_and_keeps_its_figures() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let long = made(&server, &json!({"options": {"device": "cpu", "epochs": 100_000}}));
    server.until(&format!("/api/jobs/{long}"), |job| job["summary"]["iteration"].as_u64() > Some(0));
    let of_file = made(&server, &json!({"name": "it's of the file", "file": "-o dd's.lua"}));
    let given = made(&server, &json!({"batch_size": [24]}));
    // While they wait: what was asked for, and not what the program takes where a file says nothing.
    let waiting = server.get(&format!("/api/jobs/{of_file}"));
    assert_eq!((&waiting["summary"]["status"], &waiting["settings"]["batch_size"]), (&json!("Waiting"), &Value::Null));
    assert_eq!(waiting["summary"]["batch_size"], Value::Null);
    let waiting = server.get(&format!("/api/jobs/{given}"));
    assert_eq!((&waiting["settings"]["batch_size"], &waiting["summary"]["batch_size"]), (&json!(24), &json!(24)));
    assert_eq!(server.json("POST", &format!("/api/jobs/{long}/abort"), &json!({})).0, 202);
    let done = |id: &str| server.until(&format!("/api/jobs/{id}"), |job| job["summary"]["status"] == "Done");
    let ended = done(&of_file);
    assert_eq!(
        (&ended["settings"]["batch_size"], &ended["settings"]["validation_batch_size"]),
        (&json!(48), &json!(32))
    );
    assert!(ended["summary"]["images_per_second"].as_f64() > Some(0.0), "{}", ended["summary"]);
    assert!(ended["data_wait"].is_number() && ended["memory_bytes"].as_u64() > Some(1 << 20), "{ended}");
    let command = words(ended["command"].as_str().unwrap());
    assert_eq!(command[0], "run");
    assert_eq!(std::fs::read_to_string(&command[1]).unwrap(), NETWORK, "{command:?}");
    assert!(!command.contains(&"--batch-size".to_string()), "the file gives it: {command:?}");
    let (status, reply) = server.json("POST", &format!("/api/jobs/{of_file}/resume"), &json!({"epochs": 1u64 << 31}));
    assert!(status == 400 && reply["error"]["message"] == "epochs is 2147483648", "{status} {reply}");
    let command = words(done(&given)["command"].as_str().unwrap());
    assert!(command.windows(2).any(|two| two == ["--batch-size", "24"]), "{command:?}");
}

#[test]
fn what_is_counted_while_a_folder_is_typed_is_what_is_made() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    server.get("/api/records?dataset=mnist-sample&split=train&count=1");
    let folder = root.join("pictures");
    for class in ["one", "two"] {
        (0..6).for_each(|i| image(&server, i, &folder.join(class).join(format!("{i}.png"))));
    }
    std::fs::write(folder.join("one/broken.png"), "no picture").unwrap();
    symlink("gone", folder.join("one/gone.png")).unwrap();
    for i in 0..3 {
        let name = [b"\xff", format!("{i}.png").as_bytes()].concat();
        image(&server, i, &folder.join("odd").join(std::ffi::OsStr::from_bytes(&name)));
    }
    std::fs::create_dir_all(folder.join("empty")).unwrap();
    symlink(folder.join("one"), folder.join("again")).unwrap();
    symlink("/etc", folder.join("outside")).unwrap();
    let form = json!({"kind": "folder", "name": "p", "folder": "pictures", "width": 8, "height": 8, "channels": 1});
    let (_, scan) = server.json("POST", "/api/datasets/scan", &form);
    assert_eq!(scan["fields"], json!({}), "{scan}");
    let taken: Vec<&Value> =
        scan["classes"].as_array().unwrap().iter().filter(|class| class["left_out"].is_null()).collect();
    assert_eq!(taken.iter().map(|class| &class["name"]).collect::<Vec<_>>(), ["one", "two"], "{scan}");
    let left_out = scan["left_out"].to_string();
    for words in ["not UTF-8", "a link to the class folder", "cannot be decoded"] {
        assert!(left_out.contains(words), "{words}: {left_out}");
    }
    let (status, begun) = server.json("POST", "/api/datasets", &form);
    assert_eq!(status, 201, "{begun}");
    let made = server.until("/api/datasets/p", |set| set["summary"]["status"] != "Making");
    assert_eq!(made["summary"]["status"], "Done", "{made}");
    for split in ["train", "val"] {
        assert_eq!(made["summary"][split], scan[split], "{split}: {made}");
        let found = made["splits"].as_array().unwrap().iter().find(|one| one["name"] == split).unwrap();
        let of_scan: Vec<&Value> = taken.iter().map(|class| &class[split]).collect();
        assert_eq!(found["classes"].as_array().unwrap().iter().collect::<Vec<_>>(), of_scan, "{split}");
    }
    assert_eq!(made["summary"]["skipped"], scan["left_out_total"], "{made}\n{scan}");
}

#[test]
fn pages_name_what_was_sent_and_not_where_it_lies() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let sent = |name: &str, text: &str| {
        let (status, _, body) = server.send("POST", &format!("/api/uploads?name={name}"), &[], text);
        assert_eq!(status, 201);
        serde_json::from_slice::<Value>(&body).unwrap()["upload"].as_str().unwrap().to_string()
    };
    let image = sent("seven.png", "no picture");
    let address = format!("/api/pictures/resized?file=upload:{image}&width=8&height=8&channels=1&resize=squash");
    let (status, reply) = server.json("GET", &address, &Value::Null);
    assert!(status == 422 && reply.to_string().contains("seven.png"), "{status} {reply}");
    assert!(!reply.to_string().contains("digits-rs-"), "{reply}");
    let (list, labels) = (sent("my%20list.txt", "nothing here\n"), sent("names.txt", "a\nb\n"));
    let form = json!({"kind": "lists", "name": "l", "train": format!("upload:{list}"), "labels": format!("upload:{labels}"),
        "width": 8, "height": 8, "channels": 1});
    let (_, scan) = server.json("POST", "/api/datasets/scan", &form);
    let page = scan["fields"].to_string();
    assert!(page.contains("my list.txt") && !page.contains("digits-rs-"), "{page}");
    let (status, page) = {
        let head = [("Content-Length", "700000000"), ("Content-Type", "application/octet-stream")];
        let (status, _, body) = server.send("POST", "/api/uploads?name=big", &head, "");
        (status, String::from_utf8(body).unwrap())
    };
    assert!(status == 413 && page.contains("667.6 MiB") && page.contains("512.0 MiB"), "{status} {page}");
}

#[test]
fn a_killed_server_leaves_nothing_for_long_and_hosts_are_one() {
    let (dir, root) = root();
    let scratch = || {
        let entries = std::fs::read_dir(dir.path()).unwrap().flatten();
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("digits-rs-")).count()
    };
    let mut first = Server::start(&root, &[]);
    let second = Server::start(&root, &[]);
    assert_eq!(scratch(), 2);
    first.child.kill().unwrap();
    first.child.wait().unwrap();
    let third = Server::start(&root, &[]);
    assert_eq!(scratch(), 2, "what the first one left is gone, what the second one holds is not");
    assert_eq!(second.send("POST", "/api/uploads?name=a", &[], "x").0, 201);
    let own = third.address.clone();
    assert_eq!(third.send("GET", "/api/jobs", &[("Host", &own), ("Host", "evil.example")], "").0, 400);
    assert_eq!(third.send("GET", "/api/jobs", &[("Host", &own), ("Host", &own)], "").0, 400);
    assert_eq!(third.send("GET", "/api/jobs", &[("Host", &own)], "").0, 200);
}
