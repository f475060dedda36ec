"""Bytes and HTTP bodies to a safe XML tree, with repairs. Pure.

No DTD is ever read and no entity expanded but the five that XML has built in. A document that is well-formed
UTF-8 without DOCTYPE goes straight to the parser; anything else takes the slow way through the repairs. Each repair
takes linear time and is noted when it changed something.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote_plus, unquote_to_bytes

from lxml import etree

from adapters.ncip.wire_dialect import BodyEncoding, HttpDialect, Repair, XmlDialect
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

Mend = Callable[[str], str]

_CDATA, _CDATA_END = "<![CDATA[", "]]>"
_BARE_AMPERSAND = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#x[0-9A-Fa-f]{1,6});)")
_BARE_LESS_THAN = re.compile(r"<(?![A-Za-z_/!?])")
_FREE_TEXT_START = re.compile(
    r"<((?:[A-Za-z_][\w.-]{0,60}:)?(?:Author|AuthorOfComponent|CallNumber|Edition|FiscalTransactionDescription|GivenName"
    r"|ItemNote|NoticeContent|OrganizationName|Pagination|PhysicalConditionDetails|PlaceOfPublication|PublicationDate"
    r"|PublicationDateOfComponent|Publisher|RoutingInstructions|SeriesTitleNumber|ShippingInstructions|ShippingNote"
    r"|SponsoringBody|Surname|Title|TitleOfComponent|UnstructuredAddressData|UnstructuredPersonalUserName"
    r"|UserPrivilegeDescription))(?:\s[^<>]{0,2000}[^<>/])?>"
)
"""Start of an element that holds what people have written, and no element."""
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_REFERENCE = re.compile(r"&#(?:x([0-9A-Fa-f]{1,8})|([0-9]{1,10}));")
_START = re.compile(r"<(?:\?xml|!DOCTYPE|!--|[A-Za-z_])")
_ROOT = re.compile(r"<([A-Za-z_][\w.:-]{0,100})")

MAX_END_BYTES = 2_200
"""Bytes of the longest end that is recognised."""

_END = re.compile(
    rb"</(?:[^\s<>/:]{1,64}:)?NCIP(?:Version)?Message\s{0,64}>"
    rb"|<(?:[^\s<>/:]{1,64}:)?NCIP(?:Version)?Message(?:\s[^<>]{0,2000})?/>"  # BIB sends an empty root
)

FORM_TYPE = "application/x-www-form-urlencoded"

_BLANKS = "\ufeff \t\r\n"
_LEADING_BLANKS = re.compile(rb"(?:[ \t\r\n]|\xef\xbb\xbf)*+")
_ENCODED_START = re.compile(rb"(?:[ \t\r\n+]|%20|%09|%0[ad]|\xef\xbb\xbf|%ef%bb%bf)*+%3c", re.IGNORECASE)
"""`<` behind any run of blanks and byte order marks: USMAI's body begins `++++%3CNCIPMessage`."""


@value_object
class DocumentLimits:
    """The limits of a message; `attributes` counts on one element."""

    size: int = 1_000_000
    depth: int = 64
    elements: int = 20_000
    attributes: int = 32


@dataclass(frozen=True, slots=True, eq=False)
class ParsedDocument:
    """A well-formed document, not yet understood. `notes` says what was mended, `doctype` the DOCTYPE as seen."""

    root: etree._Element
    notes: tuple[str, ...] = ()
    doctype: str = ""


DEFAULT_DIALECT = XmlDialect()
DEFAULT_HTTP = HttpDialect()
DEFAULT_LIMITS = DocumentLimits()

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


