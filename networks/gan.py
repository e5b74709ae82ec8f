# A generative adversarial network for 28 x 28 digits: one network paints digits out of noise, another tells them from
# real ones, and each learns from the other's mistakes.
#
# Input: [n, 28, 28, 1], grey levels 0..255 (--subtract-mean none).  Output: painted digits [n, 28, 28, 1], 0..255.
# For testing, the noise itself is drawn anew: any image asks for another digit.
image_size = 28
noise_size = 64


def leaky_relu(x, leak=0.2):
    return tf.maximum(x, leak * x)


def linear(x, outputs, name):
    with tf.variable_scope(name):
        weights = tf.get_variable('w', [x.get_shape()[-1], outputs], tf.float32,
                                  tf.random_normal_initializer(stddev=0.02))
        biases = tf.get_variable('b', [outputs], initializer=tf.constant_initializer(0.0))
        return tf.matmul(x, weights) + biases


def conv(x, outputs, name, kernel=5, stride=2):
    with tf.variable_scope(name):
        weights = tf.get_variable('w', [kernel, kernel, x.get_shape()[-1], outputs],
                                  initializer=tf.truncated_normal_initializer(stddev=0.02))
        biases = tf.get_variable('b', [outputs], initializer=tf.constant_initializer(0.0))
        return tf.nn.bias_add(tf.nn.conv2d(x, weights, strides=[1, stride, stride, 1], padding='SAME'), biases)


def deconv(x, output_shape, name, kernel=5, stride=2):
    with tf.variable_scope(name):
        weights = tf.get_variable('w', [kernel, kernel, output_shape[-1], x.get_shape()[-1]],
                                  initializer=tf.random_normal_initializer(stddev=0.02))
        biases = tf.get_variable('b', [output_shape[-1]], initializer=tf.constant_initializer(0.0))
        y = tf.nn.conv2d_transpose(x, weights, output_shape=output_shape, strides=[1, stride, stride, 1])
        return tf.reshape(tf.nn.bias_add(y, biases), [-1] + output_shape[1:])


class batch_norm(object):
    """Normalises with the batch's own statistics in training, and keeps running ones."""

    def __init__(self, name, epsilon=1e-5, momentum=0.9):
        self.name = name
        self.epsilon = epsilon
        self.momentum = momentum

    def __call__(self, x, train=True):
        return tf.contrib.layers.batch_norm(x, decay=self.momentum, updates_collections=None, epsilon=self.epsilon,
                                            scale=True, is_training=train, scope=self.name)


class UserModel(Tower):

    def __init__(self, *args, **kwargs):
        super(UserModel, self).__init__(*args, **kwargs)
        self.batch_size = tf.shape(self.x)[0]
        self.g_bn = [batch_norm(name='g_bn%d' % i) for i in range(3)]
        self.d_bn = batch_norm(name='d_bn1')

        noise = tf.random_uniform([self.batch_size, noise_size], -1.0, 1.0, name='z')
        self.G = self.generator(noise)
        if self.is_inference:
            return
        real = self.x / 255.0
        D_real = self.discriminator(real, reuse=False)
        D_fake = self.discriminator(self.G, reuse=True)

        def cost(logits, label):
            return tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(logits=logits,
                                                                          labels=label * tf.ones_like(logits)))

        # real digits count as 0.9 only: a discriminator that is too sure teaches nothing
        self.d_loss = cost(D_real, 0.9) + cost(D_fake, 0.0)
        self.g_loss = cost(D_fake, 1.0)
        self.summaries.append(tf.summary.scalar('d_loss', self.d_loss))
        self.summaries.append(tf.summary.scalar('g_loss', self.g_loss))

        variables = tf.trainable_variables()
        self.d_vars = [var for var in variables if 'd_' in var.name]
        self.g_vars = [var for var in variables if 'g_' in var.name]

    def generator(self, z):
        with tf.variable_scope('generator'):
            quarter, half = image_size // 4, image_size // 2
            h = linear(z, 64 * quarter * quarter, 'g_h0')
            h = tf.reshape(h, [-1, quarter, quarter, 64])
            h = tf.nn.relu(self.g_bn[0](h, train=self.is_training))
            h = deconv(h, [self.batch_size, half, half, 32], name='g_h1')
            h = tf.nn.relu(self.g_bn[1](h, train=self.is_training))
            h = deconv(h, [self.batch_size, image_size, image_size, 1], name='g_h2')
            return tf.nn.sigmoid(h)

    def discriminator(self, image, reuse):
        with tf.variable_scope('discriminator') as scope:
            if reuse:
                scope.reuse_variables()
            h = leaky_relu(conv(image, 32, name='d_h0'))
            h = leaky_relu(self.d_bn(conv(h, 64, name='d_h1'), train=self.is_training))
            h = slim.flatten(h)
            return linear(h, 1, 'd_h2')

    @model_property
    def inference(self):
        return self.G * 255

    @model_property
    def loss(self):
        return [
            {'loss': self.d_loss, 'vars': self.d_vars},
            {'loss': self.g_loss, 'vars': self.g_vars},
        ]
