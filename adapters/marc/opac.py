"""Holdings of OPAC records (Z39.50 record syntax OPAC, and the XML that YAZ and ReShare make of it)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from adapters.marc import markup
from adapters.marc.dialect import Records
from adapters.marc.holdings import available, day
from gateway.domain.frozen import frozen
from gateway.ports.search import HeldItem


@frozen
class Circulation:
    """An item of a holding. `texts` by the names of the standard; None: not said."""

    texts: Mapping[str, str]
    available_now: bool | None = None
    on_hold: bool | None = None


@frozen
class OpacHolding:
    """`texts` by the names of the standard: nucCode, localLocation, callNumber, …"""

    texts: Mapping[str, str]
    volumes: tuple[str, ...] = ()
    circulations: tuple[Circulation, ...] = ()


def opac_holdings(holdings: Iterable[OpacHolding], how: Records) -> tuple[HeldItem, ...]:
    """An item for each that circulates, or one for a holding of which no items are shown."""
    return tuple(item for holding in holdings for item in _items(holding, how))


def _items(holding: OpacHolding, how: Records) -> Iterator[HeldItem]:
    for circulation in holding.circulations or (Circulation({}),):
        texts = {**holding.texts, **circulation.texts}
        status = texts.get(how.opac.status, "")
        shown = available(status, how)
        yield HeldItem(
            location=texts.get(how.opac.location, "") or texts.get("nucCode", ""),
            sublocation=texts.get(how.opac.sublocation, ""),
            call_number=texts.get("callNumber", ""),
            barcode=texts.get("itemId", ""),
            policy=texts.get(how.opac.policy, ""),
            status=status or _words(circulation),
            available=circulation.available_now if shown is None else shown,
            due=day(texts.get("availabilityDate", ""), how),
            volumes=texts.get("enumAndChron", "") or "; ".join(holding.volumes),
            note=texts.get("publicNote", ""),
        )


def _words(circulation: Circulation) -> str:
    said = {True: "available", False: "not available", None: ""}[circulation.available_now]
    return ", ".join(filter(None, (said, "on hold" if circulation.on_hold else "")))


# --- as XML ----------------------------------------------------------------------------------------------


def of_xml(record: etree._Element) -> tuple[OpacHolding, ...] | None:
    """Of an `opacRecord`. None: it has no element for holdings."""
    parent = markup.child(record, "holdings")
    if parent is None:
        return None
    return tuple(_holding(one) for one in markup.children(parent, "holding"))


def _holding(element: etree._Element) -> OpacHolding:
    volumes = markup.children(markup.child(element, "volumes"), "volume")
    circulations = markup.children(markup.child(element, "circulations"), "circulation")
    return OpacHolding(
        _texts(element),
        tuple(filter(None, (" ".join(filter(None, _texts(one).values())) for one in volumes))),
        tuple(Circulation(_texts(one), _flag(one, "availableNow"), _flag(one, "onHold")) for one in circulations),
    )


def _texts(element: etree._Element) -> dict[str, str]:
    """The standard misspells one name; both spellings are about."""
    found = {markup.name(one): markup.text(one) for one in element if not len(one) and markup.text(one)}
    if "availablityDate" in found:
        found["availabilityDate"] = found.pop("availablityDate")
    return found


def _flag(element: etree._Element, name: str) -> bool | None:
    """`<availableNow value="1"/>`, or the word in it."""
    found = markup.child(element, name)
    if found is None:
        return None
    word = (found.get("value") or markup.text(found)).strip().casefold()
    return word in ("1", "true") if word else None
