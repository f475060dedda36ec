"""Lending: finding the item on our shelves, and on whose account it is lent. Never a guess among several records."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from hashlib import blake2b

from gateway.domain.circulation_policy import PatronRules
from gateway.domain.commands import Named
from gateway.domain.library import (
    Bib,
    Contact,
    ContactKind,
    IdentifierType,
    Item,
    ItemStatus,
    Patron,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    RecordId,
)
from gateway.domain.partner_identifiers import choose_identifier_types
from gateway.domain.problems import MessagePart, RefusalReason, Refused, UnfinishedWork
from gateway.domain.profile import Profile
from gateway.domain.requests import citation_matching
from gateway.domain.requests.calendar import NoOpenDayError
from gateway.domain.requests.citation import SUPPLIER_RECORD, WANTED_ITEM
from gateway.domain.requests.drafts import HomePatron
from gateway.domain.requests.events import Event, EventDetails, EventKind, ReasonCodes, local_signal
from gateway.domain.requests.intake_rules import find_item_refusal, find_lending_refusal
from gateway.domain.requests.partner_policy import Closure, find_opening_day
from gateway.domain.requests.policy import LendingRules
from gateway.domain.requests.reason_words import find_reason_words
from gateway.domain.requests.request import ItemCandidate, LendingState, PatronLink, Request, Role, ServiceType
from gateway.domain.requests.state_machine import Denied, Transition
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Transaction
from gateway.services.circulation.local_holdings import (
    LOOKED_UP,
    can_look_up_records,
    list_free_copies,
    search_by_words,
)
from gateway.services.requests.brokered_requests import is_passed_on_by_rule
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.transitions import EventRequest, apply_event_in
from gateway.store.requests import request_counts, requests

LOCATE = "locate"
IDENTIFIER = "external"


async def locate_item(context: LibraryContext, request_id: str) -> str:
    """Decides by rule where it can: refused, or located. Else the candidates wait for staff, who find the item
    themselves where the library's system can't look up records. A line for the outbox."""
    request = await context.store.read(lambda c: requests.load_request(c, context.symbol, request_id))
    if request is None or request.state is not LendingState.NEW:
        return "nothing to locate any more"
    if request.other_leg is not None:
        return "other libraries are asked"
    if is_passed_on_by_rule(context, request, looked=False):
        return await _pass_on(context, request, EventDetails(note=write_sentence("local holdings are not checked")), ())
    rules = context.policy().lending
    others = await context.store.read(lambda c: _count_open_lending(c, context)) - 1
    refusal = find_lending_refusal(request, rules, others, context.today())
    if refusal is not None:
        is_asked_again = context.workflow(request).lending.while_closed == "retry"
        retry_after = _find_lending_day(context, rules.closed, refusal.retry_after) if is_asked_again else None
        details = EventDetails(reason=refusal.reason.value, note=refusal.detail, retry_after=retry_after)
        return await _refuse_request(context, request, details, ())
    candidates = await _find_candidates(context, request)
    chosen = citation_matching.choose_candidate(candidates, rules.confidence)
    if chosen is None:
        note = _describe_doubt(context, candidates)
        is_missing = not candidates and can_look_up_records(context.system)
        if is_missing and is_passed_on_by_rule(context, request, looked=True):
            return await _pass_on(context, request, EventDetails(reason=ReasonCodes.NOT_HELD.value, note=note), ())
        return await _apply_locate_event(context, request, EventKind.NOTE, EventDetails(note=note), candidates)
    if chosen.why_not == ReasonCodes.NON_CIRCULATING.value:
        details = EventDetails(reason=chosen.why_not, note=write_sentence("We do not lend this item."))
        return await _refuse_request(context, request, details, candidates)
    if not chosen.lendable:
        note = write_sentence("found, but not available now: %(words)s", words=find_reason_words(chosen.why_not))
        if is_passed_on_by_rule(context, request, looked=True):
            return await _pass_on(context, request, EventDetails(reason=chosen.why_not, note=note), candidates)
        return await _apply_locate_event(context, request, EventKind.NOTE, EventDetails(note=note), candidates)
    return await _mark_located(context, request, EventDetails(barcode=chosen.barcode, note=chosen.how), candidates)


def _describe_doubt(context: LibraryContext, candidates: tuple[ItemCandidate, ...]) -> str:
    if len(candidates) == 1:
        return write_sentence("one possible record")
    if candidates:
        return write_sentence("%(count)s possible records", count=len(candidates))
    if can_look_up_records(context.system):
        return write_sentence("no similar record found")
    return write_sentence(
        "the library system cannot be searched from here; find the item and enter its barcode when you ship it"
    )


async def _refuse_request(
    context: LibraryContext, request: Request, details: EventDetails, candidates: tuple[ItemCandidate, ...]
) -> str:
    """Refuse a request; where a day is known from which we can be asked again, the requester hears it."""
    if is_passed_on_by_rule(context, request, looked=True):
        return await _pass_on(context, request, replace(details, retry_after=None), candidates)
    kind = EventKind.RETRY if details.retry_after is not None else EventKind.UNFILLED
    return await _apply_locate_event(context, request, kind, details, candidates)


def _find_lending_day(context: LibraryContext, closures: tuple[Closure, ...], day: date | None) -> date | None:
    """The day, or the first one after it on which the library works and lends. None: there is none."""
    while day is not None:
        try:
            working = context.calendar.first_open_day(day)
        except NoOpenDayError:
            return day
        day = find_opening_day(closures, working)
        if day == working:
            break
    return day


async def _pass_on(
    context: LibraryContext, request: Request, details: EventDetails, candidates: tuple[ItemCandidate, ...]
) -> str:
    """Other libraries are asked."""
    return await _apply_locate_event(context, request, EventKind.BROKERED, details, candidates)


async def _mark_located(
    context: LibraryContext, request: Request, details: EventDetails, candidates: tuple[ItemCandidate, ...]
) -> str:
    """Mark a request as located; raises UnfinishedWork when another request has got the copy a moment ago: then it is
    looked for anew; and as `_require_ours_to_find`."""

    def apply_located_event(connection: Transaction) -> Transition | Denied | None:
        _require_ours_to_find(connection, context, request)
        requests.lock_barcode(connection, context.symbol, details.barcode)
        if requests.find_barcodes_in_use(connection, context.symbol, [details.barcode], request.id):
            return None
        return apply_event_in(
            connection, context, _build_event_request(context, request, EventKind.LOCATED, details, candidates)
        )

    outcome = await context.store.write(apply_located_event)
    if outcome is None:
        raise UnfinishedWork(write_sentence("the copy has just been assigned to another request"))
    context.wake_outbox()
    return _describe_outcome(EventKind.LOCATED, details, outcome)


async def _apply_locate_event(
    context: LibraryContext,
    request: Request,
    kind: EventKind,
    details: EventDetails,
    candidates: tuple[ItemCandidate, ...],
) -> str:
    """Apply an event; raises as `_require_ours_to_find`."""
    event_request = _build_event_request(context, request, kind, details, candidates)

    def apply_event_of_rule(connection: Transaction) -> Transition | Denied:
        _require_ours_to_find(connection, context, request)
        return apply_event_in(connection, context, event_request)

    outcome = await context.store.write(apply_event_of_rule)
    context.wake_outbox()
    return _describe_outcome(kind, details, outcome)


def _require_ours_to_find(connection: Transaction, context: LibraryContext, request: Request) -> None:
    """Raise UnfinishedWork when staff have asked other libraries for it while it was looked for: the next look finds
    that there is nothing to locate, where an event of this one would end it or cancel it there."""
    now = requests.lock_request(connection, context.symbol, request.id)
    if now is not None and now.other_leg is not None:
        raise UnfinishedWork(write_sentence("other libraries have just been asked"))


def _build_event_request(
    context: LibraryContext,
    request: Request,
    kind: EventKind,
    details: EventDetails,
    candidates: tuple[ItemCandidate, ...],
) -> EventRequest:
    event = Event(local_signal(kind), context.now(), "rule", details)
    return EventRequest(request_id=request.id, event=event, prepare=lambda now: replace(now, candidates=candidates))


def _describe_outcome(kind: EventKind, details: EventDetails, outcome: Transition | Denied) -> str:
    if isinstance(outcome, Denied):
        return f"not possible any more: {outcome.detail}"
    return f"{kind.value}: {details.note or details.reason}"


def _count_open_lending(connection: Transaction, context: LibraryContext) -> int:
    return sum(request_counts.read_partner_loads(connection, context.symbol, Role.LENDING).values())


# --- candidates ------------------------------------------------------------------------------------------


async def _find_candidates(context: LibraryContext, request: Request) -> tuple[ItemCandidate, ...]:
    if not can_look_up_records(context.system):
        return ()
    bibs = await _find_named_record(context, request) or await _find_bibs_by_number(context, request)
    if not bibs:
        bibs = await search_by_words(context.system, request.citation)
    rated = citation_matching.rank_candidates(request.citation, bibs)
    return tuple([candidate for match in rated for candidate in await _add_best_item(context, request, match)])


async def _find_named_record(context: LibraryContext, request: Request) -> tuple[Bib, ...]:
    """The record of our catalogue that the requester has chosen. A number that is another record's says nothing."""
    number = request.citation.identifier(SUPPLIER_RECORD)
    bib = await _find_record(context, RecordId("local", number)) if number else None
    return (bib,) if bib is not None and citation_matching.is_named_record(request.citation, bib) else ()


