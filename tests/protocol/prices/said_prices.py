"""How suppliers say a price, as octets of each protocol, and what our readers make of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import dialect_of
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext as Context18626
from adapters.iso_ill.codec import decode_apdu, encode_apdu
from adapters.iso_ill.mapping import event_of_apdu
from adapters.iso_ill.messages import IllAnswer, Shipped
from adapters.iso_ill.messages.codes import ReasonConditional, ReasonRetry, Results, ServiceType
from adapters.iso_ill.messages.request_phase import (
    ConditionalResults,
    EstimateResults,
    Explanation,
    RetryResults,
)
from adapters.iso_ill.messages.structures import Amount
from adapters.letters.mail_format import PlainMailFormat
from adapters.loopback.codec import decode_partner_message
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.ports.incoming_mail import MailEvent
from gateway.ports.partner_channel import IncomingPartnerMessage
from tests.protocol.iso18626.habit_rows.messages import write_status
from tests.protocol.iso18626.test_habits_of_systems import find_profile
from tests.support.full_apdus import CONTEXT, build_full_apdus
from tests.unit.adapters.artemail import support as artemail
from tests.unit.adapters.tagged_mail import support as tagged

ZONE = ZoneInfo("Europe/Oslo")
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)


class Meaning(StrEnum):
    """Of a word that comes with a price."""

    PROMISE = "promise"  # the limit decides whether it is a question
    QUESTION = "question"  # a yes is asked for, whatever the limit
    OFFER = "offer"  # the same, and the supplier has ended its request
    SENT = "sent"  # it is under way, too dear or not


@dataclass(frozen=True)
class SaidPrice:
    """`write`: octets of the message with an amount and its currency. `read`: by our adapter."""

    protocol: str
    word: str
    meaning: Meaning
    write: Callable[[str, str], bytes]
    read: Callable[[bytes], tuple[EventKind, EventDetails]]

    def __str__(self) -> str:
        return f"{self.protocol}: {self.word}"


def _read_event(event: IncomingPartnerMessage | MailEvent) -> tuple[EventKind, EventDetails]:
    return event.kind, event.details


# --- ISO 18626 -------------------------------------------------------------------------------------------


def _read_18626(octets: bytes) -> tuple[EventKind, EventDetails]:
    message = decode_message(octets, ZONE).message
    assert message is not None
    context = Context18626(
        library_zone=ZONE, currency="EUR", ours=("DE-Brt1",), dialect=dialect_of(find_profile("iso18626-2017"))
    )
    return _read_event(event_of_message(message, context, "digest"))  # type: ignore[arg-type]


def _write_18626(status: str, element: str, more: str = "") -> Callable[[str, str], bytes]:
    def write(amount: str, currency: str) -> bytes:
        price = f"<{element}><currencyCode>{currency}</currencyCode><monetaryValue>{amount}</monetaryValue></{element}>"
        if element == "deliveryCosts":
            behind = f"<deliveryInfo><dateSent>2026-11-30T08:00:00Z</dateSent>{more}{price}</deliveryInfo>"
            return write_status(status, "RequestResponse", behind=behind).encode()
        text = write_status(status, "RequestResponse", "x").replace("</note>", f"</note>{more}{price}")
        return text.encode()

    return write


_RETRY_FOR_COST = "<reasonRetry>CostExceedsMaxCost</reasonRetry>"
_HERE_ONLY = "<loanCondition>LibraryUseOnly</loanCondition>"

# --- ISO ILL ---------------------------------------------------------------------------------------------


def _read_iso_ill(octets: bytes) -> tuple[EventKind, EventDetails]:
    return _read_event(event_of_apdu(decode_apdu(octets).apdu, CONTEXT))


def _answer(results: Results) -> IllAnswer:
    found = next(one for one in build_full_apdus(IllAnswer) if isinstance(one, IllAnswer) and one.results is results)
    return replace(found, note="", explanation=None, supplemental_item_description=())


def _write_will_supply(amount: str, currency: str) -> bytes:
    return encode_apdu(replace(_answer(Results.WILL_SUPPLY), note=f"cost: {amount} {currency}"))


def _write_conditional(amount: str, currency: str) -> bytes:
    results = ConditionalResults(conditions=ReasonConditional.CHARGES)
    answer = replace(_answer(Results.CONDITIONAL), explanation=Explanation(conditional=results))
    return encode_apdu(replace(answer, note=f"cost: {amount} {currency}"))


def _write_retry(amount: str, currency: str) -> bytes:
    results = RetryResults(reason=ReasonRetry.COST_EXCEEDS_LIMIT)
    answer = replace(_answer(Results.RETRY), explanation=Explanation(retry=results))
    return encode_apdu(replace(answer, note=f"cost: {amount} {currency}"))


def _write_estimate(amount: str, currency: str) -> bytes:
    results = EstimateResults(cost_estimate=f"{amount} {currency}")
    return encode_apdu(replace(_answer(Results.ESTIMATE), explanation=Explanation(estimate=results)))


def _write_shipped(amount: str, currency: str) -> bytes:
    shipped = next(one for one in build_full_apdus(Shipped) if isinstance(one, Shipped))
    supplied = replace(shipped.supply_details, cost=Amount(currency=currency, value=amount))
    return encode_apdu(replace(shipped, supply_details=supplied, service_type=ServiceType.LOAN))


# --- mail ------------------------------------------------------------------------------------------------


def _write_tagged(name: str, *lines: str) -> Callable[[str, str], bytes]:
    def write(amount: str, currency: str) -> bytes:
        said = (name, "", "LSB: DEMO", "LSP: LOCAL:RELAIS-GSM", f"NUM: {tagged.NUMBER}", *lines)
        return "\n".join((*said, f"CST: {amount} {currency}", "")).encode()

    return write


def _read_tagged(octets: bytes) -> tuple[EventKind, EventDetails]:
    return _read_event(tagged.only(tagged.read(octets.decode())))


PRICED_CODES: Mapping[str, Any] = {
    "will": {"code": "WILL COST {amount}", "kind": "will-supply"},
    "asks": {"code": "COSTS {amount}", "kind": "conditional"},
    "again": {"code": "AGAIN {amount}", "kind": "retry"},
    "sent": {"code": "SENT AT {amount}", "kind": "shipped"},
}
"""Codes with a price of a partner by ARTEmail; those of the shipped profile say one in a refusal alone."""


def priced_artemail() -> Profile:
    return artemail.tailored(replies={"codes": PRICED_CODES})


def _write_artemail(code: str) -> Callable[[str, str], bytes]:
    return lambda amount, currency: f"{artemail.NUMBER} {code} {amount} {currency}\n".encode()


def _read_artemail(octets: bytes) -> tuple[EventKind, EventDetails]:
    return _read_event(artemail.only(artemail.read(octets.decode(), profile=priced_artemail())))


def plain_profile() -> Profile:
    return find_profile("email-partner")


def _write_letter(code: str) -> Callable[[str, str], bytes]:
    return lambda amount, currency: f"Dear all,\n{code}\nCost: {amount} {currency}\nbest wishes\n".encode()


def _read_letter(octets: bytes) -> tuple[EventKind, EventDetails]:
    read = PlainMailFormat().decode(tagged.mail(octets.decode()), plain_profile())
    return _read_event(tagged.only(read.events))


# --- between libraries of one gateway --------------------------------------------------------------------


def _write_loopback(kind: EventKind) -> Callable[[str, str], bytes]:
    def write(amount: str, currency: str) -> bytes:
        party = {"symbol": "ELM"}
        said = {"id": "1", "kind": kind.value, "role": "lending", "sender": party, "receiver": "OAK"}
        details = {"cost": {"amount": amount, "currency": currency}}
        return json.dumps({**said, "transaction": "B-17", "details": details}).encode()

    return write


def _read_loopback(octets: bytes) -> tuple[EventKind, EventDetails]:
    return _read_event(decode_partner_message(octets))


# --- all of them -----------------------------------------------------------------------------------------

_M = Meaning
SAID_PRICES = (
    *(
        SaidPrice("iso18626", f"{status} deliveryCosts", _M.PROMISE, _write_18626(status, "deliveryCosts"), _read_18626)
        for status in ("WillSupply", "ExpectToSupply", "RequestReceived")
    ),
    SaidPrice(
        "iso18626",
        "WillSupply loanCondition deliveryCosts",
        _M.QUESTION,
        _write_18626("WillSupply", "deliveryCosts", _HERE_ONLY),
        _read_18626,
    ),
    SaidPrice(
        "iso18626",
        "RetryPossible offeredCosts",
        _M.OFFER,
        _write_18626("RetryPossible", "offeredCosts", _RETRY_FOR_COST),
        _read_18626,
    ),
    SaidPrice("iso18626", "Loaned deliveryCosts", _M.SENT, _write_18626("Loaned", "deliveryCosts"), _read_18626),
    SaidPrice("iso-ill", "ILL-Answer will-supply", _M.PROMISE, _write_will_supply, _read_iso_ill),
    SaidPrice("iso-ill", "ILL-Answer conditional", _M.QUESTION, _write_conditional, _read_iso_ill),
    SaidPrice("iso-ill", "ILL-Answer retry", _M.OFFER, _write_retry, _read_iso_ill),
    SaidPrice("iso-ill", "ILL-Answer estimate", _M.OFFER, _write_estimate, _read_iso_ill),
    SaidPrice("iso-ill", "Shipped", _M.SENT, _write_shipped, _read_iso_ill),
    SaidPrice(
        "tagged-mail",
        "REPLY will supply",
        _M.PROMISE,
        _write_tagged("REPLY TO AN ILL REQUEST", "ANS: WILL SUPPLY"),
        _read_tagged,
    ),
    SaidPrice("tagged-mail", "CONDITIONAL REPLY", _M.QUESTION, _write_tagged("CONDITIONAL REPLY"), _read_tagged),
    SaidPrice(
        "tagged-mail",
        "REPLY retry",
        _M.OFFER,
        _write_tagged("REPLY TO AN ILL REQUEST", "ANS: RETRY"),
        _read_tagged,
    ),
    SaidPrice("tagged-mail", "ITEM SHIPPED", _M.SENT, _write_tagged("ITEM SHIPPED"), _read_tagged),
    SaidPrice("artemail", "code of a promise", _M.PROMISE, _write_artemail("WILL COST"), _read_artemail),
    SaidPrice("artemail", "code of a condition", _M.QUESTION, _write_artemail("COSTS"), _read_artemail),
    SaidPrice("artemail", "code of a retry", _M.OFFER, _write_artemail("AGAIN"), _read_artemail),
    SaidPrice("artemail", "code of a parcel", _M.SENT, _write_artemail("SENT AT"), _read_artemail),
    SaidPrice("letters", "code of a promise", _M.PROMISE, _write_letter("TBS"), _read_letter),
    SaidPrice("letters", "code of a condition", _M.QUESTION, _write_letter("LUO"), _read_letter),
    SaidPrice("letters", "code to ask again", _M.OFFER, _write_letter("RE-AP"), _read_letter),
    *(
        SaidPrice("loopback", kind.value, meaning, _write_loopback(kind), _read_loopback)
        for kind, meaning in (
            (EventKind.WILL_SUPPLY, _M.PROMISE),
            (EventKind.EXPECT_TO_SUPPLY, _M.PROMISE),
            (EventKind.CONDITIONAL, _M.QUESTION),
            (EventKind.RETRY, _M.OFFER),
            (EventKind.SHIPPED, _M.SENT),
        )
    ),
)

UNPRICED: Mapping[str, str] = {
    "openrs": "a hub tells no price; a fee of AcceptItem is one of the patron's account",
}
"""Protocols by which a supplier can't say a price, and why."""
