"""Which suppliers a borrowing request asks, and in which order. Pure: loads, times and today are passed in.

A rota is assigned once (`assign`, `lines`); whom to ask next is decided anew each time (`next_line`), since loads
change meanwhile and closures end.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from gateway.domain.frozen import frozen
from gateway.domain.requests.conditions import fits
from gateway.domain.requests.partner import PartnerPolicy
from gateway.domain.requests.policy import OnlyOwning, Overload, RequestPolicy, RotaOrder, RotaTemplate, TemplateLine
from gateway.domain.requests.ranking import PartnerStanding, rank
from gateway.domain.requests.request import AttemptStatus, Request, RotaLine, Standing
from gateway.domain.requests.suitability import by_profile, by_rota, too_dear

__all__ = ["Choice", "PartnerStanding", "assign", "lines", "may_ask", "next_line", "rank", "retry_on", "standing"]


def standing(
    partner: PartnerPolicy,
    request: Request,
    policy: RequestPolicy,
    today: date,
    *,
    open_requests: int = 0,
    reported: int = 0,
    mean_days: float | None = None,
) -> PartnerStanding:
    """What a partner's profile says about asking it today, with its load and speed as counted by the caller.
    `open_requests`: ours with it; `reported`: those of the other members of the network."""
    limit, load = partner.max_open or policy.overload.max_open, open_requests + reported
    closure = partner.closure(today)
    campus = policy.campus_of(request.branch)
    return PartnerStanding(
        open=load,
        reported=reported,
        mean_days=mean_days,
        cost=partner.price(request.service.type),
        reciprocity=partner.reciprocity,
        overloaded=bool(limit) and load >= limit,
        closed=str(closure) if closure is not None else "",
        near=bool(campus) and partner.campus.casefold() == campus.casefold(),
        why_not=by_profile(partner, request),
    )


# --- assigning a rota ------------------------------------------------------------------------------------


def assign(request: Request, policy: RequestPolicy) -> str:
    """Name of the rota that the first fitting rule gives; empty: staff choose."""
    return next((rule.rota for rule in policy.rules if fits(rule, request, policy)), policy.default_rota)


def lines(template: RotaTemplate, request: Request, partners: Mapping[str, PartnerPolicy]) -> tuple[RotaLine, ...]:
    """The request's own copy of a rota, in the order of the template, last resorts at the end. A supplier that the
    template keeps from this request is on it as skipped, with the reason."""
    made = [_line(said, request, partners.get(said.partner)) for said in template.lines]
    return tuple(sorted(made, key=lambda line: line.last_resort))


def _line(said: TemplateLine, request: Request, partner: PartnerPolicy | None) -> RotaLine:
    why = by_rota(said, partner, request) if partner is not None else "no such partner"
    return RotaLine(said.partner, Standing.SKIPPED if why else Standing.WAITING, why, said.last_resort)


# --- the next one ----------------------------------------------------------------------------------------

_Lines = tuple[RotaLine, ...]


@frozen
class Choice:
    """`line`: whom to ask, with why; None: nobody is left. `skipped`: those that were passed over, and why; they go
    on waiting, since a closure ends and a load goes down. `order`: all who could be asked now, best first. `again`:
    it was asked before, said to ask again, and that day has come."""

    line: RotaLine | None
    skipped: _Lines = ()
    order: _Lines = ()
    again: bool = False


def next_line(
    request: Request,
    policy: RequestPolicy,
    template: RotaTemplate | None,
    standings: Mapping[str, PartnerStanding],
    today: date,
) -> Choice:
    """The next supplier. `template`: the rota that the request's lines were made from; None: they were put there by
    hand, and are asked as they stand.

    Asked are those that wait, then those that said 'retry later' and whose day has come. Overloaded ones come after
    the others, or are skipped (`overload.then`); last resorts come after all of them.
    """
    waiting = tuple(line for line in request.rota if line.standing is Standing.WAITING)
    able, skipped = _sieve(waiting, request, policy.overload, standings)
    order = _ordered(able, policy, template, standings)
    if order:
        return Choice(order[0], skipped, order)
    again, more = _sieve(_to_ask_again(request, policy, today), request, policy.overload, standings)
    order = tuple(_said_again(line, request, policy) for line in _ordered(again, policy, template, standings))
    return Choice(order[0] if order else None, (*skipped, *more), order, again=bool(order))


def _sieve(
    candidates: _Lines, request: Request, overload: Overload, standings: Mapping[str, PartnerStanding]
) -> tuple[_Lines, _Lines]:
    """Who can be asked now, and who can't, with why."""
    why = {line.partner: _passed_over(standings.get(line.partner), request, overload) for line in candidates}
    able = tuple(line for line in candidates if not why[line.partner])
    return able, tuple(replace(line, why=why[line.partner]) for line in candidates if why[line.partner])


def _passed_over(known: PartnerStanding | None, request: Request, overload: Overload) -> str:
    """Empty: it can be asked now."""
    if known is None:
        return "no such partner"
    if known.why_not or known.closed:
        return known.why_not or known.closed
    if known.overloaded and overload.then == "skip":
        return f"overloaded: {known.open} requests are open with it"
    return too_dear(known.cost, request.costs.maximum, "of the request")


def _ordered(
    able: _Lines, policy: RequestPolicy, template: RotaTemplate | None, standings: Mapping[str, PartnerStanding]
) -> _Lines:
    if template is not None and template.order is RotaOrder.RANKED:
        return rank(able, standings, template.ranking or policy.ranking)
    said = (line if line.by_hand else replace(line, why=_place(standings[line.partner])) for line in able)
    return tuple(sorted(said, key=lambda line: (line.last_resort, standings[line.partner].overloaded)))


def _place(known: PartnerStanding) -> str:
    return "overloaded, so after the others" if known.overloaded else "in the order of the rota"


# --- retry later -----------------------------------------------------------------------------------------


def _to_ask_again(request: Request, policy: RequestPolicy, today: date) -> _Lines:
    days = ((line, _retry_day(line, request, policy)) for line in request.rota if line.standing is Standing.ASKED)
    return tuple(line for line, day in days if day is not None and day <= today)


def _said_again(line: RotaLine, request: Request, policy: RequestPolicy) -> RotaLine:
    day = _retry_day(line, request, policy)
    return line if day is None else replace(line, why=f"it said to ask again from {day.isoformat()}")


def _retry_day(line: RotaLine, request: Request, policy: RequestPolicy) -> date | None:
    """From when a supplier may be asked again by rule; None: never."""
    rule = policy.retry_later
    attempts = [one for one in request.attempts if one.partner == line.partner]
    if not attempts or len(attempts) > rule.times:
        return None
    last = attempts[-1]
    day = last.retry_after
    if last.status is not AttemptStatus.RETRY or day is None:
        return None
    return day if day <= last.asked.date() + timedelta(days=rule.longest_days) else None


def retry_on(request: Request, policy: RequestPolicy) -> date | None:
    """The first day on which a supplier that said 'retry later' may be asked again; None: there is none to wait
    for."""
    return min(filter(None, (_retry_day(line, request, policy) for line in request.rota)), default=None)


# --- who owns it -----------------------------------------------------------------------------------------


def may_ask(rule: OnlyOwning, owns: bool | None) -> bool:
    """Whether a supplier is asked, by what the catalogue says of it; None: nobody knows."""
    if rule is OnlyOwning.NO or owns is True:
        return True
    return owns is None and rule is OnlyOwning.UNKNOWN_TOO
