"""Bytes to Unicode; secrets concealed. Pure.

Decoding never raises. A mail without secrets comes back byte for byte.
"""

from __future__ import annotations

import base64
import codecs
import re
from collections.abc import Callable, Iterable
from email import message_from_bytes
from email.errors import HeaderParseError
from email.header import decode_header
from email.message import Message
from email.policy import compat32
from html import escape

from lxml import etree, html

from gateway.domain.secret_reference import CONCEALED
from gateway.ports.incoming_mail import PartConcealer, SecretPatterns

CHARSETS_OF_OLD = ("iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii", "ansi_x3.4-1968")
"""Declared so, and meant as windows-1252 by most mail programs."""

_BLANKS = re.compile(r"[ \t\f\v\u00a0]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLOCKS = frozenset({"p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "hr"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})

MAX_HTML_CHARS = 2_000_000
"""Characters of HTML that are looked at."""

_CODED = re.compile(rb"^content-transfer-encoding:\s*(?:base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)


def decode_text(content: bytes, declared: str) -> tuple[str, str]:
    """The text, and what was wrong with its declared charset (empty: nothing)."""
    for charset, complaint in _candidate_charsets(content, declared):
        try:
            return _CONTROLS.sub("", content.decode(charset)), complaint
        except (UnicodeError, LookupError):
            continue
    return _CONTROLS.sub("", content.decode("windows-1252", "replace")), f"text is not in {declared or 'ascii'}"


def _candidate_charsets(content: bytes, declared: str) -> list[tuple[str, str]]:
    name = declared.strip().strip("\"'").lower()
    if name and not _is_charset(name):
        return [("utf-8", f"unknown charset {name}: read as utf-8"), ("windows-1252", f"unknown charset {name}")]
    if name in CHARSETS_OF_OLD or not name:
        plain = content.isascii()
        if plain:
            return [("ascii", "")]
        first = ("utf-8", f"utf-8 declared as {name or 'nothing'}")
        old = (
            "windows-1252",
            "" if name.startswith(("iso", "latin")) else f"8-bit text declared as {name or 'nothing'}",
        )
        # What decodes as UTF-8 with several bytes a letter is never meant as anything else.
        return [first, old]
    return [(name, ""), ("utf-8", f"utf-8 declared as {name}"), ("windows-1252", f"windows-1252 declared as {name}")]


def _is_charset(name: str) -> bool:
    """Of texts: not `base64` or `rot13`, which are codecs as well."""
    try:
        return bool(codecs.lookup(name)) and isinstance(b"".decode(name), str)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False


def decode_header_text(value: str) -> str:
    """Of an unstructured field as the parser gives it: folded, with encoded words, with raw 8-bit bytes."""
    unfolded = re.sub(r"\r?\n[ \t]*", " ", value)
    try:
        pieces = decode_header(unfolded)
    except (HeaderParseError, ValueError, LookupError):
        return single_line(_decode_raw_bytes(unfolded))
    return single_line("".join(_decode_piece(piece, charset) for piece, charset in pieces))


def _decode_piece(piece: bytes | str, charset: str | None) -> str:
    if isinstance(piece, str):
        return _decode_raw_bytes(piece)
    return decode_text(piece, charset or "")[0]


def _decode_raw_bytes(value: str) -> str:
    """Surrogates stand for bytes that were no ASCII."""
    return decode_text(value.encode("utf-8", "surrogateescape"), "")[0]


def single_line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def unwrap_flowed_text(text: str, deletes_space: bool) -> str:
    """RFC 3676: lines that end with a blank go on in the next."""
    lines: list[str] = []
    joins = False
    for raw in text.split("\n"):
        line = raw.removeprefix(" ") if raw.startswith((" ", "  ")) and not raw.startswith(" >") else raw
        if joins and not line.startswith(">"):
            lines[-1] = (lines[-1][:-1] if deletes_space else lines[-1]) + line
        else:
            lines.append(line)
        joins = line.endswith(" ") and line != "-- " and not line.startswith(">")
    return "\n".join(lines)


def text_of_html(page: str) -> str:
    """What a reader sees of it, with blocks on lines of their own and quotes marked by `> `."""
    try:
        root = html.document_fromstring(
            page[:MAX_HTML_CHARS].encode("utf-8", "replace"), html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return ""
    lines: list[str] = [""]
    _collect_html_lines(root, lines)
    text = "\n".join(_BLANKS.sub(" ", line).strip() for line in lines)
    return re.sub(r"\n{3,}", "\n\n", text).strip()


def _collect_html_lines(root: html.HtmlElement, lines: list[str]) -> None:
    """By hand instead of by recursion: depth is the sender's to choose."""
    quotes = 0
    hidden = 0
    for step, node in etree.iterwalk(root, events=("start", "end")):
        name = node.tag if isinstance(node.tag, str) else ""
        block = name in _BLOCKS
        if step == "start":
            hidden += name in _UNSEEN
            if name == "blockquote":
                quotes += 1
                lines.append("> " * quotes)
            elif name == "br" or block:
                lines.append("> " * quotes)
            if not hidden and name:
                _append_text(lines, node.text)
        else:
            hidden -= name in _UNSEEN
            if name == "blockquote":
                quotes -= 1
                lines.append("> " * quotes)
            elif block:
                lines.append("> " * quotes)
            if not hidden and node is not root:
                _append_text(lines, node.tail)


def _append_text(lines: list[str], text: str | None) -> None:
    if text:
        lines[-1] += " ".join(text.splitlines()) if "\n" in text or "\r" in text else text


def conceal_secrets(content: bytes, hidden: SecretPatterns) -> bytes:
    """`hidden.words` count where they stand alone; of `hidden.patterns` the group `secret`. A mail whose coded parts or
    others than texts hold a secret has these parts in base64 afterwards."""
    lowered = content.lower() if hidden.parts else b""
    parts = [one for one in hidden.parts if any(mark.encode() in lowered for mark in one.marks)]
    if parts:
        content = _conceal_parts(content, lambda part: _conceal_in_other_part(part, parts))
    patterns = (
        *(_secret_pattern(one) for one in hidden.words if one),
        *(re.compile(one.encode()) for one in hidden.patterns),
    )
    if not patterns:
        return content
    if _CODED.search(content):
        content = _conceal_parts(content, lambda part: _conceal_in_coded_text(part, patterns))
    return _conceal_matches(content, patterns)


def _conceal_parts(content: bytes, conceal: Callable[[Message], bool]) -> bytes:
    """`conceal` says whether it has changed a part."""
    try:
        mail = message_from_bytes(content, policy=compat32)
        changed = [conceal(part) for part in mail.walk() if not part.is_multipart()]
        return mail.as_bytes() if any(changed) else content
    except Exception:  # noqa: BLE001 - the library's, on mails that no program should write: left as it came
        return content


def _conceal_in_other_part(part: Message, concealers: Iterable[PartConcealer]) -> bool:
    """Whether it had something to hide."""
    kind = f"{part.get_content_type()} {part.get_filename() or ''}".lower()
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return False
    changed = payload
    for one in concealers:
        if any(mark in kind for mark in one.marks):
            changed = one.conceal(changed)
    return _replace_payload(part, payload, changed)


def _conceal_in_coded_text(part: Message, patterns: Iterable[re.Pattern[bytes]]) -> bool:
    """Whether it had something to hide. What is coded is looked at as it is read."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in ("base64", "quoted-printable"):
        return False
    if part.get_content_maintype() not in ("text", "message"):
        return False
    payload = part.get_payload(decode=True)
    return isinstance(payload, bytes) and _replace_payload(part, payload, _conceal_matches(payload, patterns))


def _replace_payload(part: Message, payload: bytes, changed: bytes) -> bool:
    """Whether there is something to replace."""
    if changed == payload:
        return False
    part.set_payload(_encode_base64(changed))
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    return True


def _encode_base64(content: bytes) -> str:
    return base64.encodebytes(content).decode("ascii")


def _conceal_matches(content: bytes, patterns: Iterable[re.Pattern[bytes]]) -> bytes:
    for pattern in patterns:
        content = pattern.sub(_mask_secret, content)
    return content


def _mask_secret(found: re.Match[bytes]) -> bytes:
    start, end = found.start("secret") - found.start(), found.end("secret") - found.start()
    return found[0][:start] + CONCEALED.encode() + found[0][end:]


def _secret_pattern(secret: str) -> re.Pattern[bytes]:
    """Not within another word or number: a short one would be found everywhere."""
    either = "|".join(re.escape(one) for one in dict.fromkeys((secret, escape(secret))))
    return re.compile(rf"(?<![^\s>\"':;,(])(?P<secret>{either})(?![^\s<\"':;,.)&])".encode())
