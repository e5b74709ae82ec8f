//! The page of Test One: one HTML file with everything inside: pictures as data, no script, no request.

use std::fmt::Write;

use base64::Engine as _;

use super::{
    bars,
    code::Code,
    histogram,
    label_image::PixelScores,
    numbers::{grouped, measured, significant},
    output_view::OutputView,
    picture::Picture,
    predictions::Prediction,
    reconstruction::Reconstruction,
    report::{About, Layer, TestOne},
    statistics::Statistics,
    svg::escape,
};
use crate::error::Result;

/// Codes longer than this are drawn but not listed number by number.
const LISTED: usize = 400;

/// The page as HTML text.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn html(test: &TestOne) -> Result<String> {
    let title = escape(&test.title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} · Test One</title>\n<style>\n{}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"soft\">Test One</p>\n<h1>{title}</h1>\n<dl class=\"facts\">",
        include_str!("page.css")
    );
    for (label, value) in &test.facts {
        let _ = write!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escape(label), escape(value));
    }
    page += "</dl>\n</header>\n<main>\n";
    images(&mut page, test)?;
    if let Some(view) = &test.view {
        output_view(&mut page, view)?;
    }
    if !test.predictions.is_empty() {
        chances(&mut page, &test.predictions);
    }
    if let Some(code) = &test.code {
        compressed(&mut page, code, test.input.shape.iter().product());
    }
    page += "<h2>Layers</h2>\n<p class=\"soft\">In the order in which they run. Each module's output for this image, and \
             below it the weights it learned. Colours run from blue (smallest) to red (largest value of the picture).</p>\n";
    for layer in &test.layers {
        row(&mut page, layer)?;
    }
    let _ = write!(
        page,
        "<p class=\"total\">Total learned parameters: <strong>{}</strong></p>\n</main>\n<footer>Made by digits-rs {}. \
         This file needs nothing else: keep it, send it, open it offline.</footer>\n</body>\n</html>\n",
        grouped(test.learned_parameters),
        env!("CARGO_PKG_VERSION")
    );
    Ok(page)
}

fn images(page: &mut String, test: &TestOne) -> Result<()> {
    let size = test.input.shape.iter().map(i64::to_string).collect::<Vec<_>>().join("×");
    *page += "<h2>Image</h2>\n<div class=\"cards\">\n";
    let original = &test.original;
    card(page, "Original", &original.picture, &original.alt, &format!("{size}, as the dataset holds it"))?;
    let range = |lo: f64, hi: f64| format!("{} black to {} white", significant(lo, 3), significant(hi, 3));
    let i = &test.input;
    let Some(r) = &test.reconstruction else {
        let words = format!("what the network gets: mean {}, {}", significant(i.mean, 3), range(i.min, i.max));
        card(page, "Mean subtracted", &test.normalized.picture, &test.normalized.alt, &words)?;
        *page += "</div>\n";
        return Ok(());
    };
    let range = range(f64::from(r.black), f64::from(r.white));
    let alt = "The image after mean subtraction";
    card(page, "Mean subtracted", &r.input.magnified(), alt, &format!("what the network reconstructs; {range}"))?;
    let alt = "The network's output, drawn like the input beside it";
    card(page, "Output", &r.output.magnified(), alt, &format!("on the scale of its input; {range}"))?;
    let alt = "The output with the mean added back";
    card(page, "Reconstruction", &r.restored.magnified(), alt, "the output with the mean added back")?;
    let words = format!("red too bright, blue too dark; full colour at ±{}", measured(r.largest_error));
    card(page, "Difference", &r.difference.magnified(), "Output minus input", &words)?;
    *page += "</div>\n";
    errors(page, r);
    Ok(())
}

