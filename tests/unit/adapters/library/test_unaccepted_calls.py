"""Calls that a library system does not accept: who hears what of them, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from adapters.library.rest_answer import RestCall, make_json_call
from adapters.library.unaccepted_calls import MAX_CALLS, UnacceptedCalls
from gateway.domain.clock import FixedClock
from gateway.domain.problems import RefusalReason

NOW = datetime(2026, 11, 30, 9, 15, tzinfo=UTC)
ASK = RestCall(method="GET", path=("patrons", "4711"), title="/patrons/{id}", query={"card": "P-77", "n": "1"})


@pytest.fixture
def calls() -> UnacceptedCalls:
    return UnacceptedCalls(FixedClock(NOW))


def test_operators_hear_the_call_and_the_words_and_partners_neither(calls: UnacceptedCalls) -> None:
    refused = calls.refuse_call(ASK, 400, "/query/card: Malformed query string")

    assert refused.reason is RefusalReason.CALL_NOT_ACCEPTED
    assert refused.internal == "GET /patrons/{id}: HTTP 400: /query/card: Malformed query string"
    assert "query" not in refused.detail
    assert "does not help" in refused.detail
    assert calls.alerts == (f"call not accepted since 2026-11-30 09:15 UTC: {refused.internal}",)


def test_what_was_sent_is_not_quoted(calls: UnacceptedCalls) -> None:
    sent = make_json_call("POST", ("patrons",), {"surname": "Løvås", "phones": [{"number": 5550100}], "card": "P-77"})

    assert calls.refuse_call(ASK, 404, "no P-77 and no 4711, page 1").internal.endswith("no … and no …, page 1")
    assert calls.refuse_call(sent, 400, "Løvås (5550100) has P-77").internal.endswith("… (…) has …")


def test_another_patrons_number_is_not_quoted_and_an_error_code_is(calls: UnacceptedCalls) -> None:
    refused = calls.refuse_call(ASK, 400, "on loan to 21000000000025 (401861)")

    assert refused.internal.endswith("on loan to … (401861)")
    assert "21000000000025" not in str(calls.alerts)


def test_an_alert_stays_until_the_call_is_accepted(calls: UnacceptedCalls) -> None:
    calls.refuse_call(ASK, 403, "no permission")
    calls.refuse_call(ASK, 403, "no permission")
    calls.note_accepted(RestCall(method="GET", path=("items",)))
    assert len(calls.alerts) == 1

    calls.note_accepted(ASK)
    assert calls.alerts == ()


def test_alerts_do_not_grow_without_end(calls: UnacceptedCalls) -> None:
    for number in range(MAX_CALLS + 10):
        calls.refuse_call(RestCall(method="GET", path=(f"list-{number}",)), 404, "not found")

    assert len(calls.alerts) == MAX_CALLS
