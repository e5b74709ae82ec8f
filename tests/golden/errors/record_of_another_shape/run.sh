mkdir db && mv data.mdb db/
exec "$DIGITS" "$@"
