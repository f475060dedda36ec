"""An APDU as people read it: one line a field, in the standard's names."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time
from enum import IntEnum
from typing import Any

from adapters.iso_ill.codec import Decoded, declared, name_of, tlv
from adapters.iso_ill.codec.declared import Kind
from adapters.iso_ill.messages.extensions import NAMES, Credentials, Extension, Opaque
from adapters.iso_ill.messages.external import External
from gateway.domain.problems import MalformedMessage

_INDENT = "  "


def lines(decoded: Decoded) -> Iterator[str]:
    apdu = decoded.apdu
    yield f"{name_of(apdu.type)} [APPLICATION {int(apdu.type)}]"
    yield from _structure(apdu, 1)
    for oddity in decoded.oddities:
        yield f"! {oddity}"


def _structure(value: Any, depth: int) -> Iterator[str]:
    for one in declared(type(value)):
        inside = getattr(value, one.attribute)
        if inside is None or inside == "" or inside == () or (inside == one.default and not one.required):
            continue
        if one.many:
            for entry in inside:
                yield from _field(one.kind, one.name, entry, depth)
        else:
            yield from _field(one.kind, one.name, inside, depth)


def _field(kind: Kind, name: str, value: Any, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    if isinstance(value, Extension):
        yield f"{indent}{name}: {value.name}{' (critical)' if value.critical else ''}"
        yield from _item(value, depth + 1)
    elif kind is Kind.STRUCTURE:
        yield f"{indent}{name}"
        yield from _structure(value, depth + 1)
    elif isinstance(value, External):
        yield f"{indent}{name}: {NAMES.get(value.direct_reference, value.direct_reference or 'EXTERNAL')}"
        yield from _octets(value.value, depth + 1)
    elif isinstance(value, bytes):
        yield f"{indent}{name}"
        yield from _octets(value, depth + 1)
    else:
        yield f"{indent}{name}: {_plain(kind, value)}"


def _plain(kind: Kind, value: Any) -> str:
    if kind is Kind.CODE:
        word = value.name.lower().replace("_", "-") if isinstance(value, IntEnum) else "not in the list"
        return f"{word} ({int(value)})"
    if kind is Kind.FLAG:
        return "yes" if value else "no"
    if kind is Kind.NULL:
        return "yes"
    if isinstance(value, time):
        return value.isoformat()
    return str(value).replace("\r\n", " / ").replace("\n", " / ").replace("\r", " / ")


def _item(extension: Extension, depth: int) -> Iterator[str]:
    item = extension.item
    indent = _INDENT * depth
    if isinstance(item, Credentials):
        yield f"{indent}user: {item.user}"
        yield f"{indent}password: (not shown)"
    elif isinstance(item, External):
        yield from _octets(item.value, depth)
    elif isinstance(item, Opaque):
        yield from _octets(item.tlv, depth)
    else:
        yield from _structure(item, depth)


def _octets(octets: bytes, depth: int) -> Iterator[str]:
    """What isn't known is shown by its tags, with the texts that are in it."""
    source = tlv.Source(octets)
    try:
        yield from list(_values(source, 0, len(octets), depth))
    except MalformedMessage:
        yield f"{_INDENT * depth}{octets.hex()}"


def _values(source: tlv.Source, at: int, end: int, depth: int) -> Iterator[str]:
    if depth > source.limits.depth:
        raise tlv.too_deep("", source.limits)
    while at < end:
        source.count()
        tag, constructed, start, stop, at = source.header(at, end)
        label = f"{_INDENT * depth}{_tag(tag)}"
        if constructed:
            yield label
            yield from _values(source, start, stop, depth + 1)
        else:
            yield f"{label}: {_primitive(tag, source.data[start:stop])}"


def _tag(tag: int) -> str:
    octets = tlv.tag_octets(tag, False)
    number = octets[0] & tlv.HIGH_TAG if len(octets) == 1 else octets[-1]
    kinds = {tlv.CONTEXT: f"[{number}]", tlv.APPLICATION: f"[APPLICATION {number}]", 0: _UNIVERSAL.get(number, "")}
    return kinds.get(octets[0] & tlv.CLASS, "") or f"[tag {octets.hex()}]"


_UNIVERSAL = {
    tlv.BOOLEAN: "BOOLEAN",
    tlv.INTEGER: "INTEGER",
    tlv.OCTET_STRING: "OCTET STRING",
    tlv.NULL: "NULL",
    tlv.OBJECT_IDENTIFIER: "OBJECT IDENTIFIER",
    tlv.EXTERNAL: "EXTERNAL",
    tlv.ENUMERATED: "ENUMERATED",
    tlv.SEQUENCE: "SEQUENCE",
    tlv.SET: "SET",
    tlv.VISIBLE_STRING: "VisibleString",
    tlv.GENERAL_STRING: "GeneralString",
}


def _primitive(tag: int, content: bytes) -> str:
    if tag == tlv.OBJECT_IDENTIFIER:
        identifier = tlv.identifier_of(content)
        return NAMES.get(identifier, identifier)
    if tag in (tlv.INTEGER, tlv.ENUMERATED):
        return str(int.from_bytes(content[:16], "big", signed=True))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content.hex()
    return text if text.isprintable() else content.hex()
