//! What pages of the TensorFlow form say of sizes, names, indices and symbols that are not there.

use std::fs;

use crate::{
    job::{program, workshop},
    tensorflow_losses::{LAST, LOSS, loaded, model},
};

fn page(inference: &str) -> String {
    let text = model(inference, LOSS);
    loaded(&text).err().unwrap_or_else(|| panic!("no page for\n{text}")).to_string()
}

#[test]
fn a_wrong_size_or_name_is_called_so() {
    for (line, wanted) in [
        ("return h + tf.one_hot(self.y, 10**12)[:, :784]", "a tensor of 1000000000000 elements does not fit"),
        ("return slim.one_hot_encoding(self.y, 10**12)", "a tensor of 1000000000000 elements does not fit"),
        ("return tf.one_hot(self.y, -1)", "depth must be non-negative, and is -1"),
        ("return tf.pad(h, [[0, 0], [0, 2**62]])", "a tensor padded by 4611686018427387904 does not fit"),
        ("return tf.pad(h, [[0, 0], [-1, 0]])", "paddings must be non-negative"),
        ("return tf.identity(h, name='a b')", "'a b' is not a valid scope name"),
        ("return slim.dropout(h, scope='a\\x1b[31m')", "is not a valid scope name"),
        ("with tf.name_scope('a<b'):\n    return h", "'a<b' is not a valid scope name"),
        ("return tf.keras.layers.Dense(10)(h)", "tf.layers (dense, conv2d"),
        ("tf.assign(h, h)\nreturn h", "tf.assign is not open to a network file"),
        ("return slim.fuly_connected(h, 10)", "fully_connected"),
    ] {
        let page = page(line);
        assert!(page.contains(wanted) && page.contains("net.py:"), "{line}\n{page}");
        assert!(!page.contains("linear_fully_connected"), "{page}");
    }
    let learned = "h = tf.contrib.layers.relu(h, 30, scope='a')\nreturn tf.contrib.layers.linear(h, 10, scope='b')";
    loaded(&model(learned, LOSS)).unwrap_or_else(|page| panic!("{page}"));
    let rows = "h = tf.layers.conv1d(tf.reshape(h, [-1, 28, 28]), 8, 3, strides=2, padding='same', activation=tf.nn.relu)\n\
                assert h.get_shape().as_list() == [None, 14, 8]\nh = slim.flatten(h)\n";
    loaded(&model(&format!("{rows}{LAST}"), LOSS)).unwrap_or_else(|page| panic!("{page}"));
}

#[test]
fn many_variables_are_made_in_time() {
    let many = "for i in range(30000): tf.get_variable('v%d' % i, [1], initializer=tf.zeros_initializer())\n";
    let start = std::time::Instant::now();
    loaded(&model(&format!("if self.is_training:\n    {many}{LAST}"), LOSS)).unwrap_or_else(|page| panic!("{page}"));
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn what_a_run_meets_first_is_named() {
    let folder = workshop();
    let said = |text: &str| {
        fs::write(folder.path().join("net.py"), text).unwrap();
        let output = program(folder.path(), &["run", "net.py", "--device", "cpu", "--epochs", "1"]).output().unwrap();
        assert!(!output.status.success());
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let table = format!("h = tf.nn.embedding_lookup(tf.get_variable('e', [5, 784]), self.y)\n{LAST}");
    let page = said(&model(&table, LOSS));
    assert!(page.contains("is not in [0, 5)") && page.contains("net.py:5"), "{page}");
    let page = said(&model(&format!("h = tf.log(h - 10)\n{LAST}"), LOSS));
    assert!(page.contains("net.py:5") && page.contains("with the weights that the run begins with"), "{page}");
    assert!(!page.contains("--lr"), "{page}");
}
