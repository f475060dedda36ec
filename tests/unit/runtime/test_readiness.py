"""Readiness of an installation and of each of its libraries: one whose system is away is red for itself alone."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.runtime import monitoring
from gateway.runtime.daemon import Daemon
from gateway.runtime.listeners import TcpMessageListener
from tests.unit.runtime.house import SETTINGS, House
from tests.unit.runtime.test_compose import ask

AWAY = "the library's server does not answer"


def build_house(folder: Path, *symbols: str) -> House:
    house = House(folder)
    head, _, tail = SETTINGS.partition("  - symbol: CLK")
    libraries = "".join(f"  - {{symbol: {symbol}, name: Library, system: {{type: shelf}}}}\n" for symbol in symbols)
    house.build(f"{head}{libraries}{tail[tail.index('store:') :]}")
    house.profile.write_text(f"library: {symbols[0]}\n{house.profile.read_text()}")
    return house


async def wait_until(condition: Callable[[], bool]) -> None:
    while not condition():  # noqa: ASYNC110 - systems that are asked tell nobody
        await asyncio.sleep(0.05)


async def look(gateway: Daemon, path: str) -> tuple[int, dict[str, Any]]:
    status, page = await ask(gateway, path)
    return status, json.loads(page)


async def test_a_library_whose_system_is_away_is_red_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0.0)
    house = build_house(tmp_path, "CLK", "FJORD")
    async with house.running() as gateway:
        house.shelves["FJORD"].problem = AWAY

        assert (await look(gateway, "/readyz/fjord"))[0] == 503
        status, whole = await look(gateway, "/readyz")
        clk_status, clk = await look(gateway, "/readyz/CLK")
        assert (await ask(gateway, "/readyz/NOBODY"))[0] == 404
        _, metrics = await ask(gateway, "/metrics")

    assert (status, whole["ready"], whole["degraded"]) == (200, True, True)
    fjord = {"name": "library FJORD", "up": False, "library": "FJORD", "problem": AWAY}
    assert fjord in whole["parts"]
    assert (clk_status, clk["ready"]) == (200, True)
    assert {part.get("library", "") for part in clk["parts"]} == {"", "CLK"}
    assert 'illgate_up{library="FJORD",part="library FJORD"}' in metrics


async def test_the_same_rule_counts_for_one_library(tmp_path: Path) -> None:
    """A load balancer that took its only gateway away would answer partners worse than the gateway does."""
    house = build_house(tmp_path, "CLK")
    house.shelf.problem = AWAY
    async with house.running() as gateway:
        assert (await look(gateway, "/readyz/CLK"))[0] == 503
        assert (await look(gateway, "/readyz"))[0] == 200


async def test_what_all_need_makes_each_library_red(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "FRESH_SECONDS", 0.0)
    house = build_house(tmp_path, "CLK", "FJORD")
    async with house.running() as gateway:
        monkeypatch.setattr(TcpMessageListener, "is_listening", False)
        assert (await look(gateway, "/readyz"))[0] == 503
        assert (await look(gateway, "/readyz/FJORD"))[0] == 503


async def test_nobody_waits_for_a_system_that_hangs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "MAX_PROBE_SECONDS", 0.5)
    house = build_house(tmp_path, "CLK", "FJORD")
    house.shelf.seconds = 60
    async with house.running() as gateway, asyncio.timeout(30):
        while not str((whole := (await look(gateway, "/readyz"))[1])["parts"][-2].get("problem")).endswith(
            "0.5 seconds"
        ):
            assert whole["ready"]
            await asyncio.sleep(0.05)
        await wait_until(lambda: bool(house.shelves["FJORD"].asked))


async def test_systems_are_asked_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(monitoring, "FIRST_PROBE_PAUSE_SECONDS", 0.1)
    monkeypatch.setattr(monitoring, "PROBE_SECONDS", 0.6)
    house = build_house(tmp_path, "A", "B", "C")
    async with house.running(), asyncio.timeout(30):
        await wait_until(lambda: len(house.shelves["C"].asked) >= 3)

    asked = sorted((moment, symbol) for symbol in "ABC" for moment in house.shelves[symbol].asked)
    assert [symbol for _, symbol in asked[:9]] == list("ABCABCABC")
    pauses = [later[0] - before[0] for before, later in itertools.pairwise(asked[3:9])]
    assert min(pauses) > 0.15, "the first round is quicker"
