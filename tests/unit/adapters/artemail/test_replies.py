"""Replies of the service: every code of facts/artemail.md section 2, and what mails do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from adapters.artemail.dialect import dialect_of
from adapters.artemail.mail_format import ArtemailFormat
from adapters.artemail.reply_rules import Replies, ReplyCodes
from adapters.artemail.text_templates import parse_template
from gateway.domain.library import Money
from gateway.domain.problems import MalformedMessage
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Role
from gateway.ports.incoming_mail import BatchEvent, MailEvent, MailInterpretation, MailRecipient
from tests.unit.adapters.artemail.support import NUMBER, bldss, mail, only, read, tailored

CODES: list[tuple[str, EventKind, dict[str, object]]] = [
    ("CANC", EventKind.CANCEL_ACCEPTED, {}),
    ("NCANC", EventKind.CANCEL_REFUSED, {}),
    ("CAT*REAPPLY 4", EventKind.RETRY, {"retry_after": date(2026, 3, 30)}),
    ("CAT*REAPPLY", EventKind.RETRY, {"retry_after": None}),
    ("CRF*CANNOT MATCH ITEM", EventKind.UNFILLED, {"reason": "not-found-as-cited"}),
    ("DIRECT", EventKind.UNFILLED, {"reason": "locations-provided"}),
    ("NOT", EventKind.UNFILLED, {"reason": "not-held"}),
    ("NOT*NUKL", EventKind.UNFILLED, {"reason": "no-locations"}),
    ("*INVALID ORDERING OPTIONS", EventKind.UNFILLED, {"reason": "order-rejected"}),
    ("RCOP", EventKind.UNFILLED, {"reason": "copyright"}),
    ("*TOTAL LIBRARY", EventKind.FORWARDED, {}),
    (
        "*TOTAL LIBRARY MAX COST 45.50",
        EventKind.UNFILLED,
        {"reason": "cost-exceeds-maximum", "cost": Money(Decimal("45.50"), "GBP")},
    ),
    ("TOTAL LOAN*MORE THAN 1 VOLUME", EventKind.UNFILLED, {"reason": "specify-volume"}),
    ("SHIPPED COPY", EventKind.SHIPPED, {}),
    ("USE O/D", EventKind.WILL_SUPPLY, {}),
    ("USE O/D 14-04-2026", EventKind.WILL_SUPPLY, {"expected": date(2026, 4, 14)}),
    ("USE*3", EventKind.HOLD_PLACED, {}),
    ("RENEWED*30-04-2026", EventKind.RENEW_ACCEPTED, {"due": date(2026, 4, 30)}),
    ("NO RENEW", EventKind.RENEW_REFUSED, {}),
    ("DUE", EventKind.OVERDUE, {}),
    ("DUE*AUTOMATIC RENEWAL PENDING 30-04-2026", EventKind.MESSAGE, {"due": None}),
    ("DUE WAIT", EventKind.RECALL, {"renewals_allowed": False}),
    ("*FINAL DEMAND", EventKind.OVERDUE, {}),
]


def everything(understood: MailInterpretation) -> list[tuple[EventKind, str]]:
    return [(event.kind, number_of(event)) for event in understood.events]


def number_of(event: MailEvent) -> str:
    """The request's, or that of the mail in which it was ordered."""
    return event.transaction or (event.file.numbers[0] if event.file is not None and event.file.numbers else "")


@pytest.mark.parametrize(("code", "kind", "details"), CODES, ids=[code for code, _, _ in CODES])
def test_every_code_of_the_table(code: str, kind: EventKind, details: dict[str, object]) -> None:
    event = only(read(f"{NUMBER} {code}"))

    assert (event.kind, event.role, event.transaction) == (kind, Role.BORROWING, NUMBER)
    assert {name: getattr(event.details, name) for name in details} == details
    assert event.details.note.splitlines()[0] == code
    assert code in event.explained[0]


def test_no_code_of_the_profile_is_without_its_line_in_the_table() -> None:
    seen = {only(read(f"{NUMBER} {code}")).explained[0].split("'")[3] for code, _, _ in CODES}

    assert seen == set(dialect_of(bldss()).replies.codes)


