"""Pauses, verdicts and circuit breakers, without a store."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.problems import OutcomeUnknown, RefusalReason, Refused, Unavailable
from gateway.services.outbox import AttemptOutcome, OutboxOptions
from gateway.services.outbox.attempts import (
    NEVER_ENDED,
    CircuitBreakers,
    GiveUp,
    ScheduleRetry,
    backoff_delay,
    can_have_arrived,
    decide_retry,
    find_unknown_try,
    replace_report,
)
from gateway.services.outbox.queue import RouteSlots
from gateway.settings.sections import OutboxSettings
from gateway.store.requests.outbox import Route
from tests.unit.services.outbox.support import a_row

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
OPTIONS = OutboxOptions(first_seconds=10, longest_seconds=3600, max_tries=20)
ZENTRAL = Route("partner", target="zentral")


def most() -> float:
    return 1.0


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


# --- verdicts --------------------------------------------------------------------------------------------


def test_pauses_double_up_to_the_longest() -> None:
    assert [backoff_delay(n, OPTIONS, most) for n in (1, 2, 3, 9, 10, 1000)] == [
        seconds(n) for n in (10, 20, 40, 2560, 3600, 3600)
    ]


@given(st.integers(1, 10_000), st.floats(0, 1, exclude_max=True))
def test_a_pause_is_never_nothing_and_never_too_long(count: int, drawn: float) -> None:
    found = backoff_delay(count, OPTIONS, lambda: drawn).total_seconds()

    assert 1 <= found <= OPTIONS.longest_seconds


def test_failures_are_counted_for_as_long_as_they_are_of_one_kind() -> None:
    error = ""
    texts = []
    for tries, failure in enumerate(
        (Unavailable("down"), Unavailable("down"), OutcomeUnknown("gone"), ValueError()), 1
    ):
        found = decide_retry(failure, tries, error, OPTIONS, most)
        assert isinstance(found, ScheduleRetry)
        error = found.error
        texts.append((error, found.after.total_seconds()))

    assert texts == [
        ("unavailable (1): down", 10),
        ("unavailable (2): down", 20),
        ("outcome unknown (1): gone", 40),
        ("internal error (1): ValueError (see the log)", 10),
    ]


def test_a_refusal_is_the_end_at_once_without_the_value_that_was_refused() -> None:
    refused = Refused(
        RefusalReason.UNKNOWN_PATRON, "The patron is not known.", value="2100 4711", internal="no such borrower"
    )

    assert decide_retry(refused, 1, "", OPTIONS, most) == GiveUp(
        AttemptOutcome.REFUSED, "refused: unknown-patron: The patron is not known."
    )


def test_a_long_text_is_cut() -> None:
    found = decide_retry(Unavailable("ö" * 5000), 1, "", OPTIONS, most)

    assert len(found.error) == 1000
    assert found.error.endswith("…")


# --- breakers --------------------------------------------------------------------------------------------


def test_it_opens_after_failures_in_a_row_and_lets_one_pass_after_a_while() -> None:
    breakers = CircuitBreakers(failures=3, seconds=60)

    assert [breakers.record_failure(ZENTRAL, row, NOON) for row in "abc"] == [False, False, True]
    assert not breakers.allow_attempt(ZENTRAL, NOON + seconds(59))
    assert breakers.blocked_routes(NOON) == {ZENTRAL}
    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(60)), "the probe"
    assert not breakers.allow_attempt(ZENTRAL, NOON + seconds(61)), "which the others wait for"

    breakers.record_answer(ZENTRAL, "x")
    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(61))
    assert breakers.open_count == 0


def test_a_probe_that_fails_opens_it_again_and_one_that_is_lost_does_not_shut_it_for_ever() -> None:
    breakers = CircuitBreakers(failures=1, seconds=60)
    breakers.record_failure(ZENTRAL, "a", NOON)

    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(60))
    assert not breakers.record_failure(ZENTRAL, "b", NOON + seconds(70)), "it was open already"
    assert not breakers.allow_attempt(ZENTRAL, NOON + seconds(129))
    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(130))
    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(190)), "the one before never came back"


def test_one_answer_between_failures_starts_the_count_anew_and_others_are_not_touched() -> None:
    breakers = CircuitBreakers(failures=2, seconds=60)
    breakers.record_failure(ZENTRAL, "a", NOON)
    breakers.record_answer(ZENTRAL, "x")
    breakers.record_failure(ZENTRAL, "b", NOON)

    assert breakers.allow_attempt(ZENTRAL, NOON)
    breakers.record_failure(ZENTRAL, "c", NOON)
    assert not breakers.allow_attempt(ZENTRAL, NOON)
    assert breakers.allow_attempt(Route("partner", target="stadt"), NOON)


def test_a_row_counts_once_however_often_it_fails() -> None:
    breakers = CircuitBreakers(failures=2, seconds=60)

    assert not any(breakers.record_failure(ZENTRAL, "a", NOON + seconds(n)) for n in range(50))
    assert breakers.allow_attempt(ZENTRAL, NOON + seconds(50))
    assert breakers.record_failure(ZENTRAL, "b", NOON + seconds(51))


def test_rows_that_failed_while_others_were_answered_do_not_count_again_until_they_are_answered() -> None:
    breakers = CircuitBreakers(failures=2, seconds=60)
    for row in "ab":
        breakers.record_failure(ZENTRAL, row, NOON)
    breakers.record_answer(ZENTRAL, "c")

    assert not any(breakers.record_failure(ZENTRAL, row, NOON) for row in "abab")
    breakers.record_answer(ZENTRAL, "a")
    assert [breakers.record_failure(ZENTRAL, row, NOON) for row in "bad"] == [False, False, True]


def test_a_clock_that_is_set_back_does_not_keep_it_shut() -> None:
    breakers = CircuitBreakers(failures=1, seconds=60)
    breakers.record_failure(ZENTRAL, "a", NOON)

    assert breakers.allow_attempt(ZENTRAL, NOON - timedelta(hours=3))


def test_places() -> None:
    slots = RouteSlots(3, 2)
    slots.take_slot(ZENTRAL)
    slots.take_slot(ZENTRAL)
    assert (slots.free_slots, slots.full_routes, slots.has_room(ZENTRAL)) == (1, {ZENTRAL}, False)
    slots.take_slot(ZENTRAL)  # a person waits for this one
    slots.take_slot(ZENTRAL)
    assert slots.free_slots == 0
    for _ in range(4):
        slots.release_slot(ZENTRAL)
    assert (slots.free_slots, slots.full_routes) == (3, frozenset())


# --- options ---------------------------------------------------------------------------------------------


def test_settings_are_the_options_and_a_lease_outlasts_a_handler() -> None:
    wanted = dict.fromkeys(OutboxSettings.model_fields, 7)

    found = OutboxOptions.from_settings(OutboxSettings(**wanted))  # type: ignore[arg-type]

    assert {name: getattr(found, name) for name in wanted} == wanted
    assert OutboxOptions.from_settings(OutboxSettings()) == OutboxOptions()
    for handler in (1, 60, 3600):
        assert OutboxOptions(handler_seconds=handler).lease >= seconds(handler + 60)


@pytest.mark.parametrize(
    ("tries", "error", "expected"),
    [
        (1, "", False),
        (2, "", True),  # the gateway stopped in its midst
        (2, "outcome unknown (1): no answer", True),
        (2, "unavailable (1): nobody there", False),
        (3, "internal error (2): ValueError (see the log)", True),
        (3, "unavailable (2): nobody there", False),
        (3, "unavailable (1): nobody there", True),  # the first try had no answer
        (1, "unavailable (50): nobody there", False),  # staff have released it
        (1, "outcome unknown (50): no answer", True),
        (1, "refused: invalid-value: No such title.", False),
    ],
)
def test_whether_an_earlier_try_may_have_arrived(tries: int, error: str, expected: bool) -> None:
    assert can_have_arrived(tries, error) is expected


@pytest.mark.parametrize(
    ("tries", "error", "kept"),
    [
        (0, "", None),
        (50, "unavailable (50): nobody there", None),
        (1, "refused: invalid-value: No such title.", None),
        (50, "outcome unknown (50): no answer", "outcome unknown (50): no answer"),
        (3, "internal error (3): ValueError (see the log)", "internal error (3): ValueError (see the log)"),
        (50, "unavailable (49): nobody there", "outcome unknown (1): an earlier attempt may have succeeded"),
        (51, NEVER_ENDED, NEVER_ENDED),
    ],
)
def test_what_a_released_row_keeps_of_its_tries(tries: int, error: str, kept: str | None) -> None:
    """Whatever the first tries after it come to, the row is known as one that may have arrived."""
    assert find_unknown_try(replace(a_row("partner"), tries=tries, error=error)) == kept
    if kept is not None:
        assert can_have_arrived(2, kept)
        assert can_have_arrived(3, "unavailable (1): nobody there")


@pytest.mark.parametrize(
    ("error", "replaced"),
    [
        ("", ""),
        ("unavailable (50): nobody there: Berg", "unavailable (50): gone"),
        ("outcome unknown (2): Berg", "outcome unknown (2): gone"),
        ("internal error (3): ValueError: Berg", "internal error (3): gone"),
        ("refused: invalid-value: No such patron: Berg", "refused: invalid-value: gone"),
        ("Berg", "gone"),
    ],
)
def test_an_error_with_another_report_means_the_same(error: str, replaced: str) -> None:
    assert replace_report(error, "gone") == replaced
    assert can_have_arrived(3, replaced) == can_have_arrived(3, error)
