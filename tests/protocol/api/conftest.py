from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import aiohttp
import pytest

from tests.protocol.api.support import Client, Running, in_a_thread, running
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation) as one:
        yield one


@pytest.fixture(scope="module")
def shared(fresh_installation: Installation, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One for all tests of a module, which leave nothing behind that another would stumble over."""
    with in_a_thread(fresh_installation.copy(tmp_path_factory.mktemp("shared") / "illgate")) as (one, _loop):
        yield one


@pytest.fixture
async def client(gateway: Running) -> AsyncIterator[Client]:
    """With a key that may do everything."""
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        yield Client(session, gateway.url, await gateway.key())
