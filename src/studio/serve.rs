//! `serve`: the server from its start to its end.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::net::TcpListener;

use super::{
    accept::accept,
    access::Access,
    app::{App, folders},
    bus::Bus,
    child::Wall,
    datasets::index::DatasetIndex,
    front, heap,
    jobs::{change, index::JobIndex, kind::Kinds, points::PointsCache, queue::Queue, start::Program, summary::Status},
    machine::Machine,
    program::Server,
    roots::Roots,
    router::router,
    tests::kept::KeptTests,
    uploads::{Limits, Uploads},
    workers::Worker,
};
use crate::{
    error::{Error, Kind, Result},
    job::JobView,
};

/// Pause between two looks at the folders.
const PAUSE: Duration = Duration::from_millis(250);

/// How the server runs.
#[derive(Debug, Clone)]
pub struct ServeOptions {
    /// Where it listens.
    pub listen: String,
    /// The folder of `jobs` and `datasets`.
    pub root: PathBuf,
    /// Nobody comes in without it. Made up for any address but loopback.
    pub token: Option<String>,
    /// Other folders that clients may name things in.
    pub allow: Vec<PathBuf>,
    /// Trainings at once on one device.
    pub per_device: usize,
    /// Whether trainings end with the server.
    pub stop_jobs: bool,
}

/// The server has begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Where it listens.
    pub address: SocketAddr,
    /// What to open in a browser.
    pub link: String,
    /// Whether the page is built in.
    pub has_page: bool,
    /// Whether others than this machine's users can reach it.
    pub is_open: bool,
}

/// Serves until Ctrl-C or SIGTERM; `began` is called once it listens.
///
/// # Errors
/// When the address cannot be listened on, or the folder cannot be made.
pub fn serve(options: &ServeOptions, began: impl FnOnce(&Served)) -> Result<()> {
    heap::keep_small();
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).max_blocking_threads(16).enable_all().build();
    let runtime =
        runtime.map_err(|source| Error::new(Kind::Io, "cannot start the server").with_cause(source.to_string()))?;
    runtime.block_on(run(options, began))
}

async fn run(options: &ServeOptions, began: impl FnOnce(&Served)) -> Result<()> {
    let unusable = |source: std::io::Error| {
        Error::new(Kind::Io, format!("cannot listen on {}", options.listen))
            .with_cause(source.to_string())
            .with_help("choose another address or port: --listen 127.0.0.1:5001")
    };
    let listener = TcpListener::bind(&options.listen).await.map_err(unusable)?;
    let address = listener.local_addr().map_err(unusable)?;
    let is_open = !address.ip().is_loopback();
    let token = match &options.token {
        Some(token) => Some(token.clone()),
        None if is_open => Some(random_word()?),
        None => None,
    };
    if token
        .as_ref()
        .is_some_and(|token| token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic() && byte != b';'))
    {
        return Err(Error::new(Kind::Usage, "the token must be letters, digits and signs without blanks"));
    }
    let app = app(options, token.clone(), address)?;
    let host =
        if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() };
    let link = token.map_or_else(|| format!("http://{host}/"), |token| format!("http://{host}/?token={token}"));
    let first = Arc::clone(&app);
    tokio::task::spawn_blocking(move || first.refresh())
        .await
        .map_err(|_| Error::new(Kind::Io, "the folders cannot be read"))?;
    let watching = tokio::spawn(watch(Arc::clone(&app)));
    let warming = Arc::clone(&app);
    tokio::spawn(async move {
        warming.checker.warm().await;
        warming.unpack_sample().await;
    });
    began(&Served { address, link, has_page: front::is_built(), is_open });
    // Open event streams never end by themselves: whoever stops the server does not wait for them.
    let served = tokio::select! {
        never = accept(listener, router(Arc::clone(&app))) => match never {},
        () = stopped() => Ok(()),
    };
    watching.abort();
    if options.stop_jobs {
        let app = Arc::clone(&app);
        let _ = tokio::task::spawn_blocking(move || stop_jobs(&app)).await;
    }
    served
}

fn app(options: &ServeOptions, token: Option<String>, address: SocketAddr) -> Result<Arc<App>> {
    let root = &options.root;
    std::fs::create_dir_all(root).map_err(|source| Error::io("make the folder", root, &source))?;
    let root = root.canonicalize().map_err(|source| Error::io("find", root, &source))?;
    let binary = std::env::current_exe().map_err(|source| Error::io("find", "this program".as_ref(), &source))?;
    let machine = Machine::new(&root)?;
    // A fence is put around what is there.
    for name in ["jobs", "datasets"] {
        let folder = root.join(name);
        std::fs::create_dir_all(&folder).map_err(|source| Error::io("make the folder", &folder, &source))?;
    }
    change::remove_what_is_aside(&root.join("jobs"));
    let program = Program { binary, root: root.clone() };
    let roots = Roots::new(std::iter::once(root.clone()).chain(options.allow.iter().cloned()));
    let (readable, uploads) = (roots.folders().to_vec(), Uploads::new(Limits::default())?);
    let worker = |wall: Wall| {
        let folders = folders(wall, &root, &readable, uploads.folder());
        Worker::new(program.clone(), wall, folders, uploads.names())
    };
    Ok(Arc::new(App {
        access: Access::new(token, address),
        roots,
        jobs: JobIndex::new(&root),
        kinds: Kinds::default(),
        points: PointsCache::default(),
        queue: Queue::new(program.clone(), options.per_device, machine.device()),
        datasets: Arc::new(DatasetIndex::new(&root)),
        bus: Arc::new(Bus::new(random_word()?[..8].to_string())),
        checker: worker(Wall::Pasted),
        looker: worker(Wall::Look),
        tester: worker(Wall::Test),
        tests: KeptTests::default(),
        uploads,
        machine,
        root,
        program,
        readable,
        sample: tokio::sync::OnceCell::new(),
        looking: std::sync::Mutex::new(()),
    }))
}

/// Keeps the lists fresh, and says how the machine stands.
async fn watch(app: Arc<App>) {
    let mut said = Instant::now();
    loop {
        tokio::time::sleep(PAUSE).await;
        let (app, says) = (Arc::clone(&app), said.elapsed() >= Duration::from_secs(1));
        let looked = tokio::task::spawn_blocking(move || {
            app.look(says);
            if says {
                app.bus.say("server", "", &Server::now(&app));
            }
        });
        if looked.await.is_err() {
            return;
        }
        if says {
            said = Instant::now();
        }
    }
}

async fn stopped() {
    let mut terminated = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok();
    let terminated = async {
        match &mut terminated {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// Asks every training to end, and waits until they have saved.
fn stop_jobs(app: &App) {
    let running: Vec<String> =
        app.jobs.all().into_iter().filter(|job| job.status == Status::Running).map(|job| job.id).collect();
    let holds = |id: &String| app.jobs.folder(id).and_then(|folder| JobView::open(&folder).ok()?.process()).is_some();
    for id in &running {
        let _ = change::stop(app, id);
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) && running.iter().any(holds) {
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// 32 letters that nobody guesses.
fn random_word() -> Result<String> {
    let mut bytes = [0u8; 16];
    getrandom::fill(&mut bytes)
        .map_err(|cause| Error::new(Kind::Io, "the system gives no random numbers").with_cause(cause.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
