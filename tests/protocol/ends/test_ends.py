"""tests/protocol/ends/ends.yml, lived through in each protocol, and in a request that we broker."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.protocol.ends.world import BROKERED, BROKERING, COLUMNS, EndsTown, find_obstacle, make_ends_template
from tests.protocol.iso18626.far_side import EASY
from tests.support.yaml_files import read_yaml_file, read_yaml_rows, write_yaml_file

TABLE = read_yaml_rows(Path(__file__).parent / "ends.yml")


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[bool, Path]:
    """By whether requests are brokered."""

    async def make_both() -> Mapping[bool, Path]:
        rules = {False: EASY, True: BROKERING}
        return {key: await make_ends_template(tmp_path_factory.mktemp("ends"), rule) for key, rule in rules.items()}

    return asyncio.run(make_both())


@pytest.mark.parametrize("column", COLUMNS)
async def test_every_end_leaves_what_the_table_says(
    templates: Mapping[bool, Path], tmp_path: Path, column: str
) -> None:
    rows = [row for row in TABLE if is_lived(column, row)]
    async with EndsTown(templates[column == BROKERED], tmp_path) as town:
        found = [write_row(row, await live_row(town, column, row)) for row in rows]
    assert "\n".join(found) == "\n".join(write_row(row, expect_row(column, row)) for row in rows)


async def test_a_requester_hears_that_its_promise_is_over_when_another_library_is_asked(
    templates: Mapping[bool, Path], tmp_path: Path
) -> None:
    two = await asyncio.to_thread(shutil.copytree, templates[True], tmp_path / "two")
    rules = read_yaml_file(two / "requests.yml")
    rules["rotas"]["others"]["lines"].append({"partner": "letters"})
    write_yaml_file(two / "requests.yml", rules)
    async with EndsTown(two, tmp_path) as town:
        request = await town.begin("borrowing", BROKERED)
        await town.step(request, BROKERED, "partner will-supply")
        left = await town.live_on(request, BROKERED, "partner cancel-accepted")
    assert (left.state, left.told) == (
        "requested",
        ["Notification Unfilled", "Interlibrary loan request B2026-00001-2: Sult"],
    )


def test_the_table_says_of_each_end_where_there_cannot_be_one_and_why() -> None:
    for row in TABLE:
        obstacles = {column: find_obstacle(column, row["side"], list_steps(row)) for column in list_columns(row)}
        assert row.get("never", {}) == {column: why for column, why in obstacles.items() if why}, row["what"]


def test_the_table_calls_nothing_done_that_the_patron_has_not_had() -> None:
    done = [row for row in TABLE if row["side"] == "borrowing" and row.get("page") == "This request is completed."]
    assert len(done) > 1
    for row in done:
        assert "us at-pickup" in list_steps(row), row["what"]
        assert not {"partner recall", "us cancel", "partner lost", "us lost"} & set(list_steps(row)), row["what"]


def test_the_table_leaves_nothing_open_unseen_when_the_lender_has_ended_it() -> None:
    """It has ended here, too, or it is on a list of staff."""
    ends = [row for row in TABLE if row["side"] == "borrowing" and " ".join(row["end"].split()[:2]) in ENDS_OF_LENDERS]
    assert len(ends) > 10
    for row in ends:
        assert row.get("lists") or row["state"] in ("completed", "cancelled"), row["what"]


ENDS_OF_LENDERS = [
    f"partner {kind}" for kind in ("unfilled", "cancel-accepted", "lost", "settled", "checked-in", "recall")
]


def is_lived(column: str, row: dict[str, Any]) -> bool:
    return column in list_columns(row) and column not in row.get("never", {})


def list_columns(row: dict[str, Any]) -> list[str]:
    return list(row.get("in", COLUMNS))


def list_steps(row: dict[str, Any]) -> list[str]:
    return [step.strip() for step in (*row["way"].split(","), row["end"]) if step.strip()]


async def live_row(town: EndsTown, column: str, row: dict[str, Any]) -> dict[str, Any]:
    return asdict(await town.live(row["side"], column, list_steps(row)))


def expect_row(column: str, row: dict[str, Any]) -> dict[str, Any]:
    expected = {**row, "told": row.get("told", {}).get(column, [])}
    if column == BROKERED:  # the patron is another library's
        expected |= {"page": "", "letters": []}
    return {**expected, **row.get("differs", {}).get(column, {})}


def write_row(row: dict[str, Any], left: dict[str, Any]) -> str:
    lines = [f"{row['side']}: {row['way']} × {row['end']}"]
    for name in ("state", "answer", "page", "letters", "lists", "outcome", "library", "told"):
        lines.append(f"  {name}: {left.get(name) or '-'}")
    return "\n".join(lines)
