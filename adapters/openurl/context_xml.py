"""Context objects in XML (`info:ofi/fmt:xml:xsd:ctx`, Z39.88-2004 part 3) -> the same keys as KEV has.

No DTD, no entity, no network. Elements are known by their local names, since namespaces vary.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from dataclasses import field

from lxml import etree

from adapters.openurl.keys import FORMAT, ITEM_FORMATS
from gateway.domain.frozen import frozen
from gateway.domain.problems import Fault, MalformedMessage

MAX_ELEMENTS = 5000
MAX_DEPTH = 40

_PREFIX = {
    "referent": "rft",
    "referring-entity": "rfe",
    "requester": "req",
    "referrer": "rfr",
    "resolver": "res",
    "service-type": "svc",
}


@frozen
class Context:
    """`original`: the document without what it says about the requester."""

    pairs: tuple[tuple[str, str], ...]
    notes: tuple[str, ...] = ()
    original: str = field(default="", repr=False)


def read_context(document: bytes) -> Context:
    """The first context object. Raises MalformedMessage."""
    root = _parsed(document)
    found = next(root.iter("{*}context-object"), None)
    if found is None:
        raise MalformedMessage(_name(root), "is not a context object")
    others = sum(1 for _ in root.iter("{*}context-object")) - 1
    notes = [f"{others} more context objects were not read"] if others else []
    pairs: list[tuple[str, str]] = []
    for entity in found:
        prefix = _PREFIX.get(_name(entity))
        if prefix is None:
            notes.append(f"context object: {_name(entity)} is not known")
        else:
            pairs += _entity(entity, prefix, notes)
    return Context(tuple(pairs), tuple(notes), _without_requester(root))


def _parsed(document: bytes) -> etree._Element:
    if b"<!DOCTYPE" in document or b"<!ENTITY" in document:
        raise MalformedMessage("context object", "has a DOCTYPE, which is not read")
    parser = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        line, column = error.position
        raise MalformedMessage(f"line {line}, column {column}", "not well-formed XML") from error
    except (ValueError, LookupError) as error:
        raise MalformedMessage("context object", "not text") from error
    for count, element in enumerate(root.iter()):
        if count > MAX_ELEMENTS or _is_too_deep(element):
            raise MalformedMessage("context object", "too many or too deep elements", Fault.TOO_LARGE)
        if not isinstance(element.tag, str):
            raise MalformedMessage("context object", "has an entity that is not XML's own")
    return root


def _is_too_deep(element: etree._Element) -> bool:
    at: etree._Element | None = element
    for _ in range(MAX_DEPTH):
        if at is None:
            return False
        at = at.getparent()
    return True


def _entity(entity: etree._Element, prefix: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    for part in entity:
        match _name(part):
            case "identifier":
                yield f"{prefix}_id", _text(part)
            case "metadata-by-val":
                yield from _metadata(part, prefix, notes)
            case "metadata-by-ref":
                yield f"{prefix}_ref", "".join(_text(one) for one in part if _name(one) == "location") or "?"
            case "private-data":
                yield f"{prefix}_dat", _inside(part)
            case other:
                notes.append(f"context object: {other} is not known")


def _metadata(part: etree._Element, prefix: str, notes: list[str]) -> Iterator[tuple[str, str]]:
    said = next((_text(one) for one in part if _name(one) == "format"), "")
    found = FORMAT.fullmatch(said)
    if prefix == "rft":
        yield "rft_val_fmt", said
        if found is None or found[1].lower() not in ITEM_FORMATS:
            return
    for holder in (one for one in part if _name(one) == "metadata"):
        for record in holder:
            for leaf in record.iter():
                text = _text(leaf)
                if text and not len(leaf):
                    yield f"{prefix}.{_name(leaf).lower()}", text


def _inside(part: etree._Element) -> str:
    """Private data may be text or elements: as it stands, without namespaces."""
    if not len(part):
        return _text(part)
    return "".join(f"<{_name(one)}>{_text(one)}</{_name(one)}>" for one in part.iter() if one is not part)


def _text(element: etree._Element) -> str:
    return re.sub(r"\s+", " ", element.text or "").strip()


def _name(element: etree._Element) -> str:
    return etree.QName(element).localname


def _without_requester(root: etree._Element) -> str:
    kept = copy.deepcopy(root)
    for element in list(kept.iter("{*}requester")):
        parent = element.getparent()
        if parent is not None:
            parent.remove(element)
    return etree.tostring(kept, encoding="unicode")
