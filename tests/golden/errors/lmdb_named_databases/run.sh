mkdir db && mv data.mdb db/data.mdb
exec "$DIGITS" "$@"
