"""The SIP2 backend against invenio-sip2, whose code is nobody's that we know."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from adapters.library.sip2.system import Sip2Library, open_sip2
from gateway.domain.clock import SystemClock
from gateway.domain.library import ItemStatus, PersonName
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.library_system import Capability, PatronKey
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from tests.library_contract.sip2_world import make_context, make_options
from tests.support.installed import start_or_skip
from tests.support.invenio_server import InvenioServer
from tests.support.running_servers import running
from tests.support.sip2_proxy import Loss, LossyProxy

pytestmark = [pytest.mark.slow, pytest.mark.long]  # in each run three recorded SIP2 servers stand for others' ones

SETTINGS: dict[str, Any] = {
    "holds": "none",  # invenio-sip2 doesn't tell its library whether a reservation is to be made or cancelled
    "branch": "MAIN",
    "seconds": {"connect": 20, "look_up": 20, "change": 20},
    "trial": {"patron": "P1", "item": "I1"},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InvenioServer]:
    """One for all, since it takes seconds to start: each test returns what it lends. Where CI is set, a missing server
    is a failure."""
    running = start_or_skip(lambda: InvenioServer(tmp_path_factory.mktemp("invenio")))
    yield running
    still_running = running.is_running
    running.stop()
    assert still_running, "invenio-sip2 ends at what it can't read: something of ours was such"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = open_store(f"sqlite:///{tmp_path}/illgate.db")
    yield opened
    await opened.close()


@asynccontextmanager
async def connected(store: Store, port: int, **more: Any) -> AsyncIterator[Sip2Library]:
    context = await make_context(store, SystemClock())
    library = await open_sip2(context, make_options(port, {**SETTINGS, **more}))
    try:
        yield library
    finally:
        await library.close_connections()


async def refusal_of(coroutine: Any) -> RefusalReason:
    with pytest.raises(Refused) as refused:
        await coroutine
    return refused.value.reason


async def test_patrons_and_items_are_found(store: Store, server: InvenioServer) -> None:
    async with connected(store, server.port) as library:
        patron = await library.find_patron(PatronKey("P1"))
        assert (patron.id, patron.name, patron.home_library) == ("P1", PersonName("Müller", "Ana"), "MAIN")
        assert await library.authenticate(PatronKey("P1"), "1234") == patron
        assert await refusal_of(library.authenticate(PatronKey("P1"), "4321")) is RefusalReason.PATRON_AUTH_FAILED
        assert await refusal_of(library.find_patron(PatronKey("nobody"))) is RefusalReason.UNKNOWN_PATRON
        assert (await library.item_by_barcode("I1")).status is ItemStatus.AVAILABLE
        assert (await library.get_bib("item:I2")).title == "紅楼夢"
        assert await refusal_of(library.item_by_barcode("nothing")) is RefusalReason.UNKNOWN_ITEM
        assert Capability.RENEW in library.capabilities
        assert Capability.HOLD_ITEM not in library.capabilities


async def test_a_loan_from_its_beginning_to_its_end(store: Store, server: InvenioServer) -> None:
    before = len(server.history)
    async with connected(store, server.port) as library:
        loan = await library.check_out("I1", "P1", "k1", request_id="REQ-1")
        assert await library.check_out("I1", "P1", "k1") == loan
        assert await refusal_of(library.check_out("I1", "P2", "k2")) is RefusalReason.ITEM_ON_LOAN
        assert await library.patron_loans("P1") == (loan,)
        renewed = await library.renew_loan("I1", "k3", patron_id="P1")
        assert renewed.due > loan.due
        assert await library.renew_loan("I1", "k3", patron_id="P1") == renewed
        back = await library.check_in("I1", "k4", at="MAIN")
        assert back.loan is not None
        assert (back.loan.id, back.item.status) == (loan.id, ItemStatus.AVAILABLE)
        assert (await library.check_in("I1", "k4", at="MAIN")).repeated
        assert await refusal_of(library.check_in("I1", "k5", at="MAIN")) is RefusalReason.NOT_CHECKED_OUT

    assert [verb for verb, _, _ in server.history[before:]] == ["check-out", "renew", "check-in"]


async def test_what_was_done_before_its_answer_was_lost_is_done_once(store: Store, server: InvenioServer) -> None:
    """invenio-sip2 carries out a repeat although it has the same sequence number."""
    before = len(server.history)
    async with running(LossyProxy(server.port)) as proxy, connected(store, proxy.port) as library:
        proxy.lose(b"11", Loss.ANSWER)
        loan = await library.check_out("I1", "P1", "k1")
        proxy.lose(b"29", Loss.ANSWER)
        assert (await library.renew_loan("I1", "k2", patron_id="P1")).due > loan.due
        proxy.lose(b"09", Loss.ANSWER)
        assert (await library.check_in("I1", "k3", at="MAIN")).loan is not None

    assert [verb for verb, _, _ in server.history[before:]] == ["check-out", "renew", "check-in"]


async def test_without_login_it_answers_what_is_no_message(store: Store, server: InvenioServer) -> None:
    """`None`, without an end: a time-out, not a wait for ever."""
    times = {"connect": 2, "look_up": 1, "change": 1}
    async with connected(store, server.port, login={}, seconds=times) as library:
        with pytest.raises(Unavailable, match="no answer to message 99 within 1 s"):
            await library.ping()


async def test_each_step_of_the_check_goes_well(store: Store, server: InvenioServer) -> None:
    async with connected(store, server.port) as library:
        steps = await library.probe()

    assert [(step.name, step.problem) for step in steps] == [
        (name, "") for name in ("DNS", "TCP", "login", "status", "patron", "item")
    ]
    assert steps[3].said == "SIP 2.00, Bücherei; this terminal can't reserve (15)"
