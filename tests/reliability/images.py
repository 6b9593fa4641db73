"""Cases of images of one's own."""

from pathlib import Path

import numpy as np
from PIL import Image

from tests.config.helpers import changed
from tests.reliability.cases import case
from tests.reliability.folders import pipe

IMAGES = "Images (`data.name: folder`)"
DATA = "python -m stages.data"


def images(path: str) -> str:
    """Make a data set of two classes, and params.yaml for it; return `path`, which is to be an image of it."""
    data = {"name": "folder", "path": "images", "size": 8, "channels": 3, "test_share": 0.25}
    changed(Path(), "data", data | {"frames": "binary", "sensor": [8, 8]})
    for name in ("images/a", "images/b"):
        Path(name).mkdir(parents=True)
        for number in range(4):
            Image.new("RGB", (8, 8), (number, 0, 0)).save(f"{name}/{number}.png")
    return path


@case(IMAGES, "PNG of 2 KB with 10^10 pixels", DATA)
def image_bomb() -> None:
    import struct
    import zlib

    def chunk(kind: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 10**5, 10**5, 8, 2, 0, 0, 0))
    body = header + chunk(b"IDAT", zlib.compress(bytes(2**20))) + chunk(b"IEND", b"")
    Path(images("images/a/bomb.png")).write_bytes(b"\x89PNG\r\n\x1a\n" + body)


@case(IMAGES, "JPEG of which the second half is missing", DATA)
def cut_image() -> None:
    path = Path(images("images/a/cut.jpg"))
    Image.new("RGB", (64, 64)).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


@case(IMAGES, "no image under the name of one", DATA)
def no_image() -> None:
    Path(images("images/a/none.png")).write_bytes(b"#!/bin/sh\n")


@case(IMAGES, "PostScript under the name of an image; no program is run for it", DATA)
def postscript() -> None:
    Path(images("images/a/eps.png")).write_bytes(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\n")


@case(IMAGES, "animated GIF, WebP or PNG, TIFF of several pages: the first picture", DATA)
def animated() -> None:
    path = images("images/a/animated")
    pictures = [Image.new("RGB", (8, 8), (shade, 0, 0)) for shade in (10, 200)]
    for ending, kind in ((".webp", "WEBP"), (".tiff", "TIFF"), (".png", "PNG"), (".jpg", "GIF")):
        pictures[0].save(path + ending, kind, save_all=True, append_images=pictures[1:])


@case(IMAGES, "16 bit grey: the upper 8 bits", DATA)
def sixteen_bits() -> None:
    Image.fromarray(np.full((8, 8), 257, dtype=np.uint16)).save(images("images/a/deep.png"))


@case(IMAGES, "floating-point pixels", DATA)
def floating() -> None:
    Image.fromarray(np.full((8, 8), 0.5, dtype=np.float32)).save(images("images/a/float.tiff"))


@case(IMAGES, "CMYK, YCbCr, palette, grey, transparent, black and white: converted", DATA)
def modes() -> None:
    path = images("images/a/mode")
    endings = {"CMYK": "jpg", "YCbCr": "tiff", "P": "png", "LA": "png", "RGBA": "png", "1": "png"}
    for mode, ending in endings.items():
        Image.new("RGB", (8, 8), (9, 9, 9)).convert(mode).save(f"{path}-{mode}.{ending}")


@case(IMAGES, "photograph with an orientation (EXIF): turned", DATA)
def turned() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (8, 16)).save(images("images/a/turned.jpg"), exif=exif)


@case(IMAGES, "pipe in the place of an image", DATA)
def piped_image() -> None:
    pipe(images("images/a/pipe.png"))


@case(IMAGES, "folders that link back: not followed", DATA)
def looped_images() -> None:
    images("")
    for name in ("a/back", "a/up", "b/back"):
        Path("images", name).symlink_to("..")
