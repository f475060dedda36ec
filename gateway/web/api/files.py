"""Which files may be uploaded, and how each kind begins: what a file is, is not believed from its name."""

from __future__ import annotations

from collections.abc import Mapping

SIGNATURES: Mapping[str, tuple[bytes, ...]] = {
    "application/pdf": (b"%PDF-",),
    "image/jpeg": (b"\xff\xd8\xff",),
    "image/png": (b"\x89PNG\r\n\x1a\n",),
    "image/tiff": (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
}

MEDIA_TYPES = tuple(SIGNATURES)


def fits(media_type: str, content: bytes) -> bool:
    return content.startswith(SIGNATURES[media_type])
