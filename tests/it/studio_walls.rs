//! The studio's security, sentence by sentence: who may ask, what may be named, how much is taken, and where a stranger's
//! text and data are looked at.

use std::{
    io::Write as _,
    os::unix::fs::symlink,
    path::Path,
    process::{Command, Stdio},
};

use digits::fence;
use serde_json::{Value, json};

use crate::studio_server::{Server, root};

#[test]
fn an_address_that_others_reach_needs_the_token_of_the_printed_link() {
    let (_dir, root) = root();
    let server = Server::start(&root, &["--listen", "0.0.0.0:0"]);
    let token = server.token.clone().expect("a token is made up");
    assert!(token.len() >= 32 && server.words[1].contains("others can reach this address"), "{:?}", server.words);
    let status = |headers: &[(&str, &str)]| server.send("GET", "/api/jobs", headers, "").0;
    assert_eq!(status(&[]), 401);
    let (at, head, _) = server.send("GET", &format!("/?token={token}"), &[("Accept", "text/html")], "");
    let cookie = head.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("the link sets the cookie");
    assert!((300..400).contains(&at) && cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{head}");
    assert_eq!(status(&[("Cookie", cookie.split(';').next().unwrap())]), 200);
    let (_, head, _) = server.send("GET", "/?token=wrong", &[("Accept", "text/html")], "");
    assert!(!head.contains("set-cookie"), "{head}");
    // The page itself is no secret, what it asks for is.
    assert_eq!(server.send("GET", "/", &[("Accept", "text/html")], "").0, 200);
    for path in ["/api/openapi.json", "/api/events", "/index.json", "/datasets/mnist-sample.json"] {
        assert_eq!(server.send("GET", path, &[], "").0, 401, "{path}");
    }
}

#[test]
fn origin_and_host_are_checked_by_every_route_that_changes_something_or_streams() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let schema = server.get("/api/openapi.json");
    let mut routes = vec![("GET".to_string(), "/api/events".to_string())];
    for (path, methods) in schema["paths"].as_object().unwrap() {
        let writes = methods.as_object().unwrap().keys().filter(|method| *method != "get");
        routes.extend(writes.map(|method| (method.to_uppercase(), path.replace(['{', '}'], ""))));
    }
    for path in
        ["/models/images/generic.json", "/datasets/images/classification.json", "/models/images/generic/infer_one.json"]
    {
        routes.push(("POST".into(), path.into()));
    }
    assert!(routes.len() > 20, "{routes:?}");
    for (method, path) in &routes {
        let status = |headers: &[(&str, &str)]| server.send(method, path, headers, "{}").0;
        assert_eq!(status(&[("Origin", "http://evil.example")]), 403, "{method} {path}");
        assert_eq!(status(&[("Origin", "null")]), 403, "{method} {path}");
        assert_eq!(status(&[("Sec-Fetch-Site", "cross-site")]), 403, "{method} {path}");
        // DNS rebinding: a name of the attacker's that leads here.
        let host = format!("evil.example:{}", server.address.rsplit(':').next().unwrap());
        assert_eq!(status(&[("Host", &host), ("Origin", &format!("http://{host}"))]), 403, "{method} {path}");
    }
    for path in ["/", "/models/x", "/assets/x.js", "/api/jobs"] {
        assert_eq!(server.send("GET", path, &[("Host", "evil.example"), ("Accept", "text/html")], "").0, 403, "{path}");
    }
}

