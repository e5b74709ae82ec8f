# Two classes of 4 grey images, 4x4, and a dataset of them.
for class in a b; do
    mkdir -p images/$class
    for i in $(seq 4); do
        printf 'P2\n4 4\n255\n0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 %s\n' $i > images/$class/$i.pgm
    done
done
"$DIGITS" dataset folder images --out data --size 4x4 --channels 1 --encoding none >/dev/null 2>&1
"$DIGITS" run net.lua --dataset data --epochs 1 --device cpu --job job >/dev/null 2>&1
mkfifo pipe
exec "$DIGITS" "$@"