async def _find_bibs_by_number(context: LibraryContext, request: Request) -> tuple[Bib, ...]:
    bibs: dict[str, Bib] = {}
    for number in request.citation.identifiers:
        if number.type in LOOKED_UP and (bib := await _find_record(context, number)) is not None:
            bibs[bib.id] = bib
    return tuple(bibs.values())


async def _find_record(context: LibraryContext, number: RecordId) -> Bib | None:
    try:
        bib = await context.system.find_bib(number)
    except Refused as refused:
        if refused.reason not in (RefusalReason.UNKNOWN_RECORD, RefusalReason.AMBIGUOUS_ITEM):
            raise
        return None  # then the title decides
    return None if bib.suppressed else bib


async def _add_best_item(
    context: LibraryContext, request: Request, candidate: ItemCandidate
) -> tuple[ItemCandidate, ...]:
    """The record's best item, the one that the requester has chosen before others; a record without an item that can be
    lent is shown with the reason."""
    items = [item for item in (await context.system.holdings(candidate.bib_id)).items if not item.temporary]
    if not items:
        return (replace(candidate, lendable=False, why_not=write_sentence("no items")),)
    rules = context.policy().lending
    copies = [item.barcode for item in items]
    others = await context.store.read(lambda c: requests.find_barcodes_in_use(c, context.symbol, copies, request.id))
    is_loan = request.service.type is ServiceType.LOAN
    free = list_free_copies(item for item in items if item.circulates or not is_loan)
    reasons = {item.barcode: _item_objection(item, request, rules, free, others) for item in items}
    wanted = next((extra.value for extra in request.extras if extra.name == WANTED_ITEM), "")
    best = min(
        items,
        key=lambda item: (reasons[item.barcode] != "", item.barcode != wanted, item.hold_count, item.barcode),
    )
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


