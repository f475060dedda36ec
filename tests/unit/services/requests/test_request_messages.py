"""What partners write is read by somebody: unread messages by request and side, who read which, and our own words
between them."""

from __future__ import annotations

import asyncio
import itertools
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventDetails, EventKind, LoanCondition
from gateway.domain.requests.request import BorrowingState, LibraryParty, Request, RequestFlag, Role
from gateway.domain.requests.views import (
    ActionRequest,
    MessageView,
    NotFound,
    RequestFilter,
)
from gateway.ports.partner_channel import InboxResult, IncomingPartnerMessage
from tests.unit.services.requests.support import SOUTH, STAFF, NcipTown

LENDER = {"partner": {"symbols": ["WEST"], "name": "Вестерн", "channel": "mail", "email": "ill@west.example"}}
PROFILES = {"south": SOUTH, "west": LENDER}

_ids = itertools.count(1)


async def write(north: NcipTown, request: Request, kind: EventKind, **details: Any) -> InboxResult:
    """A message of the request's partner comes in."""
    north.clock.advance(timedelta(minutes=1))
    borrowing = request.role is Role.BORROWING
    profile = north.town.context.profile(request.attempts[-1].partner if borrowing else request.partner.profile)
    assert profile is not None
    message = IncomingPartnerMessage(
        id=f"m-{next(_ids)}",
        kind=kind,
        role=request.role,
        sender="SOUTH" if borrowing else "WEST",
        receiver="NORTH",
        transaction=request.attempts[-1].transaction if borrowing else request.transaction,
        details=EventDetails(**details),
    )
    return await north.town.gateway.managed.partner_inbox.receive_message(message, profile)


async def lend_to_west(north: NcipTown) -> Request:
    draft = LendingDraft(citation=Citation(title="Märchen"), requester=LibraryParty(profile="west"), transaction="W-9")
    request = await north.town.gateway.managed.libraries["NORTH"].requests.create_lending(draft)
    await north.quiet()
    return await north.see(request)


async def unread(north: NcipTown, role: Role | None = None) -> list[tuple[str, str]]:
    """Number of the request and text of each."""
    page = await north.town.gateway.managed.libraries["NORTH"].messages.list_unread(role, 50, "")
    return [(one.request.number, one.event.details.note) for one in page]


async def conversation(north: NcipTown, request: Request) -> list[MessageView]:
    return list(await north.town.gateway.managed.libraries["NORTH"].messages.list_messages(request.id))


async def counts(north: NcipTown) -> dict[str, int]:
    return {one.name: one.count for one in await north.town.gateway.managed.libraries["NORTH"].desk.tasks()}


async def test_an_answer_tells_what_got_lost_and_its_late_original_tells_it_to_nobody_again(north: NcipTown) -> None:
    """CrossLink and Koha send nothing twice (facts/iso-18626.md 8)."""
    request = await north.asked()
    letters_before = len([mail for mail in north.mail.mails if "south" not in mail["To"]])

    await write(north, request, EventKind.STATUS_REPORT, status="Loaned", reported=EventKind.SHIPPED)
    await write(north, request, EventKind.SHIPPED)
    await north.quiet()

    assert (await north.kinds(request))[-2:] == ["shipped", "shipped"]
    assert (await north.see(request)).state is BorrowingState.SHIPPED
    assert len([mail for mail in north.mail.mails if "south" not in mail["To"]]) == letters_before + 1
    assert await unread(north) == []


async def test_an_answer_that_can_not_be_so_is_on_the_list(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, EventKind.RECEIVED)

    await write(north, request, EventKind.STATUS_REPORT, status="Unfilled", reported=EventKind.UNFILLED)

    assert await unread(north) == [(request.number, "Unfilled")]
    assert (await north.see(request)).state is BorrowingState.RECEIVED


async def test_a_reply_in_words_is_on_a_list_until_somebody_reads_it(north: NcipTown) -> None:
    request = await north.asked()
    assert (await counts(north))["unread-borrowing"] == 0

    await write(north, request, EventKind.MESSAGE, note="Το βιβλίο είναι στο βιβλιοδετείο.")

    seen = await north.see(request)
    assert RequestFlag.UNREAD in seen.flags
    assert await unread(north) == [(request.number, "Το βιβλίο είναι στο βιβλιοδετείο.")]
    assert {name: n for name, n in (await counts(north)).items() if name.startswith("unread")} == {
        "unread-borrowing": 1,
        "unread-lending": 0,
    }
    listed = await north.town.gateway.managed.libraries["NORTH"].requests.list_requests(
        RequestFilter(task="unread-borrowing"), 50, ""
    )
    assert [one.id for one in listed] == [request.id]

    (message,) = await conversation(north, request)
    await north.town.gateway.managed.libraries["NORTH"].messages.mark_read(request.id, [message.id], STAFF)

    (message,) = await conversation(north, request)
    assert (message.unread, message.read_by, message.read_at) == (False, STAFF, north.clock.now())
    after = await north.see(request)
    assert RequestFlag.UNREAD not in after.flags
    assert (after.version, after.changed) == (seen.version, seen.changed), "nobody at work on it is held up"
    assert (await counts(north))["unread-borrowing"] == 0
    assert await unread(north) == []