fn output_view(page: &mut String, view: &OutputView) -> Result<()> {
    *page += "<h2>Output</h2>\n";
    let pictures = view.pictures();
    if !pictures.is_empty() {
        *page += "<div class=\"cards\">\n";
        for shown in pictures {
            let title = shown.file.trim_end_matches(".png");
            card(page, &(title[..1].to_uppercase() + &title[1..]), &shown.picture, &shown.alt, &shown.alt)?;
        }
        *page += "</div>\n";
    }
    match view {
        OutputView::Segmentation(found) => segmentation(page, &found.scores),
        OutputView::Image(_) => {}
        OutputView::Boxes { boxes, .. } => {
            *page += "<div class=\"panel\"><table class=\"values\"><tbody>\n";
            for (n, found) in boxes.iter().enumerate() {
                let _ = write!(page, "<tr><th scope=\"row\">{}</th>", n + 1);
                for value in found.sides.iter().chain(&found.confidence) {
                    let _ = write!(page, "<td>{}</td>", significant(f64::from(*value), 4));
                }
                *page += "</tr>\n";
            }
            *page += "</tbody></table></div>\n";
        }
        OutputView::Numbers { values, statistics: all } => {
            *page += "<div class=\"panel\">";
            statistics(page, all);
            *page += "<table class=\"values\"><tbody>\n";
            for (row, values) in values.chunks(10).enumerate() {
                let _ = write!(page, "<tr><th scope=\"row\">{}…</th>", row * 10 + 1);
                for value in values {
                    let _ = write!(page, "<td>{}</td>", significant(f64::from(*value), 5).replace('-', "−"));
                }
                *page += "</tr>\n";
            }
            *page += "</tbody></table></div>\n";
        }
    }
    Ok(())
}

/// The legend of a label image, with shares and agreement.
fn segmentation(page: &mut String, scores: &PixelScores) {
    let percent =
        |share: Option<f64>| share.map_or_else(|| "–".into(), |share| format!("{:.1}&thinsp;%", share * 100.0));
    *page += "<div class=\"panel\"><table class=\"chances\"><thead><tr><th>class</th><th>share</th>";
    let knows = scores.known_pixels > 0;
    *page += if knows { "<th>IoU</th></tr></thead><tbody>\n" } else { "</tr></thead><tbody>\n" };
    for class in &scores.classes {
        let _ = write!(
            page,
            "<tr><th scope=\"row\"><span style=\"display:inline-block;width:.8em;height:.8em;background:{}\"></span> {}</th><td \
             class=\"share\">{}</td>",
            class.color,
            escape(&class.label),
            percent(Some(class.share))
        );
        if knows {
            let _ = write!(page, "<td class=\"share\">{}</td>", percent(class.iou));
        }
        *page += "</tr>\n";
    }
    *page += "</tbody></table>";
    if knows {
        let _ = write!(
            page,
            "<p>pixel accuracy {}, mean IoU {}</p>",
            percent(scores.pixel_accuracy),
            percent(scores.mean_iou)
        );
    }
    *page += "</div>\n";
}

fn errors(page: &mut String, r: &Reconstruction) {
    *page += "<div class=\"panel\"><dl class=\"numbers\">";
    for (name, value, unit) in [
        ("mean squared error per pixel", r.mean_squared_error, "grey levels²"),
        ("its root", r.root_mean_squared_error, "grey levels"),
        ("mean absolute error", r.mean_absolute_error, "grey levels"),
        ("mean squared error of an output of zeros", r.error_of_the_mean, "grey levels²"),
    ] {
        let _ = write!(
            page,
            "<div><dt>{name}</dt><dd>{} <small>{unit}</small></dd></div>",
            if value.is_finite() { measured(value) } else { "not a number".into() }
        );
    }
    *page += "</dl></div>\n";
}

fn card(page: &mut String, title: &str, picture: &Picture, alt: &str, words: &str) -> Result<()> {
    let _ = writeln!(
        page,
        "<figure class=\"card\"><h3>{title}</h3><img src=\"{}\" alt=\"{}\" width=\"{}\" height=\"{}\"><figcaption>{}\
         </figcaption></figure>",
        data(picture)?,
        escape(alt),
        picture.width,
        picture.height,
        escape(words)
    );
    Ok(())
}

