"""What the partner refused is sent again by staff, from the request's page, by command and by API; words that fail hold
up nothing; and what waits says for what."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.cli.message_commands import format_conversation
from gateway.cli.request_views import format_request_lines
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import Request, RequestFlag
from gateway.domain.requests.views import NotFound
from gateway.services.letters.localization import TextCatalogues
from gateway.store.requests.outbox import OutboxStatus
from gateway.store.schema import message as journal_table
from gateway.web.staff.actor_names import ActorNames
from gateway.web.staff.request_story import StoryLine, StorySources, tell_story
from tests.protocol.iso18626.far_side import (
    NOT_NOW,
    STAFF,
    FarTown,
    make_far_template,
    number_of,
    partner_profile,
    write_ram,
    write_sam,
)

WRONG_STATE = ("UnrecognisedDataValue", "the item is not here")


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    twice = {
        **partner_profile(notes={"own_notification": True}, condition_words={"accepted": "ACCEPT", "alone": True}),
        "partner": {"symbols": ["ISIL:CEDAR"], "name": "Cedar Library", "channel": "iso18626"},
    }
    profiles = {"broker": partner_profile(), "cedar": twice}
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), profiles))


async def test_a_refused_message_is_sent_again_by_staff(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Loaned"))
    oak.far.judge = lambda octets: WRONG_STATE if ">Received<" in octets else None
    await oak.act(request, EventKind.RECEIVED, barcode="30109999000001")
    await oak.later(hours=2)
    view = await oak.view(request)
    assert RequestFlag.TROUBLE in view.request.flags
    (refused,) = view.refused
    assert (refused.event, refused.status) == (EventKind.RECEIVED, "refused")
    assert WRONG_STATE[1] in refused.error
    assert len(oak.far.said("Received")) == 1, "never by itself"
    assert any(refused.id in line for line in format_request_lines(view, oak.town.context.zone))

    await oak.town.gateway.managed.libraries["OAK"].desk.release(refused.id, STAFF)
    await oak.quiet()
    assert len(oak.far.said("Received")) == 2
    assert [one.id for one in (await oak.view(request)).refused] == [refused.id], "refused as before"
    assert RequestFlag.TROUBLE in (await oak.see(request)).flags

    oak.far.judge = lambda octets: None
    await oak.town.gateway.managed.libraries["OAK"].desk.release(refused.id, STAFF)
    await oak.quiet()
    view = await oak.view(request)
    assert view.refused == ()
    assert RequestFlag.TROUBLE not in view.request.flags
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}
    assert len(set(oak.far.said("Received"))) == 1
    with pytest.raises(NotFound):
        await oak.town.gateway.managed.libraries["OAK"].desk.release(refused.id, STAFF)


async def test_a_refused_message_looks_refused(oak: FarTown) -> None:
    """On the request's page and by command, and in the journal."""
    request = await oak.shipped()
    oak.far.judge = lambda octets: WRONG_STATE if ">StatusChange<" in octets else None
    await oak.act(request, EventKind.RECALL, note="Please hurry.")

    view = await oak.view(request)
    (message,) = [one for one in view.messages if one.ours]
    assert message.sending == "refused"
    assert "[refused]" in "\n".join(format_conversation(view.messages, oak.town.context.zone))
    line = await tell_line(oak, request, "Recalled")
    assert (line.dot, "Rejected by the partner" in line.facts, line.topics) == ("late", True, {"failed"})
    rows = [one for one in await read_journal(oak) if one["service"] == "supplyingAgencyMessage StatusChange"]
    assert [(one["direction"], one["outcome"]) for one in rows[-2:]] == [("out", "refused"), ("in", "refused")]


async def test_a_message_that_was_refused_and_told_in_words_looks_refused_too(oak: FarTown) -> None:
    request = await oak.shipped()
    oak.far.judge = lambda octets: (
        ("UnrecognisedDataValue", "status change not allowed: Recalled") if ">StatusChange<" in octets else None
    )
    await oak.act(request, EventKind.RECALL, note="Please hurry.")

    view = await oak.view(request)
    assert view.refused == (), "nothing is left to be done"
    (message,) = [one for one in view.messages if one.ours]
    assert message.sending == "refused"
    rows = [one for one in await read_journal(oak) if one["service"].startswith("supplyingAgencyMessage")]
    assert [one["outcome"] for one in rows if one["direction"] == "out"][-2:] == ["refused", "ok"]


