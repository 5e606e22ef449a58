"""What is sent as a picture: only JPEG and PNG, and of them only the picture and how the camera was held."""

from __future__ import annotations

import struct
import zlib

import pytest

from core.web.pictures import MOST_BYTES, NotAPicture, cleaned


def png(width: int = 160, height: int = 120, *extra: tuple[bytes, bytes]) -> bytes:
    """A white picture, with more chunks before its data."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress((b"\0" + b"\xff" * width) * height)
    chunks = [(b"IHDR", head), *extra, (b"IDAT", rows), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(kind, data) for kind, data in chunks)


def jpeg(*segments: tuple[int, bytes], width: int = 640, height: int = 480, scan: bytes = b"\x12\xff\x00\x34") -> bytes:
    """The bones of a JPEG: its segments, a frame, a scan with a stuffed byte."""

    def one(marker: int, data: bytes) -> bytes:
        return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2) + data

    frame = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\x00"
    parts = [*segments, (0xDB, b"\0" * 65), (0xC0, frame), (0xDA, b"\x01\x01\x00\x00\x3f\x00")]
    return b"\xff\xd8" + b"".join(one(*part) for part in parts) + scan + b"\xff\xd9"


def exif(order: str, turned: int) -> bytes:
    """Where it was taken, and how the camera was held."""
    entries = struct.pack(order + "HHII", 0x8825, 4, 1, 999) + struct.pack(order + "HHIHH", 0x0112, 3, 1, turned, 0)
    mark = b"MM\0*" if order == ">" else b"II*\0"
    head = mark + struct.pack(order + "IH", 8, 2)
    return b"Exif\0\0" + head + entries + b"\0\0\0\0" + b"GPS 31.2304 N 121.4737 E"


@pytest.mark.req("R-208")
def test_only_the_picture_stays() -> None:
    sent = png(160, 120, (b"tEXt", b"Author\0somebody"), (b"eXIf", exif(">", 6)))
    kept = cleaned(sent + b"<script>")
    assert (kept.media_type, kept.width, kept.height, kept.body) == ("image/png", 160, 120, png(160, 120))
    for order in "<>":
        photo = jpeg((0xE1, exif(order, 6)), (0xFE, b"a comment"), (0xEE, b"Adobe\0"))
        kept = cleaned(photo + b"behind the end")
        assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 640, 480)
        assert b"GPS" not in kept.body and b"comment" not in kept.body and b"behind" not in kept.body
        assert b"Adobe" in kept.body and kept.body.endswith(b"\x12\xff\x00\x34\xff\xd9")
        assert b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06" in kept.body
        assert cleaned(kept.body) == kept
    assert b"Exif" not in cleaned(jpeg((0xE1, exif(">", 1)))).body
    assert b"Exif" not in cleaned(jpeg((0xE1, b"Exif\0\0MM\0*\xff\xff\xff\xff"))).body


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>",
        b"GIF89a" + b"\0" * 200,
        png(20, 20),
        png(9000, 200),
        png()[:-20],
        png()[:60] + b"X" + png()[61:],
        png(160, 120, (b"ABCD", b"unknown and critical")),
        jpeg(width=10),
        jpeg()[:40],
        jpeg()[:-2],
        b"\xff\xd8\xff\xd9",
        b"\x89PNG\r\n\x1a\n" + b"\0" * MOST_BYTES,
    ],
)
def test_anything_else_is_refused(body: bytes) -> None:
    with pytest.raises(NotAPicture):
        cleaned(body)
