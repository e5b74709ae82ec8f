//! `Conductor`: what rank 0 tells the other processes of a run before it trains, what all of them compare, and how the state
//! reaches them.
//!
//! Rank 0 alone reads and writes the job. The others wait for its orders, make the same network from their own command line,
//! see that it is the same, and take rank 0's state.

use std::{cell::Cell, path::PathBuf, rc::Rc};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    assemble::Run,
    options::{self, PLACES, RunOptions, names_file},
};
use crate::{
    distributed::{Group, Program},
    error::{Error, Kind, Result},
    job::counted,
    torch::device,
    train::{Position, Ranks, Snapshot, SnapshotNote},
};

/// What the other ranks are to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    /// The network file's name.
    pub(super) name: String,
    /// Its text.
    pub(super) text: String,
    /// Its folder on rank 0's machine.
    pub(super) folder: Option<PathBuf>,
    /// The options of rank 0's command line.
    pub(super) given: RunOptions,
    /// All options of the run.
    pub(super) options: RunOptions,
    /// Whether the run begins, and does not go on from a snapshot.
    pub(super) is_fresh: bool,
    /// The job's folder.
    pub(super) job: PathBuf,
}

/// What rank 0 answers where the others wait for it.
#[derive(Serialize, Deserialize)]
enum Message<T> {
    /// It ended with this page.
    Ended(Error),
    /// There is nothing to do.
    Done,
    /// Go on.
    Go(T),
}

/// Where rank 0 stands, and so what the others wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    Orders,
    Assembly,
    State,
    Training,
}

/// The way of several processes to their first step; of one process, nothing.
pub(super) struct Conductor {
    ranks: Option<Rc<Ranks>>,
    stage: Cell<Stage>,
}

/// What must be the same everywhere.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Alike {
    /// Fingerprint of the dataset.
    dataset: String,
    /// Where it is, and how many records it has to train with: for the page.
    place: Unlike<(String, u64)>,
    /// The network as it prints, and the criterion.
    network: String,
    /// Names and sizes of the parameters, as a hash.
    parameters: String,
    /// The numbers of the loop.
    plan: String,
    /// The settings, as JSON, without what a machine may have of its own.
    settings: serde_json::Map<String, serde_json::Value>,
}

/// What may differ, and is told where something else does.
#[derive(Debug, Serialize, Deserialize)]
struct Unlike<T>(T);

impl<T> PartialEq for Unlike<T> {
    fn eq(&self, _: &Unlike<T>) -> bool {
        true
    }
}

impl<T> Eq for Unlike<T> {}

/// What a machine may have of its own beside the places of files: how it computes.
const OWN: [&str; 3] = ["memory", "device", "threads"];

/// Whether a machine may have its own value of a setting.
fn is_own(name: &str) -> bool {
    names_file(name) || OWN.contains(&name)
}

/// The program as it must be in every process.
#[must_use]
pub fn program() -> Program {
    // Piece by piece: the file has 200 MiB.
    let hash = || -> std::io::Result<String> {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(std::fs::File::open(std::env::current_exe()?)?)?;
        Ok(hasher.finalize().to_hex()[..16].to_string())
    };
    Program {
        version: env!("CARGO_PKG_VERSION").to_string(),
        file: hash().unwrap_or_else(|error| error.to_string()),
        libtorch: device::libtorch_version().unwrap_or_else(|| "unknown".into()),
    }
}

impl Conductor {
    /// Of these processes; none where there is one.
    pub(super) fn of(group: Option<Rc<Group>>) -> Conductor {
        Conductor { ranks: group.map(|group| Rc::new(Ranks::of(group))), stage: Cell::new(Stage::Orders) }
    }

    /// The processes, where there are several.
    pub(super) fn ranks(&self) -> Option<&Rc<Ranks>> {
        self.ranks.as_ref()
    }

    /// How many processes there are.
    pub(super) fn processes(&self) -> u64 {
        self.ranks.as_ref().map_or(1, |ranks| ranks.group().size() as u64)
    }

