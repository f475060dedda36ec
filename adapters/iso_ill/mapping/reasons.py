"""Reason codes beside our words. Each list of the standard has its own table, both ways; what has no code goes out as
`other`, what has no word comes in as `other` with the code's name in the note."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum

from adapters.iso_ill.messages.codes import (
    ReasonConditional,
    ReasonRetry,
    ReasonUnfilled,
    ServiceType,
    ShippedConditions,
)
from gateway.domain.requests.events import Condition, Reasons

_U, _R, _C, _S = ReasonUnfilled, ReasonRetry, ReasonConditional, ShippedConditions

UNFILLED_IN: Mapping[ReasonUnfilled, Reasons] = {
    _U.IN_USE_ON_LOAN: Reasons.ON_LOAN,
    _U.IN_PROCESS: Reasons.NOT_AVAILABLE,
    _U.LOST: Reasons.NOT_HELD,
    _U.NON_CIRCULATING: Reasons.NON_CIRCULATING,
    _U.NOT_OWNED: Reasons.NOT_HELD,
    _U.ON_ORDER: Reasons.ON_ORDER,
    _U.VOLUME_ISSUE_NOT_YET_AVAILABLE: Reasons.NOT_AVAILABLE,
    _U.AT_BINDERY: Reasons.AT_BINDERY,
    _U.LACKING: Reasons.NOT_ON_SHELF,
    _U.NOT_ON_SHELF: Reasons.NOT_ON_SHELF,
    _U.ON_RESERVE: Reasons.NON_CIRCULATING,
    _U.POOR_CONDITION: Reasons.POOR_CONDITION,
    _U.COST_EXCEEDS_LIMIT: Reasons.COST,
    _U.CHARGES: Reasons.COST,
    _U.PREPAYMENT_REQUIRED: Reasons.COST,
    _U.LACKS_COPYRIGHT_COMPLIANCE: Reasons.COPYRIGHT,
    _U.NOT_FOUND_AS_CITED: Reasons.NOT_FOUND_AS_CITED,
    _U.LOCATIONS_NOT_FOUND: Reasons.NOT_HELD,
    _U.ON_HOLD: Reasons.HAS_REQUESTS,
    _U.POLICY_PROBLEM: Reasons.POLICY,
    _U.MANDATORY_MESSAGING_NOT_SUPPORTED: Reasons.OTHER,
    _U.EXPIRY_NOT_SUPPORTED: Reasons.OTHER,
    _U.REQUESTED_DELIVERY_SERVICES_NOT_SUPPORTED: Reasons.OTHER,
    _U.PREFERRED_DELIVERY_TIME_NOT_POSSIBLE: Reasons.NEED_BY_NOT_MET,
    _U.OTHER: Reasons.OTHER,
    _U.RESPONDER_SPECIFIC: Reasons.OTHER,
}
UNFILLED_OUT: Mapping[Reasons, ReasonUnfilled] = {
    Reasons.NOT_HELD: _U.NOT_OWNED,
    Reasons.NOT_ON_SHELF: _U.NOT_ON_SHELF,
    Reasons.NOT_AVAILABLE: _U.IN_PROCESS,
    Reasons.NON_CIRCULATING: _U.NON_CIRCULATING,
    Reasons.POLICY: _U.POLICY_PROBLEM,
    Reasons.POOR_CONDITION: _U.POOR_CONDITION,
    Reasons.ON_LOAN: _U.IN_USE_ON_LOAN,
    Reasons.ON_ORDER: _U.ON_ORDER,
    Reasons.AT_BINDERY: _U.AT_BINDERY,
    Reasons.COST: _U.COST_EXCEEDS_LIMIT,
    Reasons.NOT_FOUND_AS_CITED: _U.NOT_FOUND_AS_CITED,
    Reasons.CONDITION_REFUSED: _U.OTHER,
    Reasons.COPYRIGHT: _U.LACKS_COPYRIGHT_COMPLIANCE,
    Reasons.OVERLOADED: _U.POLICY_PROBLEM,
    Reasons.CLOSED: _U.POLICY_PROBLEM,
    Reasons.NEED_BY_NOT_MET: _U.PREFERRED_DELIVERY_TIME_NOT_POSSIBLE,
    Reasons.HAS_REQUESTS: _U.ON_HOLD,
    Reasons.RENEWAL_LIMIT: _U.OTHER,
    Reasons.OTHER: _U.OTHER,
}
RETRY_IN: Mapping[ReasonRetry, Reasons] = {
    _R.IN_USE_ON_LOAN: Reasons.ON_LOAN,
    _R.IN_PROCESS: Reasons.NOT_AVAILABLE,
    _R.ON_ORDER: Reasons.ON_ORDER,
    _R.VOLUME_ISSUE_NOT_YET_AVAILABLE: Reasons.NOT_AVAILABLE,
    _R.AT_BINDERY: Reasons.AT_BINDERY,
    _R.COST_EXCEEDS_LIMIT: Reasons.COST,
    _R.CHARGES: Reasons.COST,
    _R.PREPAYMENT_REQUIRED: Reasons.COST,
    _R.LACKS_COPYRIGHT_COMPLIANCE: Reasons.COPYRIGHT,
    _R.NOT_FOUND_AS_CITED: Reasons.NOT_FOUND_AS_CITED,
    _R.ON_HOLD: Reasons.HAS_REQUESTS,
    _R.OTHER: Reasons.OTHER,
    _R.RESPONDER_SPECIFIC: Reasons.OTHER,
}
RETRY_OUT: Mapping[Reasons, ReasonRetry] = {
    Reasons.ON_LOAN: _R.IN_USE_ON_LOAN,
    Reasons.NOT_AVAILABLE: _R.IN_PROCESS,
    Reasons.ON_ORDER: _R.ON_ORDER,
    Reasons.AT_BINDERY: _R.AT_BINDERY,
    Reasons.COST: _R.COST_EXCEEDS_LIMIT,
    Reasons.COPYRIGHT: _R.LACKS_COPYRIGHT_COMPLIANCE,
    Reasons.NOT_FOUND_AS_CITED: _R.NOT_FOUND_AS_CITED,
    Reasons.HAS_REQUESTS: _R.ON_HOLD,
}
"""The other reasons are `other` here, with our word in the note."""

CONDITION_IN: Mapping[ReasonConditional, Condition] = {
    _C.COST_EXCEEDS_LIMIT: Condition.COST,
    _C.CHARGES: Condition.COST,
    _C.PREPAYMENT_REQUIRED: Condition.COST,
    _C.LACKS_COPYRIGHT_COMPLIANCE: Condition.OTHER,
    _C.LIBRARY_USE_ONLY: Condition.LIBRARY_USE_ONLY,
    _C.NO_REPRODUCTION: Condition.NO_REPRODUCTION,
    _C.CLIENT_SIGNATURE_REQUIRED: Condition.SIGNATURE_REQUIRED,
    _C.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED: Condition.SUPERVISED,
    _C.OTHER: Condition.OTHER,
    _C.RESPONDER_SPECIFIC: Condition.OTHER,
    _C.PROPOSED_DELIVERY_SERVICE: Condition.OTHER,
}
CONDITION_OUT: Mapping[Condition, ReasonConditional] = {
    Condition.LIBRARY_USE_ONLY: _C.LIBRARY_USE_ONLY,
    Condition.NO_REPRODUCTION: _C.NO_REPRODUCTION,
    Condition.SIGNATURE_REQUIRED: _C.CLIENT_SIGNATURE_REQUIRED,
    Condition.SUPERVISED: _C.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED,
    Condition.WATCHED: _C.LIBRARY_USE_ONLY,
    Condition.NO_RENEWAL: _C.OTHER,
    Condition.COST: _C.COST_EXCEEDS_LIMIT,
    Condition.OTHER: _C.OTHER,
}
SHIPPED_CONDITION_IN: Mapping[ShippedConditions, Condition] = {
    _S.LIBRARY_USE_ONLY: Condition.LIBRARY_USE_ONLY,
    _S.NO_REPRODUCTION: Condition.NO_REPRODUCTION,
    _S.CLIENT_SIGNATURE_REQUIRED: Condition.SIGNATURE_REQUIRED,
    _S.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED: Condition.SUPERVISED,
    _S.OTHER: Condition.OTHER,
}
SHIPPED_CONDITION_OUT: Mapping[Condition, ShippedConditions] = {
    Condition.LIBRARY_USE_ONLY: _S.LIBRARY_USE_ONLY,
    Condition.NO_REPRODUCTION: _S.NO_REPRODUCTION,
    Condition.SIGNATURE_REQUIRED: _S.CLIENT_SIGNATURE_REQUIRED,
    Condition.SUPERVISED: _S.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED,
    Condition.WATCHED: _S.LIBRARY_USE_ONLY,
    Condition.NO_RENEWAL: _S.OTHER,  # the due date says it: renewable false
    Condition.COST: _S.OTHER,
    Condition.OTHER: _S.OTHER,
}
EXACT = frozenset(
    {
        Condition.LIBRARY_USE_ONLY,
        Condition.NO_REPRODUCTION,
        Condition.SIGNATURE_REQUIRED,
        Condition.SUPERVISED,
        Condition.COST,
    }
)
"""Conditions whose code says all; the others need a word in the note."""


def word_of(reason: str) -> Reasons | None:
    """One of ours, or None for a word of someone else."""
    return Reasons(reason) if reason in {one.value for one in Reasons} else None


def name_of_code(code: IntEnum | int) -> str:
    """`not-owned`; for a number that the list doesn't have, `code 99`."""
    return code.name.lower().replace("_", "-") if isinstance(code, IntEnum) else f"code {code}"


COPIES = frozenset({ServiceType.COPY_NON_RETURNABLE})
