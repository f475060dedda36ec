"""Section `directory` of gateway.yml: where the members of groups are listed by somebody else."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from gateway.domain.circulation_policy import ProfileSection
from gateway.domain.profile_values import make_duration_check, split_duration
from gateway.domain.secret_reference import SecretReference
from gateway.settings.article_lookup import WebAddress

_UNIT_SECONDS = {"m": 60, "h": 3600, "d": 86_400}


Period = Annotated[str, make_duration_check("mhd", "a period such as 30m, 6h or 1d")]


class DirectoryPart(StrEnum):
    """The values of an entry that a source may give. Symbols and the kind of system always come from it; who may send
    as the partner, and with which secrets, never does."""

    NAMES = "names"
    ADDRESSES = "addresses"
    CLOSURES = "closures"
    TERMS = "terms"
    ENDPOINTS = "endpoints"


class DirectorySource(ProfileSection):
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", description="name by which groups and commands mean it")
    url: WebAddress = Field(description="address, such as https://directory.example/directory")
    format: Literal["crosslink"] = Field(description="format: crosslink, the directory API of CrossLink")
    token: SecretReference = Field("", description="sent as a bearer token: env:NAME or file:PATH; empty: none")
    every: Period = Field("6h", description="interval: 30m, 6h, 1d …")
    takes: tuple[DirectoryPart, ...] = Field(
        tuple(DirectoryPart), description="values taken from it: names, addresses, closures, terms, endpoints"
    )

    @property
    def every_seconds(self) -> int:
        number, unit = split_duration(self.every)
        return number * _UNIT_SECONDS[unit]


class DirectorySettings(ProfileSection):
    folder: str = Field("directory", min_length=1, description="folder of the pulled entries; relative to this file")
    sources: tuple[DirectorySource, ...] = ()

    @model_validator(mode="after")
    def _check_names_differ(self) -> Self:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return self
