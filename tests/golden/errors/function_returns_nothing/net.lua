return function(params)
    local net = nn.Sequential():add(nn.Linear(784, 10))
end
