"""The protocol's state tables beside the domain's, cell by cell: where an APDU leads in each. Where they differ on
purpose it stands here, with the reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from adapters.iso_ill.mapping.reports import ill_state_of_request
from adapters.iso_ill.messages.codes import ApduType as A
from adapters.iso_ill.messages.codes import CurrentState as S
from adapters.iso_ill.state_rules import AT_ONCE, ATTEMPTS
from adapters.iso_ill.state_tables import (
    IDLE,
    RESPONDER,
    TABLES,
    ServiceDirection,
    ServicePrimitive,
    list_services,
    states_of,
)
from gateway.domain.requests.events import Event, EventDetails, EventKind, local_signal, partner_signal
from gateway.domain.requests.request import (
    AttemptStatus,
    BorrowingState,
    LendingState,
    Request,
    RequestFlag,
    Role,
    ServiceType,
)
from gateway.domain.requests.state_machine import Denied, compute_transition
from tests.support.requests import DUE, START, attempt, borrowing, lending, workflow
from tests.unit.adapters.iso_ill.iso_world import IsoWorld
from tests.unit.domain.requests.test_joined import OURS, THEIRS, JoinedLibraries

B, L = Role.BORROWING, Role.LENDING
PROHIBITED = "prohibited"

DIFFERENT: dict[tuple[Role, S, str], tuple[str, str]] = {
    # The end is called after its beginning: what we cancel is cancelled, however the supplier says that nothing comes.
    **{(B, S.CANCEL_PENDING, f"ill-answer/{one}"): ("NOT_SUPPLIED", "CANCELLED") for one in ("estimate", "unfilled")},
    **{
        (B, S.CANCEL_PENDING, f"ill-answer/{one}"): ("NOT_SUPPLIED", "CANCELLED")
        for one in ("retry", "locations-provided")
    },
    (B, S.CANCEL_PENDING, "expired"): ("NOT_SUPPLIED", "CANCELLED"),
    # What was lost before it was sent is no loss of ours.
    (B, S.PENDING, "lost ind"): ("LOST", "NOT_SUPPLIED"),
    (B, S.CONDITIONAL, "lost ind"): ("LOST", "NOT_SUPPLIED"),
    (B, S.CANCEL_PENDING, "lost ind"): ("LOST", "CANCELLED"),
    # Not wanted any more, though it was sent: nobody is told, it goes back.
    **{
        (B, state, "cancel"): (PROHIBITED, state.name)
        for state in (
            S.SHIPPED,
            S.RENEW_PENDING,
            S.NOT_RECEIVED_OVERDUE,
            S.RENEW_OVERDUE,
            S.RECALL,
            S.RECEIVED,
            S.OVERDUE,
        )
    },
    # An item is here, whatever was agreed.
    (B, S.CANCEL_PENDING, "received"): (PROHIBITED, "RECEIVED"),
    (B, S.CONDITIONAL, "received"): (PROHIBITED, "RECEIVED"),
    # A further volume has come, which was added to the request after the first was here.
    (B, S.RECEIVED, "received"): (PROHIBITED, "RECEIVED"),
    (B, S.OVERDUE, "received"): (PROHIBITED, "OVERDUE"),
    # Said twice by a person. Between suppliers nobody is told.
    (B, S.CANCEL_PENDING, "cancel"): (PROHIBITED, "CANCEL_PENDING"),
    (B, S.CANCELLED, "cancel"): (PROHIBITED, "CANCELLED"),
    (B, S.NOT_SUPPLIED, "cancel"): (PROHIBITED, "CANCELLED"),
    # Lost on its way back, says the borrower.
    (B, S.RETURNED, "lost req"): (PROHIBITED, "LOST"),
    # A renewal is asked for what was received; these requests have it pending only by force.
    (B, S.RENEW_PENDING, "renew-answer/yes"): ("RECEIVED", "kept"),
    (B, S.RENEW_PENDING, "renew-answer/no"): ("RECEIVED", "kept"),
    (B, S.RENEW_OVERDUE, "renew-answer/yes"): ("RECEIVED", "kept"),
    (B, S.RENEW_OVERDUE, "renew-answer/no"): ("OVERDUE", "kept"),
    (B, S.RENEW_PENDING, "received"): (PROHIBITED, "RENEW_PENDING"),
    (B, S.RENEW_OVERDUE, "received"): (PROHIBITED, "RENEW_OVERDUE"),
    # What is over isn't cancelled: a report of the prohibited transition says so, where the domain would answer.
    (L, S.CHECKED_IN, "cancel"): (PROHIBITED, "CHECKED_IN"),
    (L, S.FORWARD, "cancel"): (PROHIBITED, "FORWARD"),
    (L, S.LOST, "cancel"): (PROHIBITED, "LOST"),
    # A second Renew while the first is open.
    (L, S.RENEW_PENDING, "renew"): (PROHIBITED, "RENEW_PENDING"),
    (L, S.RENEW_OVERDUE, "renew"): (PROHIBITED, "RENEW_OVERDUE"),
    # The borrower has sent it back: there is nothing to be renewed.
    (L, S.SHIPPED, "renew"): ("RENEW_PENDING", PROHIBITED),
    # Locations go out as an unfilled answer.
    (L, S.CANCEL_PENDING, "ill-answer/locations-provided"): (PROHIBITED, "NOT_SUPPLIED"),
    # Corrected details of a loan that runs.
    **{
        (L, state, "shipped"): (PROHIBITED, state.name)
        for state in (S.OVERDUE, S.RECALL, S.RENEW_PENDING, S.RENEW_OVERDUE)
    },
}
"""Side, state and service: next state by the protocol's table, and by ours."""

