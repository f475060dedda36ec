"""Partners' messages and the mail desk: seen, answered, marked, assigned and dismissed at the pages, without script."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, timer_signal
from gateway.domain.requests.request import LibraryParty, Request
from gateway.domain.requests.request_updates import keep_request
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.ports.responder import OutcomeClass
from gateway.services.requests.transitions import EventRequest, apply_event
from gateway.store import mailbox
from gateway.store.journal_records import JournalEnding, JournalOpening
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import outbox_queries
from gateway.store.schema import make_exchange_id
from gateway.web.staff import mail_pages
from tests.protocol.pages.support import Answer, Running, running
from tests.protocol.staff.request_scenes import make_borrowing
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation
from tests.support.yaml_files import write_yaml_file

BERGEN = {
    "partner": {
        "symbols": ["ISIL:NO-02030"],
        "name": "Universitetsbiblioteket i Bergen",
        "email": "fjernlan@ub.bergen.example",
        "channel": "mail",
    }
}


@pytest.fixture
async def desk(installation: Installation) -> AsyncIterator[Running]:
    """With one partner."""
    path = installation.folder / "profiles" / "bergen.yml"
    write_yaml_file(path, BERGEN)
    async with running(installation) as gateway:
        yield gateway


async def lend(desk: Running, transaction: str, title: str = "Nordlys over Tromsø") -> Request:
    draft = LendingDraft(
        citation=Citation(title=title), requester=LibraryParty(profile="bergen"), transaction=transaction
    )
    request: Request = await desk.requests().create_lending(draft)
    return request


async def partner_writes(desk: Running, transaction: str, note: str, kind: EventKind = EventKind.MESSAGE) -> None:
    context = desk.gateway.managed.contexts["DEMO"]
    profile = context.profile("bergen")
    assert profile is not None
    message = IncomingPartnerMessage(
        id=make_exchange_id(context.now()),
        kind=kind,
        role=(await desk.requests().find_request(transaction)).role,
        sender="ISIL:NO-02030",
        receiver="DEMO",
        transaction=transaction,
        details=EventDetails(note=note),
    )
    assert (await desk.gateway.managed.partner_inbox.receive_message(message, profile)).request_id


async def mail_waits(desk: Running, text: str, subject: str = "Vedr. bestilling", **more: Any) -> MailRow:
    context = desk.gateway.managed.contexts["DEMO"]
    mail = EmailMessage(policy=SMTP)
    sender = more.pop("sender", "fjernlan@ub.bergen.example")
    mail["From"], mail["To"], mail["Subject"] = sender, "ill@demo.example", subject
    id_ = make_exchange_id(context.now())
    mail["Message-ID"] = f"<{id_}@bergen.example>"
    for name, value in more.pop("headers", {}).items():
        mail[name] = value
    mail.set_content(text)
    row = MailRow(
        id=id_,
        spot=MailPosition("DEMO", "ill", 1, int(id_[8:18], 16)),
        message_id=f"{id_}@bergen.example",
        digest=id_,
        at=context.now(),
        outcome=MailOutcome.UNKNOWN,
        profile=more.pop("profile", "bergen"),
        reason="message: no matching request",
        open=True,
        sender=sender,
        subject=subject,
        content=mail.as_bytes(),
        **more,
    )
    await context.store.write(lambda c: mailbox.add_mail(c, row, None))
    return row


def words(answer: Answer, path: str) -> list[str]:
    """What stands in the elements, one line each."""
    return [" ".join(found.text_content().split()) for found in answer.tree.xpath(path)]


def hidden(answer: Answer, action: str) -> dict[str, str]:
    """Hidden fields of the form that goes there."""
    (form,) = answer.tree.xpath(f"//form[contains(@action, '{action}')]")
    return {one.get("name"): one.get("value") for one in form.xpath(".//input[@type='hidden']")}


async def send(staff: Colleague, answer: Answer, action: str, **fields: str) -> Answer:
    """A form of a page, as a browser sends it."""
    (form,) = answer.tree.xpath(f"//form[contains(@action, '{action}')]")
    return await staff.browser.post(form.get("action"), {**hidden(answer, action), **fields})


@pytest.fixture
async def wordless(installation: Installation) -> AsyncIterator[Running]:
    """With a supplier that is sent orders and nothing else."""
    profile = {"extends": "bldss", "abstract": False, "partner": {"symbols": ["LOCAL:BSPA"], "name": "Boston Spa"}}
    write_yaml_file(installation.folder / "profiles" / "boston.yml", profile)
    async with running(installation) as gateway:
        yield gateway


# --- messages --------------------------------------------------------------------------------------------


async def test_the_oldest_unread_conversation_is_open(desk: Running) -> None:
    await lend(desk, "NB-1")
    await lend(desk, "NB-2", "Fjell og fjord")
    await partner_writes(desk, "NB-1", "Kan vi få <b>2. utgave</b>?")
    await partner_writes(desk, "NB-2", "Haster!")
    await partner_writes(desk, "NB-1", "Eller 3.")
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/messages")

        assert page.title == "Messages from partners"
        assert words(page, "//ul[@class='mails']/li/p[2]") == ["Eller 3.", "Haster!"]
        assert words(page, "//ul[@class='mails']/li/p[3]") == ["We lend, 2 unread", "We lend, 1 unread"]
        assert words(page, "//ol[@class='thread']//blockquote") == ["Kan vi få <b>2. utgave</b>?", "Eller 3."]
        assert "<b>2. utgave" not in page.text
        assert words(page, "//h2[@id='conversation']") == ["Messages with Universitetsbiblioteket i Bergen"]
        assert words(page, "//section[@aria-labelledby='about']//bdi[@class='work']") == ["Nordlys over Tromsø"]


async def test_an_answer_in_place_reads_and_goes_on_to_the_next(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await lend(desk, "NB-2")
    await partner_writes(desk, "NB-1", "Når kommer den?")
    await partner_writes(desk, "NB-2", "Haster!")
    async with colleague(desk, "ada", "staff", shown_name="Ada Lie") as ada:
        done = await send(ada, await ada.get("/messages"), "/answer", text="I morgen.\nHilsen")

        assert words(done, "//div[@id='banner']") == ["Sent to Universitetsbiblioteket i Bergen."]
        assert words(done, "//ul[@class='mails']/li/p[2]") == ["Haster!"]
        thread = await ada.get(f"/messages/{request.number}")
    said = (await desk.requests().load_view(request.id)).messages
    assert [(one.ours, one.event.details.note, one.read_by) for one in said] == [
        (False, "Når kommer den?", "staff:ada"),
        (True, "I morgen.\nHilsen", ""),
    ]
    assert words(thread, "//ol[@class='thread']/li[@class='ours']//b") == ["Ada Lie"]
    assert "read by Ada Lie" in words(thread, "//ol[@class='thread']/li[1]/p")[0]


async def test_what_the_channel_has_no_message_for_is_not_said_to_be_sent(wordless: Running) -> None:
    request = await make_borrowing(wordless, mediated=False, partner="boston")
    await wordless.gateway.managed.drain_due_work()

    async with colleague(wordless, "r.okafor", "staff", shown_name="Ruth Okafor") as ruth:
        shown = await ruth.get(f"/requests/{request.number}")
        (way,) = words(shown, "//*[@id='text-way']")
        answered = await send(ruth, shown, "/answer", text="Is it there?")
        form = await ruth.get(f"/requests/{request.number}/act/message")
        done = await send(ruth, form, "/act/message", note="Is it there?")

    story = words(done, "//ol[@class='timeline']/li/div/p[1]/bdi")
    assert "Noted a message to Boston Spa, not sent" in story
    assert "Message to Boston Spa" not in story
    assert way.startswith("No channel for messages is configured for this partner")
    assert words(answered, "//div[@id='banner']") == [
        "Saved, but not sent: no channel for messages is configured for Boston Spa."
    ]
    assert words(done, "//div[@id='banner']") == [
        "The message has been saved. "
        "Boston Spa was not told because 'message' cannot be sent by artemail. Please write or phone."
    ]


async def test_what_was_typed_is_kept_when_something_came_in_between(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Når?")
    async with colleague(desk, "ada", "staff") as ada:
        form = await ada.get("/messages")
        await partner_writes(desk, "NB-1", "Vent, vi trenger den ikke.")

        shown = await send(ada, form, "/answer", text="I morgen.")

        assert shown.status == 409
        assert words(shown, "//div[@id='summary']//li") == [
            "This request has changed since you opened it. Please check it and send again."
        ]
        assert words(shown, "//textarea[@name='text']") == ["I morgen."]
        assert words(shown, "//ol[@class='thread']//blockquote")[-1] == "Vent, vi trenger den ikke."
        assert (await send(ada, shown, "/answer", text="Greit.")).status == 200
    assert [one.event.details.note for one in (await desk.requests().load_view(request.id)).messages if one.ours] == [
        "Greit."
    ]


async def test_an_empty_answer_is_not_sent(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Når?")
    async with colleague(desk, "ada", "staff") as ada:
        shown = await send(ada, await ada.get("/messages"), "/answer", text=" \n")

    assert (shown.status, words(shown, "//span[@id='text-wrong']")) == (422, ["Please fill in “Reply”."])
    assert shown.tree.findtext(".//title").startswith("Error: ")
    assert len((await desk.requests().load_view(request.id)).messages) == 1


async def test_marked_as_read_without_an_answer_are_those_that_were_seen(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Takk!")
    async with colleague(desk, "ada", "staff") as ada:
        form = await ada.get("/messages?role=lending")
        await partner_writes(desk, "NB-1", "En ting til")

        done = await send(ada, form, "/read")

        assert words(done, "//div[@id='banner']") == ["1 message marked as read."]
        assert done.url.endswith("/staff/messages?role=lending")
    said = (await desk.requests().load_view(request.id)).messages
    assert [(one.event.details.note, one.read_by) for one in said] == [("Takk!", "staff:ada"), ("En ting til", "")]


async def test_one_side_only_and_nothing_at_all_say_different_things(desk: Running) -> None:
    await lend(desk, "NB-1")
    async with colleague(desk, "ada", "staff") as ada:
        nothing = await ada.get("/messages")
        await partner_writes(desk, "NB-1", "Hei")
        other_side = await ada.get("/messages?role=borrowing")

    assert "No unread messages." in nothing.text
    assert "New messages from partners appear here" in nothing.text
    assert "There may be messages on the other side" in other_side.text


async def test_what_is_ours_to_do_beside_an_answer_leads_to_the_request(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Haster litt.")
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/messages")

    (link,) = page.tree.xpath("//section[@aria-labelledby='about']//a[b]")
    assert "Action needed" in link.text_content()
    assert link.get("href") == f"/staff/requests/{request.number}"


async def test_who_may_not_act_sees_no_forms(desk: Running) -> None:
    await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Hei")
    row = await mail_waits(desk, "Hei")
    async with colleague(desk, "boss", "manager") as boss:
        for place in ("/messages", "/mail"):
            assert (await boss.get(place)).tree.xpath("//main//form") == []
        refused = await boss.post(f"/mail/{row.id}/dismiss", {})
    assert refused.status == 403


# --- mails -----------------------------------------------------------------------------------------------


async def test_a_mail_stands_beside_what_it_may_be_about(desk: Running) -> None:
    likely, other = await lend(desk, "NB-1", "Nordlys over Tromsø"), await lend(desk, "NB-2", "Noe annet")
    await mail_waits(desk, "Hei!\n\nGjelder Nordlys, takk.", possible=(other.id, likely.id))
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")

        assert words(page, "//section[@aria-labelledby='opened-mail']/h2") == ["Vedr. bestilling"]
        assert page.tree.xpath("//blockquote")[0].text_content() == "Hei!\n\nGjelder Nordlys, takk."
        assert words(page, "//ul[@class='mails']/li/p[3]") == ["2 possible matches"]
        assert words(page, "//ul[@class='pile']//bdi[@class='work']") == ["Nordlys over Tromsø", "Noe annet"]
        assert words(page, "//ul[@class='pile']/li/p[@class='small soft']")[0] == (
            "The email contains words of its title: nordlys. Its partner is Universitetsbiblioteket i Bergen."
        )
        assert page.tree.xpath("//input[@name='request' and @checked]/@value") == [likely.id]


async def test_a_candidate_without_signs_is_not_chosen(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await mail_waits(desk, "?", sender="ingrid@home.example", profile="", possible=(request.id,))
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")

    assert "There are no other signs that it matches." in page.text
    assert page.tree.xpath("//input[@name='request' and @checked]/@value") == ["other"]


async def test_a_mail_is_put_to_the_request_that_is_chosen(desk: Running) -> None:
    """A number that was typed before the choice stays in a hidden field, and does not count."""
    request, other = await lend(desk, "NB-1"), await lend(desk, "NB-2")
    row = await mail_waits(desk, "Når kommer boka?", possible=(request.id,))
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")
        done = await send(ada, page, "/assign", request=request.id, number=other.number, meaning="message")

        assert words(done, "//div[@id='banner']") == [f"Linked to {request.number}."]
        assert "No unmatched email." in done.text
        assert (await ada.get(f"/mail/{row.id}")).status == 404
    said = (await desk.requests().load_view(request.id)).messages
    assert [(one.event.details.note, one.read_by) for one in said] == [("Når kommer boka?", "staff:ada")]


async def test_what_came_by_mail_says_so_whatever_the_channel(installation: Installation) -> None:
    """A partner that is otherwise written by ISO 18626: one message by that, one by mail that staff put to it."""
    profile = {
        "extends": "iso18626-2017",
        "partner": {**BERGEN["partner"], "channel": "iso18626"},
        "iso18626": {"http": {"url": "http://127.0.0.1:1/"}},
    }
    path = installation.folder / "profiles" / "bergen.yml"
    write_yaml_file(path, profile)
    async with running(installation) as desk, colleague(desk, "ada", "staff") as ada:
        request = await lend(desk, "NB-1")
        await partner_writes(desk, "NB-1", "Det haster.")
        row = await mail_waits(desk, "Når kommer boka?", possible=(request.id,))
        opening = JournalOpening("DEMO", row.at, row.content, "mail", "imap", profile="bergen", service="mail")
        await desk.gateway.managed.libraries["DEMO"].journaled.journal.record_exchange(
            opening, JournalEnding(at=row.at, outcome=OutcomeClass.OK)
        )
        await send(ada, await ada.get("/mail"), "/assign", request=request.id, meaning="message")
        page = await ada.get(f"/requests/{request.number}")

    said = {
        str(one.xpath("string(.//blockquote)")): str(one.xpath("string(.//span[@class='via'])"))
        for one in page.tree.xpath("//section[@aria-labelledby='messages']//ol[@class='thread']/li")
    }
    assert said == {"Det haster.": "", "Når kommer boka?": "Email"}
    told = {
        str(one.xpath("string(.//blockquote)")): str(one.xpath("string(.//span[@class='via'])"))
        for one in page.tree.xpath("//ol[@class='timeline']/li[.//blockquote]")
    }
    assert told == {"Det haster.": "ISO 18626", "Når kommer boka?": "Email"}


async def test_a_request_that_is_known_by_its_number_is_named(desk: Running) -> None:
    request = await lend(desk, "NB-1")
    await mail_waits(desk, "?", sender="ingrid@home.example", profile="")
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")
        assert "No match found." in page.text
        (made,) = page.tree.xpath("//a[text()='Create request']/@href")
        assert (await ada.browser.get(str(made))).status == 200
        nothing = await send(ada, page, "/assign", number="")
        wrong = await send(ada, page, "/assign", number="B-0815")
        done = await send(ada, page, "/assign", request="other", number=request.number, meaning="message")
        story = await ada.get(f"/requests/{request.number}")

    assert "Email from another sender, linked by staff" in words(story, "//ol[@class='timeline']")[0]
    assert words(story, "//ol[@class='timeline']//span[@class='via']")[0] == "Email"
    assert "Email from ingrid@home.example" in words(story, "//ol[@class='timeline']//blockquote")[0]
    assert story.tree.xpath("//section[@aria-labelledby='messages']//blockquote") == []
    assert (nothing.status, words(nothing, "//span[@id='number-wrong']")) == (
        422,
        ["Please choose a request or enter its number."],
    )
    assert words(wrong, "//span[@id='number-wrong']") == ["There is no request with this number."]
    assert wrong.tree.xpath("//input[@id='number']/@value") == ["B-0815"]
    assert words(done, "//div[@id='banner']") == [f"Linked to {request.number}."]


async def test_mails_beyond_the_first_page_are_reached_the_oldest_first(
    desk: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail_pages, "MAX_MAILS", 2)
    for number in range(1, 6):
        await mail_waits(desk, "Hei", f"Bestilling {number}")
    async with colleague(desk, "ada", "staff") as ada:
        first = await ada.get("/mail")
        assert words(first, "//ul[@class='mails']//a") == ["Bestilling 1", "Bestilling 2"]
        assert "5 emails, the oldest waiting for" in first.text
        second = await ada.browser.get(str(first.tree.xpath("//a[@rel='next']/@href")[0]))
        assert words(second, "//ul[@class='mails']//a") == ["Bestilling 3", "Bestilling 4"]

        (button,) = second.tree.xpath("//button[contains(@formaction, '/dismiss')]")
        done = await ada.browser.post(button.get("formaction"), hidden(second, "/assign"))

    assert words(done, "//ul[@class='mails']//a") == ["Bestilling 4", "Bestilling 5"]
    assert not done.tree.xpath("//a[@rel='next']")
    assert words(done, "//nav[@class='paging']//a") == ["First page"]


async def test_what_people_wrote_is_forgotten_with_the_reader(desk: Running) -> None:
    request = await lend(desk, "NB-7")
    await partner_writes(desk, "NB-7", "Er boka til Kari Nordmann klar?")
    await partner_writes(desk, "NB-7", "For sent", EventKind.RECEIVED)  # it does not fit, and is kept all the same
    context = desk.gateway.managed.contexts["DEMO"]
    forget = Event(timer_signal(EventKind.ANONYMISED), context.now(), "timer")
    ended = Event(
        local_signal(EventKind.UNFILLED), context.now(), "staff:ada", EventDetails(reason="not-held", note="x")
    )
    for event in (ended, forget):
        await apply_event(context, EventRequest(request_id=request.id, event=event, prepare=keep_request))

    view = await desk.requests().load_view(request.id)

    assert [(line.event.details.note, line.note) for line in view.history] == [("", "")] * len(view.history)
    assert [line.event.kind for line in view.history if line.event.kind is EventKind.MESSAGE]
    assert "not-held" in [line.event.details.reason for line in view.history]
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get(f"/requests/{request.number}")
        assert page.status == 200
        assert "Kari" not in page.text


async def test_a_mail_is_answered_or_dismissed(desk: Running) -> None:
    await mail_waits(desk, "Hvor er boka?", sender="ola@privat.example", profile="")
    await mail_waits(desk, "Tilbud!", "Tilbud", sender="shop@elsewhere.example", profile="")
    async with colleague(desk, "ada", "staff") as ada:
        answered = await send(ada, await ada.get("/mail"), "/answer", text="I morgen.")
        assert words(answered, "//div[@id='banner']") == ["Your reply to ola@privat.example is being sent."]
        assert words(answered, "//section[@aria-labelledby='opened-mail']/h2") == ["Tilbud"]

        (button,) = answered.tree.xpath("//button[contains(@formaction, '/dismiss')]")
        dismissed = await ada.browser.post(button.get("formaction"), hidden(answered, "/assign"))
        undone = await send(ada, dismissed, "/undo")
        await ada.browser.post(button.get("formaction"), hidden(undone, "/assign"))
        listed = await ada.get("/mail/dismissed")
        restored = await send(ada, listed, "/put-back")
        waiting = await ada.get("/mail")

    assert "Dismissed." in dismissed.text
    assert words(undone, "//section[@aria-labelledby='opened-mail']/h2") == ["Tilbud"]
    assert words(listed, "//tbody//td")[:2] == ["shop@elsewhere.example", "Tilbud"]
    assert words(restored, "//div[@id='banner']") == ["The email is listed as unmatched again."]
    assert not words(restored, "//tbody//td")
    assert words(waiting, "//section[@aria-labelledby='opened-mail']/h2") == ["Tilbud"]
    context = desk.gateway.managed.contexts["DEMO"]
    (row,) = (await context.store.read(lambda c: outbox_queries.list_rows_of_kind(c, "DEMO", "reply", "", 9))).rows
    assert json.loads(row.payload)["text"] == "I morgen.\n\n> Hvor er boka?\n"


async def test_machines_are_not_answered_and_the_original_is_no_page(desk: Running) -> None:
    row = await mail_waits(
        desk, "<script>alert(1)</script>", "<img src=x>", headers={"Auto-Submitted": "auto-generated"}
    )
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")
        original = await ada.get(f"/mail/{row.id}/original")

    assert "This email was sent automatically" in page.text
    assert page.tree.xpath("//form[contains(@action, '/answer')]") == []
    assert "<script>alert" not in page.text
    assert "<img src=x>" not in page.text
    assert original.headers["Content-Disposition"].startswith("attachment")
    assert original.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_mailbox_that_can_not_be_read_is_told_where_its_mails_would_be(desk: Running) -> None:
    context = desk.gateway.managed.contexts["DEMO"]
    await context.store.write(
        lambda c: mailbox.record_mailbox_failure(c, "DEMO", "replies", "password of ill not taken", context.now())
    )
    async with colleague(desk, "ada", "staff") as ada:
        page = await ada.get("/mail")

    assert "Mailbox replies cannot be read." in words(page, "//div[@class='banner look']")[0]
    assert "All incoming email has been matched to requests." not in page.text
    assert "password of ill" not in page.text, "the reason is for operators"


async def test_help_leads_to_its_part(desk: Running) -> None:
    async with colleague(desk, "ada", "staff") as ada:
        for place in ("/messages", "/mail"):
            (address,) = set((await ada.get(place)).tree.xpath("//p[@class='who']/a[1]/@href"))
            path, _, part = str(address).partition("#")
            assert (await ada.browser.get(path)).tree.get_element_by_id(part) is not None


async def test_german(desk: Running) -> None:
    await lend(desk, "NB-1")
    await partner_writes(desk, "NB-1", "Hei", EventKind.RENEW)
    await mail_waits(desk, "Hei")
    async with colleague(desk, "ada", "staff", Accept_Language="de") as ada:
        messages, mails = await ada.get("/messages"), await ada.get("/mail")

    assert messages.title == "Nachrichten von Partnern"
    assert "hat eine Verlängerung beantragt" in messages.text
    assert mails.title == "Nicht zugeordnete E-Mails"
