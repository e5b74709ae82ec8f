# Every symbol and every form that DIGITS' own TensorFlow networks use, once: one branch in the manner of each.
from __future__ import division, print_function
import tensorflow as tf
import tensorflow.contrib.slim as slim
from tensorflow.contrib import layers as contrib_layers
from tensorflow.contrib.layers import xavier_initializer
from model import Tower
from utils import model_property
import utils as digits
import math
import functools

image_summary = tf.summary.image
scalar_summary = tf.summary.scalar
histogram_summary = tf.summary.histogram
merge_summary = tf.summary.merge


def chi_square(histogram, bins=8):
    expected = tf.div(tf.reduce_sum(histogram), float(bins))
    return tf.reduce_sum(tf.square(histogram - expected) / expected)


class batch_norm(object):
    """Batch normalisation whose parameters are kept by name."""

    def __init__(self, epsilon=1e-5, momentum=0.9, name='batch_norm'):
        with tf.variable_scope(name):
            self.epsilon, self.momentum, self.name = epsilon, momentum, name

    def __call__(self, x, train=True):
        return tf.contrib.layers.batch_norm(x, decay=self.momentum, updates_collections=None, epsilon=self.epsilon,
                                            scale=True, is_training=train, scope=self.name)


class Inception(object):
    kinds = {'3a': [4, 3, 6, 2, 4, 2]}

    def __init__(self, x, key):
        self.x, self.sizes = x, self.kinds[key]

    def weight(self, name, shape, initializer=None):
        return tf.get_variable(name, shape, initializer=initializer or xavier_initializer())

    def conv(self, x, outputs, kernel, name, stride=1):
        inputs = x.get_shape().as_list()[-1]
        w = self.weight(name + '_w', [kernel, kernel, inputs, outputs])
        b = self.weight(name + '_b', [outputs], tf.constant_initializer(0.2))
        y = tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding='SAME')
        return tf.nn.relu(tf.nn.bias_add(y, b), name=name)

    def build(self):
        one, r3, three, r5, five, proj = self.sizes
        pooled = tf.nn.max_pool(self.x, ksize=[1, 3, 3, 1], strides=[1, 1, 1, 1], padding='SAME')
        branches = [
            self.conv(self.x, one, 1, 'one'),
            self.conv(self.conv(self.x, r3, 1, 'reduce3'), three, 3, 'three'),
            self.conv(self.conv(self.x, r5, 1, 'reduce5'), five, 5, 'five'),
            self.conv(pooled, proj, 1, 'project'),
        ]
        return tf.concat(axis=3, values=branches)


