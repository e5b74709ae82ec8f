//! The table of a training: a row an epoch, in columns that fit the terminal.

use std::time::Duration;

use super::numbers::{clock, significant};

/// Between two columns.
const GAP: usize = 2;
/// On a terminal of fewer characters a row is a few short lines, each with its name.
const NARROW: usize = 24;

/// A row's texts; those of columns that do not fit are left out.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) epoch: String,
    pub(super) train_loss: String,
    pub(super) validation_loss: String,
    pub(super) accuracy: String,
    pub(super) rate: String,
    pub(super) time: String,
}

/// Which accuracy a training has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Accuracy {
    /// It is no classifier.
    None,
    /// Of five classes or fewer.
    One,
    /// And that of the five likeliest classes.
    WithTopFive,
}

/// The columns of one training.
#[derive(Debug, Clone, Copy)]
pub(super) struct Table {
    accuracy: Accuracy,
    /// Of the terminal, in characters; none elsewhere.
    width: Option<usize>,
}

/// What a row shows in a column.
type Text = fn(&Row) -> &str;

impl Table {
    pub(super) fn new(accuracy: Accuracy, width: Option<usize>) -> Table {
        Table { accuracy, width }
    }

    /// The columns that fit, in order: heading and width. The last ones to be left out are epoch and validation loss.
    fn columns(&self) -> Vec<(&'static str, usize, Text)> {
        let accuracy = match self.accuracy {
            Accuracy::None => None,
            Accuracy::One => Some(("accuracy", 9)),
            Accuracy::WithTopFive => Some(("accuracy (top 5)", 17)),
        };
        // Each with its rank: the highest goes first.
        let mut all: Vec<(u8, &'static str, usize, Text)> = vec![
            (0, "epoch", 6, |row| &row.epoch),
            (2, "train loss", 10, |row| &row.train_loss),
            (1, "val loss", 10, |row| &row.validation_loss),
        ];
        all.extend(accuracy.map(|(name, width)| (3u8, name, width, (|row: &Row| row.accuracy.as_str()) as Text)));
        all.push((5, "learning rate", 15, |row| &row.rate));
        all.push((4, "time", 12, |row| &row.time));
        let needed = |all: &[(u8, &str, usize, Text)]| all.iter().map(|column| column.2 + GAP).sum::<usize>() - GAP;
        while let Some(width) = self.width
            && needed(&all) > width
            && all.len() > 2
        {
            let worst = all.iter().map(|column| column.0).max().unwrap_or(0);
            // Before the accuracy goes, that of the five likeliest classes does.
            match all.iter_mut().find(|column| column.0 == worst) {
                Some(column) if column.1 == "accuracy (top 5)" => (column.1, column.2) = ("accuracy", 9),
                _ => all.retain(|column| column.0 != worst),
            }
        }
        all.into_iter().map(|(_, name, width, text)| (name, width, text)).collect()
    }

    /// Whether columns have no room.
    fn is_narrow(&self) -> bool {
        self.width.is_some_and(|width| width < NARROW)
    }

    /// The line of headings; none where rows carry their names.
    pub(super) fn head(&self) -> Option<String> {
        if self.is_narrow() {
            return None;
        }
        let cells = self.columns().into_iter().map(|(name, width, _)| format!("{name:>width$}"));
        Some(cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_string())
    }

    /// A line; on a narrow terminal several short ones.
    pub(super) fn row(&self, row: &Row) -> String {
        if self.is_narrow() {
            let accuracy = row.accuracy.split(" (").next().unwrap_or_default();
            let named = [("train", row.train_loss.as_str()), ("val", &row.validation_loss), ("acc", accuracy)];
            let named = named.into_iter().filter(|(_, text)| !text.is_empty());
            let lines = named.map(|(name, text)| format!(" {name} {text}"));
            return [format!("epoch {}", row.epoch)].into_iter().chain(lines).collect::<Vec<_>>().join("\n");
        }
        let cell = |(name, width, text): (&str, usize, Text)| {
            let text = text(row);
            // `97.81 % (99.93)` in a column without the five likeliest.
            let text = if name == "accuracy" { text.split(" (").next().unwrap_or(text) } else { text };
            format!("{text:>width$}")
        };
        let cells = self.columns().into_iter().map(cell);
        cells.collect::<Vec<_>>().join(&" ".repeat(GAP)).trim_end().to_string()
    }
}

/// The rates of an epoch's first and last step: one number where they are the same.
pub(super) fn rates([first, last]: [f64; 2]) -> String {
    let (first, last) = (significant(first, 3), significant(last, 3));
    if first == last { first } else { format!("{first}→{last}") }
}

/// `97.81 %`, or with the five likeliest `97.81 % (99.93)`.
pub(super) fn percent(share: Option<f64>, top_five: Option<f64>) -> String {
    let five = top_five.map_or_else(String::new, |five| format!(" ({:.2})", five * 100.0));
    share.map_or_else(String::new, |share| format!("{:.2} %{five}", share * 100.0))
}

/// A loss, or a dash.
pub(super) fn loss(value: Option<f64>) -> String {
    value.map_or_else(|| "-".into(), |value| significant(value, 5))
}

/// Seconds in words.
pub(super) fn seconds(seconds: f64) -> String {
    clock(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(width: Option<usize>) -> [String; 2] {
        let (head, row) = headed(width);
        [head.unwrap_or_default(), row]
    }

    fn headed(width: Option<usize>) -> (Option<String>, String) {
        let table = Table::new(Accuracy::WithTopFive, width);
        let row = Row {
            epoch: "12".into(),
            train_loss: "0.12345".into(),
            validation_loss: "0.1 *".into(),
            accuracy: percent(Some(0.9781), Some(0.9993)),
            rate: rates([0.01, 0.001]),
            time: seconds(200.0),
        };
        (table.head(), table.row(&row))
    }

    #[test]
    fn a_row_fits_its_terminal_and_stands_below_its_headings() {
        for width in [24, 30, 40, 60, 80, 120] {
            for line in lines(Some(width)) {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
        let [head, row] = lines(Some(80));
        assert_eq!(head, " epoch  train loss    val loss   accuracy (top 5)    learning rate          time");
        assert_eq!(
            row,
            "    12     0.12345       0.1 *    97.81 % (99.93)       0.01→0.001  3 min 20 s"
                .replace("  3 min", "    3 min")
        );
        let [head, row] = lines(Some(41));
        assert_eq!(head, " epoch  train loss    val loss   accuracy");
        assert_eq!(row, "    12     0.12345       0.1 *    97.81 %");
        assert_eq!(lines(None), lines(Some(200)));
    }

    #[test]
    fn a_narrow_terminal_has_short_lines_with_names() {
        for width in [1, 10, 20, 23] {
            let (head, row) = headed(Some(width));
            assert_eq!((head, row.as_str()), (None, "epoch 12\n train 0.12345\n val 0.1 *\n acc 97.81 %"));
        }
        assert!(headed(Some(24)).0.is_some());
    }

    #[test]
    fn one_rate_is_one_number() {
        assert_eq!((rates([0.01, 0.01]).as_str(), rates([0.01, 1e-5]).as_str()), ("0.01", "0.01→0.00001"));
    }
}
