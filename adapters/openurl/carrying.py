"""What a link carries: bytes of query and form -> keys with texts. Knows no keys' meaning but what it needs to read
the others: character set, and a context object within a value.
"""

from __future__ import annotations

import email.parser
import email.policy
import re
from collections.abc import Iterable, Iterator
from dataclasses import field
from email.message import EmailMessage
from urllib.parse import quote, unquote_to_bytes

from adapters.openurl.characters import charset_of, mended, text_of, without_controls
from adapters.openurl.context_xml import read_context
from adapters.openurl.keys import CHARSET_HABIT, REQUESTER, is_ours
from gateway.domain.frozen import frozen
from gateway.domain.problems import Fault, MalformedMessage
from gateway.ports.citing import ArrivedLink

MAX_BYTES = 1_000_000
MAX_PAIRS = 1000

_XML = re.compile(r"(application|text)/([a-z0-9.+-]+\+)?xml")
_AS_IT_IS = frozenset({"rft_dat", "pid", "req_dat"})
"""Whole documents: their own readers know what to mend."""

Raw = tuple[str, bytes]
"""A key in lower case, and the bytes of its value, percent-decoded once."""


@frozen
class Carried:
    """`pairs` in the order in which they came, the query's first; keys in lower case, values mended. `notes`: what
    looked wrong. `original`: all of it that belongs to OpenURL and is not about the requester, as it came."""

    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    original: str = field(default="", repr=False)


def carried(link: ArrivedLink) -> Carried:
    """Raises MalformedMessage: too large, or nothing in it but XML or a form that can't be read."""
    if len(link.query) + len(link.form) > MAX_BYTES:
        raise MalformedMessage("link", f"larger than {MAX_BYTES} bytes", Fault.TOO_LARGE)
    segments, documents = _opened([*_segments(link.query), *_of_form(link)])
    if _is_xml(link) and link.form.strip():
        documents.append(link.form)
    notes: list[str] = []
    if len(segments) > MAX_PAIRS:
        notes.append(f"more than {MAX_PAIRS} keys: the rest was not read")
        del segments[MAX_PAIRS:]
    raw = [_pair(one) for one in segments]
    charset = _charset(raw, _parameter(link.content_type, "charset"), notes)
    pairs = _texts(raw, charset, notes)
    shown = [quote(b"&".join(one for one in segments if _is_kept(one)), safe="%&=+;:/?@!$'()*,~")]
    for document in documents:
        try:
            context = read_context(_in_utf8(document, charset))
        except MalformedMessage as malformed:
            if not pairs:
                raise
            notes.append(f"url_ctx_val is not understood: {malformed}")
            continue
        pairs += [(key, value if key in _AS_IT_IS else mended(value)[0]) for key, value in context.pairs]
        notes += context.notes
        shown.append(context.original)
    return Carried(tuple(pairs), tuple(notes), "\n".join(filter(None, shown)))


def _is_xml(link: ArrivedLink) -> bool:
    return _XML.fullmatch(_media(link)) is not None


def _media(link: ArrivedLink) -> str:
    return link.content_type.partition(";")[0].strip().lower()


def _of_form(link: ArrivedLink) -> Iterator[bytes]:
    if _media(link) == "multipart/form-data":
        yield from (f"{quote(key)}={quote(value)}".encode() for key, value in _parts(link.form, link.content_type))
    elif not _is_xml(link):
        yield from _segments(link.form)


def _opened(segments: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """A context object by value (`url_ctx_val`): the keys of one in KEV join the others; those in XML stand apart."""
    flat, documents = [], []
    for segment in segments:
        key, value = _pair(segment)
        if key != "url_ctx_val":
            flat.append(segment)
        elif value.lstrip().startswith(b"<"):
            documents.append(value)
        else:
            flat += [one for one in _segments(value) if _pair(one)[0] != "url_ctx_val"]
    return flat, documents


def _in_utf8(document: bytes, charset: str) -> bytes:
    """A document that declares nothing is in the link's character set."""
    return document if document.lstrip()[:5] == b"<?xml" else text_of(document, charset)[0].encode()


def _segments(raw: bytes) -> Iterator[bytes]:
    """`&amp;` between keys is an old habit of pages that made links by hand."""
    for segment in raw.lstrip(b"?").split(b"&"):
        one = segment.strip().removeprefix(b"amp;")
        if one:
            yield one


def _pair(segment: bytes) -> Raw:
    key, _, value = segment.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(key).decode("utf-8", "replace").strip().lower(), unquote_to_bytes(value)


def _is_kept(segment: bytes) -> bool:
    key = _pair(segment)[0]
    return is_ours(key) and not REQUESTER.match(key)


def _texts(raw: list[Raw], charset: str, notes: list[str]) -> list[tuple[str, str]]:
    found = []
    for key, value in raw:
        text, wrong = text_of(value, charset)
        twice = False
        if key in _AS_IT_IS:
            text = without_controls(text)
        elif key in ("notes", "rft.notes", "note", "rft.note"):
            text = "\n".join(mended(line)[0] for line in text.splitlines())
        else:
            text, twice = mended(text)
        if text.strip():
            found.append((key, text))
        if wrong and is_ours(key):
            notes.append(f"{key} is not in {charset}, read as windows-1252")
        if twice and is_ours(key):
            notes.append(f"{key} was percent-encoded twice")
    return found


def _charset(raw: Iterable[Raw], form_charset: str, notes: list[str]) -> str:
    said = next((value.decode("ascii", "replace") for key, value in raw if key == "ctx_enc" and value.strip()), "")
    said = said or next((value.decode("ascii", "replace") for key, value in raw if key == CHARSET_HABIT), form_charset)
    known = charset_of(said)
    if said.strip() and not known:
        notes.append(f"ctx_enc is no character set that is known: {without_controls(said, '')[:60]}")
    return known or "utf-8"


def _parameter(content_type: str, name: str) -> str:
    message = EmailMessage()
    try:
        message["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
        return str(message["Content-Type"].params.get(name, ""))
    except (AttributeError, IndexError, ValueError):
        return ""


def _parts(body: bytes, content_type: str) -> Iterator[Raw]:
    """The fields of multipart/form-data (RFC 7578); files among them are not read."""
    boundary = _parameter(content_type, "boundary")
    if not boundary or f"--{boundary}".encode() not in body:
        raise MalformedMessage("form", "multipart/form-data without its boundary")
    head = f'Content-Type: multipart/form-data; boundary="{boundary}"\r\n\r\n'.encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and not part.get_filename() and isinstance(value, bytes):
            yield name, value
