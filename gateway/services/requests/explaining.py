"""Why each supplier of a request stands where it stands now: the search for the next one, with nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from enum import StrEnum

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.requests import rota as rotas
from gateway.domain.requests.policy import OnlyOwning, RotaOrder, RotaTemplate
from gateway.domain.requests.request import Request, Role, RotaLine, Standing
from gateway.ports.catalogue import Holding, Holdings
from gateway.services.requests.house import House, needs_role
from gateway.services.requests.sourcing import standings_for, with_rota


class Verdict(StrEnum):
    NEXT = "next"  # it would be asked now
    AFTER = "after"  # it would be asked when those before it can't supply
    PASSED_OVER = "passed-over"  # not now
    NOT_OWNING = "not-owning"
    ASKED = "asked"
    SKIPPED = "skipped"


@frozen
class ExplainedLine:
    """`why` in plain words; `holdings`: what the catalogue says, where it was asked."""

    partner: str
    verdict: Verdict
    why: str = ""
    holdings: str = ""


@frozen_by_name
class Explanation:
    """In the order in which suppliers would be asked; then those passed over, then those that had their turn.
    `by_rule`: the request has no rota yet, this is the one that the rules would give it."""

    rota: str = ""
    ranked: bool = False
    by_rule: bool = False
    only_owning: OnlyOwning = OnlyOwning.UNKNOWN_TOO
    lines: tuple[ExplainedLine, ...] = ()


async def explain(house: House, request: Request) -> Explanation:
    """Raises Refused(NOT_ALLOWED) for a lending request."""
    needs_role(request, Role.BORROWING)
    had_none = not request.rota
    request = with_rota(house, request)
    template = house.policy().rotas.get(request.rota_name)
    first = tuple(line for line in request.rota if line.by_hand and line.standing is Standing.WAITING)
    rest = replace(request, rota=tuple(line for line in request.rota if line not in first))
    found = [ExplainedLine(line.partner, Verdict.AFTER, line.why or "by hand") for line in first]
    found += await _searched(house, rest, template)
    at = next((number for number, line in enumerate(found) if line.verdict is Verdict.AFTER), None)
    if at is not None:
        found[at] = replace(found[at], verdict=Verdict.NEXT)
    return Explanation(
        rota=request.rota_name,
        ranked=template is not None and template.order is RotaOrder.RANKED,
        by_rule=had_none and bool(request.rota),
        only_owning=_rule(template),
        lines=(*sorted(found, key=lambda line: line.verdict not in _TO_ASK), *_over(request, found)),
    )


_TO_ASK = (Verdict.NEXT, Verdict.AFTER)


def _rule(template: RotaTemplate | None) -> OnlyOwning:
    return template.only_owning if template is not None else OnlyOwning.UNKNOWN_TOO


async def _searched(house: House, request: Request, template: RotaTemplate | None) -> list[ExplainedLine]:
    """All who could be asked, best first, each looked up; when none of them owns it, those that said 'ask again'."""
    standings = await standings_for(house, request)
    found: list[ExplainedLine] = []
    while True:
        choice = rotas.next_line(request, house.policy(), template, standings, house.today())
        able = [await _looked_up(house, request, line, _rule(template)) for line in choice.order]
        found += able
        if not able or choice.again or any(line.verdict is Verdict.AFTER for line in able):
            passed = [ExplainedLine(line.partner, Verdict.PASSED_OVER, line.why) for line in choice.skipped]
            return [*found, *passed]
        request = _without(request, able)


async def _looked_up(house: House, request: Request, line: RotaLine, rule: OnlyOwning) -> ExplainedLine:
    holdings: Holdings = await house.catalogue.holds(request.citation, house.known_partner(line.partner)[0])
    owns = None if holdings.holding is Holding.UNKNOWN else holdings.holding is Holding.OWNS
    verdict = Verdict.AFTER if rotas.may_ask(rule, owns) else Verdict.NOT_OWNING
    return ExplainedLine(line.partner, verdict, line.why, f"{holdings.holding.value}: {holdings.note}")


def _without(request: Request, lines: list[ExplainedLine]) -> Request:
    names = {line.partner for line in lines}
    rota = tuple(replace(line, standing=Standing.SKIPPED) if line.partner in names else line for line in request.rota)
    return replace(request, rota=rota)


def _over(request: Request, found: list[ExplainedLine]) -> Iterator[ExplainedLine]:
    """Those whose turn is over, as the request has them."""
    names = {line.partner for line in found}
    for line in request.rota:
        if line.standing is not Standing.WAITING and line.partner not in names:
            yield ExplainedLine(line.partner, Verdict(line.standing.value), line.why)
