"""An adapter that somebody else wrote: a package of its own, built, installed and found by its entry points.

It is the sample of docs/adding-an-adapter.md. The gateway is DEMO's, the partner NORTH is a socket.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.world import START, Town
from gateway.domain.clock import FixedClock
from gateway.domain.requests.citation import Citation, CitationType
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventDetails, EventKind
from gateway.domain.requests.request import PatronLink, Request, RequestDates, Role
from gateway.domain.requests.views import ActionRequest
from tests.support.daemon import Installation, illgate
from tests.support.paths import ROOT
from tests.support.running_servers import running
from tests.support.yaml_files import read_yaml_file, write_yaml_file

SOURCE = ROOT / "tests" / "packages" / "parcel"
PROFILE = SOURCE / "examples" / "north.yml"
PATRON = "21000000000025"
TITLE = "The Three-Body Problem"
SECONDS = 20.0
"""Longest that anything here may need on a busy machine."""


def pip(*arguments: str) -> None:
    """Without network and without the user's settings."""
    subprocess.run(
        [sys.executable, "-m", "pip", "--isolated", "--disable-pip-version-check", "-q", *arguments, "--no-index"],
        check=True,
        timeout=120,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the package, which is nowhere else."""
    folder = tmp_path_factory.mktemp("third-party")
    pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder / "wheels"), str(SOURCE))
    (wheel,) = (folder / "wheels").glob("*.whl")
    pip("install", "--no-deps", "--target", str(folder / "site"), str(wheel))
    return folder / "site"


@pytest.fixture
def importable(installed: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As if it were installed beside the gateway."""
    monkeypatch.syspath_prepend(str(installed))
    yield
    for name in [name for name in sys.modules if name.partition(".")[0] == "illgate_parcel"]:
        del sys.modules[name]


class Partner:
    """NORTH: keeps the lines that it is told, and takes them all unless it was told what to answer."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.answers: list[str] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._take_line, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        assert self._server is not None
        self._server.close()
        await self._server.wait_closed()

    async def _take_line(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            line = (await reader.readline()).decode().rstrip("\n")
            self.lines.append(line)
            answer = self.answers.pop(0) if self.answers else f"OK|{line.split('|')[3]}"
            writer.write(answer.encode() + b"\n")
            await writer.drain()
        await writer.wait_closed()


class Scene:
    """The gateway and its partner."""

    def __init__(self, gateway: Town, clock: FixedClock, partner: Partner) -> None:
        self.gateway = gateway
        self.clock = clock
        self.partner = partner

    async def tell(self, line: str) -> str:
        """What the gateway answers when the partner says this."""
        (port,) = self.gateway.gateway.tcp_ports
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            with contextlib.closing(writer):
                writer.write(line.encode() + b"\n")
                answer = await reader.readline()
            await writer.wait_closed()
        return answer.decode().rstrip("\n")

    async def borrow(self) -> Request:
        draft = BorrowingDraft(
            citation=Citation(type=CitationType.BOOK, title="Of Bars | and Rivers", author="Ng, 100 %"),
            patron=PatronLink(identifier=PATRON),
            dates=RequestDates(),
            actor="patron",
        )
        return await self.gateway.gateway.managed.libraries["DEMO"].requests.create_borrowing(draft)

    async def act(self, role: Role, kind: EventKind, **details: Any) -> None:
        act = ActionRequest(kind=kind, details=EventDetails(**details), actor="staff:ben", version=None)
        await self.gateway.act(await self.newest(role), act)

    async def newest(self, role: Role) -> Request:
        return max(await self.gateway.requests(role), key=lambda one: one.id)

    async def reach(self, role: Role, state: str) -> None:
        async def is_there() -> bool:
            return bool(await self.gateway.requests(role)) and (await self.newest(role)).state.value == state

        await self.wait_until(is_there)

    async def reach_line(self, line: str) -> None:
        """The partner is told so."""

        async def is_told() -> bool:
            return any(told.startswith(line) for told in self.partner.lines)

        await self.wait_until(is_told)

    async def wait_until(self, is_so: Callable[[], Awaitable[bool]]) -> None:
        try:
            async with asyncio.timeout(SECONDS):
                while not await is_so():
                    await self.gateway.gateway.managed.drain_due_work()
                    await asyncio.sleep(0.01)
        except TimeoutError:
            states = [(role.value, one.state.value) for role in Role for one in await self.gateway.requests(role)]
            pytest.fail(f"it never came: requests are {states}, told was {self.partner.lines}")


def add_partner(installation: Installation, partner_port: int) -> None:
    """NORTH, with the profile that the package brings as an example, and a port for its lines."""
    profile = read_yaml_file(PROFILE)
    profile["parcel"]["address"] = f"127.0.0.1:{partner_port}"
    policy = {
        "intake": {"mediation_default": "straight-through", "locally_owned": "allow"},
        "rotas": {"usual": {"lines": [{"partner": "north"}]}},
        "default_rota": "usual",
    }
    write_yaml(installation.folder / "profiles" / "north.yml", profile)
    write_yaml(installation.folder / "requests.yml", policy)
    installation.change(http={"port": 0}, tcp=[{"host": "127.0.0.1", "port": 0, "protocol": "parcel"}])


def write_yaml(file: Path, content: object) -> None:
    write_yaml_file(file, content)


@pytest.fixture
async def scene(importable: None, installation: Installation) -> AsyncIterator[Scene]:
    clock = FixedClock(START)
    async with running(Partner()) as partner:
        add_partner(installation, partner.port)
        async with running(Town(installation.config, clock)) as gateway:
            yield Scene(gateway, clock, partner)


async def test_a_partner_borrows_and_we_borrow(scene: Scene) -> None:
    ask = f"ASK|NORTH|DEMO|N-1||{TITLE}|Liu, Cixin|2026-05-01"

    assert await scene.tell(ask) == "OK|N-1"
    await scene.reach(Role.LENDING, "located")
    assert await scene.tell(ask) == "OK|N-1"  # it says so again: nothing happens
    lending = await scene.newest(Role.LENDING)
    assert (lending.transaction, lending.partner.symbol, lending.citation.title) == ("N-1", "NORTH", TITLE)
    assert len(await scene.gateway.requests(Role.LENDING)) == 1

    await scene.act(Role.LENDING, EventKind.SHIPPED)
    await scene.reach_line("SENT|DEMO|NORTH|N-1|2026-03-30")
    assert await scene.tell("BACK|NORTH|DEMO|N-1") == "OK|N-1"
    await scene.reach(Role.LENDING, "returned")
    await scene.act(Role.LENDING, EventKind.CHECKED_IN)
    await scene.reach(Role.LENDING, "completed")

    ours = await scene.borrow()
    number = ours.number
    await scene.reach(Role.BORROWING, "requested")
    await scene.reach_line(f"ASK|DEMO|NORTH|{number}||Of Bars %7C and Rivers|Ng, 100 %25|")
    assert await scene.tell(f"SENT|NORTH|DEMO|{number}|2026-06-01") == f"OK|{number}"
    await scene.reach(Role.BORROWING, "shipped")
    await scene.act(Role.BORROWING, EventKind.RECEIVED)
    await scene.act(Role.BORROWING, EventKind.RETURNED)
    await scene.reach_line(f"BACK|DEMO|NORTH|{number}")
    await scene.reach(Role.BORROWING, "completed")
    assert [line.partition("|")[0] for line in scene.partner.lines] == ["SENT", "ASK", "BACK"]


async def test_no_moves_the_rota_on(scene: Scene) -> None:
    ours = await scene.borrow()
    await scene.reach(Role.BORROWING, "requested")

    assert await scene.tell(f"NO|NORTH|DEMO|{ours.number}|sold") == f"OK|{ours.number}"

    await scene.reach(Role.BORROWING, "no-supplier")
    attempt = (await scene.newest(Role.BORROWING)).attempts[0]
    assert (attempt.status.value, attempt.reason) == ("unfilled", "not-held")


async def test_a_request_that_the_partner_refuses_goes_on_too(scene: Scene) -> None:
    scene.partner.answers = ["LATER|", "ERR||we are closed"]
    await scene.borrow()

    await scene.reach_line("ASK|")
    scene.clock.advance(timedelta(minutes=10))  # it is said again later

    await scene.reach(Role.BORROWING, "no-supplier")
    attempt = (await scene.newest(Role.BORROWING)).attempts[0]
    assert (attempt.status.value, attempt.note) == ("rejected", "we are closed")
    assert len(scene.partner.lines) == 2
    assert len(set(scene.partner.lines)) == 1


def test_what_is_encoded_is_decoded(importable: None) -> None:
    codec = importlib.import_module("illgate_parcel.codec")
    parties = {"sender": "NORTH", "receiver": "ISIL:DE-1", "number": " 1|2 "}
    title = "100 % | of\r\n Rivers \x85 \u2028 東の図書館 %7C"
    lines = [
        codec.AskMessage(**parties, isbn="9780765377067", title=title, author="|", need_by=date(2026, 5, 1)),
        codec.SentMessage(**parties, due=date(2026, 6, 1)),
        codec.SentMessage(**parties),
        codec.BackMessage(**parties),
        codec.NoMessage(**parties, reason=title),
        codec.OkAnswer(number="1"),
        codec.LaterAnswer(number=""),
        codec.ErrorAnswer(number="", reason=title),
    ]

    assert [codec.decode_line(codec.encode_line(line) + b"\r\n") for line in lines] == lines


async def test_lines_that_cannot_be_taken_are_answered_with_place_and_reason(scene: Scene) -> None:
    cases = {
        "HELLO": "ERR||field 1: a line begins with one of ASK, SENT, BACK, NO, OK, LATER, ERR",
        "ASK|NORTH|DEMO": "ERR||ASK: number: the line ends before it",
        "BACK|NORTH|DEMO|": "ERR||BACK: field 4 (number): it is empty",
        "BACK|NORTH|DEMO|1|2": "ERR||BACK: field 5: the line goes on where it should end",
        "SENT|NORTH|DEMO|1|soon": "ERR||SENT: field 5 (due): no day such as 2026-11-23",
        "NO|NORTH|DEMO|1|100 %": "ERR||NO: field 5 (reason): behind %25 there must be two hexadecimal digits",
        "NO|NORTH|DEMO|1|\x07": "ERR||NO: field 5 (reason): it has a control character",
        "ASK|NORTH|DEMO|1||||": "ERR||ASK: it has neither an ISBN nor a title",
        "BACK|NORTH|EAST|1": "ERR|1|Library not found.",
        "BACK|WEST|DEMO|1": "ERR|1|No profile matches this sender.",
    }

    assert {line: await scene.tell(line) for line in cases} == cases


def test_check_runs_the_examples_of_its_profile(
    installed: Path, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_partner(installation, partner_port=1)
    monkeypatch.setenv("PYTHONPATH", str(installed), prepend=os.pathsep)

    done = illgate("--config", str(installation.config), "check", "north", check=False)

    assert done.stdout == "no problems; 1 profile, 4 examples run, 2 of them with their answer\n", done
