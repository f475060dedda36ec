"""What a partner's system takes no message of is never repeated, and reaches its staff in words, once."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, RequestFlag
from gateway.store.requests.outbox import OutboxStatus
from tests.protocol.iso18626.far_side import (
    FarTown,
    make_far_template,
    partner_profile,
    write_ram,
)

UNTAKEN = ("Overdue", "Recalled", "CompletedWithoutReturn", "ExpectToSupply", "RequestReceived")
PROFILES = {
    "broker": partner_profile(),
    "cedar": {
        **partner_profile(
            statuses=[
                "WillSupply",
                "Loaned",
                "RetryPossible",
                "Unfilled",
                "CopyCompleted",
                "LoanCompleted",
                "Cancelled",
            ],
            reasons=["RequestResponse", "StatusChange", "CancelResponse", "Notification"],
            actions=["Received", "Cancel", "ShippedReturn", "Notification"],
        ),
        "partner": {"symbols": ["ISIL:CEDAR"], "name": "Cedar Library", "channel": "iso18626"},
    },
}


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), PROFILES))


def judge_as_crosslink_library(octets: str) -> tuple[str, str] | None:
    """As its patron requests do, through the broker."""
    reason, status = re.search("<reasonForMessage>(.*?)<", octets), re.search("<status>(.*?)<", octets)
    if reason is not None and reason[1] in ("RenewResponse", "StatusRequestResponse"):
        return "UnsupportedReasonForMessageType", reason[1]
    if reason is not None and reason[1] != "Notification" and status is not None and status[1] in UNTAKEN:
        return "UnrecognisedDataValue", f"status change not allowed: {status[1]}"
    action = re.search("<action>(.*?)<", octets)
    if action is not None and action[1] not in ("Received", "ShippedReturn", "Cancel", "Notification"):
        return "UnsupportedActionType", f"unsupported action: {action[1]}"
    return None


def list_notes(octets: list[str]) -> list[str]:
    """Of the Notifications among them."""
    return [
        note[1]
        for one in octets
        if "Notification<" in one and (note := re.search("<note>(.*?)</note>", one, re.DOTALL)) is not None
    ]


@pytest.mark.parametrize(
    ("kind", "status", "words"),
    [
        (EventKind.OVERDUE, "Overdue", "overdue, please return the item; due: 2026-03-30"),
        (EventKind.RECALL, "Recalled", "recalled, please return the item; due: 2026-03-30"),
        (EventKind.LOST, "CompletedWithoutReturn", "we count the item as lost"),
    ],
)
async def test_a_status_that_is_refused_reaches_the_staff_in_words(
    oak: FarTown, kind: EventKind, status: str, words: str
) -> None:
    request = await oak.shipped()
    oak.far.judge = judge_as_crosslink_library
    oak.far.octets.clear()

    after = await oak.act(request, kind)
    await oak.later(days=2)

    assert len([one for one in oak.far.said(status) if ">StatusChange<" in one]) == 1, "never repeated"
    assert list_notes(oak.far.octets)[:1] == [words]
    assert list_notes(oak.far.octets).count(words) == 1
    assert RequestFlag.TROUBLE not in after.flags
    assert {row.status for row in await oak.rows(request)} == {OutboxStatus.DONE}
    notes = [str(line.event.details.note) for line in (await oak.view(request)).history]
    assert any("status change not allowed" in note for note in notes), "staff see why"


async def test_an_answer_to_a_renewal_or_a_question_that_is_refused_reaches_the_staff_in_words(oak: FarTown) -> None:
    request = await oak.shipped()
    oak.far.judge = judge_as_crosslink_library
    oak.far.octets.clear()

    await oak.say(write_ram("CLB-9", "Renew"))
    await oak.later(minutes=1)
    await oak.say(write_ram("CLB-9", "StatusRequest"))
    await oak.later(minutes=1)

    assert len(oak.far.octets) == 4
    renewed, status = list_notes(oak.far.octets)
    assert re.fullmatch(r"the loan is renewed; due: 2026-04-\d\d", renewed)
    assert re.fullmatch(r"status of the request; shipped; due: 2026-04-\d\d", status)
    assert RequestFlag.TROUBLE not in (await oak.see(request)).flags


async def test_where_the_profile_says_so_the_words_go_at_once(oak: FarTown) -> None:
    request = await oak.shipped("C-1", "cedar", "CEDAR")
    oak.far.octets.clear()

    await oak.act(request, EventKind.OVERDUE)
    await oak.act(request, EventKind.RECALL)

    assert list_notes(oak.far.octets) == [
        "overdue, please return the item; due: 2026-03-30",
        "recalled, please return the item; due: 2026-03-30",
    ]
    assert len(oak.far.octets) == 2
    assert all("<status>Loaned</status>" in one and "dueDate" not in one for one in oak.far.octets)


async def test_a_renewal_that_is_never_granted_is_refused_at_once(oak: FarTown) -> None:
    request = await oak.lent()
    assert request.state is BorrowingState.LENT
    oak.far.judge = judge_as_crosslink_library

    after = await oak.act(request, EventKind.RENEW)
    await oak.later(minutes=5)

    assert after.flags.isdisjoint({RequestFlag.RENEWAL_PENDING, RequestFlag.TROUBLE})
    assert len(oak.far.said("Renew")) == 1, "never repeated"
    assert EventKind.RENEW_REFUSED in [line.event.kind for line in (await oak.view(request)).history]
    assert EventKind.RENEW not in (await oak.view(request)).allowed, "it isn't offered again"
    assert any("renew" in one.casefold() for one in oak.mail.subjects()), "the patron is told"


async def test_what_the_partner_cannot_take_is_not_offered(oak: FarTown) -> None:
    request = await oak.lent("cedar", "CEDAR")

    allowed = (await oak.view(request)).allowed

    assert not {EventKind.RENEW, EventKind.STATUS_QUERY} & set(allowed)
    assert EventKind.MESSAGE in allowed


async def test_a_question_that_is_refused_is_asked_in_words(oak: FarTown) -> None:
    request = await oak.lent()
    oak.far.judge = judge_as_crosslink_library
    oak.far.octets.clear()

    await oak.act(request, EventKind.STATUS_QUERY)
    await oak.later(minutes=5)

    assert len(oak.far.said("StatusRequest")) == 1
    assert list_notes(oak.far.octets) == ["please tell us the status of the request"]


async def test_what_moves_the_item_is_no_matter_of_words(oak: FarTown) -> None:
    """A refused return is for our staff to look at."""
    request = await oak.lent()
    await oak.act(request, EventKind.RETURNED_BY_PATRON)
    oak.far.judge = lambda octets: (
        ("UnsupportedActionType", "unsupported action: ShippedReturn") if ">ShippedReturn<" in octets else None
    )

    after = await oak.act(request, EventKind.RETURNED)

    assert RequestFlag.TROUBLE in after.flags
    assert list_notes(oak.far.octets) == []


async def test_words_that_are_refused_as_well_are_for_our_staff(oak: FarTown) -> None:
    request = await oak.shipped()
    oak.far.judge = lambda octets: ("UnrecognisedDataValue", "status change not allowed: Overdue")

    after = await oak.act(request, EventKind.OVERDUE)
    await oak.later(minutes=5)

    assert after.state is LendingState.SHIPPED
    assert RequestFlag.TROUBLE in (await oak.see(request)).flags
    assert len(oak.far.said("Overdue")) == 2
