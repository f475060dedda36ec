"""XML tree to message, leniently: by local name, in any order, empty as absent (facts/ncip.md 1.5).

Each structure class is compiled once to a table from tag to (field, repeated?, function). Version 1 and version 2
shapes are read by the same table. What no table knows is kept in `Message.unknown`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, tzinfo
from functools import lru_cache
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from lxml import etree

from adapters.ncip import wire_dialect
from adapters.ncip.messages.declaration import (
    ALIASES,
    TRANSPARENT,
    USER_ID_ELEMENT,
    V1_USER_ID_ELEMENT,
    Code,
    Element,
    RawElement,
    Structure,
    When,
    elements_of,
)
from adapters.ncip.messages.envelope import Problem
from adapters.ncip.wire_dialect import XmlDialect
from adapters.ncip.wire_values import NAMESPACE, escape_text
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import replace, value_object

_NS = f"{{{NAMESPACE}}}"
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")


@dataclass(slots=True)
class ReadingState:
    """State of reading one message."""

    when: Callable[[str], When]
    unknown: list[etree._Element] = field(default_factory=list)
    wordy: list[etree._Element] = field(default_factory=list)  # have words where elements belong
    trailed: list[etree._Element] = field(default_factory=list)  # have words behind them


Read = Callable[[ReadingState, etree._Element], Any]


@value_object
class FieldSlot:
    """The slot of an element's value."""

    name: str
    many: bool
    read: Read


@lru_cache(maxsize=256)
def date_reader(dialect: XmlDialect, fallback: tzinfo) -> Callable[[str], When]:
    return wire_dialect.make_date_reader(dialect.date_in, fallback)


def local_name(element: etree._Element) -> str:
    return element.tag.rpartition("}")[2]


def element_path(element: etree._Element) -> str:
    """`LookupUser/UserId/UserIdentifierValue`: the path below the root."""
    names = [local_name(ancestor) for ancestor in element.iterancestors()][:-1]
    return "/".join([*reversed(names), local_name(element)])


def all_text(element: etree._Element) -> str:
    return "".join(str(part) for part in element.itertext())


def list_attributes(element: etree._Element) -> list[tuple[str, str]]:
    """(local name, value) of each attribute, whatever its namespace."""
    return [(str(name).rpartition("}")[2], str(value)) for name, value in element.items()]


def raw_element(element: etree._Element, path: str) -> RawElement:
    """The element as it came; canonical, so that it means the same wherever it is pasted. Plain where that can't be:
    canonical XML has no relative namespace names."""
    try:
        xml = etree.tostring(element, method="c14n", exclusive=True, with_tail=False).decode("utf-8")
    except etree.C14NError:
        xml = etree.tostring(element, encoding="unicode", with_tail=False)
    name = element.tag
    if not name.startswith("{"):
        # Without this the fragment would fall into the default namespace of where it is pasted.
        xml = f'<{name} xmlns=""{xml[len(name) + 1 :]}'
    return RawElement(path, all_text(element).strip(), xml)


def stray_words(element: etree._Element, words: str | None) -> RawElement:
    """Words that stand inside `element`, where only elements belong."""
    stripped = (words or "").strip()
    return RawElement(f"{element_path(element)}/text()", stripped, escape_text(stripped))


# --- leaves ----------------------------------------------------------------------------------------------


def read_text(reading: ReadingState, element: etree._Element) -> str | None:
    text = all_text(element) if len(element) else element.text
    return text.strip() or None if text else None


def read_code(reading: ReadingState, element: etree._Element) -> Code | None:
    scheme = None
    if element.attrib:
        scheme = next((text.strip() for name, text in list_attributes(element) if name == "Scheme"), None) or None
    if not len(element):
        text = element.text
        value = text.strip() if text else ""
        return Code(value, scheme) if value else None
    return _code_of_children(reading, element, scheme)


def _code_of_children(reading: ReadingState, element: etree._Element, scheme: str | None) -> Code | None:
    value = None
    for child in element:
        name = local_name(child)
        if name == "Value" and value is None:
            value = read_text(reading, child)
        elif name == "Scheme":
            scheme = read_text(reading, child) or scheme
        else:
            reading.unknown.append(child)
    if value is None and element.text:
        value = element.text.strip()
    return Code(value, scheme) if value else None


