mkdir images && mv images.mdb images/data.mdb
mkdir labels && mv labels.mdb labels/data.mdb
exec "$DIGITS" "$@"
