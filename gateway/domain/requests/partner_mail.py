"""What is known of the mails of a partner: section `partner.mail` of a profile."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from gateway.domain.policy import Section

Sender = Annotated[str, Field(pattern=r"^[^@\s<>]*@[^@\s<>]+$")]


class PartnerMail(Section):
    addresses: tuple[Sender, ...] = Field(
        (), description="further addresses that its mails come from; @DOMAIN: any address there"
    )
    require: tuple[Literal["spf", "dkim", "dmarc"], ...] = Field(
        (), description="what our mail server must have found right about a mail, so that a forged one changes nothing"
    )
    bounce: Literal["next", "staff"] = Field(
        "next", description="a request that can't be delivered goes to the next supplier, or staff look at it first"
    )
    repeat_hours: int = Field(
        24, ge=0, le=8760, description="the same content under another Message-ID is a repeat so long; 0: never"
    )

    def is_from(self, address: str) -> bool:
        """Whether one of `addresses` is this one, or its domain; without case."""
        wanted = address.casefold()
        at_domain = wanted[wanted.rfind("@") :]
        return any(one.casefold() in (wanted, at_domain) for one in self.addresses)