def read_user_element_type(reading: ReadingState, element: etree._Element) -> Code | None:
    code = read_code(reading, element)
    if code is not None and code.value == V1_USER_ID_ELEMENT:
        return Code(USER_ID_ELEMENT, code.scheme)
    return code


def read_date_or_time(reading: ReadingState, element: etree._Element) -> When | None:
    text = read_text(reading, element)
    if text is None:
        return None
    try:
        return reading.when(text)
    except (ValueError, OverflowError) as error:
        raise MalformedMessage(
            element_path(element), f"not a date or time: {text[:40]}", MalformationKind.INVALID_DATE
        ) from error


def read_day(reading: ReadingState, element: etree._Element) -> date | None:
    """A day, whatever time and zone it is written with."""
    text = read_text(reading, element)
    if text is None:
        return None
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        value = read_date_or_time(reading, element)
        return value.date() if isinstance(value, datetime) else value


def read_int(reading: ReadingState, element: etree._Element) -> int | None:
    text = read_text(reading, element)
    if text is None:
        return None
    if not _INTEGER.fullmatch(text):
        raise MalformedMessage(
            element_path(element), f"not a whole number: {text[:40]}", MalformationKind.INVALID_VALUE
        )
    return int(text)


def read_flag(reading: ReadingState, element: etree._Element) -> bool:
    return True


# --- structures ------------------------------------------------------------------------------------------


@value_object
class StructureReader:
    """The reader of one structure. `needs`: the schema requires something in it, so that empty means absent."""

    cls: type[Structure]
    slots: dict[str, FieldSlot]
    needs: bool


def read_structure(cls: type[Structure]) -> Read:
    """The reading function of a structure; None when it is empty and the schema wouldn't have it so. Its table is made
    when first needed, as structures may contain each other."""
    table: StructureReader | None = None

    def read_element(reading: ReadingState, element: etree._Element) -> Structure | None:
        nonlocal table
        if table is None:
            table = get_structure_reader(cls)
        values = read_values(table, reading, element)
        return None if table.needs and not values else cls(**values)

    return read_element


def read_values(table: StructureReader, reading: ReadingState, element: etree._Element) -> dict[str, Any]:
    values: dict[str, Any] = {}
    _collect_children(table, reading, element, values)
    text = element.text
    if text and not text.isspace():
        reading.wordy.append(element)
    for name, value in values.items():
        if value.__class__ is list:
            values[name] = tuple(value)
    return values


def _collect_children(
    table: StructureReader, reading: ReadingState, element: etree._Element, values: dict[str, Any]
) -> None:
    slots = table.slots
    for child in element:
        tail = child.tail
        if tail and not tail.isspace():
            reading.trailed.append(child)
        slot = slots.get(child.tag)
        if slot is None:
            slot = slots.get(local_name(child))
        if slot is None:
            _collect_other(table, reading, child, values)
            continue
        value = slot.read(reading, child)
        if value is None:
            continue
        if slot.many:
            values.setdefault(slot.name, []).append(value)
        elif slot.name in values:
            reading.unknown.append(child)
        else:
            values[slot.name] = value


def _collect_other(
    table: StructureReader, reading: ReadingState, child: etree._Element, values: dict[str, Any]
) -> None:
    name = local_name(child)
    if name == "Ext":
        elements = tuple(raw_element(inner, local_name(inner)) for inner in child)
        if elements:
            values.setdefault("ext", []).extend(elements)
    elif name in TRANSPARENT:
        _collect_children(table, reading, child, values)
    else:
        reading.unknown.append(child)


def get_structure_reader(cls: type[Structure]) -> StructureReader:
    """The table of a structure, compiled at its first use."""
    table = _TABLES.get(cls)
    if table is None:
        table = _TABLES[cls] = _compile_structure_reader(cls)
    return table


_TABLES: dict[type[Structure], StructureReader] = {}


