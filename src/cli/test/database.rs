//! `digits-rs test JOB --db DB`: the mean loss over a database; of a classifier also its confusion matrix.

use std::path::{Path, PathBuf};

use super::{Opened, Test, name_of};
use crate::{
    error::{Error, Kind, Result},
    inspect::{
        classification_page,
        classify::{Answer, Classification, Classifier},
        contact_sheet::{Cell, ContactSheet},
        database::mean_loss,
        heat_map,
        numbers::{grouped, measured},
        picture::Picture,
        predictions::Scores,
        raster,
    },
    job,
};

/// Classes listed one by one on the terminal.
const LISTED: usize = 30;

impl Test {
    pub(super) fn database(&self, job: &impl Opened, db: &Path, mut progress: impl FnMut(u64, u64)) -> Result<String> {
        let (all, batches) = job.batches(db, self.labels_db.as_deref())?;
        let classes = job.labels().len();
        let Some(scores) = Scores::of(job.network()).filter(|_| classes > 0) else {
            let result = mean_loss(job.network(), batches, |done| progress(done, all))?;
            return Ok(format!(
                "mean loss {} over {} batches, {} images of {}",
                measured(result.loss),
                grouped(result.batches as i64),
                grouped(result.images as i64),
                db.display()
            ));
        };
        let mut classifier = Classifier::new(scores, job.labels(), classes, self.worst as usize);
        let mut done = 0;
        for batch in batches {
            let (input, target) = batch?;
            classifier.add(job.network(), &input, &target)?;
            done += input.size().first().map_or(0, |n| n.unsigned_abs());
            progress(done, all);
        }
        let result = classifier.finish();
        let picture = |answer: &Answer| pixels(&job.record(db, answer.index)?);
        let title = name_of(db.file_name());
        let mut facts = job.facts();
        facts.push(("database".into(), db.display().to_string()));
        let files = write(&self.folder(db), &title, &facts, &result, picture)?;
        Ok(told(&result, &db.display().to_string(), &files))
    }
}

/// Page, matrix and worst images below `dir`; the page first.
pub(super) fn write(
    dir: &Path,
    title: &str,
    facts: &[(String, String)],
    result: &Classification,
    picture: impl Fn(&Answer) -> Result<Picture>,
) -> Result<Vec<PathBuf>> {
    let name = |class: usize| result.confusion.labels[class].clone();
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let cells: Vec<Cell> = result
        .worst
        .iter()
        .map(|answer| {
            let (right, wrong) = (name(answer.right), name(answer.answer));
            let is_right = answer.right == answer.answer;
            let first = if is_right { format!("{right}, rightly") } else { format!("{right}, taken for {wrong}") };
            let chance = format!("{} {right}", percent(answer.chance_of_right));
            let other = format!("{} {wrong}", percent(answer.chance_of_answer));
            let mut caption = vec![first, chance];
            caption.extend((!is_right).then_some(other));
            Ok(Cell { picture: picture(answer)?, caption })
        })
        .collect::<Result<_>>()?;
    let sheet = (!cells.is_empty())
        .then(|| {
            let sheet = ContactSheet {
                title: format!("Worst first: {title}"),
                subtitle: "the right class, what it was taken for, and how likely the network held both".into(),
                cells,
                columns: 6,
            };
            sheet.png()
        })
        .transpose()?;
    let matrix = heat_map::svg(&result.confusion, title);
    let json = serde_json::to_vec_pretty(result).map_err(|e| Error::new(Kind::Data, e.to_string()))?;
    let page = classification_page::html(title, facts, result, &matrix, sheet.as_deref());
    let mut files: Vec<(&str, Vec<u8>)> = vec![
        ("index.html", page.into_bytes()),
        ("confusion.png", raster::png(&matrix, 1.0)?),
        ("confusion.svg", matrix.into_bytes()),
        ("confusion.csv", result.confusion.csv().into_bytes()),
        ("confusion.json", json),
    ];
    files.extend(sheet.map(|png| ("worst.png", png)));
    std::fs::create_dir_all(dir).map_err(|source| Error::io("make the folder", dir, &source))?;
    let mut paths = Vec::new();
    for (name, bytes) in files {
        job::replace(&dir.join(name), &bytes)?;
        paths.push(dir.join(name));
    }
    Ok(paths)
}

/// The result in lines.
pub(super) fn told(result: &Classification, what: &str, files: &[PathBuf]) -> String {
    let five = result.accuracy_top5.map_or_else(String::new, |share| format!(", top 5 {:.2} %", share * 100.0));
    let loss = result.loss.map_or_else(String::new, |loss| format!(", mean loss {}", measured(loss)));
    let mut text = format!(
        "accuracy {:.2} %{five}{loss}, {} images of {what}\n\n{}\n",
        result.accuracy * 100.0,
        grouped(result.images as i64),
        result.confusion.table(LISTED)
    );
    let labels = &result.confusion.labels;
    let mistakes: Vec<String> = result
        .confusion
        .mistakes()
        .iter()
        .take(5)
        .map(|(right, answer, times)| format!("{} for {} ({times})", labels[*right], labels[*answer]))
        .collect();
    if !mistakes.is_empty() {
        text += &format!("\nmost often taken: {}\n", mistakes.join(", "));
    }
    let page = files.first().map(|page| std::fs::canonicalize(page).unwrap_or_else(|_| page.clone()));
    text + &page.map_or_else(String::new, |page| format!("{} and {} more files", page.display(), files.len() - 1))
}

/// The picture of `[c, h, w]`, 0..255.
pub(super) fn pixels(image: &tch::Tensor) -> Result<Picture> {
    let values = Vec::<f32>::try_from(image.f_to_kind(tch::Kind::Float)?.f_contiguous()?.f_reshape([-1])?)?;
    Ok(Picture::image(&image.size(), &values, 0.0, 255.0).unwrap_or_else(|| Picture::filled(1, 1, [255; 3])))
}
