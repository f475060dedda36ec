"""Conditions, prices and the answers to them: each vendor's words are read under every profile, from octets, and
written as the partner reads them. What a price means is the same in all of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from adapters.iso18626.codec import decode_message, encode_message
from adapters.iso18626.dialect import Iso18626Dialect, NoteHabits, dialect_of
from adapters.iso18626.http_channel import choose_style
from adapters.iso18626.mapping.condition_words import read_noted_terms
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.mapping.messages_sent import messages_of_event
from adapters.iso18626.messages import Message
from gateway.domain.library import Money
from gateway.domain.requests.events import Event, EventDetails, LoanCondition, NamedSupplier, partner_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import AttemptStatus, LendingState, LibraryParty, Request, RequestCosts, Role
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.state_machine import Transition, compute_transition
from gateway.ports.partner_channel import IncomingPartnerMessage, PartnerMessage
from tests.protocol.iso18626.habit_rows.messages import write_action, write_status
from tests.protocol.iso18626.test_habits_of_systems import find_profile
from tests.support.processor_time import TIMES_LARGER, require_linear
from tests.support.requests import asked_story, attempt, borrowing, lending, money, workflow

PROFILES = (
    "iso18626-2017",
    "iso18626-2021",
    "alma-18626",
    "crosslink-18626",
    "koha-18626",
    "reshare-18626",
    "worldshare-18626",
)
NOW = datetime(2026, 11, 30, 9, 0, tzinfo=UTC)
HERE = ZoneInfo("Europe/Oslo")


def make_context(profile: str | Iso18626Dialect) -> MappingContext:
    """`profile`: the name of a shipped one, or what another says."""
    dialect = dialect_of(find_profile(profile)) if isinstance(profile, str) else profile
    return MappingContext(library_zone=HERE, currency="EUR", ours=("DE-Brt1", "NO-0030101"), dialect=dialect)


def read_octets(octets: str, profile: str) -> IncomingPartnerMessage:
    message = decode_message(octets.encode(), HERE).message
    assert isinstance(message, Message)
    return event_of_message(message, make_context(profile), "digest")


def price(element: str, amount: str, currency: str) -> str:
    code = f"<currencyCode>{currency}</currencyCode><monetaryValue>{amount}</monetaryValue>"
    return f"<{element}>{code}</{element}>"


def deliver(inner: str) -> str:
    return f"<deliveryInfo><dateSent>2026-11-30T08:00:00Z</dateSent>{inner}</deliveryInfo>"


# --- a supplier asks for a yes ---------------------------------------------------------------------------

USE_HERE = "<loanCondition>LibraryUseOnly</loanCondition>"
CONDITIONS = {
    "our words": (
        write_status("WillSupply", "RequestResponse", "conditions: library use only; Lesesaal"),
        "conditions: library use only; Lesesaal",
    ),
    "an element": (write_status("WillSupply", "RequestResponse", "Lesesaal", behind=deliver(USE_HERE)), "Lesesaal"),
    "ReShare, at once": (
        write_status("ExpectToSupply", "RequestResponse", "Lesesaal#seq:1#", behind=deliver(USE_HERE)),
        "Lesesaal",
    ),
    "ReShare, later": (
        write_status(
            "RequestReceived", "Notification", "#ReShareAddLoanCondition# Lesesaal#seq:2#", behind=deliver(USE_HERE)
        ),
        "Lesesaal",
    ),
    "CrossLink": (
        write_status("WillSupply", "StatusChange", "Lesesaal\n#ReShareAddLoanCondition#", behind=deliver(USE_HERE)),
        "Lesesaal",
    ),
    "Alma": (write_status("WillSupply", "Notification", "Condition: LibraryUseOnly; Lesesaal"), "Lesesaal"),
}


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("vendor", CONDITIONS)
def test_a_condition_is_read_in_each_vendors_words(vendor: str, profile: str) -> None:
    octets, words = CONDITIONS[vendor]
    heard = read_octets(octets, profile)
    assert (heard.kind, heard.details.conditions) == (K.CONDITIONAL, (LoanCondition.LIBRARY_USE_ONLY,))
    assert heard.details.note == words, "without what is for programs"


@pytest.mark.parametrize("profile", PROFILES)
def test_a_marker_alone_is_a_condition_that_is_not_named(profile: str) -> None:
    heard = read_octets(write_status("WillSupply", "StatusChange", "#ReShareAddLoanCondition#"), profile)
    story = asked_story(borrowing())
    told = story.partner(heard.kind, 1, note=heard.details.note, conditions=heard.details.conditions)
    assert (story.state, told.event.details.conditions) == (B.CONDITIONAL, (LoanCondition.OTHER,))


@pytest.mark.parametrize(
    ("words", "cost", "note"),
    [
        ("Cost: EUR 20", money("20"), ""),
        ("Cost: .5 EUR", money("0.5"), ""),
        ("Cost: 12,50 EUR; keep it dry", money("12.50"), "keep it dry"),
        ("Cost: 20 EUR a volume", None, "Cost: 20 EUR a volume"),
        ("Cost: 1.234,50 EUR", money("1234.50"), ""),
        ("Cost: EUR 1,234.50", money("1234.50"), ""),
        ("Cost: 1.234 EUR", None, "Cost: 1.234 EUR"),
        ("Cost: 1 234,50 EUR", money("1234.50"), ""),
        ("Cost: EUR 1\N{NO-BREAK SPACE}234", None, "Cost: EUR 1\N{NO-BREAK SPACE}234"),
        ("Cost: 1'234.50 EUR", money("1234.50"), ""),
        ("Cost: 20-30 EUR", None, "Cost: 20-30 EUR"),
        ("Cost: EUR 20-30", None, "Cost: EUR 20-30"),
        ("Cost: 20 EUR or 5 EUR a volume", None, "Cost: 20 EUR or 5 EUR a volume"),
        ("Cost: EUR 12,-", money("12"), ""),
        ("Cost: 20 Dollars", None, "Cost: 20 Dollars"),
    ],
)
def test_a_price_in_a_note_is_read_whole_or_stays_words(words: str, cost: Money | None, note: str) -> None:
    terms = read_noted_terms(words, NoteHabits())
    assert (terms.cost, terms.text, terms.has_unread_cost) == (cost, note, cost is None)


@pytest.mark.parametrize(
    ("begin", "part", "end"),
    [("Cost: a", " ", "b"), ("", "Condition:;", ""), ("", "Cost: 2 EUR;", "")],
    ids=["blanks", "conditions", "prices"],
)
def test_a_long_note_is_read_in_linear_time(begin: str, part: str, end: str) -> None:
    small, large = (begin + part * (length // len(part)) + end for length in (100_000, 100_000 * TIMES_LARGER))
    require_linear(lambda note: read_noted_terms(note, NoteHabits()), small, large)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_price_is_read_from_the_words_of_alma(profile: str) -> None:
    heard = read_octets(write_status("WillSupply", "RequestResponse", "Cost: .5 EUR; Lesesaal"), profile)
    assert (heard.kind, heard.details.cost, heard.details.note) == (K.WILL_SUPPLY, money("0.5"), "Lesesaal")


@pytest.mark.parametrize("profile", PROFILES)
def test_a_price_in_a_notification_waits_for_a_yes(profile: str) -> None:
    """As CrossLink tells Alma one for which its library waits; of what is lent it asks for nothing."""
    heard = read_octets(write_status("WillSupply", "Notification", "Cost: 9.00 EUR; Lesesaal"), profile)
    assert (heard.kind, heard.details.cost, heard.details.note) == (K.CONDITIONAL, money("9.00"), "Lesesaal")
    assert read_octets(write_status("Loaned", "Notification", "Cost: 9.00 EUR"), profile).kind is K.MESSAGE


@pytest.mark.parametrize(
    ("status", "reason", "note"),
    [
        ("WillSupply", "RequestResponse", "Cost: 20-30 EUR; Lesesaal"),
        ("WillSupply", "RequestResponse", "cost: 12 kr"),
        ("ExpectToSupply", "RequestResponse", "Supplier: ELM, Cost: 1.234 EUR"),
        ("WillSupply", "Notification", "Cost: about 20; Lesesaal"),
    ],
)
@pytest.mark.parametrize("profile", PROFILES)
def test_a_price_that_cant_be_read_is_asked_about(profile: str, status: str, reason: str, note: str) -> None:
    heard = read_octets(write_status(status, reason, note), profile)
    assert LoanCondition.COST in heard.details.conditions
    after = apply_answer(heard, LIMIT, broker=False)
    assert (after.state, after.attempts[0].conditions) == (B.CONDITIONAL, (LoanCondition.COST,))
    assert after.costs == RequestCosts(LIMIT)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_price_in_no_currency_is_asked_about(profile: str) -> None:
    octets = write_status("WillSupply", "RequestResponse", behind=deliver(price("deliveryCosts", "5", "EURO")))
    heard = read_octets(octets, profile)
    assert (heard.details.cost, heard.details.conditions) == (None, (LoanCondition.COST,))
    assert "cost: 5 EURO" in heard.details.note
    assert apply_answer(heard, LIMIT, broker=False).state is B.CONDITIONAL


# --- a requester answers ---------------------------------------------------------------------------------

ANSWERS = {
    "our yes": ("Notification", "condition accepted; gladly", K.CONDITION_ACCEPTED, "gladly"),
    "our no": ("Notification", "Condition refused", K.CONDITION_REFUSED, ""),
    "Alma's yes": ("Notification", "accept", K.CONDITION_ACCEPTED, ""),
    "Alma's yes, with signs": ("Notification", " ACCEPT! ", K.CONDITION_ACCEPTED, ""),
    "Alma's no": ("Notification", "REJECT", K.CONDITION_REFUSED, ""),
    "words about it": ("Notification", "I will accept", K.MESSAGE, "I will accept"),
    "more words about it": ("Notification", "accept; please hurry", K.MESSAGE, "accept; please hurry"),
    "ReShare's yes": ("Notification", "#ReShareLoanConditionAgreeResponse# ok#seq:3#", K.CONDITION_ACCEPTED, "ok"),
    "the broker's yes for Alma": (
        "Notification",
        "#ReShareLoanConditionAgreeResponse#ACCEPT",
        K.CONDITION_ACCEPTED,
        "",
    ),
    "CrossLink's no": ("Cancel", "#ReShareLoanConditionRejectResponse#", K.CONDITION_REFUSED, ""),
    "the broker's no for Alma": ("Cancel", "#ReShareLoanConditionRejectResponse#REJECT", K.CONDITION_REFUSED, ""),
    "a cancel": ("Cancel", "not needed", K.CANCEL, "not needed"),
}


@pytest.mark.parametrize("profile", [one for one in PROFILES if one != "alma-18626"])
@pytest.mark.parametrize("vendor", ANSWERS)
def test_an_answer_is_read_in_each_vendors_words(vendor: str, profile: str) -> None:
    action, note, kind, words = ANSWERS[vendor]
    heard = read_octets(write_action(action, note), profile)
    assert (heard.kind, heard.details.note) == (kind, words)
    assert heard.details.by_cancel is (action == "Cancel" and kind is K.CONDITION_REFUSED)


# --- what a price means ----------------------------------------------------------------------------------

LIMIT = money("20.00")
PROMISES = ("WillSupply", "ExpectToSupply", "RequestReceived")


def apply_answer(heard: IncomingPartnerMessage, maximum: Money | None, *, broker: bool) -> Request:
    story = asked_story(borrowing(costs=RequestCosts(maximum)), workflow(borrowing={"asks_others": broker}))
    event = Event(partner_signal(heard.kind), story.at, "partner:ELM", heard.details, 1)
    outcome = compute_transition(story.request, event, story.workflow)
    assert isinstance(outcome, Transition)
    return outcome.request


@pytest.mark.parametrize("broker", [False, True], ids=["direct", "broker"])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("status", PROMISES)
@pytest.mark.parametrize(
    ("maximum", "amount", "currency", "asks"),
    [
        (LIMIT, "20", "EUR", False),
        (LIMIT, "20.01", "EUR", True),
        (LIMIT, "5", "USD", True),
        (None, "20", "EUR", False),
    ],
    ids=["within", "above", "other currency", "no limit"],
)
def test_the_limit_decides_whatever_the_status_word_is(
    maximum: Money | None, amount: str, currency: str, asks: bool, status: str, profile: str, broker: bool
) -> None:
    behind = deliver(price("deliveryCosts", amount, currency))
    heard = read_octets(write_status(status, "RequestResponse", behind=behind), profile)
    after = apply_answer(heard, maximum, broker=broker)
    assert (after.state is B.CONDITIONAL) is asks
    is_covered = maximum is not None and not asks
    assert after.costs == RequestCosts(
        maximum,
        offered=heard.details.cost,
        agreed=heard.details.cost if is_covered else None,
        agreed_by="limit" if is_covered else "",
    )


@pytest.mark.parametrize("broker", [False, True], ids=["direct", "broker"])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("amount", ["5", "35"])
def test_a_price_where_a_yes_is_asked_for_is_a_question(amount: str, profile: str, broker: bool) -> None:
    offer = price("offeredCosts", amount, "EUR")
    marked = write_status("WillSupply", "StatusChange", "#ReShareAddLoanCondition#")
    retry = write_status("RetryPossible", "StatusChange", "x").replace(
        "</note>", "</note><reasonRetry>CostExceedsMaxCost</reasonRetry>"
    )
    for octets, status in ((marked, AttemptStatus.CONDITIONAL), (retry, AttemptStatus.OFFERED)):
        heard = read_octets(octets.replace("</messageInfo>", f"{offer}</messageInfo>"), profile)
        after = apply_answer(heard, LIMIT, broker=broker)
        assert (after.state, after.attempts[0].status) == (B.CONDITIONAL, status)
        assert after.costs == RequestCosts(LIMIT, offered=money(amount))


# --- written ---------------------------------------------------------------------------------------------

LENDER = LibraryParty(symbol="NO-0030101", name="Bibliotek")
BORROWER = LibraryParty(symbol="DE-Brt1", name="Bibliothek")
ELM = NamedSupplier(symbol="ELM")


def write_octets(kind: K, role: Role, profile: str | Iso18626Dialect, **details: object) -> list[str]:
    sender, receiver = (BORROWER, LENDER) if role is Role.BORROWING else (LENDER, BORROWER)
    request = (
        borrowing(attempts=(attempt(transaction="B-17"),))
        if role is Role.BORROWING
        else replace(lending(LendingState.CONDITIONAL), transaction="B-17")
    )
    message = PartnerMessage(
        id="1",
        kind=kind,
        at=NOW,
        sender=sender,
        receiver=receiver,
        role=role,
        transaction="B-17",
        details=EventDetails(**details),  # type: ignore[arg-type]
        request=request,
    )
    context = make_context(profile)
    version, style = context.dialect.schema_version, choose_style(context.dialect)
    return [encode_message(one, version, style).data.decode() for one in messages_of_event(message, context)]


def test_a_price_alone_is_an_offer_to_ask_again() -> None:
    (said,) = write_octets(K.CONDITIONAL, Role.LENDING, "iso18626-2017", cost=money("12.00"))
    assert "<status>RetryPossible</status>" in said
    assert "<reasonRetry>CostExceedsMaxCost</reasonRetry>" in said
    assert price("offeredCosts", "12.00", "EUR") in said


@pytest.mark.parametrize(
    ("version", "place"), [("1.2", deliver(USE_HERE)), ("2021-2", f"<retryInfo>{USE_HERE}</retryInfo>")]
)
def test_by_the_book_a_condition_is_an_offer_to_ask_again(version: str, place: str) -> None:
    dialect = Iso18626Dialect.model_validate({"version": version, "conditions": "retry"})
    details = {"conditions": (LoanCondition.LIBRARY_USE_ONLY,), "note": "Lesesaal"}
    (said,) = write_octets(K.CONDITIONAL, Role.LENDING, dialect, **details)
    assert "<note>Lesesaal</note><reasonRetry>MustMeetLoanCondition</reasonRetry>" in said
    assert "<status>RetryPossible</status>" in said
    assert place.replace("08:00:00", "09:00:00") in said
    heard = read_octets(said, "iso18626-2017")
    assert (heard.kind, heard.details.conditions) == (K.RETRY, (LoanCondition.LIBRARY_USE_ONLY,))


@pytest.mark.parametrize("profile", ["crosslink-18626", "reshare-18626"])
def test_who_reads_markers_is_told_a_price_by_the_marker(profile: str) -> None:
    (said,) = write_octets(K.CONDITIONAL, Role.LENDING, profile, cost=money("12.00"))
    assert "<status>WillSupply</status>" in said
    assert "#ReShareAddLoanCondition#" in said
    assert "<loanCondition>Other</loanCondition>" in said


@pytest.mark.parametrize("profile", ["crosslink-18626", "reshare-18626"])
def test_yes_and_no_are_written_by_markers(profile: str) -> None:
    (yes,) = write_octets(K.CONDITION_ACCEPTED, Role.BORROWING, profile, note="gladly")
    assert "<action>Notification</action><note>#ReShareLoanConditionAgreeResponse#; gladly</note>" in yes
    (no,) = write_octets(K.CONDITION_REFUSED, Role.BORROWING, profile, supplier=ELM)
    assert "<action>Cancel</action><note>#ReShareLoanConditionRejectResponse#</note>" in no
    assert "<agencyIdValue>ELM</agencyIdValue></supplyingAgencyId>" in no, "so that the broker goes on"


def test_a_cancellation_of_all_names_the_broker() -> None:
    (said,) = write_octets(K.CANCEL, Role.BORROWING, "crosslink-18626")
    assert f"<agencyIdValue>{LENDER.symbol}</agencyIdValue></supplyingAgencyId>" in said


def test_the_word_for_alma_stands_alone() -> None:
    said = write_octets(K.CONDITION_ACCEPTED, Role.BORROWING, "alma-18626", cost=money("12.00"), note="gladly")
    assert ["<note>ACCEPT</note>" in one for one in said] == [True, False]
    assert "<note>cost: 12.00 EUR; gladly</note>" in said[1]
    (no,) = write_octets(K.CONDITION_REFUSED, Role.BORROWING, "alma-18626", supplier=ELM)
    assert "<action>Notification</action><note>REJECT</note>" in no
