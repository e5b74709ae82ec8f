printf 'cat\ndog\n' > labels.txt
printf 'a.png\n# 1 image\n' > train.txt
exec "$DIGITS" "$@"
