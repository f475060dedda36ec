"""What a price means, in each protocol's own words, from octets: against each limit and currency, direct and behind a
broker; and what our own prices and limits look like on the wire. Nobody's sum is agreed by anybody's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.artemail.dialect import dialect_of
from adapters.artemail.mail_format import write_reply
from adapters.iso18626.codec import encode_message
from adapters.iso18626.mapping.messages_sent import messages_of_event
from adapters.iso_ill.codec import decode_apdu, encode_apdu
from adapters.iso_ill.mapping import apdu_of_message, event_of_apdu
from adapters.letters.mail_format import PlainMailFormat
from adapters.loopback.codec import encode_partner_message
from adapters.ncip.openrs.messages_sent import WRITERS as OPENRS
from gateway.domain.library import Money
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.events import Event, EventDetails, LoanCondition, partner_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.partner_answers import ANSWERS, parse_answer_form
from gateway.domain.requests.request import AttemptStatus, RequestCosts, RequestFlag, Role
from gateway.domain.requests.request import BorrowingState as B
from gateway.domain.requests.state_machine import Denied, compute_transition
from tests.protocol.iso18626.test_condition_words import make_context
from tests.protocol.prices.said_prices import NOW, SAID_PRICES, UNPRICED, Meaning, SaidPrice, plain_profile
from tests.support.full_apdus import CONTEXT, LENDING, REQUESTING, THEM
from tests.support.requests import Story, asked_story, borrowing, event, money, workflow
from tests.unit.adapters.artemail import support as artemail
from tests.unit.adapters.tagged_mail import support as tagged

LIMIT = money("20.00")
SUMS = (
    # name, limit, amount, currency, whether it is above what was allowed
    ("within", LIMIT, "20.00", "EUR", False),
    ("above", LIMIT, "20.01", "EUR", True),
    ("another currency", LIMIT, "5.00", "USD", True),
    ("no limit", None, "20.00", "EUR", False),
)


def hear(story: Story, octets: bytes, said: SaidPrice) -> None:
    kind, details = said.read(octets)
    story.at = story.at.replace(hour=story.at.hour + 1) if story.at.hour < 23 else story.at
    told = Event(partner_signal(kind), story.at, "partner:ELM", details, story.request.current)
    outcome = compute_transition(story.request, told, story.workflow)
    if not isinstance(outcome, Denied):
        story.request = outcome.request


@pytest.mark.parametrize("asks_others", [False, True], ids=["direct", "behind a broker"])
@pytest.mark.parametrize(("name", "maximum", "amount", "currency", "is_over"), SUMS, ids=[row[0] for row in SUMS])
@pytest.mark.parametrize("said", SAID_PRICES, ids=str)
def test_a_price_of_a_supplier(
    said: SaidPrice, name: str, maximum: Money | None, amount: str, currency: str, is_over: bool, asks_others: bool
) -> None:
    price, rules = money(amount, currency), workflow(borrowing={"asks_others": asks_others})
    story = asked_story(borrowing(costs=RequestCosts(maximum)), rules)
    hear(story, said.write(amount, currency), said)
    costs, (attempt,) = story.request.costs, story.request.attempts
    if said.meaning is Meaning.SENT:
        assert (story.state, costs) == (B.SHIPPED, RequestCosts(maximum, charged=price))
        assert (RequestFlag.PRICE_OPEN in story.request.flags) is is_over
        return
    is_asked = said.meaning is not Meaning.PROMISE or is_over
    assert (story.state is B.CONDITIONAL) is is_asked
    is_allowed = not is_asked and maximum is not None
    by = "limit" if is_allowed else ""
    assert costs == RequestCosts(maximum, offered=price, agreed=price if is_allowed else None, agreed_by=by)
    assert (attempt.status is AttemptStatus.OFFERED) is (said.meaning is Meaning.OFFER)


def test_each_protocol_has_its_rows() -> None:
    said = {one.protocol for one in SAID_PRICES}
    assert said | set(UNPRICED) == {"iso18626", "iso-ill", "tagged-mail", "artemail", "loopback", "letters", "openrs"}
    assert not said & set(UNPRICED)


# --- who can't say it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "cost"),
    [
        ("20.01 EUR", money("20.01")),
        ("gladly\nCost: 20.01 EUR", money("20.01")),
        ("It costs 20.01 EUR!", None),
        ("20.01", None),
        ("Cost: 20.01 EUR a volume", None),
    ],
)
def test_a_price_in_the_answer_to_a_letter_is_one_where_nothing_stands_beside_it(
    words: str, cost: Money | None
) -> None:
    filled = parse_answer_form(ANSWERS["conditional"], borrowing(), {"condition": "cost", "note": words}, NOW.date())
    story = asked_story(borrowing(costs=RequestCosts(LIMIT)))
    story.partner(K.CONDITIONAL, 1, conditions=(LoanCondition.COST,), note=words, cost=filled.details.cost)
    story.us(K.CONDITION_ACCEPTED)
    by = "staff:ana" if cost is not None else ""
    assert story.request.costs == RequestCosts(LIMIT, offered=cost, agreed=cost, agreed_by=by)
    assert words in story.request.attempts[0].note, "staff and patron have read it"


@pytest.mark.parametrize(
    ("line", "kind", "cost", "conditions"),
    [
        ("TBS 12,50 EUR", K.WILL_SUPPLY, money("12.50"), ()),
        ("TBS\nCost: 12.50 EUR", K.WILL_SUPPLY, money("12.50"), ()),
        ("TBS\nKosten: 12 kr", K.WILL_SUPPLY, None, (LoanCondition.COST,)),
        ("TBS 12,50 EUR a volume", K.WILL_SUPPLY, None, ()),
        ("TBS on Monday, 12,50", K.WILL_SUPPLY, None, ()),
        ("LUO 12.50 EUR", K.CONDITIONAL, money("12.50"), (LoanCondition.LIBRARY_USE_ONLY,)),
        ("TBS EUR12.50", K.WILL_SUPPLY, money("12.50"), ()),
        ("TBS B2026-00017 EUR12.50", K.WILL_SUPPLY, money("12.50"), ()),
        ("TBS DHL 0034567890", K.WILL_SUPPLY, None, ()),
        ("N/A 12.50 EUR", K.UNFILLED, None, ()),
    ],
)
def test_a_price_in_a_plain_letter_is_one_where_nothing_stands_beside_it(
    line: str, kind: K, cost: Money | None, conditions: tuple[LoanCondition, ...]
) -> None:
    mail = tagged.mail(f"Dear all,\n{line}\nbest wishes")
    told = tagged.only(PlainMailFormat().decode(mail, plain_profile()).events)
    assert (told.kind, told.details.cost, told.details.conditions) == (kind, cost, conditions)
    assert told.transaction == ("B2026-00017" if "B2026-00017" in line else "")


@pytest.mark.parametrize("kind", [K.CONDITIONAL, K.RETRY])
def test_a_hub_of_openrs_hears_no_price(kind: K) -> None:
    """A price can't be asked about; what we can't supply at the hub's terms is not supplied."""
    write = OPENRS.get((Role.LENDING, kind))
    assert write is None or write is OPENRS[Role.LENDING, K.UNFILLED]


