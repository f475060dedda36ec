"""A service that is ordered from by ARTEmail: orders leave by a real SMTP server, answers come to a mailbox that
Dovecot serves."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from email.message import EmailMessage
from itertools import count
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from adapters.mailbox.imap_client import ImapClient
from adapters.smtp.transport import SmtpMailer
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.domain.requests.request import AttemptStatus, BorrowingState, Request, RequestFlag
from gateway.ports.outgoing_mail import MailSecurity, MailServer
from gateway.store.mailbox import MailOutcome
from tests.support.art import ART, NOON, ONLY_ART, answer, art, file_number, number_of, orders_in
from tests.support.art import PASSWORD as CUSTOMER_PASSWORD
from tests.support.daemon import Installation, forked_daemon
from tests.support.dovecot import PASSWORD, Dovecot
from tests.support.mail_house import MailHouse, mail_house
from tests.support.smtp_sink import Sink, running

TWICE_A_DAY = {"at": ["11:30", "16:00"]}
FOUR = datetime(2026, 11, 23, 15, 0, tzinfo=UTC)

ORDERS = "orders@art.example"

TITLES = ("Sult", "Мы", "Żegluga na wodach śródlądowych", "ガリヴァー旅行記")

_users = count(1)


@dataclass(frozen=True)
class Service:
    """Both sides: our house with its clock, the service's SMTP server, our mailbox."""

    house: MailHouse
    clock: FixedClock
    sink: Sink
    dovecot: Dovecot
    user: str = field(default_factory=lambda: f"art{next(_users)}")

    async def ordered(self, number: int = 3) -> list[Request]:
        return [await self.house.asked(citation=Citation(title=title, author="N. N.")) for title in TITLES[:number]]

    async def at(self, moment: datetime) -> None:
        self.clock.at = moment
        await self.house.managed.drain_due_work()

    async def answers(self, *mails: bytes) -> dict[MailOutcome, int]:
        """All of them in one poll, and what follows from them."""
        for one in mails:
            self.dovecot.deliver(self.user, one)
        client = ImapClient(lambda reference: PASSWORD)
        polled = await self.house.at_imap(self.dovecot.port, client, self.user).poll_once()
        await self.house.managed.drain_due_work()
        return dict(polled.taken)

    async def statuses(self, requests: list[Request]) -> list[AttemptStatus]:
        return [(await self.house.show(one)).request.attempts[0].status for one in requests]


@asynccontextmanager
async def service(
    installation: Installation, dovecot: Dovecot, gather: dict[str, Any] | None, **artemail: Any
) -> AsyncIterator[Service]:
    clock = FixedClock(NOON)
    async with (
        running(Sink()) as sink,
        mail_house(installation, {ART: art(gather, **artemail)}, ONLY_ART, clock) as house,
    ):
        server = MailServer(host="127.0.0.1", port=sink.port, security=MailSecurity.NONE)
        house.managed.channels.update(
            house.managed.make_mailer_channels(SmtpMailer(server, lambda reference: reference))
        )
        yield Service(house, clock, sink, dovecot)


# --- files -----------------------------------------------------------------------------------------------


async def test_three_orders_in_one_mail_by_the_clock_and_accepted(installation: Installation, dovecot: Dovecot) -> None:
    async with service(installation, dovecot, TWICE_A_DAY) as art_service:
        requests = await art_service.ordered()
        assert art_service.sink.mails == []

        await art_service.at(FOUR)

        (sent,) = art_service.sink.mails
        assert orders_in(sent) == [await number_of(art_service.house, one) for one in requests]
        taken = await art_service.answers(answer("3 requests accepted", f"Re: FILEREFNO {file_number(sent)}"))
        assert taken[MailOutcome.DONE] == 1
        for one in requests:
            shown = await art_service.house.show(one)
            assert [line.denied for line in shown.history if line.event.kind is EventKind.ACKNOWLEDGED] == [""]


async def test_three_orders_in_one_mail_by_their_count_and_rejected(
    installation: Installation, dovecot: Dovecot
) -> None:
    async with service(installation, dovecot, {**TWICE_A_DAY, "most": 3}) as art_service:
        requests = await art_service.ordered(2)
        assert art_service.sink.mails == []
        requests += await art_service.ordered(1)

        (sent,) = art_service.sink.mails
        await art_service.answers(answer("Your file was rejected: ERROR 7", f"FILEREFNO {file_number(sent)}"))

        assert await art_service.statuses(requests) == [AttemptStatus.REJECTED] * 3


