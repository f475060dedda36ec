"""What a library behind Koha can and can't do, and how its answers are understood."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from adapters.library.koha.reasons import CHECKOUT_KEYS, refusal_of_keys
from gateway.domain.library import BlockCause, BlockScope, HoldStatus, ItemStatus, Location, Money, RecordId
from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.ports.library_system import Capability, HoldWish, PatronKey
from rehearsal.fakes.fake_server import FaultKind
from rehearsal.fakes.koha import ALL_PERMISSIONS, make_item_body, make_marcxml, make_patron_body
from tests.library_contract.koha_world import KNOWN
from tests.unit.adapters.koha.place import ITEM, koha_place


async def refusal_of(coroutine: Coroutine[Any, Any, object]) -> Refused:
    with pytest.raises(Refused) as refused:
        await coroutine
    return refused.value


# --- what it can do ----------------------------------------------------------------------------------------


async def test_it_can_do_what_the_release_can(tmp_path: Path) -> None:
    lacks = frozenset({"POST /checkouts", "DELETE /items/{item_id}"})
    async with koha_place(tmp_path, access={"lacks": lacks}, checks_passwords=False) as place:
        capabilities = place.library.capabilities
        refused = await refusal_of(place.library.check_out(ITEM, await place.patron_id(), "k"))

    assert not {Capability.CHECK_OUT, Capability.TEMPORARY_ITEM, Capability.AUTHENTICATE} & capabilities
    assert not {Capability.CHECK_IN, Capability.DUE_DATE_GIVEN, Capability.SEARCH} & capabilities
    assert {Capability.HOLD_ITEM, Capability.RENEW, Capability.POST_FEE} <= capabilities
    assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE
    assert refused.detail == "The library system cannot check items out."


async def test_a_release_without_embeds_is_asked_in_more_calls(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        loan = await place.library.check_out(ITEM, await place.patron_id(), "k")
        place.library._client._known = replace(place.library._client.abilities, embeds={})

        assert await place.library.patron_loans(loan.patron_id) == (loan,)
        assert loan.title == "Вишнёвый сад"
        assert (await place.library.find_patron(KNOWN.good)).balance is None


async def test_two_changes_of_one_item_are_sent_one_after_the_other(tmp_path: Path) -> None:
    """What was asked before a change is still true when it is sent."""
    async with koha_place(tmp_path) as place:
        people = [await place.patron_id(KNOWN.good), await place.patron_id(KNOWN.other)]
        place.fake.clear_calls()
        calls = (place.library.check_out(ITEM, patron, patron) for patron in people)
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

        assert [one.reason for one in outcomes if isinstance(one, Refused)] == [RefusalReason.ITEM_ON_LOAN]
        assert [(call.method, call.path) for call in place.fake.calls].count(("POST", "/api/v1/checkouts")) == 1


async def test_it_starts_while_koha_is_down(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        place.fake.add_fault(FaultKind.MAINTENANCE, times=0)
        await place.restart()
        with pytest.raises(Unavailable, match="a web page instead of an API answer"):
            await place.library.find_patron(KNOWN.good)
        place.fake.clear_faults()
        assert (await place.library.find_patron(KNOWN.good)).id


async def test_a_token_that_has_ended_is_renewed_once_for_all(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        await place.patron_id()
        place.fake.do_damage("stale-tokens", "")
        place.fake.clear_calls()
        await asyncio.gather(*(place.library.item_by_barcode(ITEM) for _ in range(5)))

        assert [call.path for call in place.fake.calls].count("/api/v1/oauth/token") == 1


async def test_a_missing_permission_is_told_to_operators_until_it_is_given(tmp_path: Path) -> None:
    async with koha_place(tmp_path, access={"permissions": ALL_PERMISSIONS - {"reserveforothers"}}) as place:
        refused = await refusal_of(place.library.find_patron(KNOWN.good))
        assert refused.reason is RefusalReason.CALL_NOT_ACCEPTED
        (alert,) = place.library.alerts
        assert 'GET /holds: HTTP 403: the gateway\'s patron lacks a permission: {"reserveforothers": "1"}' in alert

        place.fake.access.permissions = ALL_PERMISSIONS
        assert (await place.library.find_patron(KNOWN.good)).id
        assert place.library.alerts == ()


async def test_a_question_that_koha_does_not_take_is_not_asked_again_and_again(tmp_path: Path) -> None:
    """Its document lists a parameter that it refuses: as if we had read it wrongly."""
    async with koha_place(tmp_path) as place:
        known = place.library._client.abilities
        more = {**known.embeds, "GET /items": frozenset({"biblio"}), "GET /checkouts": frozenset({"item"})}
        place.library._client._known = replace(known, embeds=more)
        refused = await refusal_of(place.library.patron_loans(await place.patron_id()))

    assert refused.reason is RefusalReason.CALL_NOT_ACCEPTED
    assert refused.internal == "GET /checkouts: HTTP 400: /x-koha-embed/0: Not in enum list: item."


async def test_a_list_that_is_not_there_is_not_an_empty_list(tmp_path: Path) -> None:
    """A path of 404 without a patron or record in it: the release has no such call."""
    async with koha_place(tmp_path, access={"lacks": frozenset({"GET /holds"})}) as place:
        assert (await refusal_of(place.library.find_patron(KNOWN.good))).reason is RefusalReason.CALL_NOT_ACCEPTED


async def test_a_cancellation_whose_answer_was_lost_is_not_done_because_the_next_question_is_refused(
    tmp_path: Path,
) -> None:
    async with koha_place(tmp_path) as place:
        hold = await place.library.place_hold(HoldWish(await place.patron_id(), "MAIN", item_barcode=ITEM), "k")
        place.fake.add_fault(FaultKind.LOSE_CALL, method="DELETE")
        with pytest.raises(OutcomeUnknown):
            await place.library.cancel_hold(hold.id, "cancel")
        place.fake.access.permissions = ALL_PERMISSIONS - {"reserveforothers"}
        assert (await refusal_of(place.library.cancel_hold(hold.id, "cancel"))).reason is (
            RefusalReason.CALL_NOT_ACCEPTED
        )
        place.fake.access.permissions = ALL_PERMISSIONS
        assert (await place.library.cancel_hold(hold.id, "cancel")).status is HoldStatus.CANCELLED
        assert not place.fake.state.holds


# --- patrons -----------------------------------------------------------------------------------------------


async def test_two_patrons_with_one_number_are_an_error(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        place.fake.do_damage("duplicate-patron", KNOWN.good.value)
        assert (await refusal_of(place.library.find_patron(KNOWN.good))).reason is RefusalReason.AMBIGUOUS_PATRON


async def test_a_number_counts_only_as_it_is_written(tmp_path: Path) -> None:
    """Koha compares without case and accents."""
    async with koha_place(tmp_path) as place:
        place.fake.state.add_patron(make_patron_body("GÄST-1", "Prüfer", "Uwe", "MAIN", "ADULT", "2030-01-01"))
        place.fake.state.add_item(max(place.fake.state.biblios), make_item_body("ab-1", "MAIN", "BK"))

        assert (await place.library.find_patron(PatronKey("GÄST-1"))).name.surname == "Prüfer"
        refused = await refusal_of(place.library.find_patron(PatronKey("gast-1")))
        assert refused.reason is RefusalReason.UNKNOWN_PATRON
        assert (await refusal_of(place.library.item_by_barcode("AB-1"))).reason is RefusalReason.UNKNOWN_ITEM


async def test_blocks_say_why_and_for_what(tmp_path: Path) -> None:
    async with koha_place(tmp_path, fine_limit="5") as place:
        row = next(one for one in place.fake.state.patrons.values() if one["cardnumber"] == KNOWN.good.value)
        row |= {"patron_card_lost": True, "incorrect_address": True}
        place.fake.state.add_debit(row["patron_id"], {"amount": 7.5, "type": "MANUAL"})
        patron = await place.library.find_patron(KNOWN.good)

    assert [block.reason for block in patron.blocks] == [
        "the card was reported lost",
        "the address is not confirmed",
        "fees above 5 EUR",
    ]
    assert [block.cause for block in patron.blocks] == [BlockCause.CARD_LOST, BlockCause.ADDRESS, BlockCause.FEES]
    assert patron.blocks[2].scopes == {BlockScope.BORROW}
    assert patron.balance == Money(Decimal("7.50"), "EUR")


async def test_numbers_for_yes_block_too(tmp_path: Path) -> None:
    """Koha's columns are tinyint: some releases and plugins give 1 and "1" instead of true."""
    async with koha_place(tmp_path) as place:
        row = next(one for one in place.fake.state.patrons.values() if one["cardnumber"] == KNOWN.good.value)
        row |= {"restricted": 1, "patron_card_lost": "1"}
        item = next(one for one in place.fake.state.items.values() if one["external_id"] == ITEM)
        item["lost_status"] = "1"

        assert len((await place.library.find_patron(KNOWN.good)).blocks) == 2
        assert (await place.library.item_by_barcode(ITEM)).status is ItemStatus.LOST