# --- no sum but a whole one ------------------------------------------------------------------------------

BY_MAIL = ("tagged-mail", "letters")
UNREADABLE = ("20-30", "about 20", "1,234", "12 kr or")


@pytest.mark.parametrize("amount", UNREADABLE)
@pytest.mark.parametrize("said", [one for one in SAID_PRICES if one.protocol in ("artemail", *BY_MAIL)], ids=str)
def test_of_a_sum_that_is_none_no_part_is_the_price(said: SaidPrice, amount: str) -> None:
    try:
        kind, details = said.read(said.write(amount, "EUR"))
    except MalformedMessage:  # no code of the profile: staff read the mail
        return
    assert details.cost is None
    assert amount in details.note or kind is K.MESSAGE


@pytest.mark.parametrize("amount", UNREADABLE)
@pytest.mark.parametrize(
    "said",
    [one for one in SAID_PRICES if one.meaning is Meaning.PROMISE and one.protocol in ("iso-ill", *BY_MAIL)],
    ids=str,
)
def test_a_promise_at_a_sum_that_is_none_waits_for_a_yes(said: SaidPrice, amount: str) -> None:
    story = asked_story(borrowing(costs=RequestCosts(LIMIT)))
    hear(story, said.write(amount, "EUR"), said)
    assert (story.state, story.request.costs) == (B.CONDITIONAL, RequestCosts(LIMIT))
    assert LoanCondition.COST in story.request.attempts[0].conditions
    assert amount in story.request.attempts[0].note


