return {model = nn.Sequential():add(nn.SpatialConvolution(1, 2, 3, 3))}
