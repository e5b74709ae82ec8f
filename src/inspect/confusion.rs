//! `Confusion`: how often each class was taken for each other one; accuracy, precision and recall follow from it.
//!
//! Source: Torch's `optim.ConfusionMatrix` as DIGITS uses it: rows are the right classes, columns the answers.

use std::fmt::Write;

use serde::{Serialize, Serializer};

use super::csv::quoted;

/// Counts of (right class, answer).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confusion {
    /// The classes' names.
    pub labels: Vec<String>,
    /// `counts[right][answer]`; of many classes written as `[right, answer, count]` where the count is not 0
    #[serde(serialize_with = "written")]
    pub counts: Vec<Vec<u64>>,
    /// Answers whose five likeliest classes hold the right one.
    pub among_five: u64,
}

/// Up to so many classes the matrix is written whole.
const WHOLE: usize = 200;

fn written<S: Serializer>(counts: &[Vec<u64>], to: S) -> Result<S::Ok, S::Error> {
    if counts.len() <= WHOLE {
        return counts.serialize(to);
    }
    let rows = counts.iter().enumerate();
    let cells =
        rows.flat_map(|(right, row)| row.iter().enumerate().map(move |(answer, count)| (right, answer, *count)));
    to.collect_seq(cells.filter(|(_, _, count)| *count > 0))
}

/// How well one class is told from the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassScore {
    /// The class' name.
    pub label: String,
    /// Records that are of this class.
    pub records: u64,
    /// Of the answers that name this class, the share that is right; none when nothing was taken for it.
    pub precision: Option<f64>,
    /// Of the records of this class, the share that was found; none when there is no record.
    pub recall: Option<f64>,
    /// Harmonic mean of the two.
    pub f1: Option<f64>,
}

impl Confusion {
    /// All zero; a class without a name is called `class 7`.
    #[must_use]
    pub fn new(labels: &[String], classes: usize) -> Confusion {
        let label = |i: usize| labels.get(i).cloned().unwrap_or_else(|| format!("class {i}"));
        Confusion { labels: (0..classes).map(label).collect(), counts: vec![vec![0; classes]; classes], among_five: 0 }
    }

    /// Counts one answer: classes from 0; `scores` decide about the five likeliest.
    pub fn add(&mut self, right: usize, answer: usize, scores: &[f32]) {
        let Some(cell) = self.counts.get_mut(right).and_then(|row| row.get_mut(answer)) else { return };
        *cell += 1;
        let better = scores.iter().filter(|score| **score > scores[right]).count();
        self.among_five += u64::from(better < 5);
    }

