"""The section of an embedded library in gateway.yml."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class EmbeddedOptions(BaseModel):
    """How the library presents itself to partners (NCIP LookupAgency)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field("", description="the library's name; empty: its symbol")
    address: str = Field("", description="postal address in one line")
    email: str = ""
    phone: str = ""
