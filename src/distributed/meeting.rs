//! `meet`: the processes of a run find each other, see that they are the same program, and connect.
//!
//! A launcher's store keeps the keys of earlier starts, and its count of restarts may differ from machine to machine. So rank 0
//! notes a random token, each rank answers below it with a number of its own, and goes on only when rank 0 repeats that number.

use std::{
    net::{IpAddr, Ipv4Addr, ToSocketAddrs, UdpSocket},
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    c10d::{Collectives, Reached, Store},
    group::Group,
    launcher::Place,
    rank_list::rank_list,
    timeouts::Timeouts,
};
use crate::error::{Error, Kind, Result};

/// What must be the same in every process: it is compared when they meet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// Version of the program.
    pub version: String,
    /// Hash of its executable file.
    pub file: String,
    /// Version of libtorch.
    pub libtorch: String,
}

/// What a rank says when it comes.
#[derive(Serialize, Deserialize)]
struct Hello {
    nonce: String,
    program: Program,
}

/// What rank 0 answers.
#[derive(Serialize, Deserialize)]
enum Answer {
    /// The number that the rank gave: it is meant.
    Welcome(String),
    /// What does not fit, label and value.
    Refused { message: String, facts: Vec<(String, String)> },
}

const TOKEN: &str = "digits/token";
const PAUSE: Duration = Duration::from_millis(20);

/// Whoever waits for longer says so.
const QUIET: Duration = Duration::from_secs(10);
/// So much later than the others should have come nobody is waited for: connecting takes up to ten seconds more.
const MARGIN: Duration = Duration::from_secs(15);
/// The clock counts further than that.
const YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Meets the other processes and connects to them; `host` is [`locate`]'s answer; `say` is given a sentence for the user when they do
/// not come soon. To be called before the process gives up the network.
///
/// # Errors
/// `Kind::Lost` when the others do not come in time or cannot be connected to,
/// `Kind::Job` when they are another program.
pub fn meet(
    place: Place,
    host: IpAddr,
    program: &Program,
    timeouts: Timeouts,
    say: &mut dyn FnMut(&str),
) -> Result<Group> {
    // On a thread of its own: who is stopped, or is no store at all, may take a connection and never answer.
    let (send, receive) = mpsc::channel();
    let (sentences, there, own_program) = (send.clone(), place.clone(), program.clone());
    let meeting = move || {
        let mut say = |sentence: &str| drop(sentences.send(News::Sentence(sentence.to_string())));
        let met = come_together(there, host, &own_program, timeouts, &mut say);
        let _ = send.send(News::Met(met)); // nobody may wait any more
    };
    thread::Builder::new()
        .name("meeting".into())
        .spawn(meeting)
        .map_err(|cause| Error::new(Kind::Io, "the meeting has no thread").with_cause(cause.to_string()))?;
    let end = Instant::now() + timeouts.meeting.saturating_add(MARGIN).min(YEAR);
    heard(&receive, end, say).unwrap_or_else(|| Err(no_answer(&place, timeouts)))
}

/// What comes of the meeting until `end`.
fn heard(receive: &mpsc::Receiver<News>, end: Instant, say: &mut dyn FnMut(&str)) -> Option<Result<Group>> {
    loop {
        match receive.recv_timeout(end.saturating_duration_since(Instant::now())).ok()? {
            News::Sentence(sentence) => say(&sentence),
            News::Met(met) => return Some(met),
        }
    }
}

/// What comes of the thread that meets the others.
enum News {
    Sentence(String),
    Met(Result<Group>),
}

fn no_answer(place: &Place, timeouts: Timeouts) -> Error {
    Error::new(Kind::Lost, format!("nobody answers at {}:{}", place.host, place.port))
        .with_fact("this is", place.describe())
        .with_fact("waited", format!("{} seconds", timeouts.meeting.as_secs()))
        .with_help("see whether rank 0 was stopped, or another program has the port: MASTER_PORT must be a free one")
}

