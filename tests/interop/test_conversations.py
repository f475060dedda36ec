"""The journal holds both sides of what is said about a request, whatever the protocol."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from demo.two import NORTH, SOUTH
from demo.world import World
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import BorrowingDraft
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import PatronLink, RequestedService, Role
from gateway.ports.responder import OutcomeClass
from gateway.store.journal_records import FullMessage
from gateway.store.requests.requests import find_by_transaction
from tests.faults.joined.installations import Template, make_template
from tests.interop.test_openurl_push import ARTICLE, desk
from tests.support.conversations import conversation, sent
from tests.support.iso_pair import Pair, Tcp
from tests.support.iso_sequences import WORKFLOW

PASSWORD = "Sjøfartsboken-4711"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("conversations"))


def told(kept: list[FullMessage]) -> list[tuple[str, str]]:
    """Direction and service of what each side said by itself."""
    return [(one.message.direction.value, one.message.service) for one in kept if one.message.id.endswith("-1")]


@pytest.mark.parametrize("mode", ["same-connection", "call-back"])
async def test_iso_ill_over_tcp(mode: str, template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp(mode), WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.SHIPPED)
        ours, theirs = await pair.borrowing(), await pair.lending()
        north = await conversation(pair.towns["NORTH"].context.store, "NORTH", ours.number)
        south = await conversation(pair.towns["SOUTH"].context.store, "SOUTH", theirs.number)

    assert told(north) == [("out", "ILL-Request"), ("in", "Shipped")]
    assert told(south) == [("in", "ILL-Request"), ("out", "Shipped")]
    assert [one.body for one in north] == [one.body for one in south], "byte by byte as it was on the wire"
    assert {one.message.profile for one in north} == {"south"}
    assert {one.message.protocol for one in north} == {"iso_ill"}
    (asked, _) = north
    assert (asked.message.request_id, asked.message.transport, asked.message.outcome) == (
        ours.number,
        "tcp",
        OutcomeClass.OK,
    )


class WithPassword(Tcp):
    """All show who they are in their APDUs."""

    def profile(self, ours: str, theirs: str) -> Mapping[str, Any]:
        said = dict(super().profile(ours, theirs))
        credentials = {"user": f"{ours}-at-{theirs}", "password": "env:ILLGATE_TEST_PASSWORD"}
        return {**said, "iso_ill": {**said["iso_ill"], "credentials": credentials}}


async def test_passwords_in_our_apdus_are_not_kept(
    template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ILLGATE_TEST_PASSWORD", PASSWORD)
    async with Pair(template, tmp_path, WithPassword("same-connection"), WORKFLOW) as pair:
        await pair.ask()
        ours = await pair.borrowing()
        (asked,) = await sent(pair.towns["NORTH"].context.store, "NORTH", ours.number)
    assert asked.body is not None
    assert b"NORTH-at-SOUTH" in asked.body
    assert PASSWORD.encode() not in asked.body
    assert len(asked.body) == asked.message.body_size


async def test_each_of_two_suppliers_is_in_the_conversation(template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp("same-connection"), WORKFLOW) as pair:
        await pair.ask()
        await pair.south(EventKind.UNFILLED)
        ours = await pair.borrowing()
        north = await conversation(pair.towns["NORTH"].context.store, "NORTH", ours.number)
    assert [one.message.profile for one in north if one.message.id.endswith("-1")][:3] == ["south", "south", "east"]


async def test_nothing_of_another_request_is_in_it(template: Template, tmp_path: Path) -> None:
    async with Pair(template, tmp_path, Tcp("same-connection"), WORKFLOW) as pair:
        await pair.ask(0)
        first = await pair.borrowing()
        await pair.ask(1)
        second = await pair.borrowing()
        store = pair.towns["NORTH"].context.store
        both = [await conversation(store, "NORTH", one.number) for one in (first, second)]
    ids = [{one.message.id for one in kept} for kept in both]
    assert all(ids)
    assert not ids[0] & ids[1]


async def test_a_push_by_openurl_with_its_answer(tmp_path: Path) -> None:
    async with desk(tmp_path) as north:
        request = await north.ask(ARTICLE)
        kept = [
            one
            for one in await conversation(north.context.store, "NORTH", request.number)
            if one.message.protocol == "openurl"
        ]
    question, answer = kept
    assert (question.message.direction, question.message.transport, question.message.profile) == (
        "out",
        "http",
        "our-illiad",
    )
    assert question.message.note == "taken as 700001"
    assert b"illgate_request=" + request.number.encode() in (question.body or b"")
    assert answer.message.direction == "in"
    assert answer.message.status == 200
    assert b"700001" in (answer.body or b"")


async def test_libraries_in_one_process(tmp_path: Path) -> None:
    async with World(tmp_path, NORTH, SOUTH) as world:
        managed = world.borrower.gateway.managed
        draft = BorrowingDraft(
            citation=Citation(title="Sult", author="Hamsun, Knut"),
            service=RequestedService(),
            patron=PatronLink(identifier="21000000000025"),
            partner="south",
            mediated=False,
            override=True,
            actor="staff:ada",
        )
        request = await managed.libraries["NORTH"].requests.create_borrowing(draft)
        await world.quiet()
        kept = await sent(world.borrower.context.store, "NORTH", request.number)
        lending = world.lender.context
        page = await lending.store.read(
            lambda c: find_by_transaction(c, "SOUTH", Role.LENDING, "north", request.number)
        )
        assert page is not None
        heard = await conversation(lending.store, "SOUTH", page.request_id)
    assert kept
    assert {(one.message.protocol, one.message.outcome) for one in kept} == {("loopback", OutcomeClass.OK)}
    assert ("in", "request") in told(heard)
    assert kept[0].body in [one.body for one in heard], "both journals have the same bytes"
