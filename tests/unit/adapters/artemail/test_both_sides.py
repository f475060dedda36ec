"""What one side writes the other reads: orders, what is said about them, replies. Properties, and hostile texts."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.artemail.channel import ArtemailChannel
from adapters.artemail.codec import ArtemailOrder, OrderFile, OrderFileLayout, decode, encode
from adapters.artemail.dialect import dialect_of
from adapters.artemail.mail_format import ArtemailFormat, write_reply
from adapters.artemail.text_templates import AsciiTranscriber
from gateway.domain.library import Money, RecordId
from gateway.domain.problems import MalformedMessage, Refused
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role, ServiceType, Volume
from gateway.ports.adapter import ChannelContext
from gateway.ports.incoming_mail import MailInterpretation
from tests.unit.adapters.artemail.support import (
    NUMBER,
    bldss,
    borrowed,
    both_ways,
    lent,
    mail,
    message,
    only,
    read,
    written,
)

PEER = both_ways(numbers={"prefix": "Q"})


def asked(text: str) -> LendingDraft:
    event = only(ArtemailFormat().decode(mail(text), PEER))
    assert (event.kind, event.role, event.transaction) == (EventKind.REQUEST, Role.LENDING, NUMBER)
    assert event.request is not None
    return event.request


# --- the codec -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("line", ["NNNN", "TX1 S LOAN", ":DELIVER ABOVE ITEM TO:", "'TX1", "''NNNN", "TX1 " * 30])
def test_a_line_that_looks_like_the_frame_comes_back_whole(line: str) -> None:
    order = ArtemailOrder("A-1", ("S",), (" ".join(line.split()), "Author"))
    file = OrderFile(customer="99-9999", password="OPENSESAME", orders=(order,))

    assert decode(encode(file, OrderFileLayout())[0], OrderFileLayout()) == file


def test_a_file_is_read_with_the_habits_of_mail_programs() -> None:
    text = (
        "\r\n 99-9999 \r\nOPENSESAME\r\n\r\nTX A-1  S  LOAN \r\nOne\r\n\r\nTwo\r\n"
        ":DELIVER ABOVE ITEM TO: \r\nx@y.example\r\n\r\nTXA-2\r\nThree\r\n\r\n--\r\nThe Library"
    )

    file = decode(text, OrderFileLayout())

    assert file.orders[0] == ArtemailOrder("A-1", ("S", "LOAN"), ("One", "Two"), ("x@y.example",))
    assert file.orders[1].number == "A-2"
    assert file.rest == ("the line NNNN at the end is missing",)


def test_what_follows_the_end_is_kept() -> None:
    assert decode("99-9999\nX\nTXA-1 S\nT\nNNNN\nBest wishes\n", OrderFileLayout()).rest == ("Best wishes",)


@pytest.mark.parametrize("text", ["", "99-9999\nOPENSESAME\nNNNN\n", "OPENSESAME\nTXA-1 S\nNNNN\n"])
def test_a_file_without_its_parts_is_malformed_and_its_password_stays_unsaid(text: str) -> None:
    with pytest.raises(MalformedMessage) as malformed:
        decode(text, OrderFileLayout())

    assert "OPENSESAME" not in str(malformed.value)


@pytest.mark.parametrize(
    "file",
    [
        OrderFile(customer="", password="X"),
        OrderFile(customer="99-9999", password=""),
        OrderFile(customer="99-9999", password="TWO WORDS"),
        OrderFile(customer="99-9999", password="PASSWÖRD"),
        OrderFile(customer="99-9999", password="X", orders=(ArtemailOrder("A 1"),)),
        OrderFile(customer="99-9999", password="X", address=("Here",)),
    ],
)
def test_what_would_not_be_read_is_not_written(file: OrderFile) -> None:
    with pytest.raises(ValueError) as wrong:  # noqa: PT011 - its words differ
        encode(file, OrderFileLayout())

    assert "PASSWÖRD" not in str(wrong.value)


# --- orders ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("author", ["-", "–", "'-", "''–", "—", "- -"])
def test_an_author_that_looks_like_a_line_that_is_not_known_is_not_lost(author: str) -> None:
    book = Citation(type=CitationType.BOOK, title="–", author=author, publisher="-", published="1931")

    citation = asked(written(message(request=borrowed(book)), PEER)).citation

    scribe = scribe_of_profile()
    assert (citation.title, citation.author, citation.publisher) == ("-", scribe.transcribe(author), "-")


def test_a_volume_that_is_a_dash_is_not_lost() -> None:
    article = Citation(type=CitationType.ARTICLE, title="Tidskrift", published="1931", volume="-", component_title="Ö")

    assert asked(written(message(request=borrowed(article, ServiceType.COPY)), PEER)).citation.volume == "-"


@pytest.mark.parametrize("lacking", ["title", "component_title", "component_author"])
def test_a_line_that_is_not_known_moves_no_other(lacking: str) -> None:
    article = Citation(
        type=CitationType.ARTICLE,
        title="Tidskrift for ebb",
        component_title="Om flod",
        component_author="Lie, Jonas",
        identifiers=(RecordId("issn", "0317-8471"),),
    )  # without year, volume and pages: their line isn't known either
    article = replace(article, **{lacking: ""})

    citation = asked(written(message(request=borrowed(article, ServiceType.COPY)), PEER)).citation

    assert citation == replace(article, original=citation.original)


def scribe_of_profile() -> AsciiTranscriber:
    characters = dialect_of(PEER).characters
    return AsciiTranscriber(characters.allowed, characters.own, characters.instead)


def test_an_order_of_a_library_with_other_habits() -> None:
    text = (
        "99-9999\nSESAME\n\n\n\nTXQAB-77 S SED99 XYZ\nJournal of Tidal Libraries\n2004 VOL 7 PP 1-9\n"
        "Lending by ebb\nPlease hurry\nIt is for a course\n:DELIVER ABOVE ITEM TO:\nThe Quay 1\nill@quay.example\nNNNN"
    )

    event = only(ArtemailFormat().decode(mail(text), PEER))

    assert event.request is not None
    assert event.transaction == "AB-77"
    assert event.request.citation.title == "Journal of Tidal Libraries"
    assert event.request.citation.volume == "7"
    assert event.request.citation.component_title == "Lending by ebb"
    assert event.request.citation.note == "It is for a course"
    assert [extra.value for extra in event.request.extras] == ["XYZ"]
    assert (event.request.requester.address, event.request.requester.email) == ("The Quay 1", "ill@quay.example")


def test_an_order_under_a_customer_code_that_is_not_known_is_not_taken() -> None:
    with pytest.raises(MalformedMessage, match="none that the profile knows"):
        ArtemailFormat().decode(mail("11-1111\nSESAME\nTXQA-1 S\nT\nNNNN"), PEER)


@pytest.mark.parametrize("kind", [EventKind.CANCEL, EventKind.RENEW, EventKind.STATUS_QUERY])
def test_what_is_said_about_an_order_is_understood(kind: EventKind) -> None:
    event = only(ArtemailFormat().decode(mail(written(message(kind, note="Thank you"), PEER)), PEER))

    assert (event.kind, event.role, event.transaction) == (kind, Role.LENDING, NUMBER)
    assert event.details.note == "Thank you"


# --- replies ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "details", "code"),
    [
        (EventKind.CANCEL_ACCEPTED, {}, "CANC"),
        (EventKind.CANCEL_REFUSED, {}, "NCANC"),
        (EventKind.RETRY, {"retry_after": date(2026, 3, 23), "reason": "not-available"}, "CAT*REAPPLY 3"),
        (EventKind.UNFILLED, {"reason": "not-held"}, "NOT"),
        (EventKind.UNFILLED, {"reason": "not-found-as-cited"}, "CRF*CANNOT MATCH ITEM"),
        (EventKind.UNFILLED, {"reason": "copyright"}, "RCOP"),
        (
            EventKind.UNFILLED,
            {"reason": "cost-exceeds-maximum", "cost": Money(Decimal(45), "EUR")},
            "*TOTAL LIBRARY MAX COST 45.00 EUR",
        ),
        (EventKind.FORWARDED, {}, "*TOTAL LIBRARY"),
        (EventKind.SHIPPED, {}, "SHIPPED COPY"),
        (EventKind.WILL_SUPPLY, {"expected": date(2026, 4, 14)}, "USE O/D 14-04-2026"),
        (EventKind.HOLD_PLACED, {}, "USE*"),
        (EventKind.RENEW_ACCEPTED, {"due": date(2026, 4, 30)}, "RENEWED*30-04-2026"),
        (EventKind.RENEW_REFUSED, {}, "NO RENEW"),
        (EventKind.OVERDUE, {}, "DUE"),
        (EventKind.RECALL, {}, "DUE WAIT"),
    ],
)
def test_a_reply_is_written_by_its_code_and_understood_again(
    kind: EventKind, details: dict[str, object], code: str
) -> None:
    answered = write_reply(lent(kind, note="Mit Grüßen", **details), dialect_of(bldss()), UTC)

    assert answered.text == f"{NUMBER} {code}\nMit Gruessen\n"
    event = only(read(answered.text))
    assert (event.kind, event.transaction) == (kind, NUMBER)
    assert {name: getattr(event.details, name) for name in details} == details
    assert "Mit Gruessen" in event.details.note


def test_a_code_in_the_words_of_a_reply_is_none() -> None:
    """Of what we broker the supplier's answer is in the note, and says another due date than ours."""
    said = lent(EventKind.RENEW_ACCEPTED, due=date(2026, 4, 27), note="RENEWED*30-04-2026\nNOT\nNot before Monday")

    answered = write_reply(said, dialect_of(bldss()), UTC)

    event = only(read(answered.text))
    assert (event.kind, event.details.due) == (EventKind.RENEW_ACCEPTED, date(2026, 4, 27))
    assert event.details.written == "Note: RENEWED*30-04-2026\nNote: NOT\nNot before Monday"


