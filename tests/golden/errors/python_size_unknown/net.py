class UserModel(Tower):
    @model_property
    def inference(self):
        print("in inference")
        x = tf.reshape(self.x, shape=[-1, self.input_shape[0] * 2])
        return x
