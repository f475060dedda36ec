"""Rules for a request that comes in: limits, duplicates, mediation, its number. Pure; facts are looked up before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, datetime, timedelta, tzinfo
from enum import StrEnum

from gateway.domain.library import Money
from gateway.domain.problems import MessagePart, RefusalReason
from gateway.domain.requests.events import ReasonCodes
from gateway.domain.requests.partner_policy import find_opening_day
from gateway.domain.requests.policy import Intake, LendingRules, Mediation, Numbers, RequestPolicy, RuleConditions
from gateway.domain.requests.request import Request, Role, ServiceType
from gateway.domain.sentences import write_sentence
from gateway.domain.value import value_object

# --- requests of our own patrons -------------------------------------------------------------------------


class LocalAvailability(StrEnum):
    """What the library itself has of it."""

    NOT = "not"
    UNKNOWN = "unknown"  # it could not be looked for, or something may be it
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"  # we have it, and it is out


@value_object(kw_only=True)
class IntakeFacts:
    """`block`: why the patron may not request, in the library's words; empty: no block. `open_requests` of the
    patron, without this one. `similar`: ids of requests for the same thing by the same patron within
    `intake.duplicates.days`. `candidates`: number of own records that may be it, where `owned` is UNKNOWN."""

    category: str = ""
    block: str = ""
    open_requests: int = 0
    similar: tuple[str, ...] = ()
    owned: LocalAvailability = LocalAvailability.NOT
    candidates: int = 0


@value_object
class IntakeFinding:
    """`detail`: one plain sentence without personal data."""

    reason: RefusalReason
    detail: str
    about: MessagePart | None = None


@value_object
class IntakeFindings:
    """`problems` stop the request; `warnings` are for staff, it goes on."""

    problems: tuple[IntakeFinding, ...] = ()
    warnings: tuple[IntakeFinding, ...] = ()


def check_intake(facts: IntakeFacts, intake: Intake) -> IntakeFindings:
    """Blocks, limit of open requests, duplicates, what we have ourselves: in this order."""
    findings = [
        *_check_patron_limits(facts, intake),
        *_check_similar_requests(facts, intake),
        *_check_local_copy(facts, intake),
    ]
    return IntakeFindings(
        tuple(finding for finding, stops in findings if stops),
        tuple(finding for finding, stops in findings if not stops),
    )


_Found = Iterator[tuple[IntakeFinding, bool]]
"""With whether it stops the request."""


def _check_patron_limits(facts: IntakeFacts, intake: Intake) -> _Found:
    if facts.block:
        detail = write_sentence("The patron may not make requests: %(report)s.", report=facts.block.rstrip("."))
        yield IntakeFinding(RefusalReason.PATRON_BLOCKED, detail, MessagePart.PATRON), intake.blocks_stop
    limit = open_request_limit(facts.category, intake)
    if limit and facts.open_requests >= limit:
        detail = write_sentence(
            "The patron has %(count)s open requests; the limit is %(most)s.", count=facts.open_requests, most=limit
        )
        yield IntakeFinding(RefusalReason.LIMIT_REACHED, detail, MessagePart.PATRON), True


def open_request_limit(category: str, intake: Intake) -> int:
    """Open requests that a patron of this category may have; 0: any number."""
    limits = intake.open_requests
    return limits.categories.get(category, limits.default)


def _check_similar_requests(facts: IntakeFacts, intake: Intake) -> _Found:
    rule = intake.duplicates
    if rule.days and rule.action != "allow" and facts.similar:
        detail = write_sentence("The patron already has a request for the same item.")
        yield IntakeFinding(RefusalReason.DUPLICATE_REQUEST, detail, MessagePart.REQUEST), rule.action == "refuse"


def _check_local_copy(facts: IntakeFacts, intake: Intake) -> _Found:
    rule, on_shelf = intake.locally_owned, facts.owned is LocalAvailability.AVAILABLE
    if facts.owned is LocalAvailability.NOT or rule == "allow":
        return
    if facts.owned is LocalAvailability.UNKNOWN:
        if facts.candidates:
            detail = write_sentence(
                "The library may already hold it: %(count)s similar records.", count=facts.candidates
            )
            yield IntakeFinding(RefusalReason.NOT_ALLOWED, detail, MessagePart.ITEM), False
        return
    if rule == "allow-when-unavailable" and not on_shelf:
        return
    if on_shelf:
        detail = write_sentence("The library holds it, and a copy is available.")
    else:
        detail = write_sentence("The library holds it, but no copy is available now.")
    yield IntakeFinding(RefusalReason.NOT_ALLOWED, detail, MessagePart.ITEM), rule != "warn"


def find_mediation(request: Request, policy: RequestPolicy) -> tuple[Mediation, int]:
    """Find whether staff look at a new request before suppliers are asked: by the first rule that fits, with its number
    from 1 on; 0: none fits, so that it is the default."""
    intake = policy.intake
    rules = (
        (rule.then, number)
        for number, rule in enumerate(intake.mediation, 1)
        if conditions_match(rule, request, policy)
    )
    return next(rules, (intake.mediation_default, 0))


# --- requests of other libraries -------------------------------------------------------------------------


@value_object
class LendingRefusal:
    """An answer without staff: the reason as the partner is told, and a plain sentence. `retry_after`: from when we can
    be asked again; None: that is no question of days."""

    reason: ReasonCodes
    detail: str
    retry_after: date | None = None


def find_lending_refusal(
    request: Request, rules: LendingRules, open_requests: int, today: date
) -> LendingRefusal | None:
    """Find a refusal that can be given before an item is looked for. `open_requests`: open lending requests, without
    this one."""
    opening = find_opening_day(rules.closed, today)
    if opening != today:
        last = opening - timedelta(days=1) if opening is not None else date.max
        return LendingRefusal(
            ReasonCodes.CLOSED, write_sentence("We do not lend until %(day)s.", day=last), retry_after=opening
        )
    if rules.max_open and open_requests >= rules.max_open:
        return LendingRefusal(ReasonCodes.OVERLOADED, write_sentence("We have too many requests at present."))
    service, format_ = request.service.type, request.service.format
    if service is not ServiceType.COPY_OR_LOAN and not {service, ServiceType.COPY_OR_LOAN} & set(rules.services):
        detail = write_sentence("We do not offer the service '%(service)s'.", service=service.value)
        return LendingRefusal(ReasonCodes.POLICY, detail)
    if format_ and format_.casefold() in map(str.casefold, rules.formats_refused):
        detail = write_sentence("We do not supply the format '%(format)s'.", format=format_)
        return LendingRefusal(ReasonCodes.POLICY, detail)
    return None


def find_item_refusal(item_policy: str, service: ServiceType, rules: LendingRules) -> LendingRefusal | None:
    """Return why an item of this policy may not be supplied; None: it may."""
    lent = item_policy not in rules.never and (not rules.item_policies or item_policy in rules.item_policies)
    if lent or (service is not ServiceType.LOAN and rules.copies_of_never):
        return None
    detail = write_sentence("Items with the policy '%(policy)s' are not lent.", policy=item_policy)
    return LendingRefusal(ReasonCodes.NON_CIRCULATING, detail)


def conditions_match(rule: RuleConditions, request: Request, policy: RequestPolicy) -> bool:
    """All that is set must fit. A rule without conditions fits every request."""
    maximum = request.costs.maximum
    return (
        _is_allowed_value(request.patron.category, rule.patron_categories)
        and (not rule.citation_types or request.citation.type in rule.citation_types)
        and (not rule.services or request.service.type in rule.services)
        and _is_allowed_value(request.service.format, rule.formats)
        and _is_allowed_value(request.citation.language, rule.languages)
        and _is_allowed_value(request.branch, rule.branches)
        and _is_allowed_value(policy.campus_of_branch(request.branch), rule.campuses)
        and (rule.cost_up_to is None or _is_within_limit(maximum, rule.cost_up_to.money))
        and (rule.cost_above is None or _is_above_limit(maximum, rule.cost_above.money))
    )


def _is_within_limit(maximum: Money | None, limit: Money) -> bool:
    """Return whether it is known to be no more: not without a maximum, nor in another currency."""
    return maximum is not None and maximum.currency == limit.currency and maximum.amount <= limit.amount


def _is_above_limit(maximum: Money | None, limit: Money) -> bool:
    return maximum is None or (maximum.currency == limit.currency and maximum.amount > limit.amount)


def _is_allowed_value(value: str, allowed: Iterable[str]) -> bool:
    folded = [name.casefold() for name in allowed]
    return not folded or value.casefold() in folded


@value_object(kw_only=True)
class NumberFields:
    """`at`: when the request was made, aware; `zone` says in which year and month that is. `library`, `partner`: their
    symbols."""

    at: datetime
    zone: tzinfo
    library: str = ""
    branch: str = ""
    partner: str = ""


@value_object
class NumberSeries:
    """Numbers that are counted together. `sequence` names the count (`store.requests.timers`): it is whatever
    stands around the running number. So it begins anew with a new year or branch exactly where the number shows it,
    and two templates that could make the same number share one count."""

    template: str
    sequence: str
    fields: NumberFields
    prefix: str = ""

    def format_number(self, running: int) -> str:
        return _fill_number_template(self.template, self.fields, self.prefix, running)


def choose_number_template(
    role: Role, numbers: Numbers, *, branch: str = "", profile: str = "", own: str | None = None
) -> str:
    """The partner's own (`PartnerPolicy.number`), then that for its profile, for the branch (borrowing only), for the
    role."""
    if own:
        return own
    if profile in numbers.partners:
        return numbers.partners[profile]
    if role is Role.LENDING:
        return numbers.lending
    return numbers.branches.get(branch, numbers.borrowing)


def number_series(template: str, fields: NumberFields, prefix: str) -> NumberSeries:
    """The series to which the next number of this template belongs."""
    start = template.index("{sequence")
    around = f"{template[:start]}#{template[template.index('}', start) + 1 :]}"
    return NumberSeries(template, f"number {_fill_number_template(around, fields, prefix, 0)}", fields, prefix)


def _fill_number_template(template: str, fields: NumberFields, prefix: str, running: int) -> str:
    local = fields.at.astimezone(fields.zone)
    month = f"{local.month:02d}"
    return template.format(
        library=fields.library,
        year=local.year,
        month=month,
        branch=fields.branch,
        partner=fields.partner,
        prefix=prefix,
        sequence=running,
    )