async def tell_line(oak: FarTown, request: Request, text: str) -> StoryLine:
    view = await oak.view(request)
    sources = StorySources(request=view.request, history=view.history, unfinished=(), refused=view.refused)
    words = TextCatalogues((), "en").choose_language(("en",))
    names = ActorNames(None)  # type: ignore[arg-type]  # none is loaded
    story = tell_story(sources, oak.town.context, words, names)
    (line,) = [one for one in story if one.text == text]
    return line


async def read_journal(oak: FarTown) -> list[dict[str, Any]]:
    query = select(journal_table).order_by(journal_table.c.id)
    found = await oak.town.context.store.read(lambda c: c.execute(query).mappings().all())
    return [dict(row) for row in found]


@pytest.mark.parametrize(
    ("error", "blocks"),
    [
        (("UnrecognisedDataValue", "status change not allowed: Loaned"), [True, False]),
        (("UnrecognisedDataValue", "supplyingAgencyId: supplying agency not found or invalid"), [True, True]),
    ],
    ids=["by the library", "by the broker"],
)
async def test_the_items_of_a_refused_loan_are_told_once(
    oak: FarTown, error: tuple[str, str], blocks: list[bool]
) -> None:
    """The library behind a CrossLink broker keeps what it has read, though it takes no Loaned now; what the broker has
    refused has reached nobody."""
    oak.far.judge = lambda octets: error if ">Loaned<" in octets else None
    request = await oak.shipped()
    (refused,) = (await oak.view(request)).refused
    oak.far.judge = lambda octets: None

    await oak.town.gateway.managed.libraries["OAK"].desk.release(refused.id, STAFF)
    await oak.quiet()

    assert ["#MultipleItems#" in one for one in oak.far.said("Loaned")] == blocks
    assert (await oak.view(request)).refused == ()


async def test_a_request_that_was_refused_goes_to_others_and_not_again(oak: FarTown) -> None:
    oak.far.judge = lambda octets: ("UnrecognisedDataValue", "requestType: unsupported value")
    request = await oak.asked()

    assert (await oak.view(request)).refused == ()
    (row,) = await oak.rows(request)
    with pytest.raises(NotFound):
        await oak.town.gateway.managed.libraries["OAK"].desk.release(row.id, STAFF)


@pytest.mark.parametrize("answer", [500, 503, NOT_NOW])
async def test_what_has_arrived_is_not_said_again_because_of_what_has_not(
    oak: FarTown, answer: int | tuple[str, str]
) -> None:
    """To a partner that shows notes of Notifications alone the note goes in a second message."""
    oak.far.judge = lambda octets: answer if ">Notification<" in octets else None
    request = await oak.shipped("C-1", "cedar", "CEDAR", note="Mind the spine.")
    for _ in range(3):
        await oak.later(seconds=30)
    assert len(oak.far.said("Loaned")) - len(oak.far.said("Notification")) == 1, "said once"
    assert len(oak.far.said("Notification")) >= 3

    oak.far.judge = lambda octets: None
    await oak.later(minutes=1)
    assert len([one for one in oak.far.said("Loaned") if ">Notification<" not in one]) == 1
    assert "Mind the spine." in oak.far.octets[-1]
    assert [row.status for row in await oak.rows(request)] == [OutboxStatus.DONE] * 2


@pytest.mark.parametrize("is_tried_next", [False, True], ids=["answered before", "answered while it is tried"])
async def test_where_the_answer_shows_that_the_first_has_arrived_the_second_follows(
    oak: FarTown, is_tried_next: bool
) -> None:
    oak.far.judge = lambda octets: 500  # taken, and the confirmation is lost
    received = write_ram("C-1", "Received").replace("BROKER", "CEDAR")

    async def receive_it(_octets: str) -> None:
        oak.far.before_answer = before
        await oak.say(received, "cedar")

    before = oak.far.before_answer
    if is_tried_next:
        oak.far.before_answer = receive_it
    await oak.shipped("C-1", "cedar", "CEDAR", note="Mind the spine.")
    if not is_tried_next:
        await oak.say(received, "cedar")
    oak.far.judge = lambda octets: None
    await oak.later(minutes=1)

    assert len([one for one in oak.far.said("Loaned") if ">Notification<" not in one]) == 1
    (words,) = [one for one in oak.far.octets if ">Notification<" in one]
    assert "Mind the spine." in words