def test_a_loan_is_due_on_the_library_s_day() -> None:
    """The end of 30 April there is 1 May in UTC."""
    due = datetime(2026, 5, 1, 6, 59, 59, tzinfo=UTC)

    answered = write_reply(
        lent(EventKind.RENEW_ACCEPTED, due=due), dialect_of(bldss()), ZoneInfo("America/Los_Angeles")
    )

    assert answered.text == f"{NUMBER} RENEWED*30-04-2026\n"


def test_a_reply_that_no_code_says_is_refused_by_name() -> None:
    with pytest.raises(Refused, match="and the reason 'on-order'"):
        write_reply(lent(EventKind.UNFILLED, reason="on-order"), dialect_of(bldss()), UTC)
    with pytest.raises(
        Refused, match="has no code for 'message'"
    ):  # DUE*AUTOMATIC RENEWAL PENDING is one, and says more
        write_reply(lent(EventKind.MESSAGE, note="Hello"), dialect_of(bldss()), UTC)
    with pytest.raises(Refused, match="has no code for 'conditional'"):
        write_reply(lent(EventKind.CONDITIONAL), dialect_of(bldss()), UTC)


# --- hostile texts ---------------------------------------------------------------------------------------


PIECES = st.sampled_from(
    ["TX", "TXA-1", "NNNN", "99-9999", " ", "\n", "\r", "\t", "> ", "NOT", "CAT*REAPPLY", "4", "RENEWED*", "30-02-2026",
     "*TOTAL LIBRARY MAX COST", "FILEREFNO", "A-1", ":DELIVER ABOVE ITEM TO:", "S LOAN", "-- ", "\u2028", "\x00", "½",
     "USE*", "9" * 400, "http://", "'", "1 request accepted", "rejected"]
)  # fmt: skip
TEXTS = st.one_of(st.text(max_size=300), st.lists(st.one_of(PIECES, st.text(max_size=8)), max_size=40).map("".join))


