"""Every habit of docs/facts/iso-18626.md 8: what is understood, said and confirmed. The rows are in `habit_rows`."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping
from datetime import UTC, date, datetime
from functools import lru_cache
from operator import attrgetter
from zoneinfo import ZoneInfo

import pytest

from adapters.iso18626.codec import decode_message, encode_message
from adapters.iso18626.dialect import DEFAULT_DIALECT, Account, Iso18626Dialect, dialect_of
from adapters.iso18626.http_channel import add_account, choose_style, judge_confirmation
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import messages_of_event
from adapters.iso18626.messages import Message
from adapters.iso18626.responder import Iso18626Responder
from gateway.cli.installation import Installation
from gateway.domain.problems import Refusal, RefusalReason, Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import LendingState, LibraryParty, LoanTerms, Request, Role
from gateway.ports.library_system import LibraryInfo
from gateway.ports.outgoing_http import HttpReply
from gateway.ports.partner_channel import InboxResult, PartnerMessage
from gateway.ports.responder import ExchangeContext, RawMessage, TransportKind
from gateway.profiles import ProfileSet, load_profiles
from tests.protocol.iso18626.habit_rows import ANSWERED, HEARD, JUDGED, SAID
from tests.protocol.iso18626.habit_rows.answered import AnsweredHabit, JudgedHabit
from tests.protocol.iso18626.habit_rows.heard import HeardHabit
from tests.protocol.iso18626.habit_rows.messages import THEIRS
from tests.protocol.iso18626.habit_rows.said import SaidHabit
from tests.support.paths import ROOT
from tests.support.requests import attempt, borrowing, lending

NOW = datetime(2026, 11, 27, 9, 30, tzinfo=UTC)
OSLO = ZoneInfo("Europe/Oslo")
BORROWER = LibraryParty(symbol="PL-WaUW", name="Biblioteka Uniwersytecka", address="ul. Dobra 56/66\n00-312 Warszawa")
LENDER = LibraryParty(symbol="JP-1003457", name="京都図書館", address="岡崎成勝寺町\n京都市")


@lru_cache(maxsize=1)
def load_shipped() -> ProfileSet:
    installation = Installation(ROOT / "gateway.yml")
    return load_profiles(ROOT / "profiles", installation.adapters, installation.settings)


def find_profile(name: str) -> Profile:
    return load_shipped().loaded[name].profile


def make_context(dialect: Iso18626Dialect, ours: str) -> MappingContext:
    return MappingContext(library_zone=OSLO, currency="NOK", ours=(ours,), partner=THEIRS, dialect=dialect)


def list_names() -> set[str]:
    """Of the first column of section 8's tables."""
    text = (ROOT / "docs" / "facts" / "iso-18626.md").read_text("utf-8")
    section = text.partition("\n## 8. ")[2].partition("\n## 9. ")[0]
    cells = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_habit_has_its_row() -> None:
    assert {row.habit for rows in (HEARD, SAID, ANSWERED, JUDGED) for row in rows} == list_names()


# --- heard -----------------------------------------------------------------------------------------------


def is_as_said(found: object, wanted: object) -> bool:
    """Of extras those that are named."""
    if isinstance(wanted, Mapping) and isinstance(found, tuple):
        return {one.name: one.value for one in found}.items() >= wanted.items()
    return found == wanted


@pytest.mark.parametrize("row", HEARD, ids=lambda row: row.habit)
def test_octets_of_a_partner_are_understood(row: HeardHabit) -> None:
    ours = "NO-0030101" if "supplyingAgencyMessage>" in row.octets else "DE-Brt1"
    decoded = decode_message(row.octets.encode(), OSLO)
    assert isinstance(decoded.message, Message)
    told = event_of_message(decoded.message, make_context(dialect_of(find_profile(row.profile)), ours), "digest")

    found = {path: attrgetter(path)(told) for path in row.understood}
    wrong = {path: one for path, one in found.items() if not is_as_said(one, row.understood[path])}
    assert (told.kind, wrong) == (row.kind, {})
    assert tuple(remark.what for remark in decoded.remarks) == row.remarks


