"""Choice of the suppliers that a request asks, in which order and why. Pure: loads, times and today are passed in.

A rota is assigned once (`choose_rota`, `build_rota_lines`); whom to ask next is decided anew each time
(`choose_next_line`), since loads change meanwhile and closures end.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta, tzinfo
from enum import Enum, StrEnum

from gateway.domain.library import Money
from gateway.domain.requests.intake_rules import conditions_match
from gateway.domain.requests.partner_policy import PartnerPolicy, PartnerRole, find_opening_day
from gateway.domain.requests.policy import (
    LineOrder,
    OnlyOwning,
    OverloadRule,
    Ranking,
    RequestPolicy,
    RotaTemplate,
    TemplateLine,
)
from gateway.domain.requests.request import AttemptStatus, Request, RotaLine, RotaLineStatus, ServiceType
from gateway.domain.sentences import compose_sentence, join_sentences, mark_template, write_sentence
from gateway.domain.value import replace, value_object


def partner_standing(
    partner: PartnerPolicy,
    request: Request,
    policy: RequestPolicy,
    today: date,
    *,
    open_requests: int = 0,
    reported: int = 0,
    mean_days: float | None = None,
) -> PartnerStanding:
    """Return what a partner's profile says about asking it today, with its load and speed as counted by the caller.
    `open_requests`: ours with it; `reported`: those of the other members of the network."""
    limit, load = partner.max_open or policy.overload.max_open, open_requests + reported
    closure = partner.find_closure(today)
    campus = policy.campus_of_branch(request.branch)
    return PartnerStanding(
        open=load,
        reported=reported,
        mean_days=mean_days,
        cost=partner.usual_price(request.service),
        reciprocity=partner.reciprocity,
        overloaded=bool(limit) and load >= limit,
        closed=closure.describe_closure() if closure is not None else "",
        near=bool(campus) and partner.campus.casefold() == campus.casefold(),
        why_not=profile_objection(partner, request),
    )


NO_SUCH_PARTNER = write_sentence("unknown partner")

# --- assigning a rota ------------------------------------------------------------------------------------


def choose_rota(request: Request, policy: RequestPolicy) -> str:
    """Name of the rota that the first fitting rule gives; empty: staff choose."""
    return next((rule.rota for rule in policy.rules if conditions_match(rule, request, policy)), policy.default_rota)


def build_rota_lines(
    template: RotaTemplate, request: Request, partners: Mapping[str, PartnerPolicy]
) -> tuple[RotaLine, ...]:
    """The request's own copy of a rota, in the order of the template, last resorts at the end. A supplier that the
    template keeps from this request is on it as skipped, with the reason."""
    lines = [_make_rota_line(line, request, partners.get(line.partner)) for line in template.lines]
    return tuple(sorted(lines, key=lambda line: line.last_resort))


def _make_rota_line(line: TemplateLine, request: Request, partner: PartnerPolicy | None) -> RotaLine:
    why = rota_objection(line, partner, request) if partner is not None else NO_SUCH_PARTNER
    standing = RotaLineStatus.SKIPPED if why else RotaLineStatus.WAITING
    return RotaLine(line.partner, standing, why, line.last_resort, catalogue=line.catalogue)


# --- holders that a union catalogue shows ----------------------------------------------------------------


@value_object
class ShownLocation:
    """A location at which a union catalogue shows holdings. `partner`: whose it is, empty: no partner's; `is_lent`
    False: its holdings aren't lent; `report`: what was found, for staff."""

    name: str
    partner: str
    is_lent: bool
    report: str


