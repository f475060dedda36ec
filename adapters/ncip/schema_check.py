"""The strict mode: what the schema of the message's version wouldn't have is refused, without needing the XSD.

Version 2: names, namespaces, order, cardinality, choices and simple types. Version 1: names and cardinality only,
since its DTD was not among the sources (facts/ncip.md section 4).
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any, get_type_hints

from lxml import etree

from adapters.ncip.element_reader import element_path, local_name, value_type
from adapters.ncip.messages.declaration import V1_NAMES, Code, Element, Structure, When, elements_of, is_in_version
from adapters.ncip.messages.envelope import Body, Extension, Problem, Problems
from adapters.ncip.wire_values import NAMESPACE, Version, recognise_version
from gateway.domain.problems import MalformationKind, MalformedMessage
from gateway.domain.value import value_object

_DATE_TIME = re.compile(r"-?\d{4,}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)?")
_V1_ONLY_PARTS = frozenset({"Scheme", "Value", "UserTransaction", "ProcessingError", "VisibleUserId"})


@value_object
class SchemaRule:
    """The rule of the schema about one element of a structure."""

    position: int
    field: str
    element: Element
    kind: Any
    many: bool


def check_schema(root: etree._Element, message: etree._Element, body: Body, version: Version) -> None:
    """Raise MalformedMessage with the place of the first thing that the schema doesn't have."""
    if not version.is_v1:
        _check_root(root)
    elif len(root) != 1:
        raise MalformedMessage(local_name(root), "holds more than one message", MalformationKind.PROTOCOL)
    if isinstance(body, Problems):
        for problem in root:
            _check_structure(problem, Problem, version)
    elif not isinstance(body, Extension):
        if len(root) != 1:
            raise MalformedMessage(local_name(root), "holds more than one message", MalformationKind.PROTOCOL)
        _check_structure(message, type(body), version)


def _check_root(root: etree._Element) -> None:
    version_string = root.get(f"{{{NAMESPACE}}}version")
    if version_string is None or recognise_version(version_string) is None:
        raise MalformedMessage(
            local_name(root), "lacks a known version attribute in the namespace", MalformationKind.PROTOCOL
        )
    for element in root.iter():
        if not element.tag.startswith(f"{{{NAMESPACE}}}") and not _is_in_ext(element):
            raise MalformedMessage(element_path(element), "not in the NCIP namespace", MalformationKind.UNKNOWN_ELEMENT)


def _is_in_ext(element: etree._Element) -> bool:
    return any(local_name(ancestor) == "Ext" for ancestor in element.iterancestors())


def get_schema_rules(cls: type[Structure], version: Version) -> dict[str, SchemaRule]:
    """Element name -> rule, compiled at the first use."""
    rules = _RULES.get((cls, version))
    if rules is None:
        rules = _RULES[cls, version] = _compile_schema_rules(cls, version)
    return rules


_RULES: dict[tuple[type[Structure], Version], dict[str, SchemaRule]] = {}


def _compile_schema_rules(cls: type[Structure], version: Version) -> dict[str, SchemaRule]:
    hints = get_type_hints(cls)
    rules: dict[str, SchemaRule] = {}
    for position, (name, element) in enumerate(elements_of(cls).items()):
        if not is_in_version(element, version):
            continue
        tag = V1_NAMES.get(element.name, element.name) if version.is_v1 else element.name
        many = element.many and version not in element.single_in
        rules[tag] = SchemaRule(position, name, element, value_type(hints[name]), many)
    return rules


def _check_structure(element: etree._Element, cls: type[Structure], version: Version) -> None:
    rules = get_schema_rules(cls, version)
    _check_no_words(element)
    last = -1
    present: dict[str, int] = {}
    for child in element:
        name = local_name(child)
        if name == "Ext" and cls.has_ext and not version.is_v1:
            last = len(rules) + 1000
            continue
        rule = rules.get(name)
        if rule is None:
            if version.is_v1 and name in _V1_ONLY_PARTS:
                continue
            raise MalformedMessage(element_path(child), "not known here", MalformationKind.UNKNOWN_ELEMENT)
        if rule.position < last and not version.is_v1:
            raise MalformedMessage(element_path(child), "out of order", MalformationKind.PROTOCOL)
        last = rule.position
        present[rule.field] = present.get(rule.field, 0) + 1
        if present[rule.field] > 1 and not rule.many:
            raise MalformedMessage(element_path(child), "more than once", MalformationKind.PROTOCOL)
        _check_value(child, rule, version)
    if not version.is_v1:
        _check_presence(element, cls, version, frozenset(present))


def _check_presence(element: etree._Element, cls: type[Structure], version: Version, present: frozenset[str]) -> None:
    elements = elements_of(cls)
    place = element_path(element)
    if "problems" in present and cls is not Problem:
        for name in present:
            if name != "problems" and not elements[name].beside_problems:
                raise MalformedMessage(f"{place}/{elements[name].name}", "beside a Problem", MalformationKind.PROTOCOL)
        return
    in_choices = {name for choice in cls.choices for name in choice.fields}
    for name, needed in elements.items():
        if needed.required and name not in present and name not in in_choices:
            raise MalformedMessage(f"{place}/{needed.name}", "missing", MalformationKind.DATA_MISSING)
    for choice in cls.choices:
        if not choice.is_met_by(present):
            names = ", ".join(element.name for name, element in elements.items() if name in choice.fields)
            missing = not present & choice.fields
            raise MalformedMessage(
                place,
                f"not one way to choose among {names}",
                MalformationKind.DATA_MISSING if missing else MalformationKind.PROTOCOL,
            )


def _check_value(element: etree._Element, rule: SchemaRule, version: Version) -> None:
    kind = rule.kind
    if rule.element.inside:
        inner = [child for child in element if local_name(child) != "Ext"]
        wanted = V1_NAMES.get(rule.element.inside, rule.element.inside) if version.is_v1 else rule.element.inside
        if [local_name(child) for child in inner] != [wanted]:
            raise MalformedMessage(
                f"{element_path(element)}/{wanted}", "missing or not alone", MalformationKind.DATA_MISSING
            )
        element = inner[0]
    if isinstance(kind, type) and issubclass(kind, Structure):
        if version.is_v1 and kind is Problem:
            return
        _check_structure(element, kind, version)
    elif not (version.is_v1 and kind is Code):
        _check_simple(element, rule, kind)


def _check_simple(element: etree._Element, rule: SchemaRule, kind: Any) -> None:
    if len(element):
        raise MalformedMessage(element_path(element[0]), "not known here", MalformationKind.UNKNOWN_ELEMENT)
    text = (element.text or "").strip()
    if kind is bool and text:
        raise MalformedMessage(element_path(element), "must be empty", MalformationKind.INVALID_VALUE)
    if kind in (When, date) and not _DATE_TIME.fullmatch(text):
        raise MalformedMessage(element_path(element), "not an xs:dateTime", MalformationKind.INVALID_DATE)
    if kind is int and (
        not re.fullmatch(r"[+-]?[0-9]{1,18}", text)
        or (rule.element.minimum is not None and int(text) < rule.element.minimum)
    ):
        raise MalformedMessage(
            element_path(element), "not a number that may stand here", MalformationKind.INVALID_VALUE
        )


def _check_no_words(element: etree._Element) -> None:
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise MalformedMessage(element_path(element), "words beside elements", MalformationKind.UNKNOWN_ELEMENT)
