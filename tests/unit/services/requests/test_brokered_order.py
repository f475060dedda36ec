"""What a requester hears from a broker comes in the order in which it happened, although something of it is stuck."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.domain.problems import Unavailable
from gateway.domain.profile import Profile
from gateway.domain.requests.events import EventKind as K
from gateway.ports.partner_channel import DeliveryResult, PartnerMessage
from tests.unit.services.requests.support import SOUTH, NcipTown, make_template
from tests.unit.services.requests.test_brokered_letters import BROKER, DUE, WEST, ask, find_other_leg, read_letter

EAST = {"partner": {"symbols": ["EAST"], "name": "Eastern Library", "channel": "mail", "email": "ill@east.example"}}
TWO_SUPPLIERS = {
    **BROKER,
    "rotas": {"others": {"lines": [{"partner": "south"}, {"partner": "east"}], "only_owning": "no"}},
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    profiles = {"south": SOUTH, "east": EAST, "west": WEST}
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), profiles, TWO_SUPPLIERS))


PROMISE = "We will supply this item."
ANOTHER = "another library is asked for it; not held"
OWN_WORDS = "Розгублено 1974 року"
END = "We regret that we cannot supply this item"


async def refuse_mail_to_west(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    keep = north.mail.handle_DATA

    async def take_some(server: SMTP, session: Session, envelope: Envelope) -> str:
        if "ill@west.example" in envelope.rcpt_tos:
            return "451 try again later"
        return await keep(server, session, envelope)

    monkeypatch.setattr(north.mail, "handle_DATA", take_some)


def list_words(north: NcipTown) -> list[str]:
    """What the requester was told, oldest first."""
    told = [mail for mail in north.mail.mails if "west" in str(mail["To"])]
    bodies = [mail.get_body(("plain",)) for mail in told]
    texts = [str(body.get_content()) for body in bodies if body is not None]
    return [words for text in texts for words in (PROMISE, ANOTHER, OWN_WORDS, END) if words in text]


async def pass_time(north: NcipTown, minutes: int) -> None:
    """Slowly, so that each row has its own try."""
    for _ in range(minutes * 6):
        north.clock.advance(timedelta(seconds=10))
        await north.quiet()


async def test_that_another_is_asked_comes_after_the_promise_that_is_stuck(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    lending = await ask(north, "west")
    with monkeypatch.context() as outage:
        await refuse_mail_to_west(north, outage)
        await read_letter(north, lending, "south", K.WILL_SUPPLY, {})
        await pass_time(north, 3)
        await read_letter(north, lending, "south", K.UNFILLED, {"reason": "not-held"})
        assert [one.partner for one in (await find_other_leg(north, lending)).attempts] == ["south", "east"]
    assert list_words(north) == []

    await pass_time(north, 10)
    await read_letter(north, lending, "east", K.WILL_SUPPLY, {})

    assert list_words(north) == [PROMISE, ANOTHER, PROMISE]


async def test_a_supplier_s_own_words_and_the_end_go_out_at_once_where_nobody_is_left(north: NcipTown) -> None:
    lending = await ask(north, "west")
    await read_letter(north, lending, "south", K.UNFILLED, {"reason": "not-held"})
    await read_letter(north, lending, "east", K.WILL_SUPPLY, {})

    await read_letter(north, lending, "east", K.UNFILLED, {"reason": "not-held", "note": OWN_WORDS})

    assert list_words(north) == [PROMISE, ANOTHER, OWN_WORDS, END]


async def test_the_requester_s_leg_has_the_supplier_in_hand_and_says_who_told_it_and_when(north: NcipTown) -> None:
    lending = await ask(north, "west")
    await read_letter(north, lending, "south", K.UNFILLED, {"reason": "not-held"})
    await read_letter(north, lending, "east", K.SHIPPED, {"due": DUE})
    shipped = north.clock.now()
    await read_letter(north, lending, "east", K.RECALL, {"due": DUE})

    near = await north.see(lending)
    assert near.other_leg is not None
    assert near.other_leg.party.profile == "east", "items go back there"
    events = {line.event.kind: line.event for line in await north.history(lending)}
    assert (events[K.SHIPPED].actor, events[K.SHIPPED].at) == ("broker", shipped)
    assert events[K.SHIPPED].details.due == DUE - timedelta(days=3), "brokering.due_days"


async def test_what_the_requester_s_leg_cannot_take_any_more_is_told_in_words_of_the_library_s_day(
    north: NcipTown,
) -> None:
    lending = await ask(north, "west")
    await read_letter(north, lending, "south", K.SHIPPED, {"due": DUE})
    await read_letter(north, lending, "west", K.RETURNED, {})
    late = datetime(2026, 5, 4, 22, 30, tzinfo=UTC)
    await read_letter(north, lending, "south", K.OVERDUE, {"due": late, "note": OWN_WORDS})

    message = (await north.history(lending))[-1].event
    assert (message.kind, message.details.note) == (K.MESSAGE, f"overdue; due: 2026-05-02; {OWN_WORDS}")


async def test_a_change_of_a_date_that_names_none_is_for_staff(north: NcipTown) -> None:
    lending = await ask(north, "west")
    await read_letter(north, lending, "south", K.SHIPPED, {"due": DUE})
    await read_letter(north, lending, "south", K.DUE_DATE_CHANGED, {"note": OWN_WORDS})

    trouble = (await north.history(lending))[-1].event
    assert (trouble.kind, trouble.details.note) == (K.TROUBLE, f"due date changed; {OWN_WORDS}")


@dataclass
class TwoParts:
    """A channel that needs two messages for each event; away until `is_open`."""

    name: str = "mail"
    is_open: bool = False
    sent: list[tuple[str, int | None]] = field(default_factory=list)

    def count_parts(self, _message: PartnerMessage, _profile: Profile) -> int:
        return 2

    async def send(self, message: PartnerMessage, _profile: Profile) -> DeliveryResult:
        if not self.is_open:
            raise Unavailable("down for a moment")
        self.sent.append((message.kind.value, message.part))
        return DeliveryResult()


async def test_the_second_part_of_a_message_comes_before_the_next_message(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    lending, channel = await ask(north, "west"), TwoParts()
    monkeypatch.setitem(cast(dict[str, Any], north.town.context.channels), "mail", channel)
    await read_letter(north, lending, "south", K.WILL_SUPPLY, {})
    await read_letter(north, lending, "south", K.SHIPPED, {"due": DUE})
    await read_letter(north, lending, "south", K.MESSAGE, {"note": "Крихка обкладинка"})

    channel.is_open = True
    await pass_time(north, 10)

    assert channel.sent == [(kind, part) for kind in ("will-supply", "shipped", "message") for part in (0, 1)]
