"""Orders to a service that takes several in one mail: when they go, what is in the file, what answers to it mean."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import Any

import pytest
from sqlalchemy import Connection, select

from gateway.domain.clock import FixedClock
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, Role
from gateway.ports.incoming_mail import BatchEvent, IncomingMail, MailEvent
from gateway.ports.partner_channel import DeliveryResult, PartnerChannel, PartnerMessage
from gateway.runtime.managed_requests import preview_mail
from gateway.services.mailbox.mail_reader import MailDestination
from gateway.services.mailbox.request_finder import RequestMatch, find_requests
from gateway.store.mailbox import MailOutcome
from gateway.store.requests import outbox_queries
from gateway.store.requests.outbox import OutboxRow, OutboxStatus
from gateway.store.requests.tables import order_file
from tests.support.art import ART, NOON, ONLY_ART, PASSWORD_AT, answer, art, file_number, number_of, orders_in
from tests.support.daemon import Installation
from tests.support.mail_house import LIBRARY, MailHouse, mail_house
from tests.support.yaml_files import read_yaml_file

TWICE_A_DAY = {"at": ["16:00", "11:30"]}

BOOKS = (
    Citation(title="Sult", author="Hamsun, Knut", published="1890"),
    Citation(title="Мы", author="Замятин, Евгений", published="1924"),
    Citation(title="Żegluga na wodach śródlądowych", author="Nowak, Jan", published="1931"),
    Citation(title="Sinuhe egyptiläinen", author="Waltari, Mika", published="1945"),
)


@asynccontextmanager
async def at_noon(
    installation: Installation, gather: dict[str, Any] | None, **artemail: Any
) -> AsyncIterator[tuple[MailHouse, FixedClock]]:
    clock = FixedClock(NOON)
    async with mail_house(installation, {ART: art(gather, **artemail)}, ONLY_ART, clock) as house:
        yield house, clock


async def ordered(house: MailHouse, count: int = 3) -> list[Request]:
    return [await house.asked(citation=book) for book in BOOKS[:count]]


async def waits_until(house: MailHouse, clock: FixedClock, moment: datetime) -> None:
    clock.at = moment
    await house.managed.drain_due_work()


async def statuses(house: MailHouse, requests: list[Request]) -> list[AttemptStatus]:
    return [(await house.show(one)).request.attempts[0].status for one in requests]


def body_of(sent: EmailMessage) -> list[str]:
    body = sent.get_body(("plain",))
    assert body is not None
    return str(body.get_content()).splitlines()


class OneByOne:
    """A channel that takes no more than one order in a mail."""

    name = "artemail"

    def __init__(self, channel: PartnerChannel) -> None:
        self._channel = channel

    async def send(self, message: PartnerMessage, profile: Profile) -> DeliveryResult:
        return await self._channel.send(message, profile)


def bounce(sent: EmailMessage) -> bytes:
    """A delivery report (RFC 3464) that brings the header back."""
    return (
        "From: MAILER-DAEMON@mx.demo.example\r\nTo: ill@demo.example\r\nSubject: Undelivered\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"\r\n\r\n'
        "--b\r\nContent-Type: text/plain\r\n\r\nIt could not be delivered.\r\n"
        "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.demo.example\r\n\r\n"
        "Final-Recipient: rfc822; orders@art.example\r\nAction: failed\r\nStatus: 5.1.1\r\n"
        f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {sent['Message-ID']}\r\n--b--\r\n"
    ).encode()


async def order_rows(house: MailHouse, request: Request) -> list[OutboxRow]:
    page = await house.store.read(lambda c: outbox_queries.list_rows_of_request(c, LIBRARY, request.id, 50))
    return [row for row in page.rows if row.target == ART]


# --- when they go ----------------------------------------------------------------------------------------


async def test_orders_wait_for_the_time_of_day_and_go_in_one_mail(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests = await ordered(house)
        assert house.mailer.mails == []

        await waits_until(house, clock, datetime(2026, 11, 23, 14, 59, tzinfo=UTC))
        assert house.mailer.mails == []
        await waits_until(house, clock, datetime(2026, 11, 23, 15, 0, tzinfo=UTC))

        (sent,) = house.mailer.mails
        assert orders_in(sent) == [await number_of(house, one) for one in requests]
        assert (sent["To"], file_number(sent)) == ("orders@art.example", "F000001")
        assert await statuses(house, requests) == [AttemptStatus.ASKED] * 3
        assert [(await order_rows(house, one))[0].status for one in requests] == [OutboxStatus.DONE] * 3


async def test_enough_orders_go_at_once(installation: Installation) -> None:
    async with at_noon(installation, {"at": ["16:00"], "most": 3}) as (house, clock):
        await ordered(house, 2)
        assert house.mailer.mails == []

        await house.asked(citation=BOOKS[2])

        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [3]
        await house.asked(citation=BOOKS[3])
        await waits_until(house, clock, NOON + timedelta(hours=4))
        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [3, 1]
        assert [file_number(sent) for sent in house.mailer.mails] == ["F000001", "F000002"]


async def test_no_order_waits_longer_than_it_may(installation: Installation) -> None:
    async with at_noon(installation, {"wait_minutes": 30}) as (house, clock):
        await house.asked(citation=BOOKS[0])
        clock.advance(timedelta(minutes=20))
        await house.asked(citation=BOOKS[1])

        await waits_until(house, clock, NOON + timedelta(minutes=30))

        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [2]


async def test_one_at_a_time_each_with_a_number_of_its_own(installation: Installation) -> None:
    async with at_noon(installation, {"most": 1, "number": "{year}/{sequence:04d}"}) as (house, _):
        await ordered(house, 2)

        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [1, 1]
        assert [file_number(sent) for sent in house.mailer.mails] == ["2026/0001", "2026/0002"]


async def test_without_a_rule_each_goes_alone_under_the_number_of_the_request(installation: Installation) -> None:
    async with at_noon(installation, None) as (house, _):
        (request,) = await ordered(house, 1)

        assert file_number(house.last_sent) == await number_of(house, request)


async def test_staff_send_what_waits_now(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, _):
        await ordered(house)

        assert await house.managed.libraries[LIBRARY].desk.send_orders_now(ART) == 3
        await house.managed.drain_due_work()

        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [3]
        assert await house.managed.libraries[LIBRARY].desk.send_orders_now(ART) == 0


async def test_staff_see_what_waits_and_for_which_file(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests = await ordered(house, 2)

        waiting = (await house.managed.libraries[LIBRARY].desk.list_batched_orders(50, "")).items
        assert [(one.request_id, one.file, one.due) for one in waiting] == [
            (request.id, "", datetime(2026, 11, 23, 15, 0, tzinfo=UTC)) for request in requests
        ]

        house.mailer.failures = [Unavailable("mail server away")]
        await waits_until(house, clock, NOON + timedelta(hours=4))

        unsent = (await house.managed.libraries[LIBRARY].desk.list_batched_orders(50, "")).items
        assert [(one.file, one.error) for one in unsent] == [("F000001", "unavailable (1): mail server away")] * 2


async def test_one_order_that_staff_release_goes_alone(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        first, second = await ordered(house, 2)
        (row,) = await order_rows(house, first)

        await house.managed.libraries[LIBRARY].desk.release(row.id, "staff:ada")
        await house.managed.drain_due_work()

        assert [orders_in(sent) for sent in house.mailer.mails] == [[await number_of(house, first)]]
        await waits_until(house, clock, NOON + timedelta(hours=4))
        assert orders_in(house.last_sent) == [await number_of(house, second)]


async def test_on_a_closed_day_nothing_goes_by_the_clock(installation: Installation) -> None:
    closed = {**ONLY_ART, "calendar": {"holidays": ["2026-11-23"]}}
    async with mail_house(installation, {ART: art(TWICE_A_DAY)}, closed, clock := FixedClock(NOON)) as house:
        await ordered(house, 1)

        await waits_until(house, clock, datetime(2026, 11, 24, 10, 29, tzinfo=UTC))
        assert house.mailer.mails == []
        await waits_until(house, clock, datetime(2026, 11, 24, 10, 30, tzinfo=UTC))
        assert len(house.mailer.mails) == 1


async def test_a_rule_that_is_taken_away_lets_each_go_alone(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        await ordered(house, 2)
        house.managed.channels["artemail"] = OneByOne(house.managed.channels["artemail"])

        await waits_until(house, clock, NOON + timedelta(hours=4))

        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [1, 1]


# --- what goes together ----------------------------------------------------------------------------------


async def test_customer_codes_have_files_of_their_own(installation: Installation) -> None:
    customers = [
        {"code": "99-0001", "password": "file:art-password", "services": ["copy"]},
        {"code": "99-0002", "password": "file:art-password"},
    ]
    async with at_noon(installation, TWICE_A_DAY, customers=customers) as (house, clock):
        await house.asked(citation=BOOKS[0])
        await house.asked(copy=True)
        await house.asked(citation=BOOKS[1])

        await waits_until(house, clock, NOON + timedelta(hours=4))

        assert [(body_of(sent)[0], len(orders_in(sent))) for sent in house.mailer.mails] == [
            ("99-0002", 2),
            ("99-0001", 1),
        ]


async def test_an_order_that_can_not_be_written_is_refused_alone(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY, items={"book": ["{author}"], "missing": ""}) as (house, clock):
        first = await house.asked(citation=BOOKS[0])
        nameless = await house.asked(citation=Citation(title="Völuspá"))
        last = await house.asked(citation=BOOKS[1])

        await waits_until(house, clock, NOON + timedelta(hours=4))

        (sent,) = house.mailer.mails
        assert orders_in(sent) == [await number_of(house, first), await number_of(house, last)]
        (dead,) = (await house.managed.libraries[LIBRARY].desk.dead_letters(50, "")).items
        assert (dead.request_id, dead.kind) == (nameless.id, "order")
        assert dead.error.startswith("refused: data-missing: The citation has no data that fits into an order")
        assert [(await order_rows(house, one))[0].status for one in (first, last)] == [OutboxStatus.DONE] * 2

        await house.comes(answer("2 requests accepted", f"FILEREFNO {file_number(sent)}"))
        assert await house.waiting() == ()


async def test_what_is_said_of_an_order_comes_behind_it(installation: Installation) -> None:
    """A cancellation waits for its order's file, then goes alone and at once."""
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        first, second = await ordered(house, 2)
        await house.act(first, EventKind.CANCEL)
        assert house.mailer.mails == []

        await waits_until(house, clock, NOON + timedelta(hours=4))

        number = await number_of(house, first)
        assert [orders_in(sent) for sent in house.mailer.mails] == [[number, await number_of(house, second)], [number]]
        assert f"TX{number} CANCEL" in body_of(house.last_sent)


