"""Replies of the service: every code of facts/artemail.md section 2, and what mails do to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from adapters.artemail.dialect import dialect_of
from adapters.artemail.mail_format import ArtemailFormat
from gateway.domain.library import Money
from gateway.domain.problems import MalformedMessage
from gateway.domain.requests.events import Kind
from gateway.domain.requests.request import Role
from gateway.ports.incoming_mail import MailEvent, OfFile, Understood
from tests.unit.adapters.artemail.support import NUMBER, bldss, mail, only, read, tailored

CODES: list[tuple[str, Kind, dict[str, object]]] = [
    ("CANC", Kind.CANCEL_ACCEPTED, {}),
    ("NCANC", Kind.CANCEL_REFUSED, {}),
    ("CAT*REAPPLY 4", Kind.RETRY, {"retry_after": date(2026, 3, 30)}),
    ("CAT*REAPPLY", Kind.RETRY, {"retry_after": None}),
    ("CRF*CANNOT MATCH ITEM", Kind.UNFILLED, {"reason": "not-found-as-cited"}),
    ("DIRECT", Kind.UNFILLED, {"reason": "locations-provided"}),
    ("NOT", Kind.UNFILLED, {"reason": "not-held"}),
    ("NOT*NUKL", Kind.UNFILLED, {"reason": "no-locations"}),
    ("*INVALID ORDERING OPTIONS", Kind.UNFILLED, {"reason": "order-rejected"}),
    ("RCOP", Kind.UNFILLED, {"reason": "copyright"}),
    ("*TOTAL LIBRARY", Kind.FORWARDED, {}),
    (
        "*TOTAL LIBRARY MAX COST 45.50",
        Kind.UNFILLED,
        {"reason": "cost-exceeds-maximum", "cost": Money(Decimal("45.50"), "GBP")},
    ),
    ("TOTAL LOAN*MORE THAN 1 VOLUME", Kind.UNFILLED, {"reason": "specify-volume"}),
    ("SHIPPED COPY", Kind.SHIPPED, {}),
    ("USE O/D", Kind.WILL_SUPPLY, {}),
    ("USE O/D 14-04-2026", Kind.WILL_SUPPLY, {"expected": date(2026, 4, 14)}),
    ("USE*3", Kind.HOLD_PLACED, {}),
    ("RENEWED*30-04-2026", Kind.RENEW_ACCEPTED, {"due": date(2026, 4, 30)}),
    ("NO RENEW", Kind.RENEW_REFUSED, {}),
    ("DUE", Kind.OVERDUE, {}),
    ("DUE*AUTOMATIC RENEWAL PENDING 30-04-2026", Kind.MESSAGE, {"due": None}),
    ("DUE WAIT", Kind.RECALL, {"renewals_allowed": False}),
    ("*FINAL DEMAND", Kind.OVERDUE, {}),
]


def everything(understood: Understood) -> list[tuple[Kind, str]]:
    return [(event.kind, number_of(event)) for event in understood.events]


def number_of(event: MailEvent) -> str:
    """The request's, or that of the mail in which it was ordered."""
    return event.transaction or (event.file.numbers[0] if event.file is not None and event.file.numbers else "")


@pytest.mark.parametrize(("code", "kind", "details"), CODES, ids=[code for code, _, _ in CODES])
def test_every_code_of_the_table(code: str, kind: Kind, details: dict[str, object]) -> None:
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
    assert "Apply again in 4 weeks." in only(read(f"{NUMBER} CAT*REAPPLY 4")).details.note


@pytest.mark.parametrize("code", ["LONDON", "*MISS", "ORI*WRONG ISSUE", "X99"])
def test_a_code_that_nobody_knows_becomes_a_message(code: str) -> None:
    understood = read(f"{NUMBER} {code}\nPlease ask us about it.")

    event = only(understood)
    assert (event.kind, event.transaction) == (Kind.MESSAGE, NUMBER)
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
    assert everything(read(text)) == [(Kind.UNFILLED, NUMBER)]


def test_a_number_in_the_subject_is_enough() -> None:
    assert everything(read("NOT", f"Re: FILEREFNO {NUMBER}")) == [(Kind.UNFILLED, NUMBER)]
    assert everything(read("NOT", f"RE: filerefno: {NUMBER} answer")) == [(Kind.UNFILLED, NUMBER)]


def test_a_code_in_the_subject_counts_where_the_body_has_none() -> None:
    assert everything(read("", f"{NUMBER} CANC")) == [(Kind.CANCEL_ACCEPTED, NUMBER)]
    assert everything(read(f"{NUMBER} NOT", f"{NUMBER} CANC")) == [(Kind.UNFILLED, NUMBER)]


def test_without_a_number_the_mail_that_was_answered_must_tell_it() -> None:
    assert everything(read("NOT", "An answer")) == [(Kind.UNFILLED, "")]


def test_several_replies_in_one_mail() -> None:
    text = "B-1 NOT\nB-2 CAT*REAPPLY 2\n\nB-3\nRENEWED*30-04-2026\nB-1 NOT\n"

    assert everything(read(text)) == [(Kind.UNFILLED, "B-1"), (Kind.RETRY, "B-2"), (Kind.RENEW_ACCEPTED, "B-3")]


