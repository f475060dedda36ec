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
from gateway.domain.requests.events import LoanCondition, ReasonCodes

_U, _R, _C, _S = ReasonUnfilled, ReasonRetry, ReasonConditional, ShippedConditions

UNFILLED_IN: Mapping[ReasonUnfilled, ReasonCodes] = {
    _U.IN_USE_ON_LOAN: ReasonCodes.ON_LOAN,
    _U.IN_PROCESS: ReasonCodes.NOT_AVAILABLE,
    _U.LOST: ReasonCodes.NOT_HELD,
    _U.NON_CIRCULATING: ReasonCodes.NON_CIRCULATING,
    _U.NOT_OWNED: ReasonCodes.NOT_HELD,
    _U.ON_ORDER: ReasonCodes.ON_ORDER,
    _U.VOLUME_ISSUE_NOT_YET_AVAILABLE: ReasonCodes.NOT_AVAILABLE,
    _U.AT_BINDERY: ReasonCodes.AT_BINDERY,
    _U.LACKING: ReasonCodes.NOT_ON_SHELF,
    _U.NOT_ON_SHELF: ReasonCodes.NOT_ON_SHELF,
    _U.ON_RESERVE: ReasonCodes.NON_CIRCULATING,
    _U.POOR_CONDITION: ReasonCodes.POOR_CONDITION,
    _U.COST_EXCEEDS_LIMIT: ReasonCodes.COST,
    _U.CHARGES: ReasonCodes.COST,
    _U.PREPAYMENT_REQUIRED: ReasonCodes.COST,
    _U.LACKS_COPYRIGHT_COMPLIANCE: ReasonCodes.COPYRIGHT,
    _U.NOT_FOUND_AS_CITED: ReasonCodes.NOT_FOUND_AS_CITED,
    _U.LOCATIONS_NOT_FOUND: ReasonCodes.NOT_HELD,
    _U.ON_HOLD: ReasonCodes.HAS_REQUESTS,
    _U.POLICY_PROBLEM: ReasonCodes.POLICY,
    _U.MANDATORY_MESSAGING_NOT_SUPPORTED: ReasonCodes.OTHER,
    _U.EXPIRY_NOT_SUPPORTED: ReasonCodes.OTHER,
    _U.REQUESTED_DELIVERY_SERVICES_NOT_SUPPORTED: ReasonCodes.OTHER,
    _U.PREFERRED_DELIVERY_TIME_NOT_POSSIBLE: ReasonCodes.NEED_BY_NOT_MET,
    _U.OTHER: ReasonCodes.OTHER,
    _U.RESPONDER_SPECIFIC: ReasonCodes.OTHER,
}
UNFILLED_OUT: Mapping[ReasonCodes, ReasonUnfilled] = {
    ReasonCodes.NOT_HELD: _U.NOT_OWNED,
    ReasonCodes.NOT_ON_SHELF: _U.NOT_ON_SHELF,
    ReasonCodes.NOT_AVAILABLE: _U.IN_PROCESS,
    ReasonCodes.NON_CIRCULATING: _U.NON_CIRCULATING,
    ReasonCodes.POLICY: _U.POLICY_PROBLEM,
    ReasonCodes.POOR_CONDITION: _U.POOR_CONDITION,
    ReasonCodes.ON_LOAN: _U.IN_USE_ON_LOAN,
    ReasonCodes.ON_ORDER: _U.ON_ORDER,
    ReasonCodes.AT_BINDERY: _U.AT_BINDERY,
    ReasonCodes.COST: _U.COST_EXCEEDS_LIMIT,
    ReasonCodes.NOT_FOUND_AS_CITED: _U.NOT_FOUND_AS_CITED,
    ReasonCodes.CONDITION_REFUSED: _U.OTHER,
    ReasonCodes.COPYRIGHT: _U.LACKS_COPYRIGHT_COMPLIANCE,
    ReasonCodes.OVERLOADED: _U.POLICY_PROBLEM,
    ReasonCodes.CLOSED: _U.POLICY_PROBLEM,
    ReasonCodes.NEED_BY_NOT_MET: _U.PREFERRED_DELIVERY_TIME_NOT_POSSIBLE,
    ReasonCodes.HAS_REQUESTS: _U.ON_HOLD,
    ReasonCodes.DUPLICATE: _U.OTHER,
    ReasonCodes.RENEWAL_LIMIT: _U.OTHER,
    ReasonCodes.OTHER: _U.OTHER,
}
RETRY_IN: Mapping[ReasonRetry, ReasonCodes] = {
    _R.IN_USE_ON_LOAN: ReasonCodes.ON_LOAN,
    _R.IN_PROCESS: ReasonCodes.NOT_AVAILABLE,
    _R.ON_ORDER: ReasonCodes.ON_ORDER,
    _R.VOLUME_ISSUE_NOT_YET_AVAILABLE: ReasonCodes.NOT_AVAILABLE,
    _R.AT_BINDERY: ReasonCodes.AT_BINDERY,
    _R.COST_EXCEEDS_LIMIT: ReasonCodes.COST,
    _R.CHARGES: ReasonCodes.COST,
    _R.PREPAYMENT_REQUIRED: ReasonCodes.COST,
    _R.LACKS_COPYRIGHT_COMPLIANCE: ReasonCodes.COPYRIGHT,
    _R.NOT_FOUND_AS_CITED: ReasonCodes.NOT_FOUND_AS_CITED,
    _R.ON_HOLD: ReasonCodes.HAS_REQUESTS,
    _R.OTHER: ReasonCodes.OTHER,
    _R.RESPONDER_SPECIFIC: ReasonCodes.OTHER,
}
RETRY_OUT: Mapping[ReasonCodes, ReasonRetry] = {
    ReasonCodes.ON_LOAN: _R.IN_USE_ON_LOAN,
    ReasonCodes.NOT_AVAILABLE: _R.IN_PROCESS,
    ReasonCodes.ON_ORDER: _R.ON_ORDER,
    ReasonCodes.AT_BINDERY: _R.AT_BINDERY,
    ReasonCodes.COST: _R.COST_EXCEEDS_LIMIT,
    ReasonCodes.COPYRIGHT: _R.LACKS_COPYRIGHT_COMPLIANCE,
    ReasonCodes.NOT_FOUND_AS_CITED: _R.NOT_FOUND_AS_CITED,
    ReasonCodes.HAS_REQUESTS: _R.ON_HOLD,
}
"""The other reasons are `other` here, with our word in the note."""

