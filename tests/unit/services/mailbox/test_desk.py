"""What staff do with mails that nobody understood, and how a mail is explained to them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventKind, local_signal
from gateway.domain.requests.request import BorrowingState, Request, RequestFlag
from gateway.domain.requests.views import NotFound
from gateway.runtime.managed_requests import preview_mail
from gateway.services.mailbox.mail_reader import MailDestination
from gateway.services.mailbox.unmatched_mail import MailMeaning
from gateway.store import mailbox
from gateway.store.mailbox import MailRow
from tests.support.conversations import conversation
from tests.support.mail_house import LIBRARY, MailHouse, mail


async def only(house: MailHouse) -> MailRow:
    (row,) = await house.waiting()
    return row


async def test_an_assigned_mail_happens_to_the_request_that_staff_name(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("TBS", Subject="Your request"))
    row = await only(house)
    assert row.possible == (request.id,)

    changed = await house.managed.libraries[LIBRARY].mails.assign_mail(row.id, request.number, "staff:ada")

    assert changed.state is BorrowingState.WILL_SUPPLY
    assert await house.waiting() == ()
    kept = await house.managed.libraries[LIBRARY].mails.show_mail(row.id)
    assert (kept.closed_by, kept.request_id, kept.content, kept.sender) == ("staff:ada", request.id, None, "")


async def test_who_assigns_a_mail_has_read_it(house: MailHouse) -> None:
    request = await house.asked()
    text = "Boka er hos bokbinderen, vi venter den tilbake i mai."
    await house.comes(mail(text, Subject="Your request"))

    await house.managed.libraries[LIBRARY].mails.assign_mail((await only(house)).id, request.number, "staff:ada")

    shown = await house.show(request)
    assert [(one.read_by, text in one.event.details.note) for one in shown.messages] == [("staff:ada", True)]
    assert RequestFlag.UNREAD not in shown.request.flags


async def test_a_mail_in_words_is_to_be_read(house: MailHouse) -> None:
    request = await house.asked()
    text = "Boka er hos bokbinderen, vi venter den tilbake i mai."

    await house.comes(house.reply(text, Subject="Re: request"))

    shown = await house.show(request)
    assert [(one.unread, text in one.event.details.note) for one in shown.messages] == [(True, True)]
    assert RequestFlag.UNREAD in shown.request.flags
    waiting = {one.name: one.count for one in await house.managed.libraries[LIBRARY].desk.tasks()}
    assert (waiting["unread-borrowing"], waiting["unmatched-mails"]) == (1, 0)


async def test_a_code_alone_is_acted_upon_and_no_words(house: MailHouse) -> None:
    first = await house.asked()
    await house.comes(house.reply("W/L 12/4/2027"))
    second = await house.asked()
    await house.comes(house.reply("TBS we will add the index as well"))

    shown = [await house.show(one) for one in (first, second)]
    assert [one.request.state for one in shown] == [BorrowingState.HOLD_PLACED, BorrowingState.WILL_SUPPLY]
    assert [[message.event.details.note for message in one.messages] for one in shown] == [
        [],
        ["to be sent: we will add the index as well"],
    ]


async def test_mails_that_fit_nothing_are_counted_with_the_lists_of_staff(house: MailHouse) -> None:
    await house.asked()
    await house.comes(mail("Hvor er boka?", sender="ingrid@home.example", Subject="?"))

    waiting = {one.name: one.count for one in await house.managed.libraries[LIBRARY].desk.tasks()}

    assert (waiting["unread-borrowing"], waiting["unmatched-mails"]) == (0, 1)


@pytest.mark.parametrize("meaning", [MailMeaning.AS_READ, MailMeaning.MESSAGE])
async def test_a_strangers_mail_is_the_strangers_and_answers_nothing(house: MailHouse, meaning: MailMeaning) -> None:
    request = await house.asked()
    await house.comes(mail("TBS\nVi sender den i morgen.", sender="ingrid@home.example", Subject="From home"))

    changed = await house.managed.libraries[LIBRARY].mails.assign_mail(
        (await only(house)).id, request.number, "staff:ada", meaning
    )

    shown = await house.show(request)
    assert (changed.state, shown.request.flags) == (BorrowingState.REQUESTED, request.flags)
    assert shown.messages == (), "it is no message of the partner"
    assert changed.attempt is not None
    assert changed.attempt.answered is None
    last = shown.history[-1]
    assert (last.event.signal, last.event.actor) == (local_signal(EventKind.NOTE), "staff:ada")
    assert last.event.details.note == "Email from ingrid@home.example: From home\nTBS\nVi sender den i morgen."


async def test_a_partner_that_was_not_asked_is_a_stranger_to_the_request(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("TBS", sender="rl@tartu.example", Subject="Your request"))

    changed = await house.managed.libraries[LIBRARY].mails.assign_mail(
        (await only(house)).id, request.number, "staff:ada"
    )

    assert changed.state is BorrowingState.REQUESTED


async def test_staff_may_vouch_for_a_stranger(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("TBS", sender="ingrid@home.example", Subject="From home"))
    assert (await house.show(request)).request.state is BorrowingState.REQUESTED

    changed = await house.managed.libraries[LIBRARY].mails.assign_mail(
        (await only(house)).id, request.id, "staff:ada", MailMeaning.FROM_PARTNER
    )

    assert changed.state is BorrowingState.WILL_SUPPLY


async def test_a_report_that_is_assigned_becomes_a_note(house: MailHouse) -> None:
    request = await house.asked()
    bounce = mail("550 5.1.1 no such user", sender="mailer-daemon@mx.example", Subject="failure notice")
    await house.comes(b"Return-Path: <>\r\n" + bounce)

    await house.managed.libraries[LIBRARY].mails.assign_mail((await only(house)).id, request.id, "staff:ada")

    (note,) = (await house.show(request)).request.notes
    assert note.by == "staff:ada"
    assert note.text == "Email from mailer-daemon@mx.example: failure notice\n550 5.1.1 no such user"


async def test_a_dismissed_mail_is_off_the_list_and_changes_nothing(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("Cheap!", sender="shop@elsewhere.example"))
    row = await only(house)

    await house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada")

    assert await house.waiting() == ()
    assert (await house.show(request)).request == request
    for again in (
        house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada"),
        house.managed.libraries[LIBRARY].mails.assign_mail(row.id, request.id, "staff:ada"),
    ):
        with pytest.raises(NotFound):
            await again


async def test_a_mail_that_was_dismissed_by_mistake_is_put_back_as_it_was(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("TBS", sender="ingrid@home.example", Subject="From home"))
    row = await only(house)
    await house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada")
    (dismissed,) = (await house.managed.libraries[LIBRARY].mails.list_dismissed(9, "")).rows
    await house.managed.libraries[LIBRARY].mails.put_back_mail(row.id)

    assert (dismissed.subject, dismissed.closed_by) == ("From home", "staff:ada")
    assert (await house.managed.libraries[LIBRARY].mails.list_dismissed(9, "")).rows == ()
    assert await only(house) == row
    changed = await house.managed.libraries[LIBRARY].mails.assign_mail(
        row.id, request.id, "staff:ada", MailMeaning.FROM_PARTNER
    )
    assert changed.state is BorrowingState.WILL_SUPPLY
    with pytest.raises(NotFound):
        await house.managed.libraries[LIBRARY].mails.put_back_mail(row.id)


async def test_a_dismissed_mail_is_forgotten_after_seven_days(house: MailHouse) -> None:
    await house.comes(mail("Cheap!", sender="shop@elsewhere.example", Subject="Offer"))
    await house.comes(mail("Hvor er boka?", sender="ingrid@home.example", Subject="?"))
    waiting, row = await house.waiting()
    await house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada")

    async def let_days_pass(days: timedelta) -> None:
        dismissed = (await house.managed.libraries[LIBRARY].mails.show_mail(row.id)).dismissed_at
        assert dismissed is not None
        values = {"dismissed_at": dismissed - days}
        await house.store.write(lambda c: c.execute(mailbox.mail.update().where(mailbox.mail.c.id == row.id), values))
        await house.boxes.prune_mails()

    await let_days_pass(timedelta(days=6, hours=23))
    assert (await house.managed.libraries[LIBRARY].mails.show_mail(row.id)).subject == "Offer"
    await let_days_pass(timedelta(hours=1))

    kept = await house.managed.libraries[LIBRARY].mails.show_mail(row.id)
    assert (kept.sender, kept.subject, kept.content, kept.possible) == ("", "", None, ())
    assert await house.waiting() == (waiting,)
    with pytest.raises(NotFound):
        await house.managed.libraries[LIBRARY].mails.put_back_mail(row.id)


async def test_a_dismissed_mail_is_not_put_back_once_its_request_has_forgotten_it(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("Hvor er boka?", sender="ingrid@home.example", Subject="?"))
    row = await only(house)
    values = {"request_id": request.id}
    await house.store.write(lambda c: c.execute(mailbox.mail.update().where(mailbox.mail.c.id == row.id), values))
    await house.managed.libraries[LIBRARY].mails.dismiss_mail(row.id, "staff:ada")

    await house.store.write(lambda c: mailbox.forget_contents_of_request(c, LIBRARY, request.id))

    assert (await house.managed.libraries[LIBRARY].mails.list_dismissed(9, "")).rows == ()
    with pytest.raises(NotFound):
        await house.managed.libraries[LIBRARY].mails.put_back_mail(row.id)


async def test_an_assigned_mail_is_in_the_conversation_of_its_request(house: MailHouse) -> None:
    request = await house.asked()
    await house.managed.drain_due_work()
    await house.comes(mail("Hvilken utgave?", sender="ingrid@home.example", Subject="From home"))
    await house.comes(mail("Tilbud!", sender="shop@elsewhere.example", Subject="Tilbud"))
    assert "Hvilken" not in await read_conversation(house, request)

    meant = next(row for row in await house.waiting() if row.subject == "From home")
    await house.managed.libraries[LIBRARY].mails.assign_mail(meant.id, request.number, "staff:ada")

    said = await read_conversation(house, request)
    assert "Hvilken utgave?" in said
    assert "Tilbud" not in said


async def read_conversation(house: MailHouse, request: Request) -> str:
    kept = await conversation(house.store, LIBRARY, request.number)
    return "\n".join((one.body or b"").decode("utf-8", "replace") for one in kept)


async def test_what_was_misread_is_assigned_as_a_message(house: MailHouse) -> None:
    request = await house.asked()
    await house.comes(mail("TBS\n> N/A", Subject="About your request"))

    await house.managed.libraries[LIBRARY].mails.assign_mail(
        (await only(house)).id, request.number, "staff:ada", MailMeaning.MESSAGE
    )

    shown = await house.show(request)
    assert shown.request.state is BorrowingState.REQUESTED
    assert [(one.event.details.note, one.read_by) for one in shown.messages] == [("TBS", "staff:ada")]


async def test_no_machine_is_answered(house: MailHouse) -> None:
    await house.comes(mail("?", sender="shop@elsewhere.example", Subject="Tilbud", Auto_Submitted="auto-generated"))
    row = await only(house)

    assert (await house.managed.libraries[LIBRARY].mails.open_mail(row.id)).automatic
    with pytest.raises(Refused, match="This email was sent automatically"):
        await house.managed.libraries[LIBRARY].mails.answer_mail(row.id, "Nein danke", "staff:ada")

    assert house.mailer.mails == []
    assert await house.waiting() == (row,)


async def test_a_mail_is_explained_rule_by_rule(house: MailHouse) -> None:
    request = await house.asked()

    lines = await house.managed.libraries[LIBRARY].mails.explain_mail(
        house.reply("TBS\n> N/A", Subject="Hello"), MailDestination(LIBRARY)
    )

    assert [line for line in lines if line.startswith(("sender", "format letters", "  "))] == [
        "sender: bergen",
        "format letters: 1 event",
        "  a line begins with the code TBS",
        "  event: will supply",
    ]
    assert lines[-1] == f"request: In-Reply-To and References: {request.attempts[0].transaction}"
    assert (await house.show(request)).request.state is BorrowingState.REQUESTED


async def test_so_is_one_that_nobody_understands(house: MailHouse) -> None:
    lines = await house.managed.libraries[LIBRARY].mails.explain_mail(b"\r\n\r\n", MailDestination(LIBRARY))
    assert lines == ("cannot be read: header: there is no header",)
    lines = await house.managed.libraries[LIBRARY].mails.explain_mail(
        mail("x", sender="a@b.example"), MailDestination(LIBRARY)
    )
    assert lines[-1] == "for staff: unknown sender"


async def test_the_letter_is_shown_and_not_sent(house: MailHouse) -> None:
    request = await house.asked()
    sent = len(house.mailer.mails)

    (shown,) = await preview_mail(house.managed, house.adapters, LIBRARY, request.number)

    assert "To: fjernlan@ub.bergen.example" in shown
    assert str(house.last_sent["Message-ID"]) in shown
    assert "Sult" in shown
    assert len(house.mailer.mails) == sent
