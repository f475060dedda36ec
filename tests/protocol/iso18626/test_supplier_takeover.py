"""Libraries behind a broker take turns within one attempt: what one has said ends with its turn. From octets on, in the
modes in which a broker shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.iso18626.codec import decode_message
from adapters.iso18626.dialect import Iso18626Dialect
from adapters.iso18626.mapping.events_received import event_of_message
from adapters.iso18626.mapping.identities import MappingContext
from adapters.iso18626.messages import SupplyingAgencyMessage
from gateway.domain.library import Money
from gateway.domain.requests.brokered_requests import list_carry_rules
from gateway.domain.requests.events import Event, EventKind, partner_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LoanTerms,
    OtherLeg,
    PatronQuery,
    RequestCosts,
    SupplierAttempt,
)
from gateway.domain.requests.state_machine import Denied, Transition, compute_transition
from gateway.domain.requests.state_table import DenialReason, StopTimer, TimerKind
from gateway.domain.requests.supplier_takeover import find_supplier_party, was_taken_over
from tests.protocol.iso18626.habit_rows.messages import HEADER, MOMENT, write_status
from tests.support.requests import START, Story, asked_story, borrowing, copy_of, timers_set, workflow

K, B, A = EventKind, BorrowingState, AttemptStatus
OSLO = ZoneInfo("Europe/Oslo")
DIALECT = Iso18626Dialect.model_validate({"notes": {"supplier_prefix": "Supplier: ", "vendor_prefix": "Vendor: "}})
BROKER = "DE-Brt1"
MODES = ("opaque", "transparent")


@dataclass(frozen=True)
class Library:
    """With signs of its own, by which whatever it has said is known again."""

    symbol: str
    condition: str
    price: str
    day: str
    barcode: str
    reason: str

    @property
    def signs(self) -> tuple[str, ...]:
        words = {"LibraryUseOnly": "library-use-only", "NoReproduction": "no-reproduction", "NoRenewal": "no-renewal"}
        of_reason = {"NotHeld": "not-held", "NotOnShelf": "not-on-shelf", "PolicyProblem": "policy"}
        day = repr(date.fromisoformat(self.day))
        return (words[self.condition], self.price, day, self.barcode, of_reason[self.reason], self.symbol)


ELM = Library("ELM", "LibraryUseOnly", "11.50", "2027-01-11", "I-ELM", "NotHeld")
OAK = Library("OAK", "NoReproduction", "12.50", "2027-01-12", "I-OAK", "NotOnShelf")
IVY = Library("IVY", "NoRenewal", "13.50", "2027-01-13", "I-IVY", "PolicyProblem")
LIBRARIES = (ELM, OAK, IVY)


def show(library: Library | None, mode: str, words: str = "") -> dict[str, str]:
    """How a broker names a library in this mode; None: itself. A library has a number of its own for the request."""
    if library is None:
        return {"note": words}
    header = HEADER.replace("S-88", f"S-{library.symbol}")
    if mode == "transparent":
        return {"note": words, "header": header.replace(BROKER, library.symbol)}
    return {"note": ", ".join(filter(None, (f"Supplier: {library.symbol}", words))), "header": header}


def expect(library: Library, mode: str) -> str:
    reason = "Notification" if mode == "opaque" else "StatusChange"
    return write_status("ExpectToSupply", reason, **show(library, mode))


def promise(library: Library, mode: str, words: str = "") -> str:
    day = f"<expectedDeliveryDate>{library.day}T23:59:59Z</expectedDeliveryDate>"
    return write_status("WillSupply", dates=day, **show(library, mode, words))


def set_condition(library: Library, mode: str) -> str:
    costs = f"<currencyCode>EUR</currencyCode><monetaryValue>{library.price}</monetaryValue>"
    behind = (
        f"<deliveryInfo><dateSent>{MOMENT}</dateSent><loanCondition>{library.condition}</loanCondition>"
        f"<deliveryCosts>{costs}</deliveryCosts></deliveryInfo>"
    )
    return write_status("WillSupply", behind=behind, **show(library, mode, f"asks of {library.symbol}"))


def offer(library: Library, mode: str) -> str:
    """Another record of it, later."""
    behind = f"<deliveryInfo><dateSent>{MOMENT}</dateSent><itemId>{library.barcode}</itemId></deliveryInfo>"
    later = f"<reasonRetry>NotFoundAsCited</reasonRetry><retryAfter>{library.day}T23:59:59Z</retryAfter>"
    return write_status("RetryPossible", info=later, behind=behind, **show(library, mode))


def refuse(library: Library, mode: str, words: str = "") -> str:
    info = f"<reasonUnfilled>{library.reason}</reasonUnfilled>"
    return write_status("Unfilled", "Notification", info=info, **show(library, mode, words))


def send(library: Library, mode: str) -> str:
    behind = (
        f"<deliveryInfo><dateSent>{MOMENT}</dateSent><itemId>{library.barcode}</itemId></deliveryInfo>"
        "<returnInfo><returnAgencyId><agencyIdType>ISIL</agencyIdType>"
        f"<agencyIdValue>{library.symbol}</agencyIdValue></returnAgencyId>"
        f"<name>Library {library.symbol} (ISIL:{library.symbol})</name>"
        f"<physicalAddress><line1>1 {library.symbol} Street</line1></physicalAddress></returnInfo>"
    )
    return write_status("Loaned", behind=behind, **show(library, mode))


def speak(library: Library, mode: str) -> str:
    return write_status("WillSupply", "Notification", **show(library, mode, f"words of {library.symbol}"))


def hear(story: Story, octets: str) -> Transition:
    outcome = hear_or_refuse(story, octets)
    assert isinstance(outcome, Transition), outcome
    return outcome


def hear_or_refuse(story: Story, octets: str) -> Transition | Denied:
    decoded = decode_message(octets.encode(), OSLO)
    assert isinstance(decoded.message, SupplyingAgencyMessage)
    context = MappingContext(
        library_zone=OSLO, currency="EUR", ours=("NO-0030101",), theirs=(f"ISIL:{BROKER}",), dialect=DIALECT
    )
    message = event_of_message(decoded.message, context, "digest")
    story.at += timedelta(hours=1)
    event = Event(partner_signal(message.kind), story.at, f"partner:{message.sender}", message.details, 1)
    outcome = compute_transition(story.request, event, story.workflow)
    if isinstance(outcome, Transition):
        story.request = outcome.request
    return outcome


def play(*octets: str, story: Story | None = None) -> Story:
    played = story or asked_story()
    for one in octets:
        hear(played, one)
    return played


def attempt_of(story: Story) -> SupplierAttempt:
    assert story.request.attempt is not None
    return story.request.attempt


def list_words(story: Story) -> str:
    """All that the request knows from whoever is in hand."""
    request = story.request
    costs = replace(request.costs, maximum=None)
    return repr((replace(attempt_of(story), former=()), request.terms, costs, request.volumes, request.query))


def list_survivors(story: Story, in_hand: Library | None) -> list[str]:
    known = list_words(story)
    return [sign for one in LIBRARIES if one is not in_hand for sign in one.signs if sign in known]


@pytest.mark.parametrize("mode", MODES)
def test_a_no_clears_what_was_promised(mode: str) -> None:
    story = play(expect(ELM, mode), set_condition(ELM, mode))
    assert (story.state, attempt_of(story).supplier.symbol) == (B.CONDITIONAL, "ELM")
    story.us(K.CONDITION_ACCEPTED)
    gone = hear(story, refuse(ELM, mode, "lost"))
    assert (story.state, attempt_of(story).status, timers_set(gone)) == (B.REQUESTED, A.ASKED, {TimerKind.ANSWER})
    assert (story.request.terms, story.request.costs) == (
        LoanTerms(),
        RequestCosts(maximum=story.request.costs.maximum),
    )
    assert list_survivors(story, None) == []
    former = attempt_of(story).former
    assert [(one.symbol, one.reason, one.note) for one in former] == [("ELM", "not-held", "lost")]


@pytest.mark.parametrize("mode", MODES)
def test_another_that_speaks_takes_over_without_a_word_of_the_former_one(mode: str) -> None:
    story = play(expect(ELM, mode), set_condition(ELM, mode))
    query = PatronQuery(id="q", about="cost", text="11.50 EUR?", asked=START)
    story.request = replace(story.request, query=query)
    taken = hear(story, expect(OAK, mode))
    assert (story.state, attempt_of(story).supplier.symbol, story.request.query) == (B.REQUESTED, "OAK", None)
    assert StopTimer(TimerKind.QUERY) in taken.effects
    assert timers_set(taken) == {TimerKind.ANSWER}
    assert list_survivors(story, OAK) == []
    assert [(one.symbol, one.reason) for one in attempt_of(story).former] == [("ELM", "")]
    promised = hear(story, promise(IVY, mode))
    assert (story.state, promised.before, attempt_of(story).supplier.symbol) == (B.WILL_SUPPLY, B.REQUESTED, "IVY")
    assert list_survivors(story, IVY) == []


@pytest.mark.parametrize("mode", MODES)
def test_an_offer_ends_with_its_library(mode: str) -> None:
    story = asked_story(workflow=workflow(borrowing={"asks_others": True}))
    play(expect(ELM, mode), offer(ELM, mode), story=story)
    assert (story.state, attempt_of(story).offered_item) == (B.CONDITIONAL, "I-ELM")
    story.us(K.CONDITION_REFUSED)
    assert (story.state, attempt_of(story).offered_item, attempt_of(story).declined) == (B.REQUESTED, "", "ELM")
    hear(story, expect(OAK, mode))
    assert list_survivors(story, OAK) == []


@pytest.mark.parametrize("mode", MODES)
def test_a_no_that_comes_after_the_next_one_s_word_takes_nothing_away(mode: str) -> None:
    story = play(expect(ELM, mode), promise(ELM, mode), expect(OAK, mode), promise(OAK, mode))
    late = hear(story, refuse(ELM, mode))
    assert (late.kept, story.state, attempt_of(story).status) == (True, B.WILL_SUPPLY, A.WILL_SUPPLY)
    assert attempt_of(story).supplier.symbol == "OAK"
    assert [(one.symbol, one.reason) for one in attempt_of(story).former] == [("ELM", "not-held")]


@pytest.mark.parametrize("mode", MODES)
def test_words_of_a_skipped_library_are_words_alone(mode: str) -> None:
    story = play(expect(ELM, mode), refuse(ELM, mode), expect(OAK, mode), promise(OAK, mode), speak(ELM, mode))
    assert (story.state, attempt_of(story).supplier.symbol) == (B.WILL_SUPPLY, "OAK")
    assert [note.text for note in story.request.notes] == ["words of ELM"]
    assert "ELM" not in list_words(story)


@pytest.mark.parametrize("mode", MODES)
def test_while_it_is_cancelled_it_stays_so_whoever_is_asked(mode: str) -> None:
    story = play(expect(ELM, mode), promise(ELM, mode))
    story.us(K.CANCEL)
    play(refuse(ELM, mode), expect(OAK, mode), story=story)
    assert (story.state, attempt_of(story).status) == (B.CANCEL_PENDING, A.EXPECTED)
    hear(story, write_status("WillSupply", "CancelResponse", info="<answerYesNo>N</answerYesNo>", **show(OAK, mode)))
    assert story.state is B.REQUESTED, "nobody has promised it"


def test_a_bare_unfilled_ends_with_the_last_reason() -> None:
    story = play(expect(ELM, "opaque"), refuse(ELM, "opaque"), expect(OAK, "opaque"), refuse(OAK, "opaque"))
    ended = hear(story, write_status("Unfilled"))
    assert (story.state, ended.event.details.reason) == (B.SOURCING, "not-on-shelf")
    assert (attempt_of(story).status, attempt_of(story).reason) == (A.UNFILLED, "not-on-shelf")
    said = play(refuse(ELM, "opaque"), write_status("Unfilled", info="<reasonUnfilled>OnLoan</reasonUnfilled>"))
    assert attempt_of(said).reason == "on-loan"


def test_the_last_word_of_a_broker_that_shows_others_is_its_own() -> None:
    story = play(expect(ELM, "transparent"), promise(ELM, "transparent"), refuse(ELM, "transparent"))
    hear(story, write_status("Unfilled"))
    assert (story.state, attempt_of(story).status, attempt_of(story).reason) == (B.SOURCING, A.UNFILLED, "not-held")


@pytest.mark.parametrize("cut", ["EL", "ELM"])
def test_a_cut_name_is_no_other_library(cut: str) -> None:
    story = play(expect(ELM, "opaque"), promise(ELM, "opaque"))
    note = f"Supplier: {cut}#RETURN_TO#\nElm Library\nElm Avenue 2\n#RT_END#"
    sent = hear(story, write_status("Loaned", note=note))
    assert (sent.before, story.state, attempt_of(story).supplier.symbol) == (B.WILL_SUPPLY, B.SHIPPED, "ELM")
    assert (attempt_of(story).former, attempt_of(story).expected is not None) == ((), True)
    hear(story, write_status("Overdue", note="Supplier: ELM"))
    assert attempt_of(story).supplier.symbol == "ELM"


@pytest.mark.parametrize("mode", [*MODES, "translucent"])
def test_the_item_goes_back_to_its_supplier(mode: str) -> None:
    shown = None if mode == "translucent" else ELM
    octets = send(ELM, mode)
    if shown is None:
        octets = octets.replace("<note>Supplier: ELM</note>", "")
    story = play(octets)
    party = find_supplier_party(story.request)
    assert (party.symbol, party.name, party.address) == ("ELM", "Library ELM", "1 ELM Street")
    assert party.profile == story.request.partner.profile


def test_without_an_address_it_goes_back_to_its_symbol() -> None:
    story = play(expect(ELM, "opaque"), write_status("Loaned", note="Supplier: ELM"))
    story.request = replace(story.request, partner=replace(story.request.partner, address="Broker Street 1"))
    party = find_supplier_party(story.request)
    assert (party.symbol, party.name, party.address) == ("ELM", "ELM", "ELM")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("whose", [BROKER, "NO-0030101"], ids=["the broker's", "ours"])
def test_the_item_goes_back_to_nobody_but_its_supplier(whose: str, mode: str) -> None:
    """Whatever address its broker names: then its symbol is what is known of it."""
    said = send(ELM, mode).replace(
        ">ELM</agencyIdValue></returnAgencyId>", f">{whose}</agencyIdValue></returnAgencyId>"
    )
    party = find_supplier_party(play(expect(ELM, mode), said).request)
    assert (party.symbol, party.name, party.address) == ("ELM", "ELM", "ELM")


@pytest.mark.parametrize("symbol", [BROKER, f"ISIL:{BROKER}"])
def test_of_a_plain_partner_the_address_that_it_says_counts(symbol: str) -> None:
    story = play(send(replace(ELM, symbol=BROKER), "transparent"))
    story.request = replace(
        story.request,
        attempts=(replace(attempt_of(story), symbol=symbol),),
        partner=replace(story.request.partner, symbol=symbol, name="Brt", address="Alte Straße 1"),
    )
    party = find_supplier_party(story.request)
    assert (party.name, party.address) == ("Brt", f"1 {BROKER} Street")


def test_prices_of_a_former_library_are_no_limit_for_the_next() -> None:
    story = asked_story(copy_of(borrowing()))
    play(expect(ELM, "opaque"), set_condition(ELM, "opaque"), refuse(ELM, "opaque"), story=story)
    assert (story.request.costs.offered, story.request.costs.agreed, attempt_of(story).cost) == (None, None, None)
    hear(story, set_condition(OAK, "opaque"))
    assert story.request.costs.offered == Money(story.request.costs.offered.amount, "EUR")  # type: ignore[union-attr]
    assert list_survivors(story, OAK) == []


def test_the_requester_of_what_we_broker_is_told_that_another_is_asked() -> None:
    leg = OtherLeg(request_id="r-0002", number="L-2026-0002")
    story = play(expect(ELM, "opaque"), set_condition(ELM, "opaque"), story=asked_story(borrowing(other_leg=leg)))
    gone = hear(story, refuse(ELM, "opaque"))
    assert [rule.acts for rule in list_carry_rules(gone)] == [(K.BROKERED, K.MESSAGE)]
    assert was_taken_over(gone.request, gone.event)
    promised = hear(story, promise(OAK, "opaque"))
    assert not was_taken_over(promised.request, promised.event), "nobody was in hand"


ACTS = (expect, promise, set_condition, refuse, speak, send)
Step = tuple[int, Library]


@given(
    st.lists(st.tuples(st.integers(0, len(ACTS) - 1), st.sampled_from(LIBRARIES)), max_size=12),
    st.sampled_from(MODES),
)
def test_no_term_survives_its_supplier(steps: Sequence[Step], mode: str) -> None:
    story, in_hand, is_sent = asked_story(), None, False
    for act, library in steps:
        heard = hear_or_refuse(story, ACTS[act](library, mode))
        if isinstance(heard, Denied):
            assert (heard.why, is_sent) == (DenialReason.CONTRARY, True), heard
        if ACTS[act] is speak or is_sent:
            pass
        elif ACTS[act] is refuse:
            in_hand = None if in_hand in (None, library) else in_hand
        else:
            in_hand = library
            is_sent = ACTS[act] is send
        if story.state is B.CONDITIONAL:
            story.us(K.CONDITION_ACCEPTED)
        assert attempt_of(story).supplier.symbol == (in_hand.symbol if in_hand is not None else "")
        survivors = list_survivors(story, in_hand)
        assert survivors == [], (story.state, in_hand)
