//! `Group`: what the processes of a run do together. Each call is made by every rank, in the same order.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use super::{
    c10d::{Collectives, Outcome, Store},
    launcher::Place,
    lost,
};
use crate::error::{Error, Kind, Result};

/// The processes of a run, connected to each other.
pub struct Group {
    place: Place,
    /// In front of this group's keys in the store.
    token: String,
    store: Arc<Store>,
    /// None once a rank was lost: what is broken stays broken.
    collectives: RefCell<Option<Collectives>>,
    spent: Cell<Duration>,
}

/// A page on its way to another rank.
#[derive(Serialize, Deserialize)]
struct SentPage {
    kind: Kind,
    message: String,
    facts: Vec<(String, String)>,
    causes: Vec<String>,
    help: Option<String>,
}

impl SentPage {
    fn of(error: &Error) -> SentPage {
        let mut facts = error.facts().to_vec();
        if let Some(origin) = error.origin() {
            facts.insert(0, ("at".into(), origin.to_string()));
        }
        if !error.module().is_empty() {
            facts.insert(0, ("in the network".into(), error.module().join(" > ")));
        }
        SentPage {
            kind: error.kind(),
            message: error.message().to_string(),
            facts,
            causes: error.causes().to_vec(),
            help: error.help().map(str::to_string),
        }
    }

    fn page(self, rank: usize, size: usize) -> Error {
        let page = Error::new(self.kind, self.message);
        let page = self.facts.into_iter().fold(page, |page, (label, value)| page.with_fact(label, value));
        let page = page.with_fact("on", format!("rank {rank} of {size}"));
        let page = self.causes.into_iter().fold(page, Error::with_cause);
        self.help.into_iter().fold(page, Error::with_help)
    }
}

impl Group {
    pub(super) fn new(place: Place, token: String, store: Arc<Store>, collectives: Collectives) -> Group {
        Group { place, token, store, collectives: RefCell::new(Some(collectives)), spent: Cell::default() }
    }

