# A siamese network: do two images of 28 x 28 pixels show the same thing?
#
# A pair is one image: the last two of its channels are the two pictures. Both go through the same layers, which make two
# numbers of each; the loss wants equal pairs close together and others at least a distance of 1 apart.
# The label database holds 1 (same) or 0 (different).  Input: [n, 28, 28, 2 or 3].  Output: a list of two [n, 2].
class UserModel(Tower):

    @model_property
    def inference(self):
        _, height, width, channels = self.x.get_shape().as_list()
        assert channels >= 2, 'a pair needs two channels'
        x = self.x[..., channels - 2:] * 0.03

        def branch(picture):
            with slim.arg_scope([slim.conv2d, slim.fully_connected],
                                weights_initializer=tf.contrib.layers.xavier_initializer(),
                                weights_regularizer=slim.l2_regularizer(0.0005)):
                with tf.variable_scope('siamese') as scope:
                    model = slim.conv2d(picture, 20, [5, 5], padding='VALID', activation_fn=None, scope='conv1')
                    model = slim.max_pool2d(model, [2, 2], padding='VALID', scope='pool1')
                    model = slim.conv2d(model, 50, [5, 5], padding='VALID', activation_fn=None, scope='conv2')
                    model = slim.max_pool2d(model, [2, 2], padding='VALID', scope='pool2')
                    model = slim.flatten(model)
                    model = slim.fully_connected(model, 500, scope='fc1')
                    return slim.fully_connected(model, 2, activation_fn=None, scope='fc2'), scope

        left, right = tf.split(x, 2, 3)
        with tf.variable_scope(tf.get_variable_scope()) as outer:
            first, _ = branch(left)
            outer.reuse_variables()
            second, _ = branch(right)
        return [first, second]

    @model_property
    def loss(self):
        y = tf.to_float(tf.reshape(self.y, shape=[-1]))
        return digits.constrastive_loss(self.inference[0], self.inference[1], y)