async def test_a_fault_in_one_order_holds_up_no_other(installation: Installation, dovecot: Dovecot) -> None:
    section = {"items": {"book": ["{author}"], "missing": ""}}
    async with service(installation, dovecot, TWICE_A_DAY, **section) as art_service:
        good = await art_service.ordered(2)
        bad = await art_service.house.asked(citation=Citation(title="Völuspá"))
        await art_service.at(FOUR)

        (sent,) = art_service.sink.mails
        assert orders_in(sent) == [await number_of(art_service.house, one) for one in good]
        (dead,) = (await art_service.house.managed.libraries["DEMO"].desk.dead_letters(50, "")).items
        assert dead.request_id == bad.id

        named = await number_of(art_service.house, good[1])
        text = f"1 request accepted\nRequest {named} was rejected: unknown keyword"
        await art_service.answers(answer(text, f"FILEREFNO {file_number(sent)}"))
        assert await art_service.statuses(good) == [AttemptStatus.ASKED, AttemptStatus.REJECTED]


# --- every code of the service (facts/artemail.md section 2) ----------------------------------------------

ASKED, CANCELLING, LENT, RENEWING = "asked", "cancelling", "lent", "renewing"

Expected = tuple[str, str, EventKind, AttemptStatus, dict[str, object]]

CODES: tuple[Expected, ...] = (
    (CANCELLING, "CANC", EventKind.CANCEL_ACCEPTED, AttemptStatus.CANCELLED, {}),
    (CANCELLING, "NCANC", EventKind.CANCEL_REFUSED, AttemptStatus.ASKED, {}),
    (ASKED, "CAT*REAPPLY 4", EventKind.RETRY, AttemptStatus.RETRY, {"retry_after": date(2026, 12, 21)}),
    (ASKED, "CRF*CANNOT MATCH ITEM", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "not-found-as-cited"}),
    (ASKED, "DIRECT", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "locations-provided"}),
    (ASKED, "NOT", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "not-held"}),
    (ASKED, "NOT*NUKL", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "no-locations"}),
    (ASKED, "*INVALID ORDERING OPTIONS", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "order-rejected"}),
    (ASKED, "RCOP", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "copyright"}),
    (ASKED, "*TOTAL LIBRARY", EventKind.FORWARDED, AttemptStatus.ASKED, {}),
    (
        ASKED,
        "*TOTAL LIBRARY MAX COST 45.50",
        EventKind.UNFILLED,
        AttemptStatus.UNFILLED,
        {"reason": "cost-exceeds-maximum"},
    ),
    (ASKED, "TOTAL LOAN*MORE THAN 1 VOLUME", EventKind.UNFILLED, AttemptStatus.UNFILLED, {"reason": "specify-volume"}),
    (ASKED, "SHIPPED COPY", EventKind.SHIPPED, AttemptStatus.SHIPPED, {}),
    (ASKED, "USE O/D 14-12-2026", EventKind.WILL_SUPPLY, AttemptStatus.WILL_SUPPLY, {"expected": date(2026, 12, 14)}),
    (ASKED, "USE*3", EventKind.HOLD_PLACED, AttemptStatus.HOLD_PLACED, {}),
    (RENEWING, "RENEWED*31-01-2027", EventKind.RENEW_ACCEPTED, AttemptStatus.SHIPPED, {"due": date(2027, 1, 31)}),
    (RENEWING, "NO RENEW", EventKind.RENEW_REFUSED, AttemptStatus.SHIPPED, {}),
    (LENT, "DUE", EventKind.OVERDUE, AttemptStatus.SHIPPED, {}),
    (LENT, "DUE*AUTOMATIC RENEWAL PENDING 31-01-2027", EventKind.MESSAGE, AttemptStatus.SHIPPED, {}),
    (LENT, "DUE WAIT", EventKind.RECALL, AttemptStatus.SHIPPED, {"renewals_allowed": False}),
    (LENT, "*FINAL DEMAND", EventKind.OVERDUE, AttemptStatus.SHIPPED, {}),
    (ASKED, "LONDON", EventKind.MESSAGE, AttemptStatus.ASKED, {}),  # of old: the profile doesn't know it
)

FLAGS = {"DUE": RequestFlag.OVERDUE, "DUE WAIT": RequestFlag.RECALLED, "*FINAL DEMAND": RequestFlag.OVERDUE}