#[test]
fn paths_stay_below_the_roots_whatever_links_and_dots_they_have() {
    let (dir, root) = root();
    let secret = dir.path().join("secret");
    std::fs::create_dir_all(secret.join("a")).unwrap();
    std::fs::write(secret.join("a/1.png"), "x").unwrap();
    symlink(&secret, root.join("link")).unwrap();
    std::fs::create_dir_all(root.join("jobs/j/snapshots")).unwrap();
    symlink("/etc/passwd", root.join("jobs/j/passwd")).unwrap();
    std::fs::write(root.join("jobs/j/request.started.json"), "{}").unwrap();
    let server = Server::start(&root, &[]);
    for path in
        ["/etc/passwd", "../secret", "link", "link/a", "jobs/../../secret", "//etc//passwd", "/proc/self/environ"]
    {
        let refused = |method: &str, address: &str, body: Value| {
            let (status, reply) = server.json(method, address, &body);
            assert_eq!(status, 403, "{method} {address} {path}: {reply}");
        };
        let encoded = path.replace('/', "%2F");
        for address in
            ["/api/databases?path=", "/api/records?path=", "/api/records/0?path=", "/api/records/0/picture?path="]
        {
            refused("GET", &format!("{address}{encoded}"), Value::Null);
        }
        refused("GET", &format!("/api/pictures/resized?file={encoded}&width=8&height=8&channels=1"), Value::Null);
        for form in [
            json!({"kind": "folder", "name": "x", "folder": path, "width": 8, "height": 8, "channels": 1}),
            json!({"kind": "lists", "name": "x", "train": path, "labels": path, "width": 8, "height": 8, "channels": 1}),
            json!({"kind": "generic", "name": "x", "train_db": path}),
            json!({"kind": "pairs", "name": "x", "feature_folder": path, "label_folder": path, "width": 8, "height": 8, "channels": 1}),
        ] {
            refused("POST", "/api/datasets", form.clone());
            let (_, scan) = server.json("POST", "/api/datasets/scan", &form);
            let fields = scan["fields"].as_object().unwrap();
            assert!(
                fields.values().any(|page| page["message"].as_str().unwrap().contains("outside")),
                "{path}: {scan}"
            );
        }
        let options = json!({"train_db": path});
        refused(
            "POST",
            "/api/jobs",
            json!({"name": "x", "text": "return 1", "options": options, "lr": [], "batch_size": []}),
        );
        let (status, found) = server.json("GET", &format!("/api/files?path={encoded}&kind=file"), &Value::Null);
        let names = found["entries"].as_array().cloned().unwrap_or_default();
        assert!(
            status == 403
                || names.iter().all(|entry| entry["path"].as_str().unwrap().starts_with(root.to_str().unwrap())),
            "{path}: {found}"
        );
    }
    for name in
        ["..%2F..%2F..%2Fsecret%2Fa%2F1.png", "%2Fetc%2Fpasswd", "passwd", "snapshots%2F..%2F..%2F..%2F..%2Fsecret"]
    {
        let (status, _, body) = server.send("GET", &format!("/api/jobs/j/files/{name}"), &[], "");
        assert!([403, 404].contains(&status), "{name}: {status} {}", String::from_utf8_lossy(&body));
    }
}

#[test]
fn the_policy_allows_no_inline_script_and_the_page_has_none() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    for path in ["/", "/api/jobs", "/nowhere", "/api/nowhere"] {
        let (_, head, _) = server.send("GET", path, &[("Accept", "text/html")], "");
        let policy = head.lines().find_map(|line| line.strip_prefix("content-security-policy: ")).unwrap();
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "connect-src 'self'",
            "frame-ancestors 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe") && !policy.contains('*'), "{policy}");
        assert!(
            head.contains("x-content-type-options: nosniff") && head.contains("referrer-policy: no-referrer"),
            "{head}"
        );
    }
    let (_, _, page) = server.send("GET", "/", &[("Accept", "text/html")], "");
    let page = String::from_utf8(page).unwrap();
    let scripts: Vec<&str> =
        page.split("<script").skip(1).map(|rest| rest.split("</script>").next().unwrap()).collect();
    assert!(scripts.iter().all(|script| script.contains("src=\"") && script.trim_end().ends_with('>')), "{scripts:?}");
    assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains("javascript:"), "{page}");
}

/// A grey PNG of this many pixels a side: a few hundred kilobytes that would become gigabytes.
fn bomb(side: u32) -> Vec<u8> {
    let chunk = |kind: &[u8; 4], data: &[u8]| {
        let mut crc = flate2::Crc::new();
        crc.update(kind);
        crc.update(data);
        [&(data.len() as u32).to_be_bytes()[..], kind, data, &crc.sum().to_be_bytes()].concat()
    };
    let mut rows = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
    let row = vec![0u8; side as usize + 1];
    (0..side).for_each(|_| rows.write_all(&row).unwrap());
    let head = [&side.to_be_bytes()[..], &side.to_be_bytes(), &[8, 0, 0, 0, 0]].concat();
    [&b"\x89PNG\r\n\x1a\n"[..], &chunk(b"IHDR", &head), &chunk(b"IDAT", &rows.finish().unwrap()), &chunk(b"IEND", b"")]
        .concat()
}

#[test]
fn what_unpacks_to_more_than_is_sane_is_a_page_and_harms_nobody() {
    let (_dir, root) = root();
    std::fs::write(root.join("bomb.png"), bomb(40_000)).unwrap();
    let server = Server::start(&root, &[]);
    let (status, reply) =
        server.json("GET", "/api/pictures/resized?file=bomb.png&width=8&height=8&channels=1", &Value::Null);
    assert_eq!(status, 422, "{reply}");
    // The same by an upload, and what a server keeps of it.
    let (status, _, body) = {
        let bytes = bomb(1000);
        let text: String = bytes.iter().map(|byte| char::from(byte % 128)).collect();
        server.send("POST", "/api/uploads?name=../../x.png", &[("Content-Type", "application/octet-stream")], &text)
    };
    let kept: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &kept["name"]), (201, &json!("x.png")));
    let huge = server.send("POST", "/api/uploads?name=a", &[("Content-Length", "99999999999")], "").0;
    assert_eq!(huge, 413, "an upload that says that it is too large is not read");
    assert_eq!(server.json("POST", "/api/check", &json!({"text": "x".repeat(5 << 20)})).0, 413);
    assert_eq!(server.json("GET", "/api/jobs", &Value::Null).0, 200, "the server answers on");
}