def keep_holders(rota: tuple[RotaLine, ...], catalogue: str, shown: Iterable[ShownLocation]) -> tuple[RotaLine, ...]:
    """Keep, of the lines that a union catalogue decides on, those of holders. A holder that is no partner stands at the
    end, as skipped: staff can ask it by other means."""
    by_partner: dict[str, ShownLocation] = {}
    unknown: dict[str, RotaLine] = {}
    for location in shown:
        if not location.partner:
            why = write_sentence("%(name)s shows holdings there, but it is not a partner", name=catalogue)
            unknown[location.name] = RotaLine(location.name, RotaLineStatus.SKIPPED, why)
        elif location.is_lent or location.partner not in by_partner:
            by_partner[location.partner] = location
    lines: list[RotaLine] = []
    for line in rota:
        if line.catalogue != catalogue:
            lines.append(line)
        elif line.partner in by_partner:
            lines.append(_mark_holder(line, by_partner[line.partner]))
    return (*lines, *(line for name, line in unknown.items() if name not in {line.partner for line in lines}))


def _mark_holder(line: RotaLine, location: ShownLocation) -> RotaLine:
    marked = replace(line, catalogue="", held=location.report)
    if location.is_lent or line.standing is not RotaLineStatus.WAITING:
        return marked
    why = write_sentence("holds it but does not lend it (%(report)s)", report=location.report)
    return replace(marked, standing=RotaLineStatus.SKIPPED, why=why)


# --- the next one ----------------------------------------------------------------------------------------

_Lines = tuple[RotaLine, ...]


@value_object
class SupplierChoice:
    """`line`: whom to ask, with why; None: nobody is left. `skipped`: those that were passed over, and why; they go
    on waiting, since a closure ends and a load goes down. `order`: all who could be asked now, best first. `again`:
    it was asked before, said to ask again, and that day has come."""

    line: RotaLine | None
    skipped: _Lines = ()
    order: _Lines = ()
    again: bool = False


def choose_next_line(
    request: Request,
    policy: RequestPolicy,
    template: RotaTemplate | None,
    standings: Mapping[str, PartnerStanding],
    today: date,
    zone: tzinfo,
) -> SupplierChoice:
    """The next supplier. `template`: the rota that the request's lines were made from; None: they were put there by
    hand, and are asked as they stand. `today` is that of the library, whose `zone` it is.

    Asked are those that wait, then those that said 'retry later' and whose day has come. Overloaded ones come after
    the others, or are skipped (`overload.then`); last resorts come after all of them.
    """
    waiting = tuple(line for line in request.rota if line.standing is RotaLineStatus.WAITING)
    able, skipped = _split_by_objection(waiting, request, policy.overload, standings)
    order = _order_lines(able, policy, template, standings)
    if order:
        return SupplierChoice(order[0], skipped, order)
    again, more = _split_by_objection(
        _lines_to_ask_again(request, policy, today, zone), request, policy.overload, standings
    )
    order = tuple(
        _explain_retry(line, request, policy, zone) for line in _order_lines(again, policy, template, standings)
    )
    return SupplierChoice(order[0] if order else None, (*skipped, *more), order, again=bool(order))


def _split_by_objection(
    candidates: _Lines, request: Request, overload: OverloadRule, standings: Mapping[str, PartnerStanding]
) -> tuple[_Lines, _Lines]:
    """Split lines into those that can be asked now, and those that can't, with why."""
    why = {line.partner: _current_objection(standings.get(line.partner), request, overload) for line in candidates}
    able = tuple(line for line in candidates if not why[line.partner])
    return able, tuple(replace(line, why=why[line.partner]) for line in candidates if why[line.partner])


def _current_objection(standing: PartnerStanding | None, request: Request, overload: OverloadRule) -> str:
    """Empty: it can be asked now."""
    if standing is None:
        return NO_SUCH_PARTNER
    if standing.why_not or standing.closed:
        return standing.why_not or standing.closed
    if standing.overloaded and overload.then == "skip":
        if standing.open == 1:
            return write_sentence("overloaded: 1 open request")
        return write_sentence("overloaded: %(count)s open requests", count=standing.open)
    return cost_objection(standing.cost, request.costs.maximum, CostLimit.OF_REQUEST)


