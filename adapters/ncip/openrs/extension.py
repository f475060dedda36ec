"""Content of OpenRS's Ext: elements of its own, and RequestId where NCIP's schema has no place for it
(docs/facts/openrs.md 4)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from lxml import etree

from adapters.ncip.element_reader import local_name
from adapters.ncip.messages.declaration import RawElement
from adapters.ncip.wire_values import NAMESPACE, escape_text
from gateway.domain.requests.citation import REQUESTER_PATRON, CitationExtra
from gateway.domain.value import value_object

CONTEXT = "ShippingContext"

_NAMED = {
    "Patron/Barcode": REQUESTER_PATRON,
    "PickupDestination/DisplayName": "pickup-place",
    "PickupDestination/LocalLocationCode": "pickup-code",
    "PickupDestination/Address/Formatted": "pickup-address",
    "BorrowingLibrary/AgencyName": "borrowing-library",
    "RouteMode": "route-mode",
    "WorkflowCode": "workflow-code",
}
"""What people look for. All the rest is kept under its own path."""


@value_object
class ShippingContext:
    """The destination of an item, and for whom it is. `extras` has all of it."""

    extras: tuple[CitationExtra, ...] = ()

    def find_value(self, name: str) -> str:
        """Empty: it isn't said."""
        return next((extra.value for extra in self.extras if extra.name == name), "")


def write_request_ext(number: str) -> tuple[RawElement, ...]:
    """RequestId for a message that has no place of its own for it."""
    value = f"<RequestIdentifierValue>{escape_text(number)}</RequestIdentifierValue>"
    return (RawElement("RequestId", number, f'<RequestId xmlns="{NAMESPACE}">{value}</RequestId>'),)


def write_selected_item(barcode: str, namespace: str) -> tuple[RawElement, ...]:
    return (_write_own_element("FallbackHostSelectedItem", (("SelectedItemBarcode", barcode),), namespace),)


def write_cancel_reason(code: str, note: str, namespace: str) -> tuple[RawElement, ...]:
    children = (("ReasonCode", code), ("ProcessingNote", note))
    return (_write_own_element("FallbackHostCancelReason", children, namespace),)


def _write_own_element(name: str, children: Iterable[tuple[str, str]], namespace: str) -> RawElement:
    inner = "".join(f"<o:{child}>{escape_text(text)}</o:{child}>" for child, text in children if text)
    return RawElement(name, "", f'<o:{name} xmlns:o="{escape_text(namespace)}">{inner}</o:{name}>')


def read_shipping_context(ext: Iterable[RawElement], namespace: str) -> ShippingContext:
    """Read what of an Ext is in this namespace; all else is kept by its name alone."""
    extras: list[CitationExtra] = []
    for raw in ext:
        root = _parse_fragment(raw.xml)
        if root is not None and root.tag == f"{{{namespace}}}{CONTEXT}":
            extras += _iterate_leaves(root)
        elif raw.text:
            extras.append(CitationExtra(raw.path, raw.text))
    return ShippingContext(tuple(extras))


def _parse_fragment(xml: str) -> etree._Element | None:
    """Parse an element of a document that was parsed within its limits before; None: words where an element should
    be."""
    try:
        return etree.fromstring(xml, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        return None


def _iterate_leaves(element: etree._Element, path: str = "") -> Iterator[CitationExtra]:
    for child in element.iterchildren(etree.Element):
        place = f"{path}/{local_name(child)}".lstrip("/")
        if len(child):
            yield from _iterate_leaves(child, place)
        elif child.text and child.text.strip():
            yield CitationExtra(_NAMED.get(place, place), child.text.strip())


def find_request_number(root: etree._Element) -> str:
    """Find the number of a message that may not be readable as a whole; empty: it has none."""
    number = root.xpath("string(//*[local-name() = 'RequestId']/*[local-name() = 'RequestIdentifierValue'])")
    return str(number).strip()
