# Lines without a class or without a text.
printf ',a text\ngood,\n' > texts.csv
exec "$DIGITS" "$@"