def test_captured_fields_stand_in_the_note() -> None:
    assert "On the waiting list, place 3." in only(read(f"{NUMBER} USE*3")).details.note
    assert only(read(f"{NUMBER} USE*3")).details.written == "", "nobody wrote it"
    assert "Apply again in 4 weeks." in only(read(f"{NUMBER} CAT*REAPPLY 4")).details.note


@pytest.mark.parametrize("code", ["LONDON", "*MISS", "ORI*WRONG ISSUE", "X99"])
def test_a_code_that_nobody_knows_becomes_a_message(code: str) -> None:
    understood = read(f"{NUMBER} {code}\nPlease ask us about it.")

    event = only(understood)
    assert (event.kind, event.transaction) == (EventKind.MESSAGE, NUMBER)
    assert event.details.note == f"{code}\nPlease ask us about it."
    assert understood.unknown == (f"{NUMBER} {code}",)


# --- where number and code stand -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        f"{NUMBER} NOT",
        f"TX{NUMBER} NOT",
        f"{NUMBER}: NOT",
        f"NOT {NUMBER}",
        f"{NUMBER}\nNOT",
        f"Request number: {NUMBER}\nReply: NOT",
        f"Your reference {NUMBER}\n\nReply code: NOT - not held",
        f"  {NUMBER}   NOT   Not held here  ",
        f"{NUMBER} NOT (not held)",
        f"{NUMBER}\u00a0NOT.",
        f"NOT\n\n> TX{NUMBER} S LOAN\n> A title",
        f"NOT\r\n\r\nOn Monday the library wrote:\r\n> TX{NUMBER} S LOAN",
        f"> TX{NUMBER} S LOAN\nNOT",
    ],
)
def test_number_and_code_are_found(text: str) -> None:
    assert everything(read(text)) == [(EventKind.UNFILLED, NUMBER)]


def test_a_number_in_the_subject_is_enough() -> None:
    assert everything(read("NOT", f"Re: FILEREFNO {NUMBER}")) == [(EventKind.UNFILLED, NUMBER)]
    assert everything(read("NOT", f"RE: filerefno: {NUMBER} answer")) == [(EventKind.UNFILLED, NUMBER)]


def test_a_code_in_the_subject_counts_where_the_body_has_none() -> None:
    assert everything(read("", f"{NUMBER} CANC")) == [(EventKind.CANCEL_ACCEPTED, NUMBER)]
    assert everything(read(f"{NUMBER} NOT", f"{NUMBER} CANC")) == [(EventKind.UNFILLED, NUMBER)]


def test_without_a_number_the_mail_that_was_answered_must_tell_it() -> None:
    assert everything(read("NOT", "An answer")) == [(EventKind.UNFILLED, "")]


def test_several_replies_in_one_mail() -> None:
    text = "B-1 NOT\nB-2 CAT*REAPPLY 2\n\nB-3\nRENEWED*30-04-2026\nB-1 NOT\n"

    assert everything(read(text)) == [
        (EventKind.UNFILLED, "B-1"),
        (EventKind.RETRY, "B-2"),
        (EventKind.RENEW_ACCEPTED, "B-3"),
    ]


def test_replies_between_the_quoted_orders() -> None:
    text = "> TXB-1 S LOAN\n> One\nNOT\n> TXB-2 S LOAN\n> Two\nCANC\n"

    assert everything(read(text)) == [(EventKind.UNFILLED, "B-1"), (EventKind.CANCEL_ACCEPTED, "B-2")]


def test_a_code_that_is_quoted_is_no_answer() -> None:
    text = f"{NUMBER} CANC\n\n> {NUMBER} NOT\n"

    assert everything(read(text)) == [(EventKind.CANCEL_ACCEPTED, NUMBER)]


def test_a_code_that_was_broken_in_two_lines() -> None:
    assert only(read(f"{NUMBER} CAT*REAPPLY\n4\n")).details.retry_after == date(2026, 3, 30)
    event = only(read(f"{NUMBER} *TOTAL LIBRARY MAX COST\n45.50 GBP"))
    assert event.details.cost == Money(Decimal("45.50"), "GBP")


