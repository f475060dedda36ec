"""Bytes to an XML tree, safely: character sets, DOCTYPE, limits (facts/ncip.md 1.3).

No DTD is ever read and no entity expanded but the five that XML has built in. A document that is well-formed
UTF-8 without DOCTYPE goes straight to the parser; anything else takes the slow way through `repairs`.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

from lxml import etree

from adapters.ncip import repairs
from adapters.ncip.bodies import unwrap
from adapters.ncip.dialect.http import HttpDialect
from adapters.ncip.dialect.xml import Repair, XmlDialect
from gateway.domain.frozen import frozen
from gateway.domain.problems import Fault, MalformedMessage


@frozen
class Limits:
    """What a message may be at most; `attributes` counts on one element."""

    size: int = 1_000_000
    depth: int = 64
    elements: int = 20_000
    attributes: int = 32


@dataclass(frozen=True, slots=True, eq=False)
class Parsed:
    """A well-formed document, not yet understood. `notes` says what was mended, `doctype` the DOCTYPE as seen."""

    root: etree._Element
    notes: tuple[str, ...] = ()
    doctype: str = ""


DEFAULT_DIALECT = XmlDialect()
DEFAULT_HTTP = HttpDialect()
DEFAULT_LIMITS = Limits()

_PARSER = etree.XMLParser(
    encoding="utf-8",  # the declaration is not believed: VCU declares ISO-8859-1 over UTF-8 bytes
    resolve_entities=False,
    load_dtd=False,
    no_network=True,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
    collect_ids=False,
)
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<\?xml[^>]{0,200}?encoding\s{0,9}=\s{0,9}["']([A-Za-z0-9._-]{1,40})["']""")
_DECLARATION = re.compile(r"<\?xml\s[^>]{0,500}?\?>")


def parse(
    raw: bytes,
    dialect: XmlDialect = DEFAULT_DIALECT,
    *,
    limits: Limits = DEFAULT_LIMITS,
    http: HttpDialect = DEFAULT_HTTP,
) -> Parsed:
    """The document in `raw`. Raises MalformedMessage with SYNTAX or TOO_LARGE."""
    if len(raw) > limits.size:
        raise MalformedMessage("message", f"larger than {limits.size} bytes", Fault.TOO_LARGE)
    unwrapped = unwrap(raw, http)
    document = unwrapped.document
    if not document or document.isspace():
        raise MalformedMessage("message", "empty")
    parsed = _fast(document) if dialect.charset_in is None else None
    if parsed is None:
        parsed = _slow(document, dialect, limits)
    elif document.count(b"<") > 2 * limits.elements:
        raise _too_many(limits)
    if document.count(b"<") > limits.depth:
        _check_shape(parsed.root, limits)
    elif document.count(b"=") > limits.attributes:
        _check_attributes(parsed.root, limits)
    return Parsed(parsed.root, unwrapped.notes + parsed.notes, parsed.doctype) if unwrapped.notes else parsed


def _fast(document: bytes) -> Parsed | None:
    if b"<!DOCTYPE" in document:
        return None
    try:
        return Parsed(etree.fromstring(document, _PARSER))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _slow(document: bytes, dialect: XmlDialect, limits: Limits) -> Parsed:
    text, notes = _decoded(document, dialect)
    if text.count("<") > 2 * limits.elements:
        raise _too_many(limits)
    allowed = dialect.repair
    if Repair.JUNK_AROUND_ROOT in allowed:
        text = repairs.apply(repairs.drop_junk_before, text, notes)
    text, doctype = _without_prolog(text)
    if doctype:
        notes.append("DOCTYPE skipped")
    root = _parsed(text)
    if root is None:
        for kind, mend in repairs.IN_ORDER:
            if kind in allowed:
                text = repairs.apply(mend, text, notes)
        root = _parsed(text)
    if root is None and Repair.JUNK_AROUND_ROOT in allowed:
        text = repairs.apply(repairs.drop_junk_after, text, notes)
    if root is None:
        root = _parsed_or_refused(text)
    return Parsed(root, tuple(notes), doctype)


