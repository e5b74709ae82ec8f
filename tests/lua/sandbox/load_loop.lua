while true do
  loadstring('while true do end')()
end
