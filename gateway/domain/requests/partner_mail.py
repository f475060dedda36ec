"""What is known of the mails of a partner: section `partner.mail` of a profile."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from gateway.domain.policy import Section
from gateway.domain.requests.number_template import NumberTemplate

Sender = Annotated[str, Field(pattern=r"^[^@\s<>]*@[^@\s<>]+$")]
TimeOfDay = Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


def _one_word(template: str) -> str:
    """As it can be found again in an answer."""
    if re.search(r"\{(?:branch|partner)\b", template):
        raise ValueError("a file is of no branch, and a partner's symbol may have characters that no answer repeats")
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9./-]*", template.format(year=1, month=1, prefix="x", sequence=1)):
        raise ValueError("a file's number is one word of letters, digits and . / -")
    return template


class Gather(Section):
    """Orders wait until one of these comes true, then all that wait go together (domain.requests.gathering)."""

    at: tuple[TimeOfDay, ...] = Field(
        (), description="times of day at which they go, such as 11:30, in the library's zone, on days when it is open"
    )
    wait_minutes: int | None = Field(None, ge=1, le=10_080, description="longest wait of an order")
    most: int = Field(50, ge=1, le=1_000, description="so many go at once, and no more in one mail; 1: one at a time")
    number: Annotated[NumberTemplate, AfterValidator(_one_word)] = Field(
        "F{sequence:06d}", description="of a file, quoted by the partner: {year}, {month}, {prefix}, {sequence}"
    )

    @model_validator(mode="after")
    def _ends(self) -> Gather:
        if not self.at and self.wait_minutes is None and self.most > 1:
            raise ValueError("needs `at` or `wait_minutes`: an order could wait for others for ever")
        return self


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

    gather: Gather | None = Field(
        None,
        description="orders wait for others and go in one mail, where its channel can do that; none: one at a time",
    )

    def is_from(self, address: str) -> bool:
        """Whether one of `addresses` is this one, or its domain; without case."""
        wanted = address.casefold()
        at_domain = wanted[wanted.rfind("@") :]
        return any(one.casefold() in (wanted, at_domain) for one in self.addresses)
