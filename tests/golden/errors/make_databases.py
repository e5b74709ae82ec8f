"""Makes the small damaged databases of the cases record_*: py-lmdb writes them, as a stranger would.

    python make_databases.py        (needs the package lmdb; made with py-lmdb 1.x)
"""
import os
import lmdb

HERE = os.path.dirname(os.path.abspath(__file__))


def datum(channels, height, width, data, encoded=False):
    """A serialised Caffe Datum: fields 1-3 and 5 varints, 4 bytes, 7 the encoded flag."""
    text = bytes([0x08, channels, 0x10, height, 0x18, width, 0x22, len(data)]) + data + bytes([0x28, 0])
    return text + (bytes([0x38, 1]) if encoded else b"")


def write(case, records):
    folder = os.path.join(HERE, case)
    with lmdb.open(os.path.join(folder, "db"), map_size=1 << 20) as env:
        with env.begin(write=True) as txn:
            for i, record in enumerate(records):
                txn.put(b"%08d" % i, record)
    # Only data.mdb is kept; the driver copies files, so it lies beside cmd and run.sh puts it in place.
    os.replace(os.path.join(folder, "db", "data.mdb"), os.path.join(folder, "data.mdb"))
    os.remove(os.path.join(folder, "db", "lock.mdb"))
    os.rmdir(os.path.join(folder, "db"))
    with open(os.path.join(folder, "run.sh"), "w") as out:
        out.write('mkdir db && mv data.mdb db/\nexec "$DIGITS" "$@"\n')


good = datum(1, 4, 4, bytes(range(16)))
write("record_is_no_datum", [b"\xff\xff this is no Datum \xff" * 3])
write("record_of_another_shape", [good, datum(1, 2, 8, bytes(range(16)))])
write("record_undecodable", [datum(1, 4, 4, b"\x89PNG\r\n\x1a\n and then nonsense", encoded=True)])
