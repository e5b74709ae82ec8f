"""Pictures that the kit makes by itself."""
import random
import zlib


def colour(kit, count):
    """A dataset of `count` made colour images of 256 by 256, four classes: stripes of a colour and a direction."""
    folder = kit.out / f"datasets/colour-{count}"
    if folder.is_dir():
        return folder
    draw, pictures = random.Random(7), kit.out / f"colour-{count}"
    for label in range(4):
        (pictures / f"class{label}").mkdir(parents=True, exist_ok=True)
        for number in range(count // 4):
            shift, ink = draw.randrange(64), bytes((255, 60, 40) if label < 2 else (40, 60, 255))
            paint = [ink if place // 16 % 2 else b"\xc8\xc8\xc8" for place in range(256 + 64)]
            across = b"".join(paint[shift : shift + 256])
            rows = [b"\0" + (paint[shift + y] * 256 if label % 2 else across) for y in range(256)]
            write_png(pictures / f"class{label}/{number}.png", 256, 256, b"".join(rows))
    kit.digits("dataset", "folder", pictures, "--out", folder)
    return folder


def write_png(path, width, height, rows):
    def chunk(name, body):
        return len(body).to_bytes(4, "big") + name + body + zlib.crc32(name + body).to_bytes(4, "big")

    head = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([8, 2, 0, 0, 0])
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows, 1)) + chunk(b"IEND", b""))
