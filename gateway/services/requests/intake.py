"""New borrowing requests: checked, numbered, submitted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, timedelta

from gateway.domain.library import BlockScope, Patron, PickupLocation
from gateway.domain.problems import MessagePart, RefusalReason, Refused
from gateway.domain.requests import intake_rules, rota
from gateway.domain.requests.attempt_updates import name_promised_item, start_attempt
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.citation_matching import citation_fingerprint
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal
from gateway.domain.requests.fulfilment import Availability
from gateway.domain.requests.intake_rules import IntakeFacts, IntakeFindings, LocalAvailability
from gateway.domain.requests.policy import Mediation
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LibraryParty,
    PatronLink,
    Request,
    RequestCosts,
    RequestNote,
    Role,
    SupplierAttempt,
    SupplyPromise,
)
from gateway.domain.requests.volume_updates import make_volumes
from gateway.domain.sentences import write_sentence
from gateway.domain.value import replace
from gateway.ports.library_system import PatronKey
from gateway.ports.shared_store import Transaction
from gateway.services.circulation.local_holdings import LocalCopies, look_up_copies
from gateway.services.outbox.keyed_work import write_once
from gateway.services.requests.library_context import LibraryContext
from gateway.services.requests.request_numbers import assign_request_number
from gateway.services.requests.transitions import EventRequest, apply_event_in, raise_if_denied
from gateway.store.requests import requests
from gateway.store.schema import make_exchange_id

OVERRULED_BY_STAFF = frozenset(
    {
        RefusalReason.LIMIT_REACHED,
        RefusalReason.DUPLICATE_REQUEST,
        RefusalReason.NOT_ALLOWED,
        RefusalReason.PATRON_BLOCKED,
    }
)
"""Findings that staff may overrule (`BorrowingDraft.override`); the request keeps them as warnings."""


OWNED = {
    Availability.AVAILABLE: LocalAvailability.AVAILABLE,
    Availability.OUT: LocalAvailability.UNAVAILABLE,
    Availability.NOT_HELD: LocalAvailability.NOT,
    Availability.UNKNOWN: LocalAvailability.UNKNOWN,
}

Claim = Callable[[Transaction, Request], None]
"""What is kept of a new request besides, in the same transaction; it may refuse it."""


def claim_nothing(_connection: Transaction, _request: Request) -> None:
    """Claim nothing besides."""


async def create_borrowing_request(
    context: LibraryContext, draft: BorrowingDraft, claim: Claim = claim_nothing
) -> Request:
    """Create a request; raises Refused(UNKNOWN_PATRON | PATRON_BLOCKED | LIMIT_REACHED | DUPLICATE_REQUEST |
    NOT_ALLOWED (owned here) | DATA_MISSING | INVALID_DATE | BAD_PICKUP_LOCATION | INVALID_VALUE (rota) | UNKNOWN_AGENCY
    (partner) | UNSUPPORTED_SERVICE (the library is being closed))."""
    context.require_open()
    _check_draft(context, draft)
    patron = await context.system.find_patron(PatronKey(draft.patron.identifier)) if draft.patron.identifier else None
    pickup = await _choose_pickup(context, draft, patron)
    owned = await look_up_copies(context.system, draft.citation)

    def insert_claimed_request(connection: Transaction) -> Request:
        request = _insert_borrowing_request(connection, context, draft, patron, pickup, owned)
        claim(connection, request)
        return request

    request = await write_once(context.store, insert_claimed_request, lambda made: made.id)
    context.wake_outbox()
    return request


async def preview_intake(context: LibraryContext, draft: BorrowingDraft) -> IntakeFindings:
    """Return what would be found if it were sent now; nothing is kept. Raises Refused(UNKNOWN_PATRON), Unavailable."""
    patron = await context.system.find_patron(PatronKey(draft.patron.identifier)) if draft.patron.identifier else None
    owned = await look_up_copies(context.system, draft.citation)
    facts = await context.store.read(lambda c: _gather_intake_facts(c, context, draft, patron, owned))
    return intake_rules.check_intake(facts, context.policy().intake)


def _insert_borrowing_request(
    connection: Transaction,
    context: LibraryContext,
    draft: BorrowingDraft,
    patron: Patron | None,
    pickup: str,
    owned: LocalCopies,
) -> Request:
    if patron is not None:
        requests.lock_patron(connection, context.symbol, patron.id)
    now = context.now()
    branch = draft.branch or (patron.home_library if patron is not None else "")
    findings = intake_rules.check_intake(
        _gather_intake_facts(connection, context, draft, patron, owned), context.policy().intake
    )
    for finding in findings.problems:
        if not (draft.override and finding.reason in OVERRULED_BY_STAFF):
            raise Refused(finding.reason, finding.detail, about=finding.about)
    request = Request(
        library=context.symbol,
        id=make_exchange_id(now),
        role=Role.BORROWING,
        state=BorrowingState.NEW,
        number=assign_request_number(connection, context, Role.BORROWING, branch=branch, profile=draft.partner),
        created=now,
        changed=now,
        citation=draft.citation,
        service=draft.service,
        dates=draft.dates,
        costs=RequestCosts(maximum=draft.maximum_cost),
        source=draft.source,
        branch=branch,
        volumes=make_volumes(draft.volumes),
        notes=(RequestNote(now, draft.actor, draft.note),) if draft.note else (),
        extras=draft.extras,
        external=draft.external,
        warnings=tuple(finding.detail for finding in (*findings.problems, *findings.warnings)),
        patron=_build_patron_link(draft, patron, pickup),
        candidates=owned.candidates,
    )
    request = _decide_on_review(context, draft, request)
    if draft.promise is not None:
        request = _add_promised_supplier(context, draft.partner, draft.promise, request)
    else:
        request = choose_suppliers(context, request, draft.rota, draft.partner)
    requests.insert_request(connection, request)
    submit = Event(
        local_signal(EventKind.SUBMIT), now, draft.actor, EventDetails(rota=draft.rota, partner=draft.partner)
    )
    return raise_if_denied(
        apply_event_in(connection, context, EventRequest(request_id=request.id, event=submit))
    ).request


def _gather_intake_facts(
    connection: Transaction,
    context: LibraryContext,
    draft: BorrowingDraft,
    patron: Patron | None,
    owned: LocalCopies,
) -> IntakeFacts:
    """A request of the library itself has no patron to be checked."""
    if patron is None:
        return IntakeFacts(owned=OWNED[owned.availability], candidates=len(owned.candidates))
    since = context.now() - timedelta(days=context.policy().intake.duplicates.days)
    block = patron.find_block(BlockScope.REQUEST)
    return IntakeFacts(
        category=patron.category,
        block=block.reason if block is not None else "",
        open_requests=requests.count_open_requests(connection, context.symbol, patron.id),
        similar=requests.find_similar(
            connection, context.symbol, patron.id, citation_fingerprint(draft.citation), since
        ),
        owned=OWNED[owned.availability],
        candidates=len(owned.candidates),
    )


def _decide_on_review(context: LibraryContext, draft: BorrowingDraft, request: Request) -> Request:
    """A request with warnings is looked at, whatever the rules for those without say. A rule that has it looked at is
    named among the warnings."""
    if draft.mediated is not None:
        return replace(request, mediated=draft.mediated)
    mediation, number = intake_rules.find_mediation(request, context.policy())
    if mediation is not Mediation.REVIEW:
        return replace(request, mediated=bool(request.warnings))
    by_rule = write_sentence("Rule %(number)s of intake.mediation requires staff review.", number=number)
    return replace(request, mediated=True, warnings=(*request.warnings, *([by_rule] if number else [])))


def choose_suppliers(context: LibraryContext, request: Request, rota_name: str, partner: str) -> Request:
    """Choose by hand a rota instead of the one by rule, or a partner before all others; an empty name chooses nothing.

    Raises Refused(INVALID_VALUE | UNKNOWN_AGENCY).
    """
    if rota_name:
        template = context.policy().rotas.get(rota_name)
        if template is None:
            raise Refused(RefusalReason.INVALID_VALUE, "Rota not found.", value=rota_name)
        lines = rota.build_rota_lines(template, request, context.partner_policies())
        request = replace(request, rota_name=rota_name, rota=lines)
    if partner:
        context.require_partner(partner)
        request = rota.put_first(request, partner, write_sentence("manually"))
    return request


def _add_promised_supplier(context: LibraryContext, partner: str, promise: SupplyPromise, request: Request) -> Request:
    """A supplier that the partner has found. Raises Refused."""
    _, policy = context.require_partner(partner)
    attempt = SupplierAttempt(
        number=1,
        partner=partner,
        symbol=promise.symbol,
        channel=policy.channel,
        transaction=promise.transaction,
        asked=request.created,
        status=AttemptStatus.WILL_SUPPLY,
        answered=request.created,
    )
    party = LibraryParty(symbol=promise.symbol, profile=partner)  # name and address in the profile are the broker's
    return start_attempt(name_promised_item(request, promise.barcode), attempt, party)


def _build_patron_link(draft: BorrowingDraft, patron: Patron | None, pickup: str) -> PatronLink:
    """A request without a patron is for the library itself."""
    if patron is None:
        return PatronLink(pickup=pickup)
    return PatronLink(
        id=patron.id,
        identifier=draft.patron.identifier,
        category=patron.category,
        pickup=pickup,
        language=draft.patron.language or patron.language,
        note=draft.patron.note,
    )


def _check_draft(context: LibraryContext, draft: BorrowingDraft) -> None:
    require_named_work(draft.citation)
    require_coming_day(draft.dates.need_by, context.today())


def require_named_work(citation: Citation) -> None:
    """Raise Refused(DATA_MISSING) if nothing names the work."""
    if citation.is_empty:
        raise Refused(RefusalReason.DATA_MISSING, "A title or a standard number is required.", about=MessagePart.RECORD)


def require_coming_day(need_by: date | None, today: date) -> None:
    """Raise Refused(INVALID_DATE) for a day that is over."""
    if need_by is not None and need_by < today:
        raise Refused(
            RefusalReason.INVALID_DATE,
            "The needed-by date is in the past.",
            about=MessagePart.NEED_BY,
            value=need_by.isoformat(),
        )


async def _choose_pickup(context: LibraryContext, draft: BorrowingDraft, patron: Patron | None) -> str:
    """The place that is asked for; else the one in the patron's branch, else the first."""
    places = await context.system.pickup_locations()
    if wanted := draft.patron.pickup:
        require_pickup(wanted, places)
        return wanted
    at_home = [place.code for place in places if patron is not None and place.library == patron.home_library]
    return next(iter(at_home), places[0].code if places else "")


def require_pickup(code: str, places: Iterable[PickupLocation]) -> None:
    """Raise Refused(BAD_PICKUP_LOCATION) for a place that the library's system doesn't have."""
    if code not in {place.code for place in places}:
        raise Refused(
            RefusalReason.BAD_PICKUP_LOCATION,
            "Pickup location not found.",
            about=MessagePart.PICKUP_LOCATION,
            value=code,
        )
