"""Whether the conditions of a rule in requests.yml fit a request."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.domain.library import Money
from gateway.domain.requests.policy import Conditions, RequestPolicy
from gateway.domain.requests.request import Request


def fits(rule: Conditions, request: Request, policy: RequestPolicy) -> bool:
    """All that is set must fit. A rule without conditions fits every request."""
    maximum = request.costs.maximum
    return (
        _among(request.patron.category, rule.patron_categories)
        and (not rule.citation_types or request.citation.type in rule.citation_types)
        and (not rule.services or request.service.type in rule.services)
        and _among(request.service.format, rule.formats)
        and _among(request.citation.language, rule.languages)
        and _among(request.branch, rule.branches)
        and _among(policy.campus_of(request.branch), rule.campuses)
        and (rule.cost_up_to is None or _within(maximum, rule.cost_up_to.money))
        and (rule.cost_above is None or _above(maximum, rule.cost_above.money))
    )


def _within(maximum: Money | None, limit: Money) -> bool:
    """Known to be no more: not without a maximum, nor in another currency."""
    return maximum is not None and maximum.currency == limit.currency and maximum.amount <= limit.amount


def _above(maximum: Money | None, limit: Money) -> bool:
    return maximum is None or (maximum.currency == limit.currency and maximum.amount > limit.amount)


def _among(value: str, allowed: Iterable[str]) -> bool:
    folded = [one.casefold() for one in allowed]
    return not folded or value.casefold() in folded
