# Binary segmentation: an image in, an image of the same size out. The label database holds the wanted images.
#
# Blocks of 16 x 16 pixels are turned into 1024 numbers and back, so sides must be multiples of 16.
# Input: [n, h, w, c].  Output: [n, h, w, 1].
class UserModel(Tower):

    @model_property
    def inference(self):
        assert self.input_shape[0] % 16 == 0 and self.input_shape[1] % 16 == 0, 'sides are multiples of 16'
        with slim.arg_scope([slim.conv2d, slim.conv2d_transpose],
                            weights_initializer=tf.contrib.layers.xavier_initializer(),
                            weights_regularizer=slim.l2_regularizer(0.0005)):
            model = tf.multiply(self.x, tf.constant(0.004))
            model = slim.conv2d(model, 32, [3, 3], padding='SAME', scope='conv1')
            model = slim.conv2d(model, 1024, [16, 16], padding='VALID', stride=16, scope='conv2')
            model = slim.conv2d_transpose(model, 1, [16, 16], stride=16, padding='VALID', activation_fn=None,
                                          scope='deconv_1')
        return model

    @model_property
    def loss(self):
        y = tf.reshape(self.y, shape=[-1, self.input_shape[0], self.input_shape[1], 1])
        # The wanted images hold 0 and 255; the network's numbers are a 255th of them.
        return digits.mse_loss(self.inference, y / 255.0)