class UserModel(Tower):

    def __init__(self, *args, **kwargs):
        super(UserModel, self).__init__(*args, **kwargs)
        self.dcgan(gf_dim=4)

    def dcgan(self, gf_dim=64, z_dim=10):
        self.batch_size = tf.shape(self.x)[0]
        self.bn = batch_norm(name='g_bn')
        height, width, channels = self.input_shape[0], self.input_shape[1], int(self.input_shape[2])
        if not self.is_inference:
            y = tf.one_hot(self.y, depth=self.nclasses or 1, on_value=1.0, off_value=0.0, axis=-1, dtype=tf.float32)
            z = tf.random_normal(shape=[self.batch_size, z_dim], dtype=tf.float32, seed=None, name='z')
        else:
            flat = tf.reshape(self.x, [self.batch_size, height * width * channels])
            z, y = flat[:, 0:z_dim], flat[:, z_dim:z_dim + self.nclasses]
            self.z_tail = flat[:, -1]
        z = tf.concat([z, y], 1)
        self.writer = tf.summary.FileWriter('./tb/', None)
        with tf.variable_scope('generator') as scope:
            w = tf.get_variable('g_w', [z.get_shape()[1], gf_dim * (height // 2) * (width // 2)], tf.float32,
                                tf.random_normal_initializer(stddev=0.02))
            h = tf.reshape(tf.matmul(z, w), [-1, height // 2, width // 2, gf_dim])
            h = tf.nn.relu(self.bn(h, train=self.is_training))
            k = tf.get_variable('g_k', [5, 5, channels, h.get_shape()[-1]],
                                initializer=tf.truncated_normal_initializer(stddev=0.02))
            h = tf.nn.conv2d_transpose(h, k, output_shape=[self.batch_size, height, width, channels],
                                       strides=[1, 2, 2, 1])
            self.G = (tf.nn.tanh(h) / 2. + 0.5)
            scope.reuse_variables()
        if self.is_inference:
            return
        both = [tf.nn.sigmoid_cross_entropy_with_logits(logits=self.logits(image), labels=label(self.logits(image)))
                for image, label in ((self.x / 255, tf.ones_like), (self.G, tf.zeros_like)) if image is not None]
        self.d_loss, self.g_loss = tf.reduce_mean(both[0] + both[1]), tf.reduce_mean(both[1])
        histogram = tf.histogram_fixed_width(tf.reshape(self.G, [-1]), [0.0, 1.0], nbins=8, dtype=tf.float32)
        self.summaries.append(scalar_summary('loss/chi_square', chi_square(histogram)))
        self.summaries.append(histogram_summary('z', z))
        self.summaries.append(image_summary('G', self.G, max_outputs=5))
        self.summary = merge_summary([scalar_summary('d', self.d_loss), scalar_summary('g', self.g_loss)])
        self.summaries.append(self.summary)
        self.gen = [v for v in tf.trainable_variables() if 'g_' in v.name]
        self.dis = [v for v in tf.trainable_variables() if 'd_' in v.name or v.name.startswith('d_')]

    def logits(self, image):
        with tf.variable_scope('discriminator', reuse=tf.AUTO_REUSE):
            x = tf.maximum(image, 0.2 * image)
            w = tf.get_variable('d_w', [image.get_shape()[1] * image.get_shape()[2] * image.get_shape()[3], 1])
            return tf.matmul(slim.flatten(x), w)

    @model_property
    def inference(self):
        with slim.arg_scope([slim.conv2d, slim.fully_connected, slim.conv2d_transpose],
                            weights_initializer=tf.contrib.layers.xavier_initializer(),
                            weights_regularizer=slim.l2_regularizer(1e-6)) as sc:
            x = tf.reshape(self.x, shape=[-1] + list(self.input_shape))
            x = tf.multiply(x, tf.constant(0.0125))
            model = slim.conv2d(x, 8, [3, 3], 2, padding='VALID', scope='conv1')
            model = slim.max_pool2d(model, [3, 3], 2, padding='VALID', scope='pool1')
            model = slim.repeat(model, 2, slim.conv2d, 8, [3, 3], scope='conv2')
        with slim.arg_scope(sc):
            model = slim.conv2d_transpose(model, 4, [2, 2], stride=2, padding='VALID', activation_fn=None, scope='deconv')
        model = Inception(model, '3a').build()
        model = tf.nn.avg_pool(model, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding='SAME')
        if self.is_training:
            model = tf.nn.dropout(model, 0.9)
        model = slim.flatten(model, scope='flat')
        model = slim.dropout(model, 0.5, is_training=self.is_training, scope='do')
        left, right = tf.split(model, 2, 1)
        with tf.variable_scope('pair') as scope:
            a = slim.fully_connected(left, 6, scope='fc')
            scope.reuse_variables()
            b = slim.fully_connected(right, 6, scope='fc')
        self.distance = digits.constrastive_loss(lhs=a, rhs=b, y=tf.to_float(tf.zeros([self.batch_size])))
        model = tf.add(tf.transpose(tf.transpose(a, perm=[1, 0])), b)
        model = tf.Print(model, [tf.shape(model)], message='sizes')
        w = tf.get_variable('last', [6, self.nclasses])
        return tf.add(tf.matmul(model, w), tf.get_variable('bias', (self.nclasses,), initializer=tf.constant_initializer(0.0)))

    @model_property
    def loss(self):
        loss = digits.classification_loss(self.inference, self.y)
        accuracy = digits.classification_accuracy(self.inference, self.y)
        self.summaries.append(tf.summary.scalar(accuracy.op.name, accuracy))
        top = digits.classification_accuracy_top_n(self.inference, self.y, 2)
        self.summaries.append(tf.summary.scalar(top.op.name, top))
        others = [v for v in tf.trainable_variables() if v not in self.gen and v not in self.dis]
        return [
            {'loss': loss + 0.0 * self.distance + digits.mse_loss(self.G, self.x) * 0, 'vars': others},
            {'loss': self.d_loss, 'vars': self.dis},
            {'loss': self.g_loss, 'vars': self.gen},
        ]