async def test_an_address_for_the_whole_file(installation: Installation) -> None:
    (library,) = read_yaml_file(installation.config)["libraries"]
    installation.change(libraries=[{**library, "email": "ill@demo.example"}])
    section = {"delivery": {"file": "email"}, "layout": {"file_address": ":DELIVER ALL ITEMS TO:"}}
    async with at_noon(installation, TWICE_A_DAY, **section) as (house, clock):
        await ordered(house, 2)
        await waits_until(house, clock, NOON + timedelta(hours=4))

        lines = [line for line in body_of(house.last_sent) if line]
        assert lines[2:4] == [":DELIVER ALL ITEMS TO:", "ill@demo.example"]
        assert lines[4].startswith("TX")
        assert lines.count("ill@demo.example") == 1


async def test_what_was_altered_stands_in_the_history_of_its_request_alone(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        plain, cyrillic = await ordered(house, 2)
        await waits_until(house, clock, NOON + timedelta(hours=4))

        said = [[line.event.details.note for line in (await house.show(one)).history] for one in (plain, cyrillic)]
        assert not any("ASCII" in note for note in said[0])
        assert any(note.startswith("request to British Library: written in ASCII: М → M") for note in said[1])


# --- what goes wrong -------------------------------------------------------------------------------------


@pytest.mark.parametrize("failure", [Unavailable("away"), OutcomeUnknown("no answer after the content")])
async def test_every_try_is_the_same_file(installation: Installation, failure: Exception) -> None:
    """Also where another order has come meanwhile."""
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests = await ordered(house)
        house.mailer.failures = [failure]
        await waits_until(house, clock, NOON + timedelta(hours=4))
        late = await house.asked(citation=BOOKS[3])

        await waits_until(house, clock, NOON + timedelta(hours=6))

        first, second = house.mailer.tried
        assert first.as_bytes() == second.as_bytes()
        assert orders_in(second) == [await number_of(house, one) for one in requests]
        assert [row.status for row in await order_rows(house, late)] == [OutboxStatus.WAITING]


EDITED: dict[str, Any] = {
    "address": "other@art.example",
    "subject": "ORDERS {number} {customer}",
    "sender": "other@demo.example",
    "reply_to": "other@demo.example",
    "customers": [{"code": "99-0003", "password": PASSWORD_AT}],
    "layout": {"length": 30, "blank_lines": 1},
    "items": {"book": ["{author}", "{title}"]},
    "keywords": {"service": [{"codes": ["LOAN", "X"]}]},
    "characters": {"own": {"ж": "zh", "Ż": "ZH"}},
}
"""What staff may change in a profile while an order waits to be tried again."""


async def kept_files(house: MailHouse) -> int:
    def count_files(connection: Connection) -> int:
        return len(connection.execute(select(order_file)).all())

    return await house.store.read(count_files)


@pytest.mark.parametrize("gather", [TWICE_A_DAY, None], ids=["several in a file", "one alone"])
@pytest.mark.parametrize("failure", [Unavailable("away"), OutcomeUnknown("no answer after the content")])
async def test_every_try_is_the_same_octets_whatever_was_edited_in_the_profile(
    installation: Installation, gather: dict[str, Any] | None, failure: Exception
) -> None:
    async with at_noon(installation, gather) as (house, clock):
        house.mailer.failures = [failure, failure]
        (request, *_) = await ordered(house, 3 if gather else 1)
        await waits_until(house, clock, NOON + timedelta(hours=4))
        house.change_profile(ART, art(gather, **EDITED))
        preview = await preview_mail(house.managed, house.adapters, LIBRARY, request.number)

        await waits_until(house, clock, NOON + timedelta(hours=6))
        await waits_until(house, clock, NOON + timedelta(hours=9))

        first, second, third = (one.as_bytes() for one in house.mailer.tried)
        assert first == second == third
        assert "To: orders@art.example" in preview[0]
        assert await kept_files(house) == 0


@pytest.mark.parametrize("gather", [TWICE_A_DAY, None], ids=["several in a file", "one alone"])
async def test_what_staff_release_is_written_by_the_profile_as_it_is_now(
    installation: Installation, gather: dict[str, Any] | None
) -> None:
    """Or nobody could send what the service refused for the sake of the profile."""
    async with at_noon(installation, gather) as (house, clock):
        house.mailer.failures = [Refused(RefusalReason.OTHER, "550 no such mailbox")]
        (request, *_) = await ordered(house, 2 if gather else 1)
        await waits_until(house, clock, NOON + timedelta(hours=4))
        house.change_profile(ART, art(gather, address="new@art.example"))
        (dead,) = (await house.managed.libraries[LIBRARY].desk.dead_letters(50, "")).items
        preview = await preview_mail(house.managed, house.adapters, LIBRARY, request.number)

        await house.managed.libraries[LIBRARY].desk.release(dead.id, "staff:ada")
        await house.managed.drain_due_work()

        assert [one["To"] for one in house.mailer.tried] == ["orders@art.example", "new@art.example"]
        assert "To: new@art.example" in preview[0]
        assert house.mailer.tried[0]["Message-ID"] == house.mailer.tried[1]["Message-ID"]


async def test_a_kept_file_holds_no_password_and_goes_when_it_is_skipped(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        await ordered(house, 2)
        house.mailer.failures = [Refused(RefusalReason.OTHER, "550 no such mailbox")]
        await waits_until(house, clock, NOON + timedelta(hours=4))
        (document,) = await house.store.read(lambda c: c.execute(select(order_file.c.document)).scalars().all())
        assert PASSWORD_AT in body_of(house.mailer.tried[0])  # the house resolves a reference to itself
        assert json.loads(document)["text"].splitlines()[:2] == ["99-9999", "********"]
        (dead,) = (await house.managed.libraries[LIBRARY].desk.dead_letters(50, "")).items

        await house.managed.libraries[LIBRARY].desk.skip(dead.id, "ordered by telephone", "staff:ada")
        await house.managed.prune_outbox()

        assert await kept_files(house) == 0


async def test_a_file_that_no_server_takes_is_one_dead_letter(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        await ordered(house, 2)
        house.mailer.failures = [Refused(RefusalReason.OTHER, "550 no such mailbox")]
        await waits_until(house, clock, NOON + timedelta(hours=4))

        (dead,) = (await house.managed.libraries[LIBRARY].desk.dead_letters(50, "")).items
        assert (dead.kind, dead.target, dead.error) == ("file", ART, "refused: other: 550 no such mailbox")
        with pytest.raises(Refused, match="made from its orders"):
            await house.managed.libraries[LIBRARY].desk.edit(dead.id, "{}", "staff:ada")

        await house.managed.libraries[LIBRARY].desk.release(dead.id, "staff:ada")
        await house.managed.drain_due_work()
        assert [len(orders_in(sent)) for sent in house.mailer.mails] == [2]
        assert house.mailer.tried[0].as_bytes() == house.last_sent.as_bytes()


async def test_the_orders_of_a_skipped_file_are_skipped(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests = await ordered(house, 2)
        await house.act(requests[0], EventKind.CANCEL)
        house.mailer.failures = [Refused(RefusalReason.OTHER, "550 no such mailbox")]
        await waits_until(house, clock, NOON + timedelta(hours=4))
        (dead,) = (await house.managed.libraries[LIBRARY].desk.dead_letters(50, "")).items

        await house.managed.libraries[LIBRARY].desk.skip(dead.id, "ordered by telephone", "staff:ada")
        await house.managed.drain_due_work()

        assert [(await order_rows(house, one))[-1].status for one in requests] == [OutboxStatus.SKIPPED] * 2
        assert f"TX{await number_of(house, requests[0])} CANCEL" in body_of(house.last_sent)  # its turn has come
        notes = [line.event.details.note for line in (await house.show(requests[1])).history]
        assert "Skipped: Order to British Library (ordered by telephone)" in notes


# --- what is answered ------------------------------------------------------------------------------------


async def filed(house: MailHouse, clock: FixedClock, count: int = 3) -> tuple[list[Request], str]:
    """Orders that went in one file, and its number."""
    requests = await ordered(house, count)
    await waits_until(house, clock, NOON + timedelta(hours=4))
    return requests, file_number(house.last_sent)


async def acknowledged(house: MailHouse, requests: list[Request]) -> list[bool]:
    shown = [await house.show(one) for one in requests]
    return [any(line.event.kind is EventKind.ACKNOWLEDGED for line in one.history) for one in shown]


async def test_an_accepted_file_is_every_request_in_it(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)

        polled = await house.comes(answer("3 requests accepted", f"Re: FILEREFNO {number}"))

        assert polled.taken[MailOutcome.DONE] == 1
        assert await acknowledged(house, requests) == [True] * 3


async def test_a_file_is_found_by_the_mail_that_is_answered(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, _ = await filed(house, clock)

        await house.comes(answer("3 requests accepted", "Receipt", In_Reply_To=str(house.last_sent["Message-ID"])))

        assert await acknowledged(house, requests) == [True] * 3


async def test_another_partner_does_not_answer_for_a_file(installation: Installation) -> None:
    """It was sent to one service; somebody else has got hold of its Message-ID."""
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, _ = await filed(house, clock, 1)
        context = house.managed.contexts[LIBRARY]
        profile, _ = context.require_partner(ART)
        reference = str(house.last_sent["Message-ID"]).strip("<>")
        mail = IncomingMail(id="m-1", sender="x@elsewhere.example", received=clock.now(), references=(reference,))
        event = MailEvent(kind=EventKind.ACKNOWLEDGED, role=Role.BORROWING, file=BatchEvent(numbers=()))

        def find_as(partner: Profile) -> Callable[[Connection], RequestMatch]:
            return lambda c: find_requests(c, context, partner, event, mail)

        partners = (profile, profile.model_copy(update={"name": "elsewhere"}))
        own, others = [await context.store.read(find_as(partner)) for partner in partners]

    assert own.named is not None
    assert own.named.request_id == requests[0].id
    assert (others.named, others.possible) == (None, ())


async def test_a_rejected_file_sends_every_request_on(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)

        await house.comes(answer("The file was rejected: ERROR 4", f"FILEREFNO {number}"))

        shown = [(await house.show(one)).request for one in requests]
        assert [one.attempts[0].status for one in shown] == [AttemptStatus.REJECTED] * 3
        assert [one.attempts[0].note for one in shown] == ["The file was rejected: ERROR 4"] * 3
        assert [one.state for one in shown] == [BorrowingState.NO_SUPPLIER] * 3


async def test_the_others_are_accepted_where_one_is_named(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)
        named = await number_of(house, requests[1])

        text = f"2 requests accepted\nRequest {named} rejected: unknown keyword"
        await house.comes(answer(text, f"FILEREFNO {number}"))

        assert await acknowledged(house, requests) == [True, False, True]
        assert await statuses(house, requests) == [AttemptStatus.ASKED, AttemptStatus.REJECTED, AttemptStatus.ASKED]


async def test_another_count_than_the_file_has_is_for_staff(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)

        await house.comes(answer("2 requests accepted", f"FILEREFNO {number}"))

        assert await acknowledged(house, requests) == [False] * 3
        (row,) = await house.waiting()
        assert set(row.possible) == {one.id for one in requests}


async def test_a_code_belongs_to_the_request_that_is_named(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)

        await house.comes(answer(f"{await number_of(house, requests[2])} NOT*NUKL", f"FILEREFNO {number}"))

        assert await statuses(house, requests) == [AttemptStatus.ASKED, AttemptStatus.ASKED, AttemptStatus.UNFILLED]


async def test_a_code_without_a_number_is_for_staff_where_the_file_has_several(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock)

        await house.comes(answer("NOT", f"FILEREFNO {number}"))

        (row,) = await house.waiting()
        assert set(row.possible) == {one.id for one in requests}
        assert await statuses(house, requests) == [AttemptStatus.ASKED] * 3


async def test_a_code_without_a_number_is_clear_where_the_file_has_one(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock, 1)

        await house.comes(answer("NOT", f"FILEREFNO {number}"))

        assert await statuses(house, requests) == [AttemptStatus.UNFILLED]


@pytest.mark.parametrize("word", ["FILEREFNO", "OURREF"])
async def test_a_note_of_absence_is_kept_with_the_request_whose_file_it_quotes(
    installation: Installation, word: str
) -> None:
    """It is no mail of the service's format, but names the file by the word of the profile."""
    async with at_noon(installation, TWICE_A_DAY, reference=word) as (house, clock):
        (request,), number = await filed(house, clock, 1)

        await house.comes(answer(f"We are away.\n> {word} {number}", "Away", Auto_Submitted="auto-replied"))

        (note,) = (await house.show(request)).request.notes
        assert note.text == "automatic reply by email: Away"


async def test_a_file_that_comes_back_undelivered_fails_for_each(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, _ = await filed(house, clock, 2)

        await house.comes(bounce(house.last_sent))

        assert await statuses(house, requests) == [AttemptStatus.REJECTED] * 2


async def test_staff_are_told_how_an_answer_is_understood(installation: Installation) -> None:
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests, number = await filed(house, clock, 2)

        lines = await house.managed.libraries[LIBRARY].mails.explain_mail(
            answer("2 requests accepted", f"FILEREFNO {number}"), MailDestination(LIBRARY)
        )

        found = [line for line in lines if line.startswith("request: the number in the message: ")]
        assert len(found) == len(requests)

        lines = await house.managed.libraries[LIBRARY].mails.explain_mail(
            answer("NOT", f"FILEREFNO {number}"), MailDestination(LIBRARY)
        )

        assert "request: the number in a file name: 2 requests match, so none was chosen" in lines


# --- previews --------------------------------------------------------------------------------------------


async def test_a_preview_shows_the_file_and_no_password(installation: Installation) -> None:
    """Before it is made, under the number that it would get; then as it went."""
    async with at_noon(installation, TWICE_A_DAY) as (house, clock):
        requests = await ordered(house, 2)
        numbers = [await number_of(house, one) for one in requests]

        (before,) = await preview_mail(house.managed, house.adapters, LIBRARY, numbers[1])
        await waits_until(house, clock, NOON + timedelta(hours=4))
        (after,) = await preview_mail(house.managed, house.adapters, LIBRARY, numbers[1])

        for shown in (before, after):
            lines = shown.splitlines()
            assert "Subject: FILEREFNO F000001" in lines
            assert [line.split()[0] for line in lines if line.startswith("TX")] == [f"TX{one}" for one in numbers]
            assert lines[lines.index("99-9999") + 1] == "********"
        assert file_number(house.last_sent) == "F000001"
        assert orders_in(house.last_sent) == numbers
