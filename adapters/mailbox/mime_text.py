"""Bytes to Unicode; secrets concealed. Pure.

Decoding never raises. A mail without secrets comes back byte for byte.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterable
from email.message import Message
from html import escape
from itertools import groupby
from typing import Any

from lxml import etree, html

from adapters.mailbox.mime_limits import ParseBudget, parse_message, refuse_unreadable
from gateway.domain.patterns import compile_bytes_pattern
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.secret_reference import CONCEALED
from gateway.domain.value import value_object
from gateway.ports.incoming_mail import PartConcealer, SecretPatterns

CHARSETS_OF_OLD = ("iso-8859-1", "iso8859-1", "latin-1", "latin1", "us-ascii", "ascii", "ansi_x3.4-1968")
"""Declared so, and meant as windows-1252 by most mail programs."""

_BLANKS = re.compile(r"[ \t\f\v\u00a0]+")
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLOCKS = frozenset({"p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "pre", "hr"})
_UNSEEN = frozenset({"script", "style", "head", "title", "template"})

MAX_HTML_CHARS = 2_000_000
"""Characters of HTML that are looked at."""

MAX_HTML_TAGS = 100_000
"""Tags of HTML that are looked at: each element is many times as large in memory as it is written."""

MAX_TAG_CHARS = 4_000
"""Of a tag with its attributes, which nobody reads here: a longer one, such as of a picture that is written within,
loses them. The parser compares each attribute with all before it: for minutes, where a tag is as long as a page."""

MAX_SECRETS = 10_000
"""In one mail; one that holds more can't be looked into."""

MAX_QUOTE_DEPTH = 20
"""Of quotes in HTML that are marked as such: a mark stands before each line, for each quote around it."""

_WORD_START = re.compile(r"=\?([^?\s]*)\?([qQbB])\?")
_CODED_OCTET = re.compile(rb"=([0-9A-Fa-f]{2})")

_CODED = re.compile(rb"^content-transfer-encoding:\s*(?:base64|quoted-printable)", re.IGNORECASE | re.MULTILINE)


def decode_text(content: bytes, declared: str, max_bytes: int | None = None) -> tuple[str, str]:
    """The text, and what was wrong with its declared charset (empty: nothing). Of more than `max_bytes` the characters
    that end within them."""
    is_cut = max_bytes is not None and len(content) > max_bytes
    content = content[:max_bytes] if is_cut else content
    for charset, complaint in _candidate_charsets(content, declared):
        try:
            text = codecs.getincrementaldecoder(charset)().decode(content) if is_cut else content.decode(charset)
            return _CONTROLS.sub("", text), complaint
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
    """Return whether a name is a charset of texts: not `base64` or `rot13`, which are codecs as well."""
    try:
        return bool(codecs.lookup(name)) and isinstance(b"".decode(name), str)
    except (LookupError, UnicodeError, ValueError, TypeError):
        return False


@value_object
class _EncodedWord:
    content: bytes
    charset: str


def decode_header_text(value: str) -> str:
    """Decode an unstructured field as the parser gives it: folded, with encoded words (RFC 2047), with raw 8-bit bytes.
    A word that can't be decoded stays as it is written.

    The standard library's `decode_header` takes time by the square of the length; this goes through it once.
    """
    pieces = _split_encoded_words(re.sub(r"\r?\n[ \t]*", " ", value))
    texts: list[str] = []
    for charset, run in groupby(pieces, lambda piece: piece.charset if isinstance(piece, _EncodedWord) else None):
        if charset is None:
            texts += [_decode_raw_bytes(word) for word in run if isinstance(word, str)]
        else:  # a letter may be divided between two words
            octets = b"".join(word.content for word in run if isinstance(word, _EncodedWord))
            texts.append(decode_text(octets, charset)[0])
    return single_line("".join(texts))


def _split_encoded_words(value: str) -> list[str | _EncodedWord]:
    """Split into encoded words and others in their order. Blanks between two encoded words don't count (RFC 2047
    section 6.2)."""
    pieces: list[str | _EncodedWord] = []
    done = 0
    start = value.find("=?")
    while start >= 0:
        head = _WORD_START.match(value, start)
        if head is None:
            start = value.find("=?", start + 2)
            continue
        end = value.find("?=", head.end())
        if end < 0:  # nor does any word end that begins behind it
            break
        word = _decode_word(head[1], head[2], value[head.end() : end])
        if word is not None:
            between = value[done:start]
            if between.strip() or not (pieces and isinstance(pieces[-1], _EncodedWord)):
                pieces.append(between)
            pieces.append(word)
            done = end + 2
        start = value.find("=?", end + 2)
    pieces.append(value[done:])
    return pieces


