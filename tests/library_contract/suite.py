"""The contract of `LibrarySystem`, told in examples. A backend's test module inherits `LibraryContract` and gives a
fixture `world`; what the backend has no capability for is skipped."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.domain.library import (
    Bib,
    BlockCause,
    BlockScope,
    ContactKind,
    Hold,
    HoldStatus,
    IdentifierType,
    ItemStatus,
    Loan,
    Money,
    PatronDraft,
    PatronIdentifier,
    PersonName,
    RecordId,
)
from gateway.domain.problems import RefusalReason, Refused
from gateway.ports.library_system import (
    Capability,
    FindsPatronsByName,
    HoldWish,
    PatronKey,
    TemporaryHold,
    TemporaryItem,
    TemporaryItemResult,
)
from tests.library_contract.world import World

Test = TypeVar("Test", bound=Callable[..., object])

_numbers = itertools.count(1)


def key() -> str:
    """A new idempotency key."""
    return f"test/{next(_numbers)}"


def needs(*capabilities: Capability) -> Callable[[Test], Test]:
    """Skip the test where the library system lacks one of these."""

    def note_needs(test: Test) -> Test:
        test.__dict__["needs"] = capabilities
        return test

    return note_needs


async def patron_id(world: World, who: PatronKey) -> str:
    return (await world.library.find_patron(who)).id


async def lend(world: World, barcode: str, who: PatronKey, under: str = "", due: datetime | None = None) -> Loan:
    return await world.library.check_out(barcode, await patron_id(world, who), under or key(), due=due)


async def hold_item(world: World, barcode: str, who: PatronKey, pickup: str = "", request: str = "") -> Hold:
    wish = HoldWish(await patron_id(world, who), pickup or world.known.desk, request, item_barcode=barcode)
    return await world.library.place_hold(wish, key())


def partners_item(world: World, barcode: str = "ILL-880001", hold: TemporaryHold | None = None) -> TemporaryItem:
    return TemporaryItem(
        barcode=barcode,
        bib=Bib(title="Über die Brücke — за мостом", author="Söhnlein, Grete"),
        request_id="REQ-1",
        location=world.known.ill,
        policy=world.known.ill_policy,
        hold=hold,
    )


async def accept(world: World, pickup: str, *, on_shelf: bool = True, under: str = "") -> TemporaryItemResult:
    wanted = TemporaryHold(await patron_id(world, world.known.good), pickup, on_shelf)
    return await world.library.create_temporary_item(partners_item(world, hold=wanted), under or key())


class refused:
    """`with refused(RefusalReason.X):` the block is refused for this reason."""

    def __init__(self, *reasons: RefusalReason) -> None:
        self._reasons = reasons

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _trace: object) -> bool:
        if error is None:
            pytest.fail(f"not refused, but {self._reasons} was due")
        if not isinstance(error, Refused):
            return False
        assert error.reason in self._reasons, f"refused as {error.reason}, not {self._reasons}"
        assert error.detail
        return True


class PartOfContract:
    @pytest.fixture(autouse=True)
    def skip_what_the_system_lacks(self, request: pytest.FixtureRequest) -> None:
        """Skip before there is a `world`, where the class has pinned its abilities (`PinnedAbilities`)."""
        needed: tuple[Capability, ...] = getattr(request.function, "needs", ())
        if not needed:
            return
        pinned: frozenset[Capability] | None = getattr(self, "abilities", None)
        able = request.getfixturevalue("world").library.capabilities if pinned is None else pinned
        missing = [capability.value for capability in needed if capability not in able]
        if missing:
            pytest.skip(f"this library system has no {', '.join(missing)}")


class PatronContract(PartOfContract):
    async def test_answers(self, world: World) -> None:
        await world.library.ping()
        assert (await world.library.info()).symbol

    async def test_a_patron_is_found_by_identifier(self, world: World) -> None:
        patron = await world.library.find_patron(world.known.good)

        assert world.known.good.value in {i.value for i in patron.identifiers}
        assert patron.name.surname
        assert patron.home_library
        assert not patron.blocks
        assert patron.loan_count == 0

    async def test_a_patron_is_found_by_our_own_id(self, world: World) -> None:
        patron = await world.library.find_patron(world.known.good)

        assert await world.library.find_patron(PatronKey(patron.id, ("internal",))) == patron

    async def test_only_the_types_asked_for_count(self, world: World) -> None:
        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.find_patron(PatronKey(world.known.good.value, ("no-such-type",)))

    async def test_patrons_are_found_by_parts_of_their_names(self, world: World) -> None:
        system = world.library
        if not isinstance(system, FindsPatronsByName):
            pytest.skip("it finds no patrons by name")
        patron = await system.find_patron(world.known.good)
        surname, given = patron.name.surname, patron.name.given

        found = [
            await system.find_patrons_by_name(words, 20)
            for words in ([surname], [given.lower(), surname[1:-1]], [surname, "Nobody"], ["%"], ["*"], [])
        ]

        for hits in found[:2]:
            assert [one.name.direct for one in hits if one.id == patron.id] == [patron.name.direct]
        (named,) = [one for one in found[0] if one.id == patron.id]
        assert (await system.find_patron(PatronKey(named.identifier))).id == patron.id
        assert found[2:] == [()] * 4
        assert len(await system.find_patrons_by_name([surname[0]], 1)) == 1

    async def test_an_unknown_patron_is_refused(self, world: World) -> None:
        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.find_patron(PatronKey("no-such-patron"))

    @needs(Capability.CONTACT)
    async def test_contacts_are_known(self, world: World) -> None:
        patron = await world.library.find_patron(world.known.good)

        assert any(contact.kind is ContactKind.EMAIL and "@" in contact.value for contact in patron.contacts)

    @needs(Capability.BLOCKS_DETAILED)
    async def test_a_blocked_patron_says_why_and_for_what(self, world: World) -> None:
        block = (await world.library.find_patron(world.known.blocked)).find_block(BlockScope.BORROW)

        assert block is not None
        assert block.reason

    @needs(Capability.BLOCKS_DETAILED)
    async def test_a_block_tells_its_patron_what_stands_behind_it(self, world: World) -> None:
        """By a cause for which there are words. What the system says no more of is `other`."""
        expired = (await world.library.find_patron(world.known.expired)).list_blocks(BlockScope.BORROW)
        blocked = (await world.library.find_patron(world.known.blocked)).list_blocks(BlockScope.BORROW)

        assert BlockCause.EXPIRED in {one.cause for one in expired}
        assert BlockCause.EXPIRED not in {one.cause for one in blocked}

    async def test_an_expired_patron_is_blocked(self, world: World) -> None:
        patron = await world.library.find_patron(world.known.expired)

        assert patron.expires is not None
        assert patron.find_block(BlockScope.BORROW) is not None

    @needs(Capability.AUTHENTICATE)
    async def test_the_right_secret_lets_in(self, world: World) -> None:
        patron = await world.library.authenticate(world.known.good, world.known.good_secret)

        assert patron == await world.library.find_patron(world.known.good)

    @needs(Capability.AUTHENTICATE)
    async def test_a_wrong_secret_and_an_unknown_patron_are_refused_alike(self, world: World) -> None:
        details = []
        for who in (world.known.good, PatronKey("no-such-patron")):
            with pytest.raises(Refused) as refusal:
                await world.library.authenticate(who, "wrong")
            details.append((refusal.value.reason, refusal.value.detail))

        assert details[0] == details[1]
        assert details[0][0] is RefusalReason.PATRON_AUTH_FAILED


class NewPatronContract(PartOfContract):
    def draft(self, world: World, value: str = "29990001") -> PatronDraft:
        return PatronDraft(
            identifiers=(PatronIdentifier("barcode", value),),
            name=PersonName("Ђорђевић-Проба", "Милица"),
            category=world.known.visitor_category,
            home_library=world.known.desk,
            secret="4321",
        )

    @needs(Capability.PATRON_CREATE)
    async def test_a_new_patron_is_found_and_can_sign_in(self, world: World) -> None:
        created = await world.library.create_patron(self.draft(world), key())

        assert await world.library.find_patron(PatronKey("29990001")) == created
        if Capability.AUTHENTICATE in world.library.capabilities:
            assert (await world.library.authenticate(PatronKey("29990001"), "4321")).id == created.id

    @needs(Capability.PATRON_CREATE)
    async def test_the_same_key_makes_no_second_patron(self, world: World) -> None:
        under = key()
        first = await world.library.create_patron(self.draft(world), under)

        assert (await world.library.create_patron(self.draft(world), under)).id == first.id

    @needs(Capability.PATRON_CREATE)
    async def test_a_number_that_is_taken_is_refused(self, world: World) -> None:
        with refused(RefusalReason.DUPLICATE_PATRON):
            await world.library.create_patron(self.draft(world, world.known.good.value), key())

    @needs(Capability.PATRON_CREATE)
    async def test_a_nameless_patron_is_refused(self, world: World) -> None:
        with refused(RefusalReason.DATA_MISSING):
            await world.library.create_patron(replace(self.draft(world), name=None), key())

    @needs(Capability.PATRON_CREATE)
    async def test_an_unknown_category_is_refused(self, world: World) -> None:
        with refused(RefusalReason.INVALID_VALUE):
            await world.library.create_patron(replace(self.draft(world), category="no-such"), key())

    @needs(Capability.PATRON_UPDATE)
    async def test_an_update_changes_what_it_says_and_no_more(self, world: World) -> None:
        before = await world.library.find_patron(world.known.good)
        after = await world.library.update_patron(before.id, PatronDraft(name=PersonName("Ζωγράφου-Δοκιμή")), key())

        assert after == replace(before, name=PersonName("Ζωγράφου-Δοκιμή"))
        assert await world.library.find_patron(world.known.good) == after

    @needs(Capability.PATRON_EXPIRE)
    async def test_expiry_ends_a_membership_and_keeps_the_patron(self, world: World) -> None:
        patron = await world.library.find_patron(world.known.good)
        yesterday = world.now().date() - timedelta(days=1)
        expired = await world.library.expire_patron(patron.id, yesterday, key())

        assert expired.expires == yesterday
        assert expired.find_block(BlockScope.BORROW) is not None

    @needs(Capability.PATRON_DELETE, Capability.PATRON_CREATE, Capability.CHECK_OUT, Capability.CHECK_IN)
    async def test_a_temporary_patron_is_deleted(self, world: World) -> None:
        good = await world.library.find_patron(world.known.good)
        with refused(RefusalReason.NOT_ALLOWED):
            await world.library.delete_patron(good.id, key())
        number = PatronIdentifier("barcode", "TMP-4711")
        draft = PatronDraft((number,), PersonName("Løvås", "Ægir"), good.category, good.home_library, temporary=True)
        visitor = await world.library.create_patron(draft, key())
        loan = await world.library.check_out(world.known.shelf_item, visitor.id, key())
        with refused(RefusalReason.IN_USE):
            await world.library.delete_patron(visitor.id, key())
        await world.library.check_in(world.known.shelf_item, key())

        assert (await world.library.delete_patron(visitor.id, key())).identifiers == (number,)
        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.find_patron(PatronKey("TMP-4711"))
        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.find_patron(PatronKey(visitor.id, (IdentifierType.INTERNAL,)))
        assert await world.library.item_loan(loan.item_id) is None
        again = await world.library.create_patron(draft, key())  # the number is free again
        assert await world.library.find_patron(PatronKey("TMP-4711")) == again


class CatalogueContract(PartOfContract):
    @needs(Capability.BIB_FIND)
    async def test_a_record_is_found_by_its_identifier(self, world: World) -> None:
        item = await world.library.item_by_barcode(world.known.shelf_item)
        found = await world.library.find_bib(world.known.record)

        assert found.id == item.bib_id
        assert await world.library.find_bib(RecordId("local", found.id)) == found
        assert await world.library.get_bib(found.id) == found

    @needs(Capability.BIB_FIND)
    async def test_an_unknown_record_is_refused(self, world: World) -> None:
        unknown = (("isbn", "9790000000000"), ("local", "no-such-record"), ("local", "99999999"))
        for record in (RecordId(kind, value) for kind, value in unknown):
            with refused(RefusalReason.UNKNOWN_RECORD):
                await world.library.find_bib(record)

    @needs(Capability.SEARCH)
    async def test_words_find_a_record(self, world: World) -> None:
        item = await world.library.item_by_barcode(world.known.shelf_item)

        assert item.bib_id in {bib.id for bib in await world.library.search_bibs(world.known.title_words)}
        assert not await world.library.search_bibs(f"{world.known.title_words} qzxqzx")

    @needs(Capability.ITEM_AVAILABILITY)
    async def test_holdings_list_the_copies(self, world: World) -> None:
        item = await world.library.item_by_barcode(world.known.copies[0])
        there = await world.library.holdings(item.bib_id)

        assert {i.barcode for i in there.items} == set(world.known.copies)
        assert there.bib.id == item.bib_id

    async def test_an_item_tells_where_it_is(self, world: World) -> None:
        item = await world.library.item_by_barcode(world.known.shelf_item)

        assert item.status is ItemStatus.AVAILABLE
        assert item.home.library == item.current.library == world.known.desk
        assert item.circulates
        assert not item.temporary
        assert not (await world.library.item_by_barcode(world.known.reference_item)).circulates

    async def test_an_unknown_barcode_is_refused(self, world: World) -> None:
        with refused(RefusalReason.UNKNOWN_ITEM):
            await world.library.item_by_barcode("no-such-item")

    @needs(Capability.PICKUP_LIST)
    async def test_pickup_locations_are_listed(self, world: World) -> None:
        codes = {place.code for place in await world.library.pickup_locations()}

        assert {world.known.desk, world.known.other_desk} <= codes


class HoldContract(PartOfContract):
    @needs(Capability.HOLD_ITEM)
    async def test_an_item_hold_is_shown_everywhere(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good, request="REQ-7")
        item = await world.library.item_by_barcode(world.known.shelf_item)

        assert hold.status.is_open
        assert hold.item_barcode == world.known.shelf_item
        assert hold.pickup == world.known.desk
        assert hold.position == 1
        assert item.hold_count == 1
        assert await world.library.find_hold("REQ-7") == hold
        assert await world.library.patron_holds(hold.patron_id) == (hold,)
        assert await world.library.item_holds(item.id) == (hold,)
        assert (await world.library.find_patron(world.known.good)).hold_count == 1

    @needs(Capability.HOLD_TITLE)
    async def test_a_title_hold_may_be_filled_by_any_copy(self, world: World) -> None:
        copies = [await world.library.item_by_barcode(barcode) for barcode in world.known.copies]
        wish = HoldWish(await patron_id(world, world.known.good), world.known.desk, bib_id=copies[0].bib_id)
        hold = await world.library.place_hold(wish, key())

        assert hold.item_id in ("", *(copy.id for copy in copies))  # some systems choose a copy at once
        for copy in copies:
            is_chosen = hold.item_id in ("", copy.id)
            assert await world.library.item_holds(copy.id) == ((hold,) if is_chosen else ())
        assert (await world.library.holdings(copies[0].bib_id)).hold_count == 1

    @needs(Capability.HOLD_ITEM)
    async def test_the_same_key_places_no_second_hold(self, world: World) -> None:
        wish = HoldWish(await patron_id(world, world.known.good), world.known.desk, item_barcode=world.known.shelf_item)
        under = key()
        first = await world.library.place_hold(wish, under)

        assert await world.library.place_hold(wish, under) == first
        assert len(await world.library.patron_holds(wish.patron_id)) == 1

    @needs(Capability.HOLD_ITEM)
    async def test_the_same_wish_under_another_key_is_a_duplicate(self, world: World) -> None:
        await hold_item(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.DUPLICATE_REQUEST):
            await hold_item(world, world.known.shelf_item, world.known.good)

    @needs(Capability.HOLD_ITEM)
    async def test_holds_queue_in_order(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.third)
        first = await hold_item(world, world.known.shelf_item, world.known.good)
        second = await hold_item(world, world.known.shelf_item, world.known.other)

        assert (first.position, second.position) == (1, 2)
        assert [hold.id for hold in await world.library.item_holds(first.item_id)] == [first.id, second.id]

    @needs(Capability.HOLD_ITEM)
    async def test_what_cannot_be_requested_is_refused(self, world: World) -> None:
        with refused(RefusalReason.NOT_ALLOWED):
            await hold_item(world, world.known.reference_item, world.known.good)
        with refused(RefusalReason.UNKNOWN_ITEM):
            await hold_item(world, "no-such-item", world.known.good)
        with refused(RefusalReason.BAD_PICKUP_LOCATION):
            await hold_item(world, world.known.shelf_item, world.known.good, pickup="no-such-place")
        with refused(RefusalReason.PATRON_BLOCKED):
            await hold_item(world, world.known.shelf_item, world.known.blocked)
        with refused(RefusalReason.PATRON_EXPIRED):
            await hold_item(world, world.known.shelf_item, world.known.expired)
        with refused(RefusalReason.UNKNOWN_PATRON):
            await world.library.place_hold(
                HoldWish("no-such-patron", world.known.desk, item_barcode=world.known.shelf_item), key()
            )

    @needs(Capability.HOLD_ITEM)
    async def test_a_hold_without_a_place_goes_to_the_resource_sharing_branch(self, world: World) -> None:
        wish = HoldWish(await patron_id(world, world.known.good), "", item_barcode=world.known.shelf_item)
        hold = await world.library.place_hold(wish, key())

        assert hold.pickup == world.known.ill.library

    @needs(Capability.HOLD_ITEM)
    async def test_what_a_patron_has_on_loan_cannot_be_requested(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.ON_LOAN_SAME_PATRON):
            await hold_item(world, world.known.shelf_item, world.known.good)

    @needs(Capability.HOLD_CANCEL)
    async def test_a_cancelled_hold_is_gone_and_the_same_key_says_so_again(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        under = key()
        cancelled = await world.library.cancel_hold(hold.id, under)

        assert cancelled.status is HoldStatus.CANCELLED
        assert await world.library.cancel_hold(hold.id, under) == cancelled
        assert await world.library.patron_holds(hold.patron_id) == ()
        with refused(RefusalReason.REQUEST_CLOSED):
            await world.library.cancel_hold(hold.id, key())
        with refused(RefusalReason.UNKNOWN_REQUEST):
            await world.library.cancel_hold("no-such-hold", key())

    @needs(Capability.HOLD_UPDATE)
    async def test_a_hold_can_be_picked_up_elsewhere(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        day = world.now().date() + timedelta(days=30)
        changed = await world.library.update_hold(hold.id, key(), pickup=world.known.other_desk, expires=day)

        assert changed == replace(hold, pickup=world.known.other_desk, expires=day)
        with refused(RefusalReason.BAD_PICKUP_LOCATION):
            await world.library.update_hold(hold.id, key(), pickup="no-such-place")
        assert (await world.library.patron_holds(hold.patron_id)) == (changed,)

    @needs(Capability.HOLD_UPDATE, Capability.HOLD_CANCEL)
    async def test_a_hold_that_is_over_is_not_changed(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        await world.library.cancel_hold(hold.id, key())

        with refused(RefusalReason.REQUEST_CLOSED):
            await world.library.update_hold(hold.id, key(), pickup=world.known.other_desk)

    @needs(Capability.HOLD_ITEM)
    async def test_a_hold_expires(self, world: World) -> None:
        wish = HoldWish(
            await patron_id(world, world.known.good),
            world.known.desk,
            item_barcode=world.known.shelf_item,
            expires=world.now().date() + timedelta(days=5),
        )
        await world.library.place_hold(wish, key())
        if not world.advance(timedelta(days=7)):
            pytest.skip("this library system has a clock of its own")

        assert await world.library.patron_holds(wish.patron_id) == ()
        assert (await world.library.find_patron(world.known.good)).hold_count == 0

    async def test_an_unknown_request_is_refused(self, world: World) -> None:
        with refused(RefusalReason.UNKNOWN_REQUEST):
            await world.library.find_hold("no-such-request")


class TemporaryItemContract(PartOfContract):
    @needs(Capability.TEMPORARY_ITEM)
    async def test_a_partners_item_is_found_by_everything_that_names_it(self, world: World) -> None:
        received = await accept(world, world.known.ill.library)

        assert not received.repeated
        assert received.hold is not None
        assert received.hold.status.is_open
        assert received.item.temporary
        assert received.item.hold_count == 1
        assert await world.library.item_by_barcode("ILL-880001") == received.item
        assert await world.library.find_hold("REQ-1") == received.hold
        assert await world.library.get_bib(received.bib.id) == received.bib
        assert await world.library.item_by_request("REQ-1") == received.item

    @needs(Capability.ITEM_WITHOUT_HOLD)
    async def test_a_partners_item_may_be_for_nobody(self, world: World) -> None:
        received = await world.library.create_temporary_item(partners_item(world), key())

        assert received.hold is None
        assert received.item.hold_count == 0
        assert await world.library.item_by_barcode("ILL-880001") == received.item
        assert await world.library.item_holds(received.item.id) == ()

    @needs(Capability.TEMPORARY_ITEM, Capability.HOLD_SHELF)
    async def test_a_partners_item_is_ready_for_its_patron(self, world: World) -> None:
        received = await accept(world, world.known.ill.library)

        assert received.hold is not None
        assert received.hold.status is HoldStatus.READY
        assert received.hold.ready_until is not None
        assert received.item.status is ItemStatus.ON_HOLD_SHELF

    @needs(Capability.TEMPORARY_ITEM, Capability.HOLD_SHELF, Capability.CHECK_IN)
    async def test_it_travels_to_another_pickup_place(self, world: World) -> None:
        received = await accept(world, world.known.desk)

        assert received.hold is not None
        assert received.hold.status is HoldStatus.IN_TRANSIT
        assert received.item.status is ItemStatus.IN_TRANSIT

        arrived = await world.library.check_in("ILL-880001", key(), at=world.known.desk)
        assert arrived.loan is None
        assert arrived.item.status is ItemStatus.ON_HOLD_SHELF
        assert arrived.next_hold is not None
        assert arrived.next_hold.status is HoldStatus.READY

    @needs(Capability.TEMPORARY_ITEM, Capability.SHELF_CHOICE, Capability.CHECK_IN)
    async def test_it_may_wait_for_a_scan(self, world: World) -> None:
        received = await accept(world, world.known.ill.library, on_shelf=False)
        assert received.hold is not None
        assert received.hold.status in (HoldStatus.WAITING, HoldStatus.PAGED)
        assert received.item.status is ItemStatus.AVAILABLE

        scanned = await world.library.check_in("ILL-880001", key(), at=world.known.ill.library)
        assert scanned.next_hold is not None
        assert scanned.next_hold.status is HoldStatus.READY

    @needs(Capability.TEMPORARY_ITEM)
    async def test_the_same_key_makes_nothing_twice(self, world: World) -> None:
        under = key()
        first = await accept(world, world.known.desk, under=under)

        assert await accept(world, world.known.desk, under=under) == replace(first, repeated=True)
        assert len(await world.library.patron_holds(await patron_id(world, world.known.good))) == 1

    @needs(Capability.TEMPORARY_ITEM)
    async def test_a_barcode_that_is_here_is_refused(self, world: World) -> None:
        await accept(world, world.known.desk)
        with refused(RefusalReason.DUPLICATE_ITEM):
            await accept(world, world.known.desk)

    @needs(Capability.TEMPORARY_ITEM)
    async def test_what_is_wrong_leaves_nothing_behind(self, world: World) -> None:
        with refused(RefusalReason.BAD_PICKUP_LOCATION):
            await accept(world, "no-such-place")
        with refused(RefusalReason.UNKNOWN_PATRON):
            wish = partners_item(world, hold=TemporaryHold("no-such-patron", world.known.desk))
            await world.library.create_temporary_item(wish, key())
        with refused(RefusalReason.INVALID_VALUE):
            wish = replace(partners_item(world), policy="no-such-policy")
            await world.library.create_temporary_item(wish, key())
        with refused(RefusalReason.UNKNOWN_ITEM):
            await world.library.item_by_barcode("ILL-880001")

    @needs(Capability.TEMPORARY_ITEM, Capability.SEARCH, Capability.SUPPRESS)
    async def test_a_suppressed_record_is_not_found_by_words(self, world: World) -> None:
        await accept(world, world.known.desk)

        assert await world.library.search_bibs("Brücke мостом") == ()

    @needs(Capability.TEMPORARY_ITEM, Capability.CHECK_OUT, Capability.CHECK_IN)
    async def test_it_is_lent_returned_and_deleted(self, world: World) -> None:
        received = await accept(world, world.known.ill.library)
        assert received.hold is not None
        given = world.now().replace(microsecond=0) + timedelta(days=20)
        due = given if Capability.DUE_DATE_GIVEN in world.library.capabilities else None
        loan = await lend(world, "ILL-880001", world.known.good, due=due)

        assert due in (None, loan.due)
        assert loan.request_id == "REQ-1"
        assert (await world.library.find_hold("REQ-1")).status is HoldStatus.FILLED
        with refused(RefusalReason.IN_USE):
            await world.library.delete_temporary_item("ILL-880001", key())

        under, deletion = key(), key()
        back = await world.library.check_in("ILL-880001", under, at=world.known.ill.library)
        assert back.loan is not None
        gone = await world.library.delete_temporary_item("ILL-880001", deletion)
        assert await world.library.delete_temporary_item("ILL-880001", deletion) == gone
        again = await world.library.check_in("ILL-880001", under)
        assert again.repeated
        assert again.loan == back.loan
        with refused(RefusalReason.UNKNOWN_ITEM):
            await world.library.item_by_barcode("ILL-880001")
        with refused(RefusalReason.UNKNOWN_RECORD):
            await world.library.get_bib(received.bib.id)
        with refused(RefusalReason.UNKNOWN_ITEM):
            await world.library.delete_temporary_item("ILL-880001", key())

    @needs(Capability.TEMPORARY_ITEM)
    async def test_deletion_cancels_its_hold_and_frees_the_barcode(self, world: World) -> None:
        under = key()
        first = await accept(world, world.known.desk, under=under)
        await world.library.delete_temporary_item("ILL-880001", key())
        assert (await world.library.find_hold("REQ-1")).status is HoldStatus.CANCELLED
        assert await world.library.patron_holds(await patron_id(world, world.known.good)) == ()

        second = await accept(world, world.known.desk, under=under)
        assert not second.repeated
        assert (second.item.id, second.bib.id) != (first.item.id, first.bib.id)
        assert await world.library.item_by_barcode("ILL-880001") == second.item

    @needs(Capability.TEMPORARY_ITEM)
    async def test_our_own_items_are_not_deleted_this_way(self, world: World) -> None:
        with refused(RefusalReason.NOT_ALLOWED):
            await world.library.delete_temporary_item(world.known.shelf_item, key())

    @needs(Capability.TEMPORARY_ITEM, Capability.CHANGE_BARCODE)
    async def test_the_barcode_on_the_piece_takes_over(self, world: World) -> None:
        received = await accept(world, world.known.desk)
        under = key()
        changed = await world.library.change_barcode("ILL-880001", "39999000000018", under)

        # where the barcode is all that names an item, its id changes with it
        assert changed == replace(received.item, id=changed.id, barcode="39999000000018")
        assert await world.library.change_barcode("ILL-880001", "39999000000018", under) == changed
        with refused(RefusalReason.DUPLICATE_ITEM):
            await world.library.change_barcode("39999000000018", world.known.shelf_item, key())
        with refused(RefusalReason.NOT_ALLOWED):
            await world.library.change_barcode(world.known.shelf_item, "39999000000026", key())

    @needs(Capability.TEMPORARY_ITEM, Capability.SEARCH)
    async def test_a_lasting_item_is_found_by_words(self, world: World) -> None:
        wish = replace(partners_item(world, "39999000000034"), suppressed=False)
        received = await world.library.create_item(wish, key())

        assert not received.item.temporary
        assert await world.library.search_bibs("brucke МОСТОМ") == (received.bib,)


class LoanContract(PartOfContract):
    @needs(Capability.CHECK_OUT)
    async def test_a_loan_is_shown_everywhere(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        item = await world.library.item_by_barcode(world.known.shelf_item)

        assert loan.due > world.now()
        assert item.status is ItemStatus.ON_LOAN
        assert item.due == loan.due
        assert await world.library.item_loan(item.id) == loan
        assert await world.library.patron_loans(loan.patron_id) == (loan,)
        assert (await world.library.find_patron(world.known.good)).loan_count == 1

    @needs(Capability.CHECK_OUT, Capability.DUE_DATE_GIVEN)
    async def test_a_given_due_date_wins(self, world: World) -> None:
        due = datetime(world.now().year + 1, 1, 31, 22, 59, tzinfo=UTC)

        assert (await lend(world, world.known.shelf_item, world.known.good, due=due)).due == due

    @needs(Capability.CHECK_OUT)
    async def test_the_same_key_lends_once(self, world: World) -> None:
        under = key()
        first = await lend(world, world.known.shelf_item, world.known.good, under)

        assert await lend(world, world.known.shelf_item, world.known.good, under) == first
        with refused(RefusalReason.ON_LOAN_SAME_PATRON):
            await lend(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.ITEM_ON_LOAN):
            await lend(world, world.known.shelf_item, world.known.other)

    @needs(Capability.CHECK_OUT)
    async def test_who_and_what_cannot_be_lent_is_refused(self, world: World) -> None:
        for who, reason in (
            (world.known.blocked, RefusalReason.PATRON_BLOCKED),
            (world.known.expired, RefusalReason.PATRON_EXPIRED),
        ):
            with refused(reason):
                await lend(world, world.known.shelf_item, who)
        with refused(RefusalReason.ITEM_DOES_NOT_CIRCULATE):
            await lend(world, world.known.reference_item, world.known.good)
        with refused(RefusalReason.UNKNOWN_ITEM):
            await lend(world, "no-such-item", world.known.good)

    @needs(Capability.CHECK_OUT, Capability.OVERRIDE)
    async def test_what_has_happened_already_is_not_stopped_by_rules(self, world: World) -> None:
        blocked = await patron_id(world, world.known.blocked)
        due = world.now() + timedelta(days=9)
        for barcode in (world.known.shelf_item, world.known.reference_item):
            loan = await world.library.check_out(barcode, blocked, key(), due=due, override=True)
            assert loan.patron_id == blocked

    @needs(Capability.CHECK_OUT, Capability.HOLD_ITEM)
    async def test_an_item_kept_for_somebody_goes_to_nobody_else(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.REQUESTED_BY_OTHER):
            await lend(world, world.known.shelf_item, world.known.other)

        await lend(world, world.known.shelf_item, world.known.good)
        assert (await world.library.patron_holds(hold.patron_id)) == ()

    @needs(Capability.CHECK_OUT, Capability.HOLD_TITLE)
    async def test_a_title_hold_keeps_back_a_copy(self, world: World) -> None:
        """Some systems keep back all copies until one has been put on the hold shelf."""
        item = await world.library.item_by_barcode(world.known.copies[0])
        wish = HoldWish(await patron_id(world, world.known.good), world.known.desk, bib_id=item.bib_id)
        await world.library.place_hold(wish, key())

        reasons = []
        for barcode, who in zip(world.known.copies, (world.known.other, world.known.third), strict=True):
            try:
                await lend(world, barcode, who)
            except Refused as refusal:
                reasons.append(refusal.reason)
        assert reasons
        assert set(reasons) == {RefusalReason.REQUESTED_BY_OTHER}

    @needs(Capability.CHECK_OUT, Capability.DUE_DATE_CHANGE)
    async def test_a_due_date_can_be_set(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        due = loan.due + timedelta(days=3)
        under = key()

        assert await world.library.set_due_date(loan.id, due, under) == replace(loan, due=due)
        assert await world.library.set_due_date(loan.id, due, under) == replace(loan, due=due)

    @needs(Capability.RENEW, Capability.DUE_DATE_GIVEN)
    async def test_a_loan_is_renewed_once_per_key(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        under, due = key(), loan.due + timedelta(days=7)
        renewed = await world.library.renew_loan(world.known.shelf_item, under, patron_id=loan.patron_id, due=due)

        assert (renewed.renewals, renewed.due) == (1, due)
        assert await world.library.renew_loan(world.known.shelf_item, under, due=due) == renewed

    @needs(Capability.RENEW, Capability.DUE_DATE_GIVEN)
    async def test_a_renewal_that_does_not_move_the_date_is_refused(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        soon = loan.due - timedelta(days=1)
        for wish in ({"due": loan.due}, {"due": soon}, {"latest": soon}):
            with refused(RefusalReason.NOT_RENEWABLE):
                await world.library.renew_loan(world.known.shelf_item, key(), **wish)

        assert await world.library.item_loan(loan.item_id) == loan

    @needs(Capability.RENEW, Capability.DUE_DATE_GIVEN)
    async def test_what_cannot_be_renewed_is_refused(self, world: World) -> None:
        with refused(RefusalReason.NOT_CHECKED_OUT):
            await world.library.renew_loan(world.known.shelf_item, key())
        loan = await lend(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.NOT_CHECKED_OUT):
            other = await patron_id(world, world.known.other)
            await world.library.renew_loan(world.known.shelf_item, key(), patron_id=other)
        with refused(RefusalReason.RENEWAL_LIMIT_REACHED):
            for n in range(1, 21):
                due = loan.due + timedelta(days=n)
                await world.library.renew_loan(world.known.shelf_item, key(), due=due)

    @needs(Capability.RENEW, Capability.HOLD_ITEM)
    async def test_what_others_wait_for_is_not_renewed(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        await hold_item(world, world.known.shelf_item, world.known.other)
        with refused(RefusalReason.RENEWAL_HAS_REQUESTS):
            await world.library.renew_loan(world.known.shelf_item, key())

    @needs(Capability.RECALL)
    async def test_a_recall_shortens_a_loan(self, world: World) -> None:
        with refused(RefusalReason.NOT_CHECKED_OUT):
            await world.library.recall_loan(world.known.shelf_item, key())
        loan = await lend(world, world.known.shelf_item, world.known.good)
        under = key()
        recalled = await world.library.recall_loan(world.known.shelf_item, under)

        assert recalled.recalled is not None
        assert recalled.due < loan.due
        assert (await world.library.item_by_barcode(world.known.shelf_item)).status is ItemStatus.RECALLED
        assert await world.library.recall_loan(world.known.shelf_item, under) == recalled
        with refused(RefusalReason.NOT_RENEWABLE):
            await world.library.renew_loan(world.known.shelf_item, key())


class ReturnContract(PartOfContract):
    @needs(Capability.CHECK_IN)
    async def test_a_return_ends_the_loan(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        under = key()
        back = await world.library.check_in(world.known.shelf_item, under, at=world.known.desk)

        assert back.loan is not None
        assert back.loan.id == loan.id
        assert back.loan.returned is not None
        assert back.patron is not None
        assert back.patron.id == loan.patron_id
        assert back.item.status is ItemStatus.AVAILABLE
        assert back.route_to is None
        assert await world.library.item_loan(back.item.id) is None
        assert await world.library.check_in(world.known.shelf_item, under) == replace(back, repeated=True)
        with refused(RefusalReason.NOT_CHECKED_OUT):
            await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)

    @needs(Capability.CHECK_IN)
    async def test_an_item_returned_elsewhere_travels_home(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.other_desk)

        assert back.item.status is ItemStatus.IN_TRANSIT
        assert back.route_to is not None
        assert back.route_to.library == world.known.desk
        home = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        assert home.loan is None
        assert home.item.status is ItemStatus.AVAILABLE

    @needs(Capability.CHECK_IN, Capability.HOLD_ITEM)
    async def test_a_return_is_caught_for_the_next_hold(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        hold = await hold_item(world, world.known.shelf_item, world.known.other)
        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)

        assert back.next_hold is not None
        assert back.next_hold.id == hold.id
        assert back.next_hold.status is HoldStatus.READY
        assert back.item.status is ItemStatus.ON_HOLD_SHELF
        with refused(RefusalReason.REQUESTED_BY_OTHER):
            await lend(world, world.known.shelf_item, world.known.good)
        await lend(world, world.known.shelf_item, world.known.other)

    @needs(Capability.CHECK_IN, Capability.HOLD_ITEM)
    async def test_it_travels_to_the_next_holds_pickup_place(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        await hold_item(world, world.known.shelf_item, world.known.other, pickup=world.known.other_desk)
        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)

        assert back.item.status is ItemStatus.IN_TRANSIT
        assert back.next_hold is not None
        assert back.next_hold.status is HoldStatus.IN_TRANSIT
        assert back.route_to is not None
        assert back.route_to.library == world.known.other_desk

    @needs(Capability.CHECK_IN, Capability.HOLD_ITEM, Capability.LEAVE_HOLDS)
    async def test_a_hold_can_be_left_waiting(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        hold = await hold_item(world, world.known.shelf_item, world.known.other)
        back = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk, fill_hold=False)

        assert back.next_hold is None
        assert back.item.status is ItemStatus.AVAILABLE
        assert (await world.library.patron_holds(hold.patron_id))[0].status is HoldStatus.WAITING

    @needs(Capability.CHECK_IN, Capability.HOLD_CANCEL)
    async def test_a_cancelled_hold_frees_the_item(self, world: World) -> None:
        hold = await hold_item(world, world.known.shelf_item, world.known.good)
        await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        await world.library.cancel_hold(hold.id, key())

        assert (await world.library.item_by_barcode(world.known.shelf_item)).status is ItemStatus.AVAILABLE
        await lend(world, world.known.shelf_item, world.known.other)

    @needs(Capability.CHECK_IN, Capability.FEES_READ)
    async def test_a_late_return_costs_a_fine(self, world: World) -> None:
        loan = await lend(world, world.known.shelf_item, world.known.good)
        if not world.advance(loan.due - world.now() + timedelta(days=3)):
            pytest.skip("this library system has a clock of its own")
        await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        (fine,) = await world.library.patron_charges(loan.patron_id)

        assert fine.amount.amount > 0
        assert fine.item_barcode == world.known.shelf_item
        assert (await world.library.find_patron(world.known.good)).balance == fine.amount


class PlaceContract(PartOfContract):
    @needs(Capability.STATUS_UPDATE)
    async def test_a_status_is_set(self, world: World) -> None:
        under = key()
        missing = await world.library.set_item_status(world.known.shelf_item, ItemStatus.MISSING, under)

        assert missing.status is ItemStatus.MISSING
        assert await world.library.set_item_status(world.known.shelf_item, ItemStatus.MISSING, under) == missing
        with refused(RefusalReason.ITEM_NOT_AVAILABLE):
            await lend(world, world.known.shelf_item, world.known.good)
        found = await world.library.check_in(world.known.shelf_item, key(), at=world.known.desk)
        assert found.item.status is ItemStatus.AVAILABLE

    @needs(Capability.STATUS_UPDATE)
    async def test_an_item_on_loan_is_not_made_available_by_hand(self, world: World) -> None:
        await lend(world, world.known.shelf_item, world.known.good)
        with refused(RefusalReason.IN_USE):
            await world.library.set_item_status(world.known.shelf_item, ItemStatus.AVAILABLE, key())

    @needs(Capability.MOVE_LOCATION)
    async def test_an_item_goes_to_the_ill_desk_and_home(self, world: World) -> None:
        before = await world.library.item_by_barcode(world.known.shelf_item)
        moved = await world.library.move_to_ill(world.known.shelf_item, world.known.ill, key())

        assert moved.current.library == world.known.ill.library
        assert moved.home == before.home
        assert await world.library.return_home(world.known.shelf_item, key()) == before


class MoneyContract(PartOfContract):
    @needs(Capability.POST_FEE)
    async def test_a_fee_is_posted_once_per_key(self, world: World) -> None:
        who = await patron_id(world, world.known.good)
        fee = Money(Decimal("3.50"), world.known.currency)
        under = key()
        charge = await world.library.post_fee(who, fee, "ill-fee", under, request_id="REQ-3")

        assert charge.amount == fee
        assert await world.library.post_fee(who, fee, "ill-fee", under) == charge
        assert await world.library.patron_charges(who) == (charge,)
        assert (await world.library.find_patron(world.known.good)).balance == fee

    @needs(Capability.POST_FEE)
    async def test_a_wrong_amount_is_refused(self, world: World) -> None:
        who = await patron_id(world, world.known.good)
        for amount in (Money(Decimal(0), world.known.currency), Money(Decimal(1), "XTS")):
            with refused(RefusalReason.INVALID_AMOUNT):
                await world.library.post_fee(who, amount, "ill-fee", key())


class OnSqliteAlone:
    """For systems outside the store: all that they need there is the list of changes."""

    @pytest.fixture
    def store_url(self, migrated_database: Path, tmp_path: Path) -> str:
        return f"sqlite:///{shutil.copy(migrated_database, tmp_path / 'illgate.db')}"


class LibraryContract(
    PatronContract,
    NewPatronContract,
    CatalogueContract,
    HoldContract,
    TemporaryItemContract,
    LoanContract,
    ReturnContract,
    PlaceContract,
    MoneyContract,
):
    """All of it."""
