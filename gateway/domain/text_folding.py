"""Text folded for comparing and searching: the one form for matching, fingerprints and look-up words.

What readers take for the same is the same: letters without case and accents, `ø` as `o` and `ß` as `ss`, Arabic in its
several spellings, without vowel points, digits of any script as 0 to 9. What makes another letter stays: vowel signs of
Indic scripts and Thai, voicing marks of kana. No script becomes another one.

Folded text is stored (request.fingerprint, request.words, request.title, embedded_bib_words), so a change here needs a
migration that folds those anew; tests/unit/domain/test_text_folding.py fails until it is said. Why so:
docs/decisions/0016.
"""

from __future__ import annotations

import re
import unicodedata

from anyascii import anyascii

_ASCII_WORDS = re.compile(r"[a-z0-9]+")

_NON_JOINER_IN_ARABIC = re.compile("(?<=[\u0600-\u06ff\u0750-\u077f])\u200c")
"""Where Persian writes a blank or nothing as well; in Indic scripts it only steers the look."""

_ALWAYS_ACCENTS = 200
"""Marks of this combining class and above stand over, under or beside a letter; those below it are part of one."""

_OVERLAY = 1
_HEBREW_ARABIC_POINTS = range(10, 37)

_LETTERS = {
    "\u0671": "\u0627",  # alef wasla: alef
    "\u0649": "\u064a",  # alef maksura, Farsi yeh, yeh barree: yeh
    "\u06cc": "\u064a",
    "\u06d2": "\u064a",
    "\u06a9": "\u0643",  # keheh: kaf
    "\u0629": "\u0647",  # teh marbuta, heh goal, heh doachashmee, ae: heh
    "\u06c3": "\u0647",
    "\u06c1": "\u0647",
    "\u06be": "\u0647",
    "\u06d5": "\u0647",
    "\u0640": "",  # tatweel, which only stretches a word
    "\u05f0": "\u05d5\u05d5",  # ligatures of Yiddish
    "\u05f1": "\u05d5\u05d9",
    "\u05f2": "\u05d9\u05d9",
    "\u02b9": "",  # primes, by which catalogues write soft and hard signs of Cyrillic
    "\u02ba": "",
}
"""Letters that stand for another one or for none, and that Unicode doesn't decompose."""

_ZERO_WIDTH_SPACE = "\u200b"


class _FoldedCharacters(dict[int, str]):
    """The folded characters by code point of a decomposed text in lower case; worked out when a character is seen
    first."""

    def __missing__(self, code: int) -> str:
        folded = self[code] = _fold_character(chr(code))
        return folded


_FOLDED = _FoldedCharacters()


def fold_text(text: str) -> str:
    """Equal for what a reader takes for equal: without case, accents and punctuation, one blank between words. Folding
    it again changes nothing."""
    if text.isascii():
        return " ".join(_ASCII_WORDS.findall(text.lower()))
    plain = unicodedata.normalize("NFKD", text).casefold()
    folded = _NON_JOINER_IN_ARABIC.sub(" ", plain).translate(_FOLDED)
    return " ".join(unicodedata.normalize("NFC", folded).split())


def _fold_character(character: str) -> str:
    category = unicodedata.category(character)
    if character in _LETTERS:
        return _LETTERS[character]
    if category == "Nd":
        return str(unicodedata.digit(character))
    if category[0] == "M":
        return "" if _is_accent(character, category) else character
    if category == "Cf":  # soft hyphens, joiners, marks of direction: nobody sees them
        return " " if character == _ZERO_WIDTH_SPACE else ""
    if not character.isalnum() or _name_character(character).startswith("MODIFIER LETTER"):
        return " "
    return _fold_latin_letter(character)


def _is_accent(character: str, category: str) -> bool:
    mark = unicodedata.combining(character)
    return (
        mark >= _ALWAYS_ACCENTS
        or mark == _OVERLAY
        or mark in _HEBREW_ARABIC_POINTS
        or category == "Me"
        or unicodedata.name(character).startswith(("VARIATION SELECTOR", "COMBINING GRAPHEME JOINER"))
    )


def _fold_latin_letter(character: str) -> str:
    """`ł` and `đ` are letters of their own to Unicode, which doesn't decompose them."""
    if character.isascii() or not _name_character(character).startswith("LATIN"):
        return character
    plain = anyascii(character).lower()
    return plain if plain.isalnum() else character


def _name_character(character: str) -> str:
    """Empty for letters to which Python gives no name, such as those of Tangut."""
    return unicodedata.name(character, "")