def test_a_date_is_never_taken_for_a_request_number() -> None:
    assert everything(read("DUE 12-03-2026", f"FILEREFNO {NUMBER}"))[0][1] == NUMBER


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("RENEWED*30-04-2026", date(2026, 4, 30)),
        ("RENEWED * 30/04/2026", date(2026, 4, 30)),
        ("RENEWED*30 APR 2026", date(2026, 4, 30)),
        ("RENEWED*2026-04-30", date(2026, 4, 30)),
        ("RENEWED*31-02-2026", None),
    ],
)
def test_dates_in_the_forms_of_the_profile(text: str, due: date | None) -> None:
    event = only(read(f"{NUMBER} {text}"))

    assert (event.kind, event.details.due) == (EventKind.RENEW_ACCEPTED, due)
    assert event.details.note.splitlines()[0] == text


def test_plain_english_below_a_code_goes_with_it() -> None:
    event = only(read(f"{NUMBER} NOT\nWe no longer hold this.\n\n-- \nCustomer Services\n"))

    assert event.details.note == "NOT\nNot held or no longer available.\nWe no longer hold this."
    assert event.details.written == "We no longer hold this."


# --- files, whole-file answers, mails without a code -----------------------------------------------------


def test_a_copy_comes_with_its_code() -> None:
    event = only(read(f"{NUMBER} SHIPPED COPY", files=("text/plain", "application/pdf")))

    assert (event.kind, event.files) == (EventKind.COPY_DELIVERED, (1,))


def test_a_copy_comes_without_a_code() -> None:
    event = only(read("Here is your article.", f"FILEREFNO {NUMBER}", files=("application/pdf",)))

    assert (event.kind, number_of(event), event.files) == (EventKind.COPY_DELIVERED, NUMBER, (0,))
    wary = tailored(replies={"pdf_alone": "message"})
    assert only(read("", f"FILEREFNO {NUMBER}", wary, ("application/pdf",))).kind is EventKind.MESSAGE


def test_a_letter_about_a_request_is_a_message() -> None:
    event = only(read("We are still looking for it.", f"FILEREFNO {NUMBER}"))

    assert (event.kind, number_of(event)) == (EventKind.MESSAGE, NUMBER)
    assert event.details.note == "We are still looking for it."


def test_a_file_that_was_accepted() -> None:
    event = only(read("3 requests accepted", "FILEREFNO F000017"))

    assert (event.kind, event.transaction) == (EventKind.ACKNOWLEDGED, "")
    assert event.file == BatchEvent(numbers=("F000017",), each=True, count=3)


def test_a_file_that_was_rejected() -> None:
    event = only(read("Your file was rejected: invalid password", "FILEREFNO F000017"))

    assert (event.kind, event.transaction, event.details.reason) == (EventKind.REJECTED, "", "order-rejected")
    assert event.details.note == "Your file was rejected: invalid password"
    assert event.file == BatchEvent(numbers=("F000017",), each=True)


def test_nothing_accepted_says_nothing_of_anybody() -> None:
    text = "0 requests accepted\nRequest B-2 was rejected: unknown keyword"

    assert everything(read(text, "FILEREFNO F000017")) == [(EventKind.REJECTED, "B-2")]
    with pytest.raises(MalformedMessage):
        read("0 requests accepted", "FILEREFNO F000017")


def test_the_number_of_a_file_stands_as_it_was_written() -> None:
    """The prefix that a service wants before our requests' numbers is not before a file's."""
    event = only(read("NOT", "FILEREFNO Q-17", tailored(numbers={"prefix": "Q-"})))

    assert event.file == BatchEvent(numbers=("Q-17", "17"))


def test_faults_are_explained() -> None:
    rule = {"pattern": r"^ERROR (?P<fault>\d+) IN (?P<number>\S+)", "kind": "rejected"}
    profile = tailored(replies={"files": {"fault": rule}, "faults": {"12": "unknown keyword"}})

    event = only(read("ERROR 12 IN B-2", "FILEREFNO F000017", profile))

    assert (event.kind, event.transaction) == (EventKind.REJECTED, "B-2")
    assert event.details.note == "ERROR 12 IN B-2\n12: unknown keyword"


def test_a_request_of_a_file_that_was_rejected() -> None:
    text = "Request B-2 was rejected: unknown keyword"

    assert everything(read(text, "FILEREFNO B-1")) == [(EventKind.REJECTED, "B-2")]


