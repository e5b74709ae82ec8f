//! Round trips of `.t7` documents, files that Torch7 wrote, and damaged ones.

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::torch::{
    tensor::Tensor,
    types::{Element, TensorType},
};

const EVERY: [Encoding; 4] = [
    Encoding::BINARY,
    Encoding { long_size: 4, ..Encoding::BINARY },
    Encoding { is_big_endian: true, ..Encoding::BINARY },
    Encoding::ASCII,
];

/// Values in the order they are met, with each node's number: two documents with the same text hold the same.
fn shape(document: &Document) -> String {
    fn walk(document: &Document, value: &Value, seen: &mut Vec<Value>, text: &mut String) {
        if let Value::Ref(_) = value {
            if let Some(at) = seen.iter().position(|one| one == value) {
                text.push_str(&format!("#{at} "));
                return;
            }
            seen.push(value.clone());
        }
        match document.node(value) {
            None => text.push_str(&format!("{value:?} ")),
            Some(Node::Table(entries)) => {
                text.push_str("{ ");
                for (key, value) in entries {
                    walk(document, key, seen, text);
                    walk(document, value, seen, text);
                }
                text.push_str("} ");
            }
            Some(Node::Object { class, version, body }) => {
                text.push_str(&format!("{class} {version} "));
                body.iter().for_each(|part| walk(document, part, seen, text));
            }
            Some(Node::Tensor(tensor)) => text.push_str(&format!(
                "{} {:?} {:?} {} {:?} ",
                tensor.tensor_type(),
                tensor.size(),
                tensor.stride(),
                tensor.offset(),
                tensor.storage().map(|storage| storage.bytes().unwrap())
            )),
            Some(Node::Storage(storage)) => text.push_str(&format!("{:?} ", storage.bytes().unwrap())),
            Some(other) => text.push_str(&format!("{other:?} ")),
        }
    }
    let mut text = String::new();
    walk(document, document.root(), &mut Vec::new(), &mut text);
    text
}

/// What a node of a random document is made of; numbers pick values made before.
#[derive(Debug, Clone)]
enum Recipe {
    Table(Vec<(f64, usize)>),
    Object(String, i64, usize),
    Tensor(usize, Vec<i64>, Vec<f64>),
    Plain(f64, bool, Vec<u8>),
}

fn recipe() -> impl Strategy<Value = Recipe> {
    prop_oneof![
        vec((-1e9..1e9f64, 0..20usize), 0..4).prop_map(Recipe::Table),
        ("nn\\.[A-Z][a-z]{0,8}", 0..5i64, 0..20usize)
            .prop_map(|(class, version, field)| Recipe::Object(class, version, field)),
        (0..Element::ALL.len(), vec(1..4i64, 0..4), vec(-100.0..100.0f64, 64))
            .prop_map(|(element, size, values)| Recipe::Tensor(element, size, values)),
        (any::<f64>(), any::<bool>(), vec(any::<u8>(), 0..9)).prop_map(|(n, b, s)| Recipe::Plain(n, b, s)),
    ]
}

fn document(recipes: Vec<Recipe>) -> Document {
    let mut document = Document::default();
    let mut values = vec![Value::Nil];
    for recipe in recipes {
        let pick = |at: usize, values: &[Value]| values[at % values.len()].clone();
        let made = match recipe {
            Recipe::Table(entries) => {
                document.add_table(entries.into_iter().map(|(key, at)| (key.into(), pick(at, &values))).collect())
            }
            Recipe::Object(class, version, at) => {
                let field = pick(at, &values);
                document.add_object(&class, version, vec![("field", field), ("_type", "torch.FloatTensor".into())])
            }
            Recipe::Tensor(element, size, numbers) => {
                let tensor_type = TensorType { element: Element::ALL[element], cuda: false };
                let count: i64 = size.iter().product();
                let tensor = Tensor::from_values(tensor_type, &size, &numbers[..count as usize]).unwrap();
                if size.len() > 1 {
                    document.add_tensor(&tensor)
                } else {
                    document.add_tensor(&tensor.alias().unwrap())
                }
            }
            Recipe::Plain(number, flag, text) => {
                values.extend([number.into(), flag.into()]);
                Value::Text(text)
            }
        };
        values.push(made);
    }
    let root = document.add_list(values.into_iter().filter(|value| *value != Value::Nil).collect());
    document.set_root(root);
    document
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_is_written_is_read_again(recipes in vec(recipe(), 1..12)) {
        let written = document(recipes);
        for encoding in EVERY {
            let bytes = written.to_bytes(encoding).unwrap();
            let read = Document::parse_as(bytes.clone(), "memory", encoding).unwrap();
            prop_assert_eq!(shape(&written), shape(&read), "{:?}", encoding);
            prop_assert_eq!(read.to_bytes(encoding).unwrap(), bytes, "{:?}", encoding);
        }
    }

    #[test]
    fn damage_is_told_and_never_a_panic(recipes in vec(recipe(), 1..6), cut in 0.0..1.0f64, at in 0.0..1.0f64, to: u8) {
        let bytes = document(recipes).to_bytes(Encoding::BINARY).unwrap();
        let short = bytes[..(bytes.len() as f64 * cut) as usize].to_vec();
        prop_assert!(Document::parse_as(short.clone(), "cut.t7", Encoding::BINARY).is_err());
        let _ = Document::parse(short, "cut.t7");
        let mut wrong = bytes;
        let place = (wrong.len() as f64 * at) as usize;
        wrong[place] = to;
        let _ = Document::parse(wrong, "wrong.t7");
    }

    #[test]
    fn noise_is_no_document(bytes in vec(any::<u8>(), 0..200)) {
        let _ = Document::parse(bytes.clone(), "noise.t7");
        let _ = Document::parse_as(bytes, "noise.t7", Encoding::ASCII);
    }
}

