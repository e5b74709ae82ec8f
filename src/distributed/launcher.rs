//! `Place`: which of how many processes this one is, as torchrun, Slurm, OpenMPI or MPICH say it in environment variables.

use std::fmt;

use serde::Serialize;

use super::pmi;
use crate::error::{Error, Kind, Result};

/// Who started the processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Launcher {
    /// `digits-rs run --processes N`.
    Digits,
    /// PyTorch's torchrun.
    Torchrun,
    /// Somebody who set torchrun's variables.
    Hand,
    /// `srun`.
    Slurm,
    /// `mpirun` of OpenMPI.
    OpenMpi,
    /// `mpiexec` of MPICH or Intel MPI (Hydra).
    Mpich,
}

impl fmt::Display for Launcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Launcher::Digits => "--processes",
            Launcher::Torchrun => "torchrun",
            Launcher::Hand => "hand",
            Launcher::Slurm => "Slurm",
            Launcher::OpenMpi => "OpenMPI",
            Launcher::Mpich => "MPICH",
        })
    }
}

/// One process among those of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Place {
    /// Who started it.
    pub launcher: Launcher,
    /// Its number, from 0.
    pub rank: usize,
    /// How many there are.
    pub size: usize,
    /// Its number among those of its machine, from 0.
    pub local_rank: usize,
    /// How many its machine has, where that is known.
    pub local_size: Option<usize>,
    /// Name or address of the machine that serves the store.
    pub host: String,
    /// The store's TCP port.
    pub port: u16,
    /// Whether the launcher serves the store; else rank 0 does.
    pub is_served: bool,
}

/// What `launch` sets beside torchrun's variables, so that the first line names it.
pub(super) const BY_DIGITS: &str = "DIGITS_PROCESSES";

/// More processes than this are no run but a mistake.
const MOST: usize = 16_384;

/// torchrun's own port where nobody names one.
const PORT: u16 = 29_500;

/// The variables of a launcher.
struct Variables<'a> {
    launcher: Launcher,
    get: &'a dyn Fn(&str) -> Option<String>,
}

impl Variables<'_> {
    fn text(&self, name: &str) -> Option<String> {
        (self.get)(name).filter(|value| !value.is_empty())
    }

    /// A whole number; none when it is not set.
    fn number(&self, name: &str) -> Result<Option<usize>> {
        let Some(text) = self.text(name) else { return Ok(None) };
        text.trim().parse().map(Some).map_err(|_| {
            Error::new(Kind::Usage, format!("{name} is '{text}', not a whole number"))
                .with_fact("it is read as", format!("a variable of {}", self.launcher))
                .with_help(format!("unset {name}, or set it as {} does", self.launcher))
        })
    }

    /// Whether there is one process: many environments say so, whole or by half.
    fn is_alone(&self, size: &str) -> bool {
        self.text(size).is_some_and(|size| size.trim() == "1")
    }

    /// Refuses an environment that has some of these variables and lacks others.
    fn need(&self, names: &[&str]) -> Result<()> {
        let (set, rest): (Vec<&str>, Vec<&str>) = names.iter().partition(|name| self.text(name).is_some());
        if rest.is_empty() {
            return Ok(());
        }
        let (empty, missing): (Vec<&str>, Vec<&str>) = rest.iter().partition(|name| (self.get)(name).is_some());
        let page = Error::new(Kind::Usage, format!("the variables of {} are set by half", self.launcher));
        let facts = [("set", set), ("empty", empty), ("missing", missing)];
        let facts = facts.into_iter().filter(|(_, names)| !names.is_empty());
        Err(facts.fold(page, |page, (label, names)| page.with_fact(label, names.join(", "))).with_help(format!(
            "start the processes with the launcher, which sets all of them;\nfor a run of one process unset them: {}",
            unset(names)
        )))
    }

    /// The place that these numbers come to.
    fn place(
        &self,
        [rank, size, local]: [&str; 3],
        local_size: &str,
        at: (String, u16),
        is_served: bool,
    ) -> Result<Place> {
        let number = |name: &str| Ok::<_, Error>(self.number(name)?.unwrap_or(0));
        let (rank_name, size_name) = (rank, size);
        let (rank, size, local_rank) = (number(rank)?, number(size)?, number(local)?);
        if rank >= size {
            return Err(Error::new(Kind::Usage, format!("{rank_name} is {rank} and {size_name} is {size}"))
                .with_fact("it must be", "ranks count from 0 and are smaller than the number of processes")
                .with_help(format!(
                    "unset the variables for a run of one process: {}",
                    unset(&[rank_name, size_name])
                )));
        }
        if size > MOST {
            return Err(Error::new(Kind::Usage, format!("{size_name} is {size}"))
                .with_fact("it must be", format!("at most {MOST}: every process is connected to every other one"))
                .with_help(format!(
                    "unset the variables for a run of one process: {}",
                    unset(&[rank_name, size_name])
                )));
        }
        let (host, port) = at;
        let local_size = self.number(local_size)?.filter(|local| *local > local_rank);
        Ok(Place { launcher: self.launcher, rank, size, local_rank, local_size, host, port, is_served })
    }

    /// Host and port of rank 0's store: MASTER_ADDR and MASTER_PORT, or what the launcher gives away.
    fn rendezvous(&self, host: Option<String>, job: Option<String>) -> Result<(String, u16)> {
        let Some(host) = self.text("MASTER_ADDR").map(|host| host.trim().to_string()).or(host) else {
            return Err(Error::new(Kind::Usage, format!("{} does not say where rank 0 runs", self.launcher))
                .with_fact("missing", "MASTER_ADDR")
                .with_help(
                    "set MASTER_ADDR to the name or address of rank 0's machine, and MASTER_PORT to a free port of it",
                ));
        };
        if !host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:%".contains(&byte)) {
            return Err(Error::new(Kind::Usage, format!("MASTER_ADDR is '{host}'"))
                .with_fact("it must be", "the name or the address of rank 0's machine"));
        }
        let port = match self.number("MASTER_PORT")? {
            Some(port) => u16::try_from(port).ok().filter(|&port| port > 0).ok_or_else(|| {
                Error::new(Kind::Usage, format!("MASTER_PORT is {port}")).with_fact("it must be", "1 to 65535")
            })?,
            // Two jobs of one machine get two ports.
            None => job.map_or(PORT, |job| {
                20_000 + (job.bytes().fold(0u64, |sum, byte| (sum * 31 + u64::from(byte)) % 9_000)) as u16
            }),
        };
        Ok((host, port))
    }
}