fn come_together(
    place: Place,
    host: IpAddr,
    program: &Program,
    timeouts: Timeouts,
    say: &mut dyn FnMut(&str),
) -> Result<Group> {
    let mut wait = Wait { place: &place, begun: Instant::now(), patience: timeouts.meeting, say, is_quiet: true };
    let serves = place.rank == 0 && !place.is_served;
    // Opened twice: how long it waits for a connection is how long it will wait for anything.
    if !serves && Store::open(host, place.port, false, wait.patience.min(QUIET)).is_err() {
        wait.note_now("rank 0");
    }
    let left = wait.left().max(Duration::from_secs(1));
    let store = Store::open(host, place.port, serves, left).map_err(|cause| no_store(&place, serves, &cause))?;
    let token = if place.rank == 0 { receive(&store, program, &mut wait)? } else { come(&store, program, &mut wait)? };
    let left = wait.left().max(Duration::from_secs(10));
    let own = own_address(host, place.port);
    let ranks = (place.rank, place.size);
    let collectives =
        Collectives::open(&store, &format!("digits/{token}/gloo"), ranks, &own, (left, timeouts.collective)).map_err(
            |cause| {
                let (kind, at) = match &own {
                    Reached::Address(address) => (Kind::Lost, format!("the address {address}")),
                    // Another try would find the same.
                    Reached::Interface(name) => {
                        (Kind::Usage, format!("the interface {name}, as GLOO_SOCKET_IFNAME says"))
                    }
                };
                Error::new(kind, "the processes met and cannot be connected to each other")
                    .with_fact("this one", place.describe())
                    .with_fact("reached at", at)
                    .with_cause(cause)
                    .with_help("name the network interface that the machines share: GLOO_SOCKET_IFNAME=eth0")
            },
        )?;
    Ok(Group::new(place, token, Arc::new(store), collectives))
}

/// A process that waits for others.
struct Wait<'a> {
    place: &'a Place,
    begun: Instant,
    /// How long at most.
    patience: Duration,
    say: &'a mut dyn FnMut(&str),
    is_quiet: bool,
}

impl Wait<'_> {
    fn left(&self) -> Duration {
        self.patience.saturating_sub(self.begun.elapsed())
    }

    /// Says once, after a while, whom this process waits for.
    fn note(&mut self, whom: &str) {
        if self.begun.elapsed() >= QUIET {
            self.note_now(whom);
        }
    }

    fn note_now(&mut self, whom: &str) {
        if std::mem::take(&mut self.is_quiet) {
            let (Place { rank, size, host, port, .. }, most) = (self.place, self.patience.as_secs());
            (self.say)(&format!("rank {rank} of {size} waits for {whom} at {host}:{port}, {most} seconds at most"));
        }
    }
}

/// The address of the machine that serves the store. To be called before the process gives up the system's files, which tell
/// how names are looked up.
///
/// # Errors
/// `Kind::Usage` when it has none.
pub fn locate(place: &Place) -> Result<IpAddr> {
    let found = (place.host.as_str(), place.port).to_socket_addrs();
    let found = found.map(|mut all| all.next().map(|address| address.ip()));
    match found {
        Ok(Some(address)) => Ok(address),
        other => Err(Error::new(Kind::Usage, format!("rank 0's machine '{}' has no address", place.host))
            .with_fact("this is", place.describe())
            .with_cause(other.err().map_or_else(|| "the name is not known".to_string(), |error| error.to_string()))
            .with_help("set MASTER_ADDR to a name or an address that every machine knows")),
    }
}

fn no_store(place: &Place, serves: bool, cause: &str) -> Error {
    let page = if serves {
        Error::new(Kind::Lost, format!("rank 0 cannot serve its meeting at {}:{}", place.host, place.port))
            .with_help("set MASTER_ADDR to this machine's name or address, and MASTER_PORT to a free port of it")
    } else {
        Error::new(Kind::Lost, format!("rank 0 is not to be met at {}:{}", place.host, place.port))
            .with_fact("this is", place.describe())
            .with_help("start rank 0 too; a firewall must let the port through, and all ports between the machines")
    };
    page.with_cause(reason(cause))
}

/// The system's reason among the words of c10d, which names addresses that are none.
fn reason(cause: &str) -> String {
    let system = cause.split_once("(errno: ").and_then(|(_, rest)| rest.split_once(')')).map(|(reason, _)| reason);
    match system.and_then(|reason| reason.split_once(" - ")) {
        Some((number, words)) => format!("{words} (os error {number})"),
        None => cause.to_string(),
    }
}

