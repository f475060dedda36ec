"""`illgate conformance --ourselves` beside a daemon that is at work: it passes, and no list, outbox, figure or message
log of the daemon's shows any of it, nor has the partner or the library's system heard a word."""

from __future__ import annotations

import contextlib
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from gateway.domain.problems import Unavailable
from gateway.runtime.daemon import Daemon
from gateway.store.api_access import CONFORMANCE_TRIALS
from rehearsal.conformance import trial_gateway
from tests.support.conformance_tables import dump_store, try_system
from tests.support.daemon import Installation, run_in_process
from tests.support.scripted_supplier import ScriptedSupplier
from tests.support.yaml_files import write_yaml_file

STRAIGHT = {
    "intake": {"mediation_default": "straight-through", "locally_owned": "allow", "duplicates": {"action": "allow"}}
}
ELSEWHERE = [{"kind": "network", "networks": ["192.0.2.0/24"]}]
"""The partner's own network: nobody on this machine is let in by the daemon."""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, ScriptedSupplier]]:
    made = Installation.make(tmp_path_factory.mktemp("ourselves"))
    with ScriptedSupplier() as fjordby:
        profiles: Mapping[str, Mapping[str, Any]] = {
            "fjordby": {
                "extends": "iso18626-2017",
                "auth": ELSEWHERE,
                "partner": {"symbols": ["ISIL:NO-0030101"], "name": "Fjordby bibliotek"},
                "iso18626": {"http": {"url": fjordby.url, "lending_url": fjordby.url}},
            },
            "nordby": {
                "auth": ELSEWHERE,
                "partner": {"symbols": ["ISIL:NO-0030103"], "channel": "iso-ill"},
                "iso_ill": {"transport": {"address": "127.0.0.1:9"}},
            },
            "kystby": {"auth": ELSEWHERE, "ncip": {"xml": {"version": "2.02"}}},
        }
        for name, profile in profiles.items():
            file = made.folder / "profiles" / f"{name}.yml"
            write_yaml_file(file, profile)
        with made.serve():
            yield made, fjordby


@pytest.mark.parametrize(
    ("profile", "options", "heard"),
    [
        ("fjordby", ("--wait", "2"), True),
        ("nordby", ("--wait", "2"), True),
        ("kystby", ("--value", "patron=21000000000017"), False),
    ],
)
def test_a_trial_of_ourselves_touches_nothing(
    profile: str,
    options: tuple[str, ...],
    heard: bool,
    place: tuple[Installation, ScriptedSupplier],
    tmp_path: Path,
) -> None:
    made, fjordby = place
    database = made.database
    before = dump_store(database)
    lines, report = try_system(made.config, tmp_path / "report.json", profile, "--ourselves", *options)

    assert [one for one in lines if "(advice)" not in one.get("found", "")] == []
    exchanges = [one for part in report["conversations"] for one in part["exchanges"]]
    assert len(exchanges) > 15
    assert any(one["came"] and one["answer"] for one in exchanges) is heard, "what we say went to the trial"
    assert dump_store(database) == before
    assert len(before["request"]) == len(before["outbox"]) == 0
    assert fjordby.received == []


def test_the_daemon_need_not_know_its_numbers(place: tuple[Installation, ScriptedSupplier]) -> None:
    """Nobody outside hears them, so the database isn't even opened."""
    made, _ = place
    ran = run_in_process("--config", str(made.config), "conformance", "kystby", "--ourselves")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    with contextlib.closing(sqlite3.connect(made.database)) as opened:
        kept = {name for (name,) in opened.execute("SELECT name FROM server_secret")}
    assert CONFORMANCE_TRIALS not in kept


def test_its_gateway_is_stopped_whatever_fails(
    place: tuple[Installation, ScriptedSupplier], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, _ = place
    stopped: list[Daemon] = []
    stop_daemon = Daemon.stop

    async def fail(*_: object) -> None:
        raise Unavailable("the store is away")

    async def note_stop(daemon: Daemon) -> None:
        stopped.append(daemon)
        await stop_daemon(daemon)

    monkeypatch.setattr(trial_gateway, "_work_off", fail)
    monkeypatch.setattr(Daemon, "stop", note_stop)
    options = ("conformance", "fjordby", "--ourselves", "--wait", "0.1")
    ran = run_in_process("--config", str(made.config), *options, check=False)
    assert ran.returncode != 0
    assert len(stopped) == 1


def test_the_librarys_own_system_is_not_asked(tmp_path: Path) -> None:
    """Sample data are in its place, so that the patron of the sample is known."""
    made = Installation.make(tmp_path / "ours", "--empty")
    with socket.socket() as system:
        system.bind(("127.0.0.1", 0))
        system.listen()
        system.setblocking(False)
        url = f"http://127.0.0.1:{system.getsockname()[1]}/ncip"
        made.change(libraries=[{"symbol": "DEMO", "name": "Demo", "system": {"type": "ncip", "url": url}}])
        options = ("--ourselves", "--value", "patron=21000000000017")
        lines, _ = try_system(made.config, tmp_path / "report.json", "ncip2", *options)
        with pytest.raises(BlockingIOError):
            system.accept()

    assert [one for one in lines if "(advice)" not in one.get("found", "")] == []
