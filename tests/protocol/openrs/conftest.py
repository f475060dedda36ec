"""A member library, to be copied, and the hub that it speaks with."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from demo.world import START, Site, Town, fill_library, make_installation
from gateway.domain.clock import FixedClock
from tests.support.openrs_hub import PlayedHub
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openrs")
    make_installation(folder, Site("CLK", "Oakfield Library", {}), mail_port=25)
    for shipped in (folder / "profiles").glob("*.yml"):
        shipped.unlink()
    shutil.copy(ROOT / "profiles" / "openrs-dcb.yml", folder / "profiles")
    asyncio.run(fill_library(Town(folder / "gateway.yml", FixedClock(START))))
    return folder


@pytest.fixture
async def hub() -> AsyncIterator[PlayedHub]:
    played = PlayedHub()
    await played.start()
    yield played
    await played.stop()
