"""Finding on our own shelves what another library asks for: by standard number, else by title and author with a
confidence that staff can see. Never a guess among several."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import Connection

from gateway.domain.library import Bib, Item, ItemStatus, RecordId
from gateway.domain.problems import Refused, UnfinishedWork
from gateway.domain.requests import matching
from gateway.domain.requests.events import Details, Event, Kind, Reasons, by_us
from gateway.domain.requests.intake_rules import item_refusal, lending_refusal
from gateway.domain.requests.machine import Denied, Transition
from gateway.domain.requests.policy import LendingRules
from gateway.domain.requests.request import Candidate, Lending, Request, Role, ServiceType
from gateway.services.requests.happen import Happening, happen_in
from gateway.services.requests.house import House
from gateway.services.requests.owned import LOOKED_UP
from gateway.store.requests import barcodes, counting, requests

LOCATE = "locate"
FOUND_AT_MOST = 20


async def locate(house: House, request_id: str) -> str:
    """Decides by rule where it can: refused, or located. Else the candidates wait for staff. A line for the outbox."""
    request = await house.store.read(lambda c: requests.load(c, house.symbol, request_id))
    if request is None or request.state is not Lending.NEW:
        return "nothing to locate any more"
    rules = house.policy().lending
    others = await house.store.read(lambda c: _open_lending(c, house)) - 1
    refusal = lending_refusal(request, rules, others, house.today())
    if refusal is not None:
        return await _refuse(house, request, refusal.reason.value, refusal.detail, ())
    candidates = await _candidates(house, request)
    found = matching.decide(candidates, rules.confidence)
    if found is None:
        note = f"{len(candidates)} records may be meant" if candidates else "nothing like it was found here"
        return await _happen(house, request, Kind.NOTE, Details(note=note), candidates)
    if found.why_not == Reasons.NON_CIRCULATING.value:
        return await _refuse(house, request, found.why_not, "We do not lend this item.", candidates)
    if not found.lendable:
        note = f"found, but it can't be supplied now: {found.why_not}"
        return await _happen(house, request, Kind.NOTE, Details(note=note), candidates)
    return await _found(house, request, Details(barcode=found.barcode, note=found.how), candidates)


async def _refuse(house: House, request: Request, reason: str, note: str, candidates: tuple[Candidate, ...]) -> str:
    return await _happen(house, request, Kind.UNFILLED, Details(reason=reason, note=note), candidates)


async def _found(house: House, request: Request, details: Details, candidates: tuple[Candidate, ...]) -> str:
    """Raises UnfinishedWork when another request has got the copy a moment ago: then it is looked for anew."""

    def work(connection: Connection) -> Transition | Denied | None:
        barcodes.lock_barcode(connection, house.symbol, details.barcode)
        if barcodes.spoken_for(connection, house.symbol, [details.barcode], request.id):
            return None
        return happen_in(connection, house, _happening(house, request, Kind.LOCATED, details, candidates))

    outcome = await house.store.write(work)
    if outcome is None:
        raise UnfinishedWork("the copy has just been found for another request")
    house.nudge()
    return _line(Kind.LOCATED, details, outcome)


async def _happen(
    house: House, request: Request, kind: Kind, details: Details, candidates: tuple[Candidate, ...]
) -> str:
    happening = _happening(house, request, kind, details, candidates)
    outcome = await house.store.write(lambda c: happen_in(c, house, happening))
    house.nudge()
    return _line(kind, details, outcome)


def _happening(
    house: House, request: Request, kind: Kind, details: Details, candidates: tuple[Candidate, ...]
) -> Happening:
    event = Event(by_us(kind), house.now(), "rule", details)
    return Happening(request_id=request.id, event=event, prepare=lambda now: replace(now, candidates=candidates))


def _line(kind: Kind, details: Details, outcome: Transition | Denied) -> str:
    if isinstance(outcome, Denied):
        return f"not possible any more: {outcome.detail}"
    return f"{kind.value}: {details.note or details.reason}"


def _open_lending(connection: Connection, house: House) -> int:
    return sum(counting.partner_loads(connection, house.symbol, Role.LENDING).values())


# --- candidates ------------------------------------------------------------------------------------------


async def _candidates(house: House, request: Request) -> tuple[Candidate, ...]:
    bibs = await _by_number(house, request)
    if not bibs:
        words = " ".join(part for part in (request.citation.title, request.citation.author) if part)
        bibs = await house.system.search_bibs(words, FOUND_AT_MOST) if words else ()
        if not bibs and request.citation.title:
            bibs = await house.system.search_bibs(request.citation.title, FOUND_AT_MOST)
    rated = matching.best(request.citation, bibs)
    return tuple([candidate for one in rated for candidate in await _with_items(house, request, one)])


async def _by_number(house: House, request: Request) -> tuple[Bib, ...]:
    found: dict[str, Bib] = {}
    for number in request.citation.identifiers:
        if number.type in LOOKED_UP and (bib := await _find_record(house, number)) is not None:
            found[bib.id] = bib
    return tuple(found.values())


async def _find_record(house: House, number: RecordId) -> Bib | None:
    try:
        bib = await house.system.find_bib(number)
    except Refused:
        return None  # unknown here, or several records: then the title decides
    return None if bib.suppressed else bib


async def _with_items(house: House, request: Request, candidate: Candidate) -> tuple[Candidate, ...]:
    """The record's best item; a record without an item that can be lent is shown with the reason."""
    items = [item for item in (await house.system.holdings(candidate.bib_id)).items if not item.temporary]
    if not items:
        return (replace(candidate, lendable=False, why_not="no items"),)
    rules = house.policy().lending
    copies = [item.barcode for item in items]
    others = await house.store.read(lambda c: barcodes.spoken_for(c, house.symbol, copies, request.id))
    reasons = {item.barcode: _why_not(item, request, rules, others) for item in items}
    best = min(items, key=lambda item: (reasons[item.barcode] != "", item.hold_count, item.barcode))
    why_not = reasons[best.barcode]
    return (
        replace(
            candidate,
            barcode=best.barcode,
            call_number=best.call_number,
            lendable=not why_not,
            why_not=why_not,
        ),
    )


def _why_not(item: Item, request: Request, rules: LendingRules, others: frozenset[str]) -> str:
    """Empty: it can be supplied now; else a word of `Reasons`. `others`: copies that other requests have got."""
    service = request.service.type
    refusal = item_refusal(item.policy, service, rules)
    if refusal is not None:
        return refusal.reason.value
    if service is ServiceType.LOAN and not item.circulates:
        return Reasons.NON_CIRCULATING.value
    if item.status is ItemStatus.AVAILABLE and not item.hold_count and item.barcode not in others:
        return ""
    if item.status in (ItemStatus.ON_LOAN, ItemStatus.RECALLED):
        return Reasons.ON_LOAN.value
    return Reasons.NOT_AVAILABLE.value
