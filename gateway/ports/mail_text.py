"""What people write into mails, and what their mail programs put around it. Pure.

Formats and the mailbox both need it, so it stands with the port.
"""

from __future__ import annotations

import re

_ORIGINAL = re.compile(
    r"^\s*(-{2,}\s*(original message|ursprüngliche nachricht|message d'origine|mensaje original|oorspronkelijk bericht"
    r"|messaggio originale|forwarded message|weitergeleitete nachricht).*|_{10,}\s*)$",
    re.IGNORECASE,
)
"""Below such a line, mail programs put the mail that is answered without marking its lines."""

_INTRODUCTION = re.compile(
    r"^\s*(on|am|le|el|op|il|den)\b.{0,200}\b(wrote|schrieb|écrit|escribió|schreef|scritto|skrev)\b.{0,100}:\s*$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^\s{0,3}[>|]")
_SIGNATURE = re.compile(r"^-- ?$")


def own_text(text: str) -> str:
    """Without what is quoted from the mail that is answered, and without the signature. Lines stay lines."""
    return "\n".join(own_lines(text))


def own_lines(text: str) -> list[str]:
    lines: list[str] = []
    for line in text.splitlines():
        if _ORIGINAL.match(line) or _SIGNATURE.match(line):
            break
        if not _QUOTED.match(line) and not _INTRODUCTION.match(line):
            lines.append(line)
    return lines


def shortened(text: str, most: int) -> str:
    """At most so many characters, with a mark where something was left out."""
    text = text.strip()
    return text if len(text) <= most else text[: most - 1].rstrip() + "…"