    /// Answers counted.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    /// Share of right answers, 0 to 1.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.counts.len()).map(|i| self.counts[i][i]).sum();
        share(right, self.total()).unwrap_or(0.0)
    }

    /// Share of answers with the right class among the five likeliest; none for five classes or fewer.
    #[must_use]
    pub fn top_five(&self) -> Option<f64> {
        share(self.among_five, self.total()).filter(|_| self.labels.len() > 5)
    }

    /// Every class in order.
    #[must_use]
    pub fn scores(&self) -> Vec<ClassScore> {
        (0..self.labels.len())
            .map(|i| {
                let (right, records) = (self.counts[i][i], self.counts[i].iter().sum());
                let precision = share(right, self.counts.iter().map(|row| row[i]).sum());
                let recall = share(right, records);
                let f1 = precision.zip(recall).map(|(p, r)| if p + r > 0.0 { 2.0 * p * r / (p + r) } else { 0.0 });
                ClassScore { label: self.labels[i].clone(), records, precision, recall, f1 }
            })
            .collect()
    }

    /// The pairs that are mixed up most: (right, answer, times), the most frequent first.
    #[must_use]
    pub fn mistakes(&self) -> Vec<(usize, usize, u64)> {
        let cells = |right: usize| (0..self.labels.len()).map(move |answer| (right, answer));
        let mut pairs: Vec<_> = (0..self.labels.len())
            .flat_map(cells)
            .filter(|(right, answer)| right != answer && self.counts[*right][*answer] > 0)
            .map(|(right, answer)| (right, answer, self.counts[right][answer]))
            .collect();
        pairs.sort_by_key(|pair| std::cmp::Reverse(pair.2));
        pairs
    }

    /// The matrix for a spreadsheet: a row for each right class, a column for each answer, then recall.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = "right \\ answer".to_string();
        self.labels.iter().for_each(|label| text += &format!(",{}", quoted(label)));
        text += ",recall\n";
        for (row, score) in self.counts.iter().zip(self.scores()) {
            text += &quoted(&score.label);
            row.iter().for_each(|count| text += &format!(",{count}"));
            let _ = writeln!(text, ",{}", score.recall.map_or_else(String::new, |r| format!("{r:.6}")));
        }
        text += "precision";
        for score in self.scores() {
            text += &format!(",{}", score.precision.map_or_else(String::new, |p| format!("{p:.6}")));
        }
        let _ = writeln!(text, ",{:.6}", self.accuracy());
        text
    }

    /// A line for each class (for the worst `most` by recall when there are more): records, precision, recall, f1.
    #[must_use]
    pub fn table(&self, most: usize) -> String {
        let mut scores = self.scores();
        if scores.len() > most {
            scores.sort_by(|a, b| a.recall.unwrap_or(2.0).total_cmp(&b.recall.unwrap_or(2.0)));
            scores.truncate(most);
        }
        let widest = scores.iter().map(|score| score.label.chars().count()).max().unwrap_or(0).max(5);
        let mut text =
            format!("{:<widest$}  {:>9}  {:>9}  {:>9}  {:>9}\n", "class", "records", "precision", "recall", "f1");
        let percent = |value: Option<f64>| value.map_or_else(|| "-".into(), |v| format!("{:.2} %", v * 100.0));
        for s in &scores {
            let (precision, recall, f1) = (percent(s.precision), percent(s.recall), percent(s.f1));
            let _ = writeln!(text, "{:<widest$}  {:>9}  {precision:>9}  {recall:>9}  {f1:>9}", s.label, s.records);
        }
        if self.labels.len() > most {
            let _ = writeln!(text, "the {most} classes with the lowest recall of {}", self.labels.len());
        }
        text.trim_end().to_string()
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_of_many_classes_is_written_where_it_is_not_zero() {
        let mut many = Confusion::new(&[], 3000);
        many.counts[7][9] = 4;
        let json = serde_json::to_value(&many).unwrap();
        assert_eq!(json["counts"], serde_json::json!([[7, 9, 4]]));
        assert_eq!(
            serde_json::to_value(Confusion::new(&[], 2)).unwrap()["counts"],
            serde_json::json!([[0, 0], [0, 0]])
        );
    }

    fn example() -> Confusion {
        let mut confusion = Confusion::new(&["cat".into(), "dog, large".into()], 3);
        for (right, answer) in [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (1, 0)] {
            confusion.add(right, answer, &[0.0; 3]);
        }
        confusion
    }

    #[test]
    fn precision_and_recall_are_those_of_the_counts() {
        let confusion = example();
        assert_eq!((confusion.total(), confusion.accuracy()), (6, 0.5));
        let scores = confusion.scores();
        assert_eq!((scores[0].precision, scores[0].recall), (Some(0.5), Some(2.0 / 3.0)));
        assert!((scores[0].f1.unwrap() - 4.0 / 7.0).abs() < 1e-12);
        assert_eq!((scores[2].precision, scores[2].recall, scores[2].f1), (None, None, None));
        assert_eq!(confusion.mistakes(), [(1, 0, 2), (0, 1, 1)]);
        assert_eq!(confusion.top_five(), None, "of three classes every one is among five");
    }

    #[test]
    fn the_spreadsheet_quotes_names() {
        let csv = example().csv();
        assert_eq!(
            csv,
            "right \\ answer,\"cat\",\"dog, large\",\"class 2\",recall\n\"cat\",2,1,0,0.666667\n\"dog, \
             large\",2,1,0,0.333333\n\"class 2\",0,0,0,\nprecision,0.500000,0.500000,,0.500000\n"
        );
        assert!(example().table(1).contains("the 1 classes with the lowest recall of 3"));
        assert!(example().table(1).contains("dog, large"));
    }

    #[test]
    fn five_likeliest_are_counted_by_their_scores() {
        let mut confusion = Confusion::new(&[], 7);
        let scores = [0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1];
        confusion.add(4, 0, &scores);
        confusion.add(5, 0, &scores);
        assert_eq!(confusion.top_five(), Some(0.5));
    }
}
