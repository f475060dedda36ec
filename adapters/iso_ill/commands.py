"""`illgate iso`: APDUs decoded for people.

What is only needed when it runs is imported then, so that help comes at once.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import time
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

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
from gateway.ports.command_output import json_option, print_json_lines


class ShownField(NamedTuple):
    """A line of an APDU: a field at its depth, 1 for those of the APDU itself. `text` is empty for one that has fields
    of its own; `name` for octets that are not a field."""

    depth: int
    name: str
    text: str = ""

    def __str__(self) -> str:
        return f"{'  ' * self.depth}{': '.join(filter(None, (self.name, self.text)))}"


@click.group(name="iso")
def command() -> None:
    """Read ISO ILL messages (APDUs, ISO 10161)."""


@command.command(name="decode")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False, exists=True))
@click.option("--charset", default="iso-8859-1", show_default=True, help="Character set of text that is not UTF-8.")
@json_option
def show_apdus(file: Path, charset: str, as_json: bool) -> None:
    """Show the APDUs in a file, or on standard input (-). The input is BER or hexadecimal text.

    Problems in an APDU are listed below it, marked with an exclamation mark. Passwords are not shown.
    """
    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    frames = ApduSplitter()
    try:
        frames.add_octets(parse_hex(data))
        shown = 0
        while (apdu := frames.take_message()) is not None:
            if shown and not as_json:
                click.echo()
            shown += 1
            decoded = decode_apdu(apdu, EncodingStyle(fallback=charset))
            if as_json:
                print_json_lines([_document_of_apdu(decoded)])
                continue
            for line in format_apdu(decoded):
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
    yield from map(str, _format_structure(apdu, 1))
    for oddity in decoded.oddities:
        yield f"! {oddity}"


def _document_of_apdu(decoded: DecodedApdu) -> dict[str, object]:
    """The lines of `format_apdu` as a tree: a field has its `text`, or `fields` of its own."""
    kind = decoded.apdu.type
    fields: list[dict[str, object]] = []
    open_fields = [fields]
    for shown in _format_structure(decoded.apdu, 1):
        del open_fields[shown.depth :]
        inner: list[dict[str, object]] = []
        open_fields[-1].append({"name": shown.name, "text": shown.text, "fields": inner})
        open_fields.append(inner)
    return {
        "type": apdu_type_name(kind),
        "application": int(kind),
        "fields": fields,
        "problems": [str(oddity) for oddity in decoded.oddities],
    }


def _format_structure(value: Any, depth: int) -> Iterator[ShownField]:
    for field in list_declared_fields(type(value)):
        inside = getattr(value, field.attribute)
        if inside is None or inside == "" or inside == () or (inside == field.default and not field.required):
            continue
        if field.many:
            for entry in inside:
                yield from _format_field(field.kind, field.name, entry, depth)
        else:
            yield from _format_field(field.kind, field.name, inside, depth)


def _format_field(kind: FieldKind, name: str, value: Any, depth: int) -> Iterator[ShownField]:
    if isinstance(value, Extension):
        yield ShownField(depth, name, f"{value.name}{' (critical)' if value.critical else ''}")
        yield from _format_extension_item(value, depth + 1)
    elif kind is FieldKind.STRUCTURE:
        yield ShownField(depth, name)
        yield from _format_structure(value, depth + 1)
    elif isinstance(value, External):
        yield ShownField(depth, name, NAMES.get(value.direct_reference, value.direct_reference or "EXTERNAL"))
        yield from _format_octets(value.value, depth + 1)
    elif isinstance(value, bytes):
        yield ShownField(depth, name)
        yield from _format_octets(value, depth + 1)
    else:
        yield ShownField(depth, name, _format_simple_value(kind, value))


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


def _format_extension_item(extension: Extension, depth: int) -> Iterator[ShownField]:
    item = extension.item
    if isinstance(item, ShownCredentials):
        yield ShownField(depth, "user", item.user)
        yield ShownField(depth, "password", "(not shown)")
    elif isinstance(item, External):
        yield from _format_octets(item.value, depth)
    elif isinstance(item, Opaque):
        yield from _format_octets(item.tlv, depth)
    else:
        yield from _format_structure(item, depth)


def _format_octets(octets: bytes, depth: int) -> Iterator[ShownField]:
    """Format octets; what isn't known is shown by its tags, with the texts that are in it."""
    source = ber.BerSource(octets)
    try:
        yield from list(_format_ber_values(source, 0, len(octets), depth))
    except MalformedMessage:
        yield ShownField(depth, "", octets.hex())


def _format_ber_values(source: ber.BerSource, at: int, end: int, depth: int) -> Iterator[ShownField]:
    if depth > source.limits.depth:
        raise ber.nesting_error("", source.limits)
    while at < end:
        source.count_element()
        tag, constructed, start, stop, at = source.read_header(at, end)
        if constructed:
            yield ShownField(depth, _format_tag(tag))
            yield from _format_ber_values(source, start, stop, depth + 1)
        else:
            yield ShownField(depth, _format_tag(tag), _format_primitive(tag, source.data[start:stop]))


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
