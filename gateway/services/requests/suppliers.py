"""The next supplier of a request: holdings, ranking, explanation."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta

from gateway.domain.due_dates import describe_need_by_problem
from gateway.domain.problems import Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.attempt_updates import start_attempt
from gateway.domain.requests.brokered_requests import is_same_symbol
from gateway.domain.requests.citation import POSSIBLE_SUPPLIER, SUPPLIER_RECORD, Citation
from gateway.domain.requests.events import Event, EventDetails, EventKind, ReasonCodes, local_signal, timer_signal
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.policy import LineOrder, OnlyOwning, RotaTemplate
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    Request,
    Role,
    RotaLine,
    RotaLineStatus,
    ServiceType,
    SupplierAttempt,
)
from gateway.domain.requests.rota import (
    ExplainedLine,
    PartnerStanding,
    RotaExplanation,
    ShownLocation,
    SupplierVerdict,
    build_rota_lines,
    can_ask_supplier,
    choose_next_line,
    choose_rota,
    keep_holders,
    partner_standing,
)
from gateway.domain.requests.state_machine import Denied
from gateway.domain.requests.views import VersionConflict
from gateway.domain.sentences import join_sentences, mark_template, write_about, write_sentence
from gateway.domain.value import replace, value_object
from gateway.ports.catalogue import (
    Catalogue,
    HeldItem,
    HoldingAnswer,
    HoldingsReport,
    ListsHolders,
    LocationReport,
)
from gateway.ports.shared_store import Transaction
from gateway.services.requests.library_context import LibraryContext, require_role
from gateway.services.requests.partner_closures import load_partners
from gateway.services.requests.static_catalogue import StaticCatalogue
from gateway.services.requests.transitions import EventRequest, apply_event, apply_event_in
from gateway.store.requests import request_counts, requests

SUPPLY_TIME_DAYS = 180
"""Supply times of so many days back count for the ranking."""


@value_object
class SupplierSelection:
    """The request with its rota as it is after the search, and the supplier to ask, if one is left."""

    request: Request
    line: RotaLine | None
    holdings: HoldingsReport | None = None


async def select_next_supplier(context: LibraryContext, request_id: str) -> str:
    """Asks the next supplier, or says that nobody is left. Returns a line for the outbox.

    Raises Unavailable when the request was changed meanwhile: then it is tried again.
    """
    request = await context.store.read(lambda c: requests.load_request(c, context.symbol, request_id))
    if request is None or request.state is not BorrowingState.SOURCING:
        return "no supplier is wanted any more"
    if too_late := _need_by_objection(context, request):
        return await _expire_request(context, request, too_late)
    supplier = await _choose_supplier(context, request)
    try:
        if supplier.line is None:
            return await _report_no_supplier(context, request, supplier)
        return await _ask_supplier(context, request, supplier, supplier.line)
    except VersionConflict as meanwhile:
        raise Unavailable(write_sentence("the request changed while a supplier was being chosen")) from meanwhile


def _need_by_objection(context: LibraryContext, request: Request) -> str:
    """Find why no supplier can be in time any more; empty: one can. Whoever named one by hand knows how long that one
    takes: then only a day that is over counts."""
    by_hand = any(line.by_hand and line.standing is RotaLineStatus.WAITING for line in request.rota)
    days = 0 if by_hand else context.policy().intake.least_days
    return describe_need_by_problem(request.dates.need_by, context.now(), days, context.calendar)


async def _expire_request(context: LibraryContext, request: Request, why: str) -> str:
    """Expire a request as the need-by timer does, only earlier."""
    event = Event(
        timer_signal(EventKind.EXPIRED), context.now(), "rule", EventDetails(reason=ReasonCodes.NEED_BY_NOT_MET.value)
    )
    try:
        await apply_event(context, EventRequest(request_id=request.id, event=event, expected=request.version))
    except VersionConflict as meanwhile:
        raise Unavailable(write_sentence("the request changed while a supplier was being chosen")) from meanwhile
    return f"expired: {why}"


async def _choose_supplier(context: LibraryContext, request: Request) -> SupplierSelection:
    policy, today = context.policy(), context.today()
    request = assign_rota(context, request)
    by_hand = next((line for line in request.rota if line.by_hand and line.standing is RotaLineStatus.WAITING), None)
    if by_hand is not None:  # staff know better than catalogue and ranking
        return SupplierSelection(request, by_hand)
    request = await find_holders(context, request)
    template = policy.rotas.get(request.rota_name)
    rule = template.only_owning if template is not None else OnlyOwning.UNKNOWN_TOO
    standings = await load_partner_standings(context, request)
    while True:
        choice = choose_next_line(request, policy, template, standings, today, context.zone)
        request = replace(request, rota=_record_reasons(request.rota, (*choice.skipped, *choice.order)))
        if choice.line is None:
            return SupplierSelection(request, None)
        for looked in await look_up_holdings(context, request, choice.order, rule, lambda line: not line.why_not):
            if not looked.why_not:
                return SupplierSelection(request, looked.line, looked.holdings)
            request = replace(request, rota=_skip_partner(request.rota, looked.line.partner, looked.why_not))


def assign_rota(context: LibraryContext, request: Request) -> Request:
    """The rota that the rules give, where none was chosen: behind those that were named by hand."""
    if request.rota and request.rota_name:
        return request
    name = request.rota_name or choose_rota(request, context.policy())
    template = context.policy().rotas.get(name)
    if template is None:
        return request
    named = {line.partner for line in request.rota}
    by_rule = build_rota_lines(template, request, context.partner_policies())
    return replace(
        request,
        rota_name=name,
        rota=(*request.rota, *(line for line in by_rule if line.partner not in named)),
    )


async def find_holders(context: LibraryContext, request: Request) -> Request:
    """Ask the union catalogues that decide on lines of the rota, each once, and keep the lines of holders. Raises
    Unavailable."""
    for name in dict.fromkeys(line.catalogue for line in request.rota if line.catalogue):
        union = context.profile(name)
        if union is None or not isinstance(context.catalogue, ListsHolders):
            raise Unavailable(write_about(name, write_sentence("no such catalogue")))
        try:
            reports = await context.catalogue.list_holders(request.citation, union, request.service.type)
        except Refused as refused:
            raise Unavailable(write_about(name, refused.detail)) from refused
        shown = [
            ShownLocation(
                report.location,
                _find_holder(context, name, report.location, request.rota),
                report.holding in (HoldingAnswer.OWNS, HoldingAnswer.UNKNOWN),
                write_about(name, report.note),
            )
            for report in reports
        ]
        request = replace(request, rota=keep_holders(request.rota, name, shown))
    return request


def _find_holder(context: LibraryContext, catalogue: str, location: str, rota: Iterable[RotaLine]) -> str:
    """Find the partner whose location it is, by `locate.locations` of its profile, else by its symbols; one with a line
    on the rota comes first. Empty: no partner's."""
    ours = {line.partner for line in rota if line.catalogue == catalogue}
    names = [
        profile.name
        for profile, partner in context.partners()
        if _is_location_of(profile, partner, catalogue, location)
    ]
    return next((name for name in names if name in ours), names[0] if names else "")