def _decode_word(charset: str, coding: str, text: str) -> _EncodedWord | None:
    """None: it can't be decoded."""
    coded = text.encode("utf-8", "surrogateescape")
    if coding in "qQ":
        content = _CODED_OCTET.sub(lambda octet: bytes.fromhex(octet[1].decode()), coded.replace(b"_", b" "))
    else:
        try:
            content = binascii.a2b_base64(coded + b"=" * (-len(coded) % 4))
        except binascii.Error:
            return None
    return _EncodedWord(content, charset.partition("*")[0].lower())  # RFC 2231 section 5: a language may stand there


def _decode_raw_bytes(value: str) -> str:
    """Surrogates stand for bytes that were no ASCII."""
    return decode_text(value.encode("utf-8", "surrogateescape"), "")[0]


def single_line(text: str) -> str:
    return " ".join(_CONTROLS.sub(" ", text).split())


def unwrap_flowed_text(text: str, deletes_space: bool) -> str:
    """RFC 3676: lines that end with a blank go on in the next."""
    lines: list[str] = []
    pieces: list[str] = []  # of the line that goes on
    for raw in text.split("\n"):
        line = raw.removeprefix(" ") if raw.startswith((" ", "  ")) and not raw.startswith(" >") else raw
        if pieces and line.startswith(">"):
            lines.append(_join_flowed(pieces, deletes_space))
            pieces = []
        pieces.append(line)
        if not line.endswith(" ") or line == "-- " or line.startswith(">"):
            lines.append(_join_flowed(pieces, deletes_space))
            pieces = []
    if pieces:
        lines.append(_join_flowed(pieces, deletes_space))
    return "\n".join(lines)


def _join_flowed(pieces: list[str], deletes_space: bool) -> str:
    *before, last = pieces
    return "".join((*(piece[:-1] if deletes_space else piece for piece in before), last))


def text_of_html(page: str) -> str:
    """Return what a reader sees of a page, with blocks on lines of their own and quotes marked by `> `."""
    try:
        root = html.document_fromstring(
            _cut_page(page).encode("utf-8", "replace"), html.HTMLParser(encoding="utf-8", huge_tree=True)
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError, AssertionError):
        return ""
    text = "\n".join(_BLANKS.sub(" ", "".join(line)).strip() for line in _collect_html_lines(root))
    return re.sub(r"\n{3,}", "\n\n", text).strip()


_COMMENT_OR_TAG = re.compile(
    r"<!--(?:[^-]++|-(?!->))*+|(?P<name><[A-Za-z][^\s<>/=]{0,100})"
    r"(?P<attributes>(?:[^>=]++|=\s*+(?:\"[^\"]*+\"|'[^']*+')?)*+)"
)
"""As the parser divides a page: a value in quotes may have `>` in it."""


def _shorten_tag(match: re.Match[str]) -> str:
    return match["name"] if len(match["attributes"] or "") > MAX_TAG_CHARS else match[0]


def _cut_page(page: str) -> str:
    page = _COMMENT_OR_TAG.sub(_shorten_tag, page[:MAX_HTML_CHARS])
    if page.count("<") <= MAX_HTML_TAGS:
        return page
    return page[: len(page) - len(page.split("<", MAX_HTML_TAGS)[-1]) - 1]


def _collect_html_lines(root: html.HtmlElement) -> list[list[str]]:
    """Each line as its pieces. By hand instead of by recursion: depth is the sender's to choose."""
    lines: list[list[str]] = [[]]
    quotes = 0
    hidden = 0
    for step, node in etree.iterwalk(root, events=("start", "end")):
        name = node.tag if isinstance(node.tag, str) else ""
        starts = step == "start"
        if name == "blockquote":
            quotes += 1 if starts else -1
        if name in _BLOCKS or name == "blockquote" or (name == "br" and starts):
            lines.append(["> " * min(quotes, MAX_QUOTE_DEPTH)])
        hidden += (name in _UNSEEN) * (1 if starts else -1)
        if hidden:
            continue
        if starts and name:
            _append_text(lines[-1], node.text)
        elif not starts and node is not root:
            _append_text(lines[-1], node.tail)
    return lines


def _append_text(line: list[str], text: str | None) -> None:
    if text:
        line.append(" ".join(text.splitlines()) if "\n" in text or "\r" in text else text)


