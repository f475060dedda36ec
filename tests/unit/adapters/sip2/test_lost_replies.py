"""A lost message at every change: nothing is done twice, and nothing is missing once it was asked for again.

The messages of an operation are counted here too; docs/library-systems/sip2.md lists them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest

from adapters.library.sip2.system import Sip2Library, open_sip2
from gateway.domain.clock import FixedClock
from gateway.domain.library import HoldStatus
from gateway.domain.problems import OutcomeUnknown, Unavailable
from gateway.ports.library_changes import ChangeKind
from gateway.ports.library_system import HoldWish
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from tests.fakes.desk_library import DeskLibrary
from tests.library_contract.embedded_world import START
from tests.library_contract.sip2_world import KNOWN, make_context, make_options, started_server, stock_library
from tests.support.paths import ROOT
from tests.support.sip2_proxy import Loss, LossyProxy

ITEM, PATRON, OTHER = KNOWN.shelf_item, KNOWN.good.value, KNOWN.other.value
TIMES = {"connect": 1, "look_up": 0.5, "change": 0.5}


@dataclass
class Place:
    """A library behind a server behind a proxy."""

    fake: DeskLibrary
    proxy: LossyProxy
    store: Store
    clock: FixedClock
    library: Sip2Library

    async def restart(self) -> None:
        """The gateway is killed and started again."""
        await self.library.close_connections()
        self.library = await self.open()

    async def open(self) -> Sip2Library:
        return await open_sip2(
            await make_context(self.store, self.clock), make_options(self.proxy.port, {"seconds": TIMES})
        )


@pytest.fixture
async def place(tmp_path: object) -> AsyncIterator[Place]:
    clock = FixedClock(START)
    server = started_server(stock_library(clock))
    await server.start()
    proxy = LossyProxy(server.port)
    await proxy.start()
    store = open_store(f"sqlite:///{tmp_path}/illgate.db")
    here = Place(server.library, proxy, store, clock, None)  # type: ignore[arg-type]
    here.library = await here.open()
    yield here
    await here.library.close_connections()
    await proxy.stop()
    await server.stop()
    await store.close()


Act = Callable[[Sip2Library, str], Awaitable[object]]


@dataclass(frozen=True)
class Change:
    """`prepare` what must be there before `act`; `code` of its message, `done` its name in the library's history."""

    code: bytes
    done: str
    act: Act
    prepare: Act


async def nothing(_library: Sip2Library, _key: str) -> object:
    return None


async def check_out(library: Sip2Library, key: str) -> object:
    return await library.check_out(ITEM, PATRON, key, request_id="REQ-1")


async def check_in(library: Sip2Library, key: str) -> object:
    done = await library.check_in(ITEM, key, at="MAIN")
    assert done.loan is not None
    return done.loan.id, done.item


async def renew(library: Sip2Library, key: str) -> object:
    return await library.renew_loan(ITEM, key, patron_id=PATRON)


async def place_hold(library: Sip2Library, key: str) -> object:
    return await library.place_hold(HoldWish(PATRON, "MAIN", "REQ-1", item_barcode=ITEM), key)


async def cancel_hold(library: Sip2Library, key: str) -> object:
    hold = await library.find_hold("REQ-1")
    return await library.cancel_hold(hold.id, key)


async def cancel_found_hold(library: Sip2Library, key: str) -> object:
    return await library.cancel_hold(await _read_hold_id(library), key)


async def move_hold(library: Sip2Library, key: str) -> object:
    return await library.update_hold(await _read_hold_id(library), key, pickup="NORTH")


async def _read_hold_id(library: Sip2Library) -> str:
    """As it is remembered, without a message."""
    (made,) = [one for one in await library._desk.changes.changes_of_request("REQ-1") if one.kind is ChangeKind.HOLD]
    return made.record_id


CHANGES = {
    "check-out": Change(b"11", "check-out", check_out, nothing),
    "check-in": Change(b"09", "check-in", check_in, check_out),
    "renewal": Change(b"29", "renew", renew, check_out),
    "hold": Change(b"15", "hold", place_hold, nothing),
    "cancellation": Change(b"15", "cancel-hold", cancel_hold, place_hold),
}


def times_done(place: Place, change: Change) -> int:
    return [verb for verb, _, _ in place.fake.history].count(change.done)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_was_done_is_found_though_its_answer_was_lost(place: Place, change: Change) -> None:
    await change.prepare(place.library, "before")
    place.proxy.lose(change.code, Loss.ANSWER)
    first = await change.act(place.library, "key")

    assert times_done(place, change) == 1
    assert await change.act(place.library, "key") == first
    assert times_done(place, change) == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_was_not_done_is_unknown_and_done_when_it_is_asked_for_again(place: Place, change: Change) -> None:
    await change.prepare(place.library, "before")
    place.proxy.lose(change.code, Loss.QUESTION)
    with pytest.raises(OutcomeUnknown):
        await change.act(place.library, "key")
    assert times_done(place, change) == 0

    first = await change.act(place.library, "key")
    assert times_done(place, change) == 1
    assert await change.act(place.library, "key") == first
    assert times_done(place, change) == 1


