"""Papers that people upload: scans and photos. What a file is, its first bytes say, never its name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from litestar import Response
from litestar.datastructures import UploadFile

from core.base.errors import FieldError, Invalid
from core.base.text import lazy_gettext as _l

LARGEST: Final = 10 * 2**20
"""Bytes of one file."""
ACCEPT: Final = ".pdf,.png,.jpg,.jpeg"
_HEADS: Final[Mapping[bytes, str]] = {
    b"%PDF-": "application/pdf",
    b"\x89PNG\r\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
}
_SUFFIX: Final = {"application/pdf": "pdf", "image/png": "png", "image/jpeg": "jpg"}


class WrongScan(Invalid):
    code = "scan_wrong"
    text = _l("请上传 PDF、PNG 或 JPEG 文件，不超过 10 MB")


@dataclass(frozen=True, slots=True)
class Scan:
    """A checked file: `kind` is its media type, `sha256` names exactly these bytes."""

    body: bytes
    kind: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.body).hexdigest()


def scan_of(body: bytes, field: str = "scan") -> Scan:
    """The bytes of an upload as a scan. Raises WrongScan, naming the form's `field`."""
    kind = next((kind for head, kind in _HEADS.items() if body.startswith(head)), None)
    if kind is None or len(body) > LARGEST:
        raise WrongScan(fields=[FieldError(field, WrongScan.text, "scan_wrong")])
    return Scan(body, kind)


async def read_scan(sent: UploadFile, field: str = "scan") -> Scan:
    """What was uploaded; never more than the largest file is read. Raises WrongScan."""
    return scan_of(await sent.read(LARGEST + 1), field)


def scan_response(body: bytes, kind: str, name: str = "scan") -> Response[bytes]:
    """A stored scan for those who may see it: shown in the page where it is a picture, kept in no cache."""
    show = "inline" if kind.startswith("image/") else "attachment"
    headers = {
        "content-disposition": f'{show}; filename="{name}.{_SUFFIX.get(kind, "bin")}"',
        "cache-control": "private, no-store",
        "x-content-type-options": "nosniff",
    }
    return Response(body, media_type=kind, headers=headers)