# --- said ------------------------------------------------------------------------------------------------


def make_request(row: SaidHabit) -> Request:
    if row.role is Role.BORROWING:
        return borrowing(**{"attempts": (attempt(transaction="B-17", theirs="L-4"),), **row.request})
    made = lending(LendingState.SHIPPED, number="L-4", transaction="B-17", **row.request)
    return dataclasses.replace(made, terms=LoanTerms(lender_due=date(2026, 12, 1)))


def make_message(kind: EventKind, role: Role, request: Request, **details: object) -> PartnerMessage:
    ours, theirs = (BORROWER, LENDER) if role is Role.BORROWING else (LENDER, BORROWER)
    return PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=ours,
        receiver=theirs,
        role=role,
        transaction="B-17",
        details=EventDetails(**details),  # type: ignore[arg-type]
        request=request,
    )


@pytest.mark.parametrize("row", SAID, ids=lambda row: row.habit)
def test_a_partner_gets_the_octets_that_it_understands(row: SaidHabit) -> None:
    dialect = dialect_of(find_profile(row.profile))
    if row.account:
        dialect = dialect.model_copy(update={"account": Account(id="vaar-konto", code="env:KODE")})
    message = make_message(row.kind, row.role, make_request(row), **row.details)
    sender = message.sender
    context = dataclasses.replace(
        make_context(dialect, sender.symbol),
        library=LibraryInfo(sender.symbol, sender.name, sender.address, postal_address=row.postal_address),
    )
    if not row.parts:
        with pytest.raises(Refused, match="does not accept"):
            messages_of_event(message, context)
        return
    said = messages_of_event(message, context)
    octets = [
        encode_message(
            add_account(one, dialect, lambda _reference: "hemmelig"),
            dialect.schema_version,
            choose_style(dialect),
            version_string=dialect.version_string,
        ).data.decode()
        for one in said
    ]

    assert len(octets) == row.messages
    written, place = "".join(octets), 0
    for part in row.parts:
        place = written.find(part, place)
        assert place >= 0, (part, written)
    assert not [part for part in row.absent if part in written]


# --- answered --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("row", ANSWERED, ids=lambda row: row.habit)
def test_a_partner_gets_the_confirmation_that_it_counts(row: AnsweredHabit) -> None:
    responder, profile = Iso18626Responder(), find_profile(row.profile)
    headers = {"content-type": row.content_type}
    arrival = RawMessage(row.octets.encode(), NOW, TransportKind.HTTP, "iso18626", headers=headers)
    exchange = ExchangeContext(profile=profile, symbol="DE-Brt1", zone=OSLO, currency="NOK", now=NOW)
    envelope = responder.open(arrival, 1_000_000)
    incoming = responder.decode(envelope, exchange)
    no = Refusal(RefusalReason.UNKNOWN_REQUEST, "There is no request with this number.") if row.refused else None
    answer = responder.encode(envelope, incoming, InboxResult("r-1", no), exchange)

    assert answer.status == row.status
    assert answer.content_type.startswith("application/xml")
    assert not [part for part in row.parts if part not in answer.body.decode()]


@pytest.mark.parametrize("row", JUDGED, ids=lambda row: row.habit)
def test_a_confirmation_of_a_partner_says_what_became_of_it(row: JudgedHabit) -> None:
    request = borrowing() if row.role is Role.BORROWING else lending(LendingState.SHIPPED)
    message = make_message(row.kind, row.role, request)
    (said,) = messages_of_event(message, make_context(Iso18626Dialect(), message.sender.symbol))
    reply = HttpReply(row.status, row.body.encode(), row.content_type)
    dialect = dialect_of(find_profile(row.profile)) if row.profile else DEFAULT_DIALECT

    if isinstance(row.outcome, type):
        with pytest.raises(row.outcome):
            judge_confirmation(reply, said, dialect, repeated=row.repeated)
        return
    result = judge_confirmation(reply, said, dialect, repeated=row.repeated)
    assert (result.refused.detail if result.refused is not None else result.note) == row.outcome
