"""The daemon as a process: signals, and what systemd is told."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import aiohttp
import pytest

from gateway.runtime.listeners import HttpListener, HttpListenerOptions
from gateway.web.app import HttpSite
from gateway.web.trusted_proxies import TrustedProxies
from tests.support.paths import ROOT
from tests.unit.runtime.house import House


class Daemon:
    def __init__(self, process: asyncio.subprocess.Process, house: House) -> None:
        self.process = process
        self.house = house
        self.lines: list[str] = []
        self.port = 0

    async def until(self, words: str) -> str:
        """The next line of the log that has these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(60):
            while line := (await self.process.stderr.readline()).decode():
                self.lines.append(line)
                if words in line:
                    return line
        raise AssertionError(f"ended without {words!r}: {self.lines}")

    async def ask(self, path: str = "/plain", body: bytes = b"x") -> str:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"http://127.0.0.1:{self.port}{path}", data=body) as answer,
        ):
            return await answer.text()

    async def ended(self) -> int:
        async with asyncio.timeout(30):
            assert self.process.stderr is not None
            self.lines += (await self.process.stderr.read()).decode().splitlines()
            return await self.process.wait()


@pytest.fixture
def notifications(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening


@pytest.fixture
async def daemon(tmp_path: Path, notifications: socket.socket) -> AsyncIterator[Daemon]:
    house = House(tmp_path)
    house.build()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.runtime.house",
        str(tmp_path),
        cwd=ROOT,
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"},
        stderr=asyncio.subprocess.PIPE,
    )
    running = Daemon(process, house)
    line = await running.until("illgate serves")
    running.port = int(line.rsplit(":", 1)[1])
    yield running
    if process.returncode is None:
        process.kill()
        await process.wait()


async def test_ready_reload_and_graceful_stop(daemon: Daemon, notifications: socket.socket) -> None:
    assert notifications.recv(100) == b"READY=1"
    assert notifications.recv(100) == b"WATCHDOG=1"
    assert await daemon.ask() == "hello"
    daemon.house.profile.write_text(daemon.house.profile.read_text().replace("hello", "servus"))
    daemon.process.send_signal(signal.SIGHUP)
    while not re.search(r"what\W.*profiles", await daemon.until("configuration.reloaded")):
        pass  # of libraries and of rules
    assert await daemon.ask() == "servus"
    daemon.process.send_signal(signal.SIGHUP)  # a reload that has just begun ends with the daemon
    daemon.process.send_signal(signal.SIGTERM)
    assert await daemon.ended() == 0
    while (state := notifications.recv(100)) == b"WATCHDOG=1":
        pass
    assert state == b"STOPPING=1"
    events = [json.loads(line) for line in daemon.lines if line.startswith("{")]
    assert not [event for event in events if event["level"] in ("warning", "error")]


async def test_the_line_that_says_that_it_serves_is_a_url_to_click(daemon: Daemon) -> None:
    assert daemon.lines[-1] == f"illgate serves http://127.0.0.1:{daemon.port}\n"


@pytest.mark.parametrize(
    ("host", "url"),
    [("0.0.0.0", "http://127.0.0.1:8"), ("::", "http://[::1]:8"), ("ill.example", "http://ill.example:8")],
)
def test_the_url_leads_to_this_machine(host: str, url: str) -> None:
    site = SimpleNamespace(proxies=TrustedProxies(()))

    assert HttpListener(HttpListenerOptions(host, 8), cast("HttpSite", site)).url == url


async def test_a_second_signal_stops_at_once(daemon: Daemon) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", daemon.port)
    writer.write(b"POST /plain HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nx")  # a message that has begun
    await asyncio.sleep(0.1)
    daemon.process.send_signal(signal.SIGTERM)
    await daemon.until("daemon.stopping")
    daemon.process.send_signal(signal.SIGTERM)
    assert await daemon.ended() == 128 + signal.SIGTERM
    writer.close()


@pytest.mark.parametrize(
    ("what", "code", "said"),
    [
        ("thread", 0, '"daemon.threads_left"'),
        ("part", 1, "Timeout"),  # and where each thread was
        ("loop", 1, "Timeout"),
    ],
)
async def test_one_signal_is_enough_whatever_never_ends(tmp_path: Path, what: str, code: int, said: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.unit.runtime.stuck_house",
        str(tmp_path),
        what,
        cwd=ROOT,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        running = Daemon(process, House(tmp_path))
        await running.until("illgate serves")
        await asyncio.sleep(0.4 if what == "loop" else 0)
        process.send_signal(signal.SIGTERM)
        assert await running.ended() == code
        assert said in "".join(running.lines)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