def test_replies_between_the_quoted_orders() -> None:
    text = "> TXB-1 S LOAN\n> One\nNOT\n> TXB-2 S LOAN\n> Two\nCANC\n"

    assert everything(read(text)) == [(Kind.UNFILLED, "B-1"), (Kind.CANCEL_ACCEPTED, "B-2")]


def test_a_code_that_is_quoted_is_no_answer() -> None:
    text = f"{NUMBER} CANC\n\n> {NUMBER} NOT\n"

    assert everything(read(text)) == [(Kind.CANCEL_ACCEPTED, NUMBER)]


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

    assert (event.kind, event.details.due) == (Kind.RENEW_ACCEPTED, due)
    assert event.details.note.splitlines()[0] == text


def test_plain_english_below_a_code_goes_with_it() -> None:
    event = only(read(f"{NUMBER} NOT\nWe no longer hold this.\n\n-- \nCustomer Services\n"))

    assert event.details.note == "NOT\nNot held or no longer available.\nWe no longer hold this."


# --- files, whole-file answers, mails without a code -----------------------------------------------------


def test_a_copy_comes_with_its_code() -> None:
    event = only(read(f"{NUMBER} SHIPPED COPY", files=("text/plain", "application/pdf")))

    assert (event.kind, event.files) == (Kind.COPY_DELIVERED, (1,))


def test_a_copy_comes_without_a_code() -> None:
    event = only(read("Here is your article.", f"FILEREFNO {NUMBER}", files=("application/pdf",)))

    assert (event.kind, number_of(event), event.files) == (Kind.COPY_DELIVERED, NUMBER, (0,))
    wary = tailored(replies={"pdf_alone": "message"})
    assert only(read("", f"FILEREFNO {NUMBER}", wary, ("application/pdf",))).kind is Kind.MESSAGE


def test_a_letter_about_a_request_is_a_message() -> None:
    event = only(read("We are still looking for it.", f"FILEREFNO {NUMBER}"))

    assert (event.kind, number_of(event)) == (Kind.MESSAGE, NUMBER)
    assert event.details.note == "We are still looking for it."


def test_a_file_that_was_accepted() -> None:
    event = only(read("3 requests accepted", "FILEREFNO F000017"))

    assert (event.kind, event.transaction) == (Kind.ACKNOWLEDGED, "")
    assert event.file == OfFile(numbers=("F000017",), each=True, count=3)


def test_a_file_that_was_rejected() -> None:
    event = only(read("Your file was rejected: invalid password", "FILEREFNO F000017"))

    assert (event.kind, event.transaction, event.details.reason) == (Kind.REJECTED, "", "order-rejected")
    assert event.details.note == "Your file was rejected: invalid password"
    assert event.file == OfFile(numbers=("F000017",), each=True)


def test_nothing_accepted_says_nothing_of_anybody() -> None:
    text = "0 requests accepted\nRequest B-2 was rejected: unknown keyword"

    assert everything(read(text, "FILEREFNO F000017")) == [(Kind.REJECTED, "B-2")]
    with pytest.raises(MalformedMessage):
        read("0 requests accepted", "FILEREFNO F000017")


def test_the_number_of_a_file_stands_as_it_was_written() -> None:
    """The prefix that a service wants before our requests' numbers is not before a file's."""
    event = only(read("NOT", "FILEREFNO Q-17", tailored(numbers={"prefix": "Q-"})))

    assert event.file == OfFile(numbers=("Q-17", "17"))


def test_faults_are_explained() -> None:
    rule = {"pattern": r"^ERROR (?P<fault>\d+) IN (?P<number>\S+)", "kind": "rejected"}
    profile = tailored(replies={"files": {"fault": rule}, "faults": {"12": "unknown keyword"}})

    event = only(read("ERROR 12 IN B-2", "FILEREFNO F000017", profile))

    assert (event.kind, event.transaction) == (Kind.REJECTED, "B-2")
    assert event.details.note == "ERROR 12 IN B-2\n12: unknown keyword"


def test_a_request_of_a_file_that_was_rejected() -> None:
    text = "Request B-2 was rejected: unknown keyword"

    assert everything(read(text, "FILEREFNO B-1")) == [(Kind.REJECTED, "B-2")]


def test_patterns_for_files_are_the_profiles() -> None:
    profile = tailored(replies={"files": {"ok": {"pattern": r"^ACK (?P<number>\S+)", "kind": "acknowledged"}}})

    assert everything(read("ACK B-7", "", profile)) == [(Kind.ACKNOWLEDGED, "B-7")]


# --- what is no answer -----------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["", "We are closed on Friday.", "Not held, sorry.\nDue to illness", "> Sorry, NOT"])
def test_what_is_no_answer_is_malformed(text: str) -> None:
    with pytest.raises(MalformedMessage):
        read(text, "Hello")


@pytest.mark.parametrize("first", [f"TX{NUMBER} S LOAN", f"TX{NUMBER}", f"TX{NUMBER} RENEW"])
def test_our_own_order_that_comes_back_is_not_taken_for_one(first: str) -> None:
    order = f"99-9999\nOPENSESAME\n\n{first}\nA title\n\nNNNN\n"

    returned, answered = read(order, "Order"), read(f"{order}\nNOT\n", "Order")

    assert everything(returned) == [(Kind.MESSAGE, NUMBER)]
    assert everything(answered) == [(Kind.UNFILLED, NUMBER)]
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
