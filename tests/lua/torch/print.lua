-- Printed forms, byte for byte (spec 3.5).
local function shows(value, text)
   assert(tostring(value) == text, 'wanted:\n' .. text .. 'got:\n' .. tostring(value))
end
shows(torch.Tensor(), '[torch.DoubleTensor with no dimension]\n')
shows(torch.Tensor{1, 2, 3}, ' 1\n 2\n 3\n[torch.DoubleTensor of size 3]\n')
shows(torch.FloatTensor{{0.5, 1}, {-2, 3}}, ' 0.5000  1.0000\n-2.0000  3.0000\n[torch.FloatTensor of size 2x2]\n')
shows(torch.Tensor{{1000.5, 1}}, ' 1000.5000     1.0000\n[torch.DoubleTensor of size 1x2]\n')
shows(torch.Tensor{0.001, 0.002}, '0.001 *\n 1.0000\n 2.0000\n[torch.DoubleTensor of size 2]\n')
shows(torch.LongTensor(2, 1, 2):fill(7), '(1,.,.) = \n  7  7\n\n(2,.,.) = \n  7  7\n[torch.LongTensor of size 2x1x2]\n')
shows(torch.LongStorage{2, 3}, ' 2\n 3\n[torch.LongStorage of size 2]\n')
local meta = getmetatable(torch.FloatTensor)
meta.__tostring__ = function(t) return 'mine ' .. t:nElement() end
shows(torch.FloatTensor(3), 'mine 3')
