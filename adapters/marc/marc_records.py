"""MARC records from ISO 2709 and MARCXML.

Reading ISO 2709 never raises: what is wrong is said. Leader position 9 says MARC-8 (blank) or UTF-8 (a), and servers
lie about it (facts/openurl.md section 3). MARC-8 is read by pymarc. The directory is read here: pymarc gives a whole
record up for one bad entry, and takes four times as long (docs/decisions/0012-z3950.md).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

from lxml import etree
from pymarc import marc8_to_unicode

from adapters.marc import citation_texts, xml_elements
from adapters.marc.dialect import AUTO, MARC_8
from gateway.domain.library import RecordId
from gateway.domain.value import value_object

LEADER = 24
END_OF_FIELD = b"\x1e"
SUBFIELD = b"\x1f"

_ENTRY = re.compile(r"(.{3})([0-9]{4})([0-9]{5})|.{12}", re.DOTALL)
_ESCAPE = b"\x1b"
_UNIMARC_UNICODE = b"50"
_CHARSET_OF_100 = re.compile(rb"\x1fa.{26}(..)", re.DOTALL)

Decode = Callable[[bytes], str]

_TAG = re.compile(r"[0-9A-Za-z]{3}")


class MarcField:
    """The field as in ISO 2709: of a control field what stands in it, else two indicators, and subfields that each
    begin with 1F and their code. Octets are made into text, and text taken apart, when somebody asks: most fields are
    never looked at."""

    __slots__ = ("_decode", "_raw", "_subfields", "tag")

    def __init__(self, tag: str, raw: bytes | str, decode: Callable[[bytes], str] | None = None) -> None:
        """`decode` for octets; it never raises."""
        self.tag = tag
        self._raw = raw
        self._decode = decode
        self._subfields: list[tuple[str, str]] | None = None

    @property
    def text(self) -> str:
        raw = self._raw
        if isinstance(raw, bytes):
            assert self._decode is not None, "octets come with their character set"
            raw = self._raw = self._decode(raw.rstrip(b"\x1e\x1d"))
        return raw

    @property
    def indicators(self) -> str:
        return self.text.partition("\x1f")[0].ljust(2)[:2]

    @property
    def subfields(self) -> list[tuple[str, str]]:
        """Codes and values in their order, these as `citation_texts.plain_text` has them. None of a control field."""
        pairs = self._subfields
        if pairs is None:
            pairs = [(part[0], citation_texts.plain_text(part[1:])) for part in self.text.split("\x1f")[1:] if part]
            self._subfields = pairs
        return pairs


@value_object
class MarcRecord:
    """`fields` in their order, and by tag."""

    leader: str
    fields: tuple[MarcField, ...]
    by_tag: Mapping[str, list[MarcField]]

    @classmethod
    def from_fields(cls, leader: str, fields: Iterable[MarcField]) -> MarcRecord:
        """A leader that is too short is filled up with blanks."""
        listed = tuple(fields)
        by_tag: dict[str, list[MarcField]] = {}
        for field in listed:
            by_tag.setdefault(field.tag, []).append(field)
        return cls(leader.ljust(24), listed, by_tag)

    def fields_with_tag(self, tag: str) -> Sequence[MarcField]:
        return self.by_tag.get(tag, ())


def control_text(record: MarcRecord, tag: str) -> str:
    fields = record.fields_with_tag(tag)
    return fields[0].text if fields else ""


def first_field(record: MarcRecord, *tags: str) -> MarcField | None:
    """Return the field of the first tag that there is."""
    for tag in tags:
        if tag in record.by_tag:
            return record.by_tag[tag][0]
    return None


def join_subfields(field: MarcField | None, codes: str) -> str:
    """These subfields in their order, blanks between; blanks folded."""
    if field is None:
        return ""
    return " ".join([value for code, value in field.subfields if value and code in codes])


def join_first_subfields(field: MarcField | None, alternatives: Iterable[str]) -> str:
    """Join the subfields of the first of several sets of codes under which something stands."""
    for codes in alternatives:
        if text := join_subfields(field, codes):
            return text
    return ""


def iter_subfields(record: MarcRecord, tag: str, codes: str) -> Iterator[str]:
    """Each of these subfields of every such field."""
    for field in record.fields_with_tag(tag):
        yield from subfield_values(field, codes)


def subfield_values(field: MarcField, codes: str) -> list[str]:
    """Return the values of these subfields, each by itself."""
    return [value for code, value in field.subfields if value and code in codes]


def read_local_number(record: MarcRecord, where: str) -> Iterable[RecordId]:
    """The target's own number; `where`: none, 001, or tag and code."""
    if where == "none":
        return []
    value = (
        control_text(record, where).strip()
        if len(where) == 3
        else join_subfields(first_field(record, where[:3]), where[3])
    )
    return [RecordId("local", value)] if value else []


def parse_part_statement(text: str) -> tuple[str, str, str]:
    """Volume, issue and pages in words such as `Vol. 12, no. 3 (May 1998), p. 45-61`."""
    parts = {name: match[1] for name, pattern in _PART.items() if (match := pattern.search(text))}
    return parts.get("volume", ""), parts.get("issue", ""), parts.get("pages", "")


