//! Every snippet of `tests/golden/python/*.py` prints what CPython printed (`make.py` there), or raises the same class.

use std::{fs, path::Path};

use super::run;

#[test]
fn snippets_print_what_cpython_prints() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/python");
    let mut wrong = Vec::new();
    let mut count = 0;
    for name in ["arithmetic", "classes", "containers", "functions", "text"] {
        let read = |end: &str| fs::read_to_string(folder.join(format!("{name}.{end}"))).unwrap();
        let (sources, expected) = (read("py"), read("txt"));
        let (sources, expected) = (sources.split("#%%\n"), expected.split("#%%\n"));
        assert_eq!(sources.clone().count(), expected.clone().count(), "{name}: run make.py again");
        for (source, expected) in sources.zip(expected) {
            count += 1;
            let (mut printed, page) = run(source);
            if let Some(page) = &page {
                if !printed.is_empty() && !printed.ends_with('\n') {
                    printed.push('\n');
                }
                let class = page.message().split(':').next().unwrap_or_default();
                printed.push_str(&format!("!{class}\n"));
            }
            if printed != expected {
                let page = page.map(|page| format!("\n{page}")).unwrap_or_default();
                wrong.push(format!("{name}:\n{source}-- CPython:\n{expected}-- here:\n{printed}{page}"));
            }
        }
    }
    assert!(count > 300, "only {count} snippets");
    assert!(wrong.is_empty(), "{} of {count} differ\n\n{}", wrong.len(), wrong.join("\n====\n"));
}
