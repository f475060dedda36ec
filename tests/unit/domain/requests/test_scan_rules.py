"""What a scanned code means at each desk: the act, the volume, when it was done before, and what to look at."""

from __future__ import annotations

import pytest

from gateway.domain.requests.events import EventKind, LoanCondition
from gateway.domain.requests.request import (
    BorrowingState,
    LendingState,
    LoanTerms,
    PatronLink,
    Request,
    RequestFlag,
    Volume,
    VolumeState,
)
from gateway.domain.requests.scan_rules import (
    RULE_OF_WORK,
    ScanOutcome,
    ScanReason,
    ScanWork,
    choose_kind,
    find_scanned_volume,
    is_at_branch,
    is_over,
    list_pending_volumes,
    needs_item,
    outcome_of_reason,
    reason_after,
)
from tests.support.requests import borrowing, copy_of, lending

B, L, V, W = BorrowingState, LendingState, VolumeState, ScanWork
RECEIVE, SHELVE, LOCATE, SHIP = (RULE_OF_WORK[work] for work in (W.RECEIVE, W.SHELVE, W.LOCATE, W.SHIP))


def of_two(state: BorrowingState, first: VolumeState, second: VolumeState, in_transit: bool = False) -> Request:
    volumes = (
        Volume("1", "Bd. 1", barcode="T 1", state=first, in_transit=in_transit),
        Volume("2", "Bd. 2", theirs="BUW-2", state=second),
    )
    return borrowing(state, volumes=volumes)


# --- the act ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [L.NEW, L.HOLD_PLACED, L.CONDITIONAL])
def test_at_the_shelf_an_item_is_chosen_first(state: LendingState) -> None:
    assert choose_kind(LOCATE, lending(state)) is EventKind.LOCATED
    assert choose_kind(SHIP, lending(state)) is EventKind.SHIPPED


def test_at_the_shelf_a_chosen_item_is_promised() -> None:
    assert choose_kind(LOCATE, lending(L.LOCATED)) is EventKind.WILL_SUPPLY


# --- volumes ---------------------------------------------------------------------------------------------


def test_of_two_volumes_the_one_is_pending_that_has_not_come() -> None:
    request = of_two(B.SHIPPED, V.RECEIVED, V.SHIPPED)
    assert [one.id for one in list_pending_volumes(RECEIVE, request)] == ["2"]


def test_of_one_volume_none_is_named() -> None:
    assert list_pending_volumes(RECEIVE, borrowing(B.SHIPPED)) == ()


def test_a_set_is_chosen_at_the_shelf_as_a_whole() -> None:
    volumes = (Volume("1", "Bd. 1"), Volume("2", "Bd. 2"))
    assert list_pending_volumes(LOCATE, lending(L.NEW, volumes=volumes)) == ()
    assert list_pending_volumes(SHIP, lending(L.WILL_SUPPLY, volumes=volumes)) == volumes


def test_only_what_is_on_its_way_can_arrive() -> None:
    under_way = of_two(B.RECEIVED, V.RECEIVED, V.RECEIVED, in_transit=True)
    assert [one.id for one in list_pending_volumes(SHELVE, under_way)] == ["1"]


@pytest.mark.parametrize(("code", "volume"), [("t1", "1"), ("buw 2", "2"), ("T 3", None), ("", None)])
def test_a_volume_is_known_by_its_barcode_or_the_partner_s(code: str, volume: str | None) -> None:
    found = find_scanned_volume(of_two(B.SHIPPED, V.SHIPPED, V.SHIPPED), code)
    assert (found.id if found is not None else None) == volume


# --- done before -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("code", "over"), [("T 1", True), ("BUW-2", False), ("T 3", False)])
def test_a_volume_that_has_come_is_not_received_again_while_others_are_to_come(code: str, over: bool) -> None:
    assert is_over(RECEIVE, of_two(B.SHIPPED, V.RECEIVED, V.SHIPPED), code) is over


@pytest.mark.parametrize(("state", "over"), [(B.SHIPPED, False), (B.RECEIVED, True), (B.LENT, True)])
def test_what_was_received_is_over(state: BorrowingState, over: bool) -> None:
    assert is_over(RECEIVE, borrowing(state), "T 1") is over


