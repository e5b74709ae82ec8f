//! Who is missing when a collective fails: the ranks that are left note in the store that they are there.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use super::{
    c10d::Store,
    rank_list::{NAMED, rank_list},
};
use crate::error::{Error, Kind};

/// How long the others have to note that they are there.
const PATIENCE: Duration = Duration::from_secs(4);
/// A store that answers nothing within this more is out of reach itself.
const STORE: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_millis(50);

/// The key under which a rank leaves word of what ended it.
pub(super) fn word(token: &str, rank: usize) -> String {
    format!("digits/{token}/word/{rank}")
}

/// What the roll call found.
struct Found {
    missing: Vec<usize>,
    words: Vec<(usize, String)>,
}

/// The page for a collective that failed with `cause`.
pub(super) fn page(
    store: &Arc<Store>,
    token: &str,
    (rank, size): (usize, usize),
    is_served: bool,
    cause: &str,
) -> Error {
    // On a thread of its own: a store whose process was stopped never answers.
    let (send, receive) = mpsc::channel();
    let (store, token) = (Arc::clone(store), token.to_string());
    let asked = thread::Builder::new().name("roll call".into()).spawn(move || {
        let _ = send.send(roll_call(&store, &token, rank, size)); // nobody waits any more
    });
    let found = asked.ok().and_then(|_| receive.recv_timeout(PATIENCE + STORE).ok()).and_then(Result::ok);
    let (missing, words) = match found {
        Some(Found { missing, words }) => (missing, words),
        // Rank 0 serves the store where the launcher does not.
        None if !is_served && rank != 0 => (vec![0], Vec::new()),
        None => (Vec::new(), Vec::new()),
    };
    let message = match missing.as_slice() {
        [] => format!("a rank of {size} is lost"),
        [_] => format!("{} of {size} is lost", rank_list(&missing)),
        _ => format!("{} of {size} are lost", rank_list(&missing)),
    };
    let error = Error::new(Kind::Lost, message).with_fact("noticed by", format!("rank {rank}"));
    let more = words.len().saturating_sub(NAMED);
    let words = words.into_iter().take(NAMED);
    let error = words.fold(error, |error, (rank, word)| error.with_fact(format!("rank {rank} ended with"), word));
    let error = if more > 0 { error.with_fact("others ended", format!("{more} more")) } else { error };
    error
        .with_cause(short(cause))
        .with_help("give the same command again, with the same --job: the run goes on from its last snapshot")
}

/// Notes that this rank is there, and waits for the notes of the others.
fn roll_call(store: &Store, token: &str, rank: usize, size: usize) -> Result<Found, String> {
    let key = |rank: usize| format!("digits/{token}/present/{rank}");
    store.set(&key(rank), b"here")?;
    let begun = Instant::now();
    let mut missing: Vec<usize> = (0..size).filter(|&other| other != rank).collect();
    while !missing.is_empty() && begun.elapsed() < PATIENCE {
        let mut still = Vec::new();
        for other in missing {
            if store.get(&key(other))?.is_none() {
                still.push(other);
            }
        }
        missing = still;
        thread::sleep(PAUSE);
    }
    let mut words = Vec::new();
    for other in (0..size).filter(|&other| other != rank) {
        if let Some(word_left) = store.get(&word(token, other))? {
            words.push((other, String::from_utf8_lossy(&word_left).into_owned()));
        }
    }
    Ok(Found { missing, words })
}

/// gloo's words without the place in its sources.
fn short(cause: &str) -> String {
    let words = cause.rsplit_once(".cc:").and_then(|(_, rest)| rest.split_once("] ")).map_or(cause, |(_, rest)| rest);
    words.trim_end_matches('.').to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gloo_s_words_are_kept_and_its_places_are_not() {
        let words = "[../third_party/gloo/gloo/transport/tcp/pair.cc:547] Connection closed by peer [127.0.0.1]:17507";
        assert_eq!(short(words), "Connection closed by peer [127.0.0.1]:17507");
        assert_eq!(short("Timed out waiting 300ms for recv"), "Timed out waiting 300ms for recv");
    }
}