def _order_lines(
    able: _Lines, policy: RequestPolicy, template: RotaTemplate | None, standings: Mapping[str, PartnerStanding]
) -> _Lines:
    if template is not None and template.order is not LineOrder.ORDERED:
        ranked = rank_suppliers(able, standings, template.ranking or policy.ranking)
        tiers = template.list_tiers() if template.order is LineOrder.TIERED else {}
        places = {
            line.partner: (line.last_resort, standings[line.partner].overloaded, tiers.get(line.partner, 0))
            for line in ranked
        }
        return tuple(sorted(ranked, key=lambda line: places[line.partner]))
    lines = (line if line.by_hand else replace(line, why=_describe_order(standings[line.partner])) for line in able)
    return tuple(sorted(lines, key=lambda line: (line.last_resort, standings[line.partner].overloaded)))


def _describe_order(standing: PartnerStanding) -> str:
    if standing.overloaded:
        return write_sentence("overloaded, so moved to the end")
    return write_sentence("in rota order")


# --- retry later -----------------------------------------------------------------------------------------


def _lines_to_ask_again(request: Request, policy: RequestPolicy, today: date, zone: tzinfo) -> _Lines:
    days = (
        (line, _find_retry_day(line, request, policy, zone))
        for line in request.rota
        if line.standing is RotaLineStatus.ASKED
    )
    return tuple(line for line, day in days if day is not None and day <= today)


def _explain_retry(line: RotaLine, request: Request, policy: RequestPolicy, zone: tzinfo) -> RotaLine:
    day = _find_retry_day(line, request, policy, zone)
    return line if day is None else replace(line, why=write_sentence("asked us to retry from %(day)s", day=day))


def _find_retry_day(line: RotaLine, request: Request, policy: RequestPolicy, zone: tzinfo) -> date | None:
    """Find the day from which a supplier may be asked again by rule; None: never. `longest_days` count from the day, in
    the library's zone, on which it was asked. Whether conditions that it has set are met isn't decided by this rule."""
    rule = policy.retry_later
    attempts = [attempt for attempt in request.attempts if attempt.partner == line.partner]
    if not attempts or len(attempts) > rule.times:
        return None
    last = attempts[-1]
    day = last.retry_after
    if last.status is not AttemptStatus.RETRY or day is None or last.conditions:
        return None
    asked = last.asked.astimezone(zone).date()
    return day if day <= asked + timedelta(days=rule.longest_days) else None


def first_retry_day(
    request: Request, policy: RequestPolicy, partners: Mapping[str, PartnerPolicy], today: date, zone: tzinfo
) -> date | None:
    """The first day after today on which a supplier can be asked that can't be now: one that said 'retry later', or is
    closed; None: there is none to wait for. One that could not be asked for another reason (overloaded, too dear) is
    nothing to wait for. `partners`: with all their closures."""
    days = (_find_asking_day(line, request, policy, partners.get(line.partner), today, zone) for line in request.rota)
    return min((day for day in days if day is not None and day > today), default=None)


def can_ask_partner(
    request: Request,
    policy: RequestPolicy,
    partners: Mapping[str, PartnerPolicy],
    partner: str,
    today: date,
    zone: tzinfo,
) -> bool:
    """Return whether this supplier of the rota could be asked today, as far as its closures and its `retry later`
    say."""
    lines = (line for line in request.rota if line.partner == partner)
    return any(_find_asking_day(line, request, policy, partners.get(partner), today, zone) == today for line in lines)


def _find_asking_day(
    line: RotaLine, request: Request, policy: RequestPolicy, partner: PartnerPolicy | None, today: date, zone: tzinfo
) -> date | None:
    """Find the day from which a supplier can be asked; None: never, as far as is known."""
    day = today if line.standing is RotaLineStatus.WAITING else _find_retry_day(line, request, policy, zone)
    if day is None or partner is None or profile_objection(partner, request):
        return None
    price = partner.usual_price(request.service)
    if cost_objection(price, request.costs.maximum, CostLimit.OF_REQUEST):
        return None
    return find_opening_day(partner.closures, max(day, today))


