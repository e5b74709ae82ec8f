# The first half of an archive; nothing of it is left.
mkdir job
echo '{}' > job/job.json
awk 'BEGIN { for (i = 0; i < 20000; i++) printf "%d,", i * 7919 % 65537 }' > job/mean.binaryproto
tar cf - job | gzip -n > whole.tar.gz
head -c 20000 whole.tar.gz > job.tar.gz
rm -r job
"$DIGITS" "$@"
status=$?
ls -d jobs 2> listed.txt
exit $status