async def test_every_code_happens_to_its_request(installation: Installation, dovecot: Dovecot) -> None:
    async with service(installation, dovecot, None) as art_service:
        house = art_service.house
        requests = [await house.asked(citation=Citation(title=f"Band {n}")) for n, _ in enumerate(CODES)]
        numbers = [await number_of(house, one) for one in requests]
        lent = [n for n, (before, *_) in enumerate(CODES) if before in (LENT, RENEWING)]
        await art_service.answers(*(answer(f"{numbers[n]} SHIPPED COPY") for n in lent))
        for n in lent:
            await house.act(requests[n], EventKind.RECEIVED)
            await house.act(requests[n], EventKind.LOANED_TO_PATRON)
        for n, (before, *_) in enumerate(CODES):
            if before in (CANCELLING, RENEWING):
                await house.act(requests[n], EventKind.CANCEL if before == CANCELLING else EventKind.RENEW)

        taken = await art_service.answers(
            *(
                answer(f"{number} {code}\n\nSee our guide for what this code means.", f"FILEREFNO {number}")
                for number, (_, code, *_) in zip(numbers, CODES, strict=True)
            )
        )

        # LONDON is a message on its request, and on the staff's list as well
        assert taken == {MailOutcome.DONE: len(CODES) - 1, MailOutcome.UNKNOWN: 1, MailOutcome.FAILED: 0}
        for request, (_, code, kind, status, details) in zip(requests, CODES, strict=True):
            shown = await house.show(request)
            said = [line for line in shown.history if line.event.signal.origin is EventOrigin.PARTNER][-1]
            assert (code, said.event.kind, said.denied) == (code, kind, "")
            assert {name: getattr(said.event.details, name) for name in details} == details
            assert said.event.details.note.startswith(code)
            assert (code, shown.request.attempts[0].status) == (code, status)
            if code in FLAGS:
                assert FLAGS[code] in shown.request.flags
        renewed = (await house.show(requests[[code for _, code, *_ in CODES].index("RENEWED*31-01-2027")])).request
        assert renewed.terms.lender_due == date(2027, 1, 31)
        assert renewed.state is BorrowingState.LENT


# --- kill -9 ---------------------------------------------------------------------------------------------


@dataclass
class Held(Sink):
    """Goes silent over a file of orders, when it is addressed (RCPT) or when it is there (DATA)."""

    step: str = "DATA"
    reached: asyncio.Event = field(default_factory=asyncio.Event)

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answered = await super().handle_RCPT(server, session, envelope, address, options)
        if self.step == "RCPT" and address == ORDERS:
            await self._silence()
        return answered

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        answered = await super().handle_DATA(server, session, envelope)
        if ORDERS in envelope.rcpt_tos:
            await self._silence()
        return answered

    async def _silence(self) -> None:
        self.reached.set()
        await asyncio.Event().wait()


async def waiting_orders(installation: Installation) -> list[str]:
    """Three that wait for the clock, then are told to go now. Their numbers."""
    (installation.folder / "art-password").write_text(CUSTOMER_PASSWORD)
    never = {"wait_minutes": 10_000}
    async with mail_house(installation, {ART: art(never)}, ONLY_ART) as house:
        requests = [await house.asked(citation=Citation(title=title)) for title in TITLES[:3]]
        numbers = [await number_of(house, one) for one in requests]
    said = await asyncio.to_thread(installation.run, "mail", "send-now", ART)
    assert said.stdout == "art: 3 orders go now\n"
    return numbers


async def killed(installation: Installation, held: Held) -> None:
    """A daemon gets SIGKILL when its mail server goes silent."""
    installation.change(mail={"port": held.port})
    with forked_daemon(installation.config, installation.log) as daemon:
        async with asyncio.timeout(120):
            await held.reached.wait()
        daemon.send_signal(signal.SIGKILL)
        await asyncio.to_thread(daemon.wait)


async def sent_by_the_next(installation: Installation) -> list[EmailMessage]:
    """Mails to the service that leave after it has started again."""
    async with running(Sink()) as sink:
        installation.change(mail={"port": sink.port})
        with forked_daemon(installation.config, installation.log) as daemon:
            async with asyncio.timeout(120):
                while await unsent(installation):  # another process at work: nothing tells us
                    assert daemon.poll() is None
        return orders_sent(sink)


def orders_sent(sink: Sink) -> list[EmailMessage]:
    """Without letters to patrons."""
    return [one for one in sink.mails if one["To"] == ORDERS]


async def unsent(installation: Installation) -> list[list[str]]:
    """Partner, file and number of the orders that wait."""
    said = (await asyncio.to_thread(installation.run, "outbox", "gathered")).stdout
    return [line.split()[:3] for line in said.splitlines()[1:]]


async def test_killed_between_making_a_file_and_sending_it_all_is_sent_once(installation: Installation) -> None:
    numbers = await waiting_orders(installation)
    async with running(held := Held(step="RCPT")):
        await killed(installation, held)
    assert orders_sent(held) == []

    assert await unsent(installation) == [[ART, "F000001", number] for number in numbers]
    (sent,) = await sent_by_the_next(installation)

    assert (file_number(sent), orders_in(sent)) == ("F000001", numbers)


async def test_killed_before_it_heard_that_a_file_was_taken_the_same_file_is_sent(installation: Installation) -> None:
    numbers = await waiting_orders(installation)
    async with running(held := Held()):
        await killed(installation, held)
    (first,) = orders_sent(held)

    (again,) = await sent_by_the_next(installation)

    assert again.as_bytes() == first.as_bytes()
    assert orders_in(again) == numbers