@settings(max_examples=400)
@given(text=TEXTS, subject=TEXTS, peer=st.booleans())
def test_any_text_is_understood_or_malformed(text: str, subject: str, peer: bool) -> None:
    profile = PEER if peer else bldss()
    one = mail(text, subject, ("application/pdf",))
    recognised = ArtemailFormat().recognises(one, profile)
    try:
        understood = ArtemailFormat().decode(one, profile)
    except MalformedMessage:
        return

    assert isinstance(understood, MailInterpretation)
    assert recognised
    assert understood.events


# --- volumes ---------------------------------------------------------------------------------------------


def test_which_volume_is_shipped_goes_below_the_code_and_is_read_from_there() -> None:
    said = lent(EventKind.SHIPPED, volumes=("2",))
    said = replace(said, request=replace(said.request, volumes=(Volume("1", "Bind 1"), Volume("2", "Bind 2"))))

    text = write_reply(said, dialect_of(PEER), UTC).text
    told = only(ArtemailFormat().decode(mail(text), bldss()))

    assert "volume 2 of 2: Bind 2" in text
    assert (told.kind, told.details.volumes) == (EventKind.SHIPPED, ("2",))


# --- what can't be said ----------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", EventKind)
def test_what_has_no_code_is_known_before_it_is_refused(kind: EventKind) -> None:
    channel = ArtemailChannel(cast("ChannelContext", None))

    if not channel.has_message(kind, Role.BORROWING, bldss()):
        with pytest.raises(Refused, match="cannot be sent in ARTEmail"):
            written(message(kind))
    if not channel.has_message(kind, Role.LENDING, bldss()):
        with pytest.raises(Refused, match="has no code for"):
            write_reply(lent(kind), dialect_of(bldss()), UTC)
    assert channel.has_message(EventKind.REQUEST, Role.BORROWING, bldss())
    assert channel.has_message(EventKind.UNFILLED, Role.LENDING, bldss())
