//! What is said of variables that validation and tests read and training does not teach: each tower has its own.

use crate::{
    error::Origin,
    frontend::tensorflow::{Graph, Tower},
};

/// Lines that a sentence names.
const LINES: usize = 4;

/// Sentences about trainable variables from number `first` on, which `tower` made for itself.
pub(super) fn sentences(graph: &Graph, tower: &Tower, first: usize) -> Vec<String> {
    let untaught = graph.untaught(tower, first);
    let of = |is_shared: bool| -> Vec<_> { untaught.iter().filter(|(.., shared)| *shared == is_shared).collect() };
    let (plain, shared) = (of(false), of(true));
    let mut found = Vec::new();
    if !plain.is_empty() {
        found.push(format!(
            "{}: a tf.Variable is not shared between training and validation: what is trained is not what is validated, and a \
             test or export has no trained value for it; make it with tf.get_variable",
            lines(plain.iter().map(|(_, origin, _)| origin))
        ));
    }
    if let Some((name, ..)) = shared.first() {
        found.push(format!(
            "{}: the variable {name} is made by validation alone (tf.AUTO_REUSE), and nothing trains it; make the same layers \
             whatever self.is_training says",
            lines(shared.iter().map(|(_, origin, _)| origin))
        ));
    }
    found
}

/// `net.py:5, net.py:9`, each once.
fn lines<'a>(origins: impl Iterator<Item = &'a Option<Origin>>) -> String {
    let mut all: Vec<String> = Vec::new();
    for origin in origins.flatten().map(Origin::to_string) {
        if !all.contains(&origin) {
            all.push(origin);
        }
    }
    if all.len() > LINES {
        let more = all.len() - LINES;
        all.truncate(LINES);
        all.push(format!("{more} more"));
    }
    all.join(", ")
}
