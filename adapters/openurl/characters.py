"""Characters of values: character sets, and what links do to titles on their way."""

from __future__ import annotations

import codecs
import html
import re
import unicodedata
from urllib.parse import unquote_to_bytes

FALLBACK = "cp1252"
"""What browsers take ISO-8859-1 for."""

_ENCODING = re.compile(r"(?:info:ofi/enc:)?([A-Za-z0-9._:-]{1,40})\Z")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_KNOWN = frozenset(
    codecs.lookup(name).name
    for name in (
        "utf-8",
        *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"cp125{page}" for page in range(9)),
        *("us-ascii", "koi8-r", "koi8-u", "shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5"),
    )
)


def charset_of(name: str) -> str:
    """Python's name of what `ctx_enc` or a content type says (`info:ofi/enc:ISO-8859-1`); empty: not one of texts."""
    found = _ENCODING.match(name.strip())
    if found is None:
        return ""
    try:
        known = codecs.lookup(found[1]).name
    except LookupError:
        return ""
    return known if known in _KNOWN else ""


def text_of(raw: bytes, charset: str) -> tuple[str, bool]:
    """The text, and whether it isn't in this character set: then it is read as windows-1252."""
    try:
        return raw.decode(charset), False
    except UnicodeDecodeError:
        return _guessed(raw), True


def _guessed(raw: bytes) -> str:
    try:
        return raw.decode(FALLBACK)
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def mended(text: str) -> tuple[str, bool]:
    """Without HTML entities, control characters, double blanks; and whether it had been percent-encoded twice. A URL
    has its own escapes, and so may a text with blanks in it."""
    twice = "%" in text and " " not in text and "://" not in text and _ESCAPED.search(text) is not None
    if twice:
        text, wrong = text_of(unquote_to_bytes(text.replace("+", " ")), "utf-8")
        twice = not wrong
    for _ in range(2):  # `&amp;amp;` is seen
        if "&" not in text:
            break
        text = html.unescape(text)
    return tidy(text), twice


def tidy(text: str) -> str:
    """One line in NFC without anything that can't be shown."""
    return unicodedata.normalize("NFC", " ".join(without_controls(text, "").split()))


def without_controls(text: str, kept: str = "\n\t") -> str:
    """Control characters are blanks, halves of surrogate pairs are gone."""
    return text if text.isprintable() else "".join(_shown(one, kept) for one in text)


def _shown(one: str, kept: str) -> str:
    category = unicodedata.category(one)
    if category == "Cc" and one not in kept:
        return " "
    return "" if category == "Cs" else one
