"""Partners' messages and mails that fit no request, over HTTP: seen, marked, assigned, dismissed."""

from __future__ import annotations

import json
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import Role
from gateway.ports.partner_channel import IncomingPartnerMessage
from gateway.services.people.api_keys import KeyScope
from gateway.store import mailbox
from gateway.store.mailbox import MailOutcome, MailPosition, MailRow
from gateway.store.requests import outbox_queries
from gateway.store.schema import make_exchange_id
from tests.protocol.api.support import LIBRARY, Client, Running
from tests.protocol.api.test_requests import act, borrow, lend

BERGEN = "fjernlan@ub.bergen.example"


async def partner_writes(
    gateway: Running, transaction: str, note: str, kind: EventKind = EventKind.MESSAGE, role: Role = Role.LENDING
) -> None:
    context = gateway.managed.contexts[LIBRARY]
    profile = context.profile("bergen")
    assert profile is not None
    message = IncomingPartnerMessage(
        id=make_exchange_id(gateway.clock.now()),
        kind=kind,
        role=role,
        sender="ISIL:NO-02030",
        receiver=LIBRARY,
        transaction=transaction,
        details=EventDetails(note=note),
    )
    taken = await gateway.managed.partner_inbox.receive_message(message, profile)
    assert taken.request_id


async def mail_waits(gateway: Running, text: str, sender: str = BERGEN, profile: str = "bergen", **more: Any) -> str:
    """A mail that nobody understood; its id."""
    mail = EmailMessage(policy=SMTP)
    mail["From"], mail["To"], mail["Subject"] = sender, "ill@demo.example", "Vedr. bestilling"
    mail["Message-ID"] = f"<{make_exchange_id(gateway.clock.now())}@bergen.example>"
    mail.set_content(text)
    now = gateway.clock.now()
    row = MailRow(
        id=make_exchange_id(now),
        spot=MailPosition(LIBRARY, "ill", 1, now.microsecond + 1),
        message_id=str(mail["Message-ID"]),
        digest=make_exchange_id(now),
        at=now,
        outcome=MailOutcome.UNKNOWN,
        profile=profile,
        reason="message: no matching request",
        open=True,
        sender=sender,
        subject="Vedr. bestilling",
        content=mail.as_bytes(),
        **more,
    )
    await gateway.store.write(lambda c: mailbox.add_mail(c, row, None))
    return row.id


async def test_unread_messages_are_listed_marked_and_kept_with_their_reader(gateway: Running, client: Client) -> None:
    first, second = await lend(client, "LT-1"), await lend(client, "LT-2")
    await partner_writes(gateway, "LT-1", "Kan vi få 2. utgave?")
    await partner_writes(gateway, "LT-2", "Haster!")
    await partner_writes(gateway, "LT-1", "Eller 3.")

    page = await client("GET", "messages?limit=2")
    rest = await client("GET", page.json["next"])
    assert [one["text"] for one in (*page.json["items"], *rest.json["items"])] == [
        "Kan vi få 2. utgave?",
        "Haster!",
        "Eller 3.",
    ]
    assert (await client("GET", "messages?role=borrowing")).json["items"] == []
    line = page.json["items"][0]
    assert (line["request_id"], line["number"], line["role"], line["partner"]) == (
        first["id"],
        first["number"],
        "lending",
        "bergen",
    )
    shown = (await client("GET", f"requests/{first['id']}")).json
    assert (shown["unread_messages"], shown["request"]["flags"]) == (2, ["unread"])
    listed = (await client("GET", "requests?task=unread-lending")).json["items"]
    assert {one["id"]: one["flags"] for one in listed} == {first["id"]: ["unread"], second["id"]: ["unread"]}

    done = await client("POST", f"requests/{first['id']}/messages/read", {"messages": [line["id"]]})

    assert [(one["text"], one["unread"], one["read_by"]) for one in done.json["items"]] == [
        ("Kan vi få 2. utgave?", False, "staff:Åse at the desk"),
        ("Eller 3.", True, ""),
    ]
    again = (await client("GET", f"requests/{first['id']}")).json
    assert (again["unread_messages"], again["request"]["version"]) == (1, shown["request"]["version"])
    assert {one["id"] for one in (await client("GET", "messages")).json["items"]} & {line["id"]} == set()


async def test_an_answer_reads_and_stands_in_the_conversation(gateway: Running, client: Client) -> None:
    request = await lend(client, "LT-1")
    await partner_writes(gateway, "LT-1", "Når kommer den?")

    await act(client, request, "message", note="I morgen.")

    said = (await client("GET", f"requests/{request['id']}/messages")).json["items"]
    assert [(one["ours"], one["text"], one["by"], one["sending"]) for one in said] == [
        (False, "Når kommer den?", "partner:ISIL:NO-02030", ""),
        (True, "I morgen.", "staff:Åse at the desk", "waiting"),
    ]
    assert (await client("GET", "messages")).json["items"] == []


