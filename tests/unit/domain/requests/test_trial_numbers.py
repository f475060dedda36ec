"""Numbers of trials: the daemon knows those that were made with its secret for a partner, and no others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.requests.trial_numbers import is_trial_number, name_trial_run

SECRET, OTHER = b"a" * 32, b"b" * 32
NONCES = st.integers(min_value=0, max_value=2**62 - 1)


@given(NONCES)
def test_a_number_is_known_wherever_the_run_stands_in_it(nonce: int) -> None:
    run = name_trial_run(nonce, "fjordby", SECRET)
    for number in (run, f"{run}-request", f"ISIL:CLK/{run}-cancellation@FJORDBY"):
        assert is_trial_number(number, "Fjordby", SECRET)


@given(NONCES)
def test_another_partner_or_library_has_no_such_number(nonce: int) -> None:
    number = f"{name_trial_run(nonce, 'fjordby', SECRET)}-request"
    assert not is_trial_number(number, "kystby", SECRET)
    assert not is_trial_number(number, "fjordby", OTHER)


@given(NONCES, st.integers(min_value=1, max_value=12))
def test_a_changed_number_is_not_known(nonce: int, place: int) -> None:
    run = name_trial_run(nonce, "fjordby", SECRET)
    changed = run[:place] + ("0" if run[place] != "0" else "1") + run[place + 1 :]
    assert not is_trial_number(f"{changed}-request", "fjordby", SECRET)


@pytest.mark.parametrize("number", ["", "T", "CLK-B2026-00017", "T12345678-request", "Tabcdefabcdef-request"])
def test_other_numbers_are_none_of_a_trial(number: str) -> None:
    assert not is_trial_number(number, "fjordby", SECRET)


def test_of_a_long_number_no_more_than_its_beginning_is_looked_at() -> None:
    """A partner may write a message full of what looks like one."""
    run = name_trial_run(17, "fjordby", SECRET)
    assert not is_trial_number("T00000hzzzzzz-" * 20 + run, "fjordby", SECRET)


def test_a_number_is_short_enough_for_systems_that_cut_it() -> None:
    """ReShare cuts at 32 characters."""
    assert len(f"{name_trial_run(2**61, 'fjordby', SECRET)}-unknown-request") <= 32
