# The numbers of characters are no grey levels, of which there would be a mean.
printf 'good,abc\ngood,abd\nbad,xyz\nbad,xyy\n' > texts.csv
"$DIGITS" dataset text --train texts.csv --length 16 --out data > made.txt
cat > net.lua <<'END'
return function(params)
  local net = nn.Sequential():add(nn.View(-1):setNumInputDims(3))
  return { model = net:add(nn.Linear(16, params.nclasses)):add(nn.LogSoftMax()) }
end
END
exec "$DIGITS" "$@"