@pytest.mark.parametrize("loss", [Loss.ANSWER, Loss.QUESTION], ids=["done", "not done"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_after_a_crash_each_change_is_done_once(place: Place, change: Change, loss: Loss) -> None:
    """The server goes with the answer, so nobody can say what it did; then the gateway is started anew."""
    await change.prepare(place.library, "before")
    place.proxy.lose(change.code, loss)
    place.proxy.down_after_loss = True
    with pytest.raises(OutcomeUnknown):
        await change.act(place.library, "key")
    with pytest.raises(Unavailable):
        await change.act(place.library, "key")
    place.proxy.is_down = place.proxy.down_after_loss = False

    await place.restart()
    await change.act(place.library, "key")
    assert times_done(place, change) == 1


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
async def test_what_a_slow_server_does_later_is_not_done_again(place: Place, change: Change) -> None:
    await change.prepare(place.library, "before")
    place.proxy.lose(change.code, Loss.LATE)
    with pytest.raises(OutcomeUnknown):
        await change.act(place.library, "key")
    await asyncio.sleep(place.proxy.late_seconds)
    assert times_done(place, change) == 1

    await change.act(place.library, "key")
    assert times_done(place, change) == 1


async def test_another_patrons_loan_is_not_taken_for_ours(place: Place) -> None:
    place.proxy.lose(b"11", Loss.QUESTION)
    with pytest.raises(OutcomeUnknown):
        await check_out(place.library, "key")
    assert place.fake.check_out(OTHER, ITEM).ok  # at the library's own desk

    with pytest.raises(Exception, match="item-on-loan"):
        await check_out(place.library, "key")
    loan = await place.library.item_loan(ITEM)
    assert loan is not None
    assert (loan.key, loan.request_id) == ("", "")


async def test_a_question_survives_a_lost_answer(place: Place) -> None:
    place.proxy.lose(b"17", Loss.ANSWER)
    assert (await place.library.item_by_barcode(ITEM)).barcode == ITEM


async def test_a_hold_that_is_filled_or_gone_says_so(place: Place) -> None:
    await place_hold(place.library, "key")
    assert place.fake.check_out(PATRON, ITEM).ok
    assert (await place.library.find_hold("REQ-1")).status is HoldStatus.FILLED
    assert (await place.library.place_hold(HoldWish(PATRON, "MAIN", "REQ-1", item_barcode=ITEM), "key")).status is (
        HoldStatus.FILLED
    )
    place.fake.check_in(ITEM, "MAIN")
    assert (await place.library.find_hold("REQ-1")).status is HoldStatus.EXPIRED


async def test_a_system_that_calls_every_item_other_knows_a_repeat(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeskLibrary, "circulation_status", lambda *_: "01")
    place.proxy.lose(b"11", Loss.ANSWER)
    loan = await check_out(place.library, "key")

    assert await check_out(place.library, "key") == loan
    assert times_done(place, CHANGES["check-out"]) == 1


# --- how many messages ---------------------------------------------------------------------------------------

STORY: dict[str, Act] = {
    "find_patron": lambda library, _key: library.find_patron(KNOWN.good),
    "authenticate": lambda library, _key: library.authenticate(KNOWN.good, KNOWN.good_secret),
    "item_by_barcode": lambda library, _key: library.item_by_barcode(ITEM),
    "check_out": check_out,
    "item_loan": lambda library, _key: library.item_loan(ITEM),
    "patron_loans": lambda library, _key: library.patron_loans(PATRON),
    "renew_loan": renew,
    "check_in": check_in,
    "place_hold": place_hold,
    "find_hold": lambda library, _key: library.find_hold("REQ-1"),
    "patron_holds": lambda library, _key: library.patron_holds(PATRON),
    "item_holds": lambda library, _key: library.item_holds(ITEM),
    "update_hold": move_hold,
    "cancel_hold": cancel_found_hold,
}
"""One after the other on one library."""


async def test_the_messages_of_each_operation_are_those_of_the_page(place: Place) -> None:
    """With one loan and one hold, where nothing goes wrong; the first connection has been made."""
    page = (ROOT / "docs" / "library-systems" / "sip2.md").read_text("utf-8")
    await place.library.ping()
    wrong = []
    for name, act in STORY.items():
        place.proxy.seen.clear()
        await act(place.library, name)
        if f"| `{name}` | {len(place.proxy.seen)} | {', '.join(place.proxy.seen)} |" not in page:
            wrong.append(f"| `{name}` | {len(place.proxy.seen)} | {', '.join(place.proxy.seen)} |")

    assert wrong == [], "\n".join(wrong)