#[test]
fn the_encoding_is_found_out() {
    let mut written = Document::default();
    let tensor = Tensor::from_values(TensorType::FLOAT, &[2, 3], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let weight = written.add_tensor(&tensor);
    let root = written.add_object("nn.Linear", 1, vec![("weight", weight)]);
    written.set_root(root);
    for encoding in EVERY {
        let read = Document::parse(written.to_bytes(encoding).unwrap(), "memory").unwrap();
        assert_eq!(shape(&read), shape(&written), "{encoding:?}");
    }
}

#[test]
fn tensors_on_one_storage_stay_so() {
    let mut written = Document::default();
    let whole = Tensor::from_values(TensorType::DOUBLE, &[6], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]).unwrap();
    let parts = [whole.narrow(0, 0, 2).unwrap(), whole.narrow(0, 3, 3).unwrap()];
    let parts = parts.iter().map(|part| written.add_tensor(part)).collect();
    let root = written.add_list(parts);
    written.set_root(root);
    let read = Document::parse(written.to_bytes(Encoding::BINARY).unwrap(), "memory").unwrap();
    let parts = read.list(read.root());
    let (first, second) = (read.tensor(&parts[0]).unwrap(), read.tensor(&parts[1]).unwrap());
    assert!(first.storage().unwrap().same(&second.storage().unwrap()));
    assert_eq!((second.offset(), second.values().unwrap()), (3, vec![4.0, 5.0, 6.0]));
}

#[test]
fn a_cycle_is_read_and_written() {
    let mut written = Document::default();
    let own = written.add_table(vec![]);
    let back = own.clone();
    if let Some(Node::Table(entries)) = written.node_mut(&own) {
        entries.push(("self".into(), back));
    }
    written.set_root(own);
    let read = Document::parse(written.to_bytes(Encoding::BINARY).unwrap(), "memory").unwrap();
    assert_eq!(read.field(read.root(), "self"), Some(read.root()));
}

#[test]
fn nesting_has_no_end() {
    let mut written = Document::default();
    let mut inner = Value::Nil;
    for _ in 0..200_000 {
        inner = written.add_table(vec![(1.0.into(), inner)]);
    }
    written.set_root(inner);
    let read = Document::parse(written.to_bytes(Encoding::BINARY).unwrap(), "memory").unwrap();
    assert_eq!(read.nodes().len(), 200_000);
}

#[test]
fn counts_that_cannot_be_reserve_nothing() {
    let int = |values: &[i32]| values.iter().flat_map(|value| value.to_le_bytes()).collect::<Vec<u8>>();
    let table = int(&[tag::TABLE, 1, i32::MAX]);
    let string = int(&[tag::STRING, i32::MAX]);
    let mut storage = int(&[tag::TORCH, 1, 3]);
    storage.extend(b"V 1");
    storage.extend(int(&[19]));
    storage.extend(b"torch.DoubleStorage");
    storage.extend((1i64 << 60).to_le_bytes());
    for bytes in [table, string, storage] {
        let page = Document::parse_as(bytes, "huge.t7", Encoding::BINARY).unwrap_err().to_string();
        assert!(page.contains("huge.t7 is damaged or no .t7 file: it ends in the middle of an object"), "{page}");
    }
}

/// Recipe: `tests/golden/t7/recipe.py`, which knows nothing of this crate.
#[test]
fn files_of_another_writer_are_read() {
    for name in ["net.t7", "net_b32.t7", "net_ascii.t7", "net_old.t7"] {
        let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/t7").join(name);
        let file = Document::open(&path).unwrap();
        let net = file.root();
        assert_eq!(file.class(net).as_deref(), Some("nn.Sequential"), "{name}");
        assert_eq!(file.field(net, "own"), Some(net), "{name}: the reference to itself");
        let linear = &file.list(file.field(net, "modules").unwrap())[0];
        let tensor = |field: &str| file.tensor(file.field(linear, field).unwrap()).unwrap();
        let (weight, bias) = (tensor("weight"), tensor("bias"));
        assert_eq!(
            (weight.size(), weight.values().unwrap()),
            (vec![2, 3], vec![0.5, -1.25, 2.0, 3.0, 4.0, -5.0]),
            "{name}"
        );
        assert_eq!((bias.size(), bias.values().unwrap()), (vec![2], vec![0.125, 6.0]), "{name}");
        assert!(weight.storage().unwrap().same(&bias.storage().unwrap()), "{name}");
        assert_eq!((tensor("gradWeight").dim(), file.field(linear, "train")), (0, Some(&Value::Bool(true))), "{name}");
        let sizes = file.field(file.field(net, "note").unwrap(), "sizes").unwrap();
        assert_eq!(file.list(sizes), [Value::Number(3.0), Value::Number(2.0)], "{name}");
    }
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/t7/net.t7");
    let file = Document::open(&path).unwrap();
    assert_eq!(file.to_bytes(Encoding::BINARY).unwrap(), std::fs::read(path).unwrap(), "what is written again");
}