/// The address of this machine as the others reach it: the one that it would speak to rank 0 from.
fn own_address(host: IpAddr, port: u16) -> Reached {
    if let Some(name) = std::env::var("GLOO_SOCKET_IFNAME").ok().filter(|name| !name.is_empty()) {
        return Reached::Interface(name);
    }
    let any = if host.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
    // Nothing is sent: the system only chooses the way.
    let chosen = UdpSocket::bind(any).and_then(|socket| {
        socket.connect((host, port))?;
        socket.local_addr()
    });
    Reached::Address(chosen.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.ip()))
}

fn random() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|cause| Error::new(Kind::Io, "the system gives no random numbers").with_cause(cause.to_string()))?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn hello(token: &str, rank: usize) -> String {
    format!("digits/{token}/hello/{rank}")
}

fn answer(token: &str, rank: usize) -> String {
    format!("digits/{token}/answer/{rank}")
}

/// Rank 0's part: the token of this start.
fn receive(store: &Store, program: &Program, wait: &mut Wait<'_>) -> Result<String> {
    let place = wait.place;
    let out_of_reach = |cause: String| no_store(place, false, &cause);
    let token = random()?;
    store.set(TOKEN, token.as_bytes()).map_err(out_of_reach)?;
    let mut came: Vec<Option<Hello>> = (1..place.size).map(|_| None).collect();
    while came.iter().any(Option::is_none) {
        for (at, hello_of) in came.iter_mut().enumerate().filter(|(_, hello_of)| hello_of.is_none()) {
            let found = store.get(&hello(&token, at + 1)).map_err(out_of_reach)?;
            *hello_of = found.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        }
        let missing = came.iter().enumerate().filter(|(_, came)| came.is_none());
        let missing: Vec<usize> = missing.map(|(at, _)| at + 1).collect();
        wait.note(&rank_list(&missing));
        if wait.left() == Duration::ZERO {
            return Err(Error::new(Kind::Lost, format!("not all {} processes came to the meeting", place.size))
                .with_fact("missing", rank_list(&missing))
                .with_fact("waited", format!("{} seconds", wait.patience.as_secs()))
                .with_help("look at their output; --timeout SECONDS waits longer"));
        }
        thread::sleep(PAUSE);
    }
    let came: Vec<Hello> = came.into_iter().flatten().collect();
    let other = came.iter().position(|hello| hello.program != *program);
    let refused = other.map(|at| {
        let theirs = &came[at].program;
        let facts = [
            ("version", &program.version, &theirs.version),
            ("program file", &program.file, &theirs.file),
            ("libtorch", &program.libtorch, &theirs.libtorch),
        ];
        let differing = facts.into_iter().filter(|(_, own, theirs)| own != theirs);
        let facts = differing.map(|(label, own, theirs)| (label.to_string(), format!("{own} here, {theirs} there")));
        (format!("rank {} is another program than rank 0", at + 1), facts.collect::<Vec<_>>())
    });
    for (at, hello) in came.iter().enumerate() {
        let answered = match &refused {
            None => Answer::Welcome(hello.nonce.clone()),
            Some((message, facts)) => Answer::Refused { message: message.clone(), facts: facts.clone() },
        };
        let bytes = serde_json::to_vec(&answered).unwrap_or_default();
        store.set(&answer(&token, at + 1), &bytes).map_err(out_of_reach)?;
    }
    match refused {
        None => Ok(token),
        Some((message, facts)) => {
            // Served until the others have read it.
            thread::sleep(Duration::from_secs(1));
            Err(other_program(message, facts))
        }
    }
}

fn other_program(message: String, facts: Vec<(String, String)>) -> Error {
    let page = Error::new(Kind::Job, message);
    let page = facts.into_iter().fold(page, |page, (label, value)| page.with_fact(label, value));
    page.with_help("install the same digits-rs with the same libtorch on every machine")
}