def _is_location_of(profile: Profile, partner: PartnerPolicy, catalogue: str, location: str) -> bool:
    locate = profile.locate
    if locate is not None and locate.target == catalogue and locate.locations:
        return locate.is_own_holding(HeldItem(location=location))
    return any(is_same_symbol(symbol, location) for symbol in partner.symbols)


def _record_reasons(lines: tuple[RotaLine, ...], rota_lines: tuple[RotaLine, ...]) -> tuple[RotaLine, ...]:
    """Record why each stands where it stands this time."""
    why = {line.partner: line.why for line in rota_lines if line.why}
    return tuple(
        replace(line, why=why.get(line.partner, line.why)) if line.standing is RotaLineStatus.WAITING else line
        for line in lines
    )


def _skip_partner(lines: tuple[RotaLine, ...], partner: str, why: str) -> tuple[RotaLine, ...]:
    return tuple(
        replace(line, standing=RotaLineStatus.SKIPPED, why=why) if line.partner == partner else line for line in lines
    )


async def load_partner_standings(context: LibraryContext, request: Request) -> Mapping[str, PartnerStanding]:
    """Load the standings of all partners, by name of the profile: as they are now for this request."""
    since = context.now() - timedelta(days=SUPPLY_TIME_DAYS)

    def load_supply_figures(
        connection: Transaction,
    ) -> tuple[Mapping[str, int], Mapping[str, request_counts.SupplyTime], Mapping[str, PartnerPolicy]]:
        return (
            request_counts.read_partner_loads(connection, context.symbol, Role.BORROWING),
            request_counts.read_supply_times(connection, context.symbol, since),
            load_partners(connection, context),
        )

    loads, times, partners = await context.store.read(load_supply_figures)
    return {
        name: partner_standing(
            partner,
            request,
            context.policy(),
            context.today(),
            open_requests=loads.get(name, 0),
            reported=context.reported_load(partner).open,
            mean_days=times[name].mean_days if name in times else None,
        )
        for name, partner in partners.items()
    }


