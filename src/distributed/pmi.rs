//! `job_name`: what MPICH's process manager (Hydra) calls the job that this process belongs to: it stands in no variable, and is
//! asked for in the manager's own words (PMI, version 1) over the connection that every process gets.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    os::{
        fd::{FromRawFd as _, OwnedFd, RawFd},
        unix::net::UnixStream,
    },
    sync::OnceLock,
    time::Duration,
};

/// The manager is on this machine.
const PATIENCE: Duration = Duration::from_secs(5);

/// The same name in every process of the job, and another in every job: `kvs_2246_0_1349858358_vm`. `number` is that of the
/// connection, as `PMI_FD` says it; nothing where it does not answer.
pub(super) fn job_name(number: &str) -> Option<String> {
    // A process may introduce itself once.
    static NAME: OnceLock<Option<String>> = OnceLock::new();
    NAME.get_or_init(|| asked(connection(number.trim().parse().ok()?)?)).clone()
}

fn connection(number: RawFd) -> Option<UnixStream> {
    #[expect(unsafe_code, reason = "the number comes from the environment")]
    // SAFETY: F_DUPFD_CLOEXEC takes numbers, and refuses one that is not open; what it gives is nobody else's.
    let own = unsafe {
        let own = libc::fcntl(number, libc::F_DUPFD_CLOEXEC, 3);
        if own < 0 {
            return None;
        }
        OwnedFd::from_raw_fd(own)
    };
    let connection = UnixStream::from(own);
    // What is no connection has no time limit either.
    connection.set_read_timeout(Some(PATIENCE)).ok()?;
    Some(connection)
}

/// Introduces this process, asks, and takes leave: a process that does not is taken for one that failed.
fn asked(mut connection: UnixStream) -> Option<String> {
    let mut answers = BufReader::new(connection.try_clone().ok()?);
    let mut ask = |question: &str| -> Option<String> {
        connection.write_all(question.as_bytes()).ok()?;
        let mut answer = String::new();
        answers.read_line(&mut answer).ok()?;
        Some(answer)
    };
    ask("cmd=init pmi_version=1 pmi_subversion=1\n").filter(|answer| answer.contains("rc=0"))?;
    let answer = ask("cmd=get_my_kvsname\n");
    ask("cmd=finalize\n")?;
    let answer = answer?;
    let name = answer.split_ascii_whitespace().find_map(|word| word.strip_prefix("kvsname="))?;
    Some(name.to_string())
}

#[cfg(test)]
mod tests {
    use std::{os::fd::AsRawFd as _, thread};

    use super::*;

    /// A manager that gives these answers; what it was asked.
    fn manager(answers: &'static [&'static str]) -> (UnixStream, thread::JoinHandle<Vec<String>>) {
        let (own, other) = UnixStream::pair().unwrap();
        let asked = thread::spawn(move || {
            let mut lines = BufReader::new(own.try_clone().unwrap()).lines();
            let mut asked = Vec::new();
            for answer in answers {
                asked.extend(lines.next().and_then(Result::ok));
                (&own).write_all(answer.as_bytes()).unwrap();
            }
            asked
        });
        (other, asked)
    }

    #[test]
    fn the_manager_is_asked_and_left() {
        let (other, asked) = manager(&[
            "cmd=response_to_init pmi_version=1 pmi_subversion=1 rc=0\n",
            "cmd=my_kvsname kvsname=kvs_1_0_2_vm\n",
            "cmd=finalize_ack\n",
        ]);
        assert_eq!(super::asked(connection(other.as_raw_fd()).unwrap()).as_deref(), Some("kvs_1_0_2_vm"));
        assert_eq!(asked.join().unwrap().last().map(String::as_str), Some("cmd=finalize"));
        let (other, _) = manager(&["cmd=response_to_init rc=-1\n"]);
        assert_eq!(super::asked(connection(other.as_raw_fd()).unwrap()), None);
        assert!(connection(-1).is_none());
        assert!(connection(std::fs::File::open("/dev/null").unwrap().as_raw_fd()).is_none());
    }
}
