"""Check of a message against the schema of its version, by the declarations of the messages: stricter than the codec,
which reads whatever partners send.

Faults have places below the root and no values, since a message may name a patron.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from adapters.iso18626.codec import NAMESPACE, ROOT
from adapters.iso18626.codec.reader import get_local_name
from adapters.iso18626.codec.writer import list_in_order
from adapters.iso18626.messages import MESSAGES
from adapters.iso18626.messages.codes import WORDS_SINCE_2021
from adapters.iso18626.messages.declaration import Compound, FieldElement, Kind, SchemaVersion
from gateway.domain.value import value_object

_LEXICAL: dict[Kind, re.Pattern[str]] = {
    Kind.MOMENT: re.compile(r"-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})?"),
    Kind.NUMBER: re.compile(r"[+-]?\d+"),
    Kind.AMOUNT: re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)"),
    Kind.YES_NO: re.compile(r"[YN]"),
    Kind.BOOLEAN: re.compile(r"true|false|0|1"),
}
_UTC = re.compile(r".*(Z|\+00:00)")


@value_object
class SchemaFault:
    """`check`: a name for the kind of fault, the same in every report."""

    check: str
    place: str
    words: str


def list_schema_faults(root: etree._Element, version: SchemaVersion) -> tuple[SchemaFault, ...]:
    """List the faults in the order of the document."""
    return tuple(_check_envelope(root, version))


def _check_envelope(root: etree._Element, version: SchemaVersion) -> Iterator[SchemaFault]:
    name = get_local_name(root)
    if any((etree.QName(element).namespace or "") != NAMESPACE for element in root.iter(etree.Element)):
        yield SchemaFault("namespace", name, f"an element is not in the namespace {NAMESPACE}")
    if name in MESSAGES:
        yield SchemaFault("envelope", name, f"stands without {ROOT}")
        yield from _check_structure(MESSAGES[name], root, name, version)
        return
    if name != ROOT:
        yield SchemaFault("envelope", name, f"the root is not {ROOT}")
        return
    yield from _check_version(root)
    bodies = [element for element in root if isinstance(element.tag, str)]
    if len(bodies) != 1:
        yield SchemaFault("one-message", name, f"holds {len(bodies)} messages instead of one")
    for body in bodies:
        message = MESSAGES.get(get_local_name(body))
        if message is None:
            yield SchemaFault("unknown-element", f"{name}/{get_local_name(body)}", "no message of ISO 18626")
        else:
            yield from _check_structure(message, body, get_local_name(body), version)


def _check_version(root: etree._Element) -> Iterator[SchemaFault]:
    qualified = {f"{{{NAMESPACE}}}version", f"{{{etree.QName(root).namespace}}}version"}
    names = {str(name) for name in root.attrib}
    if names & qualified:
        return
    plain = "version" in names
    words = "the attribute version has no prefix, and the schema wants one" if plain else "says no version"
    yield SchemaFault("version", ROOT, words)


def _check_structure(
    structure: type[Compound], element: etree._Element, place: str, version: SchemaVersion
) -> Iterator[SchemaFault]:
    order = [(declared.name_in(version), declared) for _, declared in list_in_order(structure, version)]
    names = [name for name, _ in order]
    reached, seen = 0, set[str]()
    for child in element:
        if not isinstance(child.tag, str):
            continue
        name = get_local_name(child)
        if name not in names:
            yield SchemaFault("unknown-element", f"{place}/{name}", "the schema has no such element here")
            continue
        position = names.index(name)
        declared = order[position][1]
        if position < reached:
            yield SchemaFault("element-order", f"{place}/{name}", f"stands behind {names[reached]}")
        elif name in seen and not declared.is_repeatable_in(version):
            yield SchemaFault("repeated-element", f"{place}/{name}", "stands there more than once")
        reached = max(reached, position)
        seen.add(name)
        yield from _check_value(declared, child, f"{place}/{name}", version)
    for name, declared in order:
        if declared.is_required_in(version) and name not in seen:
            yield SchemaFault("missing-element", f"{place}/{name}", "is required")


def _check_value(
    declared: FieldElement, child: etree._Element, place: str, version: SchemaVersion
) -> Iterator[SchemaFault]:
    if declared.structure is not None:
        yield from _check_structure(declared.structure, child, place, version)
        return
    text = (child.text or "").strip()
    if declared.kind is Kind.WORD:
        assert declared.words is not None
        too_new = version < SchemaVersion.V2021 and text in WORDS_SINCE_2021
        if text not in set(declared.words) or too_new:
            yield SchemaFault("word-of-list", place, "not a word of the closed list")
        return
    pattern = _LEXICAL.get(declared.kind)
    if pattern is not None and not pattern.fullmatch(text):
        yield SchemaFault("data-type", place, f"not a {declared.kind.value} as XML Schema writes it")
    elif declared.kind is Kind.MOMENT and not _UTC.fullmatch(text):
        yield SchemaFault("time-in-utc", place, "a time that isn't in UTC")
