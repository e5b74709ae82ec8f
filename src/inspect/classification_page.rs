//! The page of a classifier's test over many images: one HTML file with everything inside, no script, no request.

use std::fmt::Write;

use base64::Engine as _;

use super::{classify::Classification, numbers::grouped, svg::escape};

/// The page as HTML text. `sheet` is the PNG of the worst images, when there is one.
#[must_use]
pub fn html(
    title: &str,
    facts: &[(String, String)],
    result: &Classification,
    matrix: &str,
    sheet: Option<&[u8]>,
) -> String {
    let name = escape(title);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{name} · Classification</title>\n<style>\n{}</style>\n</head>\n<body>\n<header>\n\
         <p class=\"soft\">Classification</p>\n<h1>{name}</h1>\n<dl class=\"facts\">",
        include_str!("page.css")
    );
    for (label, value) in facts {
        let _ = write!(page, "<div><dt>{}</dt><dd>{}</dd></div>", escape(label), escape(value));
    }
    page += "</dl>\n</header>\n<main>\n<div class=\"panel\"><dl class=\"numbers\">";
    let percent = |share: f64| format!("{:.2} %", share * 100.0);
    let mut numbers = vec![("accuracy", percent(result.accuracy))];
    numbers.extend(result.accuracy_top5.map(|share| ("top 5", percent(share))));
    numbers.extend(result.loss.map(|loss| ("mean loss", format!("{loss:.5}"))));
    numbers.push(("images", grouped(result.images as i64)));
    for (name, value) in numbers {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{value}</dd></div>");
    }
    let _ = write!(page, "</dl></div>\n<h2>Confusion matrix</h2>\n<div class=\"panel\">{matrix}</div>\n");
    page += "<h2>Classes</h2>\n<div class=\"panel\"><table class=\"values\"><thead><tr><th>class</th><th>records</th>\
             <th>precision</th><th>recall</th><th>f1</th></tr></thead><tbody>\n";
    let share = |value: Option<f64>| value.map_or_else(|| "–".into(), percent);
    for class in &result.classes {
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>",
            escape(&class.label),
            grouped(class.records as i64),
            share(class.precision),
            share(class.recall),
            share(class.f1)
        );
    }
    page += "</tbody></table></div>\n";
    if let Some(png) = sheet {
        let data = base64::engine::general_purpose::STANDARD.encode(png);
        let _ = writeln!(
            page,
            "<h2>Worst first</h2>\n<p class=\"soft\">The images whose right class the network held for least likely.</p>\
             \n<div class=\"panel\"><img src=\"data:image/png;base64,{data}\" alt=\"The worst images with right class and \
             answer\"></div>"
        );
    }
    page + &format!(
        "</main>\n<footer>Made by digits-rs {}. This file needs nothing else: keep it, send it, open it offline.\
         </footer>\n</body>\n</html>\n",
        env!("CARGO_PKG_VERSION")
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{inspect::classify::Classifier, nn::Scores};

    #[test]
    fn names_are_escaped_and_every_number_is_there() {
        let mut classifier = Classifier::new(Scores::Probabilities, &["a<b".into(), "c".into()], 2, 4);
        let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1], [0.2, 0.8]]);
        classifier.count(&output.into(), &[Some(0), Some(0)]).unwrap();
        let facts = [("job".to_string(), "j & k".to_string())];
        let page = html("val_db", &facts, &classifier.finish(), "<svg></svg>", Some(b"png"));
        for part in ["a&lt;b", "j &amp; k", "50.00 %", "data:image/png;base64,cG5n", "<svg></svg>"] {
            assert!(page.contains(part), "{part}");
        }
        assert!(!page.contains("http"), "no request");
    }
}
