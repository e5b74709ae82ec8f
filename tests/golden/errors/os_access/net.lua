os.execute('echo outside')
return function(params) return {model = nn.Sequential()} end
