"""Ways of sending: items by post, a copy by link, by FTP or by mail (docs/facts/iso-18626.md 8).

Versions before 2021 have no element for a link: it stands in `itemId`, and sentVia is URL. A number of an item it never
is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.codes import write_conditions
from adapters.iso18626.mapping.identities import MappingContext, costs_of_money
from adapters.iso18626.mapping.items import ItemName, read_item_ids, write_item_ids
from adapters.iso18626.messages.declaration import OpenCode, SchemaVersion
from adapters.iso18626.messages.structures import DeliveryInfo
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, Volume, VolumeState
from gateway.domain.sentences import write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.partner_channel import PartnerMessage

URL, FTP, EMAIL = "URL", "FTP", "Email"
"""Words of DeliveryMethod; the first is also ReShare's of ItemFormat."""

_MAILTO = "mailto:"
_FTP_LINK = re.compile(r"(?:ftps?|sftp)://", re.IGNORECASE)

_WORDS_OF_WAYS = {
    "articleexchange": "Article Exchange",
    "ariel": "Ariel",
    "email": write_sentence("email"),
    "ftp": "FTP",
    "odyssey": "Odyssey",
    "url": write_sentence("a link"),
}
_LINK = re.compile(r"https?://[^\s/]\S*", re.IGNORECASE)
_LINK_IN_NOTE = re.compile(r"(?:^|(?<=[;,\s]))url: (https?://\S+?)[;,]?(?=\s|$)", re.IGNORECASE)


@value_object
class ReadDelivery:
    """`link`: to the copy. `words`: where else it is, for staff. `is_digital`: a link is lent, and no item."""

    items: tuple[ItemName, ...] = ()
    link: str = ""
    words: str = ""
    is_digital: bool = False


# --- received --------------------------------------------------------------------------------------------


def read_delivery(
    delivery: DeliveryInfo, note: str, items_of_note: tuple[ItemName, ...], dialect: Iso18626Dialect
) -> ReadDelivery:
    """A note that names items outweighs itemId, from which a broker may have made it."""
    way = _fold_code(delivery.delivery_method)
    ids = [item_id.strip() for item_id in (*delivery.item_ids, delivery.url or "") if item_id.strip()]
    links = [id_ for id_ in ids if _LINK.fullmatch(id_)]
    others = [id_ for id_ in ids if not _LINK.fullmatch(id_)]
    places = dict.fromkeys(id_ for id_ in others if id_ == delivery.url or _is_place(id_, way))
    further = (link for link in dict.fromkeys(links) if link != links[-1])
    match = _LINK_IN_NOTE.search(note)
    numbers = (id_ for id_ in others if id_ not in places)
    return ReadDelivery(
        items=items_of_note or read_item_ids(numbers, dialect.item_ids),
        link=links[-1] if links else match[1] if match is not None else "",
        words=_describe_way("" if links else way, (*further, *places)),
        is_digital=bool(links) and _fold_code(delivery.item_format) == URL.casefold(),
    )


def _fold_code(code: OpenCode | None) -> str:
    return code.value.strip().casefold() if code is not None else ""


def _is_place(text: str, way: str) -> bool:
    """Return whether a text is a place, and no number of an item. A mail may come with the number."""
    return "://" in text or (way == "email" and "@" in text) or (way in _WORDS_OF_WAYS and way != "email")


def _describe_way(way: str, places: Iterable[str]) -> str:
    named = " ".join(places)
    if way not in _WORDS_OF_WAYS:
        return write_sentence("sent to: %(places)s", places=named) if named else ""
    sent = write_sentence("sent by %(way)s", way=_WORDS_OF_WAYS[way])
    return write_about(sent, named) if named else sent


# --- sent ------------------------------------------------------------------------------------------------


