"""Mending of XML that isn't well-formed, where it is safe to say what was meant (facts/ncip.md 1.3, 1.5).

Each repair takes linear time and is noted when it changed something.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from adapters.ncip.dialect.xml import Repair

Mend = Callable[[str], str]

_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_BARE_LESS_THAN = re.compile(r"<(?![A-Za-z_/!?])")
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_START = re.compile(r"<(?:\?xml|!DOCTYPE|!--|[A-Za-z_])")
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,100})")


def apply(mend: Mend, text: str, notes: list[str]) -> str:
    """The mended text; adds the repair's name to `notes` if it did anything."""
    mended = mend(text)
    if mended != text:
        notes.append(_NOTES[mend])
    return mended


def escape_ampersands(text: str) -> str:
    """`R&D` -> `R&amp;D`; references to entities that XML hasn't built in become text too."""
    return _outside_cdata(text, lambda part: _BARE_AMPERSAND.sub("&amp;", part))


def escape_less_thans(text: str) -> str:
    """`a < b` -> `a &lt; b`: a `<` that can't begin a tag."""
    return _outside_cdata(text, lambda part: _BARE_LESS_THAN.sub("&lt;", part))


def drop_controls(text: str) -> str:
    """Control characters, and references to characters that XML doesn't have (INN-Reach: ^D)."""
    return _REFERENCE.sub(_valid_reference, _CONTROL.sub("", text))


def drop_junk_before(text: str) -> str:
    found = _START.search(text)
    return text[found.start() :] if found and text[: found.start()].strip("\ufeff \t\r\n") else text


def drop_junk_after(text: str) -> str:
    """Everything behind the last end tag of the root's name, or behind the root if it is empty."""
    root = _ROOT.search(text)
    if root is None:
        return text
    closing = f"</{root[1]}"
    last = text.rfind(closing)
    end = text.find(">", last) if last >= 0 else -1
    return text[: end + 1] if end >= 0 else text


def _valid_reference(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    valid = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if valid else ""


def _outside_cdata(text: str, mend: Mend) -> str:
    if _CDATA not in text:
        return mend(text)
    parts: list[str] = []
    position = 0
    while (start := text.find(_CDATA, position)) >= 0:
        end = text.find(_CDATA_END, start)
        if end < 0:
            break
        parts += (mend(text[position:start]), text[start : end + 3])
        position = end + 3
    parts.append(mend(text[position:]))
    return "".join(parts)


_NOTES: dict[Mend, str] = {
    escape_ampersands: "bare & escaped",
    escape_less_thans: "bare < escaped",
    drop_controls: "control characters dropped",
    drop_junk_before: "text before the document dropped",
    drop_junk_after: "text after the document dropped",
}

IN_ORDER: tuple[tuple[Repair, Mend], ...] = (
    (Repair.CONTROL_CHARACTERS, drop_controls),
    (Repair.BARE_AMPERSAND, escape_ampersands),
    (Repair.BARE_LESS_THAN, escape_less_thans),
)
