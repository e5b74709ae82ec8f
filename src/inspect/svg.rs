//! `Svg`: a small writer of SVG documents: shapes and text with escaped content, numbers of two decimals.

use std::fmt::Write;

/// The font stack of every chart. The first name is the face that [`super::raster`] carries along; the others
/// stand in for it in a browser on a machine without it.
pub const FONT: &str = "DejaVu Sans, Verdana, Segoe UI, sans-serif";

/// An SVG document in the making; later shapes lie on earlier ones. `style` arguments are attributes as SVG
/// writes them: `fill="none" stroke="#1f5fa8"`.
#[derive(Debug)]
pub struct Svg {
    text: String,
}

impl Svg {
    /// A document of this size in pixels; `title` is its accessible name.
    #[must_use]
    pub fn new(width: f64, height: f64, title: &str) -> Svg {
        let (w, h) = (number(width), number(height));
        let text = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {w} {h}\" width=\"{w}\" height=\"{h}\" \
             role=\"img\" aria-label=\"{}\" font-family=\"{FONT}\">\n",
            escape(title)
        );
        Svg { text }
    }

    /// A filled rectangle.
    pub fn rect(&mut self, x: f64, y: f64, width: f64, height: f64, style: &str) {
        self.line_of(format_args!(
            "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" {style}/>",
            number(x),
            number(y),
            number(width.max(0.0)),
            number(height.max(0.0))
        ));
    }

    /// A straight line.
    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), style: &str) {
        self.line_of(format_args!(
            "<line x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\" {style}/>",
            number(from.0),
            number(from.1),
            number(to.0),
            number(to.1)
        ));
    }

    /// A circle.
    pub fn circle(&mut self, center: (f64, f64), radius: f64, style: &str) {
        self.line_of(format_args!(
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {style}/>",
            number(center.0),
            number(center.1),
            number(radius)
        ));
    }

    /// A path; `data` comes from [`polyline`] or the spline of the histogram. Nothing is drawn for empty data.
    pub fn path(&mut self, data: &str, style: &str) {
        if !data.is_empty() {
            self.line_of(format_args!("<path d=\"{data}\" {style}/>"));
        }
    }

    /// A line of text; `at` is the baseline's start, or its middle or end with `text-anchor` in `style`.
    pub fn text(&mut self, at: (f64, f64), size: f64, style: &str, content: &str) {
        self.line_of(format_args!(
            "<text x=\"{}\" y=\"{}\" font-size=\"{}\" {style}>{}</text>",
            number(at.0),
            number(at.1),
            number(size),
            escape(content)
        ));
    }

    /// The finished document.
    #[must_use]
    pub fn finish(mut self) -> String {
        self.text += "</svg>\n";
        self.text
    }

    fn line_of(&mut self, content: std::fmt::Arguments<'_>) {
        let _ = self.text.write_fmt(content);
        self.text.push('\n');
    }
}

/// Path data through these points, straight from each to the next; a point that is not finite breaks the line.
#[must_use]
pub fn polyline(points: impl IntoIterator<Item = (f64, f64)>) -> String {
    let mut data = String::new();
    let mut pen_down = false;
    for (x, y) in points {
        if !(x.is_finite() && y.is_finite()) {
            pen_down = false;
            continue;
        }
        let command = if pen_down { 'L' } else { 'M' };
        let _ = write!(data, "{command}{} {}", number(x), number(y));
        pen_down = true;
    }
    data
}

/// A coordinate with at most two decimals.
#[must_use]
pub fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".into() } else { text.into() }
}

/// Text for SVG and HTML: `&`, `<`, `>` and both quotes become entities.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            // Not allowed in XML 1.0 at all, not even as an entity.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// About how wide `text` is in pixels at this font size (DejaVu Sans: measured mean advance of labels).
#[must_use]
pub fn text_width(text: &str, size: f64) -> f64 {
    let units: f64 = text
        .chars()
        .map(|c| match c {
            'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '·' | ' ' => 0.32,
            'f' | 't' | 'r' | '(' | ')' | '-' => 0.4,
            'm' | 'w' | 'M' | 'W' | '−' | '→' | '%' => 0.92,
            'A'..='Z' => 0.7,
            _ => 0.62,
        })
        .sum();
    units * size
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_cannot_break_out_of_the_document() {
        let mut svg = Svg::new(10.0, 5.0, "a\"b");
        svg.text((1.0, 2.0), 9.0, "", "<script>&'\u{1}");
        assert_eq!(
            svg.finish(),
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 10 5\" width=\"10\" height=\"5\" role=\"img\" \
             aria-label=\"a&quot;b\" font-family=\"DejaVu Sans, Verdana, Segoe UI, sans-serif\">\n<text x=\"1\" \
             y=\"2\" font-size=\"9\" >&lt;script&gt;&amp;&#39;\u{fffd}</text>\n</svg>\n"
        );
    }

    #[test]
    fn a_line_breaks_at_what_is_not_a_number() {
        let points = [(0.0, 1.0), (1.005, 2.5), (2.0, f64::NAN), (3.0, 1.0), (4.0, -0.001)];
        assert_eq!(polyline(points), "M0 1L1 2.5M3 1L4 0");
    }
}
