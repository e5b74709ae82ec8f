//! `tf.losses` and `slim.losses` against numbers of TensorFlow itself (`tests/golden/tensorflow/losses.json`), and what the
//! pages and warnings say of losses and variables that teach nothing.

use std::fs;

use digits::frontend::{
    LabelShape, NetworkParams, Purpose, Source,
    python::Options,
    tensorflow_file::{TensorflowFile, load},
};
use serde_json::Value as Json;

use crate::{
    job::{program, workshop},
    tensorflow_files::{changes, with_update},
};

pub(crate) fn loaded(text: &str) -> digits::error::Result<TensorflowFile> {
    let params =
        NetworkParams { nclasses: Some(10), ngpus: 0, input_shape: Some([1, 28, 28]), labels: LabelShape::Scalar };
    load(Source::pasted("net.py", text), &params, Options::default(), 1)
}

/// The page of a file with this inference (of `h`, the pixels) and this loss.
fn page(inference: &str, loss: &str) -> String {
    let text = model(inference, loss);
    loaded(&text).err().unwrap_or_else(|| panic!("no page for\n{text}")).to_string()
}

pub(crate) fn model(inference: &str, loss: &str) -> String {
    let lines = |text: &str| text.lines().map(|line| format!("        {line}\n")).collect::<String>();
    format!(
        "class UserModel(Tower):\n    @model_property\n    def inference(self):\n        h = slim.flatten(self.x) / 255\n{}    \
         @model_property\n    def loss(self):\n{}",
        lines(inference),
        lines(loss)
    )
}

pub(crate) const LAST: &str = "return slim.fully_connected(h, 10, activation_fn=None, scope='fc')";
pub(crate) const LOSS: &str = "return digits.classification_loss(self.inference, self.y)";

#[test]
fn losses_have_tensorflow_s_numbers() {
    let golden: Json = serde_json::from_str(include_str!("../golden/tensorflow/losses.json")).unwrap();
    let expressions = golden["expressions"].as_object().unwrap();
    let mut inference = golden["values"].as_str().unwrap().trim().to_string();
    for expression in expressions.keys() {
        inference += &format!("\nself.summaries.append(tf.summary.scalar(\"{expression}\", {expression}))");
    }
    let file = loaded(&model(&format!("{inference}\n{LAST}"), LOSS)).unwrap_or_else(|page| panic!("{page}"));
    let lowered = file.lower(Purpose::Training, tch::Kind::Double, tch::Device::Cpu).unwrap();
    let images = tch::Tensor::zeros([2, 1, 28, 28], (tch::Kind::Double, tch::Device::Cpu));
    let found = lowered.summaries.scalars(&images, &tch::Tensor::from_slice(&[1.0, 2.0]), None).unwrap();
    assert_eq!(found.len(), expressions.len());
    for (expression, value) in found {
        let wanted = expressions[&expression].as_f64().unwrap();
        assert!((value - wanted).abs() <= 2e-5 * wanted.abs().max(1.0), "{expression}: {value}, not {wanted}");
    }
    for same in ["tf.contrib.losses", "tf.contrib.slim.losses", "slim.losses"] {
        let text = model(LAST, &format!("return {same}.softmax_cross_entropy(self.inference, tf.one_hot(self.y, 10))"));
        loaded(&text).unwrap_or_else(|page| panic!("{page}"));
    }
    // Losses of the tower, and its regularisation.
    let total = "tf.losses.absolute_difference(tf.to_float(self.y), tf.reduce_sum(self.inference, 1))\n\
                 assert len(tf.losses.get_losses()) == 1 and len(slim.losses.get_losses()) == 1\n\
                 return slim.losses.get_total_loss()";
    loaded(&model(LAST, total)).unwrap_or_else(|page| panic!("{page}"));
}

#[test]
fn arguments_of_losses_that_do_not_fit_are_pages() {
    for (loss, wanted) in [
        ("return tf.losses.mean_squared_error(self.y, self.inference)", "are incompatible"),
        ("return slim.losses.log_loss(self.inference)", "labels must not be None"),
        (
            "return tf.losses.mean_squared_error(self.inference, self.inference, tf.ones([3, 5]))",
            "can not be broadcast",
        ),
        ("return slim.losses.cosine_distance(self.inference, self.inference)", "You must specify 'axis'"),
        ("return tf.losses.get_total_loss()", "there is no loss to add up"),
    ] {
        let page = page(LAST, loss);
        assert!(page.contains(wanted) && page.contains("net.py:"), "{loss}\n{page}");
    }
}

