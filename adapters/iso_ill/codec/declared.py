"""What a message's class declares, read once: its fields as the codec works with them."""

from __future__ import annotations

import types
import typing
from dataclasses import MISSING, fields
from datetime import date, time
from enum import Enum, IntEnum, auto
from typing import Any

from adapters.iso_ill.messages.base import Choice, Form, Tag
from adapters.iso_ill.messages.extensions import Item
from adapters.iso_ill.messages.external import External
from gateway.domain.frozen import frozen


class Kind(Enum):
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


_BY_ANNOTATION: dict[object, Kind] = {
    str: Kind.TEXT,
    date: Kind.DAY,
    time: Kind.CLOCK,
    int: Kind.NUMBER,
    bool: Kind.FLAG,
    bytes: Kind.ANY,
    External: Kind.EXTERNAL,
}
_BY_FORM = {
    Form.PRINTABLE: Kind.PRINTABLE,
    Form.OBJECT_IDENTIFIER: Kind.OBJECT_IDENTIFIER,
    Form.NULL: Kind.NULL,
    Form.EXTENSION_ITEM: Kind.ITEM,
}


@frozen
class Declared:
    """A field. `attribute` is Python's name, `name` the standard's; `cls` the class of a structure or enumeration;
    `default` what an absent one means."""

    attribute: str
    name: str
    tag: Tag
    kind: Kind
    cls: Any
    many: bool
    required: bool
    default: Any
    alternative: bool  # of a CHOICE: there even when it is empty


_DECLARED: dict[type, tuple[Declared, ...]] = {}


def declared(cls: type) -> tuple[Declared, ...]:
    """In the order of the standard; read once."""
    found = _DECLARED.get(cls)
    if found is None:
        hints = typing.get_type_hints(cls, include_extras=True)
        found = _DECLARED[cls] = tuple(_declared(cls, one, hints[one.name]) for one in fields(cls))
    return found


def is_choice(cls: type) -> bool:
    return issubclass(cls, Choice)


def _declared(cls: type, one: Any, hint: Any) -> Declared:
    annotation, tag = typing.get_args(hint)
    assert isinstance(tag, Tag), f"{cls.__name__}.{one.name}"
    many = typing.get_origin(annotation) is tuple
    kind, inner = _kind(typing.get_args(annotation)[0] if many else annotation, tag)
    return Declared(
        attribute=one.name,
        name=tag.name or one.name.replace("_", "-"),
        tag=tag,
        kind=kind,
        cls=inner,
        many=many,
        required=one.default is MISSING,
        default=None if one.default is MISSING else one.default,
        alternative=is_choice(cls),
    )


def _kind(annotation: Any, tag: Tag) -> tuple[Kind, Any]:
    if tag.form is not Form.BY_ANNOTATION:
        return _BY_FORM[tag.form], Item if tag.form is Form.EXTENSION_ITEM else None
    members = [annotation]
    if isinstance(annotation, types.UnionType) or typing.get_origin(annotation) is typing.Union:
        members = [one for one in typing.get_args(annotation) if one is not type(None)]
    for one in members:
        if isinstance(one, type) and issubclass(one, IntEnum):
            return Kind.CODE, one
    kind = _BY_ANNOTATION.get(members[0])
    return (kind, None) if kind is not None else (Kind.STRUCTURE, members[0])