def test_patterns_for_files_are_the_profiles() -> None:
    profile = tailored(
        replies={"files": {"ok": {"pattern": r"^ACK (?P<number>\S+)", "kind": "rejected", "reason": "too-late"}}}
    )
    event = only(read("ACK B-7", "", profile))

    assert (event.kind, event.transaction, event.details.reason) == (EventKind.REJECTED, "B-7", "too-late")


# --- what is no answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "We are closed on Friday.", "Not held, sorry.\nDue to illness", "> Sorry, NOT"])
def test_what_is_no_answer_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read(text, "Hello")


@pytest.mark.parametrize("first", [f"TX{NUMBER} S LOAN", f"TX{NUMBER}", f"TX{NUMBER} RENEW"])
def test_our_own_order_that_comes_back_is_not_taken_for_one(first: str) -> None:
    order = f"99-9999\nOPENSESAME\n\n{first}\nA title\n\nNNNN\n"

    returned, answered = read(order, "Order"), read(f"{order}\nNOT\n", "Order")

    assert everything(returned) == [(EventKind.MESSAGE, NUMBER)]
    assert everything(answered) == [(EventKind.UNFILLED, NUMBER)]
    assert "OPENSESAME" not in repr((returned, answered))


def test_files_are_named_in_whatever_mail() -> None:
    """Each as it stands there, and without what is put before our numbers; a day or a word is no number."""
    profile = tailored(numbers={"prefix": "Q-"}, reference="OURREF")
    plain = mail("On holiday.\n> OURREF: Q-17.\n> OURREF yours, OURREF 12-03-2026, FILEREFNO F2", "Re: OURREF F000017")

    assert ArtemailFormat().named_batches(plain, profile) == ("F000017", "Q-17", "17")
    assert ArtemailFormat().named_batches(mail("FILEREFNO"), bldss()) == ()


def test_an_automatic_note_of_absence_is_not_recognised() -> None:
    absent = replace(mail("I am out of the office.", f"Auto: FILEREFNO {NUMBER}"), automatic=True)

    assert not ArtemailFormat().recognises(absent, bldss())
    assert ArtemailFormat().recognises(mail(f"{NUMBER} NOT"), bldss())
    assert not ArtemailFormat().recognises(mail("We are closed on Friday."), bldss())


def test_weeks_count_from_the_day_on_which_the_library_got_the_mail() -> None:
    """It came on 1 March in the evening, when it was 2 March in UTC."""
    came = mail(f"{NUMBER} CAT*REAPPLY 4")
    here = MailRecipient(symbol="US-01", zone=ZoneInfo("America/Los_Angeles"))
    late = replace(came, received=datetime(2026, 3, 2, 4, 0, tzinfo=UTC), recipient=here)

    assert only(ArtemailFormat().decode(late, bldss())).details.retry_after == date(2026, 3, 29)


# --- what it costs ---------------------------------------------------------------------------------------


def test_codes_and_templates_are_compiled_once_a_profile(monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Replies] = []
    build = ReplyCodes.__init__

    def count_table(table: ReplyCodes, replies: Replies) -> None:
        built.append(replies)
        build(table, replies)

    monkeypatch.setattr(ReplyCodes, "__init__", count_table)
    profile, other = tailored(), tailored()  # freshly read: nothing is kept of them yet
    answer = mail(f"{NUMBER} RENEWED*30-04-2026\n", "FILEREFNO F000017")
    art = ArtemailFormat()

    def read_once(by: Profile) -> None:
        assert art.recognises(answer, by)
        art.decode(answer, by)
        art.named_batches(answer, by)

    read_once(profile)
    parsed = parse_template.cache_info().misses
    read_once(profile)
    assert len(built) == 1
    assert parse_template.cache_info().misses == parsed

    read_once(other)
    assert len(built) == 2


def test_a_profile_that_is_read_anew_has_its_own_codes() -> None:
    code = {"code": "GONE", "kind": "unfilled", "reason": "not-held"}

    assert only(read(f"{NUMBER} GONE\n")).kind is EventKind.MESSAGE
    assert (
        only(read(f"{NUMBER} GONE\n", profile=tailored(replies={"codes": {"gone": code}}))).kind is EventKind.UNFILLED
    )
