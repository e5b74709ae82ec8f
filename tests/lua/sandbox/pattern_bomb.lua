string.find(('a'):rep(50), ('a?'):rep(50) .. ('a'):rep(50))