# --- who owns it -----------------------------------------------------------------------------------------


def can_ask_supplier(rule: OnlyOwning, owns: bool | None) -> bool:
    """Return whether a supplier is asked, by what the catalogue says of it; None: nobody knows."""
    if rule is OnlyOwning.NO or owns is True:
        return True
    return owns is None and rule is OnlyOwning.UNKNOWN_TOO


@value_object(kw_only=True)
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


def put_first(request: Request, partner: str, why: str) -> Request:
    """Put a supplier before all others that aren't asked yet, in place of its own line that waits."""
    lines = [line for line in request.rota if line.partner != partner or line.standing is not RotaLineStatus.WAITING]
    asked = [line for line in lines if line.standing is RotaLineStatus.ASKED]
    rest = [line for line in lines if line.standing is not RotaLineStatus.ASKED]
    return replace(request, rota=(*asked, RotaLine(partner, why=why, by_hand=True), *rest))


def rank_suppliers(
    lines: tuple[RotaLine, ...], standings: Mapping[str, PartnerStanding], ranking: Ranking
) -> tuple[RotaLine, ...]:
    """The lines, best first, each with its sum in `why`. Last resorts come after all others; among each, overloaded
    ones after those that are not; lines with equal points stay in their order. A partner without a standing counts as
    one of which nothing is known."""
    nothing = PartnerStanding()
    scored = []
    for at, line in enumerate(lines):
        standing = standings.get(line.partner, nothing)
        points, reason = _compute_points(standing, ranking)
        marks = (
            write_sentence("last resort") if line.last_resort else "",
            write_sentence("overloaded") if standing.overloaded else "",
        )
        explained = replace(line, why=join_sentences(", ", (*marks, reason)))
        scored.append(((line.last_resort, standing.overloaded, points, at), explained))
    return tuple(line for _, line in sorted(scored, key=lambda pair: pair[0]))


def _compute_points(standing: PartnerStanding, ranking: Ranking) -> tuple[float, str]:
    days = ranking.unknown_days if standing.mean_days is None else standing.mean_days
    cost = standing.cost
    parts = (
        (ranking.load * standing.open, _describe_load(standing)),
        (ranking.supply_time * days, _describe_days(standing, days)),
        (
            ranking.cost * float(cost.amount if cost else 0),
            write_sentence("costs %(price)s", price=cost) if cost else "",
        ),
        (
            -ranking.reciprocity * standing.reciprocity,
            write_sentence("reciprocity %(value)s", value=standing.reciprocity),
        ),
        (-ranking.near if standing.near else 0.0, write_sentence("same campus")),
    )
    total = round(sum(points for points, _ in parts), 6)  # equal sums stay equal, whatever their order was
    counted = join_sentences(", ", (_describe_part(text, points) for points, text in parts if points))
    return total, write_sentence(
        "%(points)s points (%(counted)s)", points=total, counted=counted or write_sentence("no ranking points")
    )


def _describe_part(text: str, points: float) -> str:
    """3 open +3"""
    template = "%(text)s +%(points)s" if points > 0 else "%(text)s -%(points)s"
    return compose_sentence(template, text=text, points=abs(points))


def _describe_load(standing: PartnerStanding) -> str:
    if standing.reported:
        return write_sentence(
            "%(count)s open, of which %(reported)s from other members", count=standing.open, reported=standing.reported
        )
    return write_sentence("%(count)s open", count=standing.open)


def _describe_days(standing: PartnerStanding, days: float) -> str:
    if standing.mean_days is None:
        return write_sentence("1 day assumed") if days == 1 else write_sentence("%(count)s days assumed", count=days)
    return write_sentence("1 day") if days == 1 else write_sentence("%(count)s days", count=days)


