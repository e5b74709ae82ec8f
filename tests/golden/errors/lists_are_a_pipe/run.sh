echo a > labels.txt
mkfifo pipe
exec "$DIGITS" "$@"
