-- graph: drawing. Trusted scripts get a Graphviz file; a network file's call does nothing.

local torch, nn, native, packages = ...
local graph = packages.graph

local function quoted(text)
   text = tostring(text)
   if not text:find('[^%a]') then return text end
   return '"' .. text:gsub('\n', '\\n'):gsub('"', '\\"') .. '"'
end

local Graph = torch.getmetatable('graph.Graph')

-- The text of a Graphviz file.
function Graph:todot(title)
   local lines = {'digraph G {'}
   if title then lines[#lines + 1] = 'labelloc="t"; label=' .. quoted(title) .. ';' end
   lines[#lines + 1] = 'node [shape = oval];'
   for _, node in ipairs(self.nodes) do
      local attributes = {}
      for key, value in pairs(node.graphNodeAttributes and node:graphNodeAttributes() or {}) do
         attributes[#attributes + 1] = key .. '=' .. quoted(value)
      end
      local name = node.graphNodeName and node:graphNodeName() or 'Node' .. node.id
      attributes[#attributes + 1] = 'label=' .. quoted(name .. '\n' .. node:label())
      table.sort(attributes)
      lines[#lines + 1] = string.format('n%d [%s];', node.id, table.concat(attributes, ' '))
   end
   for _, edge in ipairs(self.edges) do
      lines[#lines + 1] = string.format('n%d -> n%d;', edge.from.id, edge.to.id)
   end
   lines[#lines + 1] = '}'
   return table.concat(lines, '\n') .. '\n'
end

function graph.dot(g, title, name)
   if not (native.files.trusted() and name) then return end
   local file = assert(io.open(name .. '.dot', 'w'))
   file:write(g:todot(title))
   file:close()
end
