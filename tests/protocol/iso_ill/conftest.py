from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.protocol.iso_ill.house import House, Partner, make_template, running


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Only to be copied."""
    return make_template(tmp_path_factory.mktemp("iso-ill") / "template")


@pytest.fixture
async def house(template: Path, tmp_path: Path) -> AsyncIterator[House]:
    async with running(template, tmp_path) as house:
        yield house


@pytest.fixture
async def partner(house: House) -> AsyncIterator[Partner]:
    async with house.partner() as partner:
        yield partner
