-- csvigo over files: what is written is read again, in every mode. The argument is a file to write.
local path = ...
local csvigo = require 'csvigo'
local function same(a, b) assert(require('cjson').encode(a) == require('cjson').encode(b), require('cjson').encode(a)) end

csvigo.save{path = path, data = {{'name', 'words', 'n'}, {'a', 'one, "two"', 1}, {'b', 'three\nfour', 2}, {'c', '', 2}}}
same(csvigo.load{path = path, mode = 'raw'}[2], {'a', 'one, "two"', '1'})
local tidy = csvigo.load(path)
same(tidy.words, {'one, "two"', 'three\nfour', ''})
local query = csvigo.load{path = path, mode = 'query'}
same(query('vars'), {'name', 'words', 'n'})
same(query('union', {n = 2}).name, {'b', 'c'})
same(query('inter', {n = {1, 2}, name = 'c'}).name, {'c'})
local large = csvigo.load{path = path, mode = 'large'}
assert(large[3][1] == 'b' and not pcall(function() large[1] = {} end))
csvigo.save(path, {x = {1, 2}, y = {3, 4}})
same(csvigo.load{path = path, mode = 'raw'}, {{'x', 'y'}, {'1', '3'}, {'2', '4'}})
csvigo.save{path = path, data = torch.Tensor{{1, 2}, {3, 4}}, separator = ';'}
same(csvigo.load{path = path, separator = ';', header = false}, {var_1 = {'1', '3'}, var_2 = {'2', '4'}})
assert(not pcall(csvigo.load, path .. '.none'))
print 'csv ok'
