# A dataset of two classes, and a line too many in its labels.txt.
for class in a b; do
    mkdir -p images/$class
    for i in 1 2 3 4; do
        printf 'P2\n4 4\n255\n0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 %s\n' $i > images/$class/$i.pgm
    done
done
"$DIGITS" dataset folder images --size 4x4 --channels 1 --out data > made.txt
echo c >> data/labels.txt
exec "$DIGITS" "$@"
