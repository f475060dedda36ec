"""What a file is, by its content: its name and what its sender says are not believed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum


class FileType(StrEnum):
    """Kinds of files that are told by their content, by media type."""

    PDF = "application/pdf"
    TIFF = "image/tiff"
    PNG = "image/png"
    JPEG = "image/jpeg"
    GIF = "image/gif"
    WEBP = "image/webp"
    JPEG_2000 = "image/jp2"
    DJVU = "image/vnd.djvu"
    EPUB = "application/epub+zip"


USUAL = (FileType.PDF, FileType.TIFF, FileType.PNG, FileType.JPEG)
"""Of copies, where nothing else is said."""

PDF_HEAD = 1024
"""Within so many bytes the header of a PDF must begin: readers take it so (PDF 1.7, implementation note 13), and
scanners put other bytes before it."""

_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"


def _begins(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signatures)


_SIGNS: Mapping[FileType, Callable[[bytes], bool]] = {
    FileType.TIFF: _begins(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    FileType.PNG: _begins(b"\x89PNG\r\n\x1a\n"),
    FileType.JPEG: _begins(b"\xff\xd8\xff"),
    FileType.GIF: _begins(b"GIF87a", b"GIF89a"),
    FileType.WEBP: lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
    FileType.JPEG_2000: _begins(_BOX),
    FileType.DJVU: lambda content: content.startswith(b"AT&TFORM") and content[12:15] == b"DJV",
    FileType.EPUB: lambda content: (
        content.startswith(b"PK\x03\x04") and content[30:58] == b"mimetypeapplication/epub+zip"
    ),
    # last: what else a file is, is found first
    FileType.PDF: lambda content: b"%PDF-" in content[:PDF_HEAD],
}


def type_of(content: bytes) -> FileType | None:
    """None: nothing that is known here."""
    return next((one for one, fits in _SIGNS.items() if fits(content)), None)
