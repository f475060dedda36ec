"""Keys of requests.yml and of a partner that no story tries: with another value than the default, a request takes
another way."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import LendingState, LibraryParty
from gateway.domain.requests.scan_rules import ScanWork
from tests.unit.services.requests.support import EASY, SOUTH, NcipTown, make_template
from tests.unit.services.requests.test_patron_notices import count_to_tell, receive_for_patron_without_email
from tests.unit.services.requests.test_scans import scan, shipped_to_us

PARTNER = {**SOUTH["partner"], "number": "S-{sequence}", "workflow": {"patron": {"in_person": []}}}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    requests = {
        **EASY,
        "desks": {"undo_seconds": 0},
        "lending": {"confidence": 60},
        "retention": {"outbox_days": 2},
    }
    return asyncio.run(make_template(tmp_path_factory.mktemp("template"), {"south": {"partner": PARTNER}}, requests))


async def test_a_record_may_be_less_alike(north: NcipTown) -> None:
    citation = Citation(title="The Three-Body Problem")  # without an author to compare
    draft = LendingDraft(citation=citation, requester=LibraryParty(profile="south"))
    made = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()

    seen = await north.see(made)
    assert (seen.state, seen.number) == (LendingState.LOCATED, "S-1")


async def test_nobody_need_be_told_in_person(north: NcipTown) -> None:
    await receive_for_patron_without_email(north)

    assert await count_to_tell(north) == 0


async def test_messages_may_go_out_at_once(north: NcipTown) -> None:
    request = await shipped_to_us(north)
    await scan(north, ScanWork.RECEIVE, request.number)
    await north.quiet()

    assert len(north.mail.subjects("ill@south.example")) == 2, "the order, and the word of its coming"
    assert EventKind.RECEIVED.value in await north.kinds(request)


async def test_what_was_sent_is_kept_for_so_many_days(north: NcipTown) -> None:
    await north.asked()
    prune = north.town.gateway.managed.prune_outbox

    assert not await prune()
    north.clock.advance(timedelta(days=3))
    assert await prune()
