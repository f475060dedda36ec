from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.browser.conftest import missing
from tests.browser.desk_day.world import DeskWorld, open_world
from tests.support.dovecot import NotInstalled, binary


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskWorld]:
    try:
        binary()
    except NotInstalled as error:
        missing(str(error))
    with open_world(tmp_path_factory.mktemp("desks")) as opened:
        yield opened