def _item_objection(
    item: Item, request: Request, rules: LendingRules, free: frozenset[str], others: frozenset[str]
) -> str:
    """Empty: it can be supplied now; else a word of `ReasonCodes`. `free`: ids of copies that nobody waits for;
    `others`: copies that other requests have got."""
    service = request.service.type
    refusal = find_item_refusal(item.policy, service, rules)
    if refusal is not None:
        return refusal.reason.value
    if service is ServiceType.LOAN and not item.circulates:
        return ReasonCodes.NON_CIRCULATING.value
    if item.id in free and item.barcode not in others:
        return ""
    if item.status in (ItemStatus.ON_LOAN, ItemStatus.RECALLED):
        return ReasonCodes.ON_LOAN.value
    return ReasonCodes.NOT_AVAILABLE.value


async def borrower_account(
    context: LibraryContext, request: Request, key: str, until: datetime | None = None
) -> Patron:
    """The other library's patron, where the request is for one; else the library, found by its symbol and made when it
    isn't there yet. `until`: when the loan ends, where that is known.

    Raises Refused(UNSUPPORTED_SERVICE …) where the library can't make patrons.
    """
    if request.direct_patron.id:
        return await requester_account(context, request, key, until)
    if request.borrower_id:
        return await context.system.find_patron(PatronKey(request.borrower_id, ("internal",)))
    symbol = request.partner.symbol or request.partner.profile
    institution = await _find_institution(context, symbol)
    if institution is not None:
        return institution
    try:
        return await context.system.create_patron(
            _build_institution_draft(context, request, symbol), f"institution:{symbol}:{key}"
        )
    except Refused as refused:
        if refused.reason is not RefusalReason.DUPLICATE_PATRON:
            raise
    return await context.system.find_patron(_key_of_institution(symbol))  # another request was quicker


