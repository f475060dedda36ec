"""By what an APDU is known again: the octets that are the same in a repeat of it. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from adapters.iso_ill.codec import tlv
from adapters.iso_ill.codec.limits import DEFAULT_LIMITS, Limits
from gateway.domain.problems import MalformedMessage

_TIME = tlv.context_tag(2)
_EXTENSIONS = tlv.context_tag(49)
_UNCOUNTED = tuple(
    b"\x06" + tlv.length_octets(len(octets)) + octets
    for octets in map(tlv.identifier_octets, ("1.0.10161.13.3", "1.2.840.10003.8.1"))
)
"""APDU-Delivery-Info and credentials: how the sender is reached, and what its connection begins with."""


def digest_of(data: bytes, limits: Limits = DEFAULT_LIMITS) -> str:
    """The same for an APDU and its repeats: these have another time of service, but that of the first as original
    (facts/iso-ill-10161.md 9.3). Where the structure is broken, all octets count. Raises MalformedMessage for what is
    too large."""
    source = tlv.Source(data, limits)
    try:
        tag, _, at, end, _ = source.header(0, len(data))
        octets = tlv.tag_octets(tag, False) + b"".join(_pieces(source, at, end))
    except MalformedMessage:  # in a field that `decode` has passed over
        octets = data
    return hashlib.sha256(octets).hexdigest()[:32]


def _pieces(source: tlv.Source, at: int, end: int) -> Iterator[bytes]:
    data = source.data
    while at < end:
        tag, constructed, start, stop, following = source.header(at, end)
        if tag == tlv.SEQUENCE and constructed and following == end:
            at, end = start, stop
            continue
        if tag == _TIME:
            yield _first_time(source, start, stop)
        elif tag == _EXTENSIONS:
            yield from _counted(source, start, stop)
        else:
            yield data[at:following]
        at = following


def _first_time(source: tlv.Source, at: int, end: int) -> bytes:
    """The original service's, or this one's where it is the first."""
    found = b""
    while at < end:
        tag, _, start, stop, at = source.header(at, end)
        if tag == tlv.CONTEXT | 1 and stop > start:
            return source.data[start:stop]
        found = found or source.data[start:stop]
    return found


def _counted(source: tlv.Source, at: int, end: int) -> Iterator[bytes]:
    while at < end:
        begin = at
        _, _, _, _, at = source.header(at, end)
        entry = source.data[begin:at]
        if not any(identifier in entry for identifier in _UNCOUNTED):
            yield entry
