"""File types by content, file names, and expected page counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from enum import StrEnum
from itertools import pairwise

from gateway.domain.requests.citation import Citation
from gateway.domain.sentences import Sentence, write_sentence

_PREFIX = re.compile(r"^(?:pp?|pages?|s|seiten?|str|стр|с)\b\.?\s*", re.IGNORECASE)
_NUMBER = r"([A-Za-z]{0,2}?)(\d{1,6}|[ivxlcdmIVXLCDM]{1,15})"  # not by IGNORECASE, to which `ı` and `İ` are an i too
_RANGE = re.compile(rf"{_NUMBER}(?:\s*[-\u2010-\u2015\u2212]\s*{_NUMBER})?")
_BETWEEN = re.compile(r"[,;+&]|\band\b|\bund\b", re.IGNORECASE)
_ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}

MAX_PAGES = 5_000
"""More pages than that are no range but two numbers of something else."""


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


EXTENSIONS: Mapping[FileType, tuple[str, ...]] = {
    FileType.PDF: (".pdf",),
    FileType.TIFF: (".tif", ".tiff"),
    FileType.PNG: (".png",),
    FileType.JPEG: (".jpg", ".jpeg"),
    FileType.GIF: (".gif",),
    FileType.WEBP: (".webp",),
    FileType.JPEG_2000: (".jp2", ".j2k", ".jpx"),
    FileType.DJVU: (".djvu", ".djv"),
    FileType.EPUB: (".epub",),
}
"""By which programs know them; the first is the one that we give."""

KNOWN_EXTENSIONS = frozenset(extension for extensions in EXTENSIONS.values() for extension in extensions)

MAX_FILE_NAME_CHARS = 200
MAX_FILE_NAME_BYTES = 240
"""In UTF-8; file systems take 255."""

DEFAULT_FILE_NAME = "file"

_EXTENSION = re.compile(r"\.(?=[0-9]{0,3}[A-Za-z])[A-Za-z0-9]{1,4}$")
"""What a program may take for one: not the end of `Vol. 12.5`."""

_NOT_IN_NAMES = re.compile(r'[<>:"|?*]')
"""Characters that some file systems don't take."""

_DEVICES = re.compile(r"^(con|prn|aux|nul|com[0-9]|lpt[0-9])(?=\.|$)", re.IGNORECASE)
"""Names that Windows keeps for itself, whatever follows their dot."""

_JOINERS = "\u200c\u200d"
"""Invisible as marks of direction are, but part of the spelling in Persian and Indic scripts."""

USUAL = (FileType.PDF, FileType.TIFF, FileType.PNG, FileType.JPEG)
"""Of copies, where nothing else is said."""

PDF_HEAD = 1024
"""Within so many bytes the header of a PDF must begin: readers take it so (PDF 1.7, implementation note 13), and
scanners put other bytes before it."""

_BOX = b"\x00\x00\x00\x0cjP  \r\n\x87\n"