def profile_objection(partner: PartnerPolicy, request: Request) -> str:
    """Return what the partner's profile says against asking it at all."""
    service, format_ = request.service.type, request.service.format
    if PartnerRole.SUPPLIER not in partner.roles:
        return write_sentence("is not a supplier")
    if not partner.channel:
        return write_sentence("has no channel for requests")
    if not partner.can_supply(service):
        if partner.workflow.borrowing.digital_only:
            return write_sentence("supplies copies only")
        return write_sentence("does not offer the service %(service)s", service=service.value)
    if format_ and partner.formats and not _is_listed(format_, partner.formats):
        return write_sentence("does not supply the format %(format)s", format=format_)
    limit = partner.cost_limit
    if limit is None:
        return ""
    return cost_objection(partner.usual_price(request.service), limit.money, CostLimit.FOR_PARTNER)


def rota_objection(line: TemplateLine, partner: PartnerPolicy, request: Request) -> str:
    """Return what the rota says against asking the partner for this request."""
    service, format_ = request.service.type, request.service.format
    if line.services and not (service in line.services or ServiceType.COPY_OR_LOAN in (service, *line.services)):
        return write_sentence("not on this rota for the service %(service)s", service=service.value)
    if format_ and line.formats and not _is_listed(format_, line.formats):
        return write_sentence("not on this rota for the format %(format)s", format=format_)
    if line.max_cost is None:
        return ""
    return cost_objection(partner.usual_price(request.service), line.max_cost.money, CostLimit.ON_ROTA)


class CostLimit(Enum):
    """The maximum that a price is compared with; its sentences: it is dearer, it can't be compared."""

    OF_REQUEST = (
        mark_template("costs %(price)s, more than the maximum of the request (%(limit)s)"),
        mark_template("costs %(price)s, which cannot be compared with the maximum of the request (%(limit)s)"),
    )
    FOR_PARTNER = (
        mark_template("costs %(price)s, more than the maximum for this partner (%(limit)s)"),
        mark_template("costs %(price)s, which cannot be compared with the maximum for this partner (%(limit)s)"),
    )
    ON_ROTA = (
        mark_template("costs %(price)s, more than the maximum for this rota (%(limit)s)"),
        mark_template("costs %(price)s, which cannot be compared with the maximum for this rota (%(limit)s)"),
    )


def cost_objection(price: Money | None, limit: Money | None, which: CostLimit) -> str:
    """A price in another currency can't be compared, so it is too dear: nobody pays more by mistake."""
    if price is None or not price.amount or limit is None:
        return ""
    same = price.currency == limit.currency
    if same and price.amount <= limit.amount:
        return ""
    dearer, other_currency = which.value
    return write_sentence(dearer if same else other_currency, price=price, limit=limit)


def _is_listed(value: str, allowed: Iterable[str]) -> bool:
    return value.casefold() in {name.casefold() for name in allowed}


class SupplierVerdict(StrEnum):
    NEXT = "next"  # it would be asked now
    AFTER = "after"  # it would be asked when those before it can't supply
    PASSED_OVER = "passed-over"  # not now
    NOT_OWNING = "not-owning"
    NOT_LENDING = "not-lending"  # it owns it
    UNREACHABLE = "unreachable"  # its catalogue is, and its profile says to skip it then
    ASKED = "asked"
    SKIPPED = "skipped"


@value_object
class ExplainedLine:
    """`why` in plain words; `answer`: of the catalogue, where it was asked, and its `report`."""

    partner: str
    verdict: SupplierVerdict
    why: str = ""
    answer: str = ""
    report: str = ""

    @property
    def holdings(self) -> str:
        """`owns: listed`"""
        return f"{self.answer}: {self.report}" if self.answer else ""


@value_object(kw_only=True)
class RotaExplanation:
    """The rota in the order in which suppliers would be asked; then those passed over, then those that had their turn.
    `by_rule`: the request has no rota by name yet, this is the one that the rules would give it."""

    rota: str = ""
    ranked: bool = False
    by_rule: bool = False
    only_owning: OnlyOwning = OnlyOwning.UNKNOWN_TOO
    lines: tuple[ExplainedLine, ...] = ()
