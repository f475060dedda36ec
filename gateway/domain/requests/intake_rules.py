"""What a library's rules say about a request that comes in: of its own patrons, or of another library. Pure; the facts
are looked up before."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.problems import About, Reason
from gateway.domain.requests.conditions import fits
from gateway.domain.requests.events import Reasons
from gateway.domain.requests.policy import Intake, LendingRules, Mediation, RequestPolicy
from gateway.domain.requests.request import Request, ServiceType

# --- requests of our own patrons -------------------------------------------------------------------------


class Owned(StrEnum):
    """What the library itself has of it."""

    NOT = "not"  # or nobody knows
    AVAILABLE = "available"
    UNAVAILABLE = "unavailable"  # we have it, and it is out


@frozen_by_name
class IntakeFacts:
    """`block`: why the patron may not request, in the library's words; empty: no block. `open_requests` of the
    patron, without this one. `similar`: ids of requests for the same thing by the same patron within
    `intake.duplicates.days`."""

    category: str = ""
    block: str = ""
    open_requests: int = 0
    similar: tuple[str, ...] = ()
    owned: Owned = Owned.NOT


@frozen
class Finding:
    """`detail`: one plain sentence without personal data."""

    reason: Reason
    detail: str
    about: About | None = None


@frozen
class Findings:
    """`problems` stop the request; `warnings` are for staff, it goes on."""

    problems: tuple[Finding, ...] = ()
    warnings: tuple[Finding, ...] = ()


def check(facts: IntakeFacts, intake: Intake) -> Findings:
    """Blocks, limit of open requests, duplicates, what we have ourselves: in this order."""
    found = [*_patron(facts, intake), *_duplicate(facts, intake), *_local(facts, intake)]
    return Findings(
        tuple(finding for finding, stops in found if stops),
        tuple(finding for finding, stops in found if not stops),
    )


_Found = Iterator[tuple[Finding, bool]]
"""With whether it stops the request."""


def _patron(facts: IntakeFacts, intake: Intake) -> _Found:
    if facts.block:
        detail = f"The patron may not request: {facts.block.rstrip('.')}."
        yield Finding(Reason.PATRON_BLOCKED, detail, About.PATRON), intake.blocks_stop
    limit = limit_for(facts.category, intake)
    if limit and facts.open_requests >= limit:
        detail = f"The patron has {facts.open_requests} open requests; {limit} are allowed."
        yield Finding(Reason.LIMIT_REACHED, detail, About.PATRON), True


def limit_for(category: str, intake: Intake) -> int:
    """Open requests that a patron of this category may have; 0: any number."""
    limits = intake.open_requests
    return limits.categories.get(category, limits.default)


def _duplicate(facts: IntakeFacts, intake: Intake) -> _Found:
    rule = intake.duplicates
    if rule.days and rule.action != "allow" and facts.similar:
        detail = "The same patron has asked for the same thing already."
        yield Finding(Reason.DUPLICATE_REQUEST, detail, About.REQUEST), rule.action == "refuse"


def _local(facts: IntakeFacts, intake: Intake) -> _Found:
    rule, on_shelf = intake.locally_owned, facts.owned is Owned.AVAILABLE
    if facts.owned is Owned.NOT or rule == "allow" or (rule == "allow-when-unavailable" and not on_shelf):
        return
    where = "and it is available" if on_shelf else "but it is not available now"
    finding = Finding(Reason.NOT_ALLOWED, f"The library has it itself, {where}.", About.ITEM)
    yield finding, rule != "warn"


def mediation(request: Request, policy: RequestPolicy) -> Mediation:
    """Whether staff look at a new request before suppliers are asked: by the first rule that fits."""
    intake = policy.intake
    return next((rule.then for rule in intake.mediation if fits(rule, request, policy)), intake.mediation_default)


# --- requests of other libraries -------------------------------------------------------------------------


@frozen
class LendingRefusal:
    """An answer without staff: the reason as the partner is told, and a plain sentence."""

    reason: Reasons
    detail: str


def lending_refusal(request: Request, rules: LendingRules, open_requests: int, today: date) -> LendingRefusal | None:
    """What can be said before an item is looked for. `open_requests`: open lending requests, without this one."""
    closure = next((one for one in rules.closed if one.holds(today)), None)
    if closure is not None:
        return LendingRefusal(Reasons.CLOSED, f"We do not lend until {closure.last.isoformat()}.")
    if rules.max_open and open_requests >= rules.max_open:
        return LendingRefusal(Reasons.OVERLOADED, "We have too many requests at present.")
    service, format_ = request.service.type, request.service.format
    if service is not ServiceType.COPY_OR_LOAN and not {service, ServiceType.COPY_OR_LOAN} & set(rules.services):
        return LendingRefusal(Reasons.POLICY, f"We do not supply the service '{service.value}'.")
    if format_ and format_.casefold() in map(str.casefold, rules.formats_refused):
        return LendingRefusal(Reasons.POLICY, f"We do not supply the format '{format_}'.")
    return None


def item_refusal(item_policy: str, service: ServiceType, rules: LendingRules) -> LendingRefusal | None:
    """Whether an item of this policy may be supplied; None: it may."""
    lent = item_policy not in rules.never and (not rules.item_policies or item_policy in rules.item_policies)
    if lent or (service is not ServiceType.LOAN and rules.copies_of_never):
        return None
    return LendingRefusal(Reasons.NON_CIRCULATING, f"Items of the policy '{item_policy}' are not lent.")