    /// Whether another process writes the job.
    pub(super) fn follows(&self) -> bool {
        self.ranks.as_ref().is_some_and(|ranks| !ranks.group().is_first())
    }

    /// Rank 0: what the others are to do.
    ///
    /// # Errors
    /// When a rank was lost.
    pub(super) fn order(&self, orders: impl FnOnce() -> Orders) -> Result<()> {
        if let Some(ranks) = &self.ranks {
            self.stage.set(Stage::Assembly);
            send(ranks, &Message::Go(orders()))?;
        }
        Ok(())
    }

    /// The others: what they are to do; nothing when there is nothing to do.
    ///
    /// # Errors
    /// What ended rank 0; when a rank was lost.
    pub(super) fn receive(&self, ranks: &Ranks) -> Result<Option<Orders>> {
        self.stage.set(Stage::Assembly);
        receive(ranks)
    }

    /// The run that every rank has made, when all have made the same.
    ///
    /// # Errors
    /// What kept any rank from making it; `Kind::Job` with what differs.
    pub(super) fn assembled(&self, run: Result<Run>) -> Result<Run> {
        let Some(ranks) = &self.ranks else { return run };
        // An error is everybody's from here on: nobody waits.
        self.stage.set(Stage::Training);
        let run = ranks.group().together(run)?;
        let own = Alike::of(&run)?;
        let all = ranks.group().gather(&serde_json::to_vec(&own).unwrap_or_default())?;
        let all: Vec<Option<Alike>> = all.iter().map(|bytes| serde_json::from_slice(bytes).ok()).collect();
        if let Some(Some(first)) = all.first()
            && let Some((rank, other)) = all.iter().enumerate().find(|(_, other)| other.as_ref() != Some(first))
        {
            return Err(first.differs(other.as_ref(), rank));
        }
        self.stage.set(Stage::State);
        Ok(run)
    }

    /// Rank 0: the state that the run begins with.
    ///
    /// # Errors
    /// When a rank was lost.
    pub(super) fn share_state(&self, run: &Run, position: &Position) -> Result<()> {
        let Some(ranks) = &self.ranks else { return Ok(()) };
        let state = Snapshot::capture(&*run.engine)?;
        let note = SnapshotNote {
            position: position.clone(),
            seed: run.plan.seed,
            metrics_len: 0,
            dataset: String::new(),
            network: String::new(),
            program: String::new(),
        };
        let bytes = state.to_bytes(&note)?;
        self.stage.set(Stage::Training);
        send(ranks, &Message::Go(()))?;
        ranks.group().broadcast(&bytes)
    }

    /// The others: takes rank 0's state, and says where the run stands.
    ///
    /// # Errors
    /// What ended rank 0; when a rank was lost, or the state does not fit.
    pub(super) fn take_state(&self, ranks: &Ranks, run: &mut Run) -> Result<Position> {
        self.stage.set(Stage::Training);
        receive::<()>(ranks)?;
        let bytes = ranks.group().receive()?;
        let (state, note) = Snapshot::from_bytes(&bytes)?;
        state.restore(&mut *run.engine)?;
        Ok(note.position)
    }

    /// The end of a process that cannot begin: whoever waits for it has its page, too.
    ///
    /// # Errors
    /// Always: `page`, or what ended another one first.
    pub(super) fn refuse<T>(&self, page: Error) -> Result<T> {
        match &self.ranks {
            Some(ranks) if self.follows() => match self.receive(ranks)? {
                Some(_) => Err(self.assembled(Err(page.clone())).err().unwrap_or(page)),
                None => Err(page),
            },
            _ => self.close(Err(page)),
        }
    }

    /// The end of this process's part: whoever waits for it learns of it.
    ///
    /// # Errors
    /// Those of `result`.
    pub(super) fn close<T>(&self, result: Result<T>) -> Result<T> {
        let Some(ranks) = &self.ranks else { return result };
        if let Err(error) = &result
            && error.kind() != Kind::Lost
        {
            ranks.group().leave_word(error);
        }
        if self.follows() || !matches!(self.stage.get(), Stage::Orders | Stage::State) {
            return result;
        }
        let message = match &result {
            Ok(_) => Message::<()>::Done,
            Err(error) => Message::Ended(error.clone()),
        };
        let _ = send(ranks, &message); // nobody may be left
        result
    }
}

