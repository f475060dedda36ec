"""Which suppliers own what is asked for: looked up in the order of the rota, the next few at once."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from gateway.domain.frozen import frozen
from gateway.domain.requests.policy import OnlyOwning
from gateway.domain.requests.request import Request, RotaLine
from gateway.domain.requests.rota import may_ask
from gateway.ports.catalogue import Holding, Holdings
from gateway.services.requests.house import House


@frozen
class LookedUp:
    """`why_not`: why it isn't asked, in plain words; empty: it may be. `holdings` None: nobody was asked, by rule."""

    line: RotaLine
    holdings: Holdings | None
    why_not: str = ""


async def look_up(
    house: House,
    request: Request,
    lines: Iterable[RotaLine],
    rule: OnlyOwning,
    enough: Callable[[LookedUp], bool],
) -> tuple[LookedUp, ...]:
    """The lines in their order, up to the first that is enough; so many are under way at once as
    `catalogues.ahead` says. What was begun for later ones and isn't waited for any more is let go."""
    found: list[LookedUp] = []
    rest = deque(lines)
    begun: deque[asyncio.Task[LookedUp]] = deque()
    try:
        while begun or rest:
            while rest and len(begun) < house.policy().catalogues.ahead:
                line = rest.popleft()
                begun.append(asyncio.create_task(_one(house, request, line, rule), name=f"look up {line.partner}"))
            found.append(await begun[0])
            begun.popleft()
            if enough(found[-1]):
                break
    finally:
        for task in begun:
            task.cancel()
        await asyncio.gather(*begun, return_exceptions=True)
    return tuple(found)


async def _one(house: House, request: Request, line: RotaLine, rule: OnlyOwning) -> LookedUp:
    if rule is OnlyOwning.NO:
        return LookedUp(line, None)
    partner = house.known_partner(line.partner)[0]
    holdings = await house.catalogue.holds(request.citation, partner, request.service.type)
    return LookedUp(line, holdings, _why_not(rule, holdings))


def _why_not(rule: OnlyOwning, holdings: Holdings) -> str:
    owns = None if holdings.holding is Holding.UNKNOWN else holdings.holding is Holding.OWNS
    if may_ask(rule, owns) and not holdings.skip:
        return ""
    return f"{_SAYS[holdings.holding, holdings.skip]} ({holdings.line})"


_SAYS = {
    (Holding.NOT, False): "does not appear to own it",
    (Holding.NOT_LENT, False): "owns it, but does not lend it",
    (Holding.UNKNOWN, False): "is not known to own it",
    (Holding.UNKNOWN, True): "its catalogue can't be asked",
}
