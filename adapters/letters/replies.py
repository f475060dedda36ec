"""Reply codes that libraries write by hand (facts/artemail.md section 4: Forum for Interlending), as profile data."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.policy import Section
from gateway.domain.requests.events import Condition, Kind

Answer = Literal[
    "will-supply",
    "hold-placed",
    "conditional",
    "retry",
    "unfilled",
    "expect-to-supply",
    "shipped",
    "overdue",
    "recall",
    "renew-accepted",
    "renew-refused",
    "cancel-accepted",
    "cancel-refused",
    "message",
]


class Reply(Section):
    """What a code means. `reason`: a word of the list of reasons (docs/requests.md), for unfilled."""

    means: Answer
    reason: str = ""
    condition: Condition | None = None
    note: str = Field("", description="put before what follows the code")

    @property
    def kind(self) -> Kind:
        return Kind(self.means)


def _code(code: str) -> str:
    if not code.strip() or code != code.strip() or len(code) > 30:
        raise ValueError("a reply code is 1 to 30 characters, without blanks around it")
    return code


Code = Annotated[str, AfterValidator(_code)]

CODES: dict[Code, Reply] = {
    "BIND": Reply(means="unfilled", reason="at-bindery", note="at binders"),
    "C/R": Reply(means="unfilled", reason="not-available", note="cannot reserve"),
    "D/B": Reply(means="retry", reason="on-loan", note="due back"),
    "D/L": Reply(means="unfilled", reason="policy", note="decline to loan"),
    "LUO": Reply(means="conditional", condition=Condition.LIBRARY_USE_ONLY, note="library use only"),
    "MIS": Reply(means="unfilled", reason="not-on-shelf", note="missing"),
    "MFS": Reply(means="unfilled", reason="not-on-shelf", note="missing from shelf"),
    "N/A": Reply(means="unfilled", reason="not-available", note="not available"),
    "NIS": Reply(means="unfilled", reason="not-held", note="not in stock"),
    "O/D": Reply(means="unfilled", reason="on-loan", note="overdue from another borrower"),
    "O/L": Reply(means="unfilled", reason="on-loan", note="on loan"),
    "O/O": Reply(means="unfilled", reason="on-order", note="on order"),
    "RE-AP": Reply(means="retry", note="re-apply"),
    "REF": Reply(means="unfilled", reason="non-circulating", note="reference only"),
    "R/O": Reply(means="unfilled", reason="non-circulating", note="reference only"),
    "RES?": Reply(means="conditional", condition=Condition.OTHER, note="shall it be reserved?"),
    "TBS": Reply(means="will-supply", note="to be sent"),
    "W/L": Reply(means="hold-placed", note="waiting list"),
}