def test_what_is_on_its_way_has_not_arrived() -> None:
    under_way = borrowing(B.RECEIVED, flags=frozenset({RequestFlag.IN_TRANSIT}))
    assert not is_over(SHELVE, under_way, "T 1")
    assert is_over(RECEIVE, under_way, "T 1")
    assert is_over(SHELVE, borrowing(B.RECEIVED), "T 1")


# --- what else is needed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("request_", "volume", "needed"),
    [
        (lending(L.WILL_SUPPLY), None, True),
        (lending(L.WILL_SUPPLY, item_barcode="31"), None, False),
        (lending(L.WILL_SUPPLY, item_barcode="31"), Volume("2"), True),
        (lending(L.WILL_SUPPLY), Volume("2", barcode="32"), False),
        (copy_of(lending(L.WILL_SUPPLY)), None, False),
    ],
)
def test_nothing_is_shipped_without_its_barcode_but_a_copy(
    request_: Request, volume: Volume | None, needed: bool
) -> None:
    assert needs_item(SHIP, request_, volume) is needed


def test_at_the_shelf_the_item_that_is_chosen_is_scanned() -> None:
    assert needs_item(LOCATE, lending(L.NEW, item_barcode="31"), None)
    assert not needs_item(LOCATE, lending(L.LOCATED), None)
    assert not needs_item(RECEIVE, borrowing(B.SHIPPED), None)


# --- what somebody has to know ---------------------------------------------------------------------------

IN_LIBRARY = LoanTerms(conditions=(LoanCondition.NO_RENEWAL, LoanCondition.SUPERVISED))


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (borrowing(B.RECEIVED), ScanReason.DONE),
        (borrowing(B.RECEIVED, terms=LoanTerms(conditions=(LoanCondition.NO_RENEWAL,))), ScanReason.DONE),
        (borrowing(B.RECEIVED, terms=IN_LIBRARY), ScanReason.LIBRARY_USE),
        (borrowing(B.RECEIVED, flags=frozenset({RequestFlag.IN_TRANSIT})), ScanReason.ELSEWHERE),
        (borrowing(B.RECEIVED, terms=IN_LIBRARY, flags=frozenset({RequestFlag.UNWANTED})), ScanReason.UNWANTED),
    ],
)
def test_what_has_come_is_said_to_be_unwanted_for_the_library_or_for_elsewhere(
    request_: Request, reason: ScanReason
) -> None:
    assert reason_after(RECEIVE, request_) is reason
    assert reason_after(SHELVE, request_) is reason
    assert reason_after(RULE_OF_WORK[W.RETURN], request_) is ScanReason.DONE


@pytest.mark.parametrize(
    ("reason", "outcome"),
    [
        (ScanReason.ALREADY, ScanOutcome.DONE),
        (ScanReason.ITEM_MISSING, ScanOutcome.LOOK),
        (ScanReason.UNKNOWN, ScanOutcome.FAILED),
    ],
)
def test_a_scan_is_done_needs_a_look_or_did_nothing(reason: ScanReason, outcome: ScanOutcome) -> None:
    assert outcome_of_reason(reason) is outcome


@pytest.mark.parametrize(
    ("branches", "here"),
    [((), True), (("SCI",), False), (("MAIN",), True), (("LAW",), False), (("LAW", "MAIN"), True)],
)
def test_a_desk_has_to_do_with_what_is_collected_there(branches: tuple[str, ...], here: bool) -> None:
    assert is_at_branch(borrowing(B.SHIPPED, branch="SCI"), branches) is here  # its patron collects at MAIN


def test_what_is_not_collected_is_seen_to_by_the_branch_of_its_patron() -> None:
    request = borrowing(B.SHIPPED, branch="SCI", patron=PatronLink("p-1", "17"))
    assert (is_at_branch(request, ("SCI",)), is_at_branch(request, ("MAIN",))) == (True, False)


def test_a_copy_is_not_collected_whatever_place_its_request_names() -> None:
    """Intake notes a usual place for all requests, the first of the library where the branch has none."""
    request = copy_of(borrowing(B.REQUESTED, branch="SCI"))  # MAIN is noted
    assert (is_at_branch(request, ("SCI",)), is_at_branch(request, ("MAIN",))) == (True, False)
    nowhere = copy_of(borrowing(B.REQUESTED))
    assert is_at_branch(nowhere, ("MAIN",)), "of nobody's branch"
