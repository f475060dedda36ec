"""To which library a mail came."""

from __future__ import annotations

from dataclasses import replace

from gateway.ports.mail_format import Recipient
from gateway.ports.mail_reading import ParsedMail
from gateway.services.requests.house import House


def addressed(parsed: ParsedMail, house: House) -> ParsedMail:
    """With the library of the mailbox, as formats see it."""
    recipient = Recipient(house.symbol, house.zone, house.currency)
    return replace(parsed, mail=replace(parsed.mail, recipient=recipient))
