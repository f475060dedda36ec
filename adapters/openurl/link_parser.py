"""Query, form or context XML -> keys with texts.

Knows no keys' meaning but what it needs to read the others: character set, and a context object within a value. XML is
read without DTD, entity or network; elements are known by their local names, since namespaces vary.
"""

from __future__ import annotations

import codecs
import copy
import email.parser
import html
import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import field
from email.message import EmailMessage
from urllib.parse import quote, unquote_to_bytes

from lxml import etree

from adapters.openurl.keys import (
    CHARSET_HABIT,
    FORMAT,
    ITEM_FORMATS,
    REQUESTER,
    UNKNOWN,
    is_openurl_key,
    is_rest_of_value,
    report_key,
)
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import value_object
from gateway.ports.catalogue import ReceivedLink

MAX_BYTES = 1_000_000
MAX_PAIRS = 1000

CONTEXT_OBJECT = write_sentence("context object")

_XML = re.compile(r"(application|text)/([a-z0-9.+-]+\+)?xml")
_AS_IT_IS = frozenset({"rft_dat", "pid", "req_dat"})
"""Whole documents: their own readers know what to mend."""

RawPair = tuple[str, bytes]
"""A key in lower case, and the bytes of its value, percent-decoded once."""

FALLBACK = "cp1252"
"""What browsers take ISO-8859-1 for."""

_ENCODING = re.compile(r"(?:info:ofi/enc:)?([A-Za-z0-9._:-]{1,40})\Z")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")
_KNOWN = frozenset(
    codecs.lookup(name).name
    for name in (
        "utf-8",
        *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"cp125{page}" for page in range(9)),
        *("us-ascii", "koi8-r", "koi8-u", "shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5"),
    )
)

MAX_ELEMENTS = 5000
MAX_DEPTH = 40

_PREFIX = {
    "referent": "rft",
    "referring-entity": "rfe",
    "requester": "req",
    "referrer": "rfr",
    "resolver": "res",
    "service-type": "svc",
}


@value_object
class LinkKeys:
    """`pairs` in the order in which they came, the query's first; keys in lower case, values mended. `notes`: what
    looked wrong; `mended`: those about values that could be mended. `original`: all of it that belongs to OpenURL and
    is not about the requester, as it came."""

    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    mended: frozenset[str] = frozenset()
    original: str = field(default="", repr=False)


def parse_link(link: ReceivedLink) -> LinkKeys:
    """Parse a link; raises MalformedMessage: too large, or nothing in it but XML or a form that can't be read."""
    if len(link.query) + len(link.form) > MAX_BYTES:
        raise MalformedMessage("link", f"larger than {MAX_BYTES} bytes", MalformationKind.TOO_LARGE)
    segments, documents = _unpack_context_objects([*_split_segments(link.query), *_form_segments(link)])
    if _is_xml_link(link) and link.form.strip():
        documents.append(link.form)
    notes: list[str] = []
    if len(segments) > MAX_PAIRS:
        notes.append(write_sentence("more than %(most)s keys: the rest is ignored", most=MAX_PAIRS))
        del segments[MAX_PAIRS:]
    raw = [_parse_segment(segment) for segment in segments]
    charset = _choose_charset(raw, _content_type_parameter(link.content_type, "charset"), notes)
    before = len(notes)
    pairs = _decode_pairs(raw, charset, notes)
    mended = frozenset(notes[before:])
    shown = [quote(b"&".join(segment for segment in segments if _is_kept_segment(segment)), safe="%&=+;:/?@!$'()*,~")]
    for document in documents:
        try:
            context = read_context_object(_document_in_utf8(document, charset))
        except MalformedMessage as malformed:
            if not pairs:
                raise
            notes.append(report_key("url_ctx_val", write_about(malformed.place, malformed.reason)))
            continue
        pairs += [(key, value if key in _AS_IT_IS else mend_text(value)[0]) for key, value in context.pairs]
        notes += context.notes
        shown.append(context.original)
    return LinkKeys(tuple(pairs), tuple(notes), mended, "\n".join(filter(None, shown)))


def _is_xml_link(link: ReceivedLink) -> bool:
    return _XML.fullmatch(_media_type(link)) is not None


def _media_type(link: ReceivedLink) -> str:
    return link.content_type.partition(";")[0].strip().lower()


def _form_segments(link: ReceivedLink) -> Iterator[bytes]:
    if _media_type(link) == "multipart/form-data":
        yield from (
            f"{quote(key)}={quote(value)}".encode() for key, value in _read_form_fields(link.form, link.content_type)
        )
    elif not _is_xml_link(link):
        yield from _split_segments(link.form)


