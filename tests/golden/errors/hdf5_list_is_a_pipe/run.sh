mkfifo list.txt
exec "$DIGITS" "$@"
