"""Text folded for search and for matching: without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata

_ASCII_WORDS = re.compile(r"[a-z0-9]+")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ı": "i", "ـ": ""})
_ACCENTS = 200
_HEBREW_ARABIC_MARKS = range(10, 36)


def fold_for_search(text: str) -> str:
    """For comparing and searching: without case, accents and punctuation, one blank between words. Letters of every
    script stay; marks go where they are accents on Latin, Greek or Cyrillic letters."""
    if text.isascii():
        return " ".join(_ASCII_WORDS.findall(text.lower()))
    plain = _remove_accents(unicodedata.normalize("NFKC", text).casefold())
    return " ".join("".join(one if one.isalnum() or _is_mark(one) else " " for one in plain).split())


def _remove_accents(text: str) -> str:
    """Vowel signs of Hebrew, Arabic and Indic scripts and the voicing marks of kana are part of the word; they stay."""
    found: list[str] = []
    accented = False
    for one in unicodedata.normalize("NFD", text):
        if not _is_mark(one):
            accented = unicodedata.name(one, "").startswith(("LATIN", "GREEK", "CYRILLIC"))
            found.append(one)
        elif not accented:
            found.append(one)
    return unicodedata.normalize("NFC", "".join(found))


def _is_mark(one: str) -> bool:
    return unicodedata.category(one).startswith("M")


def fold_for_matching(text: str) -> str:
    """Text in a form that is equal for what a reader takes for equal: without case, accents, vowel points and
    punctuation, in one spelling of each character. Marks that make another letter (Japanese, Indic) stay."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = (char for char in decomposed if not _is_accent(char))
    composed = unicodedata.normalize("NFC", "".join(kept)).translate(_LETTERS)
    spaced = "".join(char if char.isalnum() or unicodedata.category(char)[0] == "M" else " " for char in composed)
    return " ".join(spaced.split())


def _is_accent(char: str) -> bool:
    mark = unicodedata.combining(char)
    return mark >= _ACCENTS or mark in _HEBREW_ARABIC_MARKS
