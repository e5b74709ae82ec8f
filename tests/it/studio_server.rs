//! A server of the program for the tests, and its clients: HTTP over a real socket.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

/// An empty folder for a server.
pub(crate) fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("data");
    std::fs::create_dir_all(&root).unwrap();
    (dir, root)
}

/// A server that ends with the test.
pub(crate) struct Server {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) token: Option<String>,
    /// What it printed besides.
    pub(crate) words: Vec<String>,
}

impl Server {
    pub(crate) fn start(root: &Path, more: &[&str]) -> Server {
        let listen = if more.contains(&"--listen") { vec![] } else { vec!["--listen", "127.0.0.1:0"] };
        let mut child = Command::new(env!("CARGO_BIN_EXE_digits-rs"))
            .arg("serve")
            .args(listen)
            .arg("--root")
            .arg(root)
            .args(more)
            .stdout(Stdio::piped())
            .env("OMP_NUM_THREADS", "1")
            // What a killed server leaves goes with the test's folder.
            .env("TMPDIR", root.parent().unwrap())
            .spawn()
            .unwrap();
        let (mut line, mut said) = (String::new(), BufReader::new(child.stdout.take().unwrap()));
        said.read_line(&mut line).unwrap();
        let mut words = vec![line.clone()];
        if line.contains("token=") && !more.contains(&"--token") {
            let mut more = String::new();
            said.read_line(&mut more).unwrap();
            words.push(more);
        }
        let link = line.split("http://").nth(1).unwrap_or_else(|| panic!("{line}")).trim();
        let (address, rest) = link.split_once('/').unwrap();
        let token = rest.strip_prefix("?token=").map(String::from);
        Server { child, address: address.replace("localhost", "127.0.0.1"), token, words }
    }

    /// Status, headers, body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, String, Vec<u8>) {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let mut head = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        let has = |name: &str| headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
        if !has("content-length") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        if !has("host") {
            head += &format!("Host: {}\r\n", self.address);
        }
        if !has("content-type") {
            head += "Content-Type: application/json\r\n";
        }
        headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
        stream.write_all(format!("{head}\r\n{body}").as_bytes()).unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let end = reply.windows(4).position(|four| four == b"\r\n\r\n").unwrap_or_else(|| panic!("no head: {reply:?}"));
        let head = String::from_utf8_lossy(&reply[..end]).into_owned();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut body = reply[end + 4..].to_vec();
        if head.to_lowercase().contains("transfer-encoding: chunked") {
            body = unchunked(&body);
        }
        (status, head, body)
    }

    pub(crate) fn json(&self, method: &str, path: &str, body: &Value) -> (u16, Value) {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        let (status, _, body) = self.send(method, path, &[], &text);
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.json("GET", path, &Value::Null);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    pub(crate) fn until(&self, path: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let seen = self.get(path);
            if holds(&seen) {
                return seen;
            }
            assert!(begun.elapsed() < Duration::from_secs(180), "{path} stays {seen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Copies an image of the sample into a folder.
pub(crate) fn image(server: &Server, index: usize, to: &Path) {
    let address = format!("/api/records/{index}/picture?dataset=mnist-sample&split=train");
    let (status, _, png) = server.send("GET", &address, &[], "");
    assert_eq!(status, 200);
    std::fs::create_dir_all(to.parent().unwrap()).unwrap();
    std::fs::write(to, png).unwrap();
}

fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|two| two == b"\r\n") {
        let size = usize::from_str_radix(String::from_utf8_lossy(&body[..end]).trim(), 16).unwrap();
        if size == 0 {
            break;
        }
        whole.extend_from_slice(&body[end + 2..end + 2 + size]);
        body = &body[end + 2 + size + 2..];
    }
    whole
}

/// Events of a stream as they come: id, name, data.
pub(crate) struct Events(BufReader<TcpStream>);

impl Events {
    pub(crate) fn open(server: &Server, path: &str, last: Option<&str>) -> Events {
        let mut stream = TcpStream::connect(&server.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(120))).unwrap();
        let last = last.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let head = format!("GET {path} HTTP/1.1\r\nHost: {}\r\n{last}\r\n", server.address);
        stream.write_all(head.as_bytes()).unwrap();
        Events(BufReader::new(stream))
    }

    /// The next event of one of these names.
    pub(crate) fn next(&mut self, names: &[&str]) -> (String, String, Value) {
        let (mut id, mut name, mut data) = (String::new(), String::new(), String::new());
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "the stream ended");
            let line = line.trim_end();
            let value = |line: &str, field: &str| line.strip_prefix(field).map(|rest| rest.trim_start().to_string());
            if let Some(text) = value(line, "id:") {
                id = text;
            } else if let Some(text) = value(line, "event:") {
                name = text;
            } else if let Some(text) = value(line, "data:") {
                data = text;
            } else if line.is_empty() && !name.is_empty() {
                if names.contains(&name.as_str()) {
                    return (id, name, serde_json::from_str(&data).unwrap());
                }
                (id, name, data) = Default::default();
            }
        }
    }
}