def write_delivery(message: PartnerMessage, context: MappingContext) -> DeliveryInfo:
    details, dialect = message.details, context.dialect
    costs = costs_of_money(details.cost)
    items = list_new_items(message) if dialect.names_items_once else _list_items(message, context)
    info = _write_link(details.link, dialect) if details.link else DeliveryInfo(item_ids=_name_items(items, dialect))
    return replace(
        info,
        date_sent=message.at,
        loan_conditions=write_conditions(details.conditions),
        delivery_costs=(costs,) if costs is not None else (),
    )


def _list_items(message: PartnerMessage, context: MappingContext) -> Iterator[ItemName]:
    """List what is with the requester by now, volume by volume: the last of several messages names all of a parcel.
    Where the version has room for one barcode, what this message is about."""
    named = message.details.volumes
    for volume, item in _list_items_out(message):
        if _has_room_for_items(context.dialect) or volume is None or not named or volume.id in named:
            yield item


def list_new_items(message: PartnerMessage) -> tuple[ItemName, ...]:
    """Those that no earlier message has named, nor this one before it was refused."""
    if message.refused_before:
        return ()
    return tuple(item for _, item in _list_items_out(message) if item.barcode not in message.items_told)


def _list_items_out(message: PartnerMessage) -> Iterator[tuple[Volume | None, ItemName]]:
    """Typed as it was shipped, or located before: it is named in any case. Of a copy what is said of it alone."""
    details, request = message.details, message.request
    several = len(request.volumes) > 1 or len(details.items) > 1
    for item in details.items:
        title = request.citation.title if several or not item.label else ""
        yield None, ItemName(item.barcode, item.label, item.call_number, title)
    if details.items:
        return
    if message.kind is not EventKind.SHIPPED:
        if details.barcode:
            yield None, ItemName(details.barcode, "", request.citation.call_number)
        return
    for volume in request.volumes:
        this = details.barcode if not several or details.volumes == (volume.id,) else ""
        barcode = this or ("" if several else request.item_barcode) or volume.barcode or volume.theirs
        if barcode and (volume.state is not VolumeState.EXPECTED or not several):
            yield volume, _name_item(request, volume, barcode)


def _name_item(request: Request, volume: Volume, barcode: str) -> ItemName:
    """Name an item as our catalogue has it."""
    candidate = request.find_candidate(barcode)
    call_number = candidate.call_number if candidate is not None else ""
    records = (candidate.title if candidate is not None else "", request.citation.title)
    title = next(filter(None, (*records, *(item_candidate.title for item_candidate in request.candidates))), "")
    return ItemName(barcode, volume.label, volume.call_number or call_number or request.citation.call_number, title)


def _write_link(link: str, dialect: Iso18626Dialect) -> DeliveryInfo:
    """Write the deliveryInfo of a copy that is fetched by a link, was put at an FTP server or sent by mail. A version
    without an element for a link has it in the note too, where people of the other side look for it, unless they find
    it elsewhere."""
    address = link.removeprefix(_MAILTO)
    if "://" not in address and "@" in address:
        return DeliveryInfo(item_ids=(address,), delivery_method=OpenCode(EMAIL))
    method = OpenCode(FTP if _FTP_LINK.match(link) else URL)
    if dialect.schema_version >= SchemaVersion.V2021:
        return DeliveryInfo(url=link, delivery_method=method)
    is_noted = dialect.links == "both"
    return DeliveryInfo(item_ids=(link,), url=link if is_noted else None, delivery_method=method)


def _name_items(items: Iterable[ItemName], dialect: Iso18626Dialect) -> tuple[str, ...]:
    """Name items for itemId. Of several that stand in the note as well, an older version's one itemId would name one
    alone."""
    named = tuple(items)
    is_plain = dialect.item_ids == "plain" and dialect.schema_version < SchemaVersion.V2021
    if len(named) > 1 and is_plain and dialect.notes.item_block:
        return ()
    return write_item_ids(named, dialect.item_ids)


def _has_room_for_items(dialect: Iso18626Dialect) -> bool:
    """Return whether several can be named in one message."""
    is_plain = dialect.item_ids == "plain" and not dialect.notes.item_block
    return not is_plain or dialect.schema_version >= SchemaVersion.V2021