def _take_chosen_rota(request: Request, selection: SupplierSelection) -> Request:
    return replace(request, rota_name=selection.request.rota_name, rota=selection.request.rota)


async def _report_no_supplier(context: LibraryContext, request: Request, selection: SupplierSelection) -> str:
    event = Event(local_signal(EventKind.NO_SUPPLIER), context.now())
    await apply_event(
        context,
        EventRequest(
            request_id=request.id,
            event=event,
            expected=request.version,
            prepare=lambda now: _take_chosen_rota(now, selection),
        ),
    )
    return "nobody is left on the rota"


def _find_record_number(request: Request, symbol: str, holdings: HoldingsReport | None) -> str:
    """Find the number as its catalogue has just said, else as the request says of a record whose only possible supplier
    this is."""
    if holdings is not None and holdings.record:
        return holdings.record
    named = [extra.value for extra in request.extras if extra.name == POSSIBLE_SUPPLIER]
    is_theirs = len(named) == 1 and is_same_symbol(named[0], symbol)
    return request.citation.identifier(SUPPLIER_RECORD) if is_theirs else ""


async def _ask_supplier(context: LibraryContext, request: Request, selection: SupplierSelection, line: RotaLine) -> str:
    number = len(request.attempts) + 1
    _, partner = context.require_partner(line.partner)
    party = context.party_of_partner(line.partner)
    now = context.now()
    agreed = _find_accepted_offer(request, line.partner)
    attempt = SupplierAttempt(
        number=number,
        partner=line.partner,
        symbol=party.symbol,
        channel=partner.channel,
        transaction=request.number if number == 1 else f"{request.number}-{number}",
        asked=now,
        agreed=agreed.agreed if agreed is not None else None,
        agreed_by=agreed.agreed_by if agreed is not None else "",
        conditions=agreed.conditions if agreed is not None else (),
        cost_limit=partner.cost_limit.money if partner.cost_limit is not None else None,
        holdings=selection.holdings.report_line if selection.holdings is not None else "",
        record=(agreed.offered_item or agreed.record)
        if agreed is not None
        else _find_record_number(request, party.symbol, selection.holdings),
    )
    event_request = EventRequest(
        request_id=request.id,
        event=Event(local_signal(EventKind.REQUEST), now, details=EventDetails(partner=line.partner), attempt=number),
        expected=request.version,
        prepare=lambda current: start_attempt(_take_chosen_rota(current, selection), attempt, party),
    )

    def insert_attempt(connection: Transaction) -> bool:
        outcome = apply_event_in(connection, context, event_request)
        if isinstance(outcome, Denied):
            return False
        requests.add_transaction(
            connection, context.symbol, Role.BORROWING, line.partner, attempt.transaction, request.id, number
        )
        return True

    fitted = await context.store.write(insert_attempt)
    context.wake_outbox()
    return f"{line.partner} is asked" if fitted else "no supplier is wanted any more"


def _find_accepted_offer(request: Request, partner: str) -> SupplierAttempt | None:
    """Find what this supplier has said last, where it is asked again for that."""
    last = request.attempts[-1] if request.attempts else None
    is_again = last is not None and last.partner == partner and last.status is AttemptStatus.RETRY
    return last if is_again else None


@value_object
class HoldingsLookup:
    """`why_not`: why it isn't asked, in plain words; empty: it may be. `holdings` None: nobody was asked, by rule."""

    line: RotaLine
    holdings: HoldingsReport | None
    why_not: str = ""


async def look_up_holdings(
    context: LibraryContext,
    request: Request,
    lines: Iterable[RotaLine],
    rule: OnlyOwning,
    enough: Callable[[HoldingsLookup], bool],
) -> tuple[HoldingsLookup, ...]:
    """The lines in their order, up to the first that is enough; so many are under way at once as
    `catalogues.ahead` says. What was begun for later ones and isn't waited for any more is let go."""
    lookups: list[HoldingsLookup] = []
    rest = deque(lines)
    begun: deque[asyncio.Task[HoldingsLookup]] = deque()
    try:
        while begun or rest:
            while rest and len(begun) < context.policy().catalogues.ahead:
                line = rest.popleft()
                begun.append(
                    asyncio.create_task(_look_up_line(context, request, line, rule), name=f"look up {line.partner}")
                )
            lookups.append(await begun[0])
            begun.popleft()
            if enough(lookups[-1]):
                break
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
    return tuple(lookups)


