//! Hostile network files in Python, DIGITS' TensorFlow form: whole ones with other tokens, lines and statements that mean harm.
//! What still is a network is trained for two steps.

use std::{fs, time::Duration};

use digits::{
    data::Random,
    error::Result,
    frontend::{
        LabelShape, NetworkParams, Source,
        python::Options,
        tensorflow_file::{Purpose, load},
    },
    nn::Activity,
    optim::OptimizerSpec,
    torch::memory,
    train::engine::{EngineOptions, engine},
};

use crate::{
    mutate::any,
    target::{self, Answer, Target},
    texts::Language,
};

const WORDS: &[&str] = &[
    "0",
    "-1",
    "0.5",
    "1e300",
    "1 << 40",
    "10 ** 18",
    "2 ** 63",
    "-2 ** 63",
    "float('nan')",
    "float('inf')",
    "None",
    "True",
    "''",
    "()",
    "[]",
    "{}",
    "[None]",
    "'a' * (1 << 40)",
    "[0] * (1 << 33)",
    "range(10 ** 18)",
    "lambda: 0",
    "tf",
    "slim",
    "self",
    "self.x",
    "self.y",
    "type",
    "object",
    "tf.float64",
    "tf.int32",
    "[-1, 2 ** 40]",
    "[[1, 2], [3]]",
    "b'x'",
    "1j",
    "...",
];

const LINES: &[&str] = &[
    "while True: pass",
    "for i in range(10 ** 18): x = i",
    "while True:\n            pass",
    "a = 'a' * (1 << 40)",
    "a = [0] * (1 << 33)",
    "a = [[]] * 10 ** 8",
    "a = 'x'\n        for i in range(60): a = a + a",
    "a = []\n        a.append(a)\n        str(a)",
    "a = {}\n        a['a'] = a\n        print(a)",
    "a = ()\n        for i in range(10 ** 5): a = (a,)",
    "9 ** 9 ** 9",
    "1 << 10 ** 9",
    "2 ** 63 // -1",
    "-2 ** 63 % -1",
    "f = lambda f: f(f)\n        f(f)",
    "def g(): return g()\n        g()",
    "'%99999999d' % 1",
    "'{:>99999999}'.format(1)",
    "'{0[0][0]}'.format([[1]])",
    "'{0.__class__}'.format(1)",
    "sorted(range(10 ** 9))",
    "sum(range(10 ** 18))",
    "list(map(str, range(10 ** 9)))",
    "import os",
    "from tensorflow.python import ops",
    "__import__('os').system('true')",
    "open('/etc/passwd').read()",
    "eval('1')",
    "exec('x = 1')",
    "globals()",
    "().__class__.__bases__[0].__subclasses__()",
    "self.__class__ = int",
    "self.__dict__ = {}",
    "del self.x",
    "raise Exception('x' * 10 ** 7)",
    "raise",
    "try: raise ValueError\n        except: pass",
    "assert False",
    "yield 1",
    "global x",
    "self.x = self.x + self.x",
    "x = tf.reshape(self.x, [-1, 2 ** 40])",
    "x = tf.reshape(self.x, [-1, -1])",
    "x = tf.reshape(self.x, [0])",
    "x = tf.tile(self.x, [1, 2 ** 20, 2 ** 20, 1])",
    "x = tf.zeros([2 ** 31, 2 ** 31])",
    "x = tf.constant([1] * 10 ** 6, shape=[10 ** 6])",
    "x = tf.get_variable('w', [2 ** 30, 2 ** 30])",
    "x = tf.get_variable('w', [-1])",
    "x = tf.Variable(tf.zeros([10 ** 5, 10 ** 5]))",
    "x = tf.concat([self.x] * 1000, 3)",
    "x = tf.split(self.x, 0, 1)",
    "x = tf.expand_dims(self.x, 10 ** 9)",
    "x = tf.transpose(self.x, [0, 0, 0, 0])",
    "x = tf.one_hot(tf.to_int32(self.y), 2 ** 40)",
    "x = tf.gather(self.x, [10 ** 9])",
    "x = tf.pad(self.x, [[0, 2 ** 30]] * 4)",
    "x = tf.nn.conv2d(self.x, tf.zeros([0, 0, 1, 1]), [1, 0, 0, 1], 'SAME')",
    "x = slim.conv2d(self.x, 2 ** 40, [3, 3])",
    "x = slim.conv2d(self.x, 4, [0, 0], stride=0)",
    "x = slim.max_pool2d(self.x, [10 ** 9, 10 ** 9])",
    "x = slim.fully_connected(self.x, -5)",
    "x = slim.dropout(self.x, float('nan'))",
    "x = slim.repeat(self.x, 10 ** 6, slim.conv2d, 4, [3, 3])",
    "x = slim.stack(self.x, slim.fully_connected, [10] * 10 ** 5)",
    "with tf.variable_scope('a', reuse=True): x = tf.get_variable('new', [1])",
    "with tf.variable_scope('a' * 10 ** 6): pass",
    "x = self.x\n        for i in range(10 ** 4): x = x + 1",
    "x = self.x[2 ** 62:, ::0]",
    "x = self.x[..., None, None, None, None, None, None]",
    "x = tf.while_loop(lambda i: True, lambda i: i, [0])",
    "x = tf.cond(True, lambda: self.x, lambda: 1)",
    "x = tf.map_fn(lambda v: v, self.x)",
    "model = self.inference",
    "return self.loss",
    "return self",
    "return [self.x, [self.x]]",
    "return [{'loss': self.x, 'vars': 1}]",
    "return tf.reduce_mean(self.x) / 0",
];

