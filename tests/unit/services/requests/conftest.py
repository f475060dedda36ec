"""A town with NCIP partners, for the modules that name them in `PROFILES`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.services.requests.support import KeptChannel, NcipTown, make_template


@pytest.fixture(scope="module")
def template(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made once for a module, with its `PROFILES`."""
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), request.module.PROFILES))


@pytest.fixture
async def north(template: Path, tmp_path: Path) -> AsyncIterator[NcipTown]:
    async with NcipTown(template, tmp_path) as town:
        yield town


@pytest.fixture
def channel(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> KeptChannel:
    """Takes the place of the mails to partners."""
    kept = KeptChannel()
    monkeypatch.setitem(north.town.context.channels, "mail", kept)  # type: ignore[arg-type]
    return kept
