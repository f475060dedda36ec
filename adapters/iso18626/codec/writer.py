"""A message to an XML tree that is valid against the schema of its version."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from lxml import etree

from adapters.iso18626.messages.codes import build_list_uri
from adapters.iso18626.messages.declaration import Compound, FieldElement, Kind, OpenCode, SchemaVersion, list_elements
from gateway.domain.value import value_object


@value_object
class Iso18626Style:
    """The style in which a peer wants its messages. `namespace`: of all elements; empty: none. `prefix`: before all
    names; empty: the namespace is the default one, and attributes alone have the prefix `ill`. `schemes`: the URI of
    its list stands on each code that has none of its own. `wrapped`: the message stands in ISO18626Message."""

    namespace: str
    prefix: str = ""
    schemes: bool = False
    wrapped: bool = True


class Iso18626Writer:
    def __init__(self, version: SchemaVersion, style: Iso18626Style) -> None:
        self._version = version
        self._style = style

    def write_structure(self, parent: etree._Element, name: str, structure: Compound) -> etree._Element:
        """Write a structure; raises ValueError for what the version requires and the structure lacks, and for a moment
        without zone."""
        element = etree.SubElement(parent, self.qualify_name(name))
        self.fill_element(element, structure)
        return element

    def fill_element(self, element: etree._Element, structure: Compound) -> None:
        for field, declared in list_in_order(type(structure), self._version):
            self._write_field(element, declared, getattr(structure, field), type(structure).__name__)

    def qualify_name(self, name: str) -> str:
        return f"{{{self._style.namespace}}}{name}" if self._style.namespace else name

    def qualify_attribute(self, name: str) -> str:
        """The schemas want attributes with a prefix too."""
        return self.qualify_name(name)

    def _write_field(self, parent: etree._Element, declared: FieldElement, value: Any, owner: str) -> None:
        values = value if isinstance(value, tuple) else (value,)
        texts = [item for item in values if self._says_something(declared, item)]
        if not texts and declared.is_required_in(self._version):
            if not declared.allow_empty:
                raise ValueError(f"{owner} has no {declared.name}, which this version of ISO 18626 requires")
            texts = [declared.structure() if declared.structure is not None else ""]
        name = declared.name_in(self._version)
        for item in texts:
            if declared.structure is not None:
                self.write_structure(parent, name, item)
            else:
                self._write_leaf(etree.SubElement(parent, self.qualify_name(name)), declared, item)

    def _says_something(self, declared: FieldElement, value: Any) -> bool:
        if value is None or (value == "" and not declared.allow_empty):
            return False
        if isinstance(value, Compound) and not declared.is_required_in(self._version):
            return any(getattr(value, field) not in (None, ()) for field in list_elements(type(value)))
        return True

    def _write_leaf(self, element: etree._Element, declared: FieldElement, value: Any) -> None:
        element.text = _spell_value(declared.kind, value)
        if not declared.is_code_in(self._version):
            return
        scheme = value.scheme if isinstance(value, OpenCode) else None
        if scheme is None and self._style.schemes and declared.open_list:
            scheme = build_list_uri(declared.open_list, self._version)
        if scheme:
            element.set(self.qualify_attribute("scheme"), scheme)


_ORDERS: dict[tuple[type[Compound], SchemaVersion], tuple[tuple[str, FieldElement], ...]] = {}


def list_in_order(structure: type[Compound], version: SchemaVersion) -> tuple[tuple[str, FieldElement], ...]:
    """(field, element) as the version orders them."""
    order = _ORDERS.get((structure, version))
    if order is None:
        order = _ORDERS[structure, version] = _build_order(structure, version)
    return order


def _build_order(structure: type[Compound], version: SchemaVersion) -> tuple[tuple[str, FieldElement], ...]:
    order = [(field, element) for field, element in list_elements(structure).items() if element.is_in(version)]
    layout = structure.layouts.get(version)
    if layout is not None:
        order.sort(key=lambda entry: layout.index(entry[1].name))
    return tuple(order)


def _spell_value(kind: Kind, value: Any) -> str:
    if isinstance(value, OpenCode):
        return value.value
    if isinstance(value, datetime):
        return spell_moment(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, bool):
        if kind is Kind.YES_NO:
            return "Y" if value else "N"
        return "true" if value else "false"
    return str(value)


def spell_moment(moment: datetime) -> str:
    """`2026-01-14T23:59:59Z`; to the millisecond where it has one. Raises ValueError for a moment without zone."""
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone")
    there = moment.astimezone(UTC)
    precision = "milliseconds" if there.microsecond else "seconds"
    return there.replace(tzinfo=None).isoformat(timespec=precision) + "Z"
