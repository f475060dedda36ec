"""Section `parcel` of a profile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, Field

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile import Profile
from gateway.domain.requests.events import ReasonCodes

SECTION = "parcel"


def _check_host_port(text: str) -> str:
    host, _, port = text.rpartition(":")
    if text and not (host and port.isdecimal() and 0 < int(port) < 65_536):
        raise ValueError("not host:port, such as north.example:7077")
    return text


HostPort = Annotated[str, AfterValidator(_check_host_port)]


class ParcelDialect(ProfileSection):
    address: HostPort = Field("", description="host:port where the partner listens; empty: it can't be told")
    answer_seconds: float = Field(30.0, gt=0, le=50, description="how long the partner's answer may take")
    reasons: Mapping[str, ReasonCodes] = Field(
        {}, description="in: the partner's words for why not -> ours, such as sold: not-held; others stay as they are"
    )


DEFAULT_DIALECT = ParcelDialect()


def dialect_of(profile: Profile) -> ParcelDialect:
    found = profile.dialects.get(SECTION)
    return found if isinstance(found, ParcelDialect) else DEFAULT_DIALECT
