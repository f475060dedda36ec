"""Places that the tests on ISO 18626 begin with; a module that needs another one makes a `template` of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.protocol.iso18626.endpoint import Endpoint, run_endpoint
from tests.protocol.iso18626.far_side import FarTown, make_far_template, partner_profile


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), {"broker": partner_profile()}))


@pytest.fixture
async def oak(template: Path, tmp_path: Path) -> AsyncIterator[FarTown]:
    async with FarTown(template, tmp_path) as town:
        yield town


@pytest.fixture
async def endpoint(template: Path, tmp_path: Path) -> AsyncIterator[Endpoint]:
    async with run_endpoint(template, tmp_path) as endpoint:
        yield endpoint
