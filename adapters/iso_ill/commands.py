"""`illgate iso`: APDUs decoded for people.

What is only needed when it runs is imported then, so that help comes at once.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from datetime import time
from enum import IntEnum
from pathlib import Path
from typing import Any

import click

from adapters import ber
from adapters.iso_ill.codec import Decoded, declared, name_of
from adapters.iso_ill.codec.declarations import Kind
from adapters.iso_ill.messages.declaration import External
from adapters.iso_ill.messages.structures import NAMES, Credentials, Extension, Opaque
from gateway.domain.problems import MalformedMessage

_HEX = re.compile(rb"[0-9A-Fa-f\s:]+")

_INDENT = "  "


@click.group(name="iso")
def command() -> None:
    """Read APDUs of ISO ILL (ISO 10161), and show which are spoken."""


@command.command(name="decode")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True, dir_okay=False, exists=True))
@click.option("--charset", default="iso-8859-1", show_default=True, help="Character set of texts that aren't UTF-8.")
def decode(file: Path, charset: str) -> None:
    """Show the APDUs of a file, or of standard input (-): BER, or its octets as hexadecimal digits.

    What is odd about one stands below it after an exclamation mark. Passwords are not shown.
    """
    from adapters.iso_ill.codec import ApduSplitter, Style
    from adapters.iso_ill.codec import decode as read

    data = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    frames = ApduSplitter()
    try:
        frames.feed(octets_of(data))
        shown = 0
        while (apdu := frames.next()) is not None:
            if shown:
                click.echo()
            shown += 1
            for line in lines(read(apdu, Style(fallback=charset))):
                click.echo(line)
    except MalformedMessage as malformed:
        raise click.ClickException(f"not an APDU: {malformed}") from malformed
    except LookupError as error:
        raise click.UsageError(str(error)) from error
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    if frames.begun:
        raise click.ClickException(f"{frames.begun} octets at the end are not a whole APDU")
    if not shown:
        raise click.ClickException("there is nothing to be read")


@command.command(name="conformance")
def conformance() -> None:
    """Print, as Markdown, which APDUs and fields are spoken in which role; made from the code."""
    from adapters.iso_ill.conformance import table

    for line in table():
        click.echo(line)


def octets_of(data: bytes) -> bytes:
    """What the digits stand for; BER as it is, since an APDU never begins with a digit. Raises ValueError."""
    if not data or not _HEX.fullmatch(data):
        return data
    try:
        return bytes.fromhex(re.sub(rb"[\s:]", b"", data).decode())
    except ValueError as error:
        raise ValueError(f"not hexadecimal digits: {error}") from error


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
    source = ber.Source(octets)
    try:
        yield from list(_values(source, 0, len(octets), depth))
    except MalformedMessage:
        yield f"{_INDENT * depth}{octets.hex()}"


def _values(source: ber.Source, at: int, end: int, depth: int) -> Iterator[str]:
    if depth > source.limits.depth:
        raise ber.too_deep("", source.limits)
    while at < end:
        source.count_element()
        tag, constructed, start, stop, at = source.read_header(at, end)
        label = f"{_INDENT * depth}{_tag(tag)}"
        if constructed:
            yield label
            yield from _values(source, start, stop, depth + 1)
        else:
            yield f"{label}: {_primitive(tag, source.data[start:stop])}"


def _tag(tag: int) -> str:
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


def _primitive(tag: int, content: bytes) -> str:
    if tag == ber.OBJECT_IDENTIFIER:
        identifier = ber.identifier_of(content)
        return NAMES.get(identifier, identifier)
    if tag in (ber.INTEGER, ber.ENUMERATED):
        return str(int.from_bytes(content[:16], "big", signed=True))
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return content.hex()
    return text if text.isprintable() else content.hex()
