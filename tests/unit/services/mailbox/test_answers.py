"""What partners answer by plain mail happens to their request."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage

import pytest

from demo.world import COPY
from gateway.domain.requests.attachments import FileType
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import AttemptStatus, BorrowingState, RequestFlag
from gateway.domain.requests.task_lists import list_task_names
from gateway.store.mailbox import MailOutcome
from tests.support.blank_pdf import write_blank_pdf
from tests.support.mail_house import BERGEN, MailHouse, mail, mail_rows

CODES = [
    ("BIND", AttemptStatus.UNFILLED, "at-bindery"),
    ("C/R", AttemptStatus.UNFILLED, "not-available"),
    ("D/B 12.05.2027", AttemptStatus.RETRY, "on-loan"),
    ("D/L", AttemptStatus.UNFILLED, "policy"),
    ("LUO", AttemptStatus.CONDITIONAL, ""),
    ("MIS", AttemptStatus.UNFILLED, "not-on-shelf"),
    ("MFS", AttemptStatus.UNFILLED, "not-on-shelf"),
    ("N/A", AttemptStatus.UNFILLED, "not-available"),
    ("NIS", AttemptStatus.UNFILLED, "not-held"),
    ("O/D", AttemptStatus.UNFILLED, "on-loan"),
    ("O/L", AttemptStatus.UNFILLED, "on-loan"),
    ("O/O", AttemptStatus.UNFILLED, "on-order"),
    ("Re-Ap", AttemptStatus.RETRY, ""),
    ("REF", AttemptStatus.UNFILLED, "non-circulating"),
    ("R/O", AttemptStatus.UNFILLED, "non-circulating"),
    ("RES?", AttemptStatus.CONDITIONAL, ""),
    ("TBS", AttemptStatus.WILL_SUPPLY, ""),
    ("W/L 3", AttemptStatus.HOLD_PLACED, ""),
]


@pytest.mark.parametrize(("code", "status", "reason"), CODES)
async def test_a_code_at_the_start_of_a_line_is_the_answer(
    house: MailHouse, code: str, status: AttemptStatus, reason: str
) -> None:
    request = await house.asked()

    polled = await house.comes(house.reply(f"Hello,\n\n{code}\n\nBest wishes, Ingrid"))

    first = (await house.show(request)).request.attempts[0]
    assert polled.taken == {MailOutcome.DONE: 1, MailOutcome.UNKNOWN: 0, MailOutcome.FAILED: 0}
    assert (first.partner, first.status, first.reason) == ("bergen", status, reason)
    assert house.mailbox.count("done") == 1
    assert house.mailbox.count("INBOX") == 0


@pytest.mark.parametrize(("words", "is_read"), [("", False), (", shelf 3", True)])
async def test_the_number_behind_a_code_is_nothing_to_read(house: MailHouse, words: str, is_read: bool) -> None:
    request = await house.asked()
    number = request.attempts[0].transaction

    await house.comes(mail(f"TBS {number}{words}\n", Subject="Your request"))

    after = (await house.show(request)).request
    assert after.attempts[0].status is AttemptStatus.WILL_SUPPLY
    assert ("unread-borrowing" in list_task_names(after)) is is_read


async def test_a_no_goes_on_to_the_next_supplier(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(house.reply("O/L until summer"))

    after = (await house.show(request)).request
    assert [one.partner for one in after.attempts] == ["bergen", "tartu"]
    assert after.state is BorrowingState.REQUESTED
    assert house.last_sent["To"] == "rl@tartu.example"


async def test_a_promise_after_a_no_is_for_staff_and_changes_nothing(house: MailHouse) -> None:
    request = await house.asked()
    no, yes = house.reply("O/L"), house.reply("TBS", **{"Message-ID": "<yes@bergen.example>"})
    await house.comes(no)

    await house.comes(yes)

    after = (await house.show(request)).request
    assert [one.status for one in after.attempts] == [AttemptStatus.UNFILLED, AttemptStatus.ASKED]
    assert after.state is BorrowingState.REQUESTED
    assert "unread-borrowing" in list_task_names(after)


async def test_the_day_from_which_to_ask_again_is_kept(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(house.reply("D/B 3 May 2027"))
    assert (await house.show(request)).request.attempts[0].retry_after == date(2027, 5, 3)


async def test_a_code_in_what_is_quoted_says_nothing(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(house.reply("We are looking for it.\n\nOn Monday, Demo Library wrote:\n> N/A\n> O/L"))

    after = (await house.show(request)).request
    assert after.state is BorrowingState.REQUESTED
    assert [note.text for note in after.notes] == ["We are looking for it."]


@pytest.mark.parametrize(
    "text",
    [
        "Ref: 4711/26, we'll see",
        "ref the attached list",
        "Bind it please",
        "N/Africa is where it is",
        "O/L\nTBS",
        "mis en rayon",
    ],
)
async def test_words_that_only_look_like_codes_are_a_message(house: MailHouse, text: str) -> None:
    request = await house.asked()

    await house.comes(house.reply(text))

    after = (await house.show(request)).request
    assert after.state is BorrowingState.REQUESTED
    assert len(after.notes) == 1


async def test_several_answers_in_one_mail_go_to_their_requests(house: MailHouse) -> None:
    first, second = await house.asked(), await house.asked()
    numbers = [one.attempts[0].transaction for one in (first, second)]

    await house.comes(mail(f"TBS {numbers[0]}\nW/L 2 {numbers[1]}\n", Subject="Your requests"))

    assert (await house.show(first)).request.state is BorrowingState.WILL_SUPPLY
    assert (await house.show(second)).request.state is BorrowingState.HOLD_PLACED


# --- copies ----------------------------------------------------------------------------------------------


def with_pdf(house: MailHouse, text: str = "Here it is.", content: bytes = COPY, name: str = "art.pdf") -> bytes:
    sent = house.last_sent
    message = EmailMessage()
    message["From"] = "Fjernlån <fjernlan@ub.bergen.example>"
    message["Message-ID"] = "<with-pdf@ub.bergen.example>"
    message["Subject"] = f"Re: {sent['Subject']}"
    message.set_content(text)
    message.add_attachment(content, maintype="application", subtype="octet-stream", filename=name)
    return message.as_bytes()


async def test_a_pdf_for_a_copy_is_the_copy(house: MailHouse) -> None:
    request = await house.asked(copy=True)

    await house.comes(with_pdf(house))

    shown = await house.show(request)
    (attachment,) = shown.request.attachments
    assert shown.request.state is BorrowingState.COMPLETED
    assert (attachment.name, attachment.size) == ("art.pdf", len(COPY))
    stored = await house.managed.libraries["DEMO"].requests.load_attachment(request.id, attachment.id)
    assert stored.content == COPY
    delivered = next(line for line in shown.history if line.event.kind is EventKind.COPY_DELIVERED)
    assert delivered.event.details.link.startswith("https://ill.demo.example/d/")


async def test_what_a_file_is_is_told_by_its_content_and_its_pages_are_counted(house: MailHouse) -> None:
    request = await house.asked(copy=True)

    await house.comes(with_pdf(house, content=write_blank_pdf(3), name="scan.bin"))

    (attachment,) = (await house.show(request)).request.attachments
    assert (attachment.media_type, attachment.pages) == ("application/pdf", 3)


@pytest.mark.parametrize(
    ("name", "kept"),
    [("artikkel\u202efdp.exe", "artikkelfdp.pdf"), ("..\\..\\side 12.tif", "side 12.pdf"), ("قرار.pdf", "قرار.pdf")],
)
async def test_the_name_of_a_copy_says_what_it_is_and_leads_nowhere(house: MailHouse, name: str, kept: str) -> None:
    request = await house.asked(copy=True)

    await house.comes(with_pdf(house, name=name))

    (attachment,) = (await house.show(request)).request.attachments
    assert attachment.name == kept


async def test_a_copy_that_is_no_copy_is_for_staff(house: MailHouse) -> None:
    request = await house.asked(copy=True)
    house.take_files(types=(FileType.TIFF,))

    polled = await house.comes(with_pdf(house, "Here it is."))

    after = (await house.show(request)).request
    assert polled.taken[MailOutcome.UNKNOWN] == 1
    assert after.state is BorrowingState.REQUESTED
    assert after.attachments == ()
    (waits,) = await house.waiting()
    assert waits.reason == "art.pdf: The file type is application/pdf. Accepted types: image/tiff."
    assert [note.text for note in after.notes] == [f"Here it is.\nnot kept: {waits.reason}"]


@pytest.mark.parametrize("content", [COPY[:-20], COPY[:100], b"%PDF-1.7 fiskerne"])
async def test_a_copy_that_nobody_can_read_is_for_staff(house: MailHouse, content: bytes) -> None:
    request = await house.asked(copy=True)

    polled = await house.comes(with_pdf(house, "Here it is.", content))

    after = (await house.show(request)).request
    assert polled.taken[MailOutcome.UNKNOWN] == 1
    assert (after.state, after.attachments) == (BorrowingState.REQUESTED, ()), "the patron is told of nothing"
    (waits,) = await house.waiting()
    assert waits.reason.startswith("art.pdf: The PDF cannot be read")
    assert [note.text for note in after.notes] == [f"Here it is.\nnot kept: {waits.reason}"]


async def test_a_pdf_for_a_loan_is_a_message_with_a_file(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(with_pdf(house, "Our invoice"))

    after = (await house.show(request)).request
    assert after.state is BorrowingState.REQUESTED
    assert [one.name for one in after.attachments] == ["art.pdf"]
    assert [note.text for note in after.notes] == ["Our invoice"]


# --- which request ---------------------------------------------------------------------------------------


async def test_our_reference_in_the_subject_is_enough(house: MailHouse) -> None:
    request = await house.asked()
    number = request.attempts[0].transaction
    await house.comes(mail("TBS", Subject=f"AW: Fernleihe [{number}]."))
    assert (await house.show(request)).request.state is BorrowingState.WILL_SUPPLY


async def test_so_is_our_reference_in_the_text(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail(f"TBS\n\nYour ref.: {request.attempts[0].transaction}", Subject="Hello"))
    assert (await house.show(request)).request.state is BorrowingState.WILL_SUPPLY


async def test_and_the_mail_that_is_answered(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(house.reply("TBS", Subject="Hello"))
    assert (await house.show(request)).request.state is BorrowingState.WILL_SUPPLY


async def test_a_mail_that_names_two_requests_waits_for_staff_with_both(house: MailHouse) -> None:
    first, second = await house.asked(), await house.asked()
    both = " and ".join(one.attempts[0].transaction for one in (first, second))

    await house.comes(mail("TBS", Subject=both))

    (row,) = await house.waiting()
    assert set(row.possible) == {first.id, second.id}
    assert row.reason == "will supply: several requests match"
    assert house.mailbox.count("unknown") == 1


async def test_nobody_speaks_for_another_partner(house: MailHouse) -> None:
    """Tartu, whose turn it isn't, quotes the number of Bergen's request."""
    request = await house.asked()

    await house.comes(house.reply("TBS", From="rl@tartu.example"))

    assert (await house.show(request)).request.state is BorrowingState.REQUESTED
    (row,) = await house.waiting()
    assert row.profile == "tartu"


async def test_an_unknown_sender_waits_for_staff(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(house.reply("TBS", From="somebody@elsewhere.example"))

    assert (await house.show(request)).request.state is BorrowingState.REQUESTED
    (row,) = await house.waiting()
    assert (row.sender, row.reason) == ("somebody@elsewhere.example", "unknown sender")


# --- repeats ---------------------------------------------------------------------------------------------


async def test_the_same_mail_twice_happens_once(house: MailHouse) -> None:
    request = await house.asked()
    answer = house.reply("We are looking for it")

    await house.comes(answer, answer)
    await house.comes(answer)

    assert len((await house.show(request)).request.notes) == 1
    assert house.mailbox.count("done") == 3


async def test_the_same_content_sent_again_by_hand_happens_once(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(house.reply("We are looking for it", Message_ID="<a@bergen.example>"))
    await house.comes(house.reply("We are looking for it", Message_ID="<b@bergen.example>"))

    assert len((await house.show(request)).request.notes) == 1
    assert (await mail_rows(house.store))[1][1].startswith("repeat of email ")


async def test_where_a_partner_repeats_itself_both_mails_count(house: MailHouse) -> None:
    house.change_profile("bergen", {"partner": {**BERGEN, "mail": {"repeat_hours": 0}}})
    request = await house.asked()

    await house.comes(house.reply("We are looking for it", Message_ID="<a@bergen.example>"))
    await house.comes(house.reply("We are looking for it", Message_ID="<b@bergen.example>"))

    assert len((await house.show(request)).request.notes) == 2


async def test_one_id_for_different_mails_loses_none(house: MailHouse) -> None:
    """Some programs give every mail the same Message-ID."""
    request = await house.asked()

    await house.comes(house.reply("One", Message_ID="<x@bergen.example>"))
    await house.comes(house.reply("Two", Message_ID="<x@bergen.example>"))

    assert [note.text for note in (await house.show(request)).request.notes] == ["One", "Two"]


# --- reports and absence notes ---------------------------------------------------------------------------


def report(house: MailHouse, action: str, status: str, why: str = "smtp; 550 no such user here <x@y.example>") -> bytes:
    """A delivery report (RFC 3464) on the last mail that went out."""
    original = str(house.last_sent["Message-ID"])
    return (
        "From: MAILER-DAEMON@mx.demo.example\r\nTo: ill@demo.example\r\nSubject: Undelivered Mail\r\n"
        f"Message-ID: <{action}{status}@mx.demo.example>\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.demo.example\r\n\r\n"
        f"Final-Recipient: rfc822; fjernlan@ub.bergen.example\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {why}\r\n\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original}\r\nSubject: x\r\n\r\n--b--\r\n"
    ).encode()


async def test_a_hard_bounce_of_a_request_is_a_failed_attempt_and_moves_on(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(report(house, "failed", "5.1.1"))

    after = (await house.show(request)).request
    assert [(one.partner, one.status) for one in after.attempts] == [
        ("bergen", AttemptStatus.REJECTED),
        ("tartu", AttemptStatus.ASKED),
    ]
    assert after.attempts[0].note == "email could not be delivered (5.1.1): smtp; 550 no such user here …"


async def test_a_hard_bounce_may_be_for_staff(house: MailHouse) -> None:
    house.change_profile("bergen", {"partner": {**BERGEN, "mail": {"bounce": "staff"}}})
    request = await house.asked()

    await house.comes(report(house, "failed", "5.1.1"))

    after = (await house.show(request)).request
    assert [(one.partner, one.status) for one in after.attempts] == [("bergen", AttemptStatus.ASKED)]
    assert RequestFlag.TROUBLE in after.flags


async def test_a_delay_changes_nothing(house: MailHouse) -> None:
    request = await house.asked()

    await house.comes(report(house, "delayed", "4.4.1"), report(house, "failed", "4.2.2"))

    assert (await house.show(request)).request.state is BorrowingState.REQUESTED
    assert await house.waiting() == ()


async def test_a_bounce_of_another_message_is_trouble_for_staff(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(house.reply("TBS"))
    await house.act(request, EventKind.CANCEL)

    await house.comes(report(house, "failed", "5.7.1"))

    after = (await house.show(request)).request
    assert RequestFlag.TROUBLE in after.flags
    assert len(after.attempts) == 1


async def test_a_bounce_of_a_mail_that_nobody_knows_waits_for_staff(house: MailHouse) -> None:
    await house.asked()
    await house.comes(report(house, "failed", "5.1.1").replace(b"Message-ID: <0", b"Message-ID: <9"))
    (row,) = await house.waiting()
    assert row.reason == "an unknown email was returned"


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied (vacation)"},
        {"Subject": "Out of office: summer"},
        {"Precedence": "auto_reply"},
        {"X_Autoreply": "yes"},
    ],
)
async def test_an_absence_note_is_noted_and_never_answered(house: MailHouse, headers: dict[str, str]) -> None:
    request = await house.asked()
    sent = len(house.mailer.mails)

    await house.comes(house.reply("TBS\nI am away. N/A", **headers))

    shown = await house.show(request)
    assert shown.request.state is BorrowingState.REQUESTED
    assert shown.request.notes[-1].text.startswith("automatic reply by email: ")
    assert len(house.mailer.mails) == sent
    assert await house.waiting() == ()
