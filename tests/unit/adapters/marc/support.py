"""MARC records as they travel: octets put together by hand, so that they can be wrong in any way."""

from __future__ import annotations

from adapters.marc import record_reader
from adapters.marc.dialect import Records
from gateway.ports.catalogue import FoundRecord


def iso2709(*fields: tuple[str, bytes], leader: bytes = b"00000nam a2200000   4500") -> bytes:
    """Fields as they stand: indicators, then subfields that begin with `$` in place of 1F."""
    directory, body = b"", b""
    for tag, content in fields:
        octets = content.replace(b"$", b"\x1f") + b"\x1e"
        directory += f"{tag}{len(octets):04}{len(body):05}".encode()
        body += octets
    base = 24 + len(directory) + 1
    length = base + len(body) + 1
    return b"%05d" % length + leader[5:12] + b"%05d" % base + leader[17:] + directory + b"\x1e" + body + b"\x1d"


def of(text: str) -> bytes:
    return text.encode()


def read(data: bytes, syntax: str = "marc21", **how: object) -> FoundRecord:
    return record_reader.record_from_bytes(syntax, data, 1, Records.model_validate(how), "the catalogue")