#[test]
fn a_loss_that_teaches_nothing_is_a_page() {
    let nothing = "No gradients provided for any variable";
    for (loss, wanted) in [
        ("return tf.constant(1.0)", &[nothing, "net.py:8", "no variable"][..]),
        ("return 3", &[nothing, "net.py:8"]),
        (
            "return tf.reduce_mean(tf.to_float(tf.argmax(self.inference, 1)))",
            &[nothing, "net.py:8", "ArgMax", "argmax"],
        ),
        ("return digits.classification_loss(tf.stop_gradient(self.inference), self.y)", &[nothing, "StopGradient"]),
        (
            "return tf.losses.softmax_cross_entropy(self.inference, tf.one_hot(self.y, 10))",
            &[nothing, "net.py:8", "labels"],
        ),
        (
            "return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(labels=self.inference, logits=tf.one_hot(self.y, 10)))",
            &[nothing, "net.py:8"],
        ),
        (
            "return [{'loss': digits.classification_loss(self.inference, self.y), 'vars': []}]",
            &["No variables to optimize"],
        ),
        ("return []", &["loss gives an empty list", "net.py:8"]),
        ("pass", &["loss gives None", "net.py:8"]),
        (
            "return tf.nn.sparse_softmax_cross_entropy_with_logits(logits=self.inference, labels=self.y)",
            &["the loss is not one number", "net.py:8", "[?]", "tf.reduce_mean"],
        ),
    ] {
        let page = page(LAST, loss);
        wanted.iter().for_each(|part| assert!(page.contains(part), "{part} is missing in\n{page}"));
    }
    let page = page("return h", "return tf.reduce_mean(self.inference)");
    assert!(page.contains("No variables to optimize") && page.contains("net.py:8"), "{page}");
    // TensorFlow's later cross entropy has a gradient for its labels.
    let learns = "return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits_v2(labels=self.inference, logits=tf.one_hot(self.y, 10)))";
    loaded(&model(LAST, learns)).unwrap_or_else(|page| panic!("{page}"));
}

#[test]
fn validation_makes_no_variables() {
    for layer in [
        "slim.fully_connected(h, 100, scope='extra')",
        "tf.layers.dense(h, 100, name='extra')",
        "h * tf.get_variable('extra', [784])",
    ] {
        let inference = format!("if not self.is_training:\n    h = {layer}\n{LAST}");
        let page = page(&inference, LOSS);
        for part in
            ["model/extra", "does not exist", "Did you mean to set reuse=None", "net.py:6", "val/model", "validation"]
        {
            assert!(page.contains(part), "{part} is missing in\n{page}");
        }
    }
    // In inference alone it is the page of a test.
    let looking = format!("if self.is_inference:\n    h = slim.fully_connected(h, 784, scope='extra')\n{LAST}");
    let file = loaded(&model(&looking, LOSS)).unwrap_or_else(|page| panic!("{page}"));
    let page = file.lower(Purpose::Inference, tch::Kind::Float, tch::Device::Cpu).err().unwrap().to_string();
    assert!(page.contains("model/extra/weights does not exist") && page.contains("inference"), "{page}");
}

#[test]
fn variables_of_one_tower_are_told_of() {
    let plain = "w = tf.Variable(tf.truncated_normal([784, 10]))\nb = tf.Variable(tf.zeros([10]))\n\
                 c = tf.Variable(1.0, trainable=False)\nreturn tf.matmul(h, w) * c + b";
    let folder = workshop();
    fs::write(folder.path().join("net.py"), model(plain, LOSS)).unwrap();
    for line in
        ["check net.py --input-shape 1x28x28 --nclasses 10", "run net.py --epochs 1 --batch-size 2000 --device cpu"]
    {
        let output = program(folder.path(), &line.split(' ').collect::<Vec<_>>()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned() + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{said}");
        assert!(
            said.contains("net.py:5, net.py:6: a tf.Variable is not shared between training and validation"),
            "{said}"
        );
        assert_eq!(said.matches("tf.Variable is not shared").count(), 1, "{said}");
    }
    let own = format!(
        "if not self.is_training:\n    with tf.variable_scope('v', reuse=tf.AUTO_REUSE):\n        h = tf.layers.dense(h, 784)\n{LAST}"
    );
    let file = loaded(&model(&own, LOSS)).unwrap_or_else(|page| panic!("{page}"));
    assert!(file.warnings()[0].contains("made by validation alone (tf.AUTO_REUSE)"), "{:?}", file.warnings());
    assert!(loaded(&model(LAST, LOSS)).unwrap().warnings().is_empty());
}

#[test]
fn gradient_update_may_leave_variables_as_they_are() {
    let of = |body: &str| changes(Source::pasted("net.py", &with_update(body)), Some(3), "momentum");
    let plain = of("        return grad");
    let norm = |change: &tch::Tensor| change.norm().double_value(&[]);
    let whole: f64 = plain.iter().map(|(_, _, change)| norm(change).powi(2)).sum::<f64>().sqrt();
    // The others see the gradient of what is left out all the same.
    let divided = "        n = tf.global_norm([g for g, _ in grad])\n        return";
    for body in [
        format!("{divided} [(g / n, v) for g, v in grad if 'fc1' in v.name]"),
        format!("{divided} [(g / n if 'fc1' in v.name else None, v) for g, v in grad]"),
    ] {
        for ((name, _, change), (_, _, once)) in of(&body).iter().zip(&plain) {
            let wanted = if name.contains("fc1") { once / whole } else { change.zeros_like() };
            assert!(norm(&(change - wanted)) < 1e-9, "{name}");
        }
    }
}
