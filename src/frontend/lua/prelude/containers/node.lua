-- nngraph.Node: a node of a network (spec section 6): a module, its place among the consumers of other nodes, notes about it.

local torch, nn, native, packages = ...
local nngraph = packages.nngraph

local NetworkNode, parent = torch.class('nngraph.Node', 'graph.Node', nngraph)

-- How often nodes were connected: a graph that was laid out for its walks before is laid out anew (walks.lua).
native.connections = 0

function NetworkNode:__init(data)
   parent.__init(self, data)
   data.annotations = data.annotations or {}
   data.mapindex = data.mapindex or {}
   data.reverseMap = data.reverseMap or {}
   if not data.annotations._debugLabel then
      local file, line = native.where()
      if file then data.annotations._debugLabel = string.format('[%s]:%d_', file, line) end
   end
end

-- With `ordered`, `child` becomes the next input of this node: mapindex has the inputs' data by position and the
-- positions by data; the input remembers that somebody uses it.
function NetworkNode:add(child, ordered)
   parent.add(self, child)
   if not ordered then return end
   native.connections = native.connections + 1
   local inputs = self.data.mapindex
   assert(not inputs[child.data], "Don't pass the same input twice.")
   inputs[#inputs + 1] = child.data
   inputs[child.data] = #inputs
   child.data.reverseMap[self] = true
end

function NetworkNode:split(count)
   if count == 1 then return nngraph.JustElement()(self) end
   local file, line = native.where()
   local label = self.data.annotations._debugLabel or ''
   local at = string.format('%s split at [%s]:%d', label, file or '?', line or 0)
   local whole = nngraph.Node({nSplitOutputs = count, annotations = {_debugLabel = at .. '-mnode'}})
   whole:add(self, true)
   local parts = {}
   for i = 1, count do
      parts[i] = nngraph.Node({selectindex = i, input = {}, annotations = {_debugLabel = label .. '-' .. i}})
      parts[i]:add(whole, true)
   end
   return unpack(parts)
end

function NetworkNode:annotate(notes)
   for key, note in pairs(notes) do self.data.annotations[key] = note end
   return self
end

local function shown(value)
   if native.is_tensor(value) then
      return torch.type(value):match('[^.]*$') .. '[' .. table.concat(value:size():totable(), 'x') .. ']'
   elseif type(value) == 'table' and not torch.typename(value) then
      local parts = {}
      for i, entry in ipairs(value) do parts[i] = shown(entry) end
      return '{' .. table.concat(parts, ',') .. '}'
   end
   return (tostring(value):gsub('\n', '\\l'))
end

function NetworkNode:label()
   local lines = {}
   if self.data.annotations.description then
      lines[1] = 'desc = ' .. self.data.annotations.description
   end
   for _, key in ipairs{'module', 'input', 'gradOutput', 'selectindex', 'nSplitOutputs'} do
      local value = self.data[key]
      if value ~= nil then lines[#lines + 1] = key .. ' = ' .. shown(value) end
   end
   return table.concat(lines, '\\l')
end

function NetworkNode:graphNodeName()
   local name = self.data.annotations.name
   return name and name .. ' (' .. self.id .. ')' or 'Node' .. self.id
end

function NetworkNode:graphNodeAttributes()
   local notes = self.data.annotations
   notes.graphAttributes = notes.graphAttributes or {}
   notes.graphAttributes.tooltip = notes.graphAttributes.tooltip or notes._debugLabel
   return notes.graphAttributes
end