def parse_xml(
    raw: bytes,
    dialect: XmlDialect = DEFAULT_DIALECT,
    *,
    limits: DocumentLimits = DEFAULT_LIMITS,
    http: HttpDialect = DEFAULT_HTTP,
) -> ParsedDocument:
    """The document in `raw`. Raises MalformedMessage with SYNTAX or TOO_LARGE."""
    if len(raw) > limits.size:
        raise MalformedMessage("message", f"larger than {limits.size} bytes", MalformationKind.TOO_LARGE)
    unwrapped = unwrap_body(raw, http)
    document = unwrapped.document
    if not document or document.isspace():
        raise MalformedMessage("message", "empty")
    parsed = _parse_fast(document) if dialect.charset_in is None else None
    if parsed is None:
        parsed = _parse_with_repairs(document, dialect, limits)
    elif document.count(b"<") > 2 * limits.elements:
        raise _too_many_elements(limits)
    if document.count(b"<") > limits.depth:
        _check_shape(parsed.root, limits)
    elif document.count(b"=") > limits.attributes:
        _check_attributes(parsed.root, limits)
    return ParsedDocument(parsed.root, unwrapped.notes + parsed.notes, parsed.doctype) if unwrapped.notes else parsed


def _parse_fast(document: bytes) -> ParsedDocument | None:
    if b"<!DOCTYPE" in document:
        return None
    try:
        return ParsedDocument(etree.fromstring(document, _PARSER))
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parse_with_repairs(document: bytes, dialect: XmlDialect, limits: DocumentLimits) -> ParsedDocument:
    text, notes = _decode_document(document, dialect)
    text = text.lstrip(_BLANKS)
    if text.count("<") > 2 * limits.elements:
        raise _too_many_elements(limits)
    allowed = dialect.repair
    if Repair.JUNK_AROUND_ROOT in allowed:
        text = apply_repair(drop_junk_before, text, notes)
    text, doctype = _split_prolog(text)
    if doctype:
        notes.append("DOCTYPE skipped")
    root = _try_parse_text(text)
    if root is None:
        for kind, mend in IN_ORDER:
            if kind in allowed:
                text = apply_repair(mend, text, notes)
        root = _try_parse_text(text)
    if root is None and Repair.JUNK_AROUND_ROOT in allowed:
        text = apply_repair(drop_junk_after, text, notes)
    if root is None:
        root = _parse_text(text)
    return ParsedDocument(root, tuple(notes), doctype)


def _try_parse_text(text: str) -> etree._Element | None:
    try:
        return etree.fromstring(text.encode("utf-8"), _PARSER)
    except (etree.XMLSyntaxError, ValueError):
        return None


def _parse_text(text: str) -> etree._Element:
    try:
        return etree.fromstring(text.encode("utf-8"), _PARSER)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MalformedMessage(f"line {line}, column {column}", _syntax_error_reason(error)) from error
    except ValueError as error:
        raise MalformedMessage("message", "not text") from error


def _syntax_error_reason(error: etree.XMLSyntaxError) -> str:
    """The parser's words without what it quotes of the message, which may name a person."""
    words = re.sub(r", line \d+, column \d+.*$", "", error.msg or "not well-formed XML", flags=re.DOTALL)
    return re.sub(r"\s+", " ", words)[:200]


def _decode_document(document: bytes, dialect: XmlDialect) -> tuple[str, list[str]]:
    """BOM, what the profile says, UTF-8 strictly, what is declared, Windows-1252: the first that fits."""
    for bom, charset in _BOMS:
        if document.startswith(bom):
            return _decode_strictly(document, charset), [] if charset == "utf-8-sig" else [f"read as {charset}"]
    if dialect.charset_in is not None:
        return _decode_strictly(document, dialect.charset_in), []
    if document[1:2] == b"\0" or document[:1] == b"\0":
        charset = "utf-16-le" if document[1:2] == b"\0" else "utf-16-be"
        return _decode_strictly(document, charset), [f"read as {charset}"]
    for charset in ("utf-8", _read_declared_charset(document), "cp1252"):
        try:
            return document.decode(charset), [] if charset == "utf-8" else [f"read as {charset}"]
        except (UnicodeDecodeError, LookupError):
            continue
    return document.decode("iso-8859-1"), ["read as iso-8859-1"]


def _read_declared_charset(document: bytes) -> str:
    match = _DECLARED.search(document[:1024])
    name = match[1].decode("ascii") if match else "cp1252"
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


def _decode_strictly(document: bytes, charset: str) -> str:
    try:
        return document.decode(charset)
    except UnicodeDecodeError as error:
        raise MalformedMessage(f"byte {error.start}", f"not {charset}") from error


