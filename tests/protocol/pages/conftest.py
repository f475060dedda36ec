from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.protocol.pages.support import Running, Visitor, running, visitor
from tests.support.daemon import Installation

RULES = {"intake": {"duplicates": {"action": "allow"}}, "services": {"declaration": {"services": ["copy"]}}}


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES) as one:
        yield one


@pytest.fixture
async def anna(gateway: Running) -> AsyncIterator[Visitor]:
    async with visitor(gateway) as one:
        yield one
