"""Before an act, staff read that the partner won't hear of it: by API, command and page the same."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import pytest
from click.testing import CliRunner

from adapters.library.embedded.system import EmbeddedLibrary
from gateway.cli import main
from gateway.domain.requests.citation import Citation
from gateway.domain.requests.drafts import LendingDraft
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import LibraryParty
from gateway.domain.requests.views import RequestView
from gateway.ports.library_system import Capability
from tests.unit.services.requests.support import SOUTH, NcipTown

PROFILES = {
    "south": SOUTH,
    "moor": {  # tells us by telephone
        "partner": {"symbols": ["MOOR"], "name": "Moorbücherei"},
    },
    "fjord": {
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "partner": {"symbols": ["FJORD"], "name": "Fjordby bibliotek", "channel": "iso-ill"},
        "iso_ill": {"transport": {"mode": "same-connection"}, "withheld": ["damaged"]},
    },
    "dale": {
        "auth": [{"kind": "network", "networks": ["127.0.0.0/8"]}],
        "partner": {"symbols": ["DALE"], "name": "Dale", "channel": "iso-ill"},
        "iso_ill": {"transport": {"mode": "same-connection"}, "withheld": ["damaged", "message"]},
    },
}


async def lend_to(north: NcipTown, profile: str, *acts: K) -> RequestView:
    citation = Citation(title="Sult", author="Hamsun, Knut")
    draft = LendingDraft(citation=citation, requester=LibraryParty(profile=profile), transaction=f"T/{profile}")
    service = north.town.gateway.managed.libraries["NORTH"].requests
    made = await service.create_lending(draft)
    await north.quiet()
    for act in acts:
        barcode = (await north.free_item()).barcode if act is K.SHIPPED else ""
        await north.act(made, act, barcode=barcode)
    return await service.load_view(made.id)


async def test_a_partner_without_a_channel_is_told_nothing(north: NcipTown) -> None:
    shown = await lend_to(north, "moor")
    assert shown.hints[K.WILL_SUPPLY] == (
        "Moorbücherei was not told because its profile has no channel. Please write or phone."
    )
    assert K.NOTE not in shown.hints, "nobody else is to hear of it"
    assert K.LOCATED not in shown.hints


async def test_what_the_partner_cannot_take_is_said_beforehand(north: NcipTown) -> None:
    shown = await lend_to(north, "dale", K.SHIPPED)
    words = {K.DAMAGED: "damaged", K.MESSAGE: "message", K.DUE_DATE_CHANGED: "due date changed"}
    assert shown.hints == {
        kind: f"Dale was not told because '{one}' cannot be sent by iso-ill. Please write or phone."
        for kind, one in words.items()
    }


async def test_what_the_partner_can_take_as_a_message_is_said_beforehand(north: NcipTown) -> None:
    shown = await lend_to(north, "fjord", K.SHIPPED)
    assert shown.hints == {
        K.DAMAGED: "Fjordby bibliotek is told in a message because 'damaged' cannot be sent by iso-ill."
    }


async def test_whoever_reads_letters_can_be_told_everything(north: NcipTown) -> None:
    assert (await lend_to(north, "south", K.SHIPPED)).hints == {}


async def test_what_the_system_cannot_be_told_staff_do_there(north: NcipTown, monkeypatch: pytest.MonkeyPatch) -> None:
    system = north.town.context.system
    wanted = await north.asked()
    lent = await lend_to(north, "south", K.SHIPPED)
    assert lent.request.item_barcode
    able = system.capabilities - {Capability.TEMPORARY_ITEM, Capability.CHECK_IN}
    monkeypatch.setattr(EmbeddedLibrary, "capabilities", able)
    service = north.town.gateway.managed.libraries["NORTH"].requests

    hints = (await service.load_view(wanted.id)).hints
    assert hints[K.RECEIVED] == "First create a record for the item in the library system and enter its barcode here."
    hints = (await service.load_view(lent.request.id)).hints
    assert hints == {K.CHECKED_IN: "First check in the item in the library system."}


async def test_what_the_system_cannot_be_told_of_an_item_is_said_from_its_arrival_to_its_return(
    north: NcipTown, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = north.town.gateway.managed.libraries["NORTH"].requests
    request = await north.asked(volumes=("Bd. 1", "Bd. 2"))
    able = north.town.context.system.capabilities

    for volume in ("1", "2"):
        await north.act(request, K.RECEIVED, barcode=f"T-{volume}", volumes=(volume,))
    arrived: list[Mapping[K, str]] = []
    lent: list[Mapping[K, str]] = []

    for hints in (arrived, lent):
        for missing in (Capability.TEMPORARY_ITEM, Capability.CHECK_IN, None):
            monkeypatch.setattr(EmbeddedLibrary, "capabilities", able - {missing})
            hints.append((await service.load_view(request.id)).hints)
        await north.act(request, K.LOANED_TO_PATRON)

    record = {K.RETURNED: "Then delete the record of T-1, T-2 in the library system."}
    assert arrived == [record, {}, {}]
    assert lent == [record, {K.RETURNED_BY_PATRON: "First check in the item in the library system."}, {}]


async def test_the_command_shows_the_hint_below_the_act(north: NcipTown) -> None:
    shown = await lend_to(north, "moor")
    config = str(north.town.settings.folder / "gateway.yml")

    said = await asyncio.to_thread(
        CliRunner().invoke, main, ["--config", config, "request", "show", shown.request.number], catch_exceptions=False
    )

    lines = said.stdout.splitlines()
    act = next(number for number, line in enumerate(lines) if line.startswith("  will-supply"))
    assert lines[act + 1] == f"      {shown.hints[K.WILL_SUPPLY]}"