fn unset(names: &[&str]) -> String {
    format!("unset {}", names.join(" "))
}

impl Place {
    /// That of this process; none when nobody started several.
    ///
    /// # Errors
    /// `Kind::Usage` when the variables are set by half or hold no numbers.
    pub fn of_environment() -> Result<Option<Place>> {
        // What is no text is no number either: its page says so.
        Place::of(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()), &pmi::job_name)
    }

    /// `get` is the value of a variable, `mpich_job` the job's name behind MPICH's connection of this number. A variable that is
    /// there and empty is one that a script meant to set.
    fn of(get: &dyn Fn(&str) -> Option<String>, mpich_job: &dyn Fn(&str) -> Option<String>) -> Result<Option<Place>> {
        let has = |name: &str| get(name).is_some();
        let of = |launcher: Launcher| Variables { launcher, get };
        // torchrun may run below Slurm, an mpirun too: the innermost launcher is asked first.
        if has("RANK") || has("WORLD_SIZE") || has("LOCAL_RANK") {
            let launcher = match (has(BY_DIGITS), has("TORCHELASTIC_RUN_ID")) {
                (true, _) => Launcher::Digits,
                (false, true) => Launcher::Torchrun,
                (false, false) => Launcher::Hand,
            };
            // Whoever sets them by hand sets torchrun's.
            let variables = of(if launcher == Launcher::Hand { Launcher::Torchrun } else { launcher });
            if variables.is_alone("WORLD_SIZE") {
                return Ok(None);
            }
            variables.need(&["RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT"])?;
            let at = variables.rendezvous(None, None)?;
            let is_served = get("TORCHELASTIC_USE_AGENT_STORE").is_some_and(|value| value.eq_ignore_ascii_case("true"));
            let place = variables.place(["RANK", "WORLD_SIZE", "LOCAL_RANK"], "LOCAL_WORLD_SIZE", at, is_served)?;
            return Ok(Some(Place { launcher, ..place }));
        }
        if has("OMPI_COMM_WORLD_RANK") || has("OMPI_COMM_WORLD_SIZE") {
            let variables = of(Launcher::OpenMpi);
            let names = ["OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"];
            if variables.is_alone(names[1]) {
                return Ok(None);
            }
            variables.need(&names)?;
            let local = "OMPI_COMM_WORLD_LOCAL_SIZE";
            let is_one = variables.number(local)? == variables.number(names[1])?;
            let job = variables.text("PMIX_NAMESPACE").or_else(|| variables.text("OMPI_MCA_ess_base_jobid"));
            let at = variables.rendezvous(is_one.then(|| "127.0.0.1".into()), job)?;
            return variables.place(names, local, at, false).map(Some);
        }
        if has("MPI_LOCALRANKID") || (has("PMI_RANK") && !has("SLURM_STEP_ID")) {
            let variables = of(Launcher::Mpich);
            let names = ["PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"];
            if variables.is_alone(names[1]) {
                return Ok(None);
            }
            variables.need(&names)?;
            let local = "MPI_LOCALNRANKS";
            let is_one = variables.number(local)? == variables.number(names[1])?;
            let job = variables.text("PMI_FD").filter(|_| variables.text("MASTER_PORT").is_none());
            let job = job.and_then(|number| mpich_job(&number));
            let at = variables.rendezvous(is_one.then(|| "127.0.0.1".into()), job)?;
            return variables.place(names, local, at, false).map(Some);
        }
        // Of a batch script, which is no step of srun's, these variables speak too: there one process is meant.
        if has("SLURM_STEP_ID") && has("SLURM_PROCID") {
            let variables = of(Launcher::Slurm);
            let names = ["SLURM_PROCID", "SLURM_STEP_NUM_TASKS", "SLURM_LOCALID"];
            if variables.is_alone(names[1]) {
                return Ok(None);
            }
            variables.need(&names)?;
            let is_one = variables.number("SLURM_STEP_NUM_NODES")? == Some(1);
            let first = variables.text("SLURM_STEP_NODELIST").map(|list| first_host(&list));
            let host = if is_one { Some("127.0.0.1".into()) } else { first };
            let job = variables.text("SLURM_JOB_ID").map(|job| job + "." + &get("SLURM_STEP_ID").unwrap_or_default());
            let at = variables.rendezvous(host, job)?;
            let local = variables.text("SLURM_STEP_TASKS_PER_NODE").and_then(|list| first_count(&list));
            let place = variables.place(names, "", at, false)?;
            return Ok(Some(Place { local_size: local.filter(|_| is_one), ..place }));
        }
        Ok(None)
    }

    /// In words, for the first line of a run: `rank 0 of 4, started by torchrun, meeting at 10.0.0.1:29500`.
    #[must_use]
    pub fn describe(&self) -> String {
        let Place { rank, size, launcher, host, port, .. } = self;
        format!("rank {rank} of {size}, started by {launcher}, meeting at {host}:{port}")
    }
}

