//! The studio and label images: their scan, their dataset, a network that learns them, its tests.

use std::path::Path;

use digits::data::Image;
use serde_json::{Value, json};

use crate::studio_server::{Server, root};

/// Dark images and bright ones; the label of each pixel is what it is.
const NETWORK: &str = "return function(params)\n\
    local net = nn.Sequential():add(nn.MulConstant(0.00390625)):add(nn.SpatialConvolution(1, 2, 1, 1)):add(nn.LogSoftMax())\n\
    return { model = net, loss = nn.SpatialClassNLLCriterion(), trainBatchSize = 4, validationBatchSize = 4,\n\
        labelHook = function(_, labels) return labels:view(labels:size(1), 8, 8) end }\nend\n";

/// Twelve pairs of 8 by 8: the first `dark` of them have no bright place, and in the first `odd` the labels have a third class.
fn pairs(root: &Path, dark: u8, odd: u8) {
    for below in ["photos", "masks"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    for i in 0..12u8 {
        let is_bright = |at: u8| i >= dark && at / 8 <= i % 7;
        let photo: Vec<u8> = (0..64).map(|at| if is_bright(at) { 200 + i } else { 20 }).collect();
        let mut mask: Vec<u8> = (0..64).map(|at| u8::from(is_bright(at))).collect();
        if i < odd {
            mask[0] = 2;
        }
        for (below, pixels) in [("photos", photo), ("masks", mask)] {
            let path = root.join(below).join(format!("{i}.png"));
            Image { width: 8, height: 8, channels: 1, pixels }.save_png(&path).unwrap();
        }
    }
    std::fs::write(root.join("names.txt"), "dark\nbright\n").unwrap();
}

fn form(more: &Value) -> Value {
    let mut form = json!({"kind": "pairs", "name": "Bright Places", "feature_folder": "photos", "label_folder": "masks",
        "val_percent": 50, "labels_are": "classes", "class_names": "names.txt", "width": 8, "height": 8, "channels": 1});
    more.as_object().into_iter().flatten().for_each(|(name, value)| form[name] = value.clone());
    form
}

#[test]
fn what_making_would_refuse_is_said_while_it_is_typed_and_what_failed_is_kept() {
    let (_dir, root) = root();
    pairs(&root, 0, 5);
    std::fs::write(root.join("names.png"), b"\x89PNG\xff").unwrap();
    std::fs::write(root.join("few.txt"), "dark\n").unwrap();
    let server = Server::start(&root, &[]);
    let scan = |more: Value| server.json("POST", "/api/datasets/scan", &form(&more)).1;
    let found = scan(json!({}));
    assert_eq!((&found["left_out_total"], &found["looked_at"], &found["fields"]), (&json!(5), &json!(12), &json!({})));
    assert_eq!(found["train"].as_u64().zip(found["val"].as_u64()).map(|(train, val)| train + val), Some(7));
    for (field, more, message) in [
        ("class_names", json!({"class_names": "names.png"}), "not text in UTF-8"),
        ("class_names", json!({"class_names": "few.txt"}), "a pixel is of class"),
        ("color_map_file", json!({"color_map_file": "few.txt"}), "is no colour"),
        ("val_percent", json!({"val_percent": 100}), "nothing is left to train on"),
    ] {
        let found = scan(more.clone());
        let said = found["fields"][field]["message"].as_str().unwrap_or_default();
        assert!(said.contains(message), "{more}: {found}");
    }
    assert_eq!(server.json("POST", "/api/datasets", &form(&json!({"val_percent": 100}))).0, 400);
    let (status, made) = server.json("POST", "/api/datasets", &form(&json!({"class_names": "few.txt"})));
    assert_eq!(status, 201, "{made}");
    let path = format!("/api/datasets/{}", made["id"].as_str().unwrap());
    let failed = server.until(&path, |set| set["summary"]["status"] != "Making");
    assert_eq!(failed["summary"]["status"], "Error", "{failed}");
    server.until("/api/datasets", |_| root.join("datasets/bright-places.unmade/form.json").is_file());
    drop(server);

    let server = Server::start(&root, &[]);
    let known = server.get(&path);
    assert_eq!((&known["summary"]["status"], &known["error"]), (&json!("Error"), &failed["error"]), "{known}");
    assert_eq!(server.get(&format!("{path}/clone"))["class_names"], "few.txt");
    assert_eq!(server.json("DELETE", &path, &Value::Null).0, 204);
    drop(server);
    let server = Server::start(&root, &[]);
    assert_eq!(server.json("GET", &path, &Value::Null).0, 404);
}

#[test]
fn label_images_are_found_by_their_classes_learned_and_tested() {
    let (_dir, root) = root();
    pairs(&root, 2, 0);
    let server = Server::start(&root, &[]);
    let (status, made) = server.json("POST", "/api/datasets", &form(&Value::Null));
    assert_eq!(status, 201, "{made}");
    let set = server.until("/api/datasets/bright-places", |set| set["summary"]["status"] != "Making");
    assert_eq!((&set["summary"]["status"], set["colors"].as_array().map(Vec::len)), (&json!("Done"), Some(2)), "{set}");
    // All but two have bright pixels.
    let with = |class: u8| {
        let of = |split: &str| server.get(&format!("/api/records?dataset=bright-places&split={split}&class={class}"));
        ["train", "val"].map(|split| of(split)["total"].as_u64().unwrap()).iter().sum::<u64>()
    };
    assert_eq!((with(0), with(1)), (12, 10));

    let options = json!({"device": "cpu", "epochs": 1, "subtract_mean": "none"});
    let mut asked = json!({"name": "a", "dataset": "bright-places", "text": NETWORK, "options": options, "lr": [], "batch_size": []});
    asked["options"]["crop"] = json!(9);
    let (status, refused) = server.json("POST", "/api/jobs", &asked);
    assert_eq!((status, &refused["error"]["message"]), (422, &json!("a crop of 9 pixels does not fit the images")));
    asked["options"]["crop"] = Value::Null;
    let (status, made) = server.json("POST", "/api/jobs", &asked);
    assert_eq!(status, 201, "{made}");
    let id = made["jobs"][0]["id"].as_str().unwrap();
    let job = server.until(&format!("/api/jobs/{id}"), |job| {
        !["Waiting", "Initialized", "Running"].contains(&job["summary"]["status"].as_str().unwrap())
    });
    assert_eq!((&job["summary"]["status"], &job["output"]), (&json!("Done"), &json!("label_image")), "{job}");
    assert_eq!(job["summary"]["dataset"]["name"], "Bright Places");
    for (body, message) in [(json!({"epochs": 1}), "epochs is 1"), (json!([]), "the body is a list")] {
        let (status, refused) = server.json("POST", &format!("/api/jobs/{id}/resume"), &body);
        assert_eq!((status, &refused["error"]["message"]), (400, &json!(message)));
    }
    assert_eq!(server.json("PATCH", &format!("/api/jobs/{id}"), &json!({"name": " "})).0, 400);
    assert_eq!(server.json("PATCH", "/api/datasets/bright-places", &json!({})).1["name"], "Bright Places");
    assert_eq!(server.json("PATCH", "/api/datasets/bright-places", &json!({"name": "Light"})).0, 200);
    server.until("/api/jobs", |list| list["jobs"][0]["dataset"]["name"] == "Light");
    for query in ["from=nan", "to=1e400"] {
        assert_eq!(server.json("GET", &format!("/api/jobs/{id}/metrics?{query}"), &Value::Null).0, 400, "{query}");
    }

    let test = |more: Value| {
        let mut request = json!({"job": id, "snapshot": "best"});
        more.as_object().unwrap().iter().for_each(|(name, value)| request[name] = value.clone());
        let (status, begun) = server.json("POST", "/api/tests", &request);
        assert_eq!(status, 201, "{begun}");
        let path = format!("/api/tests/{}", begun["id"].as_str().unwrap());
        let done = server.until(&path, |test| test["state"] != "running");
        assert_eq!(done["state"], "done", "{done}");
        (path, done["result"].clone())
    };
    let of = json!({"kind": "database", "database": {"dataset": "bright-places", "split": "val"}, "labels_path": null});
    let (path, result) = test(of);
    assert_eq!(
        (&result["kind"], &result["images"], &result["known_pixels"]),
        (&json!("segmentation"), &json!(6), &json!(384))
    );
    assert!(result["pixel_accuracy"].is_number() && result["loss"].as_f64() > Some(0.0), "{result}");
    assert_eq!(result["worst"].as_array().map(Vec::len), Some(6), "{result}");
    let table = server.send("GET", &format!("{path}/csv"), &[], "").2;
    assert!(table.starts_with(b"class,share,iou\n"), "{}", String::from_utf8_lossy(&table));
    let (_, result) = test(json!({"kind": "many", "list": "photos", "folder": null, "limit": null, "top": 5}));
    let labels = &result["rows"][0]["label_image"];
    assert_eq!(server.send("GET", labels["overlay"].as_str().unwrap(), &[], "").0, 200, "{result}");
    let strip = server.until(&format!("/api/jobs/{id}/strip"), |strip| !strip["rows"][0]["outputs"][0].is_null());
    assert_eq!((strip["rows"].as_array().map(Vec::len), &strip["size"]), (Some(3), &json!([8, 8])), "{strip}");
    assert_eq!(server.send("GET", strip["rows"][2]["outputs"][0].as_str().unwrap(), &[], "").0, 200);
}