def _parsed(text: str) -> etree._Element | None:
    try:
        return etree.fromstring(text.encode("utf-8"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parsed_or_refused(text: str) -> etree._Element:
    try:
        return etree.fromstring(text.encode("utf-8"), _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MalformedMessage(f"line {line}, column {column}", _reason(error)) from error
    except ValueError as error:
        raise MalformedMessage("message", "not text") from error


def _reason(error: etree.XMLSyntaxError) -> str:
    """The parser's words without what it quotes of the message, which may name a person."""
    words = re.sub(r", line \d+, column \d+.*$", "", error.msg or "not well-formed XML", flags=re.DOTALL)
    return re.sub(r"\s+", " ", words)[:200]


def _decoded(document: bytes, dialect: XmlDialect) -> tuple[str, list[str]]:
    """BOM, what the profile says, UTF-8 strictly, what is declared, Windows-1252: the first that fits."""
    for bom, charset in _BOMS:
        if document.startswith(bom):
            return _strictly(document, charset), [] if charset == "utf-8-sig" else [f"read as {charset}"]
    if dialect.charset_in is not None:
        return _strictly(document, dialect.charset_in), []
    if document[1:2] == b"\0" or document[:1] == b"\0":
        charset = "utf-16-le" if document[1:2] == b"\0" else "utf-16-be"
        return _strictly(document, charset), [f"read as {charset}"]
    for charset in ("utf-8", _declared(document), "cp1252"):
        try:
            return document.decode(charset), [] if charset == "utf-8" else [f"read as {charset}"]
        except (UnicodeDecodeError, LookupError):
            continue
    return document.decode("iso-8859-1"), ["read as iso-8859-1"]


def _declared(document: bytes) -> str:
    found = _DECLARED.search(document[:1024])
    name = found[1].decode("ascii") if found else "cp1252"
    try:
        info = codecs.lookup(name)
    except LookupError:
        return "cp1252"
    # Codecs such as `hex` or `punycode` are no character sets, and 7-bit ones can't be what the bytes are.
    return info.name if getattr(info, "_is_text_encoding", False) and info.name in _CHARSETS else "cp1252"


_CHARSETS = frozenset(
    codecs.lookup(name).name
    for name in (
        *(f"iso-8859-{part}" for part in (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 15, 16)),
        *(f"cp125{page}" for page in range(9)),
        *("cp437", "cp850", "cp852", "koi8-r", "koi8-u", "mac-roman"),
        *("shift_jis", "euc-jp", "euc-kr", "gb2312", "gbk", "gb18030", "big5"),
    )
)


def _strictly(document: bytes, charset: str) -> str:
    try:
        return document.decode(charset)
    except UnicodeDecodeError as error:
        raise MalformedMessage(f"byte {error.start}", f"not {charset}") from error


def _without_prolog(text: str) -> tuple[str, str]:
    """The text from the root on, and the DOCTYPE that stood before it. Raises when the DOCTYPE has no end."""
    text = _DECLARATION.sub("", text.lstrip("\ufeff \t\r\n"), count=1) if text.lstrip()[:5] == "<?xml" else text
    start = text.find("<!DOCTYPE")
    if start < 0 or re.search(r"<[A-Za-z_]", text[:start]):
        return text.strip(), ""
    end = _doctype_end(text, start)
    return (text[:start] + text[end:]).strip(), text[start:end]


_IN_DOCTYPE = re.compile(r"""<!--|<\?|["'\[\]>]""")
_CLOSING = {"<!--": "-->", "<?": "?>", '"': '"', "'": "'"}


def _doctype_end(text: str, start: int) -> int:
    """Where the DOCTYPE ends: its internal subset may hold quotes, comments and declarations. Linear."""
    position, depth = start + len("<!DOCTYPE"), 0
    while found := _IN_DOCTYPE.search(text, position):
        token = found[0]
        position = found.end()
        if token in _CLOSING:
            closing = _CLOSING[token]
            position = text.find(closing, position)
            if position < 0:
                break
            position += len(closing)
        elif token == ">" and depth == 0:
            return position
        elif token != ">":
            depth += 1 if token == "[" else -1
    raise MalformedMessage("DOCTYPE", "has no end")


def _too_many(limits: Limits) -> MalformedMessage:
    return MalformedMessage("message", f"more than {limits.elements} elements", Fault.TOO_LARGE)


def _check_shape(root: etree._Element, limits: Limits) -> None:
    _check_attributes(root, limits)
    level: list[etree._Element] = [root]
    for _ in range(limits.depth):
        level = [child for element in level for child in element]
        if not level:
            return
    raise MalformedMessage("message", f"deeper than {limits.depth} levels", Fault.TOO_LARGE)


def _check_attributes(root: etree._Element, limits: Limits) -> None:
    for element in root.iter():
        if len(element.attrib) > limits.attributes:
            raise MalformedMessage(
                etree.QName(element).localname, f"more than {limits.attributes} attributes", Fault.TOO_LARGE
            )