def _compile_structure_reader(cls: type[Structure]) -> StructureReader:
    hints = get_type_hints(cls)
    slots: dict[str, FieldSlot] = {}
    needs = False
    for name, element in elements_of(cls).items():
        slot = FieldSlot(name, element.many, choose_element_reader(hints[name], element))
        needs = needs or element.required
        for tag in (element.name, *ALIASES.get(element.name, ())):
            slots.setdefault(tag, slot)
            slots.setdefault(_NS + tag, slot)
    return StructureReader(cls, slots, needs or any(not choice.optional for choice in cls.choices))


def value_type(hint: Any) -> Any:
    """`tuple[Code, ...]` and `Code | None` -> Code; When stays When."""
    if get_origin(hint) is tuple:
        return get_args(hint)[0]
    if get_origin(hint) in (Union, UnionType):
        kinds = tuple(kind for kind in get_args(hint) if kind is not type(None))
        return When if datetime in kinds else kinds[0]
    return hint


_LEAVES: dict[Any, Read] = {str: read_text, Code: read_code, When: read_date_or_time, int: read_int, bool: read_flag}


def choose_element_reader(hint: Any, element: Element) -> Read:
    kind = value_type(hint)
    if element.day:
        return read_day
    if element.name == "UserElementType":
        return read_user_element_type
    if kind is Problem:
        return read_problem
    leaf = _LEAVES.get(kind) or read_structure(kind)
    return _make_inner_reader(element.inside, leaf) if element.inside else leaf


def _make_inner_reader(name: str, leaf: Read) -> Read:
    """Make a reader of values that stand in a child, FromAgencyId/AgencyId; one that stands directly in the element is
    taken too."""
    names = (name, *ALIASES.get(name, ()))
    wanted = {*names, *(_NS + name for name in names)}

    def read_inner_element(reading: ReadingState, element: etree._Element) -> Any:
        inner_value = None
        for child in element:
            if inner_value is None and (child.tag in wanted or local_name(child) in wanted):
                inner_value = leaf(reading, child)
            elif local_name(child) not in ("Scheme", "Value"):
                reading.unknown.append(child)
        return leaf(reading, element) if inner_value is None and _has_own_value(element) else inner_value

    return read_inner_element


def _has_own_value(element: etree._Element) -> bool:
    if len(element):
        return any(local_name(child) == "Value" for child in element)
    return bool(element.text and element.text.strip())


# --- problems --------------------------------------------------------------------------------------------

_V1_ERRORS = ("ProcessingError", "MessagingError")


def read_problem(reading: ReadingState, element: etree._Element) -> Problem:
    """A problem in either version's shape. Never None: an empty Problem is still a failure.

    Words that stand directly in it become the detail.
    """
    nested = [child for child in element if local_name(child) in _V1_ERRORS]
    if nested:
        for child in element:
            if child is not nested[0]:
                reading.unknown.append(child)
        return read_v1_error(reading, nested[0])
    values = read_values(get_structure_reader(Problem), reading, element)
    if reading.wordy and reading.wordy[-1] is element and "detail" not in values:
        values["detail"] = (reading.wordy.pop().text or "").strip()
    return Problem(**values)


def read_v1_error(reading: ReadingState, element: etree._Element) -> Problem:
    """ProcessingError or MessagingError: type, and the element that is wrong as a nested path with its value."""
    prefix = local_name(element)
    problem = Problem()
    path: list[str] = []
    for child in element:
        name = local_name(child).removeprefix(prefix)
        if name == "Type":
            problem = replace(problem, type=read_code(reading, child))
        elif name == "Detail":
            problem = replace(problem, detail=read_text(reading, child))
        elif name == "Value":
            problem = replace(problem, value=read_text(reading, child))
        elif name == "Element":
            problem = replace(problem, value=_read_v1_element(reading, child, path) or problem.value)
        else:
            reading.unknown.append(child)
    return replace(problem, element="/".join(path)) if path else problem


def _read_v1_element(reading: ReadingState, element: etree._Element, path: list[str]) -> str | None:
    value = None
    for child in element:
        name = local_name(child)
        if name == "ElementName":
            text = read_text(reading, child)
            if text:
                path.append(text)
        elif name.endswith("ErrorValue"):
            value = read_text(reading, child) or value
        elif name.endswith("ErrorElement"):
            value = _read_v1_element(reading, child, path) or value
        else:
            reading.unknown.append(child)
    if not len(element) and element.text and element.text.strip():
        path.append(element.text.strip())
    return value