fn language() -> Language {
    let names = ["autoencoder", "binary-segmentation", "gan", "lenet", "regression", "siamese"];
    let read = |name: &str| fs::read_to_string(format!("{}/networks/{name}.py", env!("CARGO_MANIFEST_DIR"))).unwrap();
    Language { files: names.map(read).to_vec(), lines: LINES, words: WORDS }
}

fn trained(text: &str, labels: LabelShape) -> Result<()> {
    const BATCH: i64 = 3;
    let options = Options { processor_time: Duration::from_millis(500), memory_limit: 64 << 20, ..Options::default() };
    // Two of the files take pairs of images, or sides that can be halved four times.
    let is_of_two = text.contains("% 16 == 0") || text.contains("channels >= 2");
    let shape = if is_of_two { [2, 32, 32] } else { [1, 28, 28] };
    let params = NetworkParams { input_shape: Some(shape), nclasses: Some(10), ngpus: 0, labels };
    let file = load(Source::pasted("net.py", text), &params, options, 1)?;
    let lowered = file.lower(Purpose::Training, tch::Kind::Float, tch::Device::Cpu)?;
    let options = EngineOptions { batch_size: BATCH as usize, threads: 1, ..EngineOptions::default() };
    let mut engine = engine(lowered.network, &OptimizerSpec::tensorflow("sgd", 0.9)?, &options)?;
    let [c, h, w] = shape;
    let images = tch::Tensor::rand([BATCH, c, h, w], (tch::Kind::Float, tch::Device::Cpu)) * 255;
    let target = match labels {
        _ if lowered.target_is_input => images.shallow_clone(),
        LabelShape::Scalar | LabelShape::Unknown => tch::Tensor::from_slice(&[1.0f32, 2.0, 10.0]),
        LabelShape::Image(_) => tch::Tensor::rand([BATCH, 1, 28, 28], (tch::Kind::Float, tch::Device::Cpu)),
    };
    let target = Activity::Tensor(target);
    for _ in 0..2 {
        engine.step(&images, &target, 0.01, 1)?;
    }
    engine.take_losses()?;
    engine.evaluate(&images, &target)?;
    Ok(())
}

#[test]
fn hostile_files_train_or_get_a_page() {
    memory::set_common_limit(512 << 20);
    tch::set_num_threads(1);
    let language = language();
    target::keep("python", &language.bytes());
    language.try_whole(&mut |text| {
        trained(text, LabelShape::Scalar).or_else(|_| trained(text, LabelShape::Image(Some([1, 28, 28]))))
    });
    let test = "python_files::hostile_files_train_or_get_a_page";
    Target { name: "hostile Python", test, inputs: 120, memory: 1 << 30 }.run(
        &mut |random: &mut Random| language.damaged(random).into_bytes(),
        &mut |bytes| {
            let text = std::str::from_utf8(bytes).unwrap();
            let kinds =
                [LabelShape::Scalar, LabelShape::Scalar, LabelShape::Image(Some([1, 28, 28])), LabelShape::Image(None)];
            let labels = any(&mut Random::new(&[bytes.len() as u64]), &kinds);
            Answer::of(trained(text, labels))
        },
    );
}
