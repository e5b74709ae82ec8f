"""Makes the small databases of the cases record_*, labels_* and lmdb_named_databases, all of them wrong: py-lmdb writes them, as a stranger would.

    python make_databases.py        (needs the package lmdb; made with py-lmdb 1.x)
"""
import os
import lmdb

HERE = os.path.dirname(os.path.abspath(__file__))


def datum(channels, height, width, data, encoded=False):
    """A serialised Caffe Datum: fields 1-3 and 5 varints, 4 bytes, 7 the encoded flag."""
    text = bytes([0x08, channels, 0x10, height, 0x18, width, 0x22, len(data)]) + data + bytes([0x28, 0])
    return text + (bytes([0x38, 1]) if encoded else b"")


def write(case, named=None, **databases):
    """{key: value} of each; only the data.mdb are kept: the driver copies files, so they lie beside cmd, and run.sh
    puts them in place."""
    folder = os.path.join(HERE, case)
    places = []
    for name, records in databases.items():
        with lmdb.open(os.path.join(folder, name), map_size=1 << 20, max_dbs=1) as env:
            table = env.open_db(named)
            with env.begin(write=True, db=table) as txn:
                for key, value in records.items():
                    txn.put(key, value)
        file = "data.mdb" if name == "db" else f"{name}.mdb"
        os.replace(os.path.join(folder, name, "data.mdb"), os.path.join(folder, file))
        os.remove(os.path.join(folder, name, "lock.mdb"))
        os.rmdir(os.path.join(folder, name))
        places.append(f"mkdir {name} && mv {file} {name}/data.mdb\n")
    with open(os.path.join(folder, "run.sh"), "w") as out:
        out.write("".join(places) + 'exec "$DIGITS" "$@"\n')


def numbered(*values):
    return {b"%08d" % number: value for number, value in enumerate(values)}


good = datum(1, 4, 4, bytes(range(16)))
write("record_is_no_datum", db=numbered(b"\xff\xff this is no Datum \xff" * 3))
write("record_of_another_shape", db=numbered(good, datum(1, 2, 8, bytes(range(16)))))
write("record_undecodable", db=numbered(datum(1, 4, 4, b"\x89PNG\r\n\x1a\n and then nonsense", encoded=True)))
write("labels_of_another_count", images=numbered(good, good), labels=numbered(good))
write("labels_of_other_keys", images={b"a.png": good, b"b.png": good}, labels={b"a.png": good, b"c.png": good})
write("labels_without_names", db=numbered(good))
write("lmdb_named_databases", named=b"train", db=numbered(good))