/// The others' part: the token that rank 0 means this process by.
fn come(store: &Store, program: &Program, wait: &mut Wait<'_>) -> Result<String> {
    let place = wait.place;
    let out_of_reach = |cause: String| no_store(place, false, &cause);
    let own = Hello { nonce: random()?, program: program.clone() };
    let own_bytes = serde_json::to_vec(&own).unwrap_or_default();
    let mut known = None;
    loop {
        let token = store.get(TOKEN).map_err(out_of_reach)?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
        if let Some(token) = token {
            if known.as_ref() != Some(&token) {
                store.set(&hello(&token, place.rank), &own_bytes).map_err(out_of_reach)?;
                known = Some(token.clone());
            }
            let answered = store.get(&answer(&token, place.rank)).map_err(out_of_reach)?;
            match answered.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
                Some(Answer::Welcome(nonce)) if nonce == own.nonce => return Ok(token),
                Some(Answer::Refused { message, facts }) => return Err(other_program(message, facts)),
                // An answer of an earlier start, or none yet.
                _ => {}
            }
        }
        wait.note(if known.is_none() { "rank 0" } else { "the others, as rank 0 does" });
        if wait.left() == Duration::ZERO {
            return Err(Error::new(Kind::Lost, "rank 0 did not come to the meeting, or not all others did")
                .with_fact("this is", place.describe())
                .with_fact("waited", format!("{} seconds", wait.patience.as_secs()))
                .with_help("look at the others' output; --timeout SECONDS waits longer"));
        }
        thread::sleep(PAUSE);
    }
}

#[cfg(test)]
mod tests {
    use std::thread::JoinHandle;

    use super::*;
    use crate::{
        distributed::Launcher,
        torch::device::{DeviceChoice, resolve},
    };

    const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

    fn program(file: &str) -> Program {
        Program { version: "1".into(), file: file.into(), libtorch: "2".into() }
    }

    fn place(rank: usize, size: usize, port: u16) -> Place {
        let (launcher, host) = (Launcher::Torchrun, "127.0.0.1".into());
        Place { launcher, rank, size, local_rank: rank, local_size: Some(size), host, port, is_served: true }
    }

