"""`illgate iso`: APDUs decoded for people.

What is only needed when it runs is imported then, so that help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import time
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from adapters import ber
from adapters.iso_ill.codec import (
    ApduSplitter,
    DecodedApdu,
    EncodingStyle,
    apdu_type_name,
    decode_apdu,
    list_declared_fields,
    parse_hex,
)
from adapters.iso_ill.codec.declarations import FieldKind
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.structures import NAMES, Extension, Opaque, ShownCredentials
from gateway.domain.problems import MalformedMessage

_INDENT = "  "


@click.group(name="iso")
def command() -> None:
    """Read ISO ILL messages (APDUs, ISO 10161)."""


@command.command(name="decode")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False, exists=True))
@click.option("--charset", default="iso-8859-1", show_default=True, help="Character set of text that is not UTF-8.")
def show_apdus(file: Path, charset: str) -> None:
    """Show the APDUs in a file, or on standard input (-). The input is BER or hexadecimal text.

    Problems in an APDU are listed below it, marked with an exclamation mark. Passwords are not shown.
    """
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    frames = ApduSplitter()
    try:
        frames.add_octets(parse_hex(data))
        shown = 0
        while (apdu := frames.take_message()) is not None:
            if shown:
                click.echo()
            shown += 1
            for line in format_apdu(decode_apdu(apdu, EncodingStyle(fallback=charset))):
                click.echo(line)
    except MalformedMessage as malformed:
        raise click.ClickException(f"not an APDU: {malformed}") from malformed
    except LookupError as error:
        raise click.UsageError(str(error)) from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if frames.begun:
        raise click.ClickException(f"{frames.begun} bytes at the end are not a complete APDU")
    if not shown:
        raise click.ClickException("the input is empty")


def format_apdu(decoded: DecodedApdu) -> Iterator[str]:
    apdu = decoded.apdu
    yield f"{apdu_type_name(apdu.type)} [APPLICATION {int(apdu.type)}]"
    yield from _format_structure(apdu, 1)
    for oddity in decoded.oddities:
        yield f"! {oddity}"


def _format_structure(value: Any, depth: int) -> Iterator[str]:
    for field in list_declared_fields(type(value)):
        inside = getattr(value, field.attribute)
        if inside is None or inside == "" or inside == () or (inside == field.default and not field.required):
            continue
        if field.many:
            for entry in inside:
                yield from _format_field(field.kind, field.name, entry, depth)
        else:
            yield from _format_field(field.kind, field.name, inside, depth)


def _format_field(kind: FieldKind, name: str, value: Any, depth: int) -> Iterator[str]:
    indent = _INDENT * depth
    if isinstance(value, Extension):
        yield f"{indent}{name}: {value.name}{' (critical)' if value.critical else ''}"
        yield from _format_extension_item(value, depth + 1)
    elif kind is FieldKind.STRUCTURE:
        yield f"{indent}{name}"
        yield from _format_structure(value, depth + 1)
    elif isinstance(value, External):
        yield f"{indent}{name}: {NAMES.get(value.direct_reference, value.direct_reference or 'EXTERNAL')}"
        yield from _format_octets(value.value, depth + 1)
    elif isinstance(value, bytes):
        yield f"{indent}{name}"
        yield from _format_octets(value, depth + 1)
    else:
        yield f"{indent}{name}: {_format_simple_value(kind, value)}"


def _format_simple_value(kind: FieldKind, value: Any) -> str:
    if kind is FieldKind.CODE:
        word = value.name.lower().replace("_", "-") if isinstance(value, IntEnum) else "not in the list"
        return f"{word} ({int(value)})"
    if kind is FieldKind.FLAG:
        return "yes" if value else "no"
    if kind is FieldKind.NULL:
        return "yes"
    if isinstance(value, time):
        return value.isoformat()
    return str(value).replace("\r\n", " / ").replace("\n", " / ").replace("\r", " / ")


def _format_extension_item(extension: Extension, depth: int) -> Iterator[str]:
    item = extension.item
    indent = _INDENT * depth
    if isinstance(item, ShownCredentials):
        yield f"{indent}user: {item.user}"
        yield f"{indent}password: (not shown)"
    elif isinstance(item, External):
        yield from _format_octets(item.value, depth)
    elif isinstance(item, Opaque):
        yield from _format_octets(item.tlv, depth)
    else:
        yield from _format_structure(item, depth)


def _format_octets(octets: bytes, depth: int) -> Iterator[str]:
    """Format octets; what isn't known is shown by its tags, with the texts that are in it."""
    source = ber.BerSource(octets)
    try:
        yield from list(_format_ber_values(source, 0, len(octets), depth))
    except MalformedMessage:
        yield f"{_INDENT * depth}{octets.hex()}"


def _format_ber_values(source: ber.BerSource, at: int, end: int, depth: int) -> Iterator[str]:
    if depth > source.limits.depth:
        raise ber.nesting_error("", source.limits)
    while at < end:
        source.count_element()
        tag, constructed, start, stop, at = source.read_header(at, end)
        label = f"{_INDENT * depth}{_format_tag(tag)}"
        if constructed:
            yield label
            yield from _format_ber_values(source, start, stop, depth + 1)
        else:
            yield f"{label}: {_format_primitive(tag, source.data[start:stop])}"


def _format_tag(tag: int) -> str:
    octets = ber.tag_octets(tag, False)
    number = octets[0] & ber.HIGH_TAG if len(octets) == 1 else octets[-1]
    kinds = {ber.CONTEXT: f"[{number}]", ber.APPLICATION: f"[APPLICATION {number}]", 0: _UNIVERSAL.get(number, "")}
    return kinds.get(octets[0] & ber.CLASS, "") or f"[tag {octets.hex()}]"


_UNIVERSAL = {
    ber.BOOLEAN: "BOOLEAN",
    ber.INTEGER: "INTEGER",
    ber.OCTET_STRING: "OCTET STRING",
    ber.NULL: "NULL",
    ber.OBJECT_IDENTIFIER: "OBJECT IDENTIFIER",
    ber.EXTERNAL: "EXTERNAL",
    ber.ENUMERATED: "ENUMERATED",
    ber.SEQUENCE: "SEQUENCE",
    ber.SET: "SET",
    ber.VISIBLE_STRING: "VisibleString",
    ber.GENERAL_STRING: "GeneralString",
}


def _format_primitive(tag: int, content: bytes) -> str:
    if tag == ber.OBJECT_IDENTIFIER:
        identifier = ber.object_identifier_of(content)
        return NAMES.get(identifier, identifier)
    if tag in (ber.INTEGER, ber.ENUMERATED):
        return str(int.from_bytes(content[:16], "big", signed=True))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content.hex()
    return text if text.isprintable() else content.hex()
