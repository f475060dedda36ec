"""`illgate check --live` on a SIP2 system: each mistake is named with its setting."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.clock import FixedClock
from gateway.ports.library_system import ProbeStep
from gateway.ports.shared_store import Store
from gateway.store.engine import open_store
from tests.library_contract.embedded_world import START
from tests.library_contract.sip2_world import KNOWN, started_server, stock_library
from tests.support.pysip2_server import Pysip2Server
from tests.unit.adapters.sip2.scripted_server import Line, ScriptedServer, answer_well
from tests.unit.adapters.sip2.test_system import opened

TRIAL = {"patron": KNOWN.good.value, "item": KNOWN.shelf_item}


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    here = open_store(f"sqlite:///{tmp_path}/illgate.db")
    yield here
    await here.close()


@pytest.fixture
async def server() -> AsyncIterator[Pysip2Server]:
    running = started_server(stock_library(FixedClock(START)))
    await running.start()
    yield running
    await running.stop()


async def probe(store: Store, port: int, **more: Any) -> tuple[ProbeStep, ...]:
    async with opened(store, port, **{"trial": TRIAL, **more}) as library:
        return await library.probe()


async def test_all_is_well_and_each_step_says_so(store: Store, server: Pysip2Server) -> None:
    server.library.check_out(KNOWN.good.value, KNOWN.shelf_item)
    steps = await probe(store, server.port)

    assert [step.name for step in steps] == ["DNS", "TCP", "login", "status", "patron", "item"]
    assert [step.problem for step in steps] == [""] * 6
    assert steps[3].said == "SIP 2.00, Stadtbibliothek"
    assert steps[4].said == "found, not blocked"
    assert steps[5].said == "found, on-loan, at MAIN, due 2026-03-30 11:30 (20260330    113000)"
    assert all(0 <= step.seconds < 2 for step in steps)
    assert "Müller" not in str(steps)


MISTAKES: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "host": ({"host": "no-such-host.invalid"}, "DNS", "host", ""),
    "port": ({"port": 1}, "TCP", "port", "not reached"),
    "tls": ({"security": "tls"}, "TLS", "security", "not reached"),
    "ca": ({"security": "tls", "ca": "no-such.pem"}, "TLS", "ca", "no-such.pem cannot be used"),
    "secret": ({"login": {"user": "t", "password": "env:NONE"}}, "login", "login.password", "no secret at env:NONE"),
    "user": ({"login": {"user": "t", "password": "env:TERMINAL"}}, "login", "login", "refuses name or password"),
    "no login": ({"login": {}}, "status", "message_end", "does the server want a login"),
    "institution": ({"institution": "ELSEWHERE"}, "status", "institution", "calls the library 'MAIN'"),
    "patron": ({"trial": {"patron": "nobody"}}, "patron", "trial.patron", "knows no such patron"),
    "branch": ({"fields": {"patron_library": ""}}, "patron", "branch", "names no branch of patrons"),
    "item": ({"trial": {"item": "nothing"}}, "item", "trial.item", "it says: Unknown item"),
    "unsendable": ({"trial": {"item": "a|b"}}, "item", "", "SIP2 can't send a value with |"),
}


@pytest.mark.parametrize("name", MISTAKES)
async def test_a_mistake_is_named_with_its_setting(store: Store, server: Pysip2Server, name: str) -> None:
    setting, step, key, said = MISTAKES[name]
    port = setting.get("port", server.port)
    steps = await probe(store, port, **{name: value for name, value in setting.items() if name != "port"})
    (bad,) = (one for one in steps if one.problem)

    assert (bad.name, bad.key) == (step, key)
    assert said in bad.problem


async def test_what_the_terminal_may_not_do_is_said(store: Store) -> None:
    small = started_server(stock_library(FixedClock(START)), without=("29", "15"))
    await small.start()
    steps = await probe(store, small.port)
    await small.stop()

    assert "this terminal can't renew (29), reserve (15)" in steps[3].said
    assert steps[3].said.endswith("it says that renewal is off, which may not be so")

    blind = started_server(stock_library(FixedClock(START)), without=("23", "63"))
    await blind.start()
    steps = await probe(store, blind.port)
    await blind.stop()
    assert (steps[-1].name, steps[-1].key) == ("status", "login")


async def test_one_connection_is_enough_for_it(store: Store) -> None:
    """A server may let a terminal in so often as a running gateway needs, and once more."""
    here: list[Line] = []

    async def allow_one(line: Line, code: bytes) -> None:
        here[:] = [other for other in here if other is not line and not other.reader.at_eof()]
        here.append(line)
        if len(here) > 1:
            line.writer.close()
        else:
            await answer_well(line, code)

    async with ScriptedServer(allow_one) as server:
        options = {"login": {}, "institution": "LIB", "branch": "MAIN", "trial": {"item": "I1"}}
        steps = await probe(store, server.port, **options)

    assert [step.problem for step in steps] == [""] * len(steps)


@pytest.mark.parametrize(
    ("item", "setting", "key"),
    [
        (b"18040101%sABI1|AJA title|AQMAIN|AHKW 51|", {}, "due_formats"),
        (b"18030101%sABI1|AJA title|", {}, "branch"),
        (b"18030101%sABI1|AJB\xfccher|AQMAIN|", {"charset": "utf-8"}, "charset"),
    ],
)
async def test_what_can_not_be_understood_is_named(
    store: Store, item: bytes, setting: dict[str, Any], key: str
) -> None:
    async def script(line: Line, code: bytes) -> None:
        if code == b"17":
            await line.answer(item % b"20261124    134007")
        else:
            await answer_well(line, code)

    async with ScriptedServer(script) as server:
        *_, last = await probe(
            store, server.port, **{"login": {}, "institution": "LIB", "trial": {"item": "I1"}, **setting}
        )

    assert (last.name, last.key) == ("item", key)


async def test_a_server_of_single_messages_is_tried_too(store: Store) -> None:
    async def answer_and_close(line: Line, code: bytes) -> None:
        await answer_well(line, code)
        line.writer.close()

    async with ScriptedServer(answer_and_close) as server:
        options = {"sessions": "one-message", "login": {}, "institution": "LIB", "branch": "MAIN"}
        steps = await probe(store, server.port, **options, trial={"patron": "P1", "item": "I1"})

    assert [(step.name, step.problem) for step in steps] == [
        (name, "") for name in ("DNS", "TCP", "status", "patron", "item")
    ]
