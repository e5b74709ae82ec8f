# Two classes of 60 grey images, 4x4, and a dataset of them.
for class in a b; do
    mkdir -p images/$class
    for i in $(seq 60); do
        printf 'P2\n4 4\n255\n0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 %s\n' $i > images/$class/$i.pgm
    done
done
"$DIGITS" dataset folder images --out data --size 4x4 --channels 1 --encoding none >/dev/null 2>&1
# The first page below the root is the one after the last: a node lies where the table of nodes says.
page=$(od -An -tu8 -j$(( 16 + 112 )) -N8 data/train_db/data.mdb)
other=$(od -An -tu8 -j$(( 4096 + 16 + 112 )) -N8 data/train_db/data.mdb)
[ "$(od -An -tu8 -j$(( 4096 + 16 + 128 )) -N8 data/train_db/data.mdb)" -gt "$(od -An -tu8 -j$(( 16 + 128 )) -N8 data/train_db/data.mdb)" ] && page=$other
node=$(od -An -tu2 -j$(( page * 4096 + 16 )) -N2 data/train_db/data.mdb)
printf '\377\377\377\177' | dd of=data/train_db/data.mdb bs=1 seek=$(( page * 4096 + node )) conv=notrunc 2>/dev/null
exec "$DIGITS" "$@"
