"""How refusals are worded."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.policy import Section
from gateway.domain.problems import Reason

Shape = Literal["service", "message", "item-requested"]


def _fillable(text: str) -> str:
    try:
        text.format(value="")
    except (KeyError, IndexError, ValueError) as error:
        raise ValueError(f"can't be filled in ({error}); it may contain {{value}}") from error
    return text


Text = Annotated[str, AfterValidator(_fillable)]
"""{value} in it is what was sent."""


class Wording(Section):
    """What one refusal becomes; what is left out is as the standard has it. {value} is what the partner sent."""

    type: Text | None = Field(
        None,
        description="ProblemType text (VCU's addon looks for `User Unknown`); {value} is what was sent, as in "
        "INN-Reach's `PATRON_NOT_FOUND : {value}`",
    )
    scheme: str | None = Field(None, description="scheme URL on ProblemType; '' for none")
    detail: Text | None = Field(None, description="ProblemDetail (OCLC: a constant such as UNKNOWN_ITEM)")
    element: str | None = Field(None, description="ProblemElement")
    value: Text | None = Field(None, description="ProblemValue (OCLC: `12345/{value}` with a registry id)")


class Errors(Section):
    map: dict[Reason, Wording] = Field({}, description="per refusal")
    services: dict[str, dict[Reason, Wording]] = Field({}, description="per service, before `map`")
    detail: Literal["always", "never"] = Field(
        "always", description="ProblemDetail: Cornell's addon reads nothing else, OCLC can't take it in version 1"
    )
    value: Literal["as-sent", "never"] = Field("as-sent", description="ProblemValue with what was sent")
    scheme: Literal["standard", "none"] = Field("standard", description="scheme URL on ProblemType")
    shape: Shape = Field(
        "service",
        description="Problem in the service's own answer, at message level, or (INN-Reach) an ItemRequestedResponse "
        "with the text in ToAgencyId",
    )
    shape_of: dict[str, Shape] = Field(
        {}, description="the same for single services, such as LookupUser (INC answers it with its own Problem)"
    )
    failed_as: str = Field("Temporary Processing Failure", description="ProblemType of technical failures")
