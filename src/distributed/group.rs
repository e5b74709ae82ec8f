//! `Group`: what the processes of a run do together. Each call is made by every rank, in the same order.

use std::{
    cell::{Cell, RefCell},
    sync::Arc,
    time::{Duration, Instant},
};

use super::{
    c10d::{Collectives, Outcome, Store},
    devices::{Own, Verdict, verdict},
    launcher::Place,
    lost,
    timeouts::Timeouts,
};
use crate::{
    error::{Error, Kind, Result},
    torch::device::Resolved,
};

/// The processes of a run, connected to each other.
pub struct Group {
    place: Place,
    /// In front of this group's keys in the store.
    token: String,
    store: Arc<Store>,
    /// None once a rank was lost: what is broken stays broken.
    connected: RefCell<Option<Connected>>,
    /// How tensors on devices are summed, in words, where there are devices.
    way: Option<String>,
    spent: Cell<Duration>,
}

/// What joins this rank to the others.
struct Connected {
    processors: Collectives,
    /// Where every rank has a GPU of its own.
    devices: Option<Collectives>,
}

impl Group {
    pub(super) fn new(place: Place, token: String, store: Arc<Store>, collectives: Collectives) -> Group {
        let connected = Connected { processors: collectives, devices: None };
        let connected = RefCell::new(Some(connected));
        Group { place, token, store, connected, way: None, spent: Cell::default() }
    }

    /// Agrees with the other ranks on how tensors on devices are summed, and connects the devices; `own` is this rank's. To be
    /// called before the process gives up the network.
    ///
    /// # Errors
    /// That of whichever rank has no device, for all of them; as [`Group::sum`].
    pub fn connect_devices(&mut self, own: Result<Resolved>, timeouts: Timeouts) -> Result<()> {
        let own = Own::of(self.together(own)?.device());
        let offers = self.gather(&serde_json::to_vec(&own.offer).unwrap_or_default())?;
        let offers = offers.iter().map(|bytes| serde_json::from_slice(bytes)).collect::<Result<Vec<_>, _>>();
        let offers = offers.map_err(|cause| {
            Error::new(Kind::Lost, "a rank could not say what device it has").with_cause(cause.to_string())
        })?;
        let why = match verdict(&offers) {
            Verdict::Processors => return Ok(()),
            Verdict::Through(why) => why,
            Verdict::Devices => {
                let prefix = format!("digits/{}/nccl", self.token);
                let opened = own.open(&self.store, &prefix, (self.rank(), self.size()), timeouts);
                let refusals = self.gather(opened.as_ref().err().map_or(&b""[..], |why| why.as_bytes()))?;
                match refusals.iter().enumerate().find(|(_, why)| !why.is_empty()) {
                    Some((rank, why)) => format!("rank {rank}: {}", String::from_utf8_lossy(why)),
                    None => {
                        if let Some(connected) = self.connected.get_mut() {
                            connected.devices = opened.ok();
                        }
                        self.way = Some("sums go from GPU to GPU (NCCL)".into());
                        return Ok(());
                    }
                }
            }
        };
        self.way = Some(format!("sums go by way of the processors' memory (gloo): {why}"));
        Ok(())
    }

    /// How tensors on devices are summed, in words; nothing where all ranks compute on processors.
    #[must_use]
    pub fn way(&self) -> Option<&str> {
        self.way.as_deref()
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
    /// numbers give the same bits again.
    ///
    /// # Errors
    /// `Kind::Lost` when a rank does not take part; the page names it.
    pub fn sum(&self, tensor: &tch::Tensor) -> Result<()> {
        let has_devices = self.connected.borrow().as_ref().is_some_and(|connected| connected.devices.is_some());
        let on_devices = has_devices && tensor.device() != tch::Device::Cpu;
        let own = tensor.f_to_device(if on_devices { tensor.device() } else { tch::Device::Cpu })?.f_contiguous()?;
        if on_devices {
            // Whoever is lost is missed here at once: devices would wait for the whole timeout.
            let here = tch::Tensor::from_slice(&[1f32]);
            self.call(|connected| connected.processors.sum(&here))?;
        }
        self.call(|connected| {
            connected.devices.as_ref().filter(|_| on_devices).unwrap_or(&connected.processors).sum(&own)
        })?;
        if own.data_ptr() != tensor.data_ptr() {
            tensor.shallow_clone().f_copy_(&own)?;
        }
        Ok(())
    }

    /// Rank 0: hands bytes to the others, which [`receive`](Group::receive) them.
    ///
    /// # Errors
    /// As [`Group::sum`].
    pub fn broadcast(&self, bytes: &[u8]) -> Result<()> {
        let length = tch::Tensor::from_slice(&[bytes.len() as i64]);
        self.call(|connected| connected.processors.broadcast(&length, 0))?;
        if bytes.is_empty() {
            return Ok(());
        }
        let tensor = tch::Tensor::f_from_slice(bytes)?;
        self.call(|connected| connected.processors.broadcast(&tensor, 0))
    }

    /// The others: what rank 0 hands out.
    ///
    /// # Errors
    /// As [`Group::sum`].
    pub fn receive(&self) -> Result<Vec<u8>> {
        let length = tch::Tensor::from_slice(&[0i64]);
        self.call(|connected| connected.processors.broadcast(&length, 0))?;
        let length = length.f_int64_value(&[0])?;
        if length == 0 {
            return Ok(Vec::new());
        }
        let tensor = tch::Tensor::f_zeros([length], (tch::Kind::Uint8, tch::Device::Cpu))?;
        self.call(|connected| connected.processors.broadcast(&tensor, 0))?;
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
            Err(error) => serde_json::to_vec(error).unwrap_or_else(|_| vec![b'?']),
        };
        let pages = self.gather(&sent)?;
        let value = result.map_err(|page| self.of_rank(self.rank(), page))?;
        match pages.iter().enumerate().find(|(_, page)| !page.is_empty()) {
            None => Ok(value),
            Some((rank, page)) => Err(match serde_json::from_slice(page) {
                Ok(page) => self.of_rank(rank, page),
                Err(_) => Error::new(Kind::Lost, format!("rank {rank} of {} ended with an error", self.size())),
            }),
        }
    }

    /// A page that came from this rank, with a line that says so.
    #[must_use]
    pub fn of_rank(&self, rank: usize, page: Error) -> Error {
        page.with_fact("on", format!("rank {rank} of {}", self.size()))
    }

    /// Leaves word of what ends this rank, for the others' pages.
    pub fn leave_word(&self, error: &Error) {
        let _ = self.store.set(&lost::word(&self.token, self.rank()), error.message().as_bytes()); // nobody may be left
    }

    fn call(&self, work: impl FnOnce(&Connected) -> Outcome<()>) -> Result<()> {
        let mut connected = self.connected.borrow_mut();
        let Some(open) = &*connected else {
            return Err(Error::new(Kind::Lost, "the other processes of this run are out of reach"));
        };
        let begun = Instant::now();
        let done = work(open);
        self.spent.set(self.spent.get() + begun.elapsed());
        done.map_err(|cause| {
            // Closed first: whoever waits for this rank learns of it at once.
            *connected = None;
            lost::page(&self.store, &self.token, (self.rank(), self.size()), self.place.is_served, &cause)
        })
    }
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({})", self.place.describe())
    }
}
