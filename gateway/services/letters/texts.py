"""Texts on their way into a letter: cleaned, kept apart from the text around them, broken into lines."""

from __future__ import annotations

import re
import textwrap
import unicodedata

WIDTH = 72
INDENT = "  "

_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
"""Not fit for a letter: control characters, and marks that turn the direction of what follows them around."""

_SPACES = re.compile(r"\s+")
_BLANK = re.compile(r"\n(?:[ \t]*\n)+")
_RIGHT_TO_LEFT = frozenset({"R", "AL", "AN"})

ISOLATE, ISOLATED = "\u2068", "\u2069"


def clean(text: str) -> str:
    """On one line."""
    return _SPACES.sub(" ", _CONTROLS.sub("", text)).strip()


def clean_lines(text: str) -> str:
    """Lines are kept, blank ones are not."""
    return "\n".join(filter(None, map(clean, text.splitlines())))


def is_right_to_left(text: str) -> bool:
    return any(unicodedata.bidirectional(character) in _RIGHT_TO_LEFT for character in text)


def isolated(text: str) -> str:
    """With the marks of UAX #9 around it where it runs the other way, so that it leaves its surroundings in order."""
    return f"{ISOLATE}{text}{ISOLATED}" if is_right_to_left(text) else text


def without_isolation(text: str) -> str:
    return text.replace(ISOLATE, "").replace(ISOLATED, "")


def blocks(body: str) -> list[str]:
    """What stands between blank lines."""
    return [block.strip("\n") for block in _BLANK.split(body) if block.strip()]


def filled(body: str) -> str:
    """Paragraphs broken at 72 columns; a block whose first line is indented stays as it is."""
    return "\n\n".join(block if block.startswith((" ", "\t")) else _fill(block) for block in blocks(body))


def quoted(text: str) -> str:
    """Somebody's own words, indented."""
    return "\n".join(
        textwrap.fill(
            line, WIDTH, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False, break_on_hyphens=False
        )
        for line in text.splitlines()
    )


def _fill(paragraph: str) -> str:
    line = _SPACES.sub(" ", paragraph).strip()
    return textwrap.fill(line, WIDTH, break_long_words=False, break_on_hyphens=False)
