"""A request says since when its task is there, and what can be done: no list and no state is a dead end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from sqlalchemy import Connection

from gateway.domain.requests.events import EventKind
from gateway.store.requests.tables import request_event
from tests.protocol.pages.support import Running, running
from tests.protocol.staff.request_scenes import (
    RULES,
    act,
    add_partners,
    hear_partner,
    library_context,
    make_asked,
)
from tests.protocol.staff.support import Colleague, colleague
from tests.support.daemon import Installation


@pytest.fixture
async def gateway(installation: Installation) -> AsyncIterator[Running]:
    add_partners(installation)
    async with running(installation, rules=RULES) as one:
        yield one


@pytest.fixture
async def ruth(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "r.okafor", "staff", shown_name="Ruth Okafor") as one:
        yield one


async def test_a_task_waits_since_it_came(gateway: Running, ruth: Colleague) -> None:
    """Received a month ago, on its way to a branch since, and recalled just now."""
    request = await make_asked(gateway)
    await hear_partner(gateway, request, EventKind.SHIPPED)
    await act(gateway, request, EventKind.RECEIVED)
    await hear_partner(gateway, request, EventKind.RECALL)
    context = library_context(gateway)
    before = context.now() - timedelta(days=30)

    def make_older(connection: Connection) -> None:
        c = request_event.c
        connection.execute(
            request_event.update().where(c.request_id == request.id, c.after == "received").values(at=before)
        )

    await context.store.write(make_older)

    page = await ruth.get(f"/requests/{request.number}")

    (move,) = page.tree.xpath("//section[@aria-labelledby='move']")
    assert "which Universität Altenried has recalled" in move.text_content()
    assert "For less than a minute." in move.text_content()
