"""The next supplier: along the rota, only who appears to own it, the least burdened first."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain.frozen import frozen
from gateway.domain.problems import Unavailable
from gateway.domain.requests import rota as rotas
from gateway.domain.requests.due import need_by_problem
from gateway.domain.requests.events import Details, Event, Kind, Reasons, by_timer, by_us
from gateway.domain.requests.machine import Denied
from gateway.domain.requests.policy import OnlyOwning
from gateway.domain.requests.ranking import PartnerStanding
from gateway.domain.requests.record import asked
from gateway.domain.requests.request import Attempt, Borrowing, Request, Role, RotaLine, Standing
from gateway.domain.requests.views import Outdated
from gateway.ports.catalogue import Holdings
from gateway.services.requests.happen import Happening, happen, happen_in
from gateway.services.requests.house import House
from gateway.services.requests.owning import look_up
from gateway.store.requests import counting, requests

SUPPLY_TIME_DAYS = 180
"""Supply times of so many days back count for the ranking."""


@frozen
class Chosen:
    """The request with its rota as it is after the search, and the supplier to ask, if one is left."""

    request: Request
    line: RotaLine | None
    holdings: Holdings | None = None


async def find_supplier(house: House, request_id: str) -> str:
    """Asks the next supplier, or says that nobody is left. Returns a line for the outbox.

    Raises Unavailable when the request was changed meanwhile: then it is tried again.
    """
    request = await house.store.read(lambda c: requests.load(c, house.symbol, request_id))
    if request is None or request.state is not Borrowing.SOURCING:
        return "no supplier is wanted any more"
    if too_late := _too_late(house, request):
        return await _expire(house, request, too_late)
    chosen = await _choose(house, request)
    try:
        if chosen.line is None:
            return await _nobody(house, request, chosen)
        return await _ask(house, request, chosen, chosen.line)
    except Outdated as meanwhile:
        raise Unavailable("the request was changed while a supplier was looked for") from meanwhile


def _too_late(house: House, request: Request) -> str:
    """Why no supplier can be in time any more; empty: one can. Whoever named one by hand knows how long that one
    takes: then only a day that is over counts."""
    by_hand = any(line.by_hand and line.standing is Standing.WAITING for line in request.rota)
    days = 0 if by_hand else house.policy().intake.least_days
    return need_by_problem(request.dates.need_by, house.now(), days, house.calendar)


async def _expire(house: House, request: Request, why: str) -> str:
    """As the need-by timer does it, only earlier."""
    event = Event(by_timer(Kind.EXPIRED), house.now(), "rule", Details(reason=Reasons.NEED_BY_NOT_MET.value))
    try:
        await happen(house, Happening(request_id=request.id, event=event, expected=request.version))
    except Outdated as meanwhile:
        raise Unavailable("the request was changed while a supplier was looked for") from meanwhile
    return f"expired: {why}"


async def _choose(house: House, request: Request) -> Chosen:
    policy, today = house.policy(), house.today()
    request = with_rota(house, request)
    by_hand = next((line for line in request.rota if line.by_hand and line.standing is Standing.WAITING), None)
    if by_hand is not None:  # staff know better than catalogue and ranking
        return Chosen(request, by_hand)
    template = policy.rotas.get(request.rota_name)
    rule = template.only_owning if template is not None else OnlyOwning.UNKNOWN_TOO
    standings = await standings_for(house, request)
    while True:
        choice = rotas.next_line(request, policy, template, standings, today)
        request = replace(request, rota=_explained(request.rota, (*choice.skipped, *choice.order)))
        if choice.line is None:
            return Chosen(request, None)
        for looked in await look_up(house, request, choice.order, rule, lambda one: not one.why_not):
            if not looked.why_not:
                return Chosen(request, looked.line, looked.holdings)
            request = replace(request, rota=_skipped(request.rota, looked.line.partner, looked.why_not))


def with_rota(house: House, request: Request) -> Request:
    """The rota that the rules give, where none was chosen and nobody was named by hand."""
    if request.rota:
        return request
    name = request.rota_name or rotas.assign(request, house.policy())
    template = house.policy().rotas.get(name)
    if template is None:
        return request
    return replace(request, rota_name=name, rota=rotas.lines(template, request, house.partner_policies()))


def _explained(lines: tuple[RotaLine, ...], seen: tuple[RotaLine, ...]) -> tuple[RotaLine, ...]:
    """Why each stands where it stands this time."""
    why = {line.partner: line.why for line in seen if line.why}
    return tuple(
        replace(line, why=why.get(line.partner, line.why)) if line.standing is Standing.WAITING else line
        for line in lines
    )


def _skipped(lines: tuple[RotaLine, ...], partner: str, why: str) -> tuple[RotaLine, ...]:
    return tuple(
        replace(line, standing=Standing.SKIPPED, why=why) if line.partner == partner else line for line in lines
    )


async def standings_for(house: House, request: Request) -> Mapping[str, PartnerStanding]:
    """Of all partners, by name of the profile: as they stand now for this request."""
    since = house.now() - timedelta(days=SUPPLY_TIME_DAYS)

    def work(connection: Connection) -> tuple[Mapping[str, int], Mapping[str, counting.SupplyTime]]:
        return (
            counting.partner_loads(connection, house.symbol, Role.BORROWING),
            counting.supply_times(connection, house.symbol, since),
        )

    loads, times = await house.store.read(work)
    return {
        profile.name: rotas.standing(
            partner,
            request,
            house.policy(),
            house.today(),
            open_requests=loads.get(profile.name, 0),
            reported=house.reported(partner).open,
            mean_days=times[profile.name].mean_days if profile.name in times else None,
        )
        for profile, partner in house.partners()
    }


def _as_chosen(request: Request, chosen: Chosen) -> Request:
    return replace(request, rota_name=chosen.request.rota_name, rota=chosen.request.rota)


async def _nobody(house: House, request: Request, chosen: Chosen) -> str:
    event = Event(by_us(Kind.NO_SUPPLIER), house.now())
    await happen(
        house,
        Happening(
            request_id=request.id,
            event=event,
            expected=request.version,
            prepare=lambda now: _as_chosen(now, chosen),
        ),
    )
    return "nobody is left on the rota"


async def _ask(house: House, request: Request, chosen: Chosen, line: RotaLine) -> str:
    number = len(request.attempts) + 1
    _, partner = house.known_partner(line.partner)
    party = house.party_of(line.partner)
    now = house.now()
    attempt = Attempt(
        number=number,
        partner=line.partner,
        symbol=party.symbol,
        channel=partner.channel,
        transaction=request.number if number == 1 else f"{request.number}-{number}",
        asked=now,
        holdings=chosen.holdings.line if chosen.holdings is not None else "",
    )
    happening = Happening(
        request_id=request.id,
        event=Event(by_us(Kind.REQUEST), now, details=Details(partner=line.partner), attempt=number),
        expected=request.version,
        prepare=lambda current: asked(_as_chosen(current, chosen), attempt, party),
    )

    def work(connection: Connection) -> bool:
        outcome = happen_in(connection, house, happening)
        if isinstance(outcome, Denied):
            return False
        requests.add_transaction(
            connection, house.symbol, Role.BORROWING, line.partner, attempt.transaction, request.id, number
        )
        return True

    fitted = await house.store.write(work)
    house.nudge()
    return f"{line.partner} is asked" if fitted else "no supplier is wanted any more"
