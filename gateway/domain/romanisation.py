"""Texts written with fewer characters: in a character set, in the repertoire of a protocol, in ASCII. Pure.

What can be written stays. Anything else becomes the letters that stand for it: a title in another script can be read
aloud and searched for, where a question mark says nothing. The letters come from anyascii (docs/decisions/0016).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable

from anyascii import anyascii

UNKNOWN = "?"
"""Instead of what no letters stand for."""


def romanise_character(character: str, unknown: str = UNKNOWN) -> str:
    """Write a character in ASCII. Marks and signs that only steer the layout fall away; what else nobody knows letters
    for is shown."""
    category = unicodedata.category(character)
    is_invisible = category[0] in "CMZ" and category != "Co"
    return anyascii(character) or ("" if is_invisible else unknown)


def romanise_text(text: str, can_hold: Callable[[str], bool]) -> str:
    """`can_hold`: whether a character may be written as it is."""
    if all(map(can_hold, text)):
        return text
    return "".join(_write_character(character, can_hold) for character in unicodedata.normalize("NFC", text))


def fit_into_charset(text: str, charset: str) -> str:
    """Return the text as this character set can hold it; a text that fits stays as it is."""
    if can_encode(text, charset):
        return text
    return romanise_text(text, lambda character: can_encode(character, charset))


def can_encode(text: str, charset: str) -> bool:
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def _write_character(character: str, can_hold: Callable[[str], bool]) -> str:
    if can_hold(character):
        return character
    return "".join(char if can_hold(char) else UNKNOWN for char in romanise_character(character))
