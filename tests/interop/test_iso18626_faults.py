"""Gateways that lend to each other by ISO 18626 over a network that loses confirmations, brings messages twice, late or
not at all, and answers in their place: nothing is lost, nothing is done twice, and a repeat is confirmed as the first.

ILLGATE_SEEDS makes the search longer.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from random import Random

import pytest

from gateway.domain.requests.events import EventKind, EventOrigin
from gateway.store.requests.request_rows import parse_event
from tests.faults.joined.installations import Template, make_template
from tests.support.http_relay import HttpFault, RelayedMessages
from tests.support.iso18626_joining import Http18626
from tests.support.iso_pair import Pair
from tests.support.iso_sequences import SEQUENCES, WORKFLOW

AT_ONCE = tuple(one for one in HttpFault if one not in (HttpFault.NONE, HttpFault.REPLY_LATE))
"""Those after which the sender knows at once that it has no confirmation, or has one."""

TELLING = (HttpFault.REPLY_LOST, HttpFault.HELD)
"""The others look the same to one of the two sides."""

ANSWERED = (
    (b"<request>",),
    (b"<action>Renew<",),
    (b"<action>StatusRequest<",),
    (b"<action>ShippedReturn<",),
    (b">StatusChange<", b"<status>Loaned<"),
)
"""What octets of a message have that the other side answers by one of its own, which proves that it has arrived."""

SEEDS = range(int(os.environ.get("ILLGATE_SEEDS", "2")))


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Template:
    return make_template(tmp_path_factory.mktemp("iso18626-faults"))


def meet_first(fault: HttpFault) -> RelayedMessages:
    """Each message meets it when it comes first, and comes through when it comes again."""
    return RelayedMessages(lambda _body, before: HttpFault.NONE if before else fault)


async def live_through_a_loan(pair: Pair) -> None:
    """All that is said in one: a renewal, a recall, words, a question."""
    await pair.ask()
    await pair.south(EventKind.WILL_SUPPLY)
    await pair.south(EventKind.SHIPPED)
    await pair.north(EventKind.RECEIVED)
    await pair.north(EventKind.LOANED_TO_PATRON)
    await pair.north(EventKind.RENEW)
    await pair.south(EventKind.RENEW_ACCEPTED)
    await pair.south(EventKind.RECALL)
    await pair.north(EventKind.MESSAGE, note="Es kommt morgen.")
    await pair.north(EventKind.STATUS_QUERY)
    await pair.north(EventKind.RETURNED_BY_PATRON)
    await pair.north(EventKind.RETURNED)
    await pair.south(EventKind.CHECKED_IN)
    assert await pair.states() == ("completed", "completed")


@pytest.mark.parametrize(
    "fault",
    [pytest.param(one, id=one.name.lower(), marks=() if one in TELLING else pytest.mark.long) for one in AT_ONCE],
)
async def test_every_message_of_a_loan_meets_a_fault(fault: HttpFault, template: Template, tmp_path: Path) -> None:
    relayed = meet_first(fault)
    async with Pair(template, tmp_path, Http18626({"version": "2021-2"}, relayed), WORKFLOW) as pair:
        pair.trouble = relayed.release_held
        try:
            await live_through_a_loan(pair)
            await relayed.release_held()
            await pair.settle()
            await pair.nothing_is_left()
            await check_once_only(pair, relayed)
        except BaseException as error:
            error.add_note("\n".join((fault.value, *relayed.story)))
            raise
    came = 1 if fault is HttpFault.UNDELIVERED else 2
    for body, answers in relayed.answers.items():
        is_answered = came == 2 and any(all(part in body for part in one) for one in ANSWERED)
        assert len(answers) == came or (is_answered and len(answers) == 1), body


async def test_a_confirmation_that_comes_too_late(template: Template, tmp_path: Path) -> None:
    relayed = meet_first(HttpFault.REPLY_LATE)
    dialect = {"http": {"reply_seconds": 2}}
    async with Pair(template, tmp_path, Http18626(dialect, relayed), WORKFLOW) as pair:
        pair.trouble = relayed.release_held
        await pair.ask()
        assert await pair.states() == ("requested", "located")
        await check_once_only(pair, relayed)


@pytest.mark.parametrize("seed", SEEDS)
async def test_faults_by_chance(seed: int, template: Template, tmp_path: Path) -> None:
    """Between gateways that are killed now and then."""
    chance = Random(seed)
    name = sorted(SEQUENCES)[seed * 5 % len(SEQUENCES)]
    relayed = RelayedMessages(
        lambda _body, before: HttpFault.NONE if before > 2 or chance.random() < 0.5 else chance.choice(AT_ONCE)
    )

    async def suffer() -> None:
        if chance.random() < 0.4:
            await relayed.release_held()
        if chance.random() < 0.2:
            await pair.kill(chance.choice(("NORTH", "SOUTH")), chance.random() * 0.05)

    async with Pair(template, tmp_path, Http18626({"version": "1.2"}, relayed), WORKFLOW) as pair:
        pair.trouble = suffer
        try:
            await SEQUENCES[name](pair)
            await relayed.release_held()
            await pair.settle()
            await pair.nothing_is_left()
            await check_once_only(pair, relayed)
        except BaseException as error:
            error.add_note("\n".join((f"{name}:", *relayed.story)))
            raise


async def check_once_only(pair: Pair, relayed: RelayedMessages) -> None:
    """Each message is in a history once; its confirmations are the same but for the time."""
    events = [parse_event(line.document) for town in pair.towns.values() for line in await town.history()]
    heard = [one for one in events if one.signal.origin is EventOrigin.PARTNER]
    assert len(heard) == len(relayed.answers)
    for answers in relayed.answers.values():
        said = {re.sub(rb"<timestamp>[^<]*</timestamp>", b"", answer) for answer in answers}
        assert len(said) == 1, said
        assert b"<messageStatus>OK</messageStatus>" in said.pop()
