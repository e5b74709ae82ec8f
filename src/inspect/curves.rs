//! `Curves`: the points of a run, gathered from the lines of its `metrics.jsonl`.

use serde::Deserialize;

/// A value at a moment; the moment in epochs, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// Epochs done, such as 0.35.
    pub epoch: f64,
    /// The value; NaN and infinity are kept, charts leave them out.
    pub value: f64,
}

/// What a loss chart is drawn from.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Curves {
    /// Mean training loss since the point before.
    pub train: Vec<Point>,
    /// Mean validation loss, once a validation.
    pub validation: Vec<Point>,
    /// The learning rate in force.
    pub rate: Vec<Point>,
    /// Share of right answers in validation, 0 to 1; empty without classes.
    pub accuracy: Vec<Point>,
    /// The same for the five likeliest classes.
    pub accuracy_top5: Vec<Point>,
}

#[derive(Deserialize)]
struct Line {
    event: String,
    epoch: Option<f64>,
    loss: Option<f64>,
    lr: Option<f64>,
    accuracy: Option<f64>,
    accuracy_top5: Option<f64>,
}

impl Curves {
    /// Reads metrics, one JSON object a line. Lines of other events, lines without a loss and a last line that was
    /// cut off in the middle are passed over: a chart can be drawn while the run still writes. Points from before a
    /// resume that were trained again count once, the later ones.
    #[must_use]
    pub fn from_metrics(lines: &str) -> Curves {
        let mut curves = Curves::default();
        for line in lines.lines() {
            let Ok(Line { event, epoch: Some(epoch), loss, lr, accuracy, accuracy_top5 }) = serde_json::from_str(line)
            else {
                continue;
            };
            let losses = match event.as_str() {
                "train" => &mut curves.train,
                "validation" => &mut curves.validation,
                _ => continue,
            };
            // JSON has no NaN: a run that left the numbers writes null there.
            push(losses, Point { epoch, value: loss.unwrap_or(f64::NAN) });
            for (share, points) in [(accuracy, &mut curves.accuracy), (accuracy_top5, &mut curves.accuracy_top5)] {
                if let Some(value) = share {
                    push(points, Point { epoch, value });
                }
            }
            if let Some(value) = lr.filter(|_| event == "train") {
                push(&mut curves.rate, Point { epoch, value });
            }
        }
        curves
    }

    /// The lowest validation loss; the first one when several are equal.
    #[must_use]
    pub fn best(&self) -> Option<Point> {
        self.validation.iter().copied().filter(|p| p.value.is_finite()).min_by(|a, b| a.value.total_cmp(&b.value))
    }
}

fn push(points: &mut Vec<Point>, point: Point) {
    while points.last().is_some_and(|last| last.epoch >= point.epoch) {
        points.pop();
    }
    points.push(point);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(epoch: f64, value: f64) -> Point {
        Point { epoch, value }
    }

    #[test]
    fn lines_become_points_and_damage_is_passed_over() {
        let curves = Curves::from_metrics(
            "{\"event\":\"start\",\"seed\":1}\n\
             {\"event\":\"validation\",\"epoch\":0,\"iteration\":0,\"loss\":4374.5}\n\
             {\"event\":\"train\",\"epoch\":0.1,\"iteration\":70,\"loss\":4300.0,\"lr\":0.01,\"data_wait\":0.0}\n\
             {\"event\":\"train\",\"epoch\":0.2,\"loss\":null,\"lr\":0.01}\n\
             {\"event\":\"validation\",\"epoch\":1.0,\"loss\":1971.0}\n\
             {\"event\":\"train\",\"epoch\":1.1,\"lo",
        );
        assert_eq!(curves.train[0], point(0.1, 4300.0));
        assert!(curves.train[1].value.is_nan());
        assert_eq!(curves.rate, [point(0.1, 0.01), point(0.2, 0.01)]);
        assert_eq!(curves.best(), Some(point(1.0, 1971.0)));
    }

    #[test]
    fn an_epoch_trained_again_after_a_resume_counts_once() {
        let line = |epoch: f64, loss: f64| format!("{{\"event\":\"train\",\"epoch\":{epoch},\"loss\":{loss}}}\n");
        let text = [line(1.0, 5.0), line(1.5, 4.0), line(1.8, 3.0), line(1.5, 4.5)].concat();
        assert_eq!(Curves::from_metrics(&text).train, [point(1.0, 5.0), point(1.5, 4.5)]);
    }
}
