require 'nn'
require 'cuddn'
return function(params) return {model = nn.Sequential()} end
