//! What the studio makes datasets by: forms whose wrong fields are named, and the command that makes the same one again.

use std::{path::Path, process::Command};

use serde_json::{Value, json};

use crate::studio_server::{Server, image, root};

/// What makes one dataset another.
fn facts(folder: &Path) -> Value {
    let program = env!("CARGO_BIN_EXE_digits-rs");
    let said = Command::new(program).args(["dataset", "info", "--json"]).arg(folder).output().unwrap();
    let info: Value = serde_json::from_slice(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    let splits: Vec<Value> =
        info["splits"].as_array().unwrap().iter().map(|split| json!([split["name"], split["entries"]])).collect();
    json!({"kind": info["kind"], "shape": info["shape"], "labels": info["labels"], "splits": splits,
        "fingerprint": info["fingerprint"]})
}

/// Makes a dataset by a form, then the same by its command in a shell; answers the form that would clone it.
fn twice(server: &Server, root: &Path, form: &Value) -> Value {
    let name = form["name"].as_str().unwrap();
    let (status, begun) = server.json("POST", "/api/datasets", form);
    assert_eq!(status, 201, "{begun}");
    let made = server.until(&format!("/api/datasets/{name}"), |set| set["summary"]["status"] != "Making");
    assert_eq!(made["summary"]["status"], "Done", "{made}");
    let line = made["command"].as_str().unwrap().replacen("digits-rs", env!("CARGO_BIN_EXE_digits-rs"), 1);
    let ran = Command::new("bash").arg("-c").arg(&line).current_dir("/").output().unwrap();
    assert!(ran.status.success(), "{line}\n{}", String::from_utf8_lossy(&ran.stderr));
    let folder = root.join("datasets").join(name);
    let again = root.join("datasets").join(format!("{name}-2"));
    assert_eq!(facts(&folder), facts(&again), "{line}");
    server.get(&format!("/api/datasets/{name}/clone"))
}

#[test]
fn the_command_of_a_dataset_of_any_kind_makes_the_same_one_again() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    server.get("/api/records?dataset=mnist-sample&split=train&count=1");
    for (i, class) in ["one", "it's two", "rare"].into_iter().enumerate() {
        for j in 0..[9, 12, 3][i] {
            image(&server, 20 * i + j, &root.join("my pictures").join(class).join(format!("{j}.png")));
        }
        image(&server, 90 + i, &root.join("others").join(class).join("a.png"));
    }
    let images = |more: Value| {
        let mut form = json!({"width": 9, "height": 8, "channels": 1, "resize": "crop", "encoding": "none", "seed": 5});
        more.as_object().unwrap().iter().for_each(|(name, value)| form[name] = value.clone());
        form
    };
    twice(
        &server,
        &root,
        &images(json!({"kind": "folder", "name": "photos", "folder": "my pictures", "val_percent": 40.5,
            "test_folder": "others", "min_per_class": 4, "max_per_class": 10})),
    );
    // Lists that were sent are kept beside the dataset: both the command and a clone need them after the server's end.
    let lines = |classes: &[&str]| {
        let line =
            |(i, class): (usize, &&str)| (0..3).map(move |j| format!("{class}/{j}.png {i}\n")).collect::<String>();
        classes.iter().enumerate().map(line).collect::<String>()
    };
    let sent = |name: &str, text: &str| {
        let (status, _, body) = server.send("POST", &format!("/api/uploads?name={name}"), &[], text);
        assert_eq!(status, 201);
        let reply: Value = serde_json::from_slice(&body).unwrap();
        format!("upload:{}", reply["upload"].as_str().unwrap())
    };
    let clone = twice(
        &server,
        &root,
        &images(json!({"kind": "lists", "name": "listed", "train": sent("train.txt", &lines(&["one", "it's two"])),
            "train_folder": "my pictures", "labels": sent("labels.txt", "one\ntwo\n"), "shuffle": false,
            "val": sent("val.txt", &lines(&["one"])), "val_folder": "my pictures"})),
    );
    assert_eq!(clone["train"], "datasets/listed/given/train.txt", "{clone}");
    let second = Server::start(&root, &[]);
    let mut clone = clone;
    clone["name"] = "cloned".into();
    assert_eq!(second.json("POST", "/api/datasets/scan", &clone).1["fields"], json!({}));
    assert_eq!(second.get("/api/datasets/listed")["command"].as_str().unwrap().matches("/given/").count(), 3);

    twice(
        &server,
        &root,
        &images(json!({"kind": "pairs", "name": "masks", "feature_folder": "my pictures/one",
            "label_folder": "my pictures/it's two", "val_percent": 50, "labels_are": "classes", "resize": "squash"})),
    );
    let set = "datasets/photos";
    twice(
        &server,
        &root,
        &json!({"kind": "generic", "name": "theirs", "train_db": format!("{set}/train_db"),
            "val_db": format!("{set}/val_db"), "mean": format!("{set}/mean.binaryproto")}),
    );
    assert_eq!(server.get("/api/datasets/mnist-sample")["command"], "", "no command makes the built-in sample");
}

#[test]
fn a_wrong_field_of_a_form_is_named_and_a_side_has_one_limit() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    std::fs::create_dir_all(root.join("pictures")).unwrap();
    let form = |field: &str, value: Value| {
        let mut form =
            json!({"kind": "folder", "name": "p", "folder": "pictures", "width": 8, "height": 8, "channels": 1});
        form[field] = value;
        form
    };
    for (field, value, status, message) in [
        ("val_percent", json!("many"), 422, "val_percent is many"),
        ("resize", json!("stretch"), 422, "resize is 'stretch'"),
        ("width", Value::Null, 422, "width is null"),
        ("kind", json!("video"), 422, "kind is 'video'"),
        ("percent", json!(3), 400, "percent is no field of this request"),
        ("width", json!(65_536), 400, "width is 65536"),
        ("height", json!(0), 400, "height is 0"),
        ("channels", json!(2), 400, "channels is 2"),
    ] {
        let (found, reply) = server.json("POST", "/api/datasets", &form(field, value));
        assert_eq!((found, &reply["error"]["message"]), (status, &json!(message)), "{reply}");
    }
    // While it is typed, the page stands beside the field that is wrong.
    let (_, scan) = server.json("POST", "/api/datasets/scan", &form("height", json!(65_536)));
    assert_eq!(scan["fields"]["height"]["message"], "height is 65536", "{scan}");
    assert_eq!(server.get("/api/defaults")["most"]["side"], 65_535);
    server.get("/api/records?dataset=mnist-sample&split=train&count=1");
    image(&server, 0, &root.join("a.png"));
    let shown = |side: u32| {
        server.send("GET", &format!("/api/pictures/resized?file=a.png&width={side}&height=1&channels=1"), &[], "").0
    };
    assert_eq!([shown(5000), shown(65_535), shown(65_536)], [200, 200, 400]);
}
