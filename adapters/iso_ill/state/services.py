"""What the state tables are keyed by: an APDU, what it answers, and its direction as seen by the table's side.

In words, as profiles write them: `ill-answer/unfilled`, `cancel-reply/yes`, `recall`; those that either side sends with
their direction behind them, `lost ind`, `lost req` (facts/iso-ill-10161.md section 9: ind came in, req went out).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from adapters.iso_ill.messages import Apdu, CancelReply, ConditionalReply, IllAnswer, RenewAnswer
from adapters.iso_ill.messages.codes import ApduType, Results
from gateway.domain.frozen import frozen
from gateway.domain.requests.request import Role


class Direction(StrEnum):
    REQ = "req"
    IND = "ind"


@frozen
class Service:
    apdu: ApduType
    direction: Direction
    result: str = ""  # of an ILL-Answer its result, of other answers yes or no

    def __str__(self) -> str:
        name = _name(self.apdu) + (f"/{self.result}" if self.result else "")
        return f"{name} {self.direction.value}" if self.apdu in FROM_EITHER else name


FROM_REQUESTER = frozenset(
    {
        ApduType.ILL_REQUEST,
        ApduType.CONDITIONAL_REPLY,
        ApduType.CANCEL,
        ApduType.RECEIVED,
        ApduType.RETURNED,
        ApduType.RENEW,
    }
)
FROM_EITHER = frozenset(
    {
        ApduType.LOST,
        ApduType.DAMAGED,
        ApduType.MESSAGE,
        ApduType.STATUS_QUERY,
        ApduType.STATUS_OR_ERROR_REPORT,
    }
)
FROM_RESPONDER = frozenset(ApduType) - FROM_REQUESTER - FROM_EITHER

ALWAYS = frozenset({ApduType.MESSAGE, ApduType.STATUS_QUERY, ApduType.STATUS_OR_ERROR_REPORT})
"""Legal in every state but IDLE, and change none: no table names them."""

_YES_NO = ("yes", "no")
RESULTS: dict[ApduType, tuple[str, ...]] = {
    ApduType.ILL_ANSWER: tuple(one.name.lower().replace("_", "-") for one in Results),
    ApduType.CONDITIONAL_REPLY: _YES_NO,
    ApduType.CANCEL_REPLY: _YES_NO,
    ApduType.RENEW_ANSWER: _YES_NO,
}


def direction_of(apdu: ApduType, role: Role) -> Direction | None:
    """As the side of this role sees it; None for what either side sends."""
    if apdu in FROM_EITHER:
        return None
    return Direction.REQ if (apdu in FROM_REQUESTER) is (role is Role.BORROWING) else Direction.IND


def came(apdu: Apdu) -> Service | None:
    """What the receiver's table calls it; None for an answer of a kind that the standard doesn't have."""
    match apdu:
        case IllAnswer():
            if not isinstance(apdu.results, Results):
                return None
            return Service(apdu.type, Direction.IND, apdu.results.name.lower().replace("_", "-"))
        case ConditionalReply() | CancelReply() | RenewAnswer():
            return Service(apdu.type, Direction.IND, "yes" if apdu.answer else "no")
    return Service(apdu.type, Direction.IND)


def services_of(role: Role) -> Iterator[Service]:
    """All that can stand in the table of this side."""
    for apdu in ApduType:
        if apdu in ALWAYS:
            continue
        found = direction_of(apdu, role)
        for direction in (found,) if found is not None else tuple(Direction):
            for result in RESULTS.get(apdu, ("",)):
                yield Service(apdu, direction, result)


def services_named(word: str, role: Role) -> tuple[Service, ...]:
    """Those that a word of a profile means: `ill-answer` all its results, `lost` both directions. Raises ValueError."""
    known = tuple(services_of(role))
    wanted = " ".join(word.split()).lower()
    found = tuple(one for one in known if wanted in _words(one))
    if not found:
        words = ", ".join(dict.fromkeys(map(str, known)))
        raise ValueError(f"no service that changes a state is called {word}; there are: {words}")
    return found


def _words(service: Service) -> tuple[str, ...]:
    name = _name(service.apdu)
    whole = f"{name}/{service.result}" if service.result else name
    return (name, whole, f"{name} {service.direction.value}", f"{whole} {service.direction.value}")


def _name(apdu: ApduType) -> str:
    return apdu.name.lower().replace("_", "-")
