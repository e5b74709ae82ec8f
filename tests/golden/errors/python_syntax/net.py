class UserModel(Tower)
    pass