async def test_a_patron_who_has_vanished_is_refused(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        number = await place.patron_id()
        place.fake.do_damage("vanish-patron", KNOWN.good.value)
        for act in (
            place.library.check_out(ITEM, number, "k1"),
            place.library.place_hold(HoldWish(number, "MAIN", item_barcode=ITEM), "k2"),
            place.library.patron_loans(number),
            place.library.post_fee(number, Money(Decimal(1), "EUR"), "ill-fee", "k3"),
        ):
            assert (await refusal_of(act)).reason is RefusalReason.UNKNOWN_PATRON


async def test_lists_are_read_to_their_end(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        number = await place.patron_id()
        state = place.fake.state
        for count in range(230):
            biblio = state.add_biblio(make_marcxml(f"Sešit {count}", "Dvořák, Jiří"))
            state.add_checkout(
                state.patrons[int(number)], state.add_item(biblio, make_item_body(f"S{count}", "MAIN", "BK"))
            )

        assert len(await place.library.patron_loans(number)) == 230


# --- loans -------------------------------------------------------------------------------------------------


async def test_why_a_loan_is_refused_is_asked(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        number = await place.patron_id()
        place.fake.state.add_debit(int(number), {"amount": 25, "type": "MANUAL"})
        refused = await refusal_of(place.library.check_out(ITEM, number, "k"))
        assert (refused.reason, refused.internal) == (
            RefusalReason.PATRON_BLOCKED,
            "Checkout not authorized: DEBT",
        )
        await place.restart(confirmed=["DEBT"])
        assert (await place.library.check_out(ITEM, number, "k")).patron_id == number


def test_each_key_of_koha_has_a_reason_and_unknown_ones_are_kept() -> None:
    for key, reason in CHECKOUT_KEYS.items():
        assert refusal_of_keys([key, "item_notforloan"], {}).reason is reason
    assert refusal_of_keys(["PLUGIN_SAYS_NO"], {}).reason is RefusalReason.OTHER
    assert refusal_of_keys(["PLUGIN_SAYS_NO"], {}).internal == "Checkout not authorized: PLUGIN_SAYS_NO"
    own = {"plugin_says": RefusalReason.PATRON_BLOCKED}
    assert refusal_of_keys(["PLUGIN_SAYS_NO", "TOO_MANY"], own).reason is RefusalReason.PATRON_BLOCKED


async def test_a_loan_is_renewed_once_per_key_and_not_too_often(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        loan = await place.library.check_out(ITEM, await place.patron_id(), "loan", request_id="REQ-1")
        renewed = await place.library.renew_loan(ITEM, "r1", patron_id=loan.patron_id)

        assert (renewed.id, renewed.key, renewed.request_id, renewed.renewals) == (loan.id, "loan", "REQ-1", 1)
        assert renewed.due > loan.due
        assert await place.library.renew_loan(ITEM, "r1") == renewed
        assert await place.library.patron_loans(loan.patron_id) == (renewed,)
        for number in (2, 3):
            await place.library.renew_loan(ITEM, f"r{number}")
        assert (await refusal_of(place.library.renew_loan(ITEM, "r4"))).reason is RefusalReason.RENEWAL_LIMIT_REACHED
        other = await place.patron_id(KNOWN.other)
        refused = await refusal_of(place.library.renew_loan(ITEM, "r5", patron_id=other))
        assert refused.reason is RefusalReason.NOT_CHECKED_OUT
        due = await refusal_of(place.library.renew_loan(ITEM, "r6", due=renewed.due))
        assert due.reason is RefusalReason.UNSUPPORTED_SERVICE


async def test_after_a_return_at_the_desk_the_same_key_lends_again(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        first = await place.library.check_out(ITEM, await place.patron_id(), "loan")
        place.fake.do_damage("check-in", ITEM)
        second = await place.library.check_out(ITEM, await place.patron_id(), "loan")
        assert second.id != first.id


# --- holds -------------------------------------------------------------------------------------------------


async def test_a_hold_that_the_desk_has_filled_is_ready(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        await place.library.check_out(ITEM, await place.patron_id(KNOWN.other), "loan")
        wish = HoldWish(await place.patron_id(), "NORTH", "REQ-7", item_barcode=ITEM)
        hold = await place.library.place_hold(wish, "hold")
        place.fake.do_damage("check-in", ITEM)

        assert (await place.library.find_hold("REQ-7")).status is HoldStatus.READY
        assert (await place.library.item_by_barcode(ITEM)).status is ItemStatus.ON_HOLD_SHELF
        await place.library.check_out(ITEM, hold.patron_id, "loan 2")
        assert (await place.library.find_hold("REQ-7")).status is HoldStatus.FILLED


async def test_a_wish_to_cancel_that_is_only_written_down_is_no_cancellation(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        await place.library.check_out(ITEM, await place.patron_id(KNOWN.other), "loan")
        wish = HoldWish(await place.patron_id(), "NORTH", "REQ-7", item_barcode=ITEM)
        hold = await place.library.place_hold(wish, "hold")
        place.fake.do_damage("check-in", ITEM)
        place.fake.do_damage("request-flow", "")
        refused = await refusal_of(place.library.cancel_hold(hold.id, "cancel"))

        assert refused.reason is RefusalReason.NOT_ALLOWED
        assert "staff decide" in refused.detail
        assert (await place.library.find_hold("REQ-7")).status is HoldStatus.READY


# --- records and partners' items ---------------------------------------------------------------------------


async def test_several_records_with_one_number_are_an_error(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        place.fake.state.add_biblio(make_marcxml("Вишнёвый сад (2)", "Чехов, А. П.", isbn="978-0-00-001001-8 (br.)"))
        refused = await refusal_of(place.library.find_bib(RecordId("isbn", "9780000010018")))
        assert refused.reason is RefusalReason.AMBIGUOUS_ITEM
        refused = await refusal_of(place.library.find_bib(RecordId("isbn", "97800%")))
        assert refused.reason is RefusalReason.UNKNOWN_RECORD


async def test_a_partners_item_is_suppressed_and_keeps_any_script(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        wish = await place.make_wish()
        title = "«За мостом» & <紅楼夢>\x00 ‫שלום"
        made = await place.library.create_temporary_item(replace(wish, bib=replace(wish.bib, title=title)), "k")
        row = place.fake.state.biblios[int(made.bib.id)]

    assert row["title"] == "«За мостом» & <紅楼夢> ‫שלום"
    assert row["opac_suppressed"] is True
    assert (row["item_type"], made.item.policy) == ("ILL", "ILL")


async def test_branch_and_item_type_may_be_left_to_the_library(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        wish = replace(await place.make_wish(), location=Location(""), policy="")
        made = await place.library.create_temporary_item(wish, "k")
        assert (made.item.home.library, made.item.policy) == ("RS", "ILL")
        assert (await place.library.move_to_ill(ITEM, Location(""), "move")).current.library == "RS"


async def test_a_refused_hold_takes_the_item_back(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        wish = await place.make_wish()
        place.fake.state.max_holds = 0
        before = len(place.fake.state.items), len(place.fake.state.biblios)
        refused = await refusal_of(place.library.create_temporary_item(wish, "k"))

        assert refused.reason is RefusalReason.LIMIT_REACHED
        assert (len(place.fake.state.items), len(place.fake.state.biblios)) == before
        place.fake.state.max_holds = 10
        assert (await place.library.create_temporary_item(wish, "k")).hold is not None


async def test_a_record_that_has_lost_its_item_is_made_anew(tmp_path: Path) -> None:
    async with koha_place(tmp_path) as place:
        first = await place.library.create_temporary_item(replace(await place.make_wish(), hold=None), "k")
        place.fake.do_damage("half-written-record", "ILL-1")
        second = await place.library.create_temporary_item(replace(await place.make_wish(), hold=None), "k")
        assert second.item.id != first.item.id
        assert (await place.library.item_by_barcode("ILL-1")).id == second.item.id


async def test_an_item_goes_to_a_shelf_and_back_to_its_own(tmp_path: Path) -> None:
    """Koha forgets the home shelf of an item that moves."""
    async with koha_place(tmp_path) as place:
        row = next(one for one in place.fake.state.items.values() if one["external_id"] == ITEM)
        row |= {"location": "STACK", "permanent_location": "STACK"}
        before = await place.library.item_by_barcode(ITEM)
        await place.library.move_to_ill(ITEM, replace(KNOWN.ill, shelf="ILLSHELF"), "move")
        assert row["location"] == "ILLSHELF"

        assert await place.library.return_home(ITEM, "back") == before
        assert (row["location"], row["holding_library_id"]) == ("STACK", "MAIN")


async def test_own_items_are_moved_only_where_the_library_wants_it(tmp_path: Path) -> None:
    """Koha forgets the subfields that have no column."""
    async with koha_place(tmp_path, moves_items=False) as place:
        row = next(one for one in place.fake.state.items.values() if one["external_id"] == ITEM)
        row["extended_subfields"] = "<collection>…</collection>"
        assert Capability.MOVE_LOCATION not in place.library.capabilities
        refused = await refusal_of(place.library.move_to_ill(ITEM, KNOWN.ill, "move"))
        assert refused.reason is RefusalReason.UNSUPPORTED_SERVICE
        assert row["extended_subfields"]
        await place.library.create_temporary_item(await place.make_wish(), "k")
        assert (await place.library.change_barcode("ILL-1", "ILL-2", "barcode")).barcode == "ILL-2"

        await place.restart(moves_items=True)
        await place.library.move_to_ill(ITEM, KNOWN.ill, "move")
        assert row["extended_subfields"] is None


async def test_calls_go_out_together_where_nothing_hangs_on_another(tmp_path: Path) -> None:
    """Two questions in one step, and four calls in three."""
    async with koha_place(tmp_path, seconds={"connect": 10, "look_up": 10, "change": 10}) as place:
        number = await place.patron_id()
        place.fake.add_fault(FaultKind.DELAY, seconds=1, times=0)
        for act, steps in (
            (lambda: place.library.patron_loans(number), 1),  # it has none: no items are asked for
            (lambda: place.library.check_out(ITEM, number, "k"), 3),
        ):
            begun = asyncio.get_running_loop().time()
            await act()
            took = asyncio.get_running_loop().time() - begun
            assert steps <= took < steps + 0.9, f"{took:.2f} s for {steps} steps"


async def test_nobody_is_named_in_the_log(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with koha_place(tmp_path) as place:
        wish = HoldWish(await place.patron_id(), "MAIN", item_barcode=ITEM)
        place.fake.add_fault(FaultKind.LOSE_REPLY, method="POST", path="/holds")
        await place.library.place_hold(wish, "k")
        place.fake.add_fault(FaultKind.ERROR_500, times=0)
        with pytest.raises(Unavailable) as down:
            await place.library.find_patron(KNOWN.good)

    said = capsys.readouterr().out + str(down.value)
    assert "library.answer_lost" in said
    assert KNOWN.good.value not in said
    assert "Müller" not in said