CONDITION_IN: Mapping[ReasonConditional, LoanCondition] = {
    _C.COST_EXCEEDS_LIMIT: LoanCondition.COST,
    _C.CHARGES: LoanCondition.COST,
    _C.PREPAYMENT_REQUIRED: LoanCondition.COST,
    _C.LACKS_COPYRIGHT_COMPLIANCE: LoanCondition.OTHER,
    _C.LIBRARY_USE_ONLY: LoanCondition.LIBRARY_USE_ONLY,
    _C.NO_REPRODUCTION: LoanCondition.NO_REPRODUCTION,
    _C.CLIENT_SIGNATURE_REQUIRED: LoanCondition.SIGNATURE_REQUIRED,
    _C.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED: LoanCondition.SUPERVISED,
    _C.OTHER: LoanCondition.OTHER,
    _C.RESPONDER_SPECIFIC: LoanCondition.OTHER,
    _C.PROPOSED_DELIVERY_SERVICE: LoanCondition.OTHER,
}
CONDITION_OUT: Mapping[LoanCondition, ReasonConditional] = {
    LoanCondition.LIBRARY_USE_ONLY: _C.LIBRARY_USE_ONLY,
    LoanCondition.NO_REPRODUCTION: _C.NO_REPRODUCTION,
    LoanCondition.SIGNATURE_REQUIRED: _C.CLIENT_SIGNATURE_REQUIRED,
    LoanCondition.SUPERVISED: _C.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED,
    LoanCondition.WATCHED: _C.LIBRARY_USE_ONLY,
    LoanCondition.NO_RENEWAL: _C.OTHER,
    LoanCondition.COST: _C.COST_EXCEEDS_LIMIT,
    LoanCondition.OTHER: _C.OTHER,
}
SHIPPED_CONDITION_IN: Mapping[ShippedConditions, LoanCondition] = {
    _S.LIBRARY_USE_ONLY: LoanCondition.LIBRARY_USE_ONLY,
    _S.NO_REPRODUCTION: LoanCondition.NO_REPRODUCTION,
    _S.CLIENT_SIGNATURE_REQUIRED: LoanCondition.SIGNATURE_REQUIRED,
    _S.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED: LoanCondition.SUPERVISED,
    _S.OTHER: LoanCondition.OTHER,
}
SHIPPED_CONDITION_OUT: Mapping[LoanCondition, ShippedConditions] = {
    LoanCondition.LIBRARY_USE_ONLY: _S.LIBRARY_USE_ONLY,
    LoanCondition.NO_REPRODUCTION: _S.NO_REPRODUCTION,
    LoanCondition.SIGNATURE_REQUIRED: _S.CLIENT_SIGNATURE_REQUIRED,
    LoanCondition.SUPERVISED: _S.SPECIAL_COLLECTIONS_SUPERVISION_REQUIRED,
    LoanCondition.WATCHED: _S.LIBRARY_USE_ONLY,
    LoanCondition.NO_RENEWAL: _S.OTHER,  # the due date says it: renewable false
    LoanCondition.COST: _S.OTHER,
    LoanCondition.OTHER: _S.OTHER,
}
EXACT = frozenset(
    {
        LoanCondition.LIBRARY_USE_ONLY,
        LoanCondition.NO_REPRODUCTION,
        LoanCondition.SIGNATURE_REQUIRED,
        LoanCondition.SUPERVISED,
        LoanCondition.COST,
    }
)
"""Conditions whose code says all; the others need a word in the note."""


def reason_of_word(reason: str) -> ReasonCodes | None:
    """One of ours, or None for a word of someone else."""
    return ReasonCodes(reason) if reason in {code.value for code in ReasonCodes} else None


def name_of_code(code: IntEnum | int) -> str:
    """`not-owned`; for a number that the list doesn't have, `code 99`."""
    return code.name.lower().replace("_", "-") if isinstance(code, IntEnum) else f"code {code}"


COPIES = frozenset({ServiceType.COPY_NON_RETURNABLE})
