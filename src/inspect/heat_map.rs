//! The picture of a confusion matrix: rows are the right classes, columns the answers, shades are shares of a row.

use super::{
    confusion::Confusion,
    frame::{INK, SOFT_INK},
    numbers::grouped,
    svg::{Svg, number, text_width},
};

/// Above this many classes cells have no numbers, above the second no names.
const WITH_NUMBERS: usize = 24;
const WITH_NAMES: usize = 120;

/// The matrix as an SVG document: right answers blue, mistakes red, darker is more often.
#[must_use]
pub fn svg(confusion: &Confusion, title: &str) -> String {
    let n = confusion.labels.len().max(1);
    let cell = (720.0 / n as f64).clamp(4.0, 52.0);
    let size = cell * n as f64;
    let has_names = n <= WITH_NAMES;
    let font = (cell * 0.72).clamp(4.0, 12.5);
    let names: Vec<String> = confusion.labels.iter().map(|label| shortened(label)).collect();
    let widest = names.iter().map(|name| text_width(name, font)).fold(0.0, f64::max);
    let room = if has_names { widest + 18.0 } else { 24.0 };
    let (left, top) = (room + 34.0, 112.0 + room);
    // The title's line may be longer than a small matrix is wide.
    let (width, height) = ((left + size + 32.0).max(560.0), top + size + 30.0);
    let mut svg = Svg::new(width, height, &format!("Confusion matrix: {title}"));
    svg.rect(0.0, 0.0, width, height, "fill=\"#ffffff\"");
    svg.text((20.0, 34.0), 19.0, &format!("fill=\"{INK}\""), title);
    let five = confusion.top_five().map_or_else(String::new, |share| format!(", top 5 {:.2} %", share * 100.0));
    let facts = format!(
        "accuracy {:.2} %{five} of {} records",
        confusion.accuracy() * 100.0,
        grouped(confusion.total() as i64)
    );
    svg.text((20.0, 56.0), 12.0, &format!("fill=\"{SOFT_INK}\""), &facts);
    let words = "rows are the right classes, columns the answers; darker is a larger share of its row";
    svg.text((20.0, 74.0), 12.0, &format!("fill=\"{SOFT_INK}\""), words);
    for (i, name) in names.iter().enumerate().filter(|_| has_names) {
        let middle = (i as f64 + 0.5) * cell;
        let style = format!("fill=\"{INK}\" text-anchor=\"end\"");
        svg.text((left - 8.0, top + middle + font * 0.36), font, &style, name);
        let (x, y) = (left + middle + font * 0.36, top - 8.0);
        let turned = format!("fill=\"{INK}\" transform=\"rotate(-90 {} {})\"", number(x), number(y));
        svg.text((x, y), font, &turned, name);
    }
    for (right, row) in confusion.counts.iter().enumerate() {
        let records: u64 = row.iter().sum();
        for (answer, &count) in row.iter().enumerate() {
            let share = if records > 0 { count as f64 / records as f64 } else { 0.0 };
            let (x, y) = (left + answer as f64 * cell, top + right as f64 * cell);
            if count > 0 {
                svg.rect(x, y, cell, cell, &format!("fill=\"{}\"", shade(share, right == answer)));
            }
            if n <= WITH_NUMBERS && count > 0 {
                let ink = if strength(share) > 0.55 { "#ffffff" } else { INK };
                let text = count.to_string();
                let fit = (cell - 4.0) / text_width(&text, 1.0);
                let at = (x + cell / 2.0, y + cell / 2.0 + fit.min(12.0) * 0.36);
                svg.text(at, fit.min(12.0), &format!("fill=\"{ink}\" text-anchor=\"middle\""), &text);
            }
        }
    }
    let grid = if n <= WITH_NAMES { 1 } else { n };
    for i in (0..=n).step_by(grid) {
        let at = i as f64 * cell;
        let style = "stroke=\"#d5dae0\" stroke-width=\"0.7\"";
        svg.line((left + at, top), (left + at, top + size), style);
        svg.line((left, top + at), (left + size, top + at), style);
    }
    svg.finish()
}

/// Mistakes are rare: the root makes one in a hundred visible.
fn strength(share: f64) -> f64 {
    share.sqrt()
}

fn shade(share: f64, is_right: bool) -> String {
    let end: [f64; 3] = if is_right { [33.0, 85.0, 168.0] } else { [186.0, 41.0, 31.0] };
    let [r, g, b] = end.map(|e| (255.0 + (e - 255.0) * strength(share)).round() as u8);
    format!("#{r:02x}{g:02x}{b:02x}")
}

fn shortened(label: &str) -> String {
    if label.chars().count() <= 24 { label.into() } else { label.chars().take(23).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::raster;

    fn matrix(classes: usize) -> Confusion {
        let mut confusion = Confusion::new(&[], classes);
        for i in 0..classes {
            (0..9).for_each(|_| confusion.add(i, i, &vec![0.0; classes]));
            confusion.add(i, (i + 1) % classes, &vec![0.0; classes]);
        }
        confusion
    }

    #[test]
    fn right_answers_are_blue_and_mistakes_red() {
        let image = image::load_from_memory(&raster::png(&svg(&matrix(4), "t"), 1.0).unwrap()).unwrap().into_rgb8();
        let has = |color: [u8; 3]| image.pixels().filter(|p| p.0 == color).count() > 300;
        let color = |text: String| [1, 3, 5].map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap());
        assert!(has(color(shade(0.9, true))) && has(color(shade(0.1, false))));
        assert!(svg(&matrix(4), "a<b").contains("a&lt;b"));
    }

    #[test]
    fn a_thousand_classes_still_make_a_picture() {
        let text = svg(&matrix(1000), "many");
        assert!(!text.contains("class 7<") && text.len() < 400_000, "{} bytes", text.len());
        assert!(svg(&Confusion::new(&[], 0), "none").contains("0 records"));
    }
}
