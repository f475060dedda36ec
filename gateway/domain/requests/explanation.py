"""Why each supplier of a request stands where it stands, as values that are shown."""

from __future__ import annotations

from enum import StrEnum

from gateway.domain.frozen import frozen, frozen_by_name
from gateway.domain.requests.policy import OnlyOwning


class Verdict(StrEnum):
    NEXT = "next"  # it would be asked now
    AFTER = "after"  # it would be asked when those before it can't supply
    PASSED_OVER = "passed-over"  # not now
    NOT_OWNING = "not-owning"
    NOT_LENDING = "not-lending"  # it owns it
    UNREACHABLE = "unreachable"  # its catalogue is, and its profile says to skip it then
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
