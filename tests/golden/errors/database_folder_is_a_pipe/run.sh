mkfifo db
exec "$DIGITS" "$@"