def _starts_with(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda content: content.startswith(signatures)


_SIGNS: Mapping[FileType, Callable[[bytes], bool]] = {
    FileType.TIFF: _starts_with(b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+"),
    FileType.PNG: _starts_with(b"\x89PNG\r\n\x1a\n"),
    FileType.JPEG: _starts_with(b"\xff\xd8\xff"),
    FileType.GIF: _starts_with(b"GIF87a", b"GIF89a"),
    FileType.WEBP: lambda content: content.startswith(b"RIFF") and content[8:12] == b"WEBP",
    FileType.JPEG_2000: _starts_with(_BOX),
    FileType.DJVU: lambda content: content.startswith(b"AT&TFORM") and content[12:15] == b"DJV",
    FileType.EPUB: lambda content: (
        content.startswith(b"PK\x03\x04") and content[30:58] == b"mimetypeapplication/epub+zip"
    ),
    # last: what else a file is, is found first
    FileType.PDF: lambda content: b"%PDF-" in content[:PDF_HEAD],
}


def detect_file_type(content: bytes) -> FileType | None:
    """None: nothing that is known here."""
    return next((file_type for file_type, fits in _SIGNS.items() if fits(content)), None)


def clean_file_name(name: str, kind: FileType | None = None) -> str:
    """A name that a sender gave, as it can be kept, shown and saved: without folders, control characters and marks of
    direction (which let `fdp.exe` look like `exe.pdf`), with the extension of what the file is. `kind` None: nobody
    knows what it is, and the extension stays. Never empty; at most MAX_FILE_NAME_CHARS."""
    last = re.split(r"[\\/]", unicodedata.normalize("NFC", name))[-1]
    seen = "".join(char if _is_in_names(char) else " " if char.isspace() else "" for char in last)
    plain = _NOT_IN_NAMES.sub("_", " ".join(seen.split())).strip(". ")
    match = _EXTENSION.search(plain)
    stem, extension = (plain[: match.start()], plain[match.start() :]) if match else (plain, "")
    if kind is not None and extension.lower() not in EXTENSIONS[kind]:
        extension = EXTENSIONS[kind][0]
    stem = _DEVICES.sub(r"\1_", stem.rstrip(". "))
    return f"{_shorten_stem(stem or DEFAULT_FILE_NAME, extension)}{extension}"


def _is_in_names(character: str) -> bool:
    """Return whether a character may be in a name: no control characters, marks of direction, halves of characters,
    what no standard knows."""
    return character in _JOINERS or unicodedata.category(character)[0] != "C"


def _shorten_stem(stem: str, extension: str) -> str:
    room = MAX_FILE_NAME_BYTES - len(extension)
    short = stem[: MAX_FILE_NAME_CHARS - len(extension)].encode()[:room].decode(errors="ignore")
    return short.rstrip(". ")


def count_cited_pages(pages: str) -> int | None:
    """Count the pages of `77-91`, `S12–S19`, `xi-xx`, `123-9` (to 129), `4, 7-9`; None where it can't be told: one
    number alone is often only where it begins."""
    text = _PREFIX.sub("", pages.strip())
    if text.isdigit():
        return None
    counts = [_count_range_pages(part.strip()) for part in _BETWEEN.split(text)]
    known = [count for count in counts if count is not None]
    return sum(known) if known and len(known) == len(counts) else None


def _count_range_pages(part: str) -> int | None:
    match = _RANGE.fullmatch(part)
    if match is None:
        return None
    prefix, first, prefix_2, last = match.groups()
    if last is None:
        return 1 if first.isdigit() and not prefix else None  # e1234 is the number of an article
    if prefix_2 and prefix_2.lower() != prefix.lower():
        return None
    if first.isdigit() is not last.isdigit():
        return None
    if first.isdigit():
        last = first[: max(0, len(first) - len(last))] + last
    start, end = _parse_page_number(first), _parse_page_number(last)
    return end - start + 1 if start <= end < start + MAX_PAGES else None


def _parse_page_number(text: str) -> int:
    if text.isdigit():
        return int(text)
    values = [_ROMAN[letter] for letter in text.lower()]
    return values[-1] + sum(-value if value < after else value for value, after in pairwise(values))


def describe_page_mismatch(citation: Citation, name: str, pages: int | None) -> str:
    """One plain sentence for staff when a file has other than the cited number of pages; empty: nothing to say."""
    cited = count_cited_pages(citation.pages)
    if pages is None or cited is None or pages == cited:
        return ""
    have, ask = _page_count_text(pages), _page_count_text(cited)
    return write_sentence(
        "The file %(name)s has %(have)s; the citation (pages %(cited)s) needs %(asked)s.",
        name=name,
        have=have,
        cited=citation.pages,
        asked=ask,
    )


def _page_count_text(pages: int) -> Sentence:
    return write_sentence("1 page") if pages == 1 else write_sentence("%(count)s pages", count=pages)
