from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.daemon import Installation
from tests.support.mail_house import MailHouse, mail_house


@pytest.fixture
async def house(installation: Installation) -> AsyncIterator[MailHouse]:
    """A library that asks Bergen by mail, and reads a mailbox."""
    async with mail_house(installation) as opened:
        yield opened
