"""What answers hold beyond what the schema requires, and what they must never hold."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from gateway.domain.policy import Section

Part = Literal["item-id", "request-id", "user-id", "due-date", "renewal-count", "routing", "user-fields", "item-fields"]

STANDARD_PARTS: Mapping[str, tuple[Part, ...]] = MappingProxyType(
    {
        "AcceptItem": ("item-id",),
        "CheckInItem": ("user-id", "routing"),
        "RenewItem": ("user-id", "due-date", "renewal-count"),
        "CheckOutItem": ("renewal-count",),
        "RequestItem": ("request-id", "item-id"),
        "CancelRequestItem": ("request-id", "item-id"),
        "RecallItem": ("user-id", "due-date"),
    }
)


def _beside_standard(said: dict[str, tuple[Part, ...]]) -> dict[str, tuple[Part, ...]]:
    """A profile that names one service leaves the others as they are."""
    return {**STANDARD_PARTS, **said}


class Answers(Section):
    include: Annotated[dict[str, tuple[Part, ...]], AfterValidator(_beside_standard)] = Field(
        dict(STANDARD_PARTS),
        description="per service, optional parts that are written when known; services that aren't named keep the "
        "standard. ReShare needs ItemId and RequestId in AcceptItem and CancelRequestItem, Auto-Graphics wants an "
        "empty UserOptionalFields (`user-fields`)",
    )
    echo_titles: bool = Field(
        True, description="title, author and notes may stand in answers; ILLiad addons search the text for Problem"
    )
    failure_words: tuple[str, ...] = Field(
        (),
        description="words by which this client recognises failure anywhere in the text: a success answer that would "
        "hold one loses its optional parts",
    )
