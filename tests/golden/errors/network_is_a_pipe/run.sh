mkfifo net.lua
exec "$DIGITS" "$@"
