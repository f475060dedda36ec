"""What pages say beforehand of an act is what the state machine does: messages, letters and what follows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.domain.requests.event_catalogue import BY_HAND
from gateway.domain.requests.events import Event, EventKind, local_signal
from gateway.domain.requests.partner_policy import Workflow
from gateway.domain.requests.request import Request, Role, State
from gateway.domain.requests.state_machine import (
    TABLES,
    Transition,
    compute_transition,
    list_allowed_events,
    list_effects,
    list_notifications,
)

NOW = datetime(2026, 12, 1, tzinfo=UTC)
PROBE, WORKFLOW = Event(local_signal(EventKind.NOTE), NOW), Workflow()


@pytest.mark.parametrize(("role", "state"), [(role, state) for role in Role for state in TABLES[role].states])
def test_each_act_does_what_was_foretold(role: Role, state: State) -> None:
    request = Request(library="X", id="1", role=role, state=state, number="B1", created=NOW, changed=NOW)
    for kind in list_allowed_events(request, WORKFLOW, PROBE):
        if kind not in BY_HAND:
            continue
        outcome = compute_transition(request, Event(local_signal(kind), NOW, "staff:ada"), WORKFLOW)
        assert isinstance(outcome, Transition), kind
        assert list_effects(request, kind, WORKFLOW, PROBE) == outcome.effects, kind
        assert list_notifications(request, kind, WORKFLOW, PROBE) == outcome.told, kind
