"""One wrong key in the section of one of several libraries holds back that library, and nobody else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
import pytest
from structlog.testing import capture_logs

from gateway.cli.installation import Installation, require_library
from gateway.domain.problems import ConfigurationError
from gateway.domain.requests.state_table import TimerKind
from gateway.store.engine import open_store
from gateway.store.journal import Journal
from gateway.store.journal_records import JournalFilter, JournalOptions
from gateway.store.requests import outbox, outbox_queries, timers
from tests.unit.runtime.house import PROFILE, House
from tests.unit.runtime.test_compose import ask
from tests.unit.runtime.test_readiness import build_house, look
from tests.unit.services.outbox.support import a_row

WRONG_ZONE = ("{symbol: FJORD, ", "{symbol: FJORD, time_zone: Europe/Nowhere, ")


def spoil_settings(house: House, *changes: tuple[str, str]) -> None:
    file = house.folder / "gateway.yml"
    text = file.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    file.write_text(text)


@pytest.fixture
def house(tmp_path: Path) -> House:
    """CLK has the profile `anyone`, FJORD the profile `nordlys`."""
    made = build_house(tmp_path, "CLK", "FJORD")
    (tmp_path / "profiles" / "nordlys.yml").write_text(f"library: FJORD\n{PROFILE}".replace("match:", "#"))
    return made


async def test_the_others_are_served_and_its_own_wait(house: House) -> None:
    spoil_settings(house, WRONG_ZONE)
    store = open_store(house.settings.resolve_store_url().render_as_string(hide_password=False))
    theirs, ours = a_row(library="FJORD", kind="webhook"), a_row(library="CLK", kind="webhook")
    for row in (theirs, ours):
        await store.write(lambda c, row=row: outbox.add_outbox_row(c, row))
    long_ago = datetime(2020, 1, 1, tzinfo=UTC)
    await store.write(lambda c: timers.start_timer(c, "FJORD", "r-1", TimerKind.ANSWER, long_ago))

    with capture_logs() as logs:
        async with house.running() as gateway:
            assert await ask(gateway, "/plain/anyone", b"x") == (200, "hello")
            assert await ask(gateway, "/plain/nordlys", b"x") == (200, "no")
            status, whole = await look(gateway, "/readyz")
            own_status, own = await look(gateway, "/readyz/FJORD")
            await gateway.managed.drain_due_work()

    assert (status, whole["ready"]) == (200, True)
    assert (own_status, own["ready"]) == (503, False)
    (part,) = [part for part in whole["parts"] if part["name"] == "library FJORD"]
    assert "gateway.yml:4: libraries.1.time_zone: not a time zone" in part["problem"].replace(str(house.folder), "")
    (line,) = [line for line in logs if line["event"] == "library.held_back"]
    assert (line["library"], "time_zone" in line["problems"][0]) == ("FJORD", True)
    kept = await store.read(lambda c: outbox_queries.get_outbox_row(c, "FJORD", theirs.id))
    taken = await store.read(lambda c: outbox_queries.get_outbox_row(c, "CLK", ours.id))
    assert kept == theirs, "not tried"
    assert taken is not None
    assert taken.tries >= 1
    assert [row.timer for row in await store.read(lambda c: timers.list_timers_of_request(c, "FJORD", "r-1"))]
    journal = Journal(store, JournalOptions())
    entries = (await journal.list_messages(JournalFilter("FJORD"))).messages
    assert {(entry.outcome.value, entry.reason, entry.profile) for entry in entries} >= {
        ("failed", "temporary-failure", "nordlys")
    }
    await store.close()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ([WRONG_ZONE, ("{symbol: CLK, ", "{symbol: CLK, currency: euro, ")], "currency"),  # nobody would be left
        ([("{symbol: FJORD, ", "{symbol: 'F J', ")], "symbol"),  # who is it?
        ([("{symbol: FJORD, ", "{symbol: clk, ")], "is listed twice"),
        ([WRONG_ZONE, ("http: {port: 0}", "http: {port: many}")], "http.port"),  # the office's
    ],
)
def test_what_is_everybodys_is_refused_as_a_whole(house: House, changes: list[tuple[str, str]], message: str) -> None:
    spoil_settings(house, *changes)
    with pytest.raises(ConfigurationError, match=message):
        _ = house.settings


def test_an_only_library_is_refused_as_before(tmp_path: Path) -> None:
    house = build_house(tmp_path, "CLK")
    spoil_settings(house, ("{symbol: CLK, ", "{symbol: CLK, time_zone: Europe/Nowhere, "))
    with pytest.raises(ConfigurationError, match="time_zone"):
        _ = house.settings


def test_the_system_of_a_library_may_be_what_is_wrong(house: House) -> None:
    spoil_settings(
        house, ("{symbol: FJORD, name: Library, system: {type: shelf}}", "{symbol: FJORD, system: {type: no}}")
    )
    (clk, fjord) = house.settings.libraries
    assert (clk.problems, [problem.key for problem in fjord.problems]) == ((), ["libraries.1.system.type"])
    assert house.settings.served_libraries == (clk,)


def test_no_command_works_on_it_by_another_system(tmp_path: Path) -> None:
    """Without its section its system would be the built-in one."""
    libraries = "[{symbol: CLK}, {symbol: FJORD, system: {type: koha, ulr: 'https://koha.example'}}]"
    (tmp_path / "gateway.yml").write_text(f"libraries: {libraries}\n")
    installation = Installation(tmp_path / "gateway.yml")

    assert require_library(installation, "clk").symbol == "CLK"
    with pytest.raises(ConfigurationError, match=r"libraries\.1\.system\.ulr"):
        require_library(installation, "fjord")
    with pytest.raises(click.UsageError):
        require_library(installation, "")
