mkdir db && mkfifo db/data.mdb
exec "$DIGITS" "$@"
