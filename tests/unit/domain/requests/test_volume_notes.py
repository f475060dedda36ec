"""Volumes in notes: what one side says by rule the other reads; other words stay words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests.events import Event, EventDetails, partner_signal
from gateway.domain.requests.events import EventKind as K
from gateway.domain.requests.request import Request, Volume
from gateway.domain.requests.request_messages import is_message_to_read
from gateway.domain.requests.volume_notes import MAX_VOLUMES, read_named_volumes, read_wanted_volumes, tell_volumes
from tests.support.requests import borrowing

LABEL = st.text(st.characters(exclude_categories=("C",)), max_size=40)


def of_volumes(*labels: str, note: str = "") -> Request:
    volumes = tuple(Volume(str(number), label) for number, label in enumerate(labels, 1))
    request = borrowing(volumes=volumes)
    return replace(request, citation=replace(request.citation, note=note))


@given(st.lists(LABEL, min_size=2, max_size=12), LABEL)
def test_wanted_volumes_are_read_as_they_were_said(labels: list[str], note: str) -> None:
    request, _ = tell_volumes(of_volumes(*labels, note=note), K.REQUEST, EventDetails())

    read = read_wanted_volumes(request.citation.note)

    expected = [" ".join(label.split()).replace("; ", ", ") for label in labels]
    assert list(read) == expected


def test_the_words_are_plain() -> None:
    request, _ = tell_volumes(of_volumes("Bd. 1", "", note="Dünndruck, bitte"), K.REQUEST, EventDetails())
    assert request.citation.note == "volume 1 of 2: Bd. 1; volume 2 of 2; Dünndruck, bitte"


def test_volumes_that_came_in_words_are_named_once_to_the_next_supplier() -> None:
    note = "volume 1 of 2: Bd. 1; volume 2 of 2; ship to: Tartu"
    request, _ = tell_volumes(of_volumes("Bd. 1", "", note=note), K.REQUEST, EventDetails())
    assert request.citation.note == note


def test_a_volume_that_came_in_words_is_named_once_to_the_other_side() -> None:
    note = "volume 2 of 2; Einband lose"
    _, details = tell_volumes(of_volumes("", ""), K.SHIPPED, EventDetails(note=note, volumes=("2",)))
    assert details.note == note


def test_a_missing_volume_that_came_in_words_is_named_once_to_the_other_side() -> None:
    came = EventDetails(note="missing: volume 2 of 2: Bd. 2; The parcel was open.")
    told = tell_volumes(of_volumes("Bd. 1", "Bd. 2"), K.RECEIVED, read_named_volumes(K.RECEIVED, came))[1]
    assert (told.missing, told.note) == (("2",), came.note)


def test_what_would_end_a_term_is_written_as_a_comma() -> None:
    request, _ = tell_volumes(of_volumes("Teil A; Register", ""), K.REQUEST, EventDetails())
    assert request.citation.note == "volume 1 of 2: Teil A, Register; volume 2 of 2"


@pytest.mark.parametrize(("count", "read"), [(MAX_VOLUMES, MAX_VOLUMES), (MAX_VOLUMES + 1, 0)])
def test_a_set_has_so_many_volumes_and_no_more(count: int, read: int) -> None:
    request, _ = tell_volumes(of_volumes(*[""] * count), K.REQUEST, EventDetails())
    assert len(read_wanted_volumes(request.citation.note)) == read


@pytest.mark.parametrize(
    ("note", "volumes"),
    [
        ("volume 1 of 3; volume 2 of 3", ("1", "2")),
        ("volume 3 of 3", ("3",)),
        ("volume 0 of 3", ()),
        ("volume 4 of 3", ()),
    ],
)
def test_volumes_of_an_event_are_those_that_the_set_has(note: str, volumes: tuple[str, ...]) -> None:
    assert read_named_volumes(K.SHIPPED, EventDetails(note=note)).volumes == volumes


def test_one_piece_without_a_name_says_nothing() -> None:
    request, _ = tell_volumes(of_volumes("", note="eilt"), K.REQUEST, EventDetails())
    assert request.citation.note == "eilt"
    assert read_wanted_volumes("eilt") == ()


def test_one_named_volume_is_said() -> None:
    request, _ = tell_volumes(of_volumes("Том 3"), K.REQUEST, EventDetails())
    assert read_wanted_volumes(request.citation.note) == ("Том 3",)


@pytest.mark.parametrize(
    "note",
    [
        "volume 1 of 2: Bd. 1",  # the other was cut off
        "volume 2 of 2; volume 1 of 2",
        "volume 1 of 2; volume 2 of 3",
        "volume 1 of 2; volume 1 of 2; volume 2 of 2",
        "volume 0 of 0",
        "the volume 1 of 1",
        "volume 12 of the journal",
    ],
)
def test_what_does_not_name_all_of_them_stays_words(note: str) -> None:
    assert read_wanted_volumes(note) == ()


@pytest.mark.parametrize("kind", [K.SHIPPED, K.RETURNED, K.LOST, K.DAMAGED])
def test_an_event_names_the_volumes_that_it_is_about(kind: K) -> None:
    details = EventDetails(volumes=("2",), note="im Schuber")
    _, told = tell_volumes(of_volumes("Bd. 1", "Bd. 2"), kind, details)

    assert told.note == "volume 2 of 2: Bd. 2; im Schuber"
    read = read_named_volumes(kind, replace(told, volumes=()))
    assert (read.volumes, read.note) == (("2",), told.note)


@pytest.mark.parametrize("kind", [K.RECEIVED, K.CHECKED_IN])
def test_what_is_told_with_the_last_volume_is_about_all(kind: K) -> None:
    _, told = tell_volumes(of_volumes("Bd. 1", "Bd. 2"), kind, EventDetails(volumes=("2",)))
    assert told.note == ""


def test_an_event_about_all_names_none() -> None:
    _, told = tell_volumes(of_volumes("Bd. 1", "Bd. 2"), K.SHIPPED, EventDetails(note="heute"))
    assert told.note == "heute"


def test_talk_about_volumes_is_talk() -> None:
    assert read_named_volumes(K.MESSAGE, EventDetails(note="volume 2 of 2")).volumes == ()


def test_volumes_of_a_field_outweigh_those_of_the_note() -> None:
    said = EventDetails(volumes=("1",), note="volume 2 of 2")
    assert read_named_volumes(K.SHIPPED, said).volumes == ("1",)


def test_only_what_somebody_wrote_besides_is_to_be_read() -> None:
    signal = partner_signal(K.SHIPPED)
    at = datetime(2026, 3, 2, tzinfo=UTC)
    by_rule = Event(signal, at, "partner:FJORDBY", EventDetails(note="volume 1 of 2: Bind 1; volume 2 of 2"))
    written = Event(signal, at, "partner:FJORDBY", EventDetails(note="volume 1 of 2: Bind 1; permen er løs"))

    assert not is_message_to_read(by_rule)
    assert is_message_to_read(written)
