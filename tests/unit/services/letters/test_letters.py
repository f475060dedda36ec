"""What a letter says and to whom: languages, dates, scripts that run the other way, and what no partner may see."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from gateway.domain.library import Contact, ContactKind, Money, Patron
from gateway.domain.problems import Refused
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import CitationExtra
from gateway.domain.requests.events import EventDetails, EventKind, RequestEnding
from gateway.domain.requests.partner_policy import PartnerPolicy
from gateway.domain.requests.request import (
    BorrowingState,
    LibraryParty,
    PatronLink,
    RequestedService,
    RequestFlag,
    RequestNote,
    ServiceType,
    Volume,
)
from gateway.ports.outgoing_mail import PLAIN, LetterStyle
from gateway.services.letters import sample
from gateway.services.letters.facts import NoticeFacts
from gateway.services.letters.renderer import LetterPlace, LetterRenderer, mail_address
from tests.support.requests import attempt
from tests.unit.services.letters.support import ZONE, letters, notice, to_partner

BY = LetterRenderer(LetterPlace((), "en"))
ENGLISH = BY.resolve_language("en").words
GERMAN = BY.resolve_language("de").words


# --- languages -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wanted", "written"),
    [("de", "de"), ("de-CH", "de"), ("de_AT", "de"), ("ger", "de"), ("DEU", "de"), ("", "en"), ("xx", "en")],
)
def test_a_patron_is_written_in_a_language_of_theirs(wanted: str, written: str) -> None:
    assert notice(BY, "sent", wanted).language == written


def test_a_letter_has_the_colour_and_the_website_of_its_library() -> None:
    library = replace(sample.LIBRARY, home="https://www.northfield.example/", colour="#0b6a5b")
    letter = BY.render_patron_letter("sent", sample.sample_request(), sample.PATRON, library, ZONE, sample.NOW)

    assert "border-top:4px solid #0b6a5b;" in letter.html
    assert 'href="https://www.northfield.example/">Northfield University Library</a>' in letter.html
    assert "https://www.northfield.example/" in letter.text.splitlines()
    assert not re.search("#0b6a5b|None", notice(BY, "sent").html)


def test_a_long_value_is_wrapped_beside_its_label() -> None:
    request = sample.sample_request()
    citation = replace(request.citation, component_title="Über die Flößerei auf der Weichsel und ihren Zuflüssen " * 3)
    letter = BY.render_patron_letter(
        "sent", replace(request, citation=citation), sample.PATRON, sample.LIBRARY, ZONE, sample.NOW
    )

    lines = letter.text.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("  Title: "))
    assert all(line.startswith(" " * 20) for line in lines[first + 1 : first + 4])
    assert max(len(line) for line in lines) <= 72


def test_where_none_is_known_the_installations_language_counts() -> None:
    assert notice(LetterRenderer(LetterPlace((), "de")), "sent").subject.startswith(
        "Bestellung 2026-000417 ist unterwegs"
    )


def test_the_requests_language_comes_before_the_patrons() -> None:
    patron = replace(sample.PATRON, language="de")
    request = sample.sample_request()

    def language(asked: str) -> str:
        about = replace(request, patron=replace(request.patron, language=asked))
        return BY.render_patron_letter("sent", about, patron, sample.LIBRARY, ZONE, sample.NOW).language

    assert language("") == "de"
    assert language("en") == "en"


def test_a_partner_is_written_in_the_language_of_its_profile() -> None:
    assert to_partner(BY, EventKind.RECALL, "de").text.startswith("Guten Tag Stadtbibliothek Seeberg,\n\nwir brauchen")
    assert to_partner(BY, EventKind.RECALL, "de", style=LetterStyle("en")).language == "en"


# --- days and money --------------------------------------------------------------------------------------


def test_days_and_times_are_those_of_the_library() -> None:
    evening = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)

    assert ENGLISH.format_moment(evening, ZONE) == "2 July 2026, 00:30"
    assert GERMAN.format_moment(evening, ZONE) == "2. Juli 2026, 00:30\N{NO-BREAK SPACE}Uhr"
    assert GERMAN.format_moment(date(2026, 3, 9), ZONE) == "9. März 2026"


def test_the_end_of_a_day_is_the_day() -> None:
    assert ENGLISH.format_moment(datetime(2026, 4, 9, 21, 59, tzinfo=UTC), ZONE) == "9 April 2026"


@pytest.mark.parametrize(
    ("amount", "english", "german"),
    [("12.5", "EUR 12.50", "12,50 EUR"), ("12", "EUR 12", "12 EUR"), ("0.125", "EUR 0.125", "0,125 EUR")],
)
def test_money(amount: str, english: str, german: str) -> None:
    money = Money(Decimal(amount), "EUR")

    assert ENGLISH.format_money(money) == english
    assert GERMAN.format_money(money) == german


# --- what stands in it -----------------------------------------------------------------------------------


def test_a_hebrew_title_leaves_its_sentence_in_order() -> None:
    written = to_partner(BY, EventKind.SHIPPED, script="hebrew")

    assert "  Title:       \u2068תולדות הדפוס בגליל\u2069\n" in written.text
    assert '<bdi dir="auto">תולדות הדפוס בגליל</bdi></td>' in written.html
    assert "\u2068" not in written.subject


def test_a_title_is_text_whatever_it_looks_like() -> None:
    request = sample.sample_request()
    nasty = replace(request.citation, component_title="", title="<script>x</script>\r\nBcc: a@b.example\u202e {{ 1 }}")
    written = BY.render_patron_letter(
        "sent", replace(request, citation=nasty), sample.PATRON, sample.LIBRARY, ZONE, sample.NOW
    )

    assert "<script>" not in written.html
    assert "&lt;script&gt;x&lt;/script&gt; Bcc: a@b.example {{ 1 }}" in written.html
    assert "\n" not in written.subject
    assert "\u202e" not in written.text + written.subject + written.html


def test_somebodys_own_lines_stay_lines() -> None:
    written = to_partner(BY, EventKind.RECALL)

    assert "\n\n  Please handle the binding with care.\n  It was repaired last year.\n\n" in written.text
    assert "Please handle the binding with care.<br>\nIt was repaired last year." in written.html


def test_a_field_without_a_word_of_its_own_is_shown_under_its_name() -> None:
    message = replace(
        sample.sample_message(EventKind.SHIPPED), details=EventDetails(extras=(CitationExtra("Colis n°", "7731"),))
    )

    written = BY.for_partner(message, Profile(name="seeberg"), sample.LIBRARY, ZONE)

    assert "  Colis n°: 7731\n" in written.text


def test_a_reason_that_is_the_partners_own_word_is_not_told() -> None:
    facts = NoticeFacts(details=EventDetails(reason="Re-Ap"))

    assert "able to supply this item." in notice(BY, "not-supplied", facts=facts).text


def test_the_letter_that_nobody_supplies_gives_the_last_reason() -> None:
    tried = (attempt(1, reason="on-loan"), attempt(2, reason="not-on-shelf"), attempt(3))
    facts = NoticeFacts()

    def write(state: BorrowingState, facts: NoticeFacts) -> str:
        request = replace(sample.sample_request(), state=state, attempts=tried)
        letter = BY.render_patron_letter(
            "not-supplied", request, sample.PATRON, sample.LIBRARY, ZONE, sample.NOW, facts
        )
        return " ".join(letter.text.split())

    assert f"({ENGLISH.reasons['not-on-shelf']})" in write(BorrowingState.UNFILLED, facts)
    assert f"({ENGLISH.reasons['closed']})" in write(
        BorrowingState.UNFILLED, NoticeFacts(details=EventDetails(reason="closed"))
    )
    assert "able to supply this item." in write(BorrowingState.EXPIRED, facts)


@pytest.mark.parametrize(
    ("state", "service", "said"),
    [
        (BorrowingState.WILL_SUPPLY, ServiceType.LOAN, "but it could not. We will return the item when it arrives."),
        (BorrowingState.SHIPPED, ServiceType.LOAN, "but the item had already been sent. We will return the item"),
        (BorrowingState.WILL_SUPPLY, ServiceType.COPY, "but it could not. You will receive the copy."),
    ],
)
def test_a_refused_cancellation_says_what_comes_of_it(state: BorrowingState, service: ServiceType, said: str) -> None:
    request = replace(
        sample.sample_request(),
        state=state,
        service=RequestedService(service),
        flags=frozenset({RequestFlag.UNWANTED}),
    )
    letter = BY.render_patron_letter(
        "cancel-refused", request, None, sample.LIBRARY, ZONE, sample.NOW, NoticeFacts(account="https://my.example")
    )
    assert letter.subject.startswith("Not cancelled: ")
    assert said in " ".join(letter.text.split())


@pytest.mark.parametrize(
    ("ending", "said"),
    [
        (RequestEnding.OWN_STOCK, "We have this item in our library. Please reserve our copy or contact us."),
        (RequestEnding.OBTAINED_ELSEWHERE, "This item could be obtained in another way."),
        (RequestEnding.DUPLICATE, "You have requested this item twice. Your other request continues."),
        (RequestEnding.NOT_NEEDED, "You no longer need this item."),
    ],
)
def test_a_letter_says_how_staff_have_ended_it(ending: RequestEnding, said: str) -> None:
    request = replace(sample.sample_request(), state=BorrowingState.CANCELLED, ending=ending)
    letter = BY.render_patron_letter("closed", request, None, sample.LIBRARY, ZONE, sample.NOW, NoticeFacts())
    assert said in " ".join(letter.text.split())
    assert "No library was able" not in letter.text


def test_a_question_without_addresses_asks_for_an_answer_by_mail() -> None:
    assert "Please reply to this message." in notice(BY, "query", facts=NoticeFacts()).text
    assert "Please answer" not in notice(BY, "query").text


def test_a_very_long_title_makes_no_endless_subject() -> None:
    message = sample.sample_message(EventKind.RECALL)
    long = replace(message.request, citation=replace(message.request.citation, component_title="Weichsel " * 100))

    written = BY.for_partner(replace(message, request=long), Profile(name="seeberg"), sample.LIBRARY, ZONE)

    assert len(written.subject) <= 200
    assert written.subject.endswith("…")
    assert message.transaction in written.subject


# --- to whom ---------------------------------------------------------------------------------------------


def contact(value: str, role: str = "home", until: date | None = None, since: date | None = None) -> Contact:
    return Contact(ContactKind.EMAIL, role, value, valid_from=since, valid_to=until)


@pytest.mark.parametrize(
    ("contacts", "address"),
    [
        ((contact("a@home.example"), contact("b@work.example", "notices")), "b@work.example"),
        ((contact("old@x.example", until=date(2026, 1, 1)), contact("new@x.example")), "new@x.example"),
        ((contact("last@x.example", until=date(2026, 3, 2)), contact("new@x.example")), "last@x.example"),
        ((contact("over@x.example", until=date(2026, 3, 1)),), ""),
        ((contact("first@x.example", since=date(2026, 3, 2)),), "first@x.example"),
        ((contact("early@x.example", since=date(2026, 3, 3)),), ""),
        ((Contact(ContactKind.PHONE, "home", "+41 99"),), ""),
        ((), ""),
    ],
)
def test_the_address_for_notices_is_taken_first(contacts: tuple[Contact, ...], address: str) -> None:
    patron: Patron = replace(sample.PATRON, contacts=contacts)

    assert mail_address(patron, date(2026, 3, 2)) == address


def test_a_patron_who_is_not_known_gets_a_letter_without_address() -> None:
    written = BY.render_patron_letter("sent", sample.sample_request(), None, sample.LIBRARY, ZONE, sample.NOW)

    assert written.to == ""
    assert written.text.startswith("Dear Sir or Madam,")


def test_a_partners_address_is_the_messages_or_else_the_profiles() -> None:
    message = sample.sample_message(EventKind.REQUEST)
    profile = Profile(name="seeberg", partner=PartnerPolicy(email="ill@seeberg.example"))
    without = replace(message, receiver=LibraryParty("SE-77"))

    assert BY.for_partner(message, profile, sample.LIBRARY, ZONE).to == "fernleihe@seeberg.example"
    assert BY.for_partner(without, profile, sample.LIBRARY, ZONE).to == "ill@seeberg.example"


def test_a_kind_that_no_partner_is_told_is_refused() -> None:
    message = replace(sample.sample_message(EventKind.REQUEST), kind=EventKind.NOTE)

    with pytest.raises(Refused, match="Letter 'partner/note' not found"):
        BY.for_partner(message, Profile(name="seeberg"), sample.LIBRARY, ZONE)


def test_notices_are_marked_as_written_by_nobody() -> None:
    assert notice(BY, "sent").automatic
    assert not to_partner(BY, EventKind.REQUEST).automatic


# --- the subject that a profile wants --------------------------------------------------------------------


def test_a_subject_of_the_profile_keeps_the_reference_and_the_title() -> None:
    style = LetterStyle(subject="[{reference}] {symbol} {kind}: {title}")

    subject = to_partner(BY, EventKind.CANCEL, style=style).subject

    assert subject == "[NO-01-2026-000417] NO-01 cancel: Über die Flößerei auf der Weichsel / Jürgen Großmann"


def test_a_subject_that_lacks_the_reference_gets_it() -> None:
    style = LetterStyle(subject="ILL: {kind}")

    assert to_partner(BY, EventKind.CANCEL, style=style).subject == "NO-01-2026-000417 ILL: cancel"


# --- what no partner may see -----------------------------------------------------------------------------


def test_nothing_of_the_patron_reaches_a_partners_letter(tmp_path: Path) -> None:
    """Not even by a template that shows all that it is given."""
    everything = "{% set subject %}x{% endset %}{{ request }} {{ details }} {{ partner }} {{ library }}"
    by = letters(tmp_path, {"en/partner/request.j2": everything})
    message = sample.sample_message(EventKind.REQUEST)
    secret = "Zoë Østergård 21100000001"
    named = replace(
        message.request,
        patron=PatronLink("p-1", secret, secret, "MAIN", note=secret),
        direct_patron=PatronLink(secret),
        citation=replace(message.request.citation, original=f"rft.requester={secret}"),
        notes=(*message.request.notes, RequestNote(sample.NOW, "staff", secret)),
        extras=(CitationExtra("requester", secret),),
        external=(secret,),
        warnings=(secret,),
        borrower_id=secret,
    )

    written = by.for_partner(replace(message, request=named), Profile(name="seeberg"), sample.LIBRARY, ZONE)

    for part in secret.split():
        assert part not in written.text + written.html + written.subject
    assert "The second edition, please." in " ".join(written.text.split())


def test_a_request_of_several_volumes_says_which() -> None:
    message = sample.sample_message(EventKind.REQUEST)
    volumes = (Volume("1", "Bd. 1"), Volume("2", "Registerband"))
    profile = Profile(name="seeberg", partner=PartnerPolicy(language="de"))

    letter = letters().for_partner(
        replace(message, request=replace(message.request, volumes=volumes)), profile, sample.LIBRARY, ZONE, PLAIN
    )

    assert re.search(r"Bände:\s+Bd\. 1, Registerband", letter.text)
