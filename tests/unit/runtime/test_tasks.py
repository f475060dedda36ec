"""Background work is kept, restarted and told about."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import structlog
from sqlalchemy import text

from gateway.runtime import background as module
from gateway.runtime.background import BackgroundTasks, FailurePolicy
from gateway.runtime.logs import DefectLog, RateLimitedLogger
from gateway.store.engine import open_store


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MIN_RETRY_SECONDS", 0.01)


async def test_failing_work_is_logged_with_its_owner_and_started_again() -> None:
    runs = 0
    done = asyncio.Event()

    async def work() -> None:
        nonlocal runs
        runs += 1
        if runs < 3:
            raise ValueError("no")
        done.set()

    tasks = BackgroundTasks()
    with structlog.testing.capture_logs() as logs:
        tasks.start("journal: retention", work)
        await asyncio.wait_for(done.wait(), 2)
    await tasks.stop()
    assert runs == 3
    assert [(entry["event"], entry["task"]) for entry in logs] == [("background.task_failed", "journal: retention")] * 2


async def test_work_that_fails_again_and_again_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    enough = asyncio.Event()
    sleep = asyncio.sleep

    async def note_pause(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 5:
            enough.set()
        await sleep(60 if enough.is_set() else 0)

    async def work() -> None:
        raise ValueError("no")

    monkeypatch.setattr(module, "MIN_RETRY_SECONDS", 1.0)
    monkeypatch.setattr(module, "MAX_RETRY_SECONDS", 6.0)
    monkeypatch.setattr(asyncio, "sleep", note_pause)
    tasks = BackgroundTasks()
    with structlog.testing.capture_logs():
        tasks.start("journal: retention", work)
        await asyncio.wait_for(enough.wait(), 2)
    await tasks.stop()

    assert pauses == [1.0, 2.0, 4.0, 6.0, 6.0]


async def test_a_database_that_is_read_only_is_said_once_for_each_task_without_a_traceback(tmp_path: Path) -> None:
    file = tmp_path / "illgate.db"
    store = open_store(f"sqlite:///{file}")
    await store.write(lambda connection: connection.execute(text("CREATE TABLE visit (day TEXT)")))
    await store.write(lambda connection: connection.execute(text("PRAGMA query_only = 1")))
    tries = 0
    enough = asyncio.Event()

    async def work() -> None:
        nonlocal tries
        tries += 1
        if tries == 3:
            enough.set()
        await store.write(lambda connection: connection.execute(text("INSERT INTO visit VALUES ('2026-03-02')")))

    tasks = BackgroundTasks()
    with structlog.testing.capture_logs() as logs:
        tasks.start("journal: retention", work)
        await asyncio.wait_for(enough.wait(), 5)
        await asyncio.sleep(0.05)
    await tasks.stop()
    await store.close()

    assert [(entry["event"], entry["log_level"], entry["task"]) for entry in logs] == [
        ("background.task_waits", "warning", "journal: retention")
    ]
    assert "readonly database" in logs[0]["reason"]
    assert "exc_info" not in logs[0]


async def test_work_that_shall_not_be_repeated() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1
        raise ValueError("no")

    tasks = BackgroundTasks()
    with structlog.testing.capture_logs() as logs:
        await tasks.start("profiles: watch", work, FailurePolicy.REPORT)
    assert (runs, len(logs)) == (1, 1)
    assert tasks.task_names == ()


async def test_periodic_work_and_stop() -> None:
    runs = 0

    async def work() -> None:
        nonlocal runs
        runs += 1

    tasks = BackgroundTasks()
    tasks.run_every("health: look", 0.01, work)
    await asyncio.sleep(0.1)
    assert tasks.task_names == ("health: look",)
    await tasks.stop()
    assert tasks.task_names == ()
    before = runs
    assert before > 2
    await asyncio.sleep(0.05)
    assert runs == before


async def test_lines_that_others_can_cause_are_written_seldom() -> None:
    now = 0.0
    seldom = RateLimitedLogger(structlog.get_logger(), lambda: now)
    with structlog.testing.capture_logs() as logs:
        for now in (0.0, 1.0, 9.9, 10.0, 30.0):
            seldom.warning("too many", open=now)
    assert [(entry["open"], entry.get("more")) for entry in logs] == [(0.0, None), (10.0, 2), (30.0, None)]


async def test_defects_are_all_counted_and_each_kind_is_written_seldom() -> None:
    now = [0.0]
    counted: list[str] = []
    defects = DefectLog(counted.append, lambda: now[0])
    with structlog.testing.capture_logs() as logs:
        for now[0] in (0.0, 1.0, 2.0):
            defects.report_defect("exchange.defect", KeyError("barcode"))
            defects.report_defect("exchange.defect", TypeError("none"))
        now[0] = 11.0
        defects.report_defect("exchange.defect", KeyError("barcode"))

    assert counted == ["exchange.defect"] * 7
    assert [(one["log_level"], type(one["exc_info"]).__name__, one.get("more")) for one in logs] == [
        ("error", "KeyError", None),
        ("error", "TypeError", None),
        ("error", "KeyError", 2),
    ]
