"""Who has a request open: from what pages say, forgotten when they say nothing more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gateway.domain.clock import FixedClock
from gateway.web.staff.request_viewers import MAX_REQUESTS, MAX_VIEWERS, RequestViewers

NINE = datetime(2026, 4, 7, 9, tzinfo=UTC)


def names(readers: RequestViewers, user: str = "ruth", request: str = "r-1") -> list[tuple[str, bool]]:
    return [(one.shown_name, one.is_there) for one in readers.list_others("DEMO", request, user)]


def test_a_page_that_says_nothing_more_is_closed_after_a_minute() -> None:
    clock = FixedClock(NINE)
    readers = RequestViewers(clock)
    readers.note_opening("DEMO", "r-1", "ana", "Ana Ćosić")
    readers.note_reading("DEMO", "r-1", "ana", "Ana Ćosić")
    readers.note_opening("DEMO", "r-1", "ruth", "Ruth Okafor")

    assert names(readers) == [("Ana Ćosić", True)]
    assert names(readers, "ana") == [("Ruth Okafor", True)]
    assert names(readers, request="r-2") == []
    assert readers.list_others("WEST", "r-1", "ruth") == []

    clock.advance(timedelta(seconds=61))
    assert names(readers) == []


def test_a_page_without_script_is_told_for_ten_minutes_by_when_it_was_opened() -> None:
    clock = FixedClock(NINE)
    readers = RequestViewers(clock)
    readers.note_opening("DEMO", "r-1", "ana", "Ana Ćosić")
    clock.advance(timedelta(minutes=2))
    readers.note_reading("DEMO", "r-1", "miyu", "森 美結")

    assert names(readers) == [("森 美結", True), ("Ana Ćosić", False)]
    assert readers.list_others("DEMO", "r-1", "ruth")[1].since == NINE
    clock.advance(timedelta(minutes=9))
    assert names(readers) == []


def test_what_is_known_has_an_end() -> None:
    readers = RequestViewers(FixedClock(NINE))
    for n in range(MAX_VIEWERS + 5):
        readers.note_opening("DEMO", "r-1", f"user-{n}", f"User {n}")
    assert len(names(readers)) == MAX_VIEWERS
    for n in range(MAX_REQUESTS):
        readers.note_opening("DEMO", f"other-{n}", "ana", "Ana Ćosić")
    assert names(readers) == []
