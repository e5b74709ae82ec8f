while true do
  pcall(string.gsub, ('x'):rep(100000), '.-.-.-.-y', '')
end