def conceal_secrets(content: bytes, hidden: SecretPatterns) -> bytes:
    """`hidden.words` count where they stand alone; of `hidden.patterns` the group `secret`. A mail whose coded parts or
    others than texts hold a secret has these parts in base64 afterwards. Raises MalformedMessage: such parts can't be
    looked into, so nobody knows what they hold."""
    lowered = content.lower() if hidden.parts else b""
    parts = [concealer for concealer in hidden.parts if any(mark.encode() in lowered for mark in concealer.marks)]
    if parts:
        content = _conceal_parts(content, lambda part: _conceal_in_other_part(part, parts))
    patterns = (
        *(_word_pattern(word) for word in hidden.words if word),
        *(_written_pattern(pattern) for pattern in hidden.patterns),
    )
    if not patterns:
        return content
    if _CODED.search(content):
        content = _conceal_parts(content, lambda part: _conceal_in_coded_text(part, patterns))
    return _conceal_matches(content, patterns)


def _conceal_parts(content: bytes, conceal: Callable[[Message], bool]) -> bytes:
    """`conceal` says whether it has changed a part."""
    budget = ParseBudget(len(content))
    mail = parse_message(content, budget)

    def conceal_in_each() -> bytes:
        changed = False
        for part in mail.walk():
            budget.check_time()
            changed |= not part.is_multipart() and conceal(part)
        return mail.as_bytes() if changed else content

    return refuse_unreadable(conceal_in_each)


def _conceal_in_other_part(part: Message, concealers: Iterable[PartConcealer]) -> bool:
    """Conceal secrets, and return whether the part had something to hide."""
    kind = f"{part.get_content_type()} {part.get_filename() or ''}".lower()
    payload = part.get_payload(decode=True)
    if not isinstance(payload, bytes):
        return False
    changed = payload
    for concealer in concealers:
        if any(mark in kind for mark in concealer.marks):
            changed = concealer.conceal(changed)
    return _replace_payload(part, payload, changed)


def _conceal_in_coded_text(part: Message, patterns: Iterable[SecretPattern]) -> bool:
    """Conceal secrets, and return whether the part had something to hide. What is coded is looked at as it is read."""
    if str(part.get("Content-Transfer-Encoding", "")).strip().lower() not in ("base64", "quoted-printable"):
        return False
    if part.get_content_maintype() not in ("text", "message"):
        return False
    payload = part.get_payload(decode=True)
    return isinstance(payload, bytes) and _replace_payload(part, payload, _conceal_matches(payload, patterns))


def _replace_payload(part: Message, payload: bytes, changed: bytes) -> bool:
    """Replace the payload, and return whether there was something to replace."""
    if changed == payload:
        return False
    part.set_payload(_encode_base64(changed))
    del part["Content-Transfer-Encoding"]
    part["Content-Transfer-Encoding"] = "base64"
    return True


def _encode_base64(content: bytes) -> str:
    return base64.encodebytes(content).decode("ascii")


def _conceal_matches(content: bytes, patterns: Iterable[SecretPattern]) -> bytes:
    for pattern in patterns:
        content = pattern.conceal_matches(content)
    return content


@value_object
class SecretPattern:
    """`compiled` by `re` or by RE2; the number of its group `secret`."""

    compiled: Any
    group: int

    def conceal_matches(self, content: bytes) -> bytes:
        """Conceal matches; raises MalformedMessage for too many."""
        concealed: bytes
        concealed, number = self.compiled.subn(self._mask_secret, content, MAX_SECRETS + 1)
        if number > MAX_SECRETS:
            raise MalformedMessage("", f"more than {MAX_SECRETS:,} places of passwords", MalformationKind.TOO_LARGE)
        return concealed

    def _mask_secret(self, match: Any) -> bytes:
        start, end = match.start(self.group) - match.start(), match.end(self.group) - match.start()
        whole: bytes = match[0]
        return whole[:start] + CONCEALED.encode() + whole[end:]


def _written_pattern(pattern: str) -> SecretPattern:
    """One that a profile has a part in."""
    compiled = compile_bytes_pattern(pattern.encode())
    return SecretPattern(compiled, compiled.groupindex[b"secret"])


def _word_pattern(secret: str) -> SecretPattern:
    """Make a pattern that fits no part of another word or number: a short one would be found everywhere."""
    either = "|".join(re.escape(text) for text in dict.fromkeys((secret, escape(secret))))
    compiled = re.compile(rf"(?<![^\s>\"':;,(])(?P<secret>{either})(?![^\s<\"':;,.)&])".encode())
    return SecretPattern(compiled, 1)