fn send<T: Serialize>(ranks: &Ranks, message: &Message<T>) -> Result<()> {
    let bytes = serde_json::to_vec(message).map_err(|cause| {
        Error::new(Kind::Usage, "an option cannot be sent to the other processes").with_cause(cause.to_string())
    })?;
    ranks.group().broadcast(&bytes)
}

fn receive<T: DeserializeOwned>(ranks: &Ranks) -> Result<Option<T>> {
    let bytes = ranks.group().receive()?;
    match serde_json::from_slice(&bytes) {
        Ok(Message::Go(value)) => Ok(Some(value)),
        Ok(Message::Done) => Ok(None),
        Ok(Message::Ended(page)) => Err(ranks.group().of_rank(0, page)),
        Err(cause) => Err(Error::new(Kind::Lost, "rank 0 sent no orders").with_cause(cause.to_string())),
    }
}

impl Alike {
    fn of(run: &Run) -> Result<Alike> {
        let parameters = run.engine.network().parameters.named();
        let parameters: String =
            parameters.iter().map(|(name, tensor)| format!("{name} {:?}\n", tensor.size())).collect();
        let mut settings = run.settings.to_json()?.as_object().cloned().unwrap_or_default();
        settings.retain(|name, _| !is_own(name));
        Ok(Alike {
            dataset: run.fingerprint.word().to_string(),
            place: Unlike((run.dataset_path.clone(), run.plan.records)),
            network: run.printed.clone(),
            parameters: blake3::hash(parameters.as_bytes()).to_hex()[..16].to_string(),
            plan: format!("{:?}", run.plan),
            settings,
        })
    }

    fn dataset_text(&self) -> String {
        let Unlike((place, records)) = &self.place;
        format!("{place}: {} to train with, fingerprint {}", counted(*records, "record"), self.dataset)
    }

    /// The page for a rank that has something else.
    fn differs(&self, other: Option<&Alike>, rank: usize) -> Error {
        let page = Error::new(Kind::Job, format!("rank {rank} does not have what rank 0 has"))
            .with_help("give every process the same command, network file and dataset");
        let Some(other) = other else { return page };
        let both = |page: Error, what: &str, own: &str, theirs: &str| {
            page.with_fact(format!("{what} of rank 0"), own).with_fact(format!("of rank {rank}"), theirs)
        };
        let mut page = page;
        if self.dataset != other.dataset {
            page = both(page, "dataset", &self.dataset_text(), &other.dataset_text());
        }
        if self.parameters != other.parameters {
            page = both(page, "parameters", &self.parameters, &other.parameters);
        }
        if self.network != other.network {
            page = both(page, "network", &self.network, &other.network);
        }
        let nothing = serde_json::Value::Null;
        for (name, own) in &self.settings {
            let theirs = other.settings.get(name).unwrap_or(&nothing);
            if own != theirs {
                page = page.with_fact(options::flag(name), on_both(name, own, theirs, rank));
            }
        }
        page
    }
}

/// Two values of option `name`, as the command line has them.
fn on_both(name: &str, first: &serde_json::Value, other: &serde_json::Value, rank: usize) -> String {
    let text = |value| options::as_written(name, value, "not given");
    format!("{} on rank 0, {} on rank {rank}", text(first), text(other))
}

