"""How a lending request stands, in the standard's words, where its state alone doesn't say it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from adapters.iso18626.mapping.supplier_messages import status_of_request
from adapters.iso18626.messages.codes import Status
from gateway.domain.requests.request import LendingState, RequestFlag
from tests.support.requests import copy_of, lending


def test_a_copy_that_is_delivered_is_no_loan_that_has_ended() -> None:
    ended = lending(LendingState.COMPLETED)

    assert status_of_request(ended) is Status.LOAN_COMPLETED
    assert status_of_request(copy_of(ended)) is Status.COPY_COMPLETED


@pytest.mark.parametrize(
    ("flags", "status"),
    [
        ({RequestFlag.OVERDUE}, Status.OVERDUE),
        ({RequestFlag.RECALLED}, Status.RECALLED),
        ({RequestFlag.OVERDUE, RequestFlag.RECALLED}, Status.RECALLED),
    ],
)
def test_a_loan_that_is_late_or_recalled(flags: set[RequestFlag], status: Status) -> None:
    shipped = replace(lending(LendingState.SHIPPED), flags=frozenset(flags))

    assert status_of_request(shipped) is status
    assert status_of_request(replace(shipped, state=LendingState.RETURNED)) is Status.LOANED