def _split_prolog(text: str) -> tuple[str, str]:
    """The text from the root on, and the DOCTYPE that stood before it. Raises when the DOCTYPE has no end."""
    text = _DECLARATION.sub("", text, count=1) if text.startswith("<?xml") else text
    start = text.find("<!DOCTYPE")
    if start < 0 or re.search(r"<[A-Za-z_]", text[:start]):
        return text.strip(), ""
    end = _find_doctype_end(text, start)
    return (text[:start] + text[end:]).strip(), text[start:end]


_IN_DOCTYPE = re.compile(r"""<!--|<\?|["'\[\]>]""")
_CLOSING = {"<!--": "-->", "<?": "?>", '"': '"', "'": "'"}


def _find_doctype_end(text: str, start: int) -> int:
    """Find where the DOCTYPE ends: its internal subset may hold quotes, comments and declarations. Linear."""
    position, depth = start + len("<!DOCTYPE"), 0
    while match := _IN_DOCTYPE.search(text, position):
        token = match[0]
        position = match.end()
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


def _too_many_elements(limits: DocumentLimits) -> MalformedMessage:
    return MalformedMessage("message", f"more than {limits.elements} elements", MalformationKind.TOO_LARGE)


def _check_shape(root: etree._Element, limits: DocumentLimits) -> None:
    _check_attributes(root, limits)
    level: list[etree._Element] = [root]
    for _ in range(limits.depth):
        level = [child for element in level for child in element]
        if not level:
            return
    raise MalformedMessage("message", f"deeper than {limits.depth} levels", MalformationKind.TOO_LARGE)


def _check_attributes(root: etree._Element, limits: DocumentLimits) -> None:
    for element in root.iter():
        if len(element.attrib) > limits.attributes:
            raise MalformedMessage(
                etree.QName(element).localname, f"more than {limits.attributes} attributes", MalformationKind.TOO_LARGE
            )


def apply_repair(mend: Mend, text: str, notes: list[str]) -> str:
    """The mended text; adds the repair's name to `notes` if it did anything."""
    mended = mend(text)
    if mended != text:
        notes.append(_NOTES[mend])
    return mended


def escape_ampersands(text: str) -> str:
    """`R&D` -> `R&amp;D`; references to entities that XML hasn't built in become text too."""
    return _mend_outside_cdata(text, lambda part: _BARE_AMPERSAND.sub("&amp;", part))


def escape_less_thans(text: str) -> str:
    """`a < b` -> `a &lt; b`: a `<` that can't begin a tag."""
    return _mend_outside_cdata(text, lambda part: _BARE_LESS_THAN.sub("&lt;", part))


def escape_tags_in_text(text: str) -> str:
    """`<Title>C++ <vector></Title>` -> `<Title>C++ &lt;vector></Title>`: between the tags of an element that holds text
    alone, each `<` is text (addons paste titles as they are, facts/ncip.md 1.3)."""
    pieces: list[str] = []
    unclosed: set[str] = set()  # names that are closed nowhere further on, so that the search stays linear
    position = 0
    while match := _FREE_TEXT_START.search(text, position):
        start, name = match.end(), match[1]
        end = text.find(f"</{name}>", start) if name not in unclosed else -1
        if end < 0:
            unclosed.add(name)
            end = start
        pieces += (text[position:start], _mend_outside_cdata(text[start:end], lambda part: part.replace("<", "&lt;")))
        position = end
    return "".join([*pieces, text[position:]])


def drop_controls(text: str) -> str:
    """Control characters, and references to characters that XML doesn't have (INN-Reach: ^D)."""
    return _REFERENCE.sub(_keep_valid_reference, _CONTROL.sub("", text))


def drop_junk_before(text: str) -> str:
    match = _START.search(text)
    return text[match.start() :] if match and text[: match.start()].strip(_BLANKS) else text


