"""How refusals are worded."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from gateway.domain.policy import Section
from gateway.domain.problems import Reason


class Wording(Section):
    """What one refusal becomes; what is left out is as the standard has it."""

    type: str | None = Field(None, description="ProblemType text (VCU's addon looks for `User Unknown`)")
    scheme: str | None = None
    detail: str | None = None
    element: str | None = None
    value: str | None = None


class Errors(Section):
    map: dict[Reason, Wording] = Field({}, description="per refusal")
    services: dict[str, dict[Reason, Wording]] = Field({}, description="per service, before `map`")
    detail: Literal["always", "never"] = Field(
        "always", description="ProblemDetail: Cornell's addon reads nothing else, OCLC can't take it in version 1"
    )
    value: Literal["as-sent", "never"] = Field("as-sent", description="ProblemValue with what was sent")
    scheme: Literal["standard", "none"] = Field("standard", description="scheme URL on ProblemType")
    shape: Literal["service", "message", "item-requested"] = Field(
        "service",
        description="Problem in the service's own answer, at message level, or (INN-Reach) an ItemRequestedResponse "
        "with the text in ToAgencyId",
    )
    failed_as: str = Field("Temporary Processing Failure", description="ProblemType of technical failures")
