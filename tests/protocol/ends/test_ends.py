"""tests/protocol/ends/ends.yml, lived through in each protocol."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.protocol.ends.world import PROFILES, EndsTown
from tests.protocol.iso18626.far_side import make_far_template

TABLE: list[dict[str, Any]] = yaml.safe_load((Path(__file__).parent / "ends.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("ends"), PROFILES))


@pytest.mark.parametrize("protocol", PROFILES)
async def test_every_end_leaves_what_the_table_says(template: Path, tmp_path: Path, protocol: str) -> None:
    async with EndsTown(template, tmp_path) as town:
        found = [await live_row(town, protocol, row) for row in TABLE if protocol in row.get("in", PROFILES)]
    expected = [expect_row(protocol, row) for row in TABLE if protocol in row.get("in", PROFILES)]
    assert "\n".join(found) == "\n".join(expected)


async def live_row(town: EndsTown, protocol: str, row: dict[str, Any]) -> str:
    left = await town.live(row["side"], protocol, row["way"], row["end"])
    return write_row(row, asdict(left))


def expect_row(protocol: str, row: dict[str, Any]) -> str:
    told = row.get("told", {})
    said = told.get(protocol, told.get("all", [])) if isinstance(told, dict) else told
    return write_row(row, {**row, "told": said})


def write_row(row: dict[str, Any], left: dict[str, Any]) -> str:
    lines = [f"{row['side']}: {row['way']} × {row['end']}"]
    for name in ("state", "answer", "page", "letters", "lists", "outcome", "library", "told"):
        lines.append(f"  {name}: {left.get(name) or '-'}")
    return "\n".join(lines)