_ANSWERS = {
    "conditional": EventKind.CONDITIONAL,
    "retry": EventKind.RETRY,
    "unfilled": EventKind.UNFILLED,
    "locations-provided": EventKind.UNFILLED,
    "will-supply": EventKind.WILL_SUPPLY,
    "hold-placed": EventKind.HOLD_PLACED,
    "estimate": EventKind.RETRY,
}
_YES_NO = {
    A.CONDITIONAL_REPLY: (EventKind.CONDITION_ACCEPTED, EventKind.CONDITION_REFUSED),
    A.CANCEL_REPLY: (EventKind.CANCEL_ACCEPTED, EventKind.CANCEL_REFUSED),
    A.RENEW_ANSWER: (EventKind.RENEW_ACCEPTED, EventKind.RENEW_REFUSED),
}
_OTHERS = {A.ILL_REQUEST: EventKind.REQUEST, A.FORWARD_NOTIFICATION: EventKind.FORWARDED}


def kind_of(service: ServicePrimitive) -> EventKind:
    if service.apdu is A.ILL_ANSWER:
        return _ANSWERS[service.result]
    if service.apdu in _YES_NO:
        return _YES_NO[service.apdu][service.result == "no"]
    return _OTHERS.get(service.apdu) or EventKind(service.apdu.name.lower().replace("_", "-"))


_ATTEMPTS = {
    BorrowingState.CONDITIONAL: AttemptStatus.CONDITIONAL,
    BorrowingState.WILL_SUPPLY: AttemptStatus.WILL_SUPPLY,
    BorrowingState.HOLD_PLACED: AttemptStatus.HOLD_PLACED,
    **dict.fromkeys(
        (
            BorrowingState.SHIPPED,
            BorrowingState.RECEIVED,
            BorrowingState.LENT,
            BorrowingState.BACK,
            BorrowingState.RETURNED,
        ),
        AttemptStatus.SHIPPED,
    ),
    **dict.fromkeys(
        (BorrowingState.SOURCING, BorrowingState.NO_SUPPLIER, BorrowingState.UNFILLED), AttemptStatus.UNFILLED
    ),
    BorrowingState.COMPLETED: AttemptStatus.COMPLETED,
    BorrowingState.CANCELLED: AttemptStatus.CANCELLED,
    BorrowingState.EXPIRED: AttemptStatus.EXPIRED,
    BorrowingState.LOST: AttemptStatus.LOST,
}
_FLAGS = (
    frozenset[RequestFlag](),
    frozenset({RequestFlag.RENEWAL_PENDING}),
    frozenset({RequestFlag.OVERDUE}),
    frozenset({RequestFlag.OVERDUE, RequestFlag.RENEWAL_PENDING}),
    frozenset({RequestFlag.RECALLED}),
)
_ON_LOAN = (BorrowingState.SHIPPED, BorrowingState.RECEIVED, BorrowingState.LENT, BorrowingState.BACK)


def requests(role: Role) -> Iterator[Request]:
    """In every state of ours, on loan with everything that stands beside the state."""
    if role is L:
        for state in LendingState:
            for flags in _FLAGS if state is LendingState.SHIPPED else _FLAGS[:1]:
                yield lending(state, flags=flags, item_barcode="31000000000042")
        return
    for own in BorrowingState:
        for flags in _FLAGS if own in _ON_LOAN else _FLAGS[:1]:
            asked = attempt(status=_ATTEMPTS.get(own, AttemptStatus.ASKED))
            yield borrowing(own, flags=flags, attempts=(asked,), current=1)


