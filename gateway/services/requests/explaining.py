"""Why each supplier of a request stands where it stands now: the search for the next one, with nothing changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gateway.domain.requests import rota as rotas
from gateway.domain.requests.explanation import ExplainedLine, Explanation, Verdict
from gateway.domain.requests.policy import OnlyOwning, RotaOrder, RotaTemplate
from gateway.domain.requests.request import Request, Role, Standing
from gateway.ports.catalogue import Holding, Holdings
from gateway.services.requests.house import House, needs_role
from gateway.services.requests.owning import LookedUp, look_up
from gateway.services.requests.sourcing import standings_for, with_rota


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
        looked = await look_up(house, request, choice.order, _rule(template), lambda _: False)
        able = [_line(one) for one in looked]
        found += able
        if not able or choice.again or any(line.verdict is Verdict.AFTER for line in able):
            passed = [ExplainedLine(line.partner, Verdict.PASSED_OVER, line.why) for line in choice.skipped]
            return [*found, *passed]
        request = _without(request, able)


def _line(looked: LookedUp) -> ExplainedLine:
    line, holdings = looked.line, looked.holdings
    if holdings is None:
        return ExplainedLine(line.partner, Verdict.AFTER, line.why)
    verdict = _verdict(holdings) if looked.why_not else Verdict.AFTER
    return ExplainedLine(line.partner, verdict, line.why, f"{holdings.holding.value}: {holdings.line}")


def _verdict(holdings: Holdings) -> Verdict:
    if holdings.skip:
        return Verdict.UNREACHABLE
    return Verdict.NOT_LENDING if holdings.holding is Holding.NOT_LENT else Verdict.NOT_OWNING


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
