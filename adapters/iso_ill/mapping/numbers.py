"""What stands in the EXTERNALs of an item: numbers of the record in known systems (facts/iso-ill-10161.md 8)."""

from __future__ import annotations

from collections.abc import Iterator

from adapters.iso_ill.codec import tlv
from adapters.iso_ill.messages.external import Encoding, External
from gateway.domain.library import RecordId
from gateway.domain.problems import MalformedMessage

IPIG_SYSTEM_NUMBER = "1.0.10161.6.1"
CANADIAN_SYSTEM_NUMBER = "1.2.124.10161.2"

_WELL_KNOWN = {1: "lccn", 2: "bnb", 3: "canadiana", 4: "oclc", 5: "dialog", 6: "rlin", 7: "wln", 8: "carl"}
_CANADIAN = {1: "dobis", 2: "candoc", 3: "oclc", 4: "rlin", 5: "utlas", 6: "local"}


def numbers_of(external: External) -> tuple[RecordId, ...]:
    """Empty for a syntax that isn't known, or isn't kept to."""
    if external.encoding is not Encoding.SINGLE_ASN1_TYPE:
        return ()
    try:
        if external.direct_reference == IPIG_SYSTEM_NUMBER:
            return tuple(_ipig(external.value))
        if external.direct_reference == CANADIAN_SYSTEM_NUMBER:
            return tuple(_canadian(external.value))
    except MalformedMessage:
        return ()  # the caller keeps the octets
    return ()


def _entries(source: tlv.Source) -> Iterator[tuple[int, int]]:
    """The contents of each SEQUENCE of the list."""
    _, _, at, end, _ = source.header(0, len(source.data))
    while at < end:
        _, _, start, stop, at = source.header(at, end)
        yield start, stop


def _ipig(value: bytes) -> Iterator[RecordId]:
    source = tlv.Source(value)
    for at, end in _entries(source):
        system, number = "local", ""
        while at < end:
            tag, _, start, stop, at = source.header(at, end)
            if tag == tlv.CONTEXT | 1:
                system = _WELL_KNOWN.get(int.from_bytes(_innermost(source, start, stop)[:4], "big"), "local")
            elif tag == tlv.CONTEXT | 4:
                number = _innermost(source, start, stop).decode("utf-8", "replace").strip()
        if number:
            yield RecordId(system, number)


def _canadian(value: bytes) -> Iterator[RecordId]:
    source = tlv.Source(value)
    for at, end in _entries(source):
        system, number = "local", ""
        while at < end:
            tag, _, start, stop, at = source.header(at, end)
            if tag == tlv.ENUMERATED:
                system = _CANADIAN.get(int.from_bytes(source.data[start:stop][:4], "big"), "local")
            elif tag in tlv.STRINGS:
                number = source.data[start:stop].decode("utf-8", "replace").strip()
        if number:
            yield RecordId(system, number)


def _innermost(source: tlv.Source, start: int, stop: int) -> bytes:
    """A primitive value, with its own tag inside or not: explicit and implicit tagging are both seen."""
    data = source.data
    if stop - start >= 2 and data[start] in (tlv.ENUMERATED, tlv.GENERAL_STRING, tlv.VISIBLE_STRING):
        _, _, begin, end, following = source.header(start, stop)
        if following == stop:
            return data[begin:end]
    return data[start:stop]
