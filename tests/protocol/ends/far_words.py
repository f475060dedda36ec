"""What partners say on the way of a request to its end, in octets that are written here: mails of four formats, and
messages of NCIP. What a format has no words for isn't here."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import date, datetime, time
from typing import Any
from zlib import crc32

from adapters.iso_ill.codec import encode_apdu
from adapters.iso_ill.messages import (
    Apdu,
    Cancel,
    CancelReply,
    CheckedIn,
    IllAnswer,
    IllRequest,
    Lost,
    Recall,
    Received,
    Returned,
    Shipped,
)
from adapters.iso_ill.messages.codes import Results, ServiceType, Wish
from adapters.iso_ill.messages.request_phase import RequesterOptionalMessages
from adapters.iso_ill.messages.structures import DateDue, ItemId, Moment, ServiceDateTime, SystemId, TransactionId
from adapters.iso_ill.messages.tracking_phase import SupplyDetails

DUE = date(2026, 4, 1)
NCIP_PATRON = "21000000000025"

_TAGGED: Mapping[str, tuple[str, str]] = {
    "request": ("ILL REQUEST", ""),
    "unfilled": ("REPLY TO AN ILL REQUEST", "NOT SUPPLIED"),
    "will-supply": ("REPLY TO AN ILL REQUEST", "WILL SUPPLY"),
    "cancel-accepted": ("REPLY TO AN ILL REQUEST", "CANCELLED"),
    "shipped": ("ITEM SHIPPED", ""),
    "recall": ("RECALL MESSAGE", ""),
    "lost": ("GENERAL MESSAGE", "ITEM LOST"),
    "settled": ("GENERAL MESSAGE", "ITEM LOST"),
    "checked-in": ("GENERAL MESSAGE", "ITEM CHECKED IN"),
    "cancel": ("CANCELLATION", ""),
    "received": ("GENERAL MESSAGE", "ITEM RECEIVED"),
    "returned": ("GENERAL MESSAGE", "ITEM RETURNED"),
}

_LETTER_CODES = {
    "unfilled": "NIS",
    "will-supply": "TBS",
    "shipped": "SENT",
    "recall": "WANTED",
    "cancel-accepted": "OFF",
}
"""Two of the Forum for Interlending, and those that the profile adds (`LETTER_REPLIES`)."""

LETTER_REPLIES = {
    "SENT": {"means": "shipped"},
    "WANTED": {"means": "recall"},
    "OFF": {"means": "cancel-accepted"},
}

LETTER_LINKS = {"cancel": "us will-supply", "received": "us shipped", "returned": "us shipped"}
"""What a borrower can say by a link of a letter of ours, and the step that sends that letter."""

_ART_CODES = {
    "unfilled": "NOT",
    "will-supply": "USE O/D",
    "shipped": "SHIPPED COPY",
    "recall": "DUE WAIT",
    "cancel-accepted": "CANC",
}

WANTED = {
    "citation": {"title": "Sult"},
    "service": {"type": "loan"},
    "dates": {},
    "costs": {},
    "volumes": [],
    "extras": [],
}
"""What Bay asks for."""

_NCIP = ("request", "cancel", "checked-in")

WORDS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "tagged-mail": dict.fromkeys(("borrowing", "lending"), frozenset(_TAGGED)),
    "letters": {"borrowing": frozenset(_LETTER_CODES), "lending": frozenset(LETTER_LINKS)},
    "artemail": {"borrowing": frozenset(_ART_CODES)},
    "ncip": {"lending": frozenset(_NCIP)},
}
"""By protocol and by our side: what its partner can say. Others have words for all."""


def write_text_mail(sender: str, at: datetime, subject: str, text: str) -> bytes:
    return _write_mail(sender, at, subject, "text/plain; charset=utf-8", text.encode())


def write_tagged_mail(kind: str, number: str, side: str, at: datetime, cost: str) -> bytes:
    name, answer = _TAGGED[kind]
    borrower, lender = ("OAK", "YEW") if side == "borrowing" else ("YEW", "OAK")
    tags = [f"LSB: {borrower}", f"LSP: {lender}", f"NUM: {number}"]
    if kind == "request":
        tags += ["AUT: Hamsun, Knut", "TIT: Sult"]
    tags += [f"ANS: {answer}"] if answer else []
    tags += [f"DUE: {DUE}"] if kind == "shipped" else []
    tags += [f"CST: {cost}"] if cost else []
    return write_text_mail("ill@yew.example", at, f"{name} {number}", "\r\n".join([name, "", *tags, ""]))


def write_letter(kind: str, number: str, at: datetime) -> bytes:
    return write_text_mail(
        "ill@fir.example", at, f"Re: {number}", f"{_LETTER_CODES[kind]} {number}\r\n\r\nAda, Fir\r\n"
    )


def write_art_mail(kind: str, number: str, at: datetime) -> bytes:
    return write_text_mail("ill@art.example", at, "Your requests", f"{number} {_ART_CODES[kind]}\r\n")


def write_apdu_mail(kind: str, transaction: TransactionId, side: str, at: datetime) -> bytes:
    apdu = _write_apdu(kind, transaction, side, at)
    body = base64.encodebytes(encode_apdu(apdu)).replace(b"\n", b"\r\n")
    headers = "application/iso-10161-ill-1; transfer-encoding=iso-8825-ber\r\nContent-Transfer-Encoding: base64"
    return _write_mail("ill@ash.example", at, type(apdu).__name__, headers, body)


def _write_apdu(kind: str, transaction: TransactionId, side: str, at: datetime) -> Apdu:
    requester, responder = ("OAK", "ISIL:ASH") if side == "borrowing" else ("ISIL:ASH", "OAK")
    day = at.date()
    header: dict[str, Any] = {
        "protocol_version": 2,
        "transaction_id": transaction,
        "service_date_time": ServiceDateTime(this=Moment(day=day, clock=time(at.hour, at.minute, at.second))),
        "requester_id": SystemId.from_symbol(requester),
        "responder_id": SystemId.from_symbol(responder),
    }
    match kind:
        case "request":
            wishes = RequesterOptionalMessages(
                can_send_received=True, can_send_returned=True, shipped=Wish.DESIRES, checked_in=Wish.DESIRES
            )
            return IllRequest(
                **header, service_types=(ServiceType.LOAN,), optional_messages=wishes, item=ItemId(title="Sult")
            )
        case "unfilled" | "will-supply":
            return IllAnswer(**header, results=Results[kind.upper().replace("-", "_")])
        case "cancel-accepted":
            return CancelReply(**header, answer=True)
        case "shipped":
            details = SupplyDetails(date_shipped=day, date_due=DateDue(due=DUE))
            return Shipped(**header, service_type=ServiceType.LOAN, supply_details=details)
        case "recall":
            return Recall(**header)
        case "lost" | "settled":
            return Lost(**header)
        case "checked-in":
            return CheckedIn(**header, date_checked_in=day)
        case "cancel":
            return Cancel(**header)
        case "received":
            return Received(**header, date_received=day, service_type=ServiceType.LOAN)
        case "returned":
            return Returned(**header, date_returned=day)
    raise AssertionError(f"ISO ILL has no {kind}")


def write_ncip(kind: str, number: str, barcode: str) -> bytes:
    user = f"<UserId><UserIdentifierValue>{NCIP_PATRON}</UserIdentifierValue></UserId>"
    item = f"<ItemId><ItemIdentifierValue>{barcode}</ItemIdentifierValue></ItemId>"
    asked = f"<RequestId><RequestIdentifierValue>{number}</RequestIdentifierValue></RequestId>"
    wanted = "<RequestType>Hold</RequestType><RequestScopeType>Item</RequestScopeType>"
    service, inside = {
        "request": ("RequestItem", f"{user}{item}{asked}{wanted}"),
        "cancel": ("CancelRequestItem", f"{user}{asked}<RequestType>Hold</RequestType>"),
        "checked-in": ("CheckInItem", item),
    }[kind]
    return (
        '<?xml version="1.0" encoding="UTF-8"?><NCIPMessage xmlns="http://www.niso.org/2008/ncip" '
        'version="http://www.niso.org/schemas/ncip/v2_02/ncip_v2_02.xsd">'
        f"<{service}>{inside}</{service}></NCIPMessage>"
    ).encode()


def _write_mail(sender: str, at: datetime, subject: str, content_type: str, body: bytes) -> bytes:
    head = (
        f"From: {sender}\r\nTo: ill@oak.example\r\nSubject: {subject}\r\nDate: {at:%a, %d %b %Y %H:%M:%S} +0000\r\n"
        f"Message-ID: <{at.timestamp():.0f}.{crc32(subject.encode() + body)}@far.example>\r\nMIME-Version: 1.0\r\n"
        f"Content-Type: {content_type}\r\n\r\n"
    )
    return head.encode() + body
