"""Who is not to see patrons finds nobody by a card, and is named in the audit log for reading what people wrote."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.domain.requests.events import EventKind
from tests.protocol.pages.support import PATRON, Running
from tests.protocol.staff.request_scenes import act, make_borrowing
from tests.protocol.staff.support import Colleague, colleague
from tests.protocol.staff.test_messages import desk, lend, mail_waits, partner_writes  # noqa: F401 - a fixture

READ = "read messages or notes of"


async def read_audit(gateway: Running) -> list[str]:
    """Lines of the audit log, newest first, as a manager sees them."""
    async with colleague(gateway, "m.auditor", "manager") as auditor:
        page = await auditor.get("/audit")
    return [" ".join(" ".join(row.itertext()).split()) for row in page.tree.xpath("//main//tr | //main//li")]


@pytest.fixture
async def anna(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "anna", "manager") as somebody:
        yield somebody


@pytest.fixture
async def jun(gateway: Running) -> AsyncIterator[Colleague]:
    async with colleague(gateway, "jun", "staff") as somebody:
        yield somebody


async def test_a_card_finds_requests_for_those_who_see_patrons_alone(
    gateway: Running, anna: Colleague, jun: Colleague
) -> None:
    request = await make_borrowing(gateway)
    found = await jun.get(f"/find?q={PATRON}", follow=False)
    assert found.headers["Location"].endswith(f"/requests/{request.number}")

    for path in (f"/find?q={PATRON}", f"/borrowing?q={PATRON}", f"/borrowing.csv?q={PATRON}"):
        assert request.number not in (await anna.get(path)).text
    by_number = await anna.get(f"/find?q={request.number}", follow=False)
    assert by_number.headers["Location"].endswith(f"/requests/{request.number}")


async def test_words_about_a_request_are_seen_and_the_look_is_logged(
    gateway: Running, anna: Colleague, jun: Colleague
) -> None:
    silent, request = await make_borrowing(gateway), await make_borrowing(gateway)
    await act(gateway, request, EventKind.NOTE, note="Frau Нина rief an")

    for reader in (anna, jun):
        await reader.get(f"/requests/{silent.number}")
        assert "Frau Нина rief an" in (await reader.get(f"/requests/{request.number}")).text

    looks = [line for line in await read_audit(gateway) if READ in line]
    assert len(looks) == 1
    assert "anna" in looks[0]
    assert request.number in looks[0]


async def test_partners_messages_and_mails_are_seen_and_the_look_is_logged(
    desk: Running,  # noqa: F811
) -> None:
    request = await lend(desk, "N-1")
    await partner_writes(desk, "N-1", "Нина wartet sehr")
    other = await lend(desk, "N-2")
    await partner_writes(desk, "N-2", "Für Борис")
    row = await mail_waits(desk, "Boka til Нина")
    async with colleague(desk, "otto", "operator") as otto, colleague(desk, "jun", "staff") as jun:
        messages = await otto.get("/messages")
        assert "Нина wartet sehr" in messages.text
        assert "Борис" not in messages.text, "of the others no words before they are opened"
        assert "Für Борис" in (await jun.get("/messages")).text
        assert "Boka til Нина" in (await otto.get("/mail")).text
        await jun.get("/mail")
        for somebody in (otto, jun):
            assert (await somebody.get(f"/mail/{row.id}/original")).status == 200

    looks = [line for line in await read_audit(desk) if READ in line]
    assert len(looks) == 3, "the list of messages, the mail, and its original"
    assert not [line for line in looks if "otto" not in line]
    assert sum(row.id in line for line in looks) == 2
    assert sum(request.number in line for line in looks) == 1
    assert other.number not in " ".join(looks)
