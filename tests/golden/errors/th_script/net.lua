-- the line in the other file is shown
dofile("part.lua")
