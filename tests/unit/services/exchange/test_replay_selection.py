"""Which messages are meant when many are to be carried out again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.ports.responder import OutcomeClass
from gateway.services.exchange.replay_selection import TooManyMessagesError, select_messages
from gateway.store.journal_records import JournalFilter
from tests.unit.services.exchange.support import PATRON, House

REFUSED = JournalFilter("DEMO", outcome=OutcomeClass.REFUSED)


async def check_out(house: House, *items: str) -> None:
    for item in items:
        await house.exchange.handle(house.message("check-out", patron=PATRON, item=item))


async def items_of(house: House, wanted: JournalFilter = REFUSED) -> list[str]:
    return [message.item_id for message in (await select_messages(house.journal, wanted, 100)).messages]


async def test_they_come_in_the_order_in_which_they_came(house: House) -> None:
    await check_out(house, "ILL-1", "ILL-2", "39000000000019", "ILL-3")

    assert await items_of(house) == ["ILL-1", "ILL-2", "ILL-3"]
    assert await items_of(house, JournalFilter("DEMO")) == ["ILL-1", "ILL-2", "39000000000019", "ILL-3"]


async def test_what_a_replay_has_done_since_is_left_out_and_so_are_replays(house: House) -> None:
    await check_out(house, "ILL-1", "ILL-2")
    first, second = (await select_messages(house.journal, REFUSED, 100)).messages
    await house.exchange.handle(house.message("accept-item", patron=PATRON, request="TN-1", item="ILL-1", title="Mómó"))
    for message in (first, second):
        kept = await house.journal.get_message("DEMO", message.id)
        assert kept is not None
        await house.exchange.replay_message(kept)

    found = await select_messages(house.journal, REFUSED, 100)

    assert ([message.id for message in found.messages], found.redone) == ([second.id], 1)


async def test_what_is_in_hand_is_left_to_whoever_has_it(house: House) -> None:
    await house.journal.begin(house.opening(house.message("check-out", patron=PATRON, item="ILL-1"), "CheckOutItem"))

    assert await items_of(house, JournalFilter("DEMO")) == []


async def test_too_many_are_said_to_be_too_many(house: House) -> None:
    await check_out(house, "ILL-1", "ILL-2", "ILL-3")

    assert len((await select_messages(house.journal, REFUSED, 3)).messages) == 3
    with pytest.raises(TooManyMessagesError, match="more than 2 messages fit"):
        await select_messages(house.journal, REFUSED, 2)


async def test_nothing_fits(house: House) -> None:
    later = house.installation.clock.now() + timedelta(hours=1)

    assert (await select_messages(house.journal, JournalFilter("DEMO", since=later), 10)).messages == ()