async def _look_up_line(context: LibraryContext, request: Request, line: RotaLine, rule: OnlyOwning) -> HoldingsLookup:
    if rule is OnlyOwning.NO:
        return HoldingsLookup(line, None)
    if line.held:
        return HoldingsLookup(line, HoldingsReport(HoldingAnswer.OWNS, line.held))
    partner = context.require_partner(line.partner)[0]
    holdings = await context.catalogue.holds(request.citation, partner, request.service.type)
    return HoldingsLookup(line, holdings, _holdings_objection(rule, holdings))


def _holdings_objection(rule: OnlyOwning, holdings: HoldingsReport) -> str:
    owns = None if holdings.holding is HoldingAnswer.UNKNOWN else holdings.holding is HoldingAnswer.OWNS
    if can_ask_supplier(rule, owns) and not holdings.skip:
        return ""
    return write_sentence(_OBJECTIONS[holdings.holding, holdings.skip], report=holdings.report_line)


_OBJECTIONS = {
    (HoldingAnswer.NOT, False): mark_template("does not appear to hold it (%(report)s)"),
    (HoldingAnswer.NOT_LENT, False): mark_template("holds it but does not lend it (%(report)s)"),
    (HoldingAnswer.UNKNOWN, False): mark_template("not known whether it holds it (%(report)s)"),
    (HoldingAnswer.UNKNOWN, True): mark_template("its catalogue cannot be searched (%(report)s)"),
}


@value_object
class KnownHoldings:
    """`searched` is asked for partners with a section `locate`; `listed` for the others, and where a catalogue can't
    tell."""

    searched: Catalogue
    listed: Catalogue = StaticCatalogue()

    async def list_holders(self, citation: Citation, union: Profile, service: ServiceType) -> Sequence[LocationReport]:
        """See `ListsHolders`."""
        if not isinstance(self.searched, ListsHolders):
            raise Unavailable(write_sentence("no catalogue is searched here"))
        return await self.searched.list_holders(citation, union, service)

    async def holds(
        self, citation: Citation, partner: Profile, service: ServiceType = ServiceType.LOAN
    ) -> HoldingsReport:
        if partner.locate is None:
            return await self.listed.holds(citation, partner, service)
        report = await self.searched.holds(citation, partner, service)
        if report.holding is not HoldingAnswer.UNKNOWN:
            return report
        listed = await self.listed.holds(citation, partner, service)
        if listed.holding is HoldingAnswer.UNKNOWN:
            return report
        return replace(listed, note=join_sentences("; ", (listed.note, report.note)), seconds=report.seconds)


async def _look_up_all(
    context: LibraryContext, request: Request, lines: Sequence[RotaLine], rule: OnlyOwning
) -> tuple[HoldingsLookup, ...]:
    return await look_up_holdings(context, request, lines, rule, lambda _: False)


async def look_up_listed(
    context: LibraryContext, request: Request, lines: Sequence[RotaLine], rule: OnlyOwning
) -> tuple[HoldingsLookup, ...]:
    """Look up what profiles list, without asking a catalogue: partners that have one may be asked for the item."""
    listed = replace(context, catalogue=StaticCatalogue())
    lookups = []
    for line in lines:
        has_catalogue = context.require_partner(line.partner)[0].locate is not None
        lookups.append(
            HoldingsLookup(line, None) if has_catalogue else await _look_up_line(listed, request, line, rule)
        )
    return tuple(lookups)


LookUp = Callable[[LibraryContext, Request, Sequence[RotaLine], OnlyOwning], Awaitable[tuple[HoldingsLookup, ...]]]


def has_supplier_by_rule(context: LibraryContext, request: Request) -> bool:
    """Return whether a supplier of the request's rota, or of the one that the rules give it, waits for its turn, or has
    said to ask again."""
    waits = any(line.standing is RotaLineStatus.WAITING for line in assign_rota(context, request).rota)
    return waits or any(attempt.status is AttemptStatus.RETRY for attempt in request.attempts)