async def _find_institution(context: LibraryContext, symbol: str) -> Patron | None:
    """Systems that know no such kind of number, or can't be told to make patrons, have its symbol as a card number."""
    try:
        return await context.system.find_patron(_key_of_institution(symbol))
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_PATRON:
            return None
        raise


def _key_of_institution(symbol: str) -> PatronKey:
    return PatronKey(symbol, (IDENTIFIER, IdentifierType.BARCODE.value))


def _build_institution_draft(context: LibraryContext, request: Request, symbol: str) -> PatronDraft:
    rules = _find_patron_rules(context, request)
    return PatronDraft(
        identifiers=(PatronIdentifier(IDENTIFIER, symbol),),
        name=PersonName(request.partner.name or symbol, is_organisation=True),
        category=rules.create_category,
        home_library=rules.create_library or None,
        contacts=(Contact(ContactKind.EMAIL, "notices", request.partner.email),) if request.partner.email else (),
        expires=context.today() + timedelta(days=rules.create_days),
        home_institution=symbol,
    )


def _find_patron_rules(context: LibraryContext, request: Request) -> PatronRules:
    profile = context.profile(request.partner.profile)
    return profile.circulation.patrons if profile is not None else PatronRules()


async def register_requester(context: LibraryContext, profile: Profile, home: HomePatron) -> PatronLink:
    """The patron's record here, made or brought up to date. Identifiers are read as the profile reads those that the
    partner sends, so that CreateUser and a request mean the same record.

    Raises Refused(NOT_ALLOWED (the partner's items go to itself) | DUPLICATE_PATRON (somebody of our own, or of
    another library, has this identifier) | DATA_MISSING …), Unavailable.
    """
    partner = profile.partner
    if partner is None or partner.workflow.lending.loan_to != "requester":
        raise Refused(
            RefusalReason.NOT_ALLOWED,
            "Items are lent to the requesting library, not to its patrons: see workflow.lending.loan_to in its "
            "profile.",
            about=MessagePart.PATRON,
        )
    rules = profile.circulation.patrons
    identifier = _read_patron_identifier(home, rules)
    draft = _build_requester_draft(context, rules, identifier, home, partner.symbol)
    requester = await _find_requester(context, identifier)
    if requester is None:
        patron = await context.system.create_patron(draft, _requester_key("made", partner.symbol, identifier.value))
    else:
        if not requester.temporary or requester.home_institution not in partner.symbols:
            raise Refused(
                RefusalReason.DUPLICATE_PATRON, "Another patron already has this identifier.", about=MessagePart.PATRON
            )
        patron = await context.system.update_patron(
            requester.id, _build_update_draft(draft, requester), _requester_key("changed", requester.id, repr(draft))
        )
    return PatronLink(
        id=patron.id,
        identifier=identifier.value,
        category=patron.category,
        pickup=home.pickup,
        language=home.language or patron.language,
    )


