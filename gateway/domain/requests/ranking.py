"""How suppliers of a ranked rota are compared: points against each, with the sum written out for staff."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from gateway.domain.frozen import frozen_by_name
from gateway.domain.library import Money
from gateway.domain.requests.policy import Ranking
from gateway.domain.requests.request import RotaLine


@frozen_by_name
class PartnerStanding:
    """A partner as it stands today, for one request. `open`: requests with it that are open, as counted here and by
    the other members of its network, `reported` of them by the members. `mean_days`: how long it took to supply, None:
    nothing known. `cost`: what it charges for this service, None: nothing. `reciprocity`: 1 is even, more: it owes us.
    `near`: on the request's own campus. `closed` and `why_not`: why it can't be asked now, or at all, in plain words;
    empty: it can."""

    open: int = 0
    reported: int = 0
    mean_days: float | None = None
    cost: Money | None = None
    reciprocity: float = 1.0
    overloaded: bool = False
    closed: str = ""
    near: bool = False
    why_not: str = ""


def rank(
    lines: tuple[RotaLine, ...], standings: Mapping[str, PartnerStanding], ranking: Ranking
) -> tuple[RotaLine, ...]:
    """The lines, best first, each with its sum in `why`. Last resorts come after all others; among each, overloaded
    ones after those that are not; lines with equal points stay in their order. A partner without a standing counts as
    one of which nothing is known."""
    nothing = PartnerStanding()
    scored = []
    for at, line in enumerate(lines):
        known = standings.get(line.partner, nothing)
        points, said = _points(known, ranking)
        marks = [text for text, set_ in (("last resort", line.last_resort), ("overloaded", known.overloaded)) if set_]
        explained = replace(line, why=", ".join([*marks, said]))
        scored.append(((line.last_resort, known.overloaded, points, at), explained))
    return tuple(line for _, line in sorted(scored, key=lambda one: one[0]))


def _points(known: PartnerStanding, ranking: Ranking) -> tuple[float, str]:
    days = ranking.unknown_days if known.mean_days is None else known.mean_days
    cost = known.cost
    parts = (
        (ranking.load * known.open, _open(known)),
        (ranking.supply_time * days, f"{days:g} days" + (" assumed" if known.mean_days is None else "")),
        (ranking.cost * float(cost.amount if cost else 0), f"costs {cost.amount} {cost.currency}" if cost else ""),
        (-ranking.reciprocity * known.reciprocity, f"reciprocity {known.reciprocity:g}"),
        (-ranking.near if known.near else 0.0, "same campus"),
    )
    total = round(sum(points for points, _ in parts), 6)  # equal sums stay equal, whatever their order was
    counted = ", ".join(f"{text} {points:+g}" for points, text in parts if points)
    return total, f"{total:g} points ({counted or 'nothing counted'})"


def _open(known: PartnerStanding) -> str:
    return f"{known.open} open" + (f", {known.reported} of them of other members" if known.reported else "")
