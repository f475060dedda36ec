from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.browser.conftest import missing
from tests.browser.desk_day.desk import Desk, Handling, open_desk
from tests.browser.desk_day.desk_works import TakeDesk
from tests.browser.desk_day.world import DeskLibrary, DeskWorld, open_world
from tests.browser.visitor import DESKTOP, Browsing
from tests.support.dovecot import binary
from tests.support.installed import NotInstalled


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskWorld]:
    try:
        binary()
    except NotInstalled as error:
        missing(str(error))
    with open_world(tmp_path_factory.mktemp("desks")) as opened:
        yield opened


@pytest.fixture
def take_desk(browsing: Browsing) -> Iterator[TakeDesk]:
    """Desks are there until the day is over."""
    with ExitStack() as stack:

        def take(library: DeskLibrary, name: str, handling: Handling) -> Desk:
            return stack.enter_context(open_desk(browsing, library.site, name, handling, DESKTOP))

        yield take