    /// Which of the processes this one is.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// This process's number, from 0.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.place.rank
    }

    /// How many processes there are: at least two.
    #[must_use]
    pub fn size(&self) -> usize {
        self.place.size
    }

    /// Whether this is rank 0: the one that writes.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.place.rank == 0
    }

    /// The time that went into collectives so far, waiting for the slowest rank included.
    #[must_use]
    pub fn spent(&self) -> Duration {
        self.spent.get()
    }

    /// The sum of every rank's tensor, in place; of one kind and size everywhere. Every rank gets the same bits, and the same
    /// numbers give the same bits again. A tensor on a device goes by way of the processor's memory.
    ///
    /// # Errors
    /// `Kind::Lost` when a rank does not take part; the page names it.
    pub fn sum(&self, tensor: &tch::Tensor) -> Result<()> {
        if tensor.device() == tch::Device::Cpu && tensor.is_contiguous() {
            return self.call(|collectives| collectives.sum(tensor));
        }
        let own = tensor.f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        self.call(|collectives| collectives.sum(&own))?;
        tensor.shallow_clone().f_copy_(&own)?;
        Ok(())
    }

    /// What rank 0 has to say; the others give nothing.
    ///
    /// # Errors
    /// As [`Group::sum`].
    pub fn from_first(&self, bytes: Option<&[u8]>) -> Result<Vec<u8>> {
        let own = bytes.unwrap_or_default();
        let length = tch::Tensor::from_slice(&[own.len() as i64]);
        self.call(|collectives| collectives.broadcast(&length, 0))?;
        let length = length.f_int64_value(&[0])?;
        if self.is_first() {
            if length > 0 {
                let tensor = tch::Tensor::f_from_slice(own)?;
                self.call(|collectives| collectives.broadcast(&tensor, 0))?;
            }
            return Ok(own.to_vec());
        }
        if length == 0 {
            return Ok(Vec::new());
        }
        let tensor = tch::Tensor::f_zeros([length], (tch::Kind::Uint8, tch::Device::Cpu))?;
        self.call(|collectives| collectives.broadcast(&tensor, 0))?;
        Ok(Vec::try_from(tensor)?)
    }

    /// Every rank's bytes, by rank, for every rank.
    ///
    /// # Errors
    /// As [`Group::sum`].
    pub fn gather(&self, bytes: &[u8]) -> Result<Vec<Vec<u8>>> {
        let mut lengths = vec![0i64; self.size()];
        lengths[self.rank()] = bytes.len() as i64;
        let lengths = tch::Tensor::from_slice(&lengths);
        self.sum(&lengths)?;
        let lengths: Vec<i64> = Vec::try_from(lengths)?;
        let total: i64 = lengths.iter().sum();
        if total == 0 {
            return Ok(vec![Vec::new(); self.size()]);
        }
        let all = tch::Tensor::f_zeros([total], (tch::Kind::Uint8, tch::Device::Cpu))?;
        if !bytes.is_empty() {
            let start: i64 = lengths[..self.rank()].iter().sum();
            all.f_narrow(0, start, bytes.len() as i64)?.f_copy_(&tch::Tensor::f_from_slice(bytes)?)?;
        }
        self.sum(&all)?;
        let mut rest: &[u8] = &Vec::<u8>::try_from(all)?;
        Ok(lengths
            .iter()
            .map(|&length| {
                let (own, more) = rest.split_at(length as usize);
                rest = more;
                own.to_vec()
            })
            .collect())
    }

    /// The result of something that every rank did, once all are done with it: an error of one is an error of all, so that
    /// none goes on alone. Of several, each rank has its own, or that of the lowest.
    ///
    /// # Errors
    /// Those of `result` and of the other ranks'; as [`Group::sum`].
    pub fn together<T>(&self, result: Result<T>) -> Result<T> {
        let sent = match &result {
            Ok(_) => Vec::new(),
            // Whoever was lost cannot be told.
            Err(error) if error.kind() == Kind::Lost => return result,
            Err(error) => serde_json::to_vec(&SentPage::of(error)).unwrap_or_else(|_| vec![b'?']),
        };
        let pages = self.gather(&sent)?;
        let value = result?;
        match pages.iter().enumerate().find(|(_, page)| !page.is_empty()) {
            None => Ok(value),
            Some((rank, page)) => Err(self.received(rank, page)),
        }
    }

    /// The page that another rank sent.
    fn received(&self, rank: usize, page: &[u8]) -> Error {
        match serde_json::from_slice::<SentPage>(page) {
            Ok(page) => page.page(rank, self.size()),
            Err(_) => Error::new(Kind::Lost, format!("rank {rank} of {} ended with an error", self.size())),
        }
    }

    /// A page as bytes that [`Group::page_from_first`] reads.
    #[must_use]
    pub fn sent(error: &Error) -> Vec<u8> {
        serde_json::to_vec(&SentPage::of(error)).unwrap_or_default()
    }

    /// The page that rank 0 sent as these bytes.
    #[must_use]
    pub fn page_from_first(&self, bytes: &[u8]) -> Error {
        self.received(0, bytes)
    }

    /// Leaves word of what ends this rank, for the others' pages.
    pub fn leave_word(&self, error: &Error) {
        let _ = self.store.set(&lost::word(&self.token, self.rank()), error.message().as_bytes()); // nobody may be left
    }

    fn call(&self, work: impl FnOnce(&Collectives) -> Outcome<()>) -> Result<()> {
        let mut collectives = self.collectives.borrow_mut();
        let Some(open) = &*collectives else {
            return Err(Error::new(Kind::Lost, "the other processes of this run are out of reach"));
        };
        let begun = Instant::now();
        let done = work(open);
        self.spent.set(self.spent.get() + begun.elapsed());
        done.map_err(|cause| {
            // Closed first: whoever waits for this rank learns of it at once.
            *collectives = None;
            lost::page(&self.store, &self.token, (self.rank(), self.size()), self.place.is_served, &cause)
        })
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({})", self.place.describe())
    }
}