async def test_who_read_it_first_has_read_it_for_the_house(north: NcipTown) -> None:
    request = await north.asked()
    await write(north, request, EventKind.MESSAGE, note="una pregunta")
    (message,) = await conversation(north, request)
    messages = north.town.gateway.managed.libraries["NORTH"].messages
    await messages.mark_read(request.id, [message.id], "staff:ana")
    north.clock.advance(timedelta(hours=1))

    again = await messages.mark_read(request.id, [message.id], "staff:björn")

    assert [one.read_by for one in again] == ["staff:ana"]


async def test_damage_is_read_even_where_nothing_is_written(north: NcipTown) -> None:
    request = await lend_to_west(north)
    await north.act(request, EventKind.LOCATED, barcode=(await north.free_item()).barcode)
    await north.act(request, EventKind.SHIPPED)
    await write(north, request, EventKind.DAMAGED)

    assert await unread(north, Role.LENDING) == [(request.number, "")]
    assert await unread(north, Role.BORROWING) == []
    assert (await counts(north))["unread-lending"] == 1


async def test_a_message_that_does_not_fit_is_read_all_the_same(north: NcipTown) -> None:
    request = await north.asked()
    version = (await north.see(request)).version

    taken = await write(north, request, EventKind.RETURNED, note="ist bei Ihnen abgegeben")

    assert taken.refused is not None
    (message,) = await conversation(north, request)
    assert message.unread
    assert message.denied == taken.refused.detail
    seen = await north.see(request)
    assert RequestFlag.UNREAD in seen.flags
    assert seen.version == version


async def test_a_message_of_ours_reads_what_its_receiver_wrote(north: NcipTown) -> None:
    request = await north.asked()
    await write(north, request, EventKind.MESSAGE, note="Welche Ausgabe?")
    await write(north, request, EventKind.MESSAGE, note="Die von 1902 haben wir.")

    await north.act(request, EventKind.MESSAGE, note="Die von 1902, bitte.")
    await north.quiet()

    said = await conversation(north, request)
    assert [(one.ours, one.event.details.note, one.read_by) for one in said] == [
        (False, "Welche Ausgabe?", STAFF),
        (False, "Die von 1902 haben wir.", STAFF),
        (True, "Die von 1902, bitte.", ""),
    ]
    assert said[-1].sending == "done"
    assert RequestFlag.UNREAD not in (await north.see(request)).flags


async def test_what_a_condition_says_is_read_when_it_is_answered(north: NcipTown) -> None:
    request = await north.asked()
    await write(north, request, EventKind.MESSAGE, note="Wir suchen noch.")
    await write(
        north, request, EventKind.CONDITIONAL, note="nur mit Handschuhen", conditions=(LoanCondition.LIBRARY_USE_ONLY,)
    )
    assert len(await unread(north)) == 2

    await north.act(request, EventKind.CONDITION_ACCEPTED)

    assert await unread(north) == [(request.number, "Wir suchen noch.")]
    assert RequestFlag.UNREAD in (await north.see(request)).flags


async def test_a_rule_reads_nothing(north: NcipTown) -> None:
    request = await north.asked()
    await write(north, request, EventKind.MESSAGE, note="Pregunta")
    act = ActionRequest(
        kind=EventKind.MESSAGE, details=EventDetails(note="Automatic words"), actor="rule", version=None
    )

    await north.town.gateway.managed.libraries["NORTH"].requests.apply_action(request.id, act)

    assert await unread(north) == [(request.number, "Pregunta")]


async def test_a_repeated_message_is_unread_once(north: NcipTown) -> None:
    request = await north.asked()
    profile = north.town.context.profile("south")
    assert profile is not None
    message = IncomingPartnerMessage(
        id="m-same",
        kind=EventKind.MESSAGE,
        role=Role.BORROWING,
        sender="SOUTH",
        receiver="NORTH",
        transaction=request.attempts[-1].transaction,
        details=EventDetails(note="deux fois"),
    )
    for _ in range(2):
        await north.town.gateway.managed.partner_inbox.receive_message(message, profile)

    assert await unread(north) == [(request.number, "deux fois")]