/// `node[03-07,11],other` → `node03`.
fn first_host(list: &str) -> String {
    let Some((prefix, rest)) = list.split_once('[').filter(|(prefix, _)| !prefix.contains(',')) else {
        return list.split(',').next().unwrap_or(list).to_string();
    };
    let (inside, after) = rest.split_once(']').unwrap_or((rest, ""));
    let number = inside.split([',', '-']).next().unwrap_or("");
    format!("{prefix}{number}{}", after.split(',').next().unwrap_or(""))
}

/// `4(x2),3` → 4.
fn first_count(list: &str) -> Option<usize> {
    list.split(['(', ',']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Option<Place>> {
        let found =
            |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_string());
        Place::of(&found, &|number| Some(format!("kvs_{number}_0_1_vm")))
    }

    const TORCHRUN: [(&str, &str); 8] = [
        ("RANK", "3"),
        ("WORLD_SIZE", "4"),
        ("LOCAL_RANK", "1"),
        ("LOCAL_WORLD_SIZE", "2"),
        ("MASTER_ADDR", "10.0.0.1"),
        ("MASTER_PORT", "29501"),
        ("TORCHELASTIC_USE_AGENT_STORE", "True"),
        ("TORCHELASTIC_RUN_ID", "none"),
    ];

    #[test]
    fn each_launcher_is_recognised() {
        assert_eq!(place(&[]).unwrap(), None);
        let torchrun = place(&TORCHRUN).unwrap().unwrap();
        assert_eq!((torchrun.launcher, torchrun.rank, torchrun.size), (Launcher::Torchrun, 3, 4));
        assert_eq!((torchrun.local_rank, torchrun.local_size, torchrun.is_served), (1, Some(2), true));
        assert_eq!(torchrun.describe(), "rank 3 of 4, started by torchrun, meeting at 10.0.0.1:29501");

        let by_hand = place(&TORCHRUN[..6]).unwrap().unwrap();
        assert_eq!((by_hand.launcher, by_hand.is_served), (Launcher::Hand, false));
        assert_eq!(by_hand.describe(), "rank 3 of 4, started by hand, meeting at 10.0.0.1:29501");

        let slurm = [
            ("SLURM_STEP_ID", "0"),
            ("SLURM_PROCID", "5"),
            ("SLURM_STEP_NUM_TASKS", "8"),
            ("SLURM_LOCALID", "1"),
            ("SLURM_STEP_NUM_NODES", "2"),
            ("SLURM_STEP_NODELIST", "gpu[07-08]"),
            ("SLURM_JOB_ID", "4711"),
        ];
        let found = place(&slurm).unwrap().unwrap();
        assert_eq!((found.launcher, found.rank, found.size, found.local_rank), (Launcher::Slurm, 5, 8, 1));
        assert_eq!((found.host.as_str(), found.is_served), ("gpu07", false));
        assert!((20_000..29_000).contains(&found.port));
        // A batch script has a rank too, and is one process.
        assert_eq!(place(&slurm[1..]).unwrap(), None);
        // torchrun below Slurm.
        assert_eq!(place(&[&slurm[..], &TORCHRUN[..]].concat()).unwrap().unwrap().launcher, Launcher::Torchrun);

        let mpich = [("PMI_RANK", "0"), ("PMI_SIZE", "2"), ("MPI_LOCALRANKID", "0"), ("MPI_LOCALNRANKS", "2")];
        let found = place(&mpich).unwrap().unwrap();
        assert_eq!((found.launcher, found.host.as_str(), found.port), (Launcher::Mpich, "127.0.0.1", PORT));
        // Two jobs of one machine have two ports, the processes of one the same.
        let port = |job| place(&[&mpich[..], &[("PMI_FD", job)]].concat()).unwrap().unwrap().port;
        assert!(port("2246") == port("2246") && port("2246") != port("2247") && port("2246") != PORT);
        let open = [
            ("OMPI_COMM_WORLD_RANK", "1"),
            ("OMPI_COMM_WORLD_SIZE", "4"),
            ("OMPI_COMM_WORLD_LOCAL_RANK", "1"),
            ("OMPI_COMM_WORLD_LOCAL_SIZE", "2"),
        ];
        assert_eq!(place(&open).unwrap_err().message(), "OpenMPI does not say where rank 0 runs");
        let there = [&open[..], &[("MASTER_ADDR", "a")]].concat();
        assert_eq!(place(&there).unwrap().unwrap().launcher, Launcher::OpenMpi);
    }

    #[test]
    fn what_is_set_by_half_or_is_no_number_is_a_page() {
        let page = place(&TORCHRUN[..2]).unwrap_err();
        assert_eq!(page.message(), "the variables of torchrun are set by half");
        assert!(page.to_string().contains("missing         LOCAL_RANK, MASTER_ADDR, MASTER_PORT"), "{page}");
        let page = place(&[("RANK", ""), ("WORLD_SIZE", ""), ("LOCAL_RANK", "0")]).unwrap_err().to_string();
        assert!(page.contains("set             LOCAL_RANK\n  empty           RANK, WORLD_SIZE\n"), "{page}");
        for alone in ["RANK", "WORLD_SIZE", "LOCAL_RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "MPI_LOCALRANKID"] {
            assert!(place(&[(alone, "")]).unwrap_err().message().ends_with("are set by half"), "{alone}");
        }
        let mut wrong = TORCHRUN;
        wrong[0].1 = "three";
        assert!(place(&wrong).unwrap_err().message().contains("RANK is 'three'"));
        wrong[0].1 = "4";
        assert_eq!(place(&wrong).unwrap_err().message(), "RANK is 4 and WORLD_SIZE is 4");
        for port in ["0", "65536"] {
            (wrong[0].1, wrong[5].1) = ("3", port);
            assert_eq!(place(&wrong).unwrap_err().message(), format!("MASTER_PORT is {port}"));
        }
        wrong[4].1 = "a b";
        assert_eq!(place(&wrong).unwrap_err().message(), "MASTER_ADDR is 'a b'");
        (wrong[1].1, wrong[4].1, wrong[5].1) = ("1000000000", "::1", "29500");
        assert_eq!(place(&wrong).unwrap_err().message(), "WORLD_SIZE is 1000000000");
        assert_eq!(place(&[("RANK", "0"), ("WORLD_SIZE", "1")]).unwrap(), None);
    }

    #[test]
    fn the_first_of_slurm_s_hosts() {
        for (list, first) in
            [("a,b", "a"), ("n[1-3]", "n1"), ("n[007,9]-ib,m", "n007-ib"), ("one", "one"), ("a,n[1-2]", "a")]
        {
            assert_eq!(first_host(list), first, "{list}");
        }
        assert_eq!((first_count("4(x2),3"), first_count("2"), first_count("")), (Some(4), Some(2), None));
    }
}