@pytest.mark.parametrize(
    ("amount", "cost"),
    [
        ("1.234,50", money("1234.50")),
        ("1,234.50", money("1234.50")),
        ("1.234", None),
        ("12.345.678", money("12345678")),
        ("0.500", money("0.500")),
        ("1234,567", money("1234.567")),
        ("12,-", money("12")),
        ("20-30", None),
        ("20 30", None),
        ("1.2.3", None),
        ("20 pages", None),
        ("20 pgs", None),
        ("USD 20", None),
        ("$ 5.00", "USD"),
    ],
)
@pytest.mark.parametrize("word", ["Shipped", "ILL-Answer estimate"])
def test_of_a_sum_of_iso_ill_all_is_the_price_or_nothing(word: str, amount: str, cost: Money | str | None) -> None:
    said = next(one for one in SAID_PRICES if one.word == word)
    _, details = said.read(said.write(amount, "" if cost == "USD" else "EUR"))
    assert details.cost == (money("5.00", "USD") if cost == "USD" else cost)
    told = f"{details.note} {details.extras}"
    assert details.cost is not None or amount in told, "words for staff"


# --- what we say -----------------------------------------------------------------------------------------

OURS = money("12.50")
KINDS = (K.WILL_SUPPLY, K.CONDITIONAL, K.SHIPPED)


def write_iso_ill(kind: K, role: Role, costs: RequestCosts, cost: Money | None) -> bytes:
    message = next(one for one in (LENDING if role is Role.LENDING else REQUESTING) if one.kind is kind)
    changed = replace(message, request=replace(message.request, costs=costs))
    if kind is not K.REQUEST:
        changed = replace(changed, details=EventDetails(cost=cost))
    return encode_apdu(apdu_of_message(changed, CONTEXT))


def write_18626(kind: K, role: Role, costs: RequestCosts, cost: Money | None) -> bytes:
    message = next(one for one in (LENDING if role is Role.LENDING else REQUESTING) if one.kind is kind)
    changed = replace(message, request=replace(message.request, costs=costs), transaction="B-17")
    if kind is not K.REQUEST:
        changed = replace(changed, details=EventDetails(cost=cost))
    context = make_context("iso18626-2017")
    (said,) = messages_of_event(changed, context)
    return encode_message(said, context.dialect.schema_version).data


def write_tagged(kind: K, role: Role, costs: RequestCosts, cost: Money | None) -> bytes:
    said = tagged.message(kind, role, **({} if kind is K.REQUEST else {"cost": cost}))
    return tagged.written(replace(said, request=replace(said.request, costs=costs))).encode()


def write_loopback(kind: K, role: Role, costs: RequestCosts, cost: Money | None) -> bytes:
    said = tagged.message(kind, role, **({} if kind is K.REQUEST else {"cost": cost}))
    return encode_partner_message(replace(said, request=replace(said.request, costs=costs)))


