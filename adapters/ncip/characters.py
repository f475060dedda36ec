"""Characters on their way out: escaping, and letters for partners that know only ASCII."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

_SPECIAL = re.compile("[&<>\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL_IN_ATTRIBUTE = re.compile('[&<>"\t\n\r\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]')
_MEMORABLE = 300
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\n": "&#10;", "\t": "&#9;"}
_FOLDED = str.maketrans(
    {
        "ß": "ss",
        "ẞ": "SS",
        "æ": "ae",
        "Æ": "AE",
        "œ": "oe",
        "Œ": "OE",
        "ø": "o",
        "Ø": "O",
        "ł": "l",
        "Ł": "L",
        "đ": "d",
        "Đ": "D",
        "ð": "d",
        "Ð": "D",
        "þ": "th",
        "Þ": "Th",
        "ı": "i",
        "–": "-",
        "—": "-",
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "\u00a0": " ",
    }
)


def _escape(found: re.Match[str]) -> str:
    """Characters that XML can't carry at all are dropped."""
    return _ESCAPES.get(found[0], "")


def escape(text: str) -> str:
    """For text between tags. Words of letters and digits, the most part, are told apart first: it is cheaper."""
    return text if text.isalnum() or not _SPECIAL.search(text) else _SPECIAL.sub(_escape, text)


def escape_attribute(text: str) -> str:
    """For attribute values; the same few scheme URLs come again and again."""
    return _escaped_attribute(text) if len(text) < _MEMORABLE else _SPECIAL_IN_ATTRIBUTE.sub(_escape, text)


@lru_cache(maxsize=1024)
def _escaped_attribute(text: str) -> str:
    return _SPECIAL_IN_ATTRIBUTE.sub(_escape, text)


def fold(text: str) -> str:
    """Letters without diacritics; other scripts are left as they are."""
    if text.isascii():
        return text
    decomposed = unicodedata.normalize("NFKD", text.translate(_FOLDED))
    return "".join(char for char in decomposed if not unicodedata.combining(char))
