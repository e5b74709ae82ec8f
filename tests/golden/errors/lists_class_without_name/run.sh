printf 'cat\ndog\n' > labels.txt
printf 'a.png 0\nb.png 2\n' > train.txt
exec "$DIGITS" "$@"
