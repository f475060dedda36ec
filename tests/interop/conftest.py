"""Fixtures of the tests with programs of others."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.dovecot import Dovecot
from tests.support.installed import start_or_skip


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = start_or_skip(Dovecot)
    yield server
    server.stop()
