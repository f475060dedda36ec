from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from tests.protocol.pages.support import Running, Visitor, running, visitor
from tests.support.daemon import Installation
from tests.support.postgresql import Server

RULES = {"intake": {"duplicates": {"action": "allow"}}, "services": {"declaration": {"services": ["copy"]}}}


@pytest.fixture(scope="session")
def on_postgresql(postgresql_server: Server, tmp_path_factory: pytest.TempPathFactory) -> tuple[Installation, str]:
    """As `illgate init --store postgresql://…` makes it, and the name of its database; only to be copied."""
    name = postgresql_server.create_database()
    folder = tmp_path_factory.mktemp("pages") / "postgresql"
    return Installation.make(folder, "--store", postgresql_server.url(name), profiles=("ncip1", "ncip2")), name


@pytest.fixture
def engine() -> str:
    """Tests `support.on_both` have the other one too."""
    return "sqlite"


@pytest.fixture
def installation(engine: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Installation]:
    """One of one's own, with the sample library."""
    if engine == "sqlite":
        fresh: Installation = request.getfixturevalue("fresh_installation")
        yield fresh.copy(tmp_path / "illgate")
        return
    server: Server = request.getfixturevalue("postgresql_server")
    made, template = request.getfixturevalue("on_postgresql")
    name = server.create_database(template)
    own = made.copy(tmp_path / "illgate")
    own.config.write_text(own.config.read_text(encoding="utf-8").replace(template, name), encoding="utf-8")
    yield own
    server.drop_database(name)


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    async with running(installation, rules=RULES) as one:
        yield one


@pytest.fixture
async def anna(gateway: Running) -> AsyncIterator[Visitor]:
    async with visitor(gateway) as one:
        yield one
