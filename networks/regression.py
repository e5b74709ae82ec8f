# Regression: the gradients along x and y of an image that is a plane of grey levels. The label database holds both.
#
# Input: [n, h, w, c] of any size.  Output: [n, 2].  In plain TensorFlow, without TF-Slim.
class UserModel(Tower):

    @model_property
    def inference(self):
        pixels = self.input_shape[0] * self.input_shape[1] * self.input_shape[2]
        # grey levels to about -0.5 .. 0.5
        x = tf.multiply(self.x, tf.constant(0.004))
        x = tf.reshape(x, shape=[-1, pixels])
        weights = tf.get_variable('W', [pixels, 2])
        bias = tf.get_variable('b', [2], initializer=tf.constant_initializer(0.0))
        return tf.add(tf.matmul(x, weights), bias)

    @model_property
    def loss(self):
        label = tf.reshape(self.y, shape=[-1, 2])
        return digits.mse_loss(self.inference, label)
