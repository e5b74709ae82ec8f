local secrets = io.open('/etc/passwd'):read('*a')
return function(params) return {model = nn.Sequential()} end