def ours(request: Request, service: ServicePrimitive) -> S | str:
    """Where the domain's table leads."""
    signal = (partner_signal if service.direction is ServiceDirection.IND else local_signal)(kind_of(service))
    outcome = compute_transition(
        request, Event(signal, START, details=EventDetails(due=DUE, partner="kyoto")), workflow()
    )
    if isinstance(outcome, Denied):
        return PROHIBITED
    return "kept" if outcome.kept else transaction_of(outcome.request)


def transaction_of(request: Request) -> S:
    """Of a supplier that had sent it, where another is asked."""
    sent = (AttemptStatus.EXTRA_RETURNED, AttemptStatus.LOST, AttemptStatus.COMPLETED)
    if request.state is BorrowingState.SOURCING and request.attempt is not None and request.attempt.status in sent:
        return ATTEMPTS[request.attempt.status]
    return ill_state_of_request(request)


def agree(role: Role, before: S, service: ServicePrimitive, theirs: S | None, our: S | str) -> bool:
    if our == PROHIBITED:
        return theirs is None or service.direction is ServiceDirection.REQ  # we needn't say all that we may
    if our == "kept":
        return theirs is None or theirs is before
    if theirs is None:
        return False
    at_once = {TABLES[role][theirs].get(answer) for answer in AT_ONCE.get(service.apdu, ())}
    return our is theirs or our in at_once


def test_the_tables_differ_only_where_it_is_said() -> None:
    found: dict[tuple[Role, S, str], tuple[str, str]] = {}
    for role in Role:
        for request in requests(role):
            before = ill_state_of_request(request)
            for service in list_services(role):
                if before is IDLE or service.apdu is A.ILL_REQUEST:
                    continue
                theirs, our = TABLES[role][before].get(service), ours(request, service)
                if not agree(role, before, service, theirs, our):
                    said = (theirs.name if theirs is not None else PROHIBITED, our.name if isinstance(our, S) else our)
                    found[role, before, str(service)] = said

    assert found == DIFFERENT


@pytest.mark.parametrize("role", Role)
def test_every_state_of_ours_is_one_of_the_table(role: Role) -> None:
    assert {ill_state_of_request(request) for request in requests(role)} == set(states_of(role)) - (
        {IDLE} if role is L else set()
    )


@pytest.mark.parametrize("role", Role)
def test_services_go_where_the_table_says_they_go(role: Role) -> None:
    known, states = set(list_services(role)), set(states_of(role))

    for row in TABLES[role].values():
        assert set(row) <= known
        assert set(row.values()) <= states


def test_nothing_comes_after_forwarding() -> None:
    assert RESPONDER[S.FORWARD] == {}


# --- two libraries with the protocol's tables between them -------------------------------------------------


class JoinedByIso(JoinedLibraries):
    """Whatever happens, and in whatever order APDUs come: what our side says is what the other side's table allows, or
    both ends agree all the same."""

    @initialize(service=st.sampled_from(ServiceType), mediated=st.booleans(), ours=OURS, theirs=THEIRS)
    def begin(self, service: ServiceType, mediated: bool, ours: dict[str, object], theirs: dict[str, object]) -> None:
        self.world = IsoWorld.begun(service, mediated, workflow(borrowing=ours), workflow(lending=theirs))
        self.world.us(0, EventKind.SUBMIT)

    def teardown(self) -> None:
        super().teardown()
        if hasattr(self, "world"):
            assert isinstance(self.world, IsoWorld)
            assert set(self.world.prohibited) <= EXPECTED_REFUSALS, self.world.story
            assert set(self.world.deviations) <= EXPECTED_DEVIATIONS, self.world.story


EXPECTED_REFUSALS = {
    "Cancel is not allowed in the state FORWARD.",  # it is somebody else's to answer
    "Damaged is not allowed in the state LOST.",  # the standard knows no way back from there
}
EXPECTED_DEVIATIONS = {
    # the supplier goes on though we asked another one: its Cancel-Reply no is kept at its attempt
    "Cancel-Reply in CANCEL-PENDING: by the table PENDING, with us CANCEL-PENDING",
    # copy or loan: what of the two an earlier supplier sent stands nowhere
    "Shipped in CANCEL-PENDING: by the table SHIPPED, with us RETURNED",
    "Shipped in CANCELLED: by the table SHIPPED, with us RETURNED",
    "Shipped in NOT-SUPPLIED: by the table SHIPPED, with us RETURNED",
    # a copy that was checked in, says a supplier of copy or loan
    "Checked-In in RECEIVED: by the table RETURNED, with us RECEIVED",
    # refused by rule at once: the condition stays open
    "Cancel in CONDITIONAL: by the table CANCEL-PENDING, with us CONDITIONAL",
}

TestJoinedByIso = JoinedByIso.TestCase
TestJoinedByIso.settings = settings(
    max_examples=120,
    stateful_step_count=40,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
