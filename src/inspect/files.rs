//! The files that a test's result becomes, page first: names relative to the result's folder, and bytes.

use serde::Serialize;

use super::{
    bars, classification_page,
    classify::Classification,
    contact_sheet::{Cell, ContactSheet},
    heat_map, page,
    picture::Picture,
    raster,
    report::TestOne,
};
use crate::error::{Error, Kind, Result};

/// A relative path with `/` between its parts, and the content.
pub type NamedBytes = (String, Vec<u8>);

/// One tested image: `index.html`, `report.json`, the pictures, and those of the layers in `layers/`.
///
/// # Errors
/// When a picture cannot be encoded.
pub fn of_image(report: &TestOne) -> Result<Vec<NamedBytes>> {
    let mut files: Vec<NamedBytes> =
        vec![("index.html".into(), page::html(report)?.into_bytes()), ("report.json".into(), json(report)?)];
    let layers = report.layers.iter().filter_map(|layer| layer.picture.as_ref());
    for shown in [&report.original, &report.normalized].into_iter().chain(layers) {
        files.push((shown.file.clone(), shown.picture.png()?));
    }
    for shown in report.view.iter().flat_map(|view| view.pictures()) {
        files.push((shown.file.clone(), shown.picture.png()?));
    }
    if let Some(r) = &report.reconstruction {
        let [input, output, restored, difference] =
            [&r.input, &r.output, &r.restored, &r.difference].map(Picture::magnified);
        let beside = Picture::beside(&[report.original.picture.clone(), restored.clone(), difference.clone()], 12);
        for (name, picture) in [
            ("input.png", input),
            ("output.png", output),
            ("reconstruction.png", restored),
            ("difference.png", difference),
            ("beside.png", beside),
        ] {
            files.push((name.into(), picture.png()?));
        }
    }
    if let Some(code) = &report.code {
        let svg = bars::svg(&code.values, "code");
        // The bars follow the page's text colour; a file of its own gets a white ground.
        let opaque = svg.replacen('\n', "\n<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n", 1);
        files.push(("code.png".into(), raster::png(&opaque, 2.0)?));
    }
    Ok(files)
}

/// A classifier over many images: page, confusion matrix, and the worst images, of which `pictures` are in the order of
/// [`Classification::worst`].
///
/// # Errors
/// When a picture cannot be encoded.
pub fn of_classification(
    title: &str,
    facts: &[(String, String)],
    result: &Classification,
    pictures: Vec<Picture>,
) -> Result<Vec<NamedBytes>> {
    let sheet = worst(title, result, pictures).map(|sheet| sheet.png()).transpose()?;
    let matrix = heat_map::svg(&result.confusion, title);
    let page = classification_page::html(title, facts, result, &matrix, sheet.as_deref());
    let mut files: Vec<NamedBytes> = vec![
        ("index.html".into(), page.into_bytes()),
        ("confusion.png".into(), raster::png(&matrix, 1.0)?),
        ("confusion.svg".into(), matrix.into_bytes()),
        ("confusion.csv".into(), result.confusion.csv().into_bytes()),
        ("confusion.json".into(), json(result)?),
    ];
    files.extend(sheet.map(|png| ("worst.png".into(), png)));
    Ok(files)
}

/// The worst images with their right classes and the answers.
fn worst(title: &str, result: &Classification, pictures: Vec<Picture>) -> Option<ContactSheet> {
    let name = |class: usize| &result.confusion.labels[class];
    let percent = |share: f64| format!("{:.1} %", share * 100.0);
    let cells: Vec<Cell> = result
        .worst
        .iter()
        .zip(pictures)
        .map(|(answer, picture)| {
            let (right, wrong) = (name(answer.right), name(answer.answer));
            let is_right = answer.right == answer.answer;
            let first = if is_right { format!("{right}, rightly") } else { format!("{right}, taken for {wrong}") };
            let chance = format!("{} {right}", percent(answer.chance_of_right));
            let other = format!("{} {wrong}", percent(answer.chance_of_answer));
            let mut caption = vec![first, chance];
            caption.extend((!is_right).then_some(other));
            Cell { picture, caption }
        })
        .collect();
    (!cells.is_empty()).then(|| ContactSheet {
        title: format!("Worst first: {title}"),
        subtitle: "the right class, what it was taken for, and how likely the network held both".into(),
        cells,
        columns: 6,
    })
}

fn json(value: &impl Serialize) -> Result<Vec<u8>> {
    serde_json::to_vec_pretty(value).map_err(|error| Error::new(Kind::Data, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        inspect::{classify::Classifier, test_one, toy},
        nn::Scores,
    };

    #[test]
    fn a_tested_image_gives_pictures_and_a_page_that_needs_no_other() {
        let original = tch::Tensor::arange(16, (tch::Kind::Float, tch::Device::Cpu)).view([1, 4, 4]) * 16.0;
        let report = test_one::run(&test_one::Subject {
            network: &toy::autoencoder(),
            original: &original,
            input: &(&original - 120.0),
            target_is_input: true,
            view: None,
            pixels: Default::default(),
            order: Default::default(),
            truth: None,
            labels: &[],
            top: 5,
            title: "<digit>.png".into(),
            facts: vec![("snapshot".into(), "epoch 3".into())],
        })
        .unwrap();
        let files = of_image(&report).unwrap();
        for (name, bytes) in files.iter().filter(|(name, _)| name.ends_with(".png")) {
            let image = image::load_from_memory(bytes).unwrap().into_rgb8();
            let first = *image.get_pixel(0, 0);
            assert!(image.pixels().any(|p| *p != first), "{name} is blank");
        }
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        for name in [
            "index.html",
            "report.json",
            "original.png",
            "normalized.png",
            "reconstruction.png",
            "difference.png",
            "beside.png",
            "code.png",
            "layers/02-linear-activations.png",
            "layers/03-linear-weights.png",
        ] {
            assert!(names.contains(&name), "{name} in {names:?}");
        }
        let page = std::str::from_utf8(&files[0].1).unwrap();
        // The one address on the page is the name of the SVG namespace.
        assert_eq!(page.matches("http").count(), page.matches("xmlns=\"http://www.w3.org/2000/svg\"").count());
        assert!(!page.contains("<script") && page.contains("&lt;digit&gt;.png"));
        assert_eq!(page.matches("<img").count(), page.matches("alt=\"").count());
        assert!(page.contains("Total learned parameters: <strong>259</strong>"));
        let json: serde_json::Value = serde_json::from_slice(&files[1].1).unwrap();
        assert_eq!(json["layers"][0]["statistics"]["shape"], serde_json::json!([16]));
    }

    #[test]
    fn the_worst_images_get_a_sheet_when_there_are_any() {
        let names = |right: &[Option<usize>]| -> Vec<String> {
            let mut classifier = Classifier::new(Scores::Probabilities, &[], 2, 4);
            let output = tch::Tensor::from_slice2(&[[0.9f32, 0.1], [0.2, 0.8]]);
            classifier.count(&output.into(), right).unwrap();
            let result = classifier.finish();
            let pictures = vec![Picture::filled(4, 4, [0; 3]); result.worst.len()];
            of_classification("val_db", &[], &result, pictures).unwrap().into_iter().map(|(name, _)| name).collect()
        };
        let usual = ["index.html", "confusion.png", "confusion.svg", "confusion.csv", "confusion.json"];
        assert_eq!(names(&[None, None]), usual);
        assert_eq!(names(&[Some(1), None]), [&usual[..], &["worst.png"]].concat());
    }
}
