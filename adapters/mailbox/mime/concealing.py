"""Passwords that stand in a mail, made unreadable before anything of it is kept: an answer may quote our order with the
one that it began with, an order has its sender's. Pure; a mail without any comes back byte for byte."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Sequence
from email import message_from_bytes
from email.message import Message
from email.policy import compat32
from html import escape

from gateway.ports.mail_reading import Hidden

INSTEAD = "********"

_CODED = re.compile(rb"^content-transfer-encoding:\s*(?:base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)


def conceal(content: bytes, hidden: Hidden) -> bytes:
    """`hidden.words` count where they stand alone; of `hidden.patterns` the group `secret`."""
    patterns = (*(_word(one) for one in hidden.words if one), *(re.compile(one.encode()) for one in hidden.patterns))
    if not patterns:
        return content
    if _CODED.search(content):
        content = _with_coded_parts(content, patterns)
    return _replaced(content, patterns)


def _with_coded_parts(content: bytes, patterns: Sequence[re.Pattern[bytes]]) -> bytes:
    try:
        mail = message_from_bytes(content, policy=compat32)
        changed = [_decoded(part, patterns) for part in mail.walk() if not part.is_multipart()]
        return mail.as_bytes() if any(changed) else content
    except Exception:  # noqa: BLE001 - the library's, on mails that no program should write: left as it came
        return content


def _decoded(part: Message, patterns: Iterable[re.Pattern[bytes]]) -> bool:
    """Whether it had something to hide. What is coded is looked at as it is read."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in ("base64", "quoted-printable"):
        return False
    if part.get_content_maintype() not in ("text", "message"):
        return False
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes) or (changed := _replaced(payload, patterns)) == payload:
        return False
    part.set_payload(_base64(changed))
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    return True


def _base64(content: bytes) -> str:
    return base64.encodebytes(content).decode("ascii")


def _replaced(content: bytes, patterns: Iterable[re.Pattern[bytes]]) -> bytes:
    for pattern in patterns:
        content = pattern.sub(_without_secret, content)
    return content


def _without_secret(found: re.Match[bytes]) -> bytes:
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return found[0][:start] + INSTEAD.encode() + found[0][end:]


def _word(secret: str) -> re.Pattern[bytes]:
    """Not within another word or number: a short one would be found everywhere."""
    either = "|".join(re.escape(one) for one in dict.fromkeys((secret, escape(secret))))
    return re.compile(rf"(?<![^\s>\"':;,(])(?P<secret>{either})(?![^\s<\"':;,.)&])".encode())