impl Orders {
    /// The options for a process with these of its own: the places of its data, its device and its threads.
    ///
    /// # Errors
    /// `Kind::Job` when it was given something else than rank 0.
    pub(super) fn options_with(&self, own: &RunOptions, rank: usize) -> Result<RunOptions> {
        let json =
            |options: &RunOptions| options::to_json(options).map(|json| json.as_object().cloned().unwrap_or_default());
        let (own, first, mut all) = (json(own)?, json(&self.given)?, json(&self.options)?);
        let nothing = serde_json::Value::Null;
        // Of a job that goes on rank 0 may name no file, for its folder does.
        let names_places = first.iter().any(|(name, value)| names_file(name) && !value.is_null());
        let mut page = None;
        // What is not given may not be written: both are gone through.
        for name in own.keys().chain(first.keys().filter(|name| !own.contains_key(*name))) {
            let (value, theirs) = (own.get(name).unwrap_or(&nothing), first.get(name).unwrap_or(&nothing));
            let is_same = match name.as_str() {
                name if names_file(name) => !names_places || value.is_null() == theirs.is_null(),
                name => is_own(name) || value == theirs,
            };
            if !is_same {
                let known = page.take().unwrap_or_else(|| {
                    Error::new(Kind::Job, format!("rank {rank} was given other options than rank 0"))
                        .with_help("give every process the same command")
                });
                page = Some(known.with_fact(options::flag(name), on_both(name, theirs, value, rank)));
            }
        }
        if let Some(page) = page {
            return Err(page);
        }
        // Of two ways to name a dataset one is meant.
        if own.iter().any(|(name, value)| PLACES.contains(&name.as_str()) && !value.is_null()) {
            all.retain(|name, _| !PLACES.contains(&name.as_str()));
        }
        all.extend(own.into_iter().filter(|(name, value)| is_own(name) && !value.is_null()));
        serde_json::from_value(serde_json::Value::Object(all))
            .map_err(|cause| Error::new(Kind::Job, "rank 0's options do not read").with_cause(cause.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_keeps_its_own_places_and_is_refused_with_other_numbers() {
        let given = RunOptions { lr: Some(0.1), dataset: Some("/here".into()), ..RunOptions::default() };
        let orders = Orders {
            name: "n.lua".into(),
            text: String::new(),
            folder: None,
            options: RunOptions { shares: Some(2), ..given.clone() },
            given: given.clone(),
            is_fresh: true,
            job: "j".into(),
        };
        let own = RunOptions { dataset: Some("/there".into()), device: Some("cuda:1".into()), ..given.clone() };
        let options = orders.options_with(&own, 1).unwrap();
        assert_eq!((options.dataset, options.shares, options.lr), (Some("/there".into()), Some(2), Some(0.1)));
        assert_eq!(options.device.as_deref(), Some("cuda:1"));
        let other = RunOptions { lr: Some(0.2), epochs: Some(3), ..given.clone() };
        let page = orders.options_with(&other, 1).unwrap_err().to_string();
        assert!(page.contains("--lr") && page.contains("0.1 on rank 0, 0.2 on rank 1"), "{page}");
        assert!(page.contains("--epochs") && page.contains("not given on rank 0, 3 on rank 1"), "{page}");
        let without = RunOptions { shares: Some(1), dataset: None, ..given.clone() };
        let page = orders.options_with(&without, 1).unwrap_err().to_string();
        assert!(page.contains("--dataset") && page.contains("/here on rank 0, not given on rank 1"), "{page}");
        assert!(page.contains("--global-batch") && page.contains("not given on rank 0, given on rank 1"), "{page}");
        let orders = Orders { given: RunOptions { shares: Some(1), ..given.clone() }, ..orders };
        let page = orders.options_with(&given, 1).unwrap_err().to_string();
        assert!(page.contains("given on rank 0, not given on rank 1"), "{page}");
        // The job of a run that goes on names its dataset, and a machine without the job's folder its own.
        let given = RunOptions::default();
        let options = RunOptions { train_db: Some("/job's".into()), mean: Some("/m".into()), ..RunOptions::default() };
        let orders = Orders { given: given.clone(), options, ..orders };
        let own = RunOptions { dataset: Some("/there".into()), ..given };
        let options = orders.options_with(&own, 1).unwrap();
        assert_eq!((options.dataset, options.train_db, options.mean), (Some("/there".into()), None, None));
    }
}
