"""Declarations of message classes, dates and style of the codec."""

from __future__ import annotations

import re
import types
import typing
from dataclasses import MISSING, fields
from datetime import date, datetime, time
from enum import Enum, IntEnum, StrEnum, auto
from typing import Any

from adapters.iso_ill.messages.declaration import External, FieldForm, IllChoice, Tag
from adapters.iso_ill.messages.structures import Item
from gateway.domain.value import value_object

_DAY = re.compile(r"(\d{4})-?(\d{2})-?(\d{2})(?!\d)|(\d{4})(\d{2})(\d{2})(?=\d{6}$)", re.ASCII)
_CLOCK = re.compile(r"(\d{2}):?(\d{2})(?::?(\d{2}))?(?:\D.*)?", re.ASCII | re.DOTALL)


class FieldKind(Enum):
    TEXT = auto()
    PRINTABLE = auto()
    OBJECT_IDENTIFIER = auto()
    DAY = auto()
    CLOCK = auto()
    NUMBER = auto()
    FLAG = auto()
    NULL = auto()
    CODE = auto()
    ANY = auto()
    ITEM = auto()
    EXTERNAL = auto()
    STRUCTURE = auto()


_BY_ANNOTATION: dict[object, FieldKind] = {
    str: FieldKind.TEXT,
    date: FieldKind.DAY,
    time: FieldKind.CLOCK,
    int: FieldKind.NUMBER,
    bool: FieldKind.FLAG,
    bytes: FieldKind.ANY,
    External: FieldKind.EXTERNAL,
}
_BY_FORM = {
    FieldForm.PRINTABLE: FieldKind.PRINTABLE,
    FieldForm.OBJECT_IDENTIFIER: FieldKind.OBJECT_IDENTIFIER,
    FieldForm.NULL: FieldKind.NULL,
    FieldForm.EXTENSION_ITEM: FieldKind.ITEM,
}


@value_object
class FieldDeclaration:
    """A field. `attribute` is Python's name, `name` the standard's; `cls` the class of a structure or enumeration;
    `default` what an absent one means."""

    attribute: str
    name: str
    tag: Tag
    kind: FieldKind
    cls: Any
    many: bool
    required: bool
    default: Any
    alternative: bool  # of a CHOICE: there even when it is empty


_DECLARED: dict[type, tuple[FieldDeclaration, ...]] = {}


def list_declared_fields(cls: type) -> tuple[FieldDeclaration, ...]:
    """List the fields in the order of the standard; read once."""
    declarations = _DECLARED.get(cls)
    if declarations is None:
        hints = typing.get_type_hints(cls, include_extras=True)
        declarations = _DECLARED[cls] = tuple(_read_declaration(cls, field, hints[field.name]) for field in fields(cls))
    return declarations


def is_choice(cls: type) -> bool:
    return issubclass(cls, IllChoice)


def _read_declaration(cls: type, field: Any, hint: Any) -> FieldDeclaration:
    annotation, tag = typing.get_args(hint)
    assert isinstance(tag, Tag), f"{cls.__name__}.{field.name}"
    many = typing.get_origin(annotation) is tuple
    kind, inner = _kind_of_annotation(typing.get_args(annotation)[0] if many else annotation, tag)
    return FieldDeclaration(
        attribute=field.name,
        name=tag.name or field.name.replace("_", "-"),
        tag=tag,
        kind=kind,
        cls=inner,
        many=many,
        required=field.default is MISSING,
        default=None if field.default is MISSING else field.default,
        alternative=is_choice(cls),
    )


def _kind_of_annotation(annotation: Any, tag: Tag) -> tuple[FieldKind, Any]:
    if tag.form is not FieldForm.BY_ANNOTATION:
        return _BY_FORM[tag.form], Item if tag.form is FieldForm.EXTENSION_ITEM else None
    members = [annotation]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = [argument for argument in typing.get_args(annotation) if argument is not type(None)]
    for member in members:
        if isinstance(member, type) and issubclass(member, IntEnum):
            return FieldKind.CODE, member
    kind = _BY_ANNOTATION.get(members[0])
    return (kind, None) if kind is not None else (FieldKind.STRUCTURE, members[0])


def parse_ill_date(text: str, formats: tuple[str, ...]) -> date | None:
    """None for what is no date. Hyphens are read, and a time of day behind the date is overlooked."""
    if len(text) == 8 and text.isascii() and text.isdigit():
        try:
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        except ValueError:
            return None
    match = _DAY.match(text)
    if match is not None:
        year, month, day = (int(group) for group in match.groups() if group is not None)
        try:
            return date(year, month, day)
        except ValueError:
            return None
    for format_ in formats:
        try:
            return datetime.strptime(text, format_).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None


def parse_ill_time(text: str) -> time | None:
    """None for what is no time of day. Without seconds, with colons or fractions too."""
    match = _CLOCK.fullmatch(text)
    if match is None:
        return None
    try:
        return time(int(match[1]), int(match[2]), int(match[3] or 0))
    except ValueError:
        return None


class Strings(StrEnum):
    GENERAL = "general"  # GeneralString: any characters
    EDIFACT = "edifact"  # EDIFACTString: basic Latin letters, digits and some signs


class Defaults(StrEnum):
    """Values that are meant anyhow when they are absent."""

    OMIT = "omit"
    SEND = "send"


@value_object
class EncodingStyle:
    """`fallback`: character set of texts that aren't UTF-8; `charset`: that of what we write; `day_formats`: strptime
    formats of dates tried after YYYYMMDD."""

    fallback: str = "iso-8859-1"
    charset: str = "utf-8"
    strings: Strings = Strings.GENERAL
    defaults: Defaults = Defaults.OMIT
    day_formats: tuple[str, ...] = ()


DEFAULT_STYLE = EncodingStyle()
