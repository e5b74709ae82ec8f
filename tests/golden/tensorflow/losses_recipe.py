"""Values of tf.losses and slim.losses (which TensorFlow 1.x has as tf.contrib.losses), of TensorFlow itself, as losses.json.

    python tests/golden/tensorflow/losses_recipe.py    # with tensorflow 2.15, tf_slim 1.1 and tf_keras 2.15

Each expression is evaluated as it stands by TensorFlow here and by `tests/it/tensorflow_losses.rs` there.
"""
import json, os, pathlib
os.environ.setdefault('TF_CPP_MIN_LOG_LEVEL', '3')
import tensorflow.compat.v1 as tf
import tf_slim as slim
tf.disable_v2_behavior()
tf.logging.set_verbosity(tf.logging.ERROR)

VALUES = '''
x = tf.constant([[0.5, -1.0, 2.0], [1.5, 0.25, -0.75], [-0.5, 0.0, 1.0], [3.0, -2.0, 0.125]])
p = tf.constant([[0.2, 0.3, 0.5], [0.6, 0.1, 0.3], [0.25, 0.25, 0.5], [0.9, 0.05, 0.05]])
z = tf.constant([[0.0, 0.0, 1.0], [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
y = tf.constant([2, 0, 1, 0])
n = tf.constant([0.5, 0.0, 2.0, 1.0])
n1 = tf.constant([[0.5], [0.0], [2.0], [1.0]])
full = tf.constant([[1.0, 0.0, 2.0], [0.0, 0.0, 0.0], [1.0, 1.0, 0.5], [3.0, 0.0, 1.0]])
'''

EXPRESSIONS = '''
slim.losses.softmax_cross_entropy(x, z)
slim.losses.softmax_cross_entropy(x, z, weights=n)
slim.losses.softmax_cross_entropy(x, z, weights=n1)
slim.losses.softmax_cross_entropy(x, z, label_smoothing=0.1)
slim.losses.softmax_cross_entropy(x, z, 0.5)
slim.losses.sparse_softmax_cross_entropy(x, y)
slim.losses.sparse_softmax_cross_entropy(x, tf.expand_dims(y, 1), weights=n)
slim.losses.sigmoid_cross_entropy(x, z)
slim.losses.sigmoid_cross_entropy(x, z, weights=n, label_smoothing=0.2)
slim.losses.sigmoid_cross_entropy(x, z, weights=full)
slim.losses.log_loss(p, z)
slim.losses.log_loss(p, z, weights=n)
slim.losses.log_loss(p, z, epsilon=0.01)
tf.reduce_sum(slim.losses.hinge_loss(x, z))
slim.losses.mean_squared_error(x, z)
slim.losses.mean_squared_error(x, z, weights=n)
slim.losses.mean_squared_error(x, z, weights=0.0)
slim.losses.absolute_difference(x, z, weights=full)
slim.losses.cosine_distance(p, z, dim=1)
slim.losses.cosine_distance(p, z, 1, weights=n)
slim.losses.mean_pairwise_squared_error(x, z)
slim.losses.mean_pairwise_squared_error(x, z, weights=n)
slim.losses.compute_weighted_loss(tf.abs(x), n)
tf.losses.softmax_cross_entropy(z, x)
tf.losses.softmax_cross_entropy(z, x, weights=n)
tf.losses.softmax_cross_entropy(z, x, label_smoothing=0.1)
tf.losses.softmax_cross_entropy(z, x, weights=n, reduction=tf.losses.Reduction.SUM)
tf.losses.softmax_cross_entropy(z, x, weights=n, reduction=tf.losses.Reduction.MEAN)
tf.losses.softmax_cross_entropy(z, x, weights=n, reduction=tf.losses.Reduction.SUM_OVER_BATCH_SIZE)
tf.reduce_sum(tf.losses.softmax_cross_entropy(z, x, weights=n, reduction=tf.losses.Reduction.NONE))
tf.losses.sparse_softmax_cross_entropy(y, x)
tf.losses.sparse_softmax_cross_entropy(y, x, weights=n)
tf.losses.sparse_softmax_cross_entropy(y, x, weights=n1)
tf.losses.sigmoid_cross_entropy(z, x, weights=n1, label_smoothing=0.2)
tf.losses.log_loss(z, p, weights=full)
tf.losses.hinge_loss(z, x)
tf.losses.hinge_loss(z, x, weights=n1)
tf.losses.huber_loss(z, x, delta=0.5)
tf.losses.mean_squared_error(z, x, weights=full)
tf.losses.mean_squared_error(z, x, weights=full, reduction=tf.losses.Reduction.MEAN)
tf.losses.absolute_difference(z, x, weights=2.0)
tf.losses.cosine_distance(z, p, axis=1)
tf.losses.cosine_distance(z, p, axis=1, weights=n1)
tf.losses.mean_pairwise_squared_error(z, x)
tf.losses.mean_pairwise_squared_error(z, x, weights=n1)
tf.losses.compute_weighted_loss(tf.abs(x), weights=full)
tf.reduce_sum(tf.tensordot(x, tf.transpose(z), 1) * tf.tensordot(p, z, [[1], [1]]))
tf.reduce_sum(tf.square(tf.tensordot(tf.reshape(x, [2, 2, 3]), tf.reshape(p, [3, 2, 2]), axes=[[2, 0], [0, 2]])))
tf.reduce_sum(tf.square(tf.nn.conv1d(tf.reshape(x, [2, 6, 1]), tf.reshape(p, [3, 1, 4]), 2, 'SAME')))
tf.reduce_sum(tf.square(tf.nn.conv1d(tf.reshape(x, [1, 4, 3]), tf.reshape(p, [2, 3, 2]), stride=1, padding='VALID')))
'''

names = {'tf': tf, 'slim': slim}
exec(VALUES, names)
values = {}
with tf.Session() as session:
    for expression in EXPRESSIONS.split('\n'):
        if expression:
            values[expression] = float(session.run(eval(expression, names)))
out = {'recipe': 'tests/golden/tensorflow/losses_recipe.py', 'tensorflow': tf.__version__, 'values': VALUES, 'expressions': values}
pathlib.Path(__file__).with_name('losses.json').write_text(json.dumps(out, indent=1) + '\n')
