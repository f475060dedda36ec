"""What a partner may touch belongs to it: what its things are told by, and those of before."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from decimal import Decimal

import pytest
from sqlalchemy import Connection, text

from gateway.domain.commands import (
    AcceptItem,
    Action,
    CheckIn,
    CheckOut,
    Command,
    CreateItem,
    DeleteItem,
    LookUpItemSet,
    LookUpRequest,
    Named,
    PlaceRequest,
    PostFee,
)
from gateway.domain.library import Bib, Loan, Money, RecordId
from gateway.domain.problems import RefusalReason, Refused, Unavailable
from gateway.ports.partner_things import PartnerThing, ThingKind
from gateway.services.circulation import dispatch_command
from gateway.services.circulation.announced_items import change_barcode
from gateway.services.circulation.own_things import OwnThings
from gateway.services.circulation.ownership import list_visible_loans
from gateway.store.partner_things import StoredPartnerThings, prune_partner_things
from tests.unit.services.circulation.support import ANA, BOOK, CHIDI, Counter, Failing, who


def arrives(number: str, barcode: str) -> AcceptItem:
    return AcceptItem(Named(number), Action.HOLD, patron=who(ANA), item=Named(barcode), citation=Bib(title="Сад"))


async def test_what_was_made_before_a_refusal_is_the_partners(counter: Counter) -> None:
    """The record is there, though the charge that goes with it could not be made."""
    desk = counter.desk(profile="alder", library=Failing(counter.library, "post_fee"), fees={"default_amount": 2})
    with pytest.raises(Unavailable):
        await dispatch_command(replace(arrives("R-1", "A-1"), fee_action="charge-default-patron-fee"), desk)
    item = await counter.library.item_by_barcode("A-1")
    assert await _find_maker(counter, item.id) == {item.id: "alder"}


@pytest.mark.parametrize("scope", ["item", "title"])
async def test_two_partners_with_one_number_meet_their_own_holds(counter: Counter, scope: str) -> None:
    """Both count from one: what another has under a number is no reason to refuse."""
    wanted = PlaceRequest(who(ANA), items=(Named(BOOK),), request=Named("R-1"), scope=scope)
    placed = await dispatch_command(wanted, counter.desk(profile="alder"))
    theirs = replace(arrives("R-1", "B-1"), patron=who(CHIDI))
    await dispatch_command(theirs, counter.desk(profile="birch"))

    lends = CheckOut(who(ANA), Named(BOOK), request=Named("R-1"))
    await dispatch_command(lends, counter.desk(profile="alder", check_out={"cancel_request": True}))

    assert await counter.library.patron_holds(placed.hold.patron_id) == ()
    found = await dispatch_command(LookUpRequest(Named("R-1")), counter.desk(profile="birch"))
    assert found.hold.item_barcode == "B-1"


async def test_a_request_is_looked_up_by_a_number_that_another_partner_uses_too(counter: Counter) -> None:
    wanted = PlaceRequest(who(ANA), items=(Named(BOOK),), request=Named("R-1"))
    await dispatch_command(wanted, counter.desk(profile="alder"))
    await dispatch_command(replace(arrives("R-1", "B-1"), patron=who(CHIDI)), counter.desk(profile="birch"))
    for profile, barcode in (("alder", BOOK), ("birch", "B-1")):
        found = await dispatch_command(LookUpRequest(Named("R-1")), counter.desk(profile=profile))
        assert found.hold.item_barcode == barcode


async def test_a_hold_under_anothers_number_is_found_when_its_item_has_another_barcode(counter: Counter) -> None:
    await dispatch_command(arrives("R-1", "A-1"), counter.desk(profile="alder"))
    await dispatch_command(replace(arrives("R-1", "B-1"), patron=who(CHIDI)), counter.desk(profile="birch"))
    desk = counter.desk(profile="alder")
    await change_barcode(await counter.library.item_by_barcode("A-1"), "A-1-ON-PIECE", desk, "key")
    found = await dispatch_command(LookUpRequest(Named("R-1")), counter.desk(profile="alder"))
    assert found.hold.item_barcode == "A-1-ON-PIECE"


@pytest.mark.parametrize("made", [arrives("R-1", "A-1"), CreateItem(item=Named("A-1"), bib=Bib(title="Brú"))])
async def test_a_record_of_which_another_partner_has_all_items_is_unknown(counter: Counter, made: Command) -> None:
    """Its number is a small one in some library systems, and the next partner's is one more."""
    await dispatch_command(made, counter.desk(profile="alder"))
    record = RecordId("local", (await counter.library.item_by_barcode("A-1")).bib_id)
    for scope in ("item", "title"):
        wanted = PlaceRequest(who(CHIDI), records=(record,), scope=scope)
        refused = await counter.refusal(wanted, profile="birch")
        never = replace(wanted, records=(RecordId("local", "no-such-record"),))
        assert (refused.reason, refused.detail) == (RefusalReason.UNKNOWN_RECORD, "Record not found.")
        assert refused.detail == (await counter.refusal(never, profile="birch")).detail
    looked = LookUpItemSet(records=(record,))
    assert (await dispatch_command(looked, counter.desk(profile="birch"))).entries[0].missing == "Record not found."
    assert len((await dispatch_command(looked, counter.desk(profile="alder"))).entries[0].items) == 1


