"""Every conversation that real programs had with a gateway, played in order: our state, what the patron reads, the
lists of staff and what goes out, after each message. The expectations are in `recorded`; the far side is the
recording."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.support.conversation_player import RecordedGateway, run_recorded_gateway
from tests.support.conversation_tables import ExpectedConversation, find_differences, read_tables
from tests.support.recorded_conversations import list_recorded, load_conversation

pytestmark = pytest.mark.asyncio(loop_scope="module")  # one gateway for all of them

TABLES = read_tables(Path(__file__).parent / "recorded")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RecordedGateway]:
    async with run_recorded_gateway(tmp_path_factory.mktemp("recorded")) as running:
        yield running


def mark_wrong(one: ExpectedConversation) -> list[pytest.MarkDecorator]:
    return [pytest.mark.xfail(reason=one.wrong, strict=True, raises=AssertionError)] if one.wrong else []


@pytest.mark.parametrize(
    "expected", [pytest.param(one, id=one.id, marks=mark_wrong(one)) for one in TABLES if not one.unplayed]
)
async def test_conversation(expected: ExpectedConversation, gateway: RecordedGateway, samples_folder: Path) -> None:
    conversation = load_conversation(samples_folder, expected.folder, expected.role)
    steps = await gateway.play(conversation, expected.acts, expected.order, expected.waits)
    differences = find_differences(expected.steps, steps)
    assert not differences, "\n".join(["", *differences])


async def test_every_conversation_has_its_table(samples_folder: Path) -> None:
    assert {one.folder for one in TABLES} == set(list_recorded(samples_folder))
    assert all(one.unplayed or one.steps for one in TABLES)