SAYING = {"iso18626": write_18626, "iso-ill": write_iso_ill, "tagged-mail": write_tagged, "loopback": write_loopback}
_ILL = {K.WILL_SUPPLY: b"cost: 12.50 EUR", K.CONDITIONAL: b"cost: 12.50 EUR", K.SHIPPED: b"12.50"}
PRICE_ON_THE_WIRE = {
    "iso18626": dict.fromkeys(KINDS, b"<currencyCode>EUR</currencyCode><monetaryValue>12.50</monetaryValue>"),
    "iso-ill": _ILL,
    "tagged-mail": dict.fromkeys(KINDS, b"CST: 12.50 EUR"),
    "loopback": dict.fromkeys(KINDS, b'"cost":{"amount":"12.50","currency":"EUR"}'),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("protocol", SAYING)
def test_a_price_of_ours_is_on_the_wire(protocol: str, kind: K) -> None:
    octets = SAYING[protocol](kind, Role.LENDING, RequestCosts(), OURS)
    assert PRICE_ON_THE_WIRE[protocol][kind] in octets


def test_a_price_alone_is_the_condition_of_iso_ill_that_means_it() -> None:
    apdu = decode_apdu(write_iso_ill(K.CONDITIONAL, Role.LENDING, RequestCosts(), OURS)).apdu
    told = event_of_apdu(apdu, replace(CONTEXT, ours=(THEM.symbol,)))
    assert (told.kind, told.details.cost, [one.value for one in told.details.conditions]) == (
        K.CONDITIONAL,
        OURS,
        ["cost"],
    )


LIMIT_ON_THE_WIRE = {
    "iso18626": b"<maximumCosts><currencyCode>EUR</currencyCode><monetaryValue>35.00</monetaryValue></maximumCosts>",
    "iso-ill": b"35.00",
    "tagged-mail": b"CO$: 35.00 EUR",
    "loopback": b'"maximum":{"amount":"35.00","currency":"EUR"}',
}


@pytest.mark.parametrize("protocol", SAYING)
def test_an_offer_that_was_accepted_is_the_limit_that_is_told(protocol: str) -> None:
    agreed = RequestCosts(LIMIT, agreed=money("35.00"), offered=money("35.00"), agreed_by="staff:ana")
    octets = SAYING[protocol](K.REQUEST, Role.BORROWING, agreed, None)
    assert LIMIT_ON_THE_WIRE[protocol] in octets
    assert LIMIT_ON_THE_WIRE[protocol].replace(b"35.00", b"20.00") not in octets


def test_artemail_tells_the_limit_in_its_order_and_a_price_below_the_code() -> None:
    agreed = RequestCosts(LIMIT, agreed=money("35.00"), offered=money("35.00"), agreed_by="staff:ana")
    items = artemail.tailored(items={"article": ["{title}", "{maximum_cost}"]})
    assert "35.00 EUR" in artemail.written(artemail.message(request=replace(artemail.borrowed(), costs=agreed)), items)
    reply = write_reply(
        artemail.lent(K.WILL_SUPPLY, cost=OURS, expected=NOW.date()), dialect_of(artemail.both_ways()), UTC
    )
    assert "Cost: 12.50 EUR" in reply.text.splitlines()


# --- always ----------------------------------------------------------------------------------------------

HAPPENINGS = st.one_of(
    st.tuples(
        st.just("partner"),
        st.sampled_from(range(len(SAID_PRICES))),
        st.sampled_from((("5.00", "EUR"), ("20.00", "EUR"), ("30.00", "EUR"), ("5.00", "USD"))),
    ),
    st.tuples(
        st.just("us"),
        st.sampled_from((K.CONDITION_ACCEPTED, K.CONDITION_REFUSED, K.NEXT_SUPPLIER, K.CANCEL, K.REQUEST)),
        st.none(),
    ),
)


@given(
    maximum=st.sampled_from((LIMIT, money("5.00", "USD"), None)),
    asks_others=st.booleans(),
    happenings=st.lists(HAPPENINGS, max_size=10),
)
def test_no_sum_is_agreed_that_nobody_agreed_in_no_protocol(
    maximum: Money | None, asks_others: bool, happenings: list[tuple[str, object, tuple[str, str] | None]]
) -> None:
    story = asked_story(borrowing(costs=RequestCosts(maximum)), workflow(borrowing={"asks_others": asks_others}))
    heard: set[Money] = set()
    yes: set[Money] = set()
    for origin, what, sum_ in happenings:
        if origin == "partner":
            assert isinstance(what, int)
            assert sum_ is not None
            said = SAID_PRICES[what]
            hear(story, said.write(*sum_), said)
            heard.add(money(*sum_))
        elif what is K.REQUEST:
            if story.state is B.SOURCING:
                before = story.request.costs.agreed
                story.ask("kyoto")
                heard, yes = set(), set()
                assert story.request.costs.agreed is None, f"{before} survives its supplier"
        else:
            assert isinstance(what, K)
            act = event(partner_signal(what), story.at)
            outcome = compute_transition(
                story.request, replace(act, signal=act.signal.__class__(act.signal.origin.US, what)), story.workflow
            )
            if isinstance(outcome, Denied):
                continue
            story.request = outcome.request
            if what is K.CONDITION_ACCEPTED:
                yes |= heard
        agreed = story.request.costs.agreed
        if agreed is None:
            continue
        assert agreed in heard, "somebody has asked for it"
        in_limit = maximum is not None and maximum.currency == agreed.currency and agreed.amount <= maximum.amount
        assert in_limit if story.request.costs.agreed_by == "limit" else agreed in yes
