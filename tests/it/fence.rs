//! The second wall: what has escaped from Lua, here native code of the test, gets nowhere; and every command that runs a
//! network file is behind it.

use std::{
    collections::BTreeMap,
    fs, io,
    net::{TcpListener, TcpStream, UdpSocket},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use digits::fence::{self, Reach, support};

use crate::job::{program, workshop};

/// Where the fenced child finds its job, and the port that it tries.
const JOB: &str = "DIGITS_TEST_FENCED_JOB";
const PORT: &str = "DIGITS_TEST_FENCED_PORT";

/// `name: done` or `name: 13`, the system's number of the error.
#[expect(clippy::print_stdout, reason = "the parent reads the lines")]
fn tell<T>(name: &str, outcome: io::Result<T>) {
    let code =
        outcome.err().map(|error| error.raw_os_error().map_or_else(|| error.to_string(), |code| code.to_string()));
    println!("fenced {name}: {}", code.as_deref().unwrap_or("done"));
}

/// A raw system call, as native code makes it.
#[expect(unsafe_code, reason = "what has escaped from Lua asks nobody")]
fn call(number: i64, arguments: [usize; 4]) -> io::Result<i64> {
    let [a, b, c, d] = arguments;
    // SAFETY: the arguments are numbers, null, or pointers to live C strings; each of these calls is refused or harmless.
    let answer = unsafe { libc::syscall(number, a, b, c, d) };
    if answer < 0 { Err(io::Error::last_os_error()) } else { Ok(answer) }
}

/// What is tried by a thread of the fenced process, under names that begin with `who`.
fn try_files(who: &str, job: &Path) {
    tell(&format!("{who} reads passwd"), fs::read("/etc/passwd"));
    tell(&format!("{who} reads passwd through proc"), fs::read("/proc/self/root/etc/passwd"));
    tell(&format!("{who} lists the root"), fs::read_dir("/"));
    tell(&format!("{who} reads a neighbour of the job"), fs::read(job.with_file_name("secret")));
    tell(&format!("{who} reads another process"), fs::read("/proc/1/environ"));
    tell(&format!("{who} writes outside"), fs::write(job.with_file_name("planted"), "x"));
    tell(
        &format!("{who} cuts a file outside"),
        fs::OpenOptions::new().write(true).truncate(true).open(job.with_file_name("secret")),
    );
    tell(&format!("{who} removes outside"), fs::remove_file(job.with_file_name("secret")));
}

#[test]
#[ignore = "the child of the next test: it fences itself in for good"]
fn escaped() {
    let (Some(job), Ok(port)) = (std::env::var_os(JOB).map(PathBuf::from), std::env::var(PORT)) else { return };
    let parent = std::os::unix::process::parent_id() as usize;
    // A thread that was there before, as the head start is.
    let (fenced, is_fenced) = channel();
    let (go, may_go) = channel::<()>();
    let early = thread::spawn({
        let job = job.clone();
        move || {
            fence::enter_thread(&Reach::system());
            fenced.send(()).unwrap();
            may_go.recv().unwrap();
            try_files("early", &job);
            tell("early socket", UdpSocket::bind("127.0.0.1:0"));
        }
    });
    is_fenced.recv().unwrap();
    let start = Instant::now();
    let held = fence::enter(&Reach::system().reading(std::env::current_exe().unwrap()).writing(&job));
    println!("fenced cost: {} µs", start.elapsed().as_micros());
    assert!(held.calls, "this kernel has no seccomp");
    go.send(()).unwrap();
    early.join().unwrap();

    try_files("main", &job);
    thread::spawn({
        let job = job.clone();
        move || try_files("late", &job)
    })
    .join()
    .unwrap();
    tell("program", Command::new("/bin/true").stdin(Stdio::null()).spawn());
    let path = c"/bin/true".as_ptr() as usize;
    tell("execve", call(libc::SYS_execve, [path, 0, 0, 0]));
    tell("execveat", call(libc::SYS_execveat, [libc::AT_FDCWD as usize, path, 0, 0]));
    tell("clone", call(libc::SYS_clone, [libc::SIGCHLD as usize, 0, 0, 0]));
    #[cfg(target_arch = "x86_64")]
    {
        tell("fork", call(libc::SYS_fork, [0; 4]));
        tell("x32 execve", call(520 | 0x4000_0000, [path, 0, 0, 0]));
        tell("x32 socket", call(41 | 0x4000_0000, [2, 1, 0, 0]));
    }
    tell("connect", TcpStream::connect(format!("127.0.0.1:{port}")));
    tell("unix socket", UnixStream::connect("/run/x"));
    tell("netlink", call(libc::SYS_socket, [16, 3, 0, 0]));
    tell("io_uring", call(libc::SYS_io_uring_setup, [1, 0, 0, 0]));
    tell("ptrace", call(libc::SYS_ptrace, [libc::PTRACE_ATTACH as usize, parent, 0, 0]));
    tell("signal", call(libc::SYS_kill, [parent, 0, 0, 0]));
    tell("signal to the group", call(libc::SYS_kill, [0, libc::SIGURG as usize, 0, 0]));
    tell("limits of others", call(libc::SYS_prlimit64, [parent, libc::RLIMIT_NOFILE as usize, 0, 0]));
    tell("typing", call(libc::SYS_ioctl, [0, libc::TIOCSTI as usize, path, 0]));
    tell("typing with high bits", call(libc::SYS_ioctl, [0, libc::TIOCSTI as usize | 1 << 40, path, 0]));
    tell("mode", fs::set_permissions(job.with_file_name("secret"), fs::Permissions::from_mode(0o777)));
    tell("mount", call(libc::SYS_mount, [path, path, path, 0]));
    tell("bpf", call(libc::SYS_bpf, [0; 4]));
    tell("link in the job", std::os::unix::fs::symlink("/etc/passwd", job.join("link")));

    // And what a run needs goes on.
    tell("work write", fs::create_dir(job.join("a")).and_then(|()| fs::write(job.join("a/new"), "1")));
    tell("work move", fs::rename(job.join("a/new"), job.join("new")));
    tell("work read", fs::read(job.join("new")));
    tell("work state", fs::read_to_string("/proc/thread-self/status"));
    tell("work processors", fs::read_to_string("/sys/devices/system/cpu/online"));
    let sum = tch::Tensor::ones([1000, 1000], (tch::Kind::Float, tch::Device::Cpu)).sum(tch::Kind::Float);
    assert_eq!(f64::try_from(sum).unwrap(), 1e6);
    // The library of captured steps is opened from memory: without a card it gets as far as its names or the driver.
    let why = digits::cuda::recorder(0).err().unwrap_or_default();
    assert!(!why.contains("in memory") && !why.contains("cannot open"), "{why}");
}

#[test]
fn native_code_of_a_fenced_process_reads_starts_connects_and_plants_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let job = folder.path().join("job");
    fs::create_dir(&job).unwrap();
    fs::write(folder.path().join("secret"), "s").unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["fence::escaped", "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env(JOB, &job)
        .env(PORT, listener.local_addr().unwrap().port().to_string())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let found = text.split('\n').filter_map(|line| line.split_once("fenced ")?.1.split_once(": "));
    let mut found: BTreeMap<&str, &str> = found.collect();
    eprintln!("entering the fence took {}", found.remove("cost").unwrap());
    let has_landlock = support().landlock.is_some();
    if !has_landlock {
        eprintln!("SKIPPED: this kernel has no Landlock, so files are not fenced here; only system calls were tested");
    }
    assert!(found.len() > 45, "{found:?}");
    for (name, outcome) in &found {
        let of_files = ["early ", "main ", "late ", "link"].iter().any(|start| name.starts_with(start));
        match *name {
            _ if name.starts_with("work") => assert_eq!(*outcome, "done", "{name}"),
            "early socket" => assert_eq!(*outcome, "1", "{name}"),
            _ if of_files && !has_landlock => {}
            _ if of_files => assert_eq!(*outcome, "13", "{name}"),
            _ => assert_eq!(*outcome, "1", "{name}"),
        }
    }
    if has_landlock {
        assert!(!folder.path().join("planted").exists());
        assert_eq!(fs::read(folder.path().join("secret")).unwrap(), b"s");
    }
}

#[test]
fn every_command_with_a_network_file_is_behind_the_fence_and_no_fence_says_so() {
    let folder = workshop();
    // The language lets a file read what lies beside it; the fence leaves out what is hidden there.
    let hidden = "return function() local image = require 'image'\n\
        image.load('.hidden.png')\n\
        return { model = nn.Sequential():add(nn.Identity()) } end\n";
    fs::write(folder.path().join("hidden.lua"), hidden).unwrap();
    image::GrayImage::new(2, 2).save(folder.path().join(".hidden.png")).unwrap();
    let commands: [&[&str]; 2] = [&["check", "./hidden.lua"], &["run", "./hidden.lua", "--job", "j"]];
    if support().landlock.is_none() {
        eprintln!("SKIPPED: this kernel has no Landlock");
        return;
    }
    for command in commands {
        let output = program(folder.path(), command).output().unwrap();
        let page = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && page.contains("Permission denied"), "{command:?}: {page}");
        assert!(page.contains("the fence") && page.contains("--no-fence"), "{page}");
    }
    assert!(!folder.path().join("j").exists(), "the folder that was made for the job stays, empty");
    let output = program(folder.path(), &["check", "./hidden.lua", "--no-fence"]).output().unwrap();
    let page = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && page.starts_with("warning: no fence"), "{page}");

    // A script is behind it, a trusted one is not.
    fs::write(folder.path().join("hidden-script.lua"), "require('image').load('.hidden.png')").unwrap();
    let output = program(folder.path(), &["th", "./hidden-script.lua"]).output().unwrap();
    let page = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && page.contains("Permission denied"), "{page}");
    let output = program(folder.path(), &["th", "--trusted", "hidden-script.lua"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn every_thread_of_a_run_has_the_filter() {
    let folder = workshop();
    let arguments = ["run", "net.lua", "--epochs", "1000", "--job", "j", "--device", "cpu"];
    let mut child = program(folder.path(), &arguments).stdout(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    let metrics = folder.path().join("j/metrics.jsonl");
    while fs::metadata(&metrics).map_or(0, |data| data.len()) == 0 {
        assert!(start.elapsed() < Duration::from_secs(120) && child.try_wait().unwrap().is_none(), "no step");
        thread::sleep(Duration::from_millis(20));
    }
    let threads = fs::read_dir(format!("/proc/{}/task", child.id())).unwrap().flatten();
    let states: Vec<String> = threads.filter_map(|one| fs::read_to_string(one.path().join("status")).ok()).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(states.len() > 1);
    for state in states {
        assert!(state.contains("Seccomp:\t2") && state.contains("NoNewPrivs:\t1"), "{state}");
    }
}

#[test]
fn an_export_into_any_folder_is_written_whole_or_not_at_all() {
    let folder = workshop();
    let run = |arguments: &[&str]| program(folder.path(), arguments).output().unwrap();
    let trained = run(&["run", "net.lua", "--epochs", "1", "--job", "j", "--device", "cpu"]);
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    for format in ["safetensors", "t7", "onnx"] {
        let piped = run(&["export", "j", "--format", format, "--out", "-"]);
        assert!(piped.status.success() && piped.stdout.len() > 1000, "{}", String::from_utf8_lossy(&piped.stderr));
        let named = run(&["export", "j", "--format", format, "--out", "model", "--memory-limit", "4096"]);
        let text = String::from_utf8_lossy(&named.stdout);
        assert!(named.status.success() && text.starts_with("model ("), "{text}");
        let open = run(&["export", "j", "--format", format, "--out", "open", "--no-fence"]);
        assert!(open.status.success());
        let written = fs::read(folder.path().join("model")).unwrap();
        assert_eq!(written.len(), piped.stdout.len(), "{format}");
        // The order of notes in a safetensors header and of keys in a Lua table is another one in each process.
        if format == "onnx" {
            assert!(written == piped.stdout && written == fs::read(folder.path().join("open")).unwrap());
        }
    }
    // What goes wrong has one page, the exit status of the process that wrote, and leaves the old file alone.
    let before = fs::read(folder.path().join("model")).unwrap();
    let missing = run(&["export", "j", "--snapshot", "77", "--out", "model"]);
    let page = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && page.matches("help:").count() == 1, "{page}");
    assert_eq!(fs::read(folder.path().join("model")).unwrap(), before);
    assert!(!folder.path().join("model.partial").exists());
    let both = run(&["export", "j", "--out", "-", "--json"]);
    assert!(!both.status.success() && both.stdout.is_empty());
    let nowhere = run(&["export", "j", "--out", "missing/model"]);
    let page = String::from_utf8_lossy(&nowhere.stderr).into_owned();
    assert!(!nowhere.status.success() && page.contains("missing/model"), "{page}");
}

#[test]
fn the_memory_for_tensors_is_what_the_command_line_says() {
    let folder = workshop();
    let greedy = "local kept = torch.FloatTensor(1e8)\nreturn { model = nn.Sequential():add(nn.Identity()) }\n";
    fs::write(folder.path().join("greedy.lua"), greedy).unwrap();
    let with = |words: &[&str]| program(folder.path(), words).output().unwrap();
    let refused = with(&["check", "greedy.lua", "--input-shape", "1x2x2", "--memory-limit", "300"]);
    let page = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && page.contains("limit") && page.contains("300.0 MiB"), "{page}");
    assert!(with(&["check", "greedy.lua", "--input-shape", "1x2x2", "--memory-limit", "2000"]).status.success());
    for trusted in [&["--trusted"][..], &[]] {
        let words = [&["th", "-e", "torch.FloatTensor(1e8)", "--memory-limit", "300"], trusted].concat();
        let page = with(&words);
        assert!(!page.status.success() && String::from_utf8_lossy(&page.stderr).contains("300.0 MiB"), "{page:?}");
    }
    let none = with(&["check", "greedy.lua", "--memory-limit", "0"]);
    assert_eq!(none.status.code(), Some(2), "a limit of nothing is a slip");
}

#[test]
fn what_lies_beside_a_network_file_is_read_with_and_without_a_folder_in_its_name() {
    let folder = workshop();
    let text = "local image = require 'image'\nlocal seen = image.load('seen.png')\n\
        return function() return { model = nn.Sequential():add(nn.Reshape(seen:nElement())) } end\n";
    fs::write(folder.path().join("looks.lua"), text).unwrap();
    image::GrayImage::new(2, 2).save(folder.path().join("seen.png")).unwrap();
    fs::create_dir(folder.path().join("below")).unwrap();
    for (at, name) in [("", "looks.lua"), ("", "./looks.lua"), ("below", "../looks.lua")] {
        let output = program(&folder.path().join(at), &["check", name, "--input-shape", "1x2x2"]).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
}
