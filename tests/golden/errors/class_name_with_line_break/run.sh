# A class folder whose name holds a line break, which a line of labels.txt cannot.
for class in a 'b
c'; do
    mkdir -p "images/$class"
    for i in 1 2 3 4; do
        printf 'P2\n4 4\n255\n0 10 20 30 40 50 60 70 80 90 100 110 120 130 140 %s\n' $i > "images/$class/$i.pgm"
    done
done
exec "$DIGITS" "$@"
