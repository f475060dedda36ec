"""What gateway.yml says of a ledger: section `libraries[].system` with `type: ledger`."""

from __future__ import annotations

from pydantic import Field

from gateway.domain.circulation_policy import ProfileSection


class LedgerOptions(ProfileSection):
    file: str = Field(min_length=1, description="the ledger; relative to gateway.yml")
    loan_days: int = Field(28, ge=1, le=366, description="how long everything is lent")