async def explain_rota(context: LibraryContext, request: Request, look_up: LookUp = _look_up_all) -> RotaExplanation:
    """Explain the rota; raises Refused(NOT_ALLOWED) for a lending request. `look_up`: who is said to hold the item."""
    require_role(request, Role.BORROWING)
    had_none = not request.rota_name
    request = assign_rota(context, request)
    if look_up is _look_up_all:
        request = await find_holders_if_possible(context, request)
    template = context.policy().rotas.get(request.rota_name)
    first = tuple(line for line in request.rota if line.by_hand and line.standing is RotaLineStatus.WAITING)
    rest = replace(request, rota=tuple(line for line in request.rota if line not in first))
    lines = [
        ExplainedLine(line.partner, SupplierVerdict.AFTER, line.why or write_sentence("manually")) for line in first
    ]
    lines += await _explain_candidates(context, rest, template, look_up)
    at = next((number for number, line in enumerate(lines) if line.verdict is SupplierVerdict.AFTER), None)
    if at is not None:
        lines[at] = replace(lines[at], verdict=SupplierVerdict.NEXT)
    return RotaExplanation(
        rota=request.rota_name,
        ranked=template is not None and template.order is not LineOrder.ORDERED,
        by_rule=had_none and bool(request.rota_name),
        only_owning=_owning_rule(template),
        lines=(*sorted(lines, key=lambda line: line.verdict not in _TO_ASK), *_explain_past_lines(request, lines)),
    )


async def find_holders_if_possible(context: LibraryContext, request: Request) -> Request:
    """Find the holders; lines of a catalogue that can't say are passed over until it can."""
    try:
        return await find_holders(context, request)
    except Unavailable as error:
        why = write_sentence("its catalogue cannot be searched (%(report)s)", report=error.detail)
        lines = (
            replace(line, standing=RotaLineStatus.SKIPPED, why=why) if line.catalogue else line for line in request.rota
        )
        return replace(request, rota=tuple(lines))


_TO_ASK = (SupplierVerdict.NEXT, SupplierVerdict.AFTER)


def _owning_rule(template: RotaTemplate | None) -> OnlyOwning:
    return template.only_owning if template is not None else OnlyOwning.UNKNOWN_TOO


async def _explain_candidates(
    context: LibraryContext, request: Request, template: RotaTemplate | None, look_up: LookUp
) -> list[ExplainedLine]:
    """All who could be asked, best first, each looked up; when none of them owns it, those that said 'ask again'."""
    standings = await load_partner_standings(context, request)
    lines: list[ExplainedLine] = []
    while True:
        choice = choose_next_line(request, context.policy(), template, standings, context.today(), context.zone)
        looked = await look_up(context, request, choice.order, _owning_rule(template))
        able = [_explain_line(lookup) for lookup in looked]
        lines += able
        if not able or choice.again or any(line.verdict is SupplierVerdict.AFTER for line in able):
            passed = [ExplainedLine(line.partner, SupplierVerdict.PASSED_OVER, line.why) for line in choice.skipped]
            return [*lines, *passed]
        request = _skip_lines(request, able)


def _explain_line(looked: HoldingsLookup) -> ExplainedLine:
    line, holdings = looked.line, looked.holdings
    if holdings is None:
        return ExplainedLine(line.partner, SupplierVerdict.AFTER, line.why)
    verdict = _verdict_of_holdings(holdings) if looked.why_not else SupplierVerdict.AFTER
    return ExplainedLine(line.partner, verdict, line.why, holdings.holding.value, holdings.report_line)


def _verdict_of_holdings(holdings: HoldingsReport) -> SupplierVerdict:
    if holdings.skip:
        return SupplierVerdict.UNREACHABLE
    return SupplierVerdict.NOT_LENDING if holdings.holding is HoldingAnswer.NOT_LENT else SupplierVerdict.NOT_OWNING


def _skip_lines(request: Request, lines: list[ExplainedLine]) -> Request:
    names = {line.partner for line in lines}
    rota = tuple(
        replace(line, standing=RotaLineStatus.SKIPPED) if line.partner in names else line for line in request.rota
    )
    return replace(request, rota=rota)


def _explain_past_lines(request: Request, lines: list[ExplainedLine]) -> Iterator[ExplainedLine]:
    """Those whose turn is over, as the request has them."""
    names = {line.partner for line in lines}
    for line in request.rota:
        if line.standing is not RotaLineStatus.WAITING and line.partner not in names:
            yield ExplainedLine(line.partner, SupplierVerdict(line.standing.value), line.why)