_PART = {
    "volume": re.compile(r"\b(?:v|vol|bd|band|t|tome|jg|jahrgang)\b\.?\s*(\d+)", re.IGNORECASE),
    "issue": re.compile(r"\b(?:no|nr|n°|issue|h|heft|num)\b\.?\s*(\d+(?:[-/]\d+)?)", re.IGNORECASE),
    "pages": re.compile(r"\b(?:pp?|s|seiten?|pages?)\b\.?\s*(\d+(?:\s*[-–]\s*\d+)?)", re.IGNORECASE),
}


@value_object
class MarcReadResult:
    """`record` None: nothing could be made of it. `problem` empty: nothing was wrong."""

    record: MarcRecord | None
    problem: str = ""


def read_iso2709(data: bytes, charset: str, *, unimarc: bool = False) -> MarcReadResult:
    """`charset`: auto, marc-8 or a codec of Python's."""
    if len(data) <= LEADER:
        return MarcReadResult(None, "no ISO 2709 record: not even a leader")
    base = _find_base_address(data)
    if not base:
        return MarcReadResult(None, "no ISO 2709 record: its directory has no end")
    decode, oddity = _choose_decoder(data, charset, unimarc)
    fields, lost = _read_directory_fields(data, base, decode)
    if not fields:
        return MarcReadResult(None, "no ISO 2709 record: no field could be read")
    return MarcReadResult(MarcRecord.from_fields(data[:LEADER].decode("ascii", "replace"), fields), oddity or lost)


def _find_base_address(data: bytes) -> int:
    """Find where the fields begin: as the leader says, or else behind the directory. 0: nowhere."""
    address = data[12:17]
    base = int(address) if address.isdigit() else 0
    if LEADER < base <= len(data) and data[base - 1 : base] == END_OF_FIELD:
        return base
    return data.find(END_OF_FIELD, LEADER) + 1


def _read_directory_fields(data: bytes, base: int, decode: Decode) -> tuple[list[MarcField], str]:
    fields, bad, cut = [], 0, 0
    for tag, length, offset in _ENTRY.findall(data[LEADER : base - 1].decode("latin-1")):
        if not tag:
            bad += 1
            continue
        begin = base + int(offset)
        end = begin + int(length)
        cut += end > len(data)
        if begin < len(data):
            fields.append(MarcField(tag, data[begin:end], decode))
    problems = (f"{bad} entries of its directory can't be read" if bad else "", "it is cut off" if cut else "")
    return fields, "; ".join(filter(None, problems))


# --- character sets --------------------------------------------------------------------------------------


def _choose_decoder(data: bytes, wanted: str, unimarc: bool) -> tuple[Decode, str]:
    """Choose a decoder, and return what was odd about it."""
    if wanted == MARC_8:
        return _decode_marc_8, ""
    if wanted != AUTO:
        return partial(str, encoding=wanted, errors="replace"), ""
    if data.isascii() and _ESCAPE not in data:
        return _utf_8, ""
    says_utf_8 = _is_unimarc_unicode(data) if unimarc else data[9:10] == b"a"
    if _ESCAPE not in data and _is_utf_8(data):
        return _utf_8, "" if says_utf_8 or unimarc else "it calls itself MARC-8 and is UTF-8"
    if says_utf_8:
        return _decode_marc_8, "it calls itself UTF-8 and is not; read as MARC-8"
    return _decode_marc_8, "its character set, perhaps ISO 5426, was read as MARC-8" if unimarc else ""


_utf_8: Decode = partial(str, encoding="utf-8", errors="replace")


def _decode_marc_8(octets: bytes) -> str:
    """Each subfield by itself: its escapes end with it."""
    parts = [_decode_marc_8_part(part) for part in octets.split(SUBFIELD)]
    return SUBFIELD.decode().join(parts)


def _decode_marc_8_part(octets: bytes) -> str:
    if octets.isascii() and _ESCAPE not in octets:
        return octets.decode("ascii")
    try:
        return str(marc8_to_unicode(octets, hide_utf8_warnings=True))
    except (UnicodeDecodeError, ValueError, KeyError, TypeError):  # escapes that lead nowhere
        return octets.decode("ascii", "replace")


def _is_unimarc_unicode(data: bytes) -> bool:
    match = _CHARSET_OF_100.search(data)
    return match is not None and match[1] == _UNIMARC_UNICODE


def _is_utf_8(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def read_marcxml(element: etree._Element) -> MarcRecord:
    """A `record`, or what holds one. Never raises; what has no tag or code is passed over."""
    record = next((child for child in element.iter() if xml_elements.local_name(child) == "record"), None)
    if record is None:
        return MarcRecord.from_fields("", [])
    fields = [_field_from_xml(child) for child in record if _TAG.fullmatch(child.get("tag", ""))]
    return MarcRecord.from_fields(_verbatim_text(xml_elements.find_child(record, "leader")), fields)


def _field_from_xml(element: etree._Element) -> MarcField:
    tag = element.get("tag", "")
    if tag.isdigit() and tag < "010":
        return MarcField(tag, _verbatim_text(element))
    indicators = (element.get("ind1") or " ")[:1] + (element.get("ind2") or " ")[:1]
    subfields = [
        f"{code}{_verbatim_text(subfield)}"
        for subfield in xml_elements.child_elements(element, "subfield")
        if len(code := subfield.get("code", "")) == 1
    ]
    return MarcField(tag, "\x1f".join((indicators, *subfields)))


def _verbatim_text(element: etree._Element | None) -> str:
    """Return a text as it stands: blanks mean something in fixed fields."""
    return "".join(str(part) for part in element.itertext()) if element is not None else ""