def drop_junk_after(text: str) -> str:
    """Everything behind the last end tag of the root's name, or behind the root if it is empty."""
    root = _ROOT.search(text)
    if root is None:
        return text
    closing = f"</{root[1]}"
    last = text.rfind(closing)
    end = text.find(">", last) if last >= 0 else -1
    return text[: end + 1] if end >= 0 else text


def _keep_valid_reference(reference: re.Match[str]) -> str:
    code = int(reference[1], 16) if reference[1] else int(reference[2])
    valid = code in (9, 10, 13) or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or 0x10000 <= code <= 0x10FFFF
    return reference[0] if valid else ""


def _mend_outside_cdata(text: str, mend: Mend) -> str:
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
    escape_tags_in_text: "tags in a text escaped",
    drop_controls: "control characters dropped",
    drop_junk_before: "text before the document dropped",
    drop_junk_after: "text after the document dropped",
}

IN_ORDER: tuple[tuple[Repair, Mend], ...] = (
    (Repair.CONTROL_CHARACTERS, drop_controls),
    (Repair.BARE_AMPERSAND, escape_ampersands),
    (Repair.BARE_LESS_THAN, escape_less_thans),
    (Repair.TAGS_IN_TEXT, escape_tags_in_text),
)


def find_document_end(raw: bytes | bytearray, start: int = 0) -> int | None:
    """The position after the document's end, looked for from `start`; None if it isn't there."""
    match = _END.search(raw, max(0, start))
    return match.end() if match else None


def is_truncated(raw: bytes) -> bool:
    """An NCIP document whose end is missing."""
    head = raw.lstrip()[:2000]
    return head.startswith(b"<") and b"NCIPMessage" in head and find_document_end(raw) is None


@value_object
class UnwrappedBody:
    """The document's bytes, and what was taken off."""

    document: bytes
    notes: tuple[str, ...] = ()


def unwrap_body(body: bytes, http: HttpDialect) -> UnwrappedBody:
    """The document in a body. What doesn't fit the dialect is returned as it is, for the parser to refuse."""
    if body[:1] == b"<":
        return UnwrappedBody(body)
    encoding = http.body_encoding
    if encoding in (BodyEncoding.AUTO, BodyEncoding.FORM):
        value = _find_form_value(body, http.form_fields)
        if value is not None:
            return UnwrappedBody(value, ("form field",))
    if _is_encoded(body, encoding):
        return UnwrappedBody(_unquote_form_value(body), ("URL-encoded body",))
    return UnwrappedBody(body)


def wrap_body(document: bytes, http: HttpDialect) -> bytes:
    """A document as the body of a request to this partner; AUTO and PLAIN leave it as it is."""
    if http.body_encoding is BodyEncoding.URL_ENCODED:
        return quote_plus(document).encode("ascii")
    if http.body_encoding is BodyEncoding.FORM:
        return f"{quote_plus(http.form_fields[0])}={quote_plus(document)}".encode("ascii")
    return document


def _is_encoded(body: bytes, encoding: BodyEncoding) -> bool:
    """Return whether a body is encoded; where a profile says so, everything that doesn't begin as a plain document
    is."""
    if encoding is BodyEncoding.URL_ENCODED:
        return not _begins_document(body)
    return encoding is BodyEncoding.AUTO and _ENCODED_START.match(body) is not None


def _begins_document(value: bytes) -> bool:
    blanks = _LEADING_BLANKS.match(value)
    return blanks is not None and value[blanks.end() :][:1] == b"<"


def _unquote_form_value(value: bytes) -> bytes:
    return unquote_to_bytes(value.strip().replace(b"+", b" "))


def _find_form_value(body: bytes, names: tuple[str, ...]) -> bytes | None:
    if b"=" not in body:
        return None
    # A document put behind `xml=` without any encoding: everything up to the end belongs to it.
    name, _, value = body.partition(b"=")
    if _decode_field_name(name) in names and _begins_document(value):
        return value
    for pair in body.split(b"&"):
        name, equals, value = pair.partition(b"=")
        if equals and _decode_field_name(name) in names:
            return _unquote_form_value(value)
    return None


def _decode_field_name(name: bytes) -> str:
    return _unquote_form_value(name[:200]).decode("utf-8", "replace").strip()