def _unpack_context_objects(segments: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """A context object by value (`url_ctx_val`): the keys of one in KEV join the others; those in XML stand apart."""
    flat, documents = [], []
    for segment in segments:
        key, value = _parse_segment(segment)
        if key != "url_ctx_val":
            flat.append(segment)
        elif value.lstrip().startswith(b"<"):
            documents.append(value)
        else:
            flat += [segment for segment in _split_segments(value) if _parse_segment(segment)[0] != "url_ctx_val"]
    return flat, documents


def _document_in_utf8(document: bytes, charset: str) -> bytes:
    """A document that declares nothing is in the link's character set."""
    return document if document.lstrip()[:5] == b"<?xml" else decode_value(document, charset)[0].encode()


def _split_segments(raw: bytes) -> Iterator[bytes]:
    """Keys with their values, where a `&` that stood bare is escaped. `&amp;` between keys is an old habit of pages
    that made links by hand."""
    parts: list[bytes] = []
    has_value = False
    for segment in raw.lstrip(b"?").split(b"&"):
        if not segment.strip():
            continue
        if has_value and is_rest_of_value(parts[-1], segment):
            rest = segment.removeprefix(b"amp;")
            parts.append(rest.removesuffix(b"=") if rest.count(b"=") == 1 else rest)
            continue
        if parts:
            yield b"%26".join(parts).strip()
        key = segment.lstrip().removeprefix(b"amp;")
        parts = [key] if key else []
        has_value = b"=" in key  # asked once: pieces may be many, and a key long
    if parts:
        yield b"%26".join(parts).strip()


def _parse_segment(segment: bytes) -> RawPair:
    key, _, value = segment.replace(b"+", b" ").partition(b"=")
    return unquote_to_bytes(key).decode("utf-8", "replace").strip().lower(), unquote_to_bytes(value)


def _is_kept_segment(segment: bytes) -> bool:
    key = _parse_segment(segment)[0]
    return is_openurl_key(key) and not REQUESTER.match(key)


def _decode_pairs(raw: list[RawPair], charset: str, notes: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for key, value in raw:
        text, wrong = decode_value(value, charset)
        twice = False
        if key in _AS_IT_IS:
            text = strip_controls(text)
        elif key in ("notes", "rft.notes", "note", "rft.note"):
            text = "\n".join(mend_text(line)[0] for line in text.splitlines())
        else:
            text, twice = mend_text(text)
        if text.strip():
            pairs.append((key, text))
        if wrong and is_openurl_key(key):
            notes.append(f"{key} is not in {charset}, read as windows-1252")
        if twice and is_openurl_key(key):
            notes.append(f"{key} was percent-encoded twice")
    return pairs


def _choose_charset(raw: Iterable[RawPair], form_charset: str, notes: list[str]) -> str:
    name = next((value.decode("ascii", "replace") for key, value in raw if key == "ctx_enc" and value.strip()), "")
    name = name or next((value.decode("ascii", "replace") for key, value in raw if key == CHARSET_HABIT), form_charset)
    known = charset_of(name)
    if name.strip() and not known:
        notes.append(report_key("ctx_enc", write_sentence("unknown character set"), strip_controls(name, "")[:60]))
    return known or "utf-8"


def _content_type_parameter(content_type: str, name: str) -> str:
    message = EmailMessage()
    try:
        message["Content-Type"] = content_type.replace("\r", " ").replace("\n", " ")
        return str(message["Content-Type"].params.get(name, ""))
    except (AttributeError, IndexError, ValueError):
        return ""


def _read_form_fields(body: bytes, content_type: str) -> Iterator[RawPair]:
    """The fields of multipart/form-data (RFC 7578); files among them are not read."""
    boundary = _content_type_parameter(content_type, "boundary")
    if not boundary or f"--{boundary}".encode() not in body:
        raise MalformedMessage("form", "multipart/form-data without its boundary")
    head = f'Content-Type: multipart/form-data; boundary="{boundary}"\r\n\r\n'.encode()
    message = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body)
    for part in message.iter_parts() if message.is_multipart() else ():
        name = part.get_param("name", header="content-disposition")
        value = part.get_payload(decode=True)
        if isinstance(name, str) and not part.get_filename() and isinstance(value, bytes):
            yield name, value


def charset_of(name: str) -> str:
    """Python's name of what `ctx_enc` or a content type says (`info:ofi/enc:ISO-8859-1`); empty: not one of texts."""
    match = _ENCODING.match(name.strip())
    if match is None:
        return ""
    try:
        known = codecs.lookup(match[1]).name
    except LookupError:
        return ""
    return known if known in _KNOWN else ""


def decode_value(raw: bytes, charset: str) -> tuple[str, bool]:
    """The text, and whether it isn't in this character set: then it is read as windows-1252."""
    try:
        return raw.decode(charset), False
    except UnicodeDecodeError:
        return _guess_text(raw), True


def _guess_text(raw: bytes) -> str:
    try:
        return raw.decode(FALLBACK)
    except UnicodeDecodeError:
        return raw.decode("iso-8859-1")


def mend_text(text: str) -> tuple[str, bool]:
    """Return a text without HTML entities, control characters, double blanks; and whether it had been percent-encoded
    twice. A URL has its own escapes, and so may a text with blanks in it."""
    twice = "%" in text and " " not in text and "://" not in text and _ESCAPED.search(text) is not None
    if twice:
        text, wrong = decode_value(unquote_to_bytes(text.replace("+", " ")), "utf-8")
        twice = not wrong
    for _ in range(2):  # `&amp;amp;` is seen
        if "&" not in text:
            break
        text = html.unescape(text)
    return tidy_text(text), twice


def tidy_text(text: str) -> str:
    """One line in NFC without anything that can't be shown."""
    return unicodedata.normalize("NFC", " ".join(strip_controls(text, "").split()))


def strip_controls(text: str, kept: str = "\n\t") -> str:
    """Control characters are blanks, halves of surrogate pairs are gone."""
    return text if text.isprintable() else "".join(_printable_character(letter, kept) for letter in text)


def _printable_character(letter: str, kept: str) -> str:
    category = unicodedata.category(letter)
    if category == "Cc" and letter not in kept:
        return " "
    return "" if category == "Cs" else letter


@value_object
class ContextObject:
    """`original`: the document without what it says about the requester."""

    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    original: str = field(default="", repr=False)


def read_context_object(document: bytes) -> ContextObject:
    """The first context object. Raises MalformedMessage."""
    root = _parse_context_xml(document)
    element = next(root.iter("{*}context-object"), None)
    if element is None:
        raise MalformedMessage(_local_name(root), write_sentence("not a context object"))
    others = sum(1 for _ in root.iter("{*}context-object")) - 1
    notes: list[str] = []
    if others:
        notes.append(write_sentence("other context objects are ignored: %(count)s", count=others))
    pairs: list[tuple[str, str]] = []
    for entity in element:
        prefix = _PREFIX.get(_local_name(entity))
        if prefix is None:
            notes.append(write_about(CONTEXT_OBJECT, report_key(_local_name(entity), UNKNOWN)))
        else:
            pairs += _read_entity(entity, prefix, notes)
    return ContextObject(tuple(pairs), tuple(notes), _strip_requester(root))


def _parse_context_xml(document: bytes) -> etree._Element:
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise MalformedMessage(CONTEXT_OBJECT, write_sentence("contains a DOCTYPE, which is not read"))
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        place = write_sentence("line %(line)s, column %(column)s", line=line, column=column)
        raise MalformedMessage(place, write_sentence("not well-formed XML")) from error
    except (ValueError, LookupError) as error:
        raise MalformedMessage(CONTEXT_OBJECT, write_sentence("not a text")) from error
    for count, element in enumerate(root.iter()):
        if count > MAX_ELEMENTS or _is_too_deep(element):
            reason = write_sentence("too many or too deeply nested elements")
            raise MalformedMessage(CONTEXT_OBJECT, reason, MalformationKind.TOO_LARGE)
        if not isinstance(element.tag, str):
            raise MalformedMessage(CONTEXT_OBJECT, write_sentence("contains an entity that XML does not define"))
    return root


def _is_too_deep(element: etree._Element) -> bool:
    at: etree._Element | None = element
    for _ in range(MAX_DEPTH):
        if at is None:
            return False
        at = at.getparent()
    return True


def _read_entity(entity: etree._Element, prefix: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    for part in entity:
        match _local_name(part):
            case "identifier":
                yield f"{prefix}_id", _element_text(part)
            case "metadata-by-val":
                yield from _read_metadata(part, prefix, notes)
            case "metadata-by-ref":
                yield (
                    f"{prefix}_ref",
                    "".join(_element_text(element) for element in part if _local_name(element) == "location") or "?",
                )
            case "private-data":
                yield f"{prefix}_dat", _private_text(part)
            case other:
                notes.append(write_about(CONTEXT_OBJECT, report_key(other, UNKNOWN)))


def _read_metadata(part: etree._Element, prefix: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    format_name = next((_element_text(element) for element in part if _local_name(element) == "format"), "")
    match = FORMAT.fullmatch(format_name)
    if prefix == "rft":
        yield "rft_val_fmt", format_name
        if match is None or match[1].lower() not in ITEM_FORMATS:
            return
    for holder in (element for element in part if _local_name(element) == "metadata"):
        for record in holder:
            for leaf in record.iter():
                text = _element_text(leaf)
                if text and not len(leaf):
                    yield f"{prefix}.{_local_name(leaf).lower()}", text


def _private_text(part: etree._Element) -> str:
    """Private data may be text or elements: as it stands, without namespaces."""
    if not len(part):
        return _element_text(part)
    return "".join(
        f"<{_local_name(node)}>{_element_text(node)}</{_local_name(node)}>" for node in part.iter() if node is not part
    )


def _element_text(element: etree._Element) -> str:
    return re.sub(r"\s+", " ", element.text or "").strip()


def _local_name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _strip_requester(root: etree._Element) -> str:
    kept = copy.deepcopy(root)
    for element in list(kept.iter("{*}requester")):
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    return etree.tostring(kept, encoding="unicode")
