# Two classes of 150 grey images, 4x4, and a dataset of them.
for class in a b; do
    mkdir -p images/$class
    for i in $(seq 150); do
        printf 'P2\n4 4\n255\n0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 %s\n' $i > images/$class/$i.pgm
    done
done
"$DIGITS" dataset folder images --out data --size 4x4 --channels 1 --encoding none >/dev/null 2>&1
# A leaf page in the middle.
dd if=/dev/zero of=data/train_db/data.mdb bs=4096 count=1 seek=6 conv=notrunc 2>/dev/null
exec "$DIGITS" "$@"
