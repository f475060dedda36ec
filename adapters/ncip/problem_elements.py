"""Elements of a message that a refusal is about, for ProblemElement.

An element is named as the message has it: a message of version 1 has UniqueUserId or VisibleUserId, AcceptItem says its
date of return in DateForReturn, and INN-Reach a pickup place in its shipping address (facts/ncip.md 2.9, 4).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree

from adapters.ncip.messages import INITIATIONS
from adapters.ncip.messages.declaration import ALIASES, V1_NAMES, elements_of
from adapters.ncip.wire_values import Version
from adapters.ncip.xml_parser import ParsedDocument
from gateway.domain.problems import MalformationKind, MalformedMessage, MessagePart, Refusal, RefusalReason

_NAME = re.compile(r"[A-Za-z]\w{0,100}")
WHOLE_MESSAGE = "NCIPMessage"

CANDIDATES: dict[MessagePart, tuple[str, ...]] = {
    MessagePart.PATRON: ("UserId", "AuthenticationInput"),
    MessagePart.CREDENTIALS: ("AuthenticationInput", "UserId"),
    MessagePart.ITEM: ("ItemId", "VisibleItemId", "RequestId", "BibliographicId"),
    MessagePart.RECORD: ("BibliographicId", "HoldingsSetId", "BibliographicDescription", "ItemId"),
    MessagePart.REQUEST: ("RequestId", "ItemId"),
    MessagePart.PICKUP_LOCATION: ("PickupLocation", "ShippingInformation"),
    MessagePart.PICKUP_EXPIRY: ("PickupExpiryDate",),
    MessagePart.DUE_DATE: ("DesiredDateDue", "DateDue", "DateForReturn", "DesiredDateForReturn"),
    MessagePart.NEED_BY: ("NeedBeforeDate",),
    MessagePart.AMOUNT: ("Amount", "FiscalTransactionInformation"),
    MessagePart.ACTION: ("RequestedActionType",),
    MessagePart.REQUEST_TYPE: ("RequestType", "RequestScopeType"),
    MessagePart.STATUS: ("CirculationStatus",),
}
"""Where a part may stand, the likeliest element first. One that holds the value that was refused comes before all."""

IN_HEADER = {
    MessagePart.SENDER: "InitiationHeader/FromAgencyId",
    MessagePart.RECEIVER: "InitiationHeader/ToAgencyId",
}

_PICKUP_IN_HEADER = "ToAgencyId"
"""Where version 1 may say the pickup place (USMAI, LNC)."""


def list_part_elements() -> Iterator[tuple[str, MessagePart]]:
    """Each element's local name, in either version, with the part that it stands for before others."""
    yield WHOLE_MESSAGE, MessagePart.SERVICE
    for part, path in IN_HEADER.items():
        yield path.rpartition("/")[2], part
    ranked = sorted((rank, name, part) for part, names in CANDIDATES.items() for rank, name in enumerate(names))
    firsts: dict[str, MessagePart] = {}
    for _, name, part in ranked:
        firsts.setdefault(name, part)
    for name, part in firsts.items():
        for alias in _list_names((name,)):
            yield alias, part


def element_of_refusal(refusal: Refusal, service: str, version: Version, parsed: ParsedDocument | None) -> str:
    """The element with the value that was refused; else one of its kind that the message has. Of data that is missing,
    the element that the service lacks; where the message has none such, the service's own element."""
    if refusal.about is None or refusal.about is MessagePart.SERVICE:
        return WHOLE_MESSAGE
    if refusal.about in IN_HEADER:
        return IN_HEADER[refusal.about]
    names = tuple(_list_names(CANDIDATES[refusal.about]))
    if refusal.value:
        if element := next((name for name in names if _has_value(parsed, name, refusal.value)), ""):
            return element
        if refusal.about is MessagePart.PICKUP_LOCATION and _has_value(parsed, _PICKUP_IN_HEADER, refusal.value):
            return IN_HEADER[MessagePart.RECEIVER]
    if element := next((name for name in names if _has_element(parsed, name)), ""):
        return element
    if refusal.reason is RefusalReason.DATA_MISSING or parsed is None:
        return _name_in_version(_choose_declared(CANDIDATES[refusal.about], service), version)
    return service or WHOLE_MESSAGE


def element_of_malformation(error: MalformedMessage, parsed: ParsedDocument | None) -> str:
    """The path that is wrong; the whole message where its place is no element (a line, a byte, a header of HTTP)."""
    path = error.place.removesuffix("/text()")
    is_element = error.fault is MalformationKind.DATA_MISSING or _has_element(parsed, path.rpartition("/")[2])
    return path if path and is_element else WHOLE_MESSAGE


def _list_names(candidates: tuple[str, ...]) -> Iterator[str]:
    """List the names with those of version 1, under which an element is read in any version."""
    for name in candidates:
        yield from (name, *ALIASES.get(name, ()))


def _has_element(parsed: ParsedDocument | None, name: str) -> bool:
    return next(_iterate_elements(parsed, name), None) is not None


def _has_value(parsed: ParsedDocument | None, name: str, value: str) -> bool:
    return any(
        str(text).strip() == value.strip() for element in _iterate_elements(parsed, name) for text in element.itertext()
    )


def _iterate_elements(parsed: ParsedDocument | None, name: str) -> Iterator[etree._Element]:
    return parsed.root.iter(f"{{*}}{name}") if parsed is not None and _NAME.fullmatch(name) else iter(())


def _choose_declared(candidates: tuple[str, ...], service: str) -> str:
    """The first that the service's message may have."""
    initiation = INITIATIONS.get(service)
    declared = {element.name for element in elements_of(initiation).values()} if initiation is not None else set()
    return next((name for name in candidates if name in declared), candidates[0])


def _name_in_version(name: str, version: Version) -> str:
    return V1_NAMES.get(name, name) if version.is_v1 else name
