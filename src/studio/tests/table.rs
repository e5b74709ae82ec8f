//! Results that leave no table in their folder, as CSV: the worst losses of a database, the surest images of each class.

use std::fmt::Write as _;

use serde_json::Value;

/// The table; none for results that have a file of their own.
pub(super) fn of(result: &Value) -> Option<String> {
    let rows = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut table = String::new();
    match result["kind"].as_str()? {
        "loss" => {
            table += "record,loss\n";
            for row in rows(&result["worst"]) {
                let _ = writeln!(table, "{},{}", row["index"], row["loss"]);
            }
        }
        "segmentation" => {
            table += "class,share,iou\n";
            for row in rows(&result["classes"]) {
                let label = row["label"].as_str().unwrap_or_default().replace('"', "\"\"");
                let iou = row["iou"].as_f64().map_or_else(String::new, |iou| iou.to_string());
                let _ = writeln!(table, "\"{label}\",{},{iou}", row["share"]);
            }
        }
        "top" => {
            table += "class,record,chance,answer,right\n";
            for class in rows(&result["classes"]) {
                let label = class["label"].as_str().unwrap_or_default().replace('"', "\"\"");
                for image in rows(&class["images"]) {
                    let [index, chance] = ["index", "chance_of_answer"].map(|name| &image[name]);
                    let [answer, right] = ["answer", "right"].map(|name| match &image[name] {
                        Value::Null => String::new(),
                        number => number.to_string(),
                    });
                    let _ = writeln!(table, "\"{label}\",{index},{chance},{answer},{right}");
                }
            }
        }
        _ => return None,
    }
    Some(table)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn losses_and_surest_images_are_tables() {
        let loss = json!({"kind": "loss", "worst": [{"index": 3, "loss": 2.5}]});
        assert_eq!(of(&loss).unwrap(), "record,loss\n3,2.5\n");
        let image = json!({"index": 1, "chance_of_answer": 0.5, "answer": 0, "right": null});
        let top = json!({"kind": "top", "classes": [{"label": "a \"b\"", "images": [image]}]});
        assert_eq!(of(&top).unwrap(), "class,record,chance,answer,right\n\"a \"\"b\"\"\",1,0.5,0,\n");
        let class = json!({"label": "sky", "share": 0.25, "iou": null});
        let labels = json!({"kind": "segmentation", "classes": [class]});
        assert_eq!(of(&labels).unwrap(), "class,share,iou\n\"sky\",0.25,\n");
        assert_eq!(of(&json!({"kind": "classification"})), None);
    }
}