async def test_of_a_record_with_others_items_the_own_and_the_librarys_are_told(counter: Counter) -> None:
    await dispatch_command(arrives("R-1", "A-1"), counter.desk(profile="alder"))
    made = await counter.library.item_by_barcode("A-1")
    book = await counter.library.item_by_barcode(BOOK)

    def move_item(connection: Connection) -> None:
        wanted = {"bib": book.bib_id, "item": made.id}
        connection.execute(text("UPDATE embedded_items SET bib_id = :bib WHERE id = :item"), wanted)

    await counter.store.write(move_item)
    looked = LookUpItemSet(records=(RecordId("local", book.bib_id),))
    theirs = await dispatch_command(looked, counter.desk(profile="birch"))
    ours = await dispatch_command(looked, counter.desk(profile="alder"))
    assert {one.barcode for one in ours.entries[0].items} - {one.barcode for one in theirs.entries[0].items} == {"A-1"}


def count_questions(counter: Counter, profile: str) -> tuple[OwnThings, list[ThingKind]]:
    """The things as this partner sees them, and what is asked of the store about them, one kind for each question."""
    asked: list[ThingKind] = []

    class Counting(StoredPartnerThings):
        async def find_makers(self, kind: ThingKind, ids: Collection[str]) -> Mapping[str, str]:
            asked.append(kind)
            return await super().find_makers(kind, ids)

    return OwnThings(Counting("BERG", counter.store.read, counter.store.write, counter.clock), profile), asked


async def test_who_made_the_loans_of_a_patron_is_asked_at_once(counter: Counter) -> None:
    loan = Loan("l-0", "", "", "i-0", "", "b-1", "p-1", lent=counter.clock.now(), due=None)
    loans = [replace(loan, id=f"l-{number}", item_id=f"i-{number}") for number in range(50)]
    things, asked = count_questions(counter, "alder")
    assert len(await list_visible_loans(loans, replace(counter.desk(), things=things))) == len(loans)
    assert asked == [ThingKind.LOAN, ThingKind.ITEM]


async def test_a_charge_asks_at_once_who_made_what_its_patron_has(counter: Counter) -> None:
    """And nothing of that where the partner may charge everybody."""
    for number in range(3):
        await dispatch_command(arrives(f"R-{number}", f"A-{number}"), counter.desk(profile="alder"))
    charge = PostFee(who(ANA), Money(Decimal(1), "EUR"))
    things, asked = count_questions(counter, "birch")
    desk = replace(counter.desk(profile="birch", rights={"max_charge": 9}), things=things)
    with pytest.raises(Refused) as refused:
        await dispatch_command(charge, desk)
    assert refused.value.reason is RefusalReason.UNAUTHORIZED_SERVICE
    assert asked == [ThingKind.PATRON, ThingKind.HOLD]

    things, asked = count_questions(counter, "birch")
    rights = {"library_services": ["post-fee"], "max_charge": 9}
    await dispatch_command(charge, replace(counter.desk(profile="birch", rights=rights), things=things))
    assert asked == [ThingKind.PATRON], "whether the patron is another partner's"


@pytest.mark.parametrize("count", [0, 1, 2, 3, 64, 65, 200])
async def test_the_makers_of_any_number_of_things_are_found(counter: Counter, count: int) -> None:
    things = StoredPartnerThings("BERG", counter.store.read, counter.store.write, counter.clock)
    made = [PartnerThing(ThingKind.ITEM, f"i-{number}", f"profile-{number}") for number in range(0, count, 2)]
    await things.keep_things(made)
    await things.keep_things([PartnerThing(ThingKind.HOLD, "i-1", "another")])

    found = await things.find_makers(ThingKind.ITEM, [f"i-{number}" for number in range(count)])

    assert found == {one.id: one.profile for one in made}