fn chances(page: &mut String, predictions: &[Prediction]) {
    *page += "<h2>Prediction</h2>\n<div class=\"panel\"><table class=\"chances\"><tbody>\n";
    for p in predictions {
        let percent = p.probability * 100.0;
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td class=\"share\">{percent:.2}&thinsp;%</td><td class=\"bar\" \
             aria-hidden=\"true\"><div style=\"width:{:.2}%\"></div></td></tr>",
            escape(&p.label),
            percent.clamp(0.0, 100.0)
        );
    }
    *page += "</tbody></table></div>\n";
}

fn compressed(page: &mut String, code: &Code, pixels: i64) {
    let n = code.values.len();
    let zeros = code.values.iter().filter(|v| **v == 0.0).count();
    let _ = write!(
        page,
        "<h2>Compressed code</h2>\n<p class=\"soft\">The image's {} values pass through {n} numbers, at module {} \
         (<code>{}</code>){}.</p>\n<div class=\"panel\">{}",
        grouped(pixels),
        escape(&code.path),
        escape(&code.name),
        if zeros == 0 { String::new() } else { format!("; {zeros} of them are zero") },
        bars::svg(
            &code.values,
            &format!("Bars of the {n} values of the compressed code; the numbers follow as a table")
        )
    );
    if n <= LISTED {
        *page += "<details><summary>All numbers</summary><table class=\"values\"><tbody>\n";
        for (row, values) in code.values.chunks(10).enumerate() {
            let _ = write!(page, "<tr><th scope=\"row\">{}…</th>", row * 10 + 1);
            for value in values {
                let _ = write!(page, "<td>{}</td>", significant(f64::from(*value), 5).replace('-', "−"));
            }
            *page += "</tr>\n";
        }
        *page += "</tbody></table></details>";
    }
    *page += "</div>\n";
}

fn row(page: &mut String, layer: &Layer) -> Result<()> {
    let (class, kind) = match layer.about {
        About::Activations => ("layer", "Activations"),
        About::Weights => ("layer weights", "Weights"),
    };
    let _ = write!(page, "<section class=\"{class}\"><div>");
    if layer.about == About::Activations {
        let _ = write!(
            page,
            "<h3><span class=\"path\">{}</span><code>{}</code></h3>",
            escape(&layer.path),
            escape(&layer.name)
        );
    }
    let _ = write!(page, "<p class=\"kind\">{kind}</p>");
    if let Some(learned) = layer.learned_parameters {
        let _ = write!(page, "<p>{} learned parameters</p>", grouped(learned));
    }
    if let Some(note) = &layer.note {
        let _ = write!(page, "<p class=\"soft\">{}</p>", escape(note));
    }
    *page += "</div><div>";
    statistics(page, &layer.statistics);
    let name = format!("{} of {}", kind.to_lowercase(), layer.name);
    let _ = write!(
        page,
        "<div class=\"histogram\">{}</div></div><div class=\"picture\">",
        histogram::svg(&layer.statistics, &name)
    );
    match &layer.picture {
        Some(shown) => {
            let _ = write!(
                page,
                "<img loading=\"lazy\" src=\"{}\" alt=\"{}\" width=\"{}\" height=\"{}\" style=\"height:auto\">",
                data(&shown.picture)?,
                escape(&shown.alt),
                shown.picture.width,
                shown.picture.height
            );
        }
        None => *page += "<p class=\"soft\">Not shown</p>",
    }
    *page += "</div></section>\n";
    Ok(())
}

fn statistics(page: &mut String, s: &Statistics) {
    let _ = write!(page, "<dl class=\"stats\"><div class=\"wide\"><dt>shape</dt><dd>{}</dd></div>", s.shape_text());
    for (name, value) in [("mean", s.mean), ("std", s.std), ("min", s.min), ("max", s.max)] {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", significant(value, 4).replace('-', "−"));
    }
    if s.not_finite > 0 {
        let _ = write!(
            page,
            "<div class=\"wide warning\"><dt>not finite</dt><dd>{} values</dd></div>",
            grouped(s.not_finite as i64)
        );
    }
    *page += "</dl>";
}

fn data(picture: &Picture) -> Result<String> {
    Ok(format!("data:image/png;base64,{}", base64::engine::general_purpose::STANDARD.encode(picture.png()?)))
}
