mkdir -p others/bird
for class in cat dog; do
    mkdir -p images/$class
    for i in 1 2; do printf 'P2\n1 1\n255\n%s\n' $i > images/$class/$i.pgm; done
done
exec "$DIGITS" "$@"