async def test_what_is_made_again_is_the_newer_makers(counter: Counter) -> None:
    things = StoredPartnerThings("BERG", counter.store.read, counter.store.write, counter.clock)
    for profile in ("alder", "birch"):
        await things.keep_things([PartnerThing(ThingKind.ITEM, "i-1", profile, f"R-{profile}", "A-1")])

    assert await things.find_makers(ThingKind.ITEM, ["i-1"]) == {"i-1": "birch"}
    assert await things.list_things_of_request("R-alder") == ()
    assert len(await things.list_things_of_request("R-birch")) == 1


async def _find_maker(counter: Counter, item_id: str) -> dict[str, str]:
    things = StoredPartnerThings("BERG", counter.store.read, counter.store.write, counter.clock)
    return dict(await things.find_makers(ThingKind.ITEM, [item_id]))


async def test_a_deletion_that_comes_again_deletes_nothing_that_has_the_barcode_now(counter: Counter) -> None:
    alder = counter.desk(profile="alder")
    await dispatch_command(arrives("R-1", "X-1"), alder)
    await dispatch_command(DeleteItem(Named("X-1")), alder)
    await dispatch_command(arrives("R-2", "X-1"), counter.desk(profile="birch"))
    with pytest.raises(Refused) as refused:
        await dispatch_command(DeleteItem(Named("X-1")), alder)
    assert refused.value.reason is RefusalReason.UNKNOWN_ITEM
    assert (await counter.library.item_by_barcode("X-1")).barcode == "X-1"


async def test_what_has_the_id_of_a_deleted_item_is_another_thing(counter: Counter) -> None:
    """In some library systems the barcode is the id, and the library may use it for a book of its own."""
    alder = counter.desk(profile="alder")
    await dispatch_command(arrives("R-1", "X-1"), alder)
    item = await counter.library.item_by_barcode("X-1")
    assert await _find_maker(counter, item.id) == {item.id: "alder"}
    for _ in range(2):
        await dispatch_command(DeleteItem(Named("X-1")), counter.desk(profile="alder"))
        assert await _find_maker(counter, item.id) == {}


async def test_a_hold_that_another_partner_filled_under_the_same_number_is_no_repeat(counter: Counter) -> None:
    """Ana waits for the book that Chidi had under the number of another partner's request."""
    wanted = PlaceRequest(who(CHIDI), items=(Named(BOOK),), request=Named("R-1"), kind="page")
    alder = counter.desk(profile="alder")
    await dispatch_command(wanted, alder)
    await dispatch_command(CheckOut(who(CHIDI), Named(BOOK), request=Named("R-1")), counter.desk(profile="alder"))
    await dispatch_command(CheckIn(Named(BOOK)), counter.desk(profile="alder"))
    await counter.ask(PlaceRequest(who(ANA), items=(Named(BOOK),), request=Named("A-1")))

    rules = {"immediate_kinds": ["page"]}
    refused = await counter.refusal(wanted, profile="birch", requests=rules)
    assert refused.reason is RefusalReason.REQUESTED_BY_OTHER
    again = await dispatch_command(wanted, counter.desk(profile="alder", requests=rules))
    assert again.hold.request_id == "R-1"


async def test_one_library_knows_nothing_of_who_made_what_at_another(counter: Counter) -> None:
    ours = StoredPartnerThings("BERG", counter.store.read, counter.store.write, counter.clock)
    theirs = StoredPartnerThings("TAL", counter.store.read, counter.store.write, counter.clock)
    own = OwnThings(ours, "alder")
    own.add_thing(ThingKind.ITEM, "i-1", request_id="R-1", barcode="A-1")
    await own.keep_made()
    assert await theirs.find_makers(ThingKind.ITEM, ["i-1"]) == {}
    assert await theirs.list_things_of_request("R-1") == ()
    await theirs.forget_thing(ThingKind.ITEM, "i-1")
    assert await ours.find_makers(ThingKind.ITEM, ["i-1"]) == {"i-1": "alder"}


async def test_what_nobody_was_heard_of_for_years_is_the_librarys(counter: Counter) -> None:
    own = StoredPartnerThings("BERG", counter.store.read, counter.store.write, counter.clock)
    made = OwnThings(own, "alder")
    made.add_thing(ThingKind.ITEM, "i-1")
    await made.keep_made()
    now = counter.clock.now()
    made.add_thing(ThingKind.ITEM, "i-2")
    made.add_thing(ThingKind.HOLD, "i-2")
    await made.keep_made()
    later = now.replace(year=now.year + 1)
    assert [
        await counter.store.write(lambda c, at=at: prune_partner_things(c, at, 2)) for at in (now, later, later)
    ] == [*(0, 2, 1)]
