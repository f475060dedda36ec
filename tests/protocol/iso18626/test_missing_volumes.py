"""A volume of a set that doesn't come with the others: said, told to the partner in words, and nothing else waits."""

from __future__ import annotations

import asyncio
import re
from datetime import date
from pathlib import Path

import pytest

from gateway.domain.problems import Refused
from gateway.domain.requests.events import EventKind
from gateway.domain.requests.request import BorrowingState, LendingState, Request, VolumeState
from gateway.domain.requests.task_lists import list_task_names
from tests.protocol.iso18626.far_side import (
    FarTown,
    make_far_template,
    number_of,
    partner_profile,
    write_loan_request,
    write_ram,
    write_sam,
)

WORDS = "missing: volume 2 of 2: Bd. 2"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    quiet = {"symbols": ["ISIL:ELM"], "name": "Elm Library", "workflow": {"borrowing": {"tell_received": False}}}
    broker = partner_profile()
    profiles = {"broker": broker, "elm": {**broker, "partner": {**broker["partner"], **quiet}}}
    return asyncio.run(make_far_template(tmp_path_factory.mktemp("far"), profiles))


def find_note(octets: list[str], word: str) -> str:
    """Of the only message with this action or reason."""
    (message,) = [one for one in octets if f">{word}<" in one]
    note = re.search("<note>(.*?)</note>", message, re.DOTALL)
    return note[1] if note is not None else ""


async def ship_set(oak: FarTown, number: str = "CLB-9") -> Request:
    """Both volumes of a set of ours, on their way."""
    await oak.say(write_loan_request(number))
    await oak.quiet()
    request = await oak.act(await oak.lending(), EventKind.EDIT, further_volume="Bd. 2")
    for volume in ("1", "2"):
        barcode = await oak.find_free_barcode()
        request = await oak.act(request, EventKind.SHIPPED, volumes=(volume,), barcode=barcode, due=date(2026, 3, 30))
    return request


async def test_what_comes_without_one_volume_is_received_and_its_lender_hears_which(oak: FarTown) -> None:
    request = await oak.asked(volumes=("Bd. 1", "Bd. 2"))
    await oak.say(write_sam(number_of(request), "Loaned", more="<dueDate>2026-04-01T23:59:59Z</dueDate>"))

    received = await oak.act(request, EventKind.RECEIVED, missing=("2",), note="The parcel was open.")

    assert received.state is BorrowingState.RECEIVED
    assert [one.state for one in received.volumes] == [VolumeState.RECEIVED, VolumeState.EXPECTED]
    assert find_note(oak.far.octets, "Received") == f"{WORDS}; The parcel was open."

    later = await oak.act(received, EventKind.RECEIVED)
    assert [one.state for one in later.volumes] == [VolumeState.RECEIVED, VolumeState.RECEIVED]


async def test_a_lender_that_does_not_want_to_hear_of_arrivals_hears_what_is_missing(oak: FarTown) -> None:
    loaned = "<dueDate>2026-04-01T23:59:59Z</dueDate>"
    for missing in ((), ("2",)):
        request = await oak.asked(f"Bind {len(missing)}", "elm", volumes=("Bd. 1", "Bd. 2"))
        await oak.say(write_sam(number_of(request), "Loaned", more=loaned).replace("BROKER", "ELM"), "elm")
        await oak.act(request, EventKind.RECEIVED, missing=missing, note="The parcel was open.")

    assert oak.far.said("Received") == []
    assert find_note(oak.far.octets, "Notification") == f"{WORDS}; The parcel was open."


async def test_a_missing_volume_is_not_returned_with_the_others(oak: FarTown) -> None:
    request = await oak.asked(volumes=("Bd. 1", "Bd. 2"))
    await oak.say(write_sam(number_of(request), "Loaned", more="<dueDate>2026-04-01T23:59:59Z</dueDate>"))
    await oak.act(request, EventKind.RECEIVED, missing=("2",))

    returned = await oak.act(request, EventKind.RETURNED)

    assert returned.state is BorrowingState.RETURNED
    assert [one.state for one in returned.volumes] == [VolumeState.RETURNED, VolumeState.EXPECTED]


async def test_not_all_volumes_can_be_missing(oak: FarTown) -> None:
    request = await oak.asked(volumes=("Bd. 1", "Bd. 2"))
    with pytest.raises(Refused, match="At least one volume"):
        await oak.act(request, EventKind.RECEIVED, missing=("1", "2"))
    with pytest.raises(Refused, match="At least one volume"):
        await oak.act(request, EventKind.RECEIVED, volumes=("1",), missing=("1",))
    with pytest.raises(Refused, match="does not have this volume"):
        await oak.act(request, EventKind.RECEIVED, missing=("7",))


async def test_what_comes_back_without_one_volume_leaves_the_loan_open(oak: FarTown) -> None:
    await ship_set(oak)
    await oak.say(write_ram("CLB-9", "Received"))
    await oak.say(write_ram("CLB-9", "ShippedReturn", at="2026-03-02T08:00:09Z"))
    oak.far.octets.clear()

    first = await oak.act(await oak.lending(), EventKind.CHECKED_IN, missing=("2",), note="Please look for it.")

    assert first.state is LendingState.RETURNED
    assert [one.state for one in first.volumes] == [VolumeState.CHECKED_IN, VolumeState.RETURNED]
    assert find_note(oak.far.octets, "Notification") == f"{WORDS}; Please look for it."
    assert oak.far.said("LoanCompleted") == []

    last = await oak.act(first, EventKind.CHECKED_IN)
    assert last.state is LendingState.COMPLETED
    assert len(oak.far.said("LoanCompleted")) == 1


async def test_a_borrower_s_words_of_a_missing_volume_are_understood_and_read(oak: FarTown) -> None:
    await ship_set(oak)

    await oak.say(write_ram("CLB-9", "Received", note=WORDS))
    await oak.quiet()

    request = await oak.lending()
    assert [one.state for one in request.volumes] == [VolumeState.RECEIVED, VolumeState.SHIPPED]
    assert "unread-lending" in list_task_names(request)
