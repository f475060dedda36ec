"""MARCXML and MarcXchange to a record; by local names, since namespaces are given in several ways."""

from __future__ import annotations

import re

from lxml import etree

from adapters.marc import markup
from adapters.marc.fields import Field, Marc

_TAG = re.compile(r"[0-9A-Za-z]{3}")


def read_marcxml(element: etree._Element) -> Marc:
    """A `record`, or what holds one. Never raises; what has no tag or code is passed over."""
    found = next((one for one in element.iter() if markup.name(one) == "record"), None)
    if found is None:
        return Marc.of("", [])
    fields = [_field(one) for one in found if _TAG.fullmatch(one.get("tag", ""))]
    return Marc.of(_verbatim(markup.child(found, "leader")), fields)


def _field(element: etree._Element) -> Field:
    tag = element.get("tag", "")
    if tag.isdigit() and tag < "010":
        return Field(tag, _verbatim(element))
    indicators = (element.get("ind1") or " ")[:1] + (element.get("ind2") or " ")[:1]
    subfields = [
        f"{code}{_verbatim(one)}"
        for one in markup.children(element, "subfield")
        if len(code := one.get("code", "")) == 1
    ]
    return Field(tag, "\x1f".join((indicators, *subfields)))


def _verbatim(element: etree._Element | None) -> str:
    """As it stands: blanks mean something in fixed fields."""
    return "".join(str(part) for part in element.itertext()) if element is not None else ""
