"""What one library writes is unread at the other until somebody there reads or answers it, over ISO ILL."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import RequestFlag
from gateway.domain.requests.views import MessageView
from tests.faults.joined.installations import Template, make_template
from tests.support.iso_pair import Pair, Tcp
from tests.support.iso_sequences import WORKFLOW


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("answered"))


async def unread(pair: Pair, town: str) -> list[str]:
    page = await pair.towns[town].gateway.managed.libraries[town].messages.list_unread(None, 50, "")
    return [one.event.details.note for one in page]


async def said(pair: Pair, town: str) -> list[MessageView]:
    request = await (pair.borrowing() if town == "NORTH" else pair.lending())
    return list(await pair.towns[town].gateway.managed.libraries[town].messages.list_messages(request.id))


async def test_a_question_and_its_answer(template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp("same-connection"), WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.MESSAGE, note="Hvilken utgave trenger dere?")
        assert await unread(pair, "NORTH") == ["Hvilken utgave trenger dere?"]
        assert RequestFlag.UNREAD in (await pair.borrowing()).flags

        await pair.north(EventKind.MESSAGE, note="Den fra 1902.")
        assert await unread(pair, "NORTH") == []
        assert await unread(pair, "SOUTH") == ["Den fra 1902."]
        theirs, ours = await said(pair, "SOUTH"), await said(pair, "NORTH")

    words = ["Hvilken utgave trenger dere?", "Den fra 1902."]
    assert [one.event.details.note for one in ours] == [one.event.details.note for one in theirs] == words
    assert ([one.ours for one in ours], [one.ours for one in theirs]) == ([False, True], [True, False])
    assert [one.sending for one in ours] == ["", "done"]


async def test_what_a_condition_and_a_report_of_damage_say(template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp("same-connection"), WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.CONDITIONAL, conditions=(LoanCondition.LIBRARY_USE_ONLY,), note="Bare med hansker.")
        (condition,) = await unread(pair, "NORTH")
        assert "Bare med hansker." in condition
        await pair.north(EventKind.CONDITION_ACCEPTED)
        assert await unread(pair, "NORTH") == []
        await pair.south(EventKind.SHIPPED)
        assert await unread(pair, "NORTH") == [], "what the protocol says is nobody's words"
        await pair.north(EventKind.RECEIVED)
        await pair.north(EventKind.DAMAGED, note="Ryggen er løs.")
        damage = await unread(pair, "SOUTH")

    assert len(damage) == 1
    assert "Ryggen er løs." in damage[0]
