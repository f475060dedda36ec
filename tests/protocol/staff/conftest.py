from collections.abc import AsyncIterator

import pytest

from tests.protocol.pages.conftest import engine, gateway, installation, on_postgresql
from tests.protocol.pages.support import Running
from tests.protocol.staff.support import Colleague, colleague

__all__ = ["engine", "gateway", "installation", "on_postgresql"]


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as one:
        yield one


@pytest.fixture
async def olga(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "o.brandt", "operator") as somebody:
        yield somebody