def _read_patron_identifier(home: HomePatron, rules: PatronRules) -> PatronIdentifier:
    if not home.identifier.strip() or not home.name.surname.strip():
        raise Refused(
            RefusalReason.DATA_MISSING, "The patron's identifier or name is missing.", about=MessagePart.PATRON
        )
    type_ = choose_identifier_types(Named(home.identifier, home.type), rules)[0]
    return PatronIdentifier(type_, rules.rewrite.rewrite_identifier(home.identifier))


def _build_requester_draft(
    context: LibraryContext, rules: PatronRules, identifier: PatronIdentifier, home: HomePatron, symbol: str
) -> PatronDraft:
    return PatronDraft(
        identifiers=(identifier,),
        name=home.name,
        category=rules.create_category,
        home_library=rules.create_library or None,
        contacts=(Contact(ContactKind.EMAIL, "notices", home.email),) if home.email else None,
        expires=_first_expiry(context, rules),
        language=home.language or None,
        home_institution=symbol,
        temporary=True,
    )


def _build_update_draft(draft: PatronDraft, patron: Patron) -> PatronDraft:
    """Build a draft of what is said now, but with no shorter life than the record has."""
    expires = max((day for day in (draft.expires, patron.expires) if day is not None), default=None)
    return replace(draft, identifiers=(), category=None, home_library=None, expires=expires)


def _first_expiry(context: LibraryContext, rules: PatronRules) -> date:
    return context.today() + timedelta(days=rules.create_days)


async def _find_requester(context: LibraryContext, identifier: PatronIdentifier) -> Patron | None:
    try:
        return await context.system.find_patron(PatronKey(identifier.value, (identifier.type,)))
    except Refused as refused:
        if refused.reason is RefusalReason.UNKNOWN_PATRON:
            return None
        raise


def _requester_key(what: str, *parts: str) -> str:
    """Patrons are hashed: keys stand in other systems' notes."""
    return f"requester:{what}:{blake2b('/'.join(parts).encode(), digest_size=12).hexdigest()}"


# --- as long as it borrows here --------------------------------------------------------------------------


async def requester_account(
    context: LibraryContext, request: Request, key: str, until: datetime | None = None
) -> Patron:
    """The record of the request's direct patron, good at least until its loan is due. Raises Refused, Unavailable."""
    patron = await context.system.find_patron(PatronKey(request.direct_patron.id, ("internal",)))
    needed = max(context.today(), until.astimezone(context.zone).date()) if until is not None else context.today()
    if patron.expires is None or patron.expires >= needed:
        return patron
    return await context.system.expire_patron(patron.id, needed, f"{key}:until-{needed.isoformat()}")


async def expire_requester(context: LibraryContext, request: Request, key: str) -> None:
    """The record ends with the last thing that its patron has or wants here. Raises Unavailable."""
    if not request.direct_patron.id or request.open or Capability.PATRON_UPDATE not in context.system.capabilities:
        return
    try:
        patron = await context.system.find_patron(PatronKey(request.direct_patron.id, ("internal",)))
        over = patron.temporary and not patron.loan_count and not patron.hold_count
        if over and (patron.expires is None or patron.expires > context.today()):
            await context.system.expire_patron(patron.id, context.today(), f"{key}:over")
    except Refused as refused:
        if refused.reason is not RefusalReason.UNKNOWN_PATRON:
            raise
