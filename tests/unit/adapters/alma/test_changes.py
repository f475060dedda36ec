"""What Alma replaces as a whole keeps what the gateway doesn't know; what is refused half-way leaves nothing behind."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.domain.library import HoldStatus, PatronDraft, PatronIdentifier, PersonName
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused
from gateway.ports.adapter import LibraryAdapterContext
from gateway.ports.library_system import Capability
from rehearsal.fakes.alma_state import AlmaState
from rehearsal.fakes.fake_server import FaultKind
from tests.library_contract.alma_world import KNOWN
from tests.unit.adapters.alma.operations import TEMPORARY, make_draft, make_temporary_item
from tests.unit.adapters.alma.place import ITEM, USER, alma_place


def item_of(state: AlmaState, barcode: str) -> dict[str, Any]:
    return next(one for one in state.items.values() if one["item_data"]["barcode"] == barcode)


async def test_a_changed_user_keeps_what_the_gateway_does_not_know(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        user = place.fake.state.users[USER]
        user["user_note"] = [{"note_type": {"value": "OTHER"}, "note_text": "wheelchair"}]
        user["user_role"] = [{"role_type": {"value": "200"}}]
        draft = PatronDraft((PatronIdentifier("barcode", "21000000000099"),), category=KNOWN.visitor_category)
        changed = await place.library.update_patron(USER, draft, "edit")
        after = place.fake.state.users[USER]

    assert (after["user_note"][0]["note_text"], len(after["user_role"])) == ("wheelchair", 1)
    assert after["user_group"] == {"value": "VISITOR"}, "staff have set another by hand"
    assert [one["value"] for one in after["user_identifier"]] == ["21000000000099"]
    assert not {"loans", "requests", "fees"} & set(after), "what was only told is not sent back"
    assert (changed.category, changed.loan_count) == ("VISITOR", 0)


async def test_a_moved_item_keeps_what_the_gateway_does_not_know(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        item = item_of(place.fake.state, ITEM)
        item["item_data"]["public_note"] = "с автографом"
        await place.library.move_to_ill(ITEM, KNOWN.ill, "move")
        moved = item_of(place.fake.state, ITEM)

    assert moved["item_data"]["public_note"] == "с автографом"
    assert moved["holding_data"]["temp_location"] == {"value": "ill"}


async def test_a_new_user_of_an_external_system_says_which(context: LibraryAdapterContext) -> None:
    async with alma_place(context, external_system="CAMPUS") as place:
        with pytest.raises(Refused, match="cannot keep a password"):
            await place.library.create_patron(make_draft(), "with a password")
        await place.library.create_patron(replace(make_draft(), secret=None), "without")
        made = place.fake.state.users["ILL-TMP-4711"]

    assert (made["account_type"], made["external_id"]) == ({"value": "EXTERNAL"}, "CAMPUS")


async def test_without_a_location_no_items_are_made(context: LibraryAdapterContext) -> None:
    async with alma_place(context, temporary_items={}) as place:
        assert not {Capability.TEMPORARY_ITEM, Capability.MOVE_LOCATION} & place.library.capabilities
        with pytest.raises(Refused) as refusal:
            await place.library.create_temporary_item(make_temporary_item(), "accept")

    assert refusal.value.reason is RefusalReason.UNSUPPORTED_SERVICE


@pytest.mark.parametrize("mistake", ["material type", "desk"])
async def test_what_alma_refuses_half_way_is_taken_back(context: LibraryAdapterContext, mistake: str) -> None:
    more = {"temporary_items": {"location": "ill", "material_type": "SCROLL"}} if mistake == "material type" else {}
    async with alma_place(context, **more) as place:
        before = place.describe_state()
        if mistake == "desk":
            place.fake.state.desks["RS"] = "OTHER_DESK"
        with pytest.raises(Refused):
            await place.library.create_temporary_item(make_temporary_item(), "accept")

        assert place.describe_state() == before


async def test_what_could_not_be_taken_back_is_gone_on_with_by_the_next_call(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        desk, place.fake.state.desks["RS"] = place.fake.state.desks["RS"], "OTHER_DESK"
        place.fake.add_fault(FaultKind.TOO_MANY, method="DELETE", path="/requests/", times=0)
        with pytest.raises(OutcomeUnknown, match="could not be removed"):
            await place.library.create_temporary_item(make_temporary_item(), "accept")

        place.fake.clear_faults()
        place.fake.state.desks["RS"] = desk
        made = await place.library.create_temporary_item(make_temporary_item(), "accept")
        titles = [one["title"] for one in place.fake.state.bibs.values()]

    assert made.hold is not None
    assert (made.hold.status, titles.count(made.bib.title)) == (HoldStatus.READY, 1)


async def test_the_item_of_a_record_with_others_goes_without_it(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        made = await place.library.create_temporary_item(make_temporary_item(), "accept")
        place.fake.state.add_item(made.bib.id, "39000000000099", "MAIN", "BOOK")
        await place.library.delete_temporary_item(TEMPORARY, "delete")

        assert (await place.library.get_bib(made.bib.id)).suppressed
        assert (await place.library.find_hold("REQ-1")).status is HoldStatus.CANCELLED


async def test_a_record_is_made_as_alma_takes_it(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        made = await place.library.create_temporary_item(make_temporary_item(), "accept")
        state = place.fake.state

    assert (made.bib.title, made.bib.suppressed) == ("Über die Brücke — за мостом", True)
    assert made.item.call_number == "LB 42"
    assert [number.startswith("(illgate)") for number in state.bibs[made.bib.id]["network_number"]] == [True]
    assert item_of(state, TEMPORARY)["item_data"]["internal_note_1"].startswith("ILL REQ-1 illgate:")


async def test_a_users_name_is_kept_apart(context: LibraryAdapterContext) -> None:
    async with alma_place(context) as place:
        draft = PatronDraft((PatronIdentifier("username", "njeguš"),), PersonName("Његуш", "Стана"))
        made = await place.library.create_patron(draft, "new")

    assert (made.id, made.name) == ("njeguš", PersonName("Његуш", "Стана"))