async def test_only_who_may_change_a_side_marks_its_messages(gateway: Running, client: Client) -> None:
    request = await lend(client, "LT-1")
    await partner_writes(gateway, "LT-1", "Hei")
    (message,) = (await client("GET", "messages")).json["items"]
    place, body = f"requests/{request['id']}/messages/read", {"messages": [message["id"]]}
    reader = client.with_key(await gateway.key(KeyScope.REQUESTS_READ))
    borrower = client.with_key(await gateway.key(KeyScope.REQUESTS_READ, KeyScope.REQUESTS_WRITE))

    assert (await reader("POST", place, body)).problem == "forbidden"
    assert (await borrower("POST", place, body)).problem == "forbidden"
    assert (await client("POST", place, {"messages": ["0123"]})).problem == "not-found"
    assert (await client("POST", "requests/none/messages/read", body)).problem == "not-found"
    assert (await client("GET", "requests/none/messages")).problem == "not-found"
    assert len((await reader("GET", "messages")).json["items"]) == 1


async def test_a_mail_is_shown_beside_what_it_may_be_about(gateway: Running, client: Client) -> None:
    likely = await borrow(client, "Vindeltoget mot Tromsø")
    numbered = await borrow(client, "Noe annet")
    id_ = await mail_waits(gateway, f"Hei! Vindeltoget er utlånt, {numbered['number']} også.", possible=(likely["id"],))

    (line,) = (await client("GET", "unmatched-mails")).json["items"]
    shown = (await client("GET", f"unmatched-mails/{id_}")).json

    assert (line["id"], line["sender"], line["partner"]) == (id_, BERGEN, "bergen")
    assert shown["mail"] == line
    assert shown["text"].startswith("Hei! Vindeltoget er utlånt")
    assert shown["problem"] == ""
    assert [(one["request_id"], one["numbers"], one["words"]) for one in shown["candidates"]] == [
        (numbered["id"], [numbered["number"]], []),
        (likely["id"], [], ["vindeltoget"]),
    ]


async def test_a_mail_is_assigned_or_dismissed_once(gateway: Running, client: Client) -> None:
    request = await borrow(client)
    kept = await mail_waits(gateway, "Boka er hos bokbinderen.")
    other = await mail_waits(gateway, "Tilbud!", sender="shop@elsewhere.example", profile="")
    borrower = client.with_key(await gateway.key(KeyScope.LENDING))

    assert (await borrower("POST", f"unmatched-mails/{kept}/assign", {"request": request["number"]})).status == 403
    done = await client("POST", f"unmatched-mails/{kept}/assign", {"request": request["number"]})
    assert done.status == 200, done.body
    assert "Boka er hos bokbinderen." in done.json["notes"][-1]["text"]
    assert (await client("POST", f"unmatched-mails/{other}/dismiss")).status == 204
    assert (await client("POST", f"unmatched-mails/{other}/dismiss")).problem == "not-found"
    assert (await client("GET", f"unmatched-mails/{kept}")).problem == "not-found"
    assert (await client("POST", f"unmatched-mails/{kept}/assign", {"request": "B-0"})).problem == "not-found"
    wrong = await client("POST", f"unmatched-mails/{kept}/assign", {"request": "B-0", "meaning": "guess"})
    assert wrong.problem == "invalid"
    assert (await client("GET", "unmatched-mails")).json["items"] == []


async def test_a_mail_is_answered(gateway: Running, client: Client) -> None:
    id_ = await mail_waits(gateway, "Hvor er boka?", sender="ola.nordmann@privat.example", profile="")

    assert (await client("POST", f"unmatched-mails/{id_}/answer", {"text": " \n"})).problem == "invalid"
    assert (await client("POST", f"unmatched-mails/{id_}/answer", {"text": "I morgen."})).status == 204

    assert (await client("GET", "unmatched-mails")).json["items"] == []
    (row,) = (await gateway.store.read(lambda c: outbox_queries.list_rows_of_kind(c, LIBRARY, "reply", "", 9))).rows
    said = json.loads(row.payload)
    assert (said["to"], said["subject"], said["text"]) == (
        "ola.nordmann@privat.example",
        "Re: Vedr. bestilling",
        "I morgen.\n\n> Hvor er boka?\n",
    )


async def test_a_mail_that_can_not_be_shown_says_why(gateway: Running, client: Client) -> None:
    broken = await mail_waits(gateway, "x")
    await gateway.store.write(
        lambda c: c.execute(mailbox.mail.update().values(content=b"\r\n\r\n").where(mailbox.mail.c.id == broken))
    )
    locked = await mail_waits(gateway, "y")
    await gateway.store.write(
        lambda c: c.execute(mailbox.mail.update().values(key_id="k1").where(mailbox.mail.c.id == locked))
    )
    lost = await mail_waits(gateway, "z")
    await gateway.store.write(
        lambda c: c.execute(mailbox.mail.update().values(content=None).where(mailbox.mail.c.id == lost))
    )

    said = [(await client("GET", f"unmatched-mails/{id_}")).json["problem"] for id_ in (broken, locked, lost)]

    assert said == [
        "cannot be read: header: there is no header",
        "the email was encrypted with key k1, which is not configured",
        "too large to be stored: see the mailbox folder",
    ]


async def test_senders_and_subjects_are_for_those_who_act(gateway: Running, client: Client) -> None:
    await mail_waits(gateway, "privat", sender="ola.nordmann@privat.example", profile="")
    reader = client.with_key(await gateway.key(KeyScope.REQUESTS_READ, KeyScope.TASKS_READ, KeyScope.EVENTS_READ))

    assert (await reader("GET", "unmatched-mails")).problem == "forbidden"
    tasks = {one["name"]: one for one in (await reader("GET", "tasks")).json["items"]}
    assert (tasks["unmatched-mails"]["count"], tasks["unmatched-mails"]["href"]) == (1, "/api/v1/unmatched-mails")