async def test_the_whole_house_s_list_is_paged_oldest_first(north: NcipTown) -> None:
    loan, lent = await north.asked(), await lend_to_west(north)
    await write(north, loan, EventKind.MESSAGE, note="1")
    await write(north, lent, EventKind.MESSAGE, note="2")
    await write(north, loan, EventKind.MESSAGE, note="3")
    messages = north.town.gateway.managed.libraries["NORTH"].messages

    first = await messages.list_unread(None, 2, "")
    rest = await messages.list_unread(None, 2, first.cursor)

    assert [[one.event.details.note for one in page] for page in (first, rest)] == [["1", "2"], ["3"]]
    assert rest.cursor == ""


async def test_the_daemon_counts_them_for_its_metrics(
    template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.runtime.periodic_tasks.LOOK_SECONDS", 0.1)
    async with NcipTown(template, tmp_path) as north:
        await write(north, await north.asked(), EventKind.MESSAGE, note="Pregunta")
        north.clock.advance(timedelta(minutes=5))

        text = ""
        async with asyncio.timeout(20):
            while 'illgate_oldest_unread_message_seconds{library="NORTH",role="borrowing"} 300.0' not in text:
                await asyncio.sleep(0.05)
                text = north.town.gateway.metrics.render()[0].decode()

    assert 'illgate_unread_messages{library="NORTH",role="borrowing"} 1.0' in text
    assert 'illgate_unmatched_mails{library="NORTH"} 0.0' in text
    assert "Pregunta" not in text


async def test_only_messages_of_this_request_are_marked(north: NcipTown) -> None:
    request, other = await north.asked(), await lend_to_west(north)
    await write(north, request, EventKind.MESSAGE, note="a")
    await write(north, other, EventKind.MESSAGE, note="b")
    (of_other,) = await conversation(north, other)
    (of_this,) = await conversation(north, request)
    messages = north.town.gateway.managed.libraries["NORTH"].messages

    with pytest.raises(NotFound, match="no such message"):
        await messages.mark_read(request.id, [of_this.id, of_other.id], STAFF)
    with pytest.raises(NotFound, match="no such request"):
        await messages.mark_read("nothing", [of_this.id], STAFF)

    assert len(await unread(north)) == 2


# --- at the terminal -------------------------------------------------------------------------------------


async def illgate(north: NcipTown, *words: str) -> Result:
    config = str(north.town.settings.folder / "gateway.yml")
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["--config", config, *words], catch_exceptions=False, env={"ILLGATE_STAFF": "ada"}
    )


async def test_staff_see_and_mark_messages_at_the_terminal(north: NcipTown) -> None:
    request = await north.asked()
    await write(north, request, EventKind.MESSAGE, note="Erste Zeile\nzweite Zeile")
    await write(north, request, EventKind.MESSAGE, note="Noch etwas")
    first, second = await conversation(north, request)

    listed = await illgate(north, "message", "list")
    read = await illgate(north, "message", "read", request.number, first.id)
    shown = await illgate(north, "message", "show", request.number)
    rest = await illgate(north, "message", "list", "--json")
    await illgate(north, "message", "read", request.number)
    nothing = await illgate(north, "message", "read", request.number)
    empty = await illgate(north, "message", "list", "--role", "borrowing")

    assert listed.stdout.splitlines()[0].split() == ["CAME", "REQUEST", "PARTNER", "ID", "TEXT"]
    assert f"{request.number}  south    {first.id}  Erste Zeile zweite Zeile" in listed.stdout
    assert read.stdout == f"{request.number}: 1 messages read\n"
    lines = shown.stdout.splitlines()
    assert lines[0].split("  ")[1:] == ["partner:SOUTH", f"read by staff:ada, {lines[0].rpartition(', ')[2]}"]
    assert lines[1:3] == ["    Erste Zeile", "    zweite Zeile"]
    assert lines[3].endswith(f"partner:SOUTH  UNREAD {second.id}")
    assert [json.loads(line)["id"] for line in rest.stdout.splitlines()] == [second.id]
    assert nothing.stdout == f"{request.number}: nothing was unread\n"
    assert empty.stdout == "no unread messages\n"


async def test_only_messages_of_the_partner_are_marked_at_the_terminal(north: NcipTown) -> None:
    request = await north.asked()
    await north.act(request, EventKind.MESSAGE, note="Unsere Frage")
    (ours,) = await conversation(north, request)

    refused = await illgate(north, "message", "read", request.number, ours.id)
    missing = await illgate(north, "message", "show", "B-0")

    assert refused.exit_code == 1
    assert f"has no message {ours.id} of its partner" in refused.stderr
    assert missing.exit_code != 0
    assert "Unsere Frage" in (await illgate(north, "message", "show", request.number)).stdout


async def test_lists_that_are_no_requests_say_where_they_are(north: NcipTown) -> None:
    assert "illgate mail unmatched list" in (await illgate(north, "task", "show", "unmatched-mails")).stderr