/// What a process of the server answers to one question, its fence being made for `reads`.
fn asked(wall: &str, root: &Path, reads: &[&str], question: &Value) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_digits-rs"));
    command.args(["work", wall]).current_dir(root).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.args(reads.iter().flat_map(|path| ["--read", path]));
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(format!("{question}\n").as_bytes()).unwrap();
    let out = child.wait_with_output().unwrap();
    serde_json::from_slice(out.stdout.split(|byte| *byte == b'\n').next().unwrap()).unwrap()
}

#[test]
fn a_process_of_the_server_cannot_read_passwd() {
    if !fence::support().files {
        eprintln!("passed over: this kernel has no Landlock");
        return;
    }
    let (_dir, root) = root();
    std::fs::create_dir_all(root.join("datasets")).unwrap();
    let question = json!({"resized": {"file": "/etc/passwd", "shape": [1, 8, 8], "resize": "squash", "side": "image"}});
    for wall in ["pasted", "look", "make", "test"] {
        let reply = asked(wall, &root, &[root.to_str().unwrap()], &question);
        assert!(reply["failed"].to_string().contains("Permission denied"), "{wall}: {reply}");
        // The same question of a process that may read it: it is no image, which somebody has to have seen.
        let reply = asked(wall, &root, &["/etc"], &question);
        assert!(reply["failed"].to_string().contains("cannot be decoded"), "{wall}: {reply}");
    }
}

/// The processes of a server, by their command line after `work`, with their state.
fn workers(server: &Server) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let read = |name: &str| std::fs::read_to_string(entry.path().join(name)).unwrap_or_default();
        let status = read("status");
        let command = read("cmdline").replace('\0', " ");
        if status.contains(&format!("PPid:\t{}\n", server.child.id()))
            && let Some((_, work)) = command.split_once(" work ")
        {
            found.push((work.to_string(), status));
        }
    }
    found
}

#[test]
fn every_process_that_runs_a_stranger_s_text_or_data_is_behind_the_wall() {
    let (_dir, root) = root();
    let server = Server::start(&root, &[]);
    let (status, _) = server.json("POST", "/api/datasets", &json!({"kind": "sample", "name": ""}));
    assert_eq!(status, 201);
    server.until("/api/datasets", |list| list["datasets"][0]["status"] == "Done");
    let network = include_str!("../../networks/autoencoder.lua");
    let form = json!({"name": "a", "dataset": "mnist-sample", "text": network, "options": {"epochs": 500, "device": "cpu"},
        "lr": [], "batch_size": []});
    let (status, made) = server.json("POST", "/api/jobs", &form);
    assert_eq!(status, 201, "{made}");
    let id = made["jobs"][0]["id"].as_str().unwrap().to_string();
    server.until(&format!("/api/jobs/{id}"), |job| job["summary"]["snapshots"].as_u64() > Some(0));
    let image = json!({"record": {"dataset": "mnist-sample", "split": "val", "index": 3}});
    let test = json!({"job": id, "snapshot": "best", "kind": "one", "image": image});
    assert_eq!(server.json("POST", "/api/tests", &test).0, 201);
    server.get("/api/records?dataset=mnist-sample&split=train");
    let found = workers(&server);
    for wanted in ["train", "pasted", "look", "test"] {
        let status = &found
            .iter()
            .find(|(work, _)| work.starts_with(wanted))
            .unwrap_or_else(|| panic!("no {wanted}: {found:?}"))
            .1;
        assert!(status.contains("Seccomp:\t2") && status.contains("NoNewPrivs:\t1"), "{wanted}: {status}");
    }
    // The network's text is nowhere in the server itself: no interpreter is started there.
    let own = std::fs::read_to_string(format!("/proc/{}/status", server.child.id())).unwrap();
    assert!(own.contains("Seccomp:\t0"), "the server is the one that may start processes");
    assert_eq!(server.json("POST", &format!("/api/jobs/{id}/abort"), &json!({})).0, 202);
    server.until(&format!("/api/jobs/{id}"), |job| job["summary"]["status"] == "Aborted");
}
