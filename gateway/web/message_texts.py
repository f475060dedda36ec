"""Messages and what was read of them, as text for people."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from datetime import date
from enum import Enum

from gateway.services.desks.journaled_messages import format_hex_lines

INDENT = "  "
HIDDEN = "[hidden]"


def decode_body(body: bytes) -> str:
    """UTF-8, else one character for each byte, so that nothing is lost to the eye."""
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError:
        return body.decode("latin-1")


def pretty_print(body: bytes) -> str:
    """XML indented, JSON too; octets that no terminal shows as hexadecimal digits, anything else as it is."""
    if _is_binary(body):
        return body.hex(" ", 2)
    stripped = body.strip()
    if stripped.startswith(b"<"):
        from lxml import etree

        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True)
        try:
            root = etree.fromstring(stripped, parser)
        except (etree.XMLSyntaxError, ValueError):
            return decode_body(body)
        return str(etree.tostring(root, pretty_print=True, encoding="unicode")).rstrip()
    if stripped.startswith(b"{"):
        try:
            return json.dumps(json.loads(stripped), ensure_ascii=False, indent=2)
        except ValueError:
            return decode_body(body)
    return decode_body(body)


def format_body_lines(body: bytes) -> str:
    """`pretty_print`, with binary ones in lines."""
    return format_hex_lines(body) if _is_binary(body) else pretty_print(body)


def _is_binary(body: bytes) -> bool:
    return any(octet < 0x20 and octet not in b"\t\r\n" for octet in body[:64])


def format_value_lines(value: object, depth: int = 0) -> Iterator[str]:
    """A dataclass as indented lines; what is empty is left out, what must not be shown (PINs) is hidden."""
    if not is_dataclass(value) or isinstance(value, type):
        yield f"{INDENT * depth}{_format_plain_value(value)}"
        return
    for field in fields(value):
        inner = getattr(value, field.name)
        if inner in (None, "", (), False):
            continue
        start = f"{INDENT * depth}{field.name}"
        if not field.repr:
            yield f"{start}: {HIDDEN}"
        elif isinstance(inner, tuple):
            for part in inner:
                yield from _format_named_value(start, part, depth)
        else:
            yield from _format_named_value(start, inner, depth)


def _format_named_value(start: str, value: object, depth: int) -> Iterator[str]:
    if is_dataclass(value):
        yield start
        yield from format_value_lines(value, depth + 1)
    else:
        yield f"{start}: {_format_plain_value(value)}"


def _format_plain_value(value: object) -> str:
    if isinstance(value, Enum):
        return str(value.value)
    return value.isoformat() if isinstance(value, date) else str(value)