    /// A launcher's store, and as many threads as ranks, each with its program.
    fn ranks<T: Send + 'static>(
        store: &Store,
        files: &[&str],
        timeout: Duration,
        work: impl Fn(Result<Group>) -> T + Send + Clone + 'static,
    ) -> Vec<T> {
        let (port, size) = (store.port(), files.len());
        let threads: Vec<JoinHandle<T>> = files
            .iter()
            .enumerate()
            .map(|(rank, file)| {
                let (program, work) = (program(file), work.clone());
                let timeouts = Timeouts::of(timeout);
                thread::spawn(move || work(meet(place(rank, size, port), LOCAL, &program, timeouts, &mut |_| {})))
            })
            .collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }

    fn served() -> Store {
        Store::open(LOCAL, 0, true, Duration::from_secs(10)).unwrap()
    }

    #[test]
    fn three_ranks_sum_gather_and_decide_together() {
        let store = served();
        // What an earlier start left is not taken for this one's.
        store.set(TOKEN, b"old").unwrap();
        store.set(&answer("old", 1), &serde_json::to_vec(&Answer::Welcome("other".into())).unwrap()).unwrap();
        let found = ranks(&store, &["f", "f", "f"], Duration::from_secs(20), |group| {
            let mut group = group.unwrap();
            let rank = group.rank();
            let tensor = tch::Tensor::from_slice(&[0.1f64 * (rank as f64 + 1.0), 1.0]);
            group.sum(&tensor).unwrap();
            let all = group.gather(&vec![rank as u8; rank]).unwrap();
            let first = if group.is_first() {
                group.broadcast(b"word").map(|()| b"word".to_vec()).unwrap()
            } else {
                group.receive().unwrap()
            };
            group.connect_devices(resolve(DeviceChoice::Cpu), Timeouts::of(Duration::from_secs(20))).unwrap();
            assert_eq!(group.way(), None);
            let bad = if rank == 1 { Err(Error::new(Kind::Lua, "no")) } else { Ok(rank) };
            let page = group.together(bad).unwrap_err();
            assert_eq!(group.together(Ok(rank)).unwrap(), rank);
            (Vec::<f64>::try_from(tensor).unwrap(), all, first, page.to_string())
        });
        for (sum, all, first, _) in &found {
            assert_eq!((sum[0].to_bits(), sum[1]), (found[0].0[0].to_bits(), 3.0));
            assert!((sum[0] - 0.6).abs() < 1e-15);
            assert_eq!(*all, [vec![], vec![1], vec![2, 2]]);
            assert_eq!(first, b"word");
        }
        assert!(found[0].3.contains("Lua error: no") && found[0].3.contains("rank 1 of 3"), "{}", found[0].3);
        assert!(found[1].3.contains("Lua error: no") && found[1].3.contains("rank 1 of 3"), "{}", found[1].3);
    }

    #[test]
    fn another_program_is_refused_with_what_differs() {
        let store = served();
        let pages = ranks(&store, &["f", "g"], Duration::from_secs(20), |group| group.unwrap_err().to_string());
        for page in pages {
            assert!(page.contains("rank 1 is another program") && page.contains("f here, g there"), "{page}");
        }
    }

    #[test]
    fn a_lost_rank_is_named_and_so_is_what_it_left_word_of() {
        let store = served();
        let pages = ranks(&store, &["f", "f"], Duration::from_secs(20), move |group| {
            let group = group.unwrap();
            if group.rank() == 1 {
                group.leave_word(&Error::new(Kind::Lua, "attempt to index a nil value"));
                return String::new();
            }
            let tensor = tch::Tensor::from_slice(&[1f32]);
            group.sum(&tensor).unwrap_err().to_string()
        });
        assert!(pages[0].starts_with("process lost: rank 1 of 2 is lost"), "{}", pages[0]);
        assert!(pages[0].contains("attempt to index a nil value"), "{}", pages[0]);
    }

    #[test]
    fn a_port_that_takes_a_connection_and_never_answers_is_left() {
        let silent = std::net::TcpListener::bind((LOCAL, 0)).unwrap();
        let port = silent.local_addr().unwrap().port();
        let (send, receive) = mpsc::channel();
        thread::spawn(move || {
            send.send(News::Sentence("waits".into())).unwrap();
            let time = Timeouts::of(Duration::from_secs(600));
            let met = come_together(place(1, 2, port), LOCAL, &program("f"), time, &mut |_| {});
            let _ = send.send(News::Met(met));
        });
        let mut said = String::new();
        let met = heard(&receive, Instant::now() + Duration::from_secs(1), &mut |sentence| said += sentence);
        assert!(met.is_none() && said == "waits", "{met:?}");
        let page = no_answer(&place(1, 2, port), Timeouts::of(Duration::from_secs(5)));
        assert!(page.to_string().contains("waited          10 seconds"), "{page}");
    }

    #[test]
    fn the_system_s_reason_is_kept() {
        let words = "The server socket has failed to listen on any local network address. The server socket has failed to \
                     bind to [::]:29813 (errno: 98 - Address already in use). The server could not be initialized";
        assert_eq!(reason(words), "Address already in use (os error 98)");
        assert_eq!(reason("Broken pipe"), "Broken pipe");
    }

    #[test]
    fn whoever_does_not_come_is_named() {
        let store = served();
        let port = store.port();
        let (place, timeouts) = (place(0, 3, port), Timeouts::of(Duration::from_millis(200)));
        let page = meet(place.clone(), LOCAL, &program("f"), timeouts, &mut |_| {}).unwrap_err();
        assert!(page.to_string().contains("missing         ranks 1 and 2"), "{page}");
        let mut heard = Vec::new();
        let mut say = |sentence: &str| heard.push(sentence.to_string());
        let begun = Instant::now().checked_sub(QUIET).unwrap();
        let mut wait = Wait { place: &place, begun, patience: Duration::from_secs(600), say: &mut say, is_quiet: true };
        wait.note("ranks 1 and 2");
        wait.note("rank 2");
        let expected = format!("rank 0 of 3 waits for ranks 1 and 2 at 127.0.0.1:{port}, 600 seconds at most");
        assert_eq!(heard, [expected]);
    }
}
