"""The volumes of a set: what they are called, which item of ours each of them is, and where each of them stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.requests.events import EventKind, ShippedItem, local_signal
from gateway.domain.requests.request import BorrowingState, LendingState, Volume, VolumeState
from gateway.domain.requests.state_table import DenialReason
from gateway.domain.requests.volume_updates import list_items_out, update_volumes
from tests.support.requests import (
    DUE,
    Story,
    asked_story,
    borrowing,
    event,
    in_volumes,
    lending,
    letters,
    sent_story,
    shipped_story,
    told,
)


def barcodes(story: Story) -> list[str]:
    return [one.barcode for one in story.request.volumes]


def states(story: Story) -> list[VolumeState]:
    return [one.state for one in story.request.volumes]


# --- a further one ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("known", "number"), [(("1",), "2"), (("1", "2"), "3"), (("2", "3"), "4"), (("I", "2"), "3")])
def test_a_further_volume_has_a_number_that_no_other_has(known: tuple[str, ...], number: str) -> None:
    there = tuple(Volume(one, f"Bd. {one}") for one in known)
    story = Story(borrowing(BorrowingState.REVIEW, volumes=there))
    story.us(EventKind.EDIT, further_volume="Registerband")
    assert story.request.volumes == (*there, Volume(number, "Registerband"))


# --- which item of ours ----------------------------------------------------------------------------------


def located_set() -> Story:
    story = Story(in_volumes(lending(), 2))
    story.us(EventKind.LOCATED)
    return story


def test_each_volume_of_a_set_goes_out_as_an_item_of_its_own() -> None:
    story = located_set()
    story.us(EventKind.SHIPPED, volumes=("2",), barcode="32", due=DUE)
    assert barcodes(story) == ["", "32"]
    story.us(EventKind.SHIPPED, volumes=("1",), barcode="31", due=DUE)
    assert barcodes(story) == ["31", "32"]


def test_one_barcode_for_a_whole_set_is_that_of_no_volume() -> None:
    story = located_set()
    story.us(EventKind.SHIPPED, barcode="31", due=DUE)
    assert barcodes(story) == ["", ""]


def test_the_only_volume_need_not_be_named() -> None:
    story = Story(lending())
    story.us(EventKind.LOCATED, barcode="31")
    story.us(EventKind.SHIPPED, barcode="32", due=DUE)
    assert barcodes(story) == ["32"]


def test_a_barcode_that_is_read_at_its_return_does_not_change_what_went_out() -> None:
    story = Story(lending())
    story.us(EventKind.SHIPPED, barcode="31", due=DUE)
    story.us(EventKind.CHECKED_IN, barcode="99")
    assert barcodes(story) == ["31"]


# --- where it stands -------------------------------------------------------------------------------------


def test_what_has_gone_back_is_not_lent_with_the_others() -> None:
    story = shipped_story(in_volumes(borrowing(), 2))
    story.us(EventKind.RECEIVED)
    story.us(EventKind.LOANED_TO_PATRON)
    story.us(EventKind.RETURNED_BY_PATRON, volumes=("1",))
    story.us(EventKind.RETURNED, volumes=("1",))
    story.us(EventKind.LOANED_TO_PATRON)
    assert states(story) == [VolumeState.RETURNED, VolumeState.LENT]


def test_a_volume_that_was_added_since_is_received_and_the_patron_is_told_again() -> None:
    story = shipped_story()
    story.us(EventKind.RECEIVED)
    assert story.no_us(EventKind.RECEIVED).why is DenialReason.UNMET, "all of it is here"
    story.us(EventKind.EDIT, further_volume="Registerband")
    assert story.no_us(EventKind.RECEIVED, volumes=("1",)).why is DenialReason.UNMET
    further = story.us(EventKind.RECEIVED, volumes=("2",))
    assert (letters(further), told(further)) == (("available",), ((EventKind.RECEIVED, 1),))
    assert states(story) == [VolumeState.RECEIVED, VolumeState.RECEIVED]

    story.us(EventKind.EDIT, further_volume="Tafelband")
    assert letters(story.us(EventKind.RECEIVED)) == ("available",)
    assert states(story) == [VolumeState.RECEIVED] * 3


def test_a_return_told_after_check_in_leaves_the_volume_checked_in() -> None:
    story = sent_story(in_volumes(lending(), 2))
    story.us(EventKind.CHECKED_IN, volumes=("1",))
    story.partner(EventKind.RETURNED)
    assert states(story) == [VolumeState.CHECKED_IN, VolumeState.RETURNED]


def test_a_volume_that_was_never_sent_is_neither_returned_nor_checked_in_nor_lost() -> None:
    story = Story(in_volumes(lending(), 2))
    story.us(EventKind.LOCATED)
    story.us(EventKind.SHIPPED, volumes=("2",), barcode="32", due=DUE)
    story.partner(EventKind.RETURNED)
    assert (story.state, states(story)) == (LendingState.RETURNED, [VolumeState.EXPECTED, VolumeState.RETURNED])
    story.us(EventKind.CHECKED_IN)
    assert (story.state, states(story)) == (LendingState.COMPLETED, [VolumeState.EXPECTED, VolumeState.CHECKED_IN])

    lost = Story(in_volumes(lending(), 2))
    lost.us(EventKind.LOCATED)
    lost.us(EventKind.SHIPPED, volumes=("2",), barcode="32", due=DUE)
    lost.partner(EventKind.LOST)
    assert states(lost) == [VolumeState.EXPECTED, VolumeState.LOST]


def test_what_comes_without_a_name_is_the_volume_that_was_sent() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    story.partner(EventKind.SHIPPED, 1, volumes=("1",), barcode="a", due=DUE)
    first = story.us(EventKind.RECEIVED)
    assert (story.state, states(story)) == (BorrowingState.SHIPPED, [VolumeState.RECEIVED, VolumeState.EXPECTED])
    assert letters(first) == (), "the other is outstanding"
    last = story.us(EventKind.RECEIVED)
    assert (story.state, states(story), letters(last)) == (
        BorrowingState.RECEIVED,
        [VolumeState.RECEIVED, VolumeState.RECEIVED],
        ("available",),
    )


def test_what_comes_before_its_message_is_all_of_it() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    story.us(EventKind.RECEIVED)
    assert (story.state, states(story)) == (BorrowingState.RECEIVED, [VolumeState.RECEIVED, VolumeState.RECEIVED])


def test_a_volume_that_never_came_is_not_checked_in_with_the_others() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    story.partner(EventKind.SHIPPED, 1, volumes=("1",), barcode="a", due=DUE)
    story.us(EventKind.RECEIVED)
    story.us(EventKind.RETURNED)
    assert (story.state, states(story)) == (BorrowingState.RETURNED, [VolumeState.RETURNED, VolumeState.EXPECTED])
    story.partner(EventKind.CHECKED_IN, 1)
    assert (story.state, states(story)) == (BorrowingState.COMPLETED, [VolumeState.CHECKED_IN, VolumeState.EXPECTED])


def test_a_lost_volume_is_not_shipped_with_the_others() -> None:
    story = located_set()
    first, second = story.request.volumes
    story.request = replace(story.request, volumes=(replace(first, state=VolumeState.LOST), second))
    story.us(EventKind.SHIPPED, due=DUE)
    assert states(story) == [VolumeState.LOST, VolumeState.SHIPPED]


# --- several items in one message of the supplier --------------------------------------------------------


def test_items_are_the_volumes_that_are_called_so() -> None:
    story = asked_story(in_volumes(borrowing(), 3))
    story.partner(EventKind.SHIPPED, items=(ShippedItem("c", "VOL 3"), ShippedItem("a", "Vol 1")))
    assert numbers_of(story) == ["a", "", "c"]
    assert states(story) == [VolumeState.SHIPPED, VolumeState.EXPECTED, VolumeState.SHIPPED]


def test_items_without_names_are_the_volumes_in_their_order() -> None:
    story = asked_story(in_volumes(borrowing(), 3))
    story.partner(EventKind.SHIPPED, volumes=("1",), items=(ShippedItem("a"),))
    story.partner(EventKind.SHIPPED, volumes=("2", "3"), items=(ShippedItem("a"), ShippedItem("b"), ShippedItem("c")))
    assert numbers_of(story) == ["a", "b", "c"]


def test_items_that_are_not_plain_are_nobody_s() -> None:
    story = asked_story(in_volumes(borrowing(), 3))
    story.partner(EventKind.SHIPPED, items=(ShippedItem("a"), ShippedItem("b")))
    assert numbers_of(story) == ["", "", ""]
    assert states(story) == [VolumeState.SHIPPED] * 3


def test_one_piece_that_comes_as_two_is_two_volumes() -> None:
    story = asked_story()
    story.partner(EventKind.SHIPPED, items=(ShippedItem("a", "Textband"), ShippedItem("b", "Tafelband")))
    assert [(one.id, one.label, one.theirs) for one in story.request.volumes] == [
        ("1", "Textband", "a"),
        ("2", "Tafelband", "b"),
    ]
    assert states(story) == [VolumeState.SHIPPED] * 2


def test_a_piece_that_is_called_by_its_whole_title_is_its_volume() -> None:
    story = asked_story(in_volumes(borrowing(), 2))
    title = story.request.citation.title
    named = (ShippedItem("b", f"{title}, Vol 2", "P 2"), ShippedItem("", f"{title.upper()} : Vol 1", "P 1"))
    story.partner(EventKind.SHIPPED, items=named)

    assert [(one.theirs, one.call_number) for one in story.request.volumes] == [("", "P 1"), ("b", "P 2")]
    assert states(story) == [VolumeState.SHIPPED] * 2


def test_pieces_that_are_called_by_the_title_alone_have_no_label() -> None:
    story = asked_story()
    title = story.request.citation.title
    story.partner(EventKind.SHIPPED, items=(ShippedItem("a", title, "P 1"), ShippedItem("b", f"{title}e", "P 2")))

    assert [(one.label, one.theirs) for one in story.request.volumes] == [("", "a"), (f"{title}e", "b")]


def test_a_call_number_ends_with_its_supplier() -> None:
    story = asked_story()
    story.partner(EventKind.SHIPPED, 1, items=(ShippedItem("a", "", "P 1"),))
    assert story.request.volumes[0].call_number == "P 1"
    (anew,) = update_volumes(story.request, event(local_signal(EventKind.REQUEST)))
    assert (anew.theirs, anew.call_number) == ("", "")


def test_what_is_out_is_known_by_its_own_numbers() -> None:
    story = located_set()
    assert list_items_out(story.request) == ()
    story.us(EventKind.SHIPPED, volumes=("2",), barcode="32", due=DUE)
    assert list_items_out(story.request) == ("32",)
    located = Story(lending())
    located.us(EventKind.LOCATED, barcode="31")
    assert list_items_out(located.request) == ()
    located.us(EventKind.SHIPPED, due=DUE)
    assert list_items_out(located.request) == ("31",)


def numbers_of(story: Story) -> list[str]:
    """The supplier's."""
    return [one.theirs for one in story.request.volumes]


def test_what_is_missing_is_not_here_though_it_was_named() -> None:
    story = shipped_story(in_volumes(borrowing(), 3))
    story.us(EventKind.RECEIVED, volumes=("1", "2"), missing=("2",))
    assert states(story) == [VolumeState.RECEIVED, VolumeState.EXPECTED, VolumeState.SHIPPED]
