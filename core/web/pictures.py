"""Pictures that people send: only what is really a JPEG or a PNG, and of it only the picture.

Where and with what a photograph was taken, thumbnails, comments and whatever hangs behind the end are left out; how a
camera was held (the orientation) is kept. Nothing is decoded here: browsers do that, and they are fenced in.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from core.base.errors import Invalid
from core.base.text import lazy_gettext as _l

MOST_BYTES: Final = 2 * 1024 * 1024
SIDES: Final = (120, 6000)
"""Pixels that a side may have, least and most."""

_PNG: Final = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT: Final = (b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"sRGB", b"IDAT", b"IEND")
_SOF: Final = {0xC0, 0xC1, 0xC2}
"""Baseline, extended and progressive frames: what browsers draw."""


class NotAPicture(Invalid):
    code = "not_a_picture"
    text = _l("请上传 JPG 或 PNG 图片，不超过 2 MB，每边 120–6000 像素")


@dataclass(frozen=True, slots=True)
class Picture:
    """A cleaned picture; width and height in pixels as stored, before any turning."""

    media_type: str
    body: bytes
    width: int
    height: int


def cleaned(body: bytes) -> Picture:
    """The picture in `body`, without anything else. Raises NotAPicture."""
    if len(body) > MOST_BYTES:
        raise NotAPicture()
    try:
        picture = _png(body) if body.startswith(_PNG) else _jpeg(body)
    except (struct.error, IndexError, ValueError):
        raise NotAPicture() from None
    if not all(SIDES[0] <= side <= SIDES[1] for side in (picture.width, picture.height)):
        raise NotAPicture()
    return picture


# ---- PNG ----------------------------------------------------------------------------------------------------


def _png(body: bytes) -> Picture:
    kept, sides, at = [_PNG], (0, 0), len(_PNG)
    while True:
        length, kind = struct.unpack_from(">I4s", body, at)
        chunk = body[at : at + 12 + length]
        (checksum,) = struct.unpack_from(">I", chunk, 8 + length)
        if zlib.crc32(chunk[4 : 8 + length]) != checksum:
            raise ValueError
        if kind == b"IHDR":
            sides = struct.unpack_from(">II", chunk, 8)
        if kind in _PNG_KEPT:
            kept.append(chunk)
        elif kind[:1].isupper():
            raise ValueError  # critical, and unknown to browsers too
        at += len(chunk)
        if kind == b"IEND":
            return Picture("image/png", b"".join(kept), *sides)


# ---- JPEG ---------------------------------------------------------------------------------------------------


def _jpeg(body: bytes) -> Picture:
    kept, sides, turned = [b"\xff\xd8"], (0, 0), b""
    for marker, segment in _segments(body):
        if marker == 0xE1 and not turned:
            turned = _orientation(segment[4:])
        if marker in _SOF:
            height, width = struct.unpack_from(">HH", segment, 5)
            sides = (width, height)
        # Of the application's segments only Adobe's word on colours matters to the picture.
        if (not 0xE0 <= marker <= 0xEF and marker != 0xFE) or marker == 0xEE:
            kept.append(segment)
    return Picture("image/jpeg", b"".join([kept[0], turned, *kept[1:], b"\xff\xd9"]), *sides)


def _segments(body: bytes) -> Iterator[tuple[int, bytes]]:
    """Marker and bytes of each segment up to the end; what is drawn belongs to its scan's header."""
    if not body.startswith(b"\xff\xd8\xff"):
        raise ValueError
    at = 2
    while True:
        if body[at] != 0xFF:
            raise ValueError
        marker = body[at + 1]
        if marker == 0xFF:  # fill byte
            at += 1
            continue
        if marker == 0xD9:
            return
        (length,) = struct.unpack_from(">H", body, at + 2)
        end = at + 2 + length
        if marker == 0xDA:
            end = _scan_end(body, end)
        if length < 2 or end > len(body):
            raise ValueError
        yield marker, body[at:end]
        at = end


def _scan_end(body: bytes, at: int) -> int:
    while True:
        at = body.index(b"\xff", at)
        if body[at + 1] != 0 and not 0xD0 <= body[at + 1] <= 0xD7:
            return at
        at += 2


def _orientation(exif: bytes) -> bytes:
    """A segment that says nothing but how the camera was held; empty where it was held upright."""
    if not exif.startswith(b"Exif\0\0"):
        return b""
    tiff = exif[6:]
    order = {b"II": "<", b"MM": ">"}.get(tiff[:2])
    if order is None:
        return b""
    try:
        (start,) = struct.unpack_from(order + "I", tiff, 4)
        (many,) = struct.unpack_from(order + "H", tiff, start)
        for number in range(min(many, 64)):
            tag, _kind, _count, value = struct.unpack_from(order + "HHIH", tiff, start + 2 + 12 * number)
            if tag == 0x0112 and 2 <= value <= 8:
                one = struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, value, 0, 0)
                said = b"Exif\0\0" + b"MM\0*" + struct.pack(">I", 8) + one
                return b"\xff\xe1" + struct.pack(">H", len(said) + 2) + said
    except struct.error:
        return b""
    return b""
