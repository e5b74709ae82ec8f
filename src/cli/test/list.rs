//! `digits-rs test JOB --list FILE`: many image files, named in a text file; DIGITS' "Classify Many" and "Top N".

use std::{
    fmt::Write,
    path::{Path, PathBuf},
};

use super::{
    Opened, Test,
    database::{pixels, told, write},
    name_of,
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
    inspect::{
        classify::Classifier,
        predictions::{Scores, likeliest},
    },
    job,
    nn::{Activity, Context, Mode},
};

/// Images that go through the network at once.
const BATCH: usize = 32;

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    path: PathBuf,
    /// From 0.
    class: Option<usize>,
}

impl Test {
    pub(super) fn list(&self, job: &impl Opened, list: &Path, mut progress: impl FnMut(u64, u64)) -> Result<String> {
        let text = input::read_text(list, Form::List)?;
        let entries = entries(&text, list.parent().unwrap_or(Path::new("")), job.labels());
        if entries.is_empty() {
            return Err(Error::new(Kind::Data, format!("{} names no image", list.display()))
                .with_help("write a path a line, perhaps followed by its class: images/7.png 7"));
        }
        let classes = job.labels().len();
        let scores = Scores::of(job.network()).filter(|_| classes > 0);
        let has_classes = entries.iter().any(|entry| entry.class.is_some());
        let mut classifier =
            scores.filter(|_| has_classes).map(|s| Classifier::new(s, job.labels(), classes, self.worst as usize));
        let (mut lines, mut csv, mut raw, mut failures) = (String::new(), String::new(), String::new(), Vec::new());
        let mut tested: Vec<&Entry> = Vec::new();
        for (chunk, begun) in entries.chunks(BATCH).zip((0u64..).step_by(BATCH)) {
            let mut inputs = Vec::new();
            let mut these = Vec::new();
            for entry in chunk {
                match job.image(&entry.path) {
                    Ok((_, input)) => {
                        inputs.push(input);
                        these.push(entry);
                    }
                    Err(page) => failures.push((entry, page)),
                }
            }
            if !inputs.is_empty() {
                let outputs = forward(job, &inputs)?;
                let rows = outputs.size().first().copied().unwrap_or(0);
                if let Some(classifier) = &mut classifier {
                    let wanted: Vec<i64> = these.iter().map(|e| e.class.map_or(0, |class| class as i64 + 1)).collect();
                    classifier.count(&outputs.shallow_clone().into(), &wanted)?;
                }
                for (row, entry) in (0..rows).zip(&these) {
                    let output = Vec::<f32>::try_from(outputs.f_select(0, row)?.f_reshape([-1])?)?;
                    let path = entry.path.display();
                    match scores {
                        Some(scores) => {
                            let best = likeliest(&output, scores, job.labels(), self.top as usize);
                            let _ = write!(lines, "{path} ");
                            for (place, p) in best.iter().enumerate() {
                                let _ = write!(lines, " {} {:.2} % ", p.label, p.probability * 100.0);
                                let _ = writeln!(
                                    csv,
                                    "\"{path}\",{},{},\"{}\",{:.6}",
                                    place + 1,
                                    p.class,
                                    p.label,
                                    p.probability
                                );
                            }
                            lines.truncate(lines.trim_end().len());
                            lines.push('\n');
                        }
                        None => {
                            let line = serde_json::json!({"image": entry.path, "output": output});
                            let _ = writeln!(raw, "{line}");
                        }
                    }
                }
            }
            tested.extend(these);
            progress(begun + chunk.len() as u64, entries.len() as u64);
        }
        for (entry, page) in &failures {
            let _ = writeln!(lines, "{}  not tested: {}", entry.path.display(), page.message());
        }
        if tested.is_empty() {
            let first = failures.into_iter().next().map(|(_, page)| page);
            let page = Error::new(Kind::Data, format!("no image of {} can be read", list.display()));
            return Err(first.map_or(page.clone(), |first| page.with_cause(first.message())));
        }
        let dir = self.folder(list);
        std::fs::create_dir_all(&dir).map_err(|source| Error::io("make the folder", &dir, &source))?;
        let table = dir.join(if scores.is_some() { "predictions.csv" } else { "outputs.jsonl" });
        let content = if scores.is_some() { format!("image,place,class,label,probability\n{csv}") } else { raw };
        job::replace(&table, content.as_bytes())?;
        let _ = write!(lines, "{} images tested, {} not; {}", tested.len(), failures.len(), table.display());
        let Some(classifier) = classifier else { return Ok(lines) };
        let result = classifier.finish();
        let mut facts = job.facts();
        facts.push(("list".into(), list.display().to_string()));
        let picture =
            |answer: &crate::inspect::classify::Answer| pixels(&job.image(&tested[answer.index as usize].path)?.0);
        let files = write(&dir, &name_of(list.file_name()), &facts, &result, picture)?;
        Ok(format!("{lines}\n\n{}", told(&result, &list.display().to_string(), &files)))
    }
}

/// The outputs of images `[c, h, w]`, one row each, on the processor.
fn forward(job: &impl Opened, inputs: &[tch::Tensor]) -> Result<tch::Tensor> {
    let network = job.network();
    let batch: Activity = tch::Tensor::f_stack(inputs, 0)?.f_to_kind(network.kind)?.f_to_device(network.device)?.into();
    let output = tch::no_grad(|| network.forward(&batch, &mut Context::new(Mode::Evaluate)))?;
    let Activity::Tensor(output) = output else {
        return Err(Error::new(Kind::Shape, "the network gives a table, which a list cannot be tested with")
            .with_help("test one image: digits-rs test JOB IMAGE"));
    };
    let rows = inputs.len() as i64;
    Ok(output.f_to_kind(tch::Kind::Float)?.f_to_device(tch::Device::Cpu)?.f_reshape([rows, -1])?)
}

/// The images of a list. Paths are relative to the list's folder. The last word of a line is a class when it is a
/// number or a class' name and no file of the whole line's name exists.
fn entries(text: &str, folder: &Path, labels: &[String]) -> Vec<Entry> {
    let mut found = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let whole = folder.join(line);
        let split = line.rsplit_once(char::is_whitespace).map(|(path, word)| (path.trim_end(), word));
        let class = split.and_then(|(path, word)| Some((path, class_of(word, labels)?)));
        found.push(match class {
            Some((path, class)) if !whole.is_file() => Entry { path: folder.join(path), class: Some(class) },
            _ => Entry { path: whole, class: None },
        });
    }
    found
}

fn class_of(word: &str, labels: &[String]) -> Option<usize> {
    let by_name = labels.iter().position(|label| label == word);
    // DIGITS' lists carry numbers; a class that is called `7` and is number 7 is both.
    word.parse().ok().or(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_a_class_by_number_or_name_or_none() {
        let labels = ["cat".to_string(), "dog".to_string()];
        let text = "# images\na b.png 1\n\nb.png dog\nc d.png\n/abs/e.png\tcat\n";
        let list = entries(text, Path::new("lists"), &labels);
        let short: Vec<(String, Option<usize>)> =
            list.iter().map(|entry| (entry.path.display().to_string(), entry.class)).collect();
        let wanted =
            [("lists/a b.png", Some(1)), ("lists/b.png", Some(1)), ("lists/c d.png", None), ("/abs/e.png", Some(0))];
        assert_eq!(short, wanted.map(|(path, class)| (path.to_string(), class)));
    }
}