async def test_the_words_behind_an_accepted_condition_go_by_themselves(oak: FarTown) -> None:
    request = await oak.asked(partner="cedar")
    terms = "<deliveryInfo><dateSent>2026-03-02T08:00:00Z</dateSent><loanCondition>LibraryUseOnly</loanCondition>"
    conditional = write_sam(number_of(request), "WillSupply", "RequestResponse").replace("BROKER", "CEDAR")
    await oak.say(conditional.replace("</statusInfo>", f"</statusInfo>{terms}</deliveryInfo>"), "cedar")
    oak.far.judge = lambda octets: 500 if "Gladly." in octets else None
    oak.far.octets.clear()

    await oak.act(request, EventKind.CONDITION_ACCEPTED, note="Gladly.")
    await oak.later(seconds=30)
    oak.far.judge = lambda octets: None
    await oak.later(minutes=1)

    notes = [re.findall("<note>(.*?)</note>", one) for one in oak.far.octets]
    assert notes[0] == ["ACCEPT"]
    assert notes.count(["ACCEPT"]) == 1
    assert notes[-1] == ["Gladly."]


async def test_where_the_first_is_refused_the_second_is_not_sent(oak: FarTown) -> None:
    oak.far.judge = lambda octets: WRONG_STATE if ">Loaned<" in octets else None
    await oak.shipped("C-1", "cedar", "CEDAR", note="Mind the spine.")

    assert len(oak.far.said("Loaned")) == 1
    assert RequestFlag.TROUBLE in (await oak.lending()).flags


@pytest.mark.parametrize("answer", [500, 400])
async def test_words_that_fail_hold_up_nothing_that_moves_the_item(oak: FarTown, answer: int) -> None:
    request = await oak.lent()
    oak.far.judge = lambda octets: answer if ">Notification<" in octets else None
    await oak.act(request, EventKind.MESSAGE, note="It comes tomorrow.")
    await oak.act(request, EventKind.RETURNED_BY_PATRON)
    await oak.act(request, EventKind.RETURNED)

    assert len(oak.far.said("ShippedReturn")) == 1
    by_status = {row.status for row in await oak.rows(request)}
    assert by_status == {OutboxStatus.DONE, OutboxStatus.WAITING if answer == 500 else OutboxStatus.DEAD}

    oak.far.judge = lambda octets: None
    (left,) = [row for row in await oak.rows(request) if row.status is not OutboxStatus.DONE]
    if left.status is OutboxStatus.DEAD:
        await oak.town.gateway.managed.libraries["OAK"].desk.release(left.id, STAFF)
    await oak.later(hours=1)
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}


async def test_what_moves_the_item_stays_in_order_behind_what_failed(oak: FarTown) -> None:
    request = await oak.asked()
    await oak.say(write_sam(number_of(request), "Loaned"))
    oak.far.judge = lambda octets: 500 if ">Received<" in octets else None
    await oak.act(request, EventKind.RECEIVED, barcode="30109999000001")
    await oak.act(request, EventKind.LOANED_TO_PATRON)
    await oak.act(request, EventKind.RETURNED_BY_PATRON)
    await oak.act(request, EventKind.RETURNED)
    await oak.later(seconds=6)

    assert oak.far.said("ShippedReturn") == []
    waits = [one for one in (await oak.view(request)).unfinished if one.status == "waiting"]
    assert [one.error.split(" (")[0] for one in waits] == ["outcome unknown", "waits for an earlier message"]


async def test_what_waits_for_a_partner_that_is_away_says_so(oak: FarTown) -> None:
    requests = [await oak.asked(f"Sult {n}") for n in range(7)]
    for request in requests:
        await oak.say(write_sam(number_of(request), "Loaned"))
    await oak.far.server.close()  # nobody is there any more
    for n, request in enumerate(requests):
        await oak.act(request, EventKind.RECEIVED, barcode=f"3010999900000{n}")
    await oak.later(seconds=7)

    whys = [step.error for one in requests for step in (await oak.view(one)).unfinished if step.kind == "partner"]
    blocked = [why for why in whys if why.startswith("waits, because other messages to the partner could not be")]
    assert len(whys) == 7
    assert blocked, "the way is left alone after five"
    assert all("not reached" in why for why in whys)
    (silent,) = await oak.town.gateway.managed.libraries["OAK"].desk.list_silent_partners(least_tries=1)
    assert (silent.profile, silent.waiting) == ("broker", 7)
    assert "not reached" in silent.error
